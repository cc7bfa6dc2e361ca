//! Finds out where a URL leads. It looks only at the host.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The endings of names in private networks (RFC 6762, RFC 8375, and ICANN's reservation of `internal`).
const PRIVATE_NAMES: [&str; 5] = [".internal", ".local", ".home.arpa", ".lan", ".localhost"];

/// The place to which a URL leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The machine that sends the request.
    Itself,
    /// A private network, as far as the host shows.
    Private,
    /// The Internet.
    Public,
}

/// Returns where a URL leads, as far as the host shows.
pub(super) fn reach(url: &Url) -> Reach {
    match url.host() {
        Some(Host::Domain(name)) => by_name(name.trim_end_matches('.')),
        Some(Host::Ipv4(address)) => by_ipv4(address),
        Some(Host::Ipv6(address)) => by_ipv6(address),
        None => Reach::Public,
    }
}

fn by_name(name: &str) -> Reach {
    if name == "localhost" || name.ends_with(".localhost") {
        Reach::Itself
    } else if !name.contains('.') || PRIVATE_NAMES.iter().any(|end| name.ends_with(end)) {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn by_ipv4(address: Ipv4Addr) -> Reach {
    // 100.64.0.0/10 is shared address space (RFC 6598). VPNs often use it.
    let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    if address.is_loopback() || address.is_unspecified() {
        Reach::Itself
    } else if address.is_private() || address.is_link_local() || shared {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn by_ipv6(address: Ipv6Addr) -> Reach {
    if let Some(address) = address.to_ipv4_mapped() {
        by_ipv4(address)
    } else if address.is_loopback() || address.is_unspecified() {
        Reach::Itself
    } else if address.is_unique_local() || address.is_unicast_link_local() {
        Reach::Private
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_tells_where_it_is() {
        let table: [(&[&str], Reach); 3] = [
            (
                &["127.0.0.1:13013", "127.8.8.8", "[::1]", "localhost", "k.localhost", "0.0.0.0"],
                Reach::Itself,
            ),
            (
                &[
                    "10.1.2.3",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "169.254.1.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "[fd00::1]",
                    "[fe80::1]",
                    "[::ffff:10.0.0.1]",
                    "kannel",
                    "kannel.internal",
                    "kannel.lan.",
                    "ip-10-0-0-1.eu-west-1.compute.internal",
                ],
                Reach::Private,
            ),
            (
                &[
                    "203.0.113.7",
                    "172.32.0.1",
                    "100.128.0.1",
                    "100.63.255.255",
                    "[2001:db8::1]",
                    "[::ffff:8.8.8.8]",
                    "kannel.example.org",
                    "internal.example.org",
                ],
                Reach::Public,
            ),
        ];
        for (hosts, expected) in table {
            for host in hosts {
                let url = Url::parse(&format!("http://{host}/cgi-bin/sendsms")).unwrap();
                assert_eq!(reach(&url), expected, "{host}");
            }
        }
    }
}
