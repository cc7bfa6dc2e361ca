//! Checks of delivery reports: whether bearerbox stores the reports that it waits for.

use super::{Check, Finding, Folders};
use crate::file::Conf;

const FORGOTTEN: Check = Check::fault(
    "forgotten-reports",
    "the reports of all messages that were sent before a restart never come",
    "dlr-storage = internal, the default, keeps what it waits for in memory",
);
const NOWHERE: Check = Check::fault(
    "reports-nowhere",
    "Kannel does not start",
    "dlr-storage = spool needs a dlr-spool, a folder of its own",
);
const MISSING_FOLDER: Check = Check::advice(
    "missing-report-folder",
    "final reports are lost",
    "bearerbox starts without the folder of dlr-spool, and cannot write down what it waits for",
);

pub(super) const ALL: &[Check] = &[FORGOTTEN, NOWHERE, MISSING_FOLDER];

pub(super) fn check(conf: &Conf, folders: Folders) -> Vec<Finding> {
    let Some(core) = conf.the("core") else { return Vec::new() };
    let place = core.place_of("dlr-storage");
    let mend = "dlr-storage = spool and dlr-spool = \"/var/spool/kannel/dlr\", a folder that exists";
    match (core.value("dlr-storage"), core.value("dlr-spool")) {
        (None, _) => vec![FORGOTTEN.at(&place, "there is no dlr-storage", mend)],
        (Some("internal"), _) => vec![FORGOTTEN.at(&place, "dlr-storage = internal", mend)],
        (Some("spool"), None) => vec![NOWHERE.at(&place, "dlr-storage = spool without dlr-spool", mend)],
        (Some("spool"), Some(folder)) if folders.miss(folder) => {
            let mend = "make it, for the user that Kannel runs as";
            vec![MISSING_FOLDER.at(&core.place_of("dlr-spool"), format!("{folder} is not there"), mend)]
        }
        _ => Vec::new(),
    }
}
