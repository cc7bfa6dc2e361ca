//! The host names by which this stack may be called.
//!
//! Any site can let its name lead to 127.0.0.1 (DNS rebinding). For the browser, a page of this site then has the same
//! origin as this stack, so the page may read every answer. Such a request shows the name of the site in `Host`.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, Uri, header};

/// The name or the address of a host, without scheme and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// An address.
    Address(IpAddr),
    /// A name, in lower case and without the dot at its end.
    Name(String),
}

/// The reason why a text is not a [`HostName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a host: write a name or an address without scheme and port, such as stack.example.org")]
pub struct NoHost;

impl FromStr for HostName {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Self, NoHost> {
        let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(address) = bracketed {
            return address.parse().map(|address| Self::Address(IpAddr::V6(address))).map_err(|_| NoHost);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(legal) {
            return Err(NoHost);
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl HostName {
    /// Returns whether the host always means this machine.
    fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }

    /// Returns whether the host could be the name of a site. A name without a dot is not the name of a site, because no
    /// top-level domain leads to an address. An IP address is not one either, because nobody can let it lead somewhere
    /// else.
    fn can_be_a_site(&self) -> bool {
        matches!(self, Self::Name(name) if name.contains('.'))
    }
}

/// The hosts that requests may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Arc<[HostName]>);

impl Hosts {
    /// Allows this machine and these hosts.
    pub(crate) fn new(more: &[HostName]) -> Self {
        Self(more.into())
    }

    /// Returns whether a request names only this machine or allowed hosts.
    pub(crate) fn are_ours(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut named = named(uri, headers).peekable();
        named.peek().is_some() && named.all(|host| host.is_some_and(|host| self.is_ours(&host)))
    }

    /// Returns whether a request names a host that could be a site and is not allowed. A request that names no host, or
    /// an invalid one, does not come from a browser.
    pub(crate) fn are_of_a_site(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        named(uri, headers).flatten().any(|host| host.can_be_a_site() && !self.is_ours(&host))
    }

    fn is_ours(&self, host: &HostName) -> bool {
        host.is_loopback() || self.0.contains(host)
    }
}

/// Returns whether a browser says that the request comes from a page of another site. Gateways and scripts say nothing
/// about it.
pub(crate) fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// Returns every host that a request names: in its target and in `Host`. A host that cannot be read is `None`.
fn named(uri: &Uri, headers: &HeaderMap) -> impl Iterator<Item = Option<HostName>> {
    let target = uri.authority().map(|authority| host_of(authority.as_str()));
    let given = headers.get_all(header::HOST).iter();
    let given = given.map(|host| host.to_str().ok().and_then(host_of));
    target.into_iter().chain(given.collect::<Vec<_>>())
}

/// Returns the host of `host` or `host:port`.
fn host_of(text: &str) -> Option<HostName> {
    let (host, port) = match text.rfind(':') {
        Some(at) if !text.ends_with(']') => (&text[..at], &text[at + 1..]),
        _ => (text, ""),
    };
    // Refuse a bare IPv6 address: the code above would cut off its last part.
    let whole = !host.contains(':') || host.starts_with('[');
    (whole && port.bytes().all(|byte| byte.is_ascii_digit())).then(|| host.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, hosts: &[&str]) -> (Uri, HeaderMap) {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        (target.parse().unwrap(), headers)
    }

    #[test]
    fn only_this_machine_and_what_is_allowed_is_ours() {
        let hosts = Hosts::new(&["Stack.Example.org".parse().unwrap(), "192.168.7.5".parse().unwrap()]);
        let ours = [
            "127.0.0.1",
            "127.0.0.1:8000",
            "127.0.0.2:80",
            "localhost",
            "LOCALHOST:9",
            "localhost.:1",
            "localhost:",
            "[::1]",
            "[::1]:8000",
            "[0:0:0:0:0:0:0:1]",
            "stack.example.org",
            "STACK.example.ORG.:8000",
            "192.168.7.5:8000",
        ];
        for host in ours {
            let (uri, headers) = asked("/", &[host]);
            assert!(hosts.are_ours(&uri, &headers) && !hosts.are_of_a_site(&uri, &headers), "{host}");
        }
        let others = [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example.localhost",
            "x.stack.example.org",
            "127.0.0.1.",
        ];
        for host in others {
            let (uri, headers) = asked("/", &[host]);
            assert!(!hosts.are_ours(&uri, &headers), "{host}");
            assert!(hosts.are_of_a_site(&uri, &headers), "{host}");
        }
        let odd = [
            "",
            " ",
            "a",
            "::1",
            "[::1",
            "[",
            "a b",
            "user@localhost",
            "localhost:x",
            "192.168.7.6",
            "localhost/",
        ];
        for host in odd {
            let (uri, headers) = asked("/", &[host]);
            assert!(!hosts.are_ours(&uri, &headers), "{host}");
            assert!(!hosts.are_of_a_site(&uri, &headers), "{host}");
        }
    }

    #[test]
    fn every_name_that_a_request_gives_counts() {
        let hosts = Hosts::default();
        let table = [
            ("/", &[][..], false, false),
            ("/", &["localhost", "evil.example"][..], false, true),
            ("http://evil.example/", &["localhost"][..], false, true),
            ("http://localhost:8000/", &["evil.example"][..], false, true),
            ("http://localhost:8000/", &["localhost:8000"][..], true, false),
            ("http://127.0.0.1/", &[][..], true, false),
        ];
        for (target, given, ours, of_a_site) in table {
            let (uri, headers) = asked(target, given);
            assert_eq!(hosts.are_ours(&uri, &headers), ours, "{target} {given:?}");
            assert_eq!(hosts.are_of_a_site(&uri, &headers), of_a_site, "{target} {given:?}");
        }
    }

    #[test]
    fn what_may_be_allowed_is_a_host() {
        for host in ["http://a.example", "a.example:80", "", ".", "a/b", "*", "a b", "[1]"] {
            assert_eq!(host.parse::<HostName>(), Err(NoHost), "{host}");
        }
        assert_eq!("::1".parse::<HostName>(), "[::1]".parse());
    }
}
