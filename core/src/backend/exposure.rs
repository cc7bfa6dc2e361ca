//! What a deployed backend may not do without being told to: take messages from anyone, and send them in the clear.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::config::{Fields, Place};

/// What names of private networks end in (RFC 6762, RFC 8375, and ICANN's reservation of `internal`).
const PRIVATE_NAMES: [&str; 5] = [".internal", ".local", ".home.arpa", ".lan", ".localhost"];

/// Reads `open`, and reports a deployed backend that takes messages from anyone without it. It is `guarded` where the
/// settings say who may send messages in, and `key` is where they would.
///
/// Local runs may leave out both: they are reached from this machine alone.
pub(super) fn check_guard(fields: &mut Fields<'_>, key: &str, guarded: bool) {
    let open = fields.flag("open").unwrap_or(false);
    if !guarded && !open && fields.place() == Place::Deployed {
        fields.fault(
            key,
            "is missing: anyone who finds the URL could send messages in. Write { secret = \"NAME\" }, or open = true \
             beside it if something else guards this backend",
        );
    }
}

/// Reads `plain_http`, and reports a deployed backend that sends to a public host over `http://` without it.
pub(super) fn check_cleartext(fields: &mut Fields<'_>, key: &str, url: Option<&Url>) {
    let allowed = fields.flag("plain_http").unwrap_or(false);
    let Some(url) = url.filter(|_| fields.place() == Place::Deployed) else { return };
    match reach(url) {
        Reach::Itself => fields.warn(key, "leads to the function itself, where no gateway listens"),
        Reach::Public if url.scheme() == "http" && !allowed => fields.fault(
            key,
            "is http:// at a public host: passwords, numbers and texts would cross the Internet in the clear. Write \
             https://, or plain_http = true beside it if a private network leads there",
        ),
        Reach::Public | Reach::Private => {}
    }
}

/// Where a URL leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// To the machine that asks.
    Itself,
    /// Into a private network, as far as its host tells.
    Private,
    /// Into the Internet.
    Public,
}

fn reach(url: &Url) -> Reach {
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
    // 100.64.0.0/10: shared address space (RFC 6598), which VPNs like.
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
    use crate::backend::Engines;
    use crate::config::{Settings, Surroundings};

    /// The fields of a backend that hinder it.
    fn faults(place: Place, backend: &str) -> Vec<String> {
        let text = format!("[project]\nname = \"Test\"\n[backends.b]\n{backend}\n");
        let surroundings = Surroundings::new(place, |name| (name == "KNOWN").then(|| "t0ken".to_owned()));
        let faults = Settings::read(&text, &Engines::standard(), &surroundings).err().map(|faults| faults.0);
        let field = |fault: crate::backend::Fault| fault.field.trim_start_matches("backends.b.").to_owned();
        faults.unwrap_or_default().into_iter().map(field).collect()
    }

    #[test]
    fn a_deployed_backend_says_who_may_use_it_and_sends_nothing_in_the_clear() {
        let kannel = "engine = \"kannel\"\nsendsms_url = ";
        let http = "engine = \"http\"\noutgoing_url = ";
        let token = "\ntoken = { secret = \"KNOWN\" }";
        let table: [(String, &[&str]); 14] = [
            (format!("{kannel}'https://k.example/'"), &["token"]),
            (format!("{kannel}'https://k.example/'{token}"), &[]),
            (format!("{kannel}'https://k.example/'\nopen = true"), &[]),
            (format!("{kannel}'https://k.example/'\nopen = false"), &["token"]),
            (format!("{kannel}'https://k.example/'\ntoken = {{ secret = \"LOST\" }}"), &["token.secret"]),
            (format!("{kannel}'http://k.example/'"), &["sendsms_url", "token"]),
            (format!("{kannel}'http://k.example/'{token}\nplain_http = true"), &[]),
            (format!("{kannel}'http://10.1.2.3:13013/'{token}"), &[]),
            (format!("{kannel}'http://127.0.0.1:13013/'{token}"), &[]),
            (format!("{http}'https://g.example/?%(text)s'"), &["token"]),
            (format!("{http}'https://g.example/?%(text)s'{token}"), &[]),
            (
                format!("{http}'https://g.example/?%(text)s'\nsignature_secret = {{ secret = \"KNOWN\" }}"),
                &[],
            ),
            (format!("{http}'http://g.example/%(identity)s?%(text)s'{token}"), &["outgoing_url"]),
            (format!("{http}'http://g.example/?%(text)s'{token}\nplain_http = true"), &[]),
        ];
        for (backend, expected) in table {
            assert_eq!(faults(Place::Deployed, &backend), *expected, "{backend}");
            if !backend.contains("LOST") {
                assert_eq!(faults(Place::Local, &backend), [""; 0], "{backend}");
            }
        }
    }

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
