//! What a test may choose about its Kannel; the defaults are the configuration that the project recommends.

use std::net::SocketAddr;
use std::path::Path;

use super::config::{Ports, render};

/// How Kannel is to be set up.
///
/// ```
/// use tests::kannel::{KannelOptions, Service};
/// let mut options = KannelOptions::new("http://127.0.0.1:8000/backend/my-kannel-backend/");
/// options.retries = 3;
/// options.lines.push("B".into());
/// options.services.push(Service { line: Some("B".into()), ..Service::new("http://127.0.0.1:8001/") });
/// ```
#[derive(Debug, Clone)]
pub struct KannelOptions {
    /// Where inbound messages go. The first service that fits takes a message.
    pub services: Vec<Service>,
    /// The connections to operators, each an smsc-id; the first is [`LINE`].
    pub lines: Vec<String>,
    /// Whether a message must name its line.
    pub routing: Routing,
    /// `http-request-retry`: how often a failed request to a service is repeated.
    pub retries: u32,
    /// `http-queue-delay`: seconds between them.
    pub retry_delay: u32,
    /// `http-timeout`: seconds until a request to a service has failed.
    pub http_timeout: u32,
    /// `max-pending-requests`: how many first requests (not repeated ones) run at once.
    pub max_pending: u32,
    /// `max-messages` of the sendsms user: into how many parts a long text may be split.
    pub max_messages: u32,
    /// `sms-resend-freq`: seconds until a message that an operator refused for now is tried again.
    pub resend_frequency: u32,
    /// Further lines, `name = value`, for the groups of the configuration.
    pub extra: Extra,
    /// What in the finished file is replaced by what. It must be there.
    pub replace: Vec<(String, String)>,
}

/// The smsc-id of the line that is always there.
pub const LINE: &str = "A";

/// What becomes of a message for a line that is not there, or for none (`smsc=` of sendsms).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Any line takes it.
    Any,
    /// It is refused with 403 `Not routable`: each line has its own id as `allowed-smsc-id`.
    Named,
}

/// Lines of configuration that the options have no field for.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// For `group = core`.
    pub core: Vec<String>,
    /// For `group = smsbox`.
    pub smsbox: Vec<String>,
    /// For `group = sendsms-user`.
    pub user: Vec<String>,
    /// For each `group = smsc`.
    pub smsc: Vec<String>,
}

/// Where inbound messages go: a `sms-service` group.
#[derive(Debug, Clone)]
pub struct Service {
    /// The URL with Kannel's escapes.
    pub get_url: String,
    /// Takes only what this line received; `None` for all.
    pub line: Option<String>,
    /// `max-messages`: 0 never sends the answer's body to the phone.
    pub max_messages: u32,
    /// Further lines for the group.
    pub extra: Vec<String>,
}

impl Service {
    /// A service at a base URL with the recommended parameters after it (see [`get_url`]).
    pub fn new(base: &str) -> Self {
        Self::at(get_url(base))
    }

    /// A service with a get-url of one's own.
    pub fn at(get_url: impl Into<String>) -> Self {
        Self { get_url: get_url.into(), line: None, max_messages: 0, extra: Vec::new() }
    }
}

/// The recommended get-url: everything that Kannel knows of a message, its text in hex.
pub fn get_url(base: &str) -> String {
    let mark = if base.contains('?') { '&' } else { '?' };
    format!("{base}{mark}id=%p&to=%P&hex=%e&charset=%C&coding=%c&udh=%u&mid=%I&smsc=%i&account=%o&ts=%T")
}

impl KannelOptions {
    /// One line, and one service at a base URL with the recommended get-url.
    pub fn new(base: &str) -> Self {
        Self::with(Service::new(base))
    }

    /// One line and one service. Failed requests are repeated as often as the project recommends, but after one
    /// second, so that tests need not wait.
    pub fn with(service: Service) -> Self {
        Self {
            services: vec![service],
            lines: vec![LINE.into()],
            routing: Routing::Any,
            retries: 100,
            retry_delay: 1,
            http_timeout: 30,
            max_pending: 50,
            max_messages: 10,
            resend_frequency: 1,
            extra: Extra::default(),
            replace: Vec::new(),
        }
    }

    /// The configuration that these options make, with ports and folders that stand for any.
    ///
    /// # Panics
    /// What is to be replaced is not there.
    pub fn file(&self) -> String {
        let ports = Ports::any();
        let operators: Vec<SocketAddr> =
            self.lines.iter().map(|_| SocketAddr::from(([127, 0, 0, 1], 1))).collect();
        render(self, ports, &operators, Path::new("/var/spool/kannel"))
    }
}
