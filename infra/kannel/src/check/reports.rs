//! Checks of delivery reports: whether bearerbox stores the reports that it waits for.

use super::core_group::is_blank;
use super::{Check, Finding, Folders};
use crate::file::Conf;

const FORGOTTEN: Check = Check::fault(
    "forgotten-reports",
    "after a restart, the reports on earlier messages do not come",
    "dlr-storage = internal, the default, keeps the expected reports in memory only",
);
const NOWHERE: Check = Check::fault(
    "reports-nowhere",
    "Kannel does not start",
    "dlr-storage = spool needs a dlr-spool, a folder of its own",
);
const MISSING_FOLDER: Check = Check::advice(
    "missing-report-folder",
    "final reports are lost",
    "without the folder of dlr-spool, bearerbox starts but cannot store the expected reports",
);

pub(super) const ALL: &[Check] = &[FORGOTTEN, NOWHERE, MISSING_FOLDER];

pub(super) fn check(conf: &Conf, folders: Folders) -> Vec<Finding> {
    let Some(core) = conf.the("core") else { return Vec::new() };
    let place = core.place_of("dlr-storage");
    let mend = "dlr-storage = spool and dlr-spool = \"/var/spool/kannel/dlr\", a folder that exists";
    match (core.value("dlr-storage"), core.value("dlr-spool").filter(|folder| !is_blank(folder))) {
        (None, _) => vec![FORGOTTEN.at(&place, "there is no dlr-storage", mend)],
        (Some("internal"), _) => vec![FORGOTTEN.at(&place, "dlr-storage = internal", mend)],
        (Some("spool"), None) => vec![NOWHERE.at(&place, "dlr-storage = spool without dlr-spool", mend)],
        (Some("spool"), Some(folder)) if folders.miss(folder) => {
            let mend = "create it, for the user that runs Kannel";
            vec![MISSING_FOLDER.at(&core.place_of("dlr-spool"), format!("{folder} does not exist"), mend)]
        }
        _ => Vec::new(),
    }
}
