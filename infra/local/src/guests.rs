//! Who may ask the front for what, on a machine whose browsers show pages of anyone.
//!
//! | what | refused |
//! |---|---|
//! | the message tester, `/send` | a request whose host is neither this machine nor allowed: the name of another site that leads here would let its page read and send |
//! | a backend that asks for a token or a signature | nothing here: a page has neither, and gateways and tunnels call it by names of their own |
//! | a backend that asks for nothing | a request whose host some site could have, and one that a browser says comes from another site's page |
//!
//! Deployed none of this is needed: an HTTP API answers to its own names alone, and every backend asks for something.

use std::sync::Arc;

use http::request::Parts;
use threadless::Project;
use threadless::lambda::Function;

use crate::serving::{Hosts, is_of_another_site};

/// The answer to a request that names another host.
pub(crate) const STRANGER: &str = "Forbidden: the Host of this request is neither this machine nor allowed. If this \
                                   stack is meant to be called by that name, start it with --allow-host NAME";

/// The answer to a page of another site.
const OTHER_SITE: &str =
    "Forbidden: this backend asks for no token, and takes nothing from pages of other sites";

/// Who may ask.
pub(crate) struct Guests {
    pub(crate) hosts: Hosts,
    pub(crate) project: Arc<Project>,
}

impl Guests {
    /// Returns why a request to a function is refused, or `None` for one that may go on.
    pub(crate) fn refusal(&self, function: Function, parts: &Parts) -> Option<&'static str> {
        match function {
            Function::Http { .. } if !self.is_open(parts.uri.path()) => None,
            Function::Http { .. } if self.hosts.are_of_a_site(&parts.uri, &parts.headers) => Some(STRANGER),
            Function::Http { .. } if is_of_another_site(&parts.headers) => Some(OTHER_SITE),
            Function::Http { .. } => None,
            _ if self.hosts.are_ours(&parts.uri, &parts.headers) => None,
            _ => Some(STRANGER),
        }
    }

    /// Whether the backend in this path takes messages from anyone.
    fn is_open(&self, path: &str) -> bool {
        let named = path.split('/').nth(2).and_then(|name| name.parse().ok());
        named.is_some_and(|name| self.project.is_open(&name))
    }
}
