//! The options of a test's Kannel. The defaults are the configuration that the project recommends.

use std::net::SocketAddr;
use std::path::Path;

use super::config::{Ports, render};

/// The setup of Kannel.
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
    /// The services for inbound messages. The first service that fits takes a message.
    pub services: Vec<Service>,
    /// The connections to operators, each an smsc-id. The first is [`LINE`].
    pub lines: Vec<String>,
    /// Whether a message must name its line.
    pub routing: Routing,
    /// `http-request-retry`: the number of times that a failed request to a service is repeated.
    pub retries: u32,
    /// `http-queue-delay`: the seconds between two such requests.
    pub retry_delay: u32,
    /// `http-timeout`: the seconds after which a request to a service has failed.
    pub http_timeout: u32,
    /// `max-pending-requests`: the number of first requests (not repeated ones) that run at the same time.
    pub max_pending: u32,
    /// `max-messages` of the sendsms user: the number of parts into which a long text may be split.
    pub max_messages: u32,
    /// `sms-resend-freq`: the seconds before Kannel sends a message again that an operator refused for now.
    pub resend_frequency: u32,
    /// Further lines, `name = value`, for the groups of the configuration.
    pub extra: Extra,
    /// Replacements in the finished file: old text and new text. The old text must be there.
    pub replace: Vec<(String, String)>,
}

/// The smsc-id of the line that always exists.
pub const LINE: &str = "A";

/// The treatment of a message for an unknown line, or for no line (`smsc=` of sendsms).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Any line takes the message.
    Any,
    /// Kannel refuses the message with 403 `Not routable`: each line has its own id as `allowed-smsc-id`.
    Named,
}

/// Lines of configuration for which the options have no field.
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

/// A service for inbound messages: a `sms-service` group.
#[derive(Debug, Clone)]
pub struct Service {
    /// The URL with Kannel's escapes.
    pub get_url: String,
    /// The line whose messages this service takes, or `None` for all lines.
    pub line: Option<String>,
    /// `max-messages`: with 0, Kannel never sends the body of the answer to the phone.
    pub max_messages: u32,
    /// Further lines for the group.
    pub extra: Vec<String>,
}

impl Service {
    /// Makes a service at a base URL with the recommended parameters after it (see [`get_url`]).
    pub fn new(base: &str) -> Self {
        Self::at(get_url(base))
    }

    /// Makes a service with another get-url.
    pub fn at(get_url: impl Into<String>) -> Self {
        Self { get_url: get_url.into(), line: None, max_messages: 0, extra: Vec::new() }
    }
}

/// Returns the recommended get-url. It passes everything that Kannel knows of a message, with the text in hex.
pub fn get_url(base: &str) -> String {
    let mark = if base.contains('?') { '&' } else { '?' };
    format!("{base}{mark}id=%p&to=%P&hex=%e&charset=%C&coding=%c&udh=%u&mid=%I&smsc=%i&account=%o&ts=%T")
}

impl KannelOptions {
    /// Makes options with one line, and one service at a base URL with the recommended get-url.
    pub fn new(base: &str) -> Self {
        Self::with(Service::new(base))
    }

    /// Makes options with one line and one service. Failed requests are repeated as often as the project recommends,
    /// but after one second, so that tests need not wait.
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

    /// Returns the configuration that these options make. Its ports and folders stand for any.
    ///
    /// # Panics
    /// A text that is to be replaced is not there.
    pub fn file(&self) -> String {
        let ports = Ports::any();
        let operators: Vec<SocketAddr> =
            self.lines.iter().map(|_| SocketAddr::from(([127, 0, 0, 1], 1))).collect();
        render(self, ports, &operators, Path::new("/var/spool/kannel"))
    }
}
