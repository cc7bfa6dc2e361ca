//! Checks of the services (`group = sms-service`): which messages go where, and which part of the answer the phone
//! gets.

use super::{Check, Finding};
use crate::file::{Conf, Group};
use crate::url::GetUrl;

const NO_DEFAULT: Check = Check::fault(
    "no-default",
    "messages that fit no keyword are lost, and their senders get `Request Failed`",
    "only a service with keyword = default gets the messages that no other service takes, including blank messages",
);
const SHADOWED: Check = Check::fault(
    "shadowed-service",
    "this service gets no message",
    "another service before it takes the same messages",
);
const ANSWERS: Check = Check::fault(
    "answers-to-phones",
    "phones get `<Empty reply from service provider>` for each message, or `Could not fetch content` when the endpoint fails",
    "unless max-messages is 0 (the default is 1), smsbox sends the answer of the endpoint; but replies come through sendsms",
);
const ERRORS: Check = Check::fault(
    "errors-to-phones",
    "phones get `Could not fetch content` when the endpoint fails",
    "with omit-empty, smsbox sends nothing for the empty answers of the endpoint, but it still sends a text for each failure unless max-messages is 0",
);
const OTHER_KIND: Check =
    Check::fault("not-a-get", "messages do not arrive", "the endpoint accepts only requests of a get-url");
const UNKNOWN_LINE: Check = Check::fault(
    "unknown-line",
    "the service gets no message",
    "its accepted-smsc names no smsc-id of this file",
);
const NOT_OURS: Check = Check::advice(
    "not-ours",
    "no message from a phone reaches Threadless",
    "no get-url leads to /backend/NAME/",
);

pub(super) const ALL: &[Check] = &[NO_DEFAULT, SHADOWED, ANSWERS, ERRORS, OTHER_KIND, UNKNOWN_LINE, NOT_OURS];

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    let services: Vec<&Group> = conf.all("sms-service").collect();
    let mut findings = Vec::new();
    let place = services.first().copied().or_else(|| conf.the("smsbox"));
    let ours = |service: &&Group| {
        service.value("get-url").and_then(GetUrl::read).is_some_and(|url| url.backend().is_some())
    };
    if let Some(first) = place {
        let mend = "a group = sms-service with keyword = default and a get-url as `cargo run -- kannel-conf` writes it";
        if !services.iter().any(|service| is_default(service)) {
            findings.push(NO_DEFAULT.at(&first.place, "no service has keyword = default", mend));
        }
        if !services.iter().any(ours) {
            findings.push(NOT_OURS.at(&first.place, "no service leads to a backend", mend));
        }
    }
    for (nth, service) in services.iter().enumerate() {
        findings.extend(of_service(conf, service));
        if services.iter().take(nth).any(|earlier| takes_all_of(earlier, service)) {
            let mend = "remove one of them, or give each its own accepted-smsc";
            findings.push(SHADOWED.at(
                &service.place_of("keyword"),
                "an earlier service takes the same messages",
                mend,
            ));
        }
    }
    findings
}

fn of_service(conf: &Conf, service: &Group) -> Vec<Finding> {
    let mut findings = Vec::new();
    if service.get("get-url").is_none() {
        let kinds = ["post-url", "post-xml", "file", "text", "exec"];
        if let Some(kind) =
            kinds.into_iter().find(|kind| service.get(kind).is_some()).filter(|_| is_default(service))
        {
            let mend = "a get-url as `cargo run -- kannel-conf` writes it";
            findings.push(OTHER_KIND.at(
                &service.place_of(kind),
                format!("the default service is a {kind}"),
                mend,
            ));
        }
    } else if service.number("max-messages") != Some(0) {
        let found = match service.value("max-messages") {
            Some(most) => format!("max-messages = {most}"),
            None => "there is no max-messages".to_owned(),
        };
        let check = if service.is_on("omit-empty") { ERRORS } else { ANSWERS };
        findings.push(check.at(&service.place_of("max-messages"), found, "max-messages = 0"));
    }
    if let Some(accepted) = service.get("accepted-smsc") {
        let known: Vec<&str> = conf.all("smsc").filter_map(|line| line.value("smsc-id")).collect();
        let fits = names(&accepted.value).any(|name| known.iter().any(|id| id.eq_ignore_ascii_case(name)));
        if !fits && conf.the("smsc").is_some() {
            let found = format!("accepted-smsc = {}, but the lines are {}", accepted.value, known.join(", "));
            findings.push(UNKNOWN_LINE.at(&accepted.place, found, "name an smsc-id of this file"));
        }
    }
    findings
}

fn is_default(service: &Group) -> bool {
    service.value("keyword") == Some("default")
}

/// Returns whether the earlier service takes every message that the later service would take.
fn takes_all_of(earlier: &Group, later: &Group) -> bool {
    let same = earlier.value("keyword").is_some() && earlier.value("keyword") == later.value("keyword");
    let lines = match (earlier.value("accepted-smsc"), later.value("accepted-smsc")) {
        (None, _) => true,
        (Some(all), Some(few)) => names(few).all(|name| names(all).any(|known| known == name)),
        (Some(_), None) => false,
    };
    let narrowed = ["denied-smsc", "allowed-receiver-prefix", "denied-receiver-prefix", "accepted-account"];
    same && lines && !narrowed.iter().any(|key| earlier.get(key).is_some())
}

/// Returns the names in a list such as `A;B`.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(';').map(str::trim).filter(|name| !name.is_empty())
}
