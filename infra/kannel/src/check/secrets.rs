//! Checks of passwords that give no protection.

use super::user::is_loopback;
use super::{Check, Finding};
use crate::PLACEHOLDER;
use crate::file::{Conf, Group};

const LEFT: Check = Check::fault(
    "placeholder",
    "replies and requests are refused",
    "`cargo run -- kannel-conf` did not know this value or must not print it: you must fill it in",
);
const WELL_KNOWN: Check = Check::advice(
    "well-known-password",
    "anybody who can reach the port can send messages or stop Kannel",
    "the password is in documentation, or too short to resist guessing",
);

pub(super) const ALL: &[Check] = &[LEFT, WELL_KNOWN];

/// The passwords in Kannel's documentation and in ours.
const KNOWN: [&str; 10] =
    ["change-me", "foo", "bar", "foobar", "barfoo", "tester", "test", "password", "secret", "kannel"];

/// The shortest length of a password that nobody can guess over a network.
const SHORTEST: usize = 12;

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in &conf.groups {
        for entry in group.entries.iter().filter(|entry| entry.value.contains(PLACEHOLDER)) {
            findings.push(LEFT.at(
                &entry.place,
                format!("{} contains {PLACEHOLDER}", entry.key),
                "the real value in its place",
            ));
        }
    }
    let sendsms = conf.the("smsbox").and_then(|smsbox| smsbox.value("sendsms-interface"));
    for core in conf.all("core") {
        findings.extend(weak(core, &["admin-password", "status-password"], core.value("admin-interface")));
    }
    for user in conf.all("sendsms-user") {
        findings.extend(weak(user, &["password"], sendsms));
    }
    findings
}

fn weak(group: &Group, keys: &[&str], interface: Option<&str>) -> Vec<Finding> {
    if interface.is_some_and(is_loopback) {
        return Vec::new();
    }
    let known = |value: &str| KNOWN.contains(&value) || value.chars().count() < SHORTEST;
    let entries = keys.iter().filter_map(|key| group.get(key)).filter(|entry| known(&entry.value));
    let mend = "a long random password, or 127.0.0.1 as the interface";
    entries
        .map(|entry| {
            WELL_KNOWN.at(&entry.place, format!("{} is weak, and the port is open", entry.key), mend)
        })
        .collect()
}
