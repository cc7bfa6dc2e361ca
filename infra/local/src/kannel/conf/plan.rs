//! What is to be written: read from the settings and the command line, and checked before anything is.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::{Host, Url};

use crate::kannel::PLACEHOLDER;
use crate::kannel::backends::{Backend, Backends, Known};

/// Everything that the files say.
pub(super) struct Plan {
    /// Where the functions answer.
    pub(super) base: Base,
    /// One service for each backend.
    pub(super) services: Vec<Service>,
    /// The accounts of sendsms.
    pub(super) users: Vec<User>,
    /// The lines to operators, by smsc-id.
    pub(super) lines: Vec<String>,
    /// Where smsbox takes replies.
    pub(super) sendsms: Sendsms,
    /// The password of Kannel's status page.
    pub(super) admin_password: String,
    /// Where the sidecar listens.
    pub(super) sidecar_port: u16,
    /// The name server that the sidecar asks; `None` for those of the system.
    pub(super) resolver: Option<SocketAddr>,
    /// The certificates that the sidecar trusts.
    pub(super) ca_file: PathBuf,
}

/// Where the functions answer.
pub(super) enum Base {
    /// On this machine, in the clear.
    Here(Url),
    /// Behind TLS.
    Far {
        /// The host's name.
        host: String,
        /// Its port.
        port: u16,
        /// What goes before `/backend/`: empty, or `/stage`.
        prefix: String,
    },
}

/// One backend's service.
pub(super) struct Service {
    /// The backend's name.
    pub(super) name: String,
    /// The only line whose messages it takes; `None` for all.
    pub(super) line: Option<String>,
    /// What its requests must carry.
    pub(super) token: Option<Token>,
}

/// A token: the name of its environment variable, and as much of it as may be shown.
pub(super) struct Token {
    /// The variable.
    pub(super) variable: String,
    /// The token, or what stands for it.
    pub(super) shown: String,
}

/// One account.
#[derive(PartialEq, Eq)]
pub(super) struct User {
    /// Its name.
    pub(super) name: String,
    /// Its password, or what stands for it.
    pub(super) password: String,
}

/// Where smsbox takes replies.
pub(super) struct Sendsms {
    /// Its port on Kannel's host.
    pub(super) port: u16,
    /// Its path.
    pub(super) path: String,
    /// The TLS front before it.
    pub(super) front: Option<SendsmsFront>,
}

/// A TLS front of sendsms.
pub(super) struct SendsmsFront {
    /// Its port.
    pub(super) port: u16,
    /// Certificate and key in one PEM file.
    pub(super) certificate: PathBuf,
}

/// What the command line says, as far as it decides what is written.
pub(super) struct Wanted<'o> {
    pub(super) base_url: Url,
    pub(super) backends: &'o [String],
    pub(super) show_secrets: bool,
    pub(super) sidecar_port: u16,
    pub(super) resolver: Option<SocketAddr>,
    pub(super) ca_file: PathBuf,
    pub(super) sendsms_cert: Option<PathBuf>,
    pub(super) admin_password: Option<String>,
}

/// smsbox's port and path where the settings do not lead to it directly.
const SENDSMS: (u16, &str) = (13013, "/cgi-bin/sendsms");

/// The port of the TLS front before it, unless the settings name another.
const FRONT: u16 = 13443;

impl Plan {
    /// Puts it together. The error is one line.
    pub(super) fn new(settings: &Backends, wanted: Wanted<'_>) -> Result<Self, String> {
        let base = base(&wanted.base_url)?;
        let backends = chosen(settings, wanted.backends)?;
        let show = Show { local: matches!(base, Base::Here(_)), secrets: wanted.show_secrets };
        let mut plan = Self {
            services: services(&backends, show)?,
            users: Vec::new(),
            lines: Vec::new(),
            sendsms: sendsms(&backends, wanted.sendsms_cert)?,
            admin_password: show.text(&admin(wanted.admin_password), "the admin password")?,
            sidecar_port: wanted.sidecar_port,
            resolver: wanted.resolver,
            ca_file: wanted.ca_file,
            base,
        };
        for backend in &backends {
            let line = backend.param(&["smsc"]).and_then(Known::here).unwrap_or("line-1").to_owned();
            if !plan.lines.contains(&line) {
                plan.lines.push(line);
            }
            let user = user(backend, show)?;
            if let Some(other) = plan.users.iter().find(|other| other.name == user.name) {
                if *other != user {
                    return Err(format!("two backends send as {} with different passwords", user.name));
                }
            } else {
                plan.users.push(user);
            }
        }
        Ok(plan)
    }

    /// What the get-url of a backend begins with.
    pub(super) fn service_url(&self, service: &Service) -> String {
        let name = &service.name;
        match &self.base {
            Base::Here(url) => {
                let url = url.as_str().trim_end_matches('/');
                let token = service.token.as_ref().filter(|token| !token.shown.is_empty());
                let user =
                    token.map(|token| format!("{name}:{}@", for_url(&token.shown))).unwrap_or_default();
                let rest = url.strip_prefix("http://").unwrap_or(url);
                format!("http://{user}{rest}/backend/{name}/")
            }
            Base::Far { prefix, .. } => {
                format!("http://127.0.0.1:{}{prefix}/backend/{name}/", self.sidecar_port)
            }
        }
    }

    /// The path under which a backend is, before and behind the sidecar.
    pub(super) fn path(&self, service: &Service) -> String {
        let prefix = match &self.base {
            Base::Here(_) => "",
            Base::Far { prefix, .. } => prefix,
        };
        format!("{prefix}/backend/{}/", service.name)
    }
}

/// A text for a URL that Kannel reads: escaped, and each % doubled, since % and a letter is a code of Kannel's own.
fn for_url(text: &str) -> String {
    let escaped = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    escaped.to_string().replace("%2D", "-").replace("%5F", "_").replace('%', "%%")
}

/// How much is shown.
#[derive(Clone, Copy)]
struct Show {
    /// What the settings have for local runs is no secret there.
    local: bool,
    /// Neither is anything else.
    secrets: bool,
}

impl Show {
    fn text(self, known: &Known, what: &str) -> Result<String, String> {
        let text = match known {
            Known::Plain(text) if self.secrets => text.clone(),
            Known::Plain(_) => PLACEHOLDER.to_owned(),
            Known::Secret { deployed: Some(text), .. } if self.secrets => text.clone(),
            Known::Secret { deployed: None, local: Some(text), .. } if self.local => text.clone(),
            Known::Secret { name, .. } => format!("{PLACEHOLDER}-{name}"),
        };
        match text.contains(|c: char| c.is_control()) {
            true => Err(format!("{what} has control characters in it, which no configuration can hold")),
            false => Ok(text),
        }
    }
}

fn admin(given: Option<String>) -> Known {
    Known::Secret {
        name: "KANNEL_ADMIN_PASSWORD".to_owned(),
        deployed: given,
        local: Some("change-me".to_owned()),
    }
}

fn base(url: &Url) -> Result<Base, String> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if host.is_empty() || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(format!(
            "--base-url {url}: give scheme and host, such as https://abc.execute-api.eu-west-1.amazonaws.com"
        ));
    }
    let prefix = url.path().trim_end_matches('/').to_owned();
    if !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~$".contains(&b)) {
        return Err(format!(
            "--base-url {url}: the path has characters in it that a configuration would take apart"
        ));
    }
    match url.scheme() {
        "https" => Ok(Base::Far { host, port: url.port_or_known_default().unwrap_or(443), prefix }),
        "http" if loopback => Ok(Base::Here(url.clone())),
        _ => Err(format!(
            "--base-url {url}: messages would cross the network unencrypted; give an https:// URL"
        )),
    }
}

fn chosen(settings: &Backends, names: &[String]) -> Result<Vec<Backend>, String> {
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

fn services(backends: &[Backend], show: Show) -> Result<Vec<Service>, String> {
    let mut services: Vec<Service> = Vec::new();
    for backend in backends {
        let line = backend.param(&["smsc"]).and_then(Known::here).map(str::to_owned);
        let line = if backends.len() > 1 {
            let Some(line) = line else {
                return Err(format!(
                    "{} names no smsc: of several backends each needs its own",
                    backend.name
                ));
            };
            if let Some(other) = services.iter().find(|other| other.line.as_ref() == Some(&line)) {
                return Err(format!(
                    "{} and {} have the same smsc: messages from phones could not be told apart",
                    other.name, backend.name
                ));
            }
            Some(line)
        } else {
            None
        };
        let token = match &backend.token {
            None => None,
            Some(known) => {
                let shown = show.text(known, "a token")?;
                Some(Token { variable: variable(known, &backend.name), shown })
            }
        };
        services.push(Service { name: backend.name.clone(), line, token });
    }
    Ok(services)
}

/// What an environment can call a token: the name of its secret, if that will do.
fn variable(token: &Known, backend: &str) -> String {
    let name = match token {
        Known::Secret { name, .. } => name.clone(),
        Known::Plain(_) => format!("{backend}_TOKEN"),
    };
    let upper = name.to_ascii_uppercase();
    let name = upper.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn user(backend: &Backend, show: Show) -> Result<User, String> {
    let Some(name) = backend.param(&["username", "user"]).and_then(Known::here) else {
        return Err(format!("{} names no username in sendsms_params", backend.name));
    };
    let Some(password) = backend.param(&["password", "pass"]) else {
        return Err(format!("{} names no password in sendsms_params", backend.name));
    };
    Ok(User { name: name.to_owned(), password: show.text(password, "a password")? })
}

fn sendsms(backends: &[Backend], certificate: Option<PathBuf>) -> Result<Sendsms, String> {
    let Some(url) = backends.first().map(|backend| &backend.sendsms_url) else {
        return Err("the settings have no kannel backend".to_owned());
    };
    let port = url.port_or_known_default().unwrap_or(FRONT);
    let path = if url.path() == "/" { SENDSMS.1 } else { url.path() }.to_owned();
    if url.scheme() == "http" {
        let front = certificate.map(|certificate| SendsmsFront { port: FRONT, certificate });
        return Ok(Sendsms { port, path, front });
    }
    let certificate = certificate.unwrap_or_else(|| PathBuf::from("/etc/ssl/private/sendsms.pem"));
    Ok(Sendsms { port: SENDSMS.0, path, front: Some(SendsmsFront { port, certificate }) })
}
