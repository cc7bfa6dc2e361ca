//! The plan of the files. It is read from the settings and the command line, and checked before any file is written.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::given::{Show, admin, base, chosen, sendsms, services, user};
use super::parts::{Base, Sendsms, Service, Token, User};
use crate::backends::{Backends, Known};

/// Everything that the files contain.
pub(super) struct Plan {
    /// The address of the functions.
    pub(super) base: Base,
    /// One service for each backend.
    pub(super) services: Vec<Service>,
    /// The accounts of sendsms.
    pub(super) users: Vec<User>,
    /// The connections to operators, by smsc-id.
    pub(super) lines: Vec<String>,
    /// The address at which smsbox takes replies.
    pub(super) sendsms: Sendsms,
    /// The password of Kannel's status page.
    pub(super) admin_password: String,
    /// The port of the sidecar.
    pub(super) sidecar_port: u16,
    /// The name server that the sidecar asks, or `None` for the name servers of the system.
    pub(super) resolver: Option<SocketAddr>,
    /// The certificates that the sidecar trusts.
    pub(super) ca_file: PathBuf,
}

/// The options of the command line that change the files.
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
    /// Makes the plan. The error is one line.
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

    /// Returns every token that the sidecar must know.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        let front = self.sendsms.front.as_ref().and_then(|front| front.token.as_ref());
        self.services.iter().filter_map(|service| service.token.as_ref()).chain(front)
    }

    /// Returns the beginning of a backend's get-url.
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

    /// Returns the path of a backend. It is the same before and behind the sidecar.
    pub(super) fn path(&self, service: &Service) -> String {
        let prefix = match &self.base {
            Base::Here(_) => "",
            Base::Far { prefix, .. } => prefix,
        };
        format!("{prefix}/backend/{}/", service.name)
    }
}

/// Escapes a text for a URL that Kannel reads. It also doubles each %, since Kannel reads % and a letter as a code of
/// its own.
fn for_url(text: &str) -> String {
    let escaped = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    escaped.to_string().replace("%2D", "-").replace("%5F", "_").replace('%', "%%")
}
