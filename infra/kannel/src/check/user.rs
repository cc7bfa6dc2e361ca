//! Checks of the accounts that may send (`group = sendsms-user`), and of the addresses that may connect.

use super::{Check, Finding};
use crate::file::{Conf, Group};

const NO_USER: Check = Check::fault("no-user", "every reply is refused", "sendsms knows no user");
const SAME_USER: Check = Check::fault(
    "same-user",
    "replies with this password are refused",
    "Kannel knows only one of two users with the same name",
);
const CUT: Check = Check::fault(
    "cut-replies",
    "only the first part of a long reply goes out, although sendsms accepts the whole reply",
    "max-messages of the user is the most parts of a text; the default is 1",
);
const FEW_PARTS: Check = Check::advice(
    "few-parts",
    "longer replies are cut off",
    "max-messages of the user is the most parts of a text",
);
const LOOSE: Check = Check::fault(
    "loose-parts",
    "a long reply comes as several messages, in any order, cut in the middle of words",
    "without concatenation = true, the parts have no header with which a phone can join them",
);
const OTHER_SENDER: Check = Check::fault(
    "faked-sender",
    "replies come from this number, whatever `from` says",
    "faked-sender of the user replaces the `from` of sendsms",
);
const USELESS_ALLOW: Check = Check::fault(
    "allow-without-deny",
    "every address that the list of denied addresses does not name may connect",
    "Kannel refuses only the denied addresses, and the list of allowed addresses makes exceptions from them. An empty list denies nothing",
);
const ANY_ADDRESS: Check = Check::advice(
    "any-address",
    "anybody who can reach the port and has the password can connect",
    "an address that is not denied may connect, and an empty list denies nothing",
);

pub(super) const ALL: &[Check] =
    &[NO_USER, SAME_USER, CUT, FEW_PARTS, LOOSE, OTHER_SENDER, USELESS_ALLOW, ANY_ADDRESS];

/// The number of SMS parts of our longest replies.
const PARTS: i64 = 10;

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    let users: Vec<&Group> = conf.all("sendsms-user").collect();
    let mut findings = Vec::new();
    if let (Some(smsbox), true) = (conf.the("smsbox"), users.is_empty()) {
        let mend = "add one, with username and password of sendsms_params";
        findings.push(NO_USER.at(&smsbox.place, "there is no group = sendsms-user", mend));
    }
    for (nth, user) in users.iter().enumerate() {
        findings.extend(of_user(user));
        let name = user.value("username");
        let same = users.iter().take(nth).any(|earlier| name.is_some() && earlier.value("username") == name);
        if same {
            let found = format!("another user already has username = {}", name.unwrap_or_default());
            findings.push(SAME_USER.at(&user.place_of("username"), found, "give each user its own name"));
        }
    }
    findings.extend(addresses(conf));
    findings
}

fn of_user(user: &Group) -> Vec<Finding> {
    let mut findings = Vec::new();
    let place = user.place_of("max-messages");
    match user.number("max-messages") {
        None => findings.push(CUT.at(&place, "there is no max-messages", "max-messages = 10")),
        Some(parts @ ..=1) => {
            findings.push(CUT.at(&place, format!("max-messages = {parts}"), "max-messages = 10"));
        }
        Some(parts) if parts < PARTS => {
            let found = format!(
                "max-messages = {parts}: {} GSM-7 characters, or {} UCS-2 characters",
                parts * 153,
                parts * 67
            );
            findings.push(FEW_PARTS.at(&place, found, "max-messages = 10"));
        }
        Some(_) => {}
    }
    if user.number("max-messages").is_some_and(|parts| parts > 1) && !user.is_on("concatenation") {
        let place = user.place_of("concatenation");
        findings.push(LOOSE.at(&place, "concatenation is not on", "concatenation = true"));
    }
    if let Some(sender) = user.get("faked-sender") {
        let found = format!("faked-sender = {}", sender.value);
        findings.push(OTHER_SENDER.at(
            &sender.place,
            found,
            "remove the line, and give each backend its `from`",
        ));
    }
    findings
}

/// The keys for the addresses that may connect, each with its group and with the key of the interface that it protects.
const DOORS: [(&str, &str, &str, Option<&str>); 3] = [
    ("core", "admin-allow-ip", "admin-deny-ip", Some("admin-interface")),
    ("core", "box-allow-ip", "box-deny-ip", Some("smsbox-interface")),
    ("sendsms-user", "user-allow-ip", "user-deny-ip", None),
];

fn addresses(conf: &Conf) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sendsms = conf.the("smsbox").and_then(|smsbox| smsbox.value("sendsms-interface"));
    for (kind, allow, deny, interface) in DOORS {
        for group in conf.all(kind) {
            let denied = group.value(deny);
            if denied.is_some_and(denies_all) {
                continue;
            }
            let mend = format!("{deny} = \"*.*.*.*\" beside {allow} = \"127.0.0.1\"");
            let interface = interface.map_or(sendsms, |key| group.value(key));
            if let Some(allowed) = group.get(allow) {
                let found = match denied {
                    None => format!("{allow} = {} without {deny}", allowed.value),
                    Some(denied) => format!("{allow} = {} with {deny} = \"{denied}\"", allowed.value),
                };
                findings.push(USELESS_ALLOW.at(&allowed.place, found, mend));
            } else if let Some(denied) = denied {
                findings.push(ANY_ADDRESS.at(&group.place_of(deny), format!("{deny} = \"{denied}\""), mend));
            } else if !interface.is_some_and(is_loopback) {
                findings.push(ANY_ADDRESS.at(&group.place, format!("there is no {deny}"), mend));
            }
        }
    }
    findings
}

/// Returns whether a list such as `10.0.0.1;*.*.*.*` denies every address. In a pattern of Kannel, `*` stands for one
/// part of an address.
fn denies_all(denied: &str) -> bool {
    denied.split(';').any(|pattern| pattern.trim() == "*.*.*.*")
}

/// Returns whether only this machine can connect to the interface.
pub(super) fn is_loopback(interface: &str) -> bool {
    interface == "localhost" || interface.starts_with("127.") || interface == "::1"
}
