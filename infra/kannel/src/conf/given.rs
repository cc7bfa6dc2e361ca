//! The values for a plan from the settings and the command line, and the checks of these values.

use std::path::PathBuf;

use url::{Host, Url};

use super::parts::{Base, Sendsms, SendsmsFront, Service, Token, User};
use crate::PLACEHOLDER;
use crate::backends::{Backend, Backends, Known};

/// The port and the path of smsbox, if the settings do not lead directly to smsbox.
const SENDSMS: (u16, &str) = (13013, "/cgi-bin/sendsms");

/// The port of the TLS front before smsbox, unless the settings name another.
const FRONT: u16 = 13443;

/// The rules for the values that may be shown.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Whether to show the values for local runs. They are no secrets in a local run.
    pub(super) local: bool,
    /// Whether to show all secrets.
    pub(super) secrets: bool,
}

impl Show {
    pub(super) fn text(self, known: &Known, what: &str) -> Result<String, String> {
        let text = match known {
            Known::Plain(text) if self.secrets => text.clone(),
            Known::Plain(_) => PLACEHOLDER.to_owned(),
            Known::Secret { deployed: Some(text), .. } if self.secrets => text.clone(),
            Known::Secret { deployed: None, local: Some(text), .. } if self.local => text.clone(),
            Known::Secret { name, .. } => format!("{PLACEHOLDER}-{name}"),
        };
        if text.contains(|c: char| c.is_control()) {
            return Err(format!("{what} contains control characters, which a configuration cannot contain"));
        }
        Ok(text)
    }
}

pub(super) fn admin(given: Option<String>) -> Known {
    Known::Secret {
        name: "KANNEL_ADMIN_PASSWORD".to_owned(),
        deployed: given,
        local: Some("change-me".to_owned()),
    }
}

pub(super) fn base(url: &Url) -> Result<Base, String> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if host.is_empty() || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(format!(
            "--base-url {url}: write scheme and host, such as https://abc.execute-api.eu-west-1.amazonaws.com"
        ));
    }
    let prefix = url.path().trim_end_matches('/').to_owned();
    if !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~$".contains(&b)) {
        return Err(format!(
            "--base-url {url}: the path contains characters that a configuration cannot contain"
        ));
    }
    match url.scheme() {
        "https" => Ok(Base::Far { host, port: url.port_or_known_default().unwrap_or(443), prefix }),
        "http" if loopback => Ok(Base::Here(url.clone())),
        _ => Err(format!(
            "--base-url {url}: messages would cross the network unencrypted; use an https:// URL"
        )),
    }
}

pub(super) fn chosen(settings: &Backends, names: &[String]) -> Result<Vec<Backend>, String> {
    if let Some(unknown) = names.iter().find(|name| settings.kannels.iter().all(|known| known.name != **name))
    {
        let known: Vec<&str> = settings.kannels.iter().map(|backend| backend.name.as_str()).collect();
        return Err(format!("there is no kannel backend {unknown}; there are: {}", known.join(", ")));
    }
    let chosen = settings.kannels.iter().filter(|backend| names.is_empty() || names.contains(&backend.name));
    let chosen: Vec<Backend> = chosen.cloned().collect();
    let Some(first) = chosen.first() else { return Err("the settings have no kannel backend".to_owned()) };
    let at = |backend: &Backend| {
        (backend.sendsms_url.host_str().map(str::to_owned), backend.sendsms_url.port_or_known_default())
    };
    if let Some(other) = chosen.iter().find(|backend| at(backend) != at(first)) {
        return Err(format!(
            "{} and {} send to different Kannels: write one configuration for each, with --backend NAME",
            first.name, other.name
        ));
    }
    Ok(chosen)
}

pub(super) fn services(backends: &[Backend], show: Show) -> Result<Vec<Service>, String> {
    let mut services: Vec<Service> = Vec::new();
    for backend in backends {
        let line = backend.param(&["smsc"]).and_then(Known::here).map(str::to_owned);
        let line = if backends.len() > 1 {
            let Some(line) = line else {
                return Err(format!(
                    "{} has no smsc in sendsms_params: each of several backends needs its own smsc",
                    backend.name
                ));
            };
            if let Some(other) = services.iter().find(|other| other.line.as_ref() == Some(&line)) {
                return Err(format!(
                    "{} and {} have the same smsc: Kannel could not know which of them gets a message from a phone",
                    other.name, backend.name
                ));
            }
            Some(line)
        } else {
            None
        };
        let token = token(backend.token.as_ref(), &backend.name, show)?;
        services.push(Service { name: backend.name.clone(), line, token });
    }
    Ok(services)
}

fn token(known: Option<&Known>, backend: &str, show: Show) -> Result<Option<Token>, String> {
    let Some(known) = known else { return Ok(None) };
    Ok(Some(Token { variable: variable(known, backend), shown: show.text(known, "a token")? }))
}

/// Returns a name for a token that an environment variable can have: the name of its secret, in capitals and with `_`
/// for every other character.
fn variable(token: &Known, backend: &str) -> String {
    let name = match token {
        Known::Secret { name, .. } => name.clone(),
        Known::Plain(_) => format!("{backend}_TOKEN"),
    };
    let upper = name.to_ascii_uppercase();
    let name = upper.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

pub(super) fn user(backend: &Backend, show: Show) -> Result<User, String> {
    let Some(name) = backend.param(&["username", "user"]).and_then(Known::here) else {
        return Err(format!("{} has no username in sendsms_params", backend.name));
    };
    let Some(password) = backend.param(&["password", "pass"]) else {
        return Err(format!("{} has no password in sendsms_params", backend.name));
    };
    Ok(User { name: name.to_owned(), password: show.text(password, "a password")? })
}

pub(super) fn sendsms(
    backends: &[Backend],
    certificate: Option<PathBuf>,
    show: Show,
) -> Result<Sendsms, String> {
    let Some(first) = backends.first() else {
        return Err("the settings have no kannel backend".to_owned());
    };
    if let Some(other) = backends.iter().find(|other| other.sendsms_token != first.sendsms_token) {
        return Err(format!("{} and {} have different values of sendsms_token", first.name, other.name));
    }
    let token = token(first.sendsms_token.as_ref(), &format!("{}_sendsms", first.name), show)?;
    let url = &first.sendsms_url;
    let port = url.port_or_known_default().unwrap_or(FRONT);
    let path = if url.path() == "/" { SENDSMS.1 } else { url.path() }.to_owned();
    if url.scheme() == "http" {
        let front = certificate.map(|certificate| SendsmsFront { port: FRONT, certificate, token });
        return Ok(Sendsms { port, path, front });
    }
    let certificate = certificate.unwrap_or_else(|| PathBuf::from("/etc/ssl/private/sendsms.pem"));
    Ok(Sendsms { port: SENDSMS.0, path, front: Some(SendsmsFront { port, certificate, token }) })
}
