//! What is to be written: read from the settings and the command line, and checked before anything is.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::given::{Show, admin, base, chosen, sendsms, services, user};
use crate::kannel::backends::{Backends, Known};

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
    /// What it lets through; `None` for everything that is for sendsms.
    pub(super) token: Option<Token>,
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
            sendsms: sendsms(&backends, wanted.sendsms_cert, show)?,
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

    /// Every token that the sidecar must know.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        let front = self.sendsms.front.as_ref().and_then(|front| front.token.as_ref());
        self.services.iter().filter_map(|service| service.token.as_ref()).chain(front)
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
