//! Checks of bearerbox, which keeps the messages: `group = core`.

use super::{Check, Finding, Folders};
use crate::file::{Conf, Group};

const NO_STORE: Check = Check::fault(
    "no-store",
    "what bearerbox took from the operator and smsbox did not fetch yet is lost when bearerbox dies",
    "without store-location, and with a store-type but no place for it, messages are kept in memory only",
);
const MISSING_FOLDER: Check = Check::advice(
    "missing-folder",
    "without the folder of store-location bearerbox does not start; without that of dlr-spool reports are lost",
    "bearerbox makes no folders",
);
const PARTS: Check = Check::fault(
    "parts-as-messages",
    "a long message arrives as several, each handled and answered by itself",
    "with sms-combine-concatenated-mo = false parts are not put together",
);
const GIVES_UP: Check = Check::fault(
    "gives-up",
    "a reply that the operator refused for now is dropped, though sendsms had accepted it",
    "sms-resend-retry limits how often it is tried again; without it there is no limit",
);
const NO_CORE: Check = Check::fault(
    "no-core",
    "Kannel does not start",
    "bearerbox and smsbox need a group = core, in the same file or an included one",
);

pub(super) const ALL: &[Check] = &[NO_CORE, NO_STORE, MISSING_FOLDER, PARTS, GIVES_UP];

pub(super) fn check(conf: &Conf, folders: Folders) -> Vec<Finding> {
    if let Some(core) = conf.the("core") {
        return of_core(core, folders);
    }
    let mend = "include it, or begin with what `cargo run -- kannel-conf` writes";
    let first = conf.groups.first().map(|first| NO_CORE.at(&first.place, "there is no group = core", mend));
    first.into_iter().collect()
}

fn of_core(core: &Group, folders: Folders) -> Vec<Finding> {
    let mut findings = Vec::new();
    let location = core.value("store-location").or_else(|| core.value("store-file"));
    match location {
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
            let mend = "make it, for the user that Kannel runs as";
            findings.push(MISSING_FOLDER.at(
                &core.place_of("store-location"),
                format!("{folder} is not there"),
                mend,
            ));
        }
        Some(_) => {}
    }
    if core.value("sms-combine-concatenated-mo").is_some() && !core.is_on("sms-combine-concatenated-mo") {
        let found = "sms-combine-concatenated-mo is off";
        findings.push(PARTS.at(&core.place_of("sms-combine-concatenated-mo"), found, "take the line out"));
    }
    if let Some(tries) = core.number("sms-resend-retry").filter(|tries| *tries >= 0) {
        let found = format!("sms-resend-retry = {tries}");
        findings.push(GIVES_UP.at(&core.place_of("sms-resend-retry"), found, "take the line out"));
    }
    findings
}
