//! The problems that Kannel has while it reads the file. Unknown groups and keys need no check here: Kannel itself
//! reports them, and does not start.

use super::Group;
use crate::finding::{Check, Finding};

const STOPS: &str = "Kannel does not start";

pub(crate) const NO_EQUALS: Check =
    Check::fault("no-equals", STOPS, "every line is `key = value`, blank or a comment");
pub(crate) const NO_GROUP: Check = Check::fault(
    "no-group",
    STOPS,
    "a blank line or the end of an included file ends a group, and each group needs a line `group = …`",
);
pub(crate) const UNFINISHED_QUOTE: Check = Check::fault(
    "unfinished-quote",
    "the quote becomes part of the value, and a URL with it is never called",
    "Kannel removes quotes only if both ends of the value have one",
);
pub(crate) const INCLUDE_WORD: Check = Check::fault(
    "include-word",
    "Kannel does not read the line as it is written, and usually does not start",
    "Kannel reads each line that contains the word `include` as the command to include a file",
);
pub(crate) const UNREAD_INCLUDE: Check =
    Check::fault("unread-include", STOPS, "Kannel must find each included file, and includes it only once");
const DOUBLE_KEY: Check = Check::fault(
    "double-key",
    "the earlier line has no effect",
    "if a key is in a group twice, only the last one counts",
);
const DOUBLE_GROUP: Check = Check::fault(
    "double-group",
    "the earlier group has no effect",
    "there can be only one group of this kind, and the last one replaces the others",
);
/// The groups that may be there only once.
const SINGLE: [&str; 2] = ["core", "smsbox"];

pub(crate) const ALL: &[Check] =
    &[NO_EQUALS, NO_GROUP, UNFINISHED_QUOTE, INCLUDE_WORD, UNREAD_INCLUDE, DOUBLE_KEY, DOUBLE_GROUP];

/// Returns the problems of the groups themselves.
pub(crate) fn shape(groups: &[Group]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (nth, group) in groups.iter().enumerate() {
        let kind = group.kind.as_str();
        if SINGLE.contains(&kind) && groups.iter().skip(nth + 1).any(|later| later.kind == kind) {
            let mend = "put both groups into one";
            findings.push(DOUBLE_GROUP.at(&group.place, format!("another group = {kind} follows"), mend));
        }
        for (nth, entry) in group.entries.iter().enumerate() {
            let key = entry.key.as_str();
            if group.entries.iter().skip(nth + 1).any(|later| later.key == key) {
                let mend = "remove one of them, or begin another group there, after a blank line";
                findings.push(DOUBLE_KEY.at(&entry.place, format!("{key} is in this group again"), mend));
            }
        }
    }
    findings
}
