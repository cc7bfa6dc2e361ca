//! The parts of a plan.

use std::path::PathBuf;

use url::Url;

/// The address of the functions.
pub(super) enum Base {
    /// A URL on this machine, without TLS.
    Here(Url),
    /// A host behind TLS.
    Far {
        /// The name of the host.
        host: String,
        /// The port of the host.
        port: u16,
        /// The path before `/backend/`: empty, or a stage such as `/stage`.
        prefix: String,
    },
}

/// The service of one backend.
pub(super) struct Service {
    /// The name of the backend.
    pub(super) name: String,
    /// The only operator connection (smsc-id) whose messages the service takes, or `None` for all.
    pub(super) line: Option<String>,
    /// The token that requests must carry.
    pub(super) token: Option<Token>,
}

/// A token: the name of its environment variable, and the text that may be shown.
pub(super) struct Token {
    /// The environment variable.
    pub(super) variable: String,
    /// The token, or a placeholder for it.
    pub(super) shown: String,
}

/// One account.
#[derive(PartialEq, Eq)]
pub(super) struct User {
    /// The name of the account.
    pub(super) name: String,
    /// The password, or a placeholder for it.
    pub(super) password: String,
}

/// The address at which smsbox takes replies.
pub(super) struct Sendsms {
    /// The port on Kannel's host.
    pub(super) port: u16,
    /// The path.
    pub(super) path: String,
    /// The TLS front before smsbox.
    pub(super) front: Option<SendsmsFront>,
}

/// A TLS front of sendsms.
pub(super) struct SendsmsFront {
    /// The port of the front.
    pub(super) port: u16,
    /// The certificate and the key, in one PEM file.
    pub(super) certificate: PathBuf,
    /// The token that the front demands. With `None`, the front accepts every request for sendsms.
    pub(super) token: Option<Token>,
}
