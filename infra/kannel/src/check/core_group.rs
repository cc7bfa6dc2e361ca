//! Checks of bearerbox, which keeps the messages: `group = core`.

use super::{Check, Finding, Folders};
use crate::file::{Conf, Group};

const NO_STORE: Check = Check::fault(
    "no-store",
    "if bearerbox dies, the messages that smsbox has not fetched yet are lost",
    "without store-location, bearerbox keeps messages in memory only, even with a store-type",
);
const MISSING_FOLDER: Check = Check::advice(
    "missing-folder",
    "without the folder of store-location, bearerbox does not start; without the folder of dlr-spool, reports are lost",
    "bearerbox creates no folders",
);
const PARTS: Check = Check::fault(
    "parts-as-messages",
    "a long message arrives as several messages, and each is handled and answered separately",
    "with sms-combine-concatenated-mo = false, Kannel does not join the parts",
);
const GIVES_UP: Check = Check::fault(
    "gives-up",
    "Kannel drops a reply that the operator refuses temporarily, although sendsms accepted it",
    "sms-resend-retry limits the number of further attempts; without it there is no limit",
);
const NO_CORE: Check = Check::fault(
    "no-core",
    "Kannel does not start",
    "bearerbox and smsbox need a group = core, in this file or in an included file",
);

const EMPTY: Check = Check::fault(
    "empty-value",
    "Kannel does not start",
    "bearerbox stops at a store-location or a dlr-storage that has an empty value",
);

pub(super) const ALL: &[Check] = &[NO_CORE, EMPTY, NO_STORE, MISSING_FOLDER, PARTS, GIVES_UP];

pub(super) fn check(conf: &Conf, folders: Folders) -> Vec<Finding> {
    if let Some(core) = conf.the("core") {
        return of_core(core, folders);
    }
    let mend = "include the file that has it, or start from a file that `cargo run -- kannel-conf` writes";
    let first = conf.groups.first().map(|first| NO_CORE.at(&first.place, "there is no group = core", mend));
    first.into_iter().collect()
}

fn of_core(core: &Group, folders: Folders) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folder = "a folder that exists, such as \"/var/spool/kannel/store\"";
    for (key, mend) in [("store-location", folder), ("store-file", folder), ("dlr-storage", "spool")] {
        if let Some(entry) = core.get(key).filter(|entry| is_blank(&entry.value)) {
            findings.push(EMPTY.at(&entry.place, format!("{key} is empty"), format!("{key} = {mend}")));
        }
    }
    let location = core.value("store-location").or_else(|| core.value("store-file"));
    match location {
        Some(folder) if is_blank(folder) => {}
        None => {
            let found = match core.value("store-type") {
                Some(kind) => format!("store-type = {kind} without store-location"),
                None => "there is no store-location".to_owned(),
            };
            let mend =
                "store-type = spool and store-location = \"/var/spool/kannel/store\", a folder that exists";
            findings.push(NO_STORE.at(&core.place_of("store-type"), found, mend));
        }
        Some(folder) if core.value("store-type") == Some("spool") && folders.miss(folder) => {
            let mend = "create it, for the user that runs Kannel";
            findings.push(MISSING_FOLDER.at(
                &core.place_of("store-location"),
                format!("{folder} does not exist"),
                mend,
            ));
        }
        Some(_) => {}
    }
    if core.value("sms-combine-concatenated-mo").is_some() && !core.is_on("sms-combine-concatenated-mo") {
        let found = "sms-combine-concatenated-mo is off";
        findings.push(PARTS.at(&core.place_of("sms-combine-concatenated-mo"), found, "remove the line"));
    }
    if let Some(tries) = core.number("sms-resend-retry").filter(|tries| *tries >= 0) {
        let found = format!("sms-resend-retry = {tries}");
        findings.push(GIVES_UP.at(&core.place_of("sms-resend-retry"), found, "remove the line"));
    }
    findings
}

/// Returns whether a value is empty. To Kannel, a key with an empty value is there.
pub(super) fn is_blank(value: &str) -> bool {
    value.trim().is_empty()
}
