//! The rules for requests to the front. They are needed because the browsers on this machine show pages of any site.
//!
//! | target | refused requests |
//! |---|---|
//! | the message tester, `/send` | A request whose host is neither this machine nor allowed. Another site could let its name lead to this machine; its page could then read and send. |
//! | a backend that demands a token or a signature | None. A page has neither of the two, and gateways and tunnels call the backend by names of their own. |
//! | a backend that demands nothing | A request whose host could be the name of a site, and a request that a browser marks as coming from a page of another site. |
//!
//! On AWS these rules are not needed: an HTTP API answers only to its own names, and every backend demands credentials.

use std::sync::Arc;

use http::request::Parts;
use threadless::Project;
use threadless::lambda::Function;

use crate::serving::{Hosts, is_of_another_site};

/// The answer to a request that names another host.
pub(crate) const STRANGER: &str = "Forbidden: the Host of this request is neither this machine nor an allowed host. To \
                                   allow it, start the stack with --allow-host NAME";

/// The answer to a page of another site.
const OTHER_SITE: &str =
    "Forbidden: this backend requires no token, so it accepts nothing from pages of other sites";

/// The rules for the hosts and pages that may send requests.
pub(crate) struct Guests {
    pub(crate) hosts: Hosts,
    pub(crate) project: Arc<Project>,
}

impl Guests {
    /// Returns the reason why a request to a Lambda function is refused, or `None` if the request may go on.
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

    /// Returns whether the backend in this path takes messages from anyone.
    fn is_open(&self, path: &str) -> bool {
        let named = path.split('/').nth(2).and_then(|name| name.parse().ok());
        named.is_some_and(|name| self.project.is_open(&name))
    }
}
