//! Checks whether a `kannel.conf` and the settings of the project fit together.

use super::user::is_loopback;
use super::{Check, Finding};
use crate::backends::{Backend, Backends};
use crate::file::{Conf, Group, Place};
use crate::url::GetUrl;

const UNKNOWN_BACKEND: Check = Check::fault(
    "unknown-backend",
    "messages are refused with 404 until Kannel drops them",
    "the get-url names a backend that is not in the settings, or that has another engine",
);
const WRONG_TOKEN: Check = Check::fault(
    "wrong-token",
    "messages are refused with 403 until Kannel drops them",
    "the token of the get-url is not the token in the settings",
);
const UNKNOWN_USER: Check = Check::fault(
    "unknown-user",
    "every reply is refused: Authorization failed for sendsms",
    "no sendsms-user has the username and password of sendsms_params",
);
const NOT_ROUTABLE: Check = Check::fault(
    "not-routable",
    "every reply is refused: Not routable",
    "every line has an allowed-smsc-id, and none of them allows the smsc in sendsms_params",
);
const NO_FROM: Check = Check::fault(
    "no-from",
    "every reply is refused: Sender missing",
    "neither sendsms_params nor the sendsms-user nor smsbox gives the number of the sender",
);
const OTHER_PORT: Check = Check::fault(
    "other-sendsms",
    "no reply reaches Kannel",
    "sendsms_url leads to this machine, but to another port or path than smsbox listens on",
);
const UNCALLED: Check = Check::advice(
    "uncalled-backend",
    "this backend gets no message from this Kannel",
    "no get-url leads there; its messages may come from another Kannel",
);

pub(super) const ALL: &[Check] =
    &[UNKNOWN_BACKEND, WRONG_TOKEN, UNKNOWN_USER, NOT_ROUTABLE, NO_FROM, OTHER_PORT, UNCALLED];

/// Returns everything that does not fit.
pub(crate) fn check(conf: &Conf, backends: &Backends) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut called = Vec::new();
    for service in conf.all("sms-service") {
        let Some(entry) = service.get("get-url") else { continue };
        let Some(url) = GetUrl::read(&entry.value) else { continue };
        let Some(name) = url.backend() else { continue };
        called.push(name.to_owned());
        if let Some(backend) = backends.kannels.iter().find(|backend| backend.name == name) {
            findings.extend(token(&entry.place, &url, backend));
            continue;
        }
        let found = match backends.engines.get(name) {
            Some(engine) => format!("get-url leads to {name}, whose engine is {engine}"),
            None => format!("get-url leads to {name}"),
        };
        let known: Vec<&str> = backends.kannels.iter().map(|backend| backend.name.as_str()).collect();
        let mend = format!("/backend/NAME/ with one of {}", known.join(", "));
        findings.push(UNKNOWN_BACKEND.at(&entry.place, found, mend));
    }
    let Some(smsbox) = conf.the("smsbox") else { return findings };
    for backend in &backends.kannels {
        if called.contains(&backend.name) {
            findings.extend(replies(conf, smsbox, backend));
        } else {
            let found = format!("the settings have {}, and no get-url leads to it", backend.name);
            let mend = "a service as `cargo run -- kannel-conf` writes it, unless another Kannel serves this backend";
            findings.push(UNCALLED.at(&smsbox.place, found, mend));
        }
    }
    findings
}

fn token(place: &Place, url: &GetUrl, backend: &Backend) -> Option<Finding> {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password =
        || url.user.as_deref().and_then(|user| user.split_once(':')).map(|(_, password)| plain(password));
    let given = url.param("token").map(|param| plain(&param.value)).or_else(password)?;
    let expected = backend.token.as_ref()?.here()?;
    let mend = "remove it, and let the TLS sidecar add the token";
    (given != expected && !expected.is_empty())
        .then(|| WRONG_TOKEN.at(place, format!("get-url of {} has another token", backend.name), mend))
}

fn replies(conf: &Conf, smsbox: &Group, backend: &Backend) -> Vec<Finding> {
    let name = &backend.name;
    let mut findings = Vec::new();
    let text = |names: &[&str]| backend.param(names).and_then(|known| known.here());

    let username = text(&["username", "user"]);
    let user = conf.all("sendsms-user").find(|user| username.is_some() && user.value("username") == username);
    if let Some(user) = user {
        let password = text(&["password", "pass"]);
        if password.is_some() && user.value("password") != password {
            let found = format!("the password is not the one that {name} sends");
            findings.push(UNKNOWN_USER.at(
                &user.place_of("password"),
                found,
                "use the same value in both files",
            ));
        }
    } else {
        let found =
            format!("no sendsms-user has the username {} of {name}", username.unwrap_or("(without a name)"));
        let mend = "add a group = sendsms-user with username and password";
        findings.push(UNKNOWN_USER.at(&smsbox.place, found, mend));
    }

    let from = text(&["from"]).is_some_and(|from| !from.is_empty());
    let ours =
        user.is_some_and(|user| user.get("default-sender").is_some() || user.get("faked-sender").is_some());
    if !from && !ours && smsbox.get("global-sender").is_none() {
        let place = user.map_or(&smsbox.place, |user| &user.place);
        let mend = "give `from` in sendsms_params, or default-sender here";
        findings.push(NO_FROM.at(
            place,
            format!("{name} names no `from`, and there is no default-sender"),
            mend,
        ));
    }

    let lines: Vec<&Group> = conf.all("smsc").collect();
    let smsc = user.and_then(|user| user.value("forced-smsc")).or(text(&["smsc"]));
    let smsc = smsc.or(user.and_then(|user| user.value("default-smsc")));
    let takes = |line: &&Group| match line.value("allowed-smsc-id") {
        None => true,
        Some(allowed) => smsc.is_some_and(|smsc| allowed.split(';').any(|id| id.trim() == smsc)),
    };
    if let (Some(first), false) = (lines.first(), lines.iter().any(takes)) {
        let found = format!("no line allows the smsc of {name}: {}", smsc.unwrap_or("(none is named)"));
        let mend =
            "add it to the allowed-smsc-id of its line, or write the smsc-id of a line in sendsms_params";
        findings.push(NOT_ROUTABLE.at(&first.place_of("allowed-smsc-id"), found, mend));
    }

    findings.extend(door(smsbox, backend));
    findings
}

fn door(smsbox: &Group, backend: &Backend) -> Option<Finding> {
    let url = &backend.sendsms_url;
    let port = smsbox.number("sendsms-port")?;
    let path = smsbox.value("sendsms-url").unwrap_or("/cgi-bin/sendsms");
    let here = url.scheme() == "http" && url.host_str().is_some_and(is_loopback);
    let same = url.port_or_known_default().map(i64::from) == Some(port) && url.path() == path;
    let found =
        format!("smsbox listens on port {port} at {path}, and {} sends to {}", backend.name, shown(url));
    (here && !same)
        .then(|| OTHER_PORT.at(&smsbox.place_of("sendsms-port"), found, "use the same value in both files"))
}

/// Returns a URL without its query, because the query may contain passwords.
fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    let _ = url.set_password(None);
    url.to_string()
}
