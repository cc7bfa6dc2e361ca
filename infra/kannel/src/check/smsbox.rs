//! Checks of smsbox, which calls the endpoint and takes the replies: `group = smsbox`.

use super::{Check, Finding};
use crate::file::{Conf, Group};

const NO_SMSBOX: Check = Check::fault(
    "no-smsbox",
    "no message comes in or goes out",
    "smsbox calls the get-urls and listens for sendsms",
);
const NO_RETRY: Check = Check::fault(
    "no-retry",
    "a message is lost as soon as the endpoint fails once",
    "without http-request-retry, Kannel sends each request only once",
);
const SHORT_RETRY: Check = Check::fault(
    "short-retry",
    "messages are lost in an outage that lasts longer",
    "Kannel drops the message after http-request-retry times http-queue-delay seconds",
);
const SHORT_TIMEOUT: Check = Check::fault(
    "short-timeout",
    "Kannel repeats a request whose answer is slow, and loses the message if no repeat is left",
    "the endpoint and the sidecar together may take 57 s, and smsbox gives up earlier",
);
const UNBOUNDED: Check = Check::fault(
    "many-in-flight",
    "when smsbox stops, up to 512 messages are lost at once",
    "smsbox tells bearerbox that a message is done when it begins to call the endpoint",
);
const UNROUTED: Check = Check::fault(
    "unrouted-smsbox",
    "messages from phones never leave bearerbox",
    "bearerbox gives an smsbox with an smsbox-id only the messages of an smsbox-route",
);
const GLOBAL_SENDER: Check = Check::fault(
    "global-sender",
    "every message seems to go to this one number",
    "Kannel shows it instead of the number to which the phone wrote",
);
const CHARACTERS: Check = Check::fault(
    "sendsms-chars",
    "replies to a number with a character outside this list are refused",
    "sendsms accepts a receiver only if each of its characters is in sendsms-chars",
);
const HASTY: Check = Check::fault(
    "hasty-answer",
    "a reply that Kannel cannot send counts as sent",
    "sendsms answers `Sent.` before it knows the result",
);
const NO_SENDSMS: Check =
    Check::fault("no-sendsms", "no reply goes out", "without sendsms-port smsbox does not listen");
const OPEN_SENDSMS: Check = Check::advice(
    "open-sendsms",
    "anybody who can reach the port and knows or guesses a password can send",
    "without sendsms-interface, smsbox listens on every address",
);
const TEXTS_IN_LOG: Check = Check::advice(
    "texts-in-log",
    "numbers and texts are kept in a file",
    "an access-log contains every message, and a log of level 0 contains every request",
);

pub(super) const ALL: &[Check] = &[
    NO_SMSBOX,
    NO_RETRY,
    SHORT_RETRY,
    SHORT_TIMEOUT,
    UNBOUNDED,
    UNROUTED,
    GLOBAL_SENDER,
    CHARACTERS,
    HASTY,
    NO_SENDSMS,
    OPEN_SENDSMS,
    TEXTS_IN_LOG,
];

/// The outage that every configuration should survive, in seconds. Our configuration survives a day.
const OUTAGE: i64 = 3600;
/// The default of Kannel's http-queue-delay, in seconds.
const DELAY: i64 = 10;
/// The longest time that our sidecar may take, in seconds: queue, three connects, server.
pub(crate) const SLOWEST: i64 = 10 + 3 * 5 + 31;
/// The default of Kannel's http-timeout, in seconds.
const TIMEOUT: i64 = 240;

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    let Some(smsbox) = conf.the("smsbox") else {
        let mend =
            "include the file that has it, or start from a file that `cargo run -- kannel-conf` writes";
        let first = conf.groups.first();
        return first
            .map(|first| NO_SMSBOX.at(&first.place, "there is no group = smsbox", mend))
            .into_iter()
            .collect();
    };
    let mut findings = requests(smsbox);
    findings.extend(messages(conf, smsbox));
    findings.extend(sendsms(smsbox));
    for group in ["core", "smsbox"].into_iter().filter_map(|kind| conf.the(kind)) {
        if group.get("access-log").is_some() {
            let place = group.place_of("access-log");
            findings.push(TEXTS_IN_LOG.at(&place, "there is an access-log", "remove the line"));
        }
        if group.number("log-level") == Some(0) {
            findings.push(TEXTS_IN_LOG.at(&group.place_of("log-level"), "log-level = 0", "log-level = 1"));
        }
    }
    findings
}

fn requests(smsbox: &Group) -> Vec<Finding> {
    let mut findings = Vec::new();
    let place = smsbox.place_of("http-request-retry");
    let delay = smsbox.number("http-queue-delay").unwrap_or(DELAY);
    match smsbox.number("http-request-retry") {
        None | Some(..=0) => {
            let found = smsbox
                .get("http-request-retry")
                .map_or("there is no http-request-retry", |_| "http-request-retry = 0");
            findings.push(NO_RETRY.at(
                &place,
                found,
                "http-request-retry = 8640, with http-queue-delay = 10: a day",
            ));
        }
        Some(times) if times.saturating_mul(delay) < OUTAGE => {
            let found = format!("http-request-retry = {times}, every {delay} s: {} s in all", times * delay);
            findings.push(SHORT_RETRY.at(
                &place,
                found,
                "http-request-retry = 8640, with http-queue-delay = 10: a day",
            ));
        }
        Some(_) => {}
    }
    let timeout = smsbox.number("http-timeout").unwrap_or(TIMEOUT);
    if timeout <= SLOWEST {
        let found = format!("http-timeout = {timeout}");
        findings.push(SHORT_TIMEOUT.at(&smsbox.place_of("http-timeout"), found, "http-timeout = 60"));
    }
    if smsbox.number("max-pending-requests").is_none_or(|most| !(1..=100).contains(&most)) {
        let found = match smsbox.value("max-pending-requests") {
            Some(most) => format!("max-pending-requests = {most}"),
            None => "there is no max-pending-requests".to_owned(),
        };
        findings.push(UNBOUNDED.at(
            &smsbox.place_of("max-pending-requests"),
            found,
            "max-pending-requests = 50",
        ));
    }
    findings
}

fn messages(conf: &Conf, smsbox: &Group) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(id) = smsbox.get("smsbox-id") {
        let routed = conf.all("smsbox-route").any(|route| {
            route.value("smsbox-id") == Some(&id.value)
                && (route.get("smsc-id").is_some() || route.get("shortcode").is_some())
        });
        if !routed {
            let found = format!("smsbox-id = {} without an smsbox-route", id.value);
            let mend = "remove the line, or add a group = smsbox-route with this smsbox-id and the smsc-id of each line";
            findings.push(UNROUTED.at(&id.place, found, mend));
        }
    }
    if let Some(sender) = smsbox.get("global-sender") {
        let found = format!("global-sender = {}", sender.value);
        findings.push(GLOBAL_SENDER.at(
            &sender.place,
            found,
            "remove the line, and give each backend its `from`",
        ));
    }
    findings
}

fn sendsms(smsbox: &Group) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(characters) = smsbox.get("sendsms-chars") {
        let missing: Vec<char> = "0123456789+".chars().filter(|c| !characters.value.contains(*c)).collect();
        if !missing.is_empty() {
            let missing: String = missing.into_iter().collect();
            let found = format!("sendsms-chars does not contain {missing}");
            findings.push(CHARACTERS.at(&characters.place, found, "sendsms-chars = \"0123456789 +-\""));
        }
    }
    if smsbox.is_on("immediate-sendsms-reply") {
        let place = smsbox.place_of("immediate-sendsms-reply");
        findings.push(HASTY.at(&place, "immediate-sendsms-reply is on", "remove the line"));
    }
    if smsbox.get("sendsms-port").is_none() {
        findings.push(NO_SENDSMS.at(&smsbox.place, "there is no sendsms-port", "sendsms-port = 13013"));
    } else if smsbox.get("sendsms-interface").is_none() {
        let mend = "sendsms-interface = 127.0.0.1, and a TLS front for other hosts";
        findings.push(OPEN_SENDSMS.at(
            &smsbox.place_of("sendsms-port"),
            "there is no sendsms-interface",
            mend,
        ));
    }
    findings
}
