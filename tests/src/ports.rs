//! Ports for servers that cannot choose one themselves, or that must return to their former port.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result};

/// The first port. It is below the range from which the kernel takes ports for outgoing connections, so a port stays
/// free while its server restarts.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The next port. Each process begins at another place, so two test runs at the same time seldom collide.
static NEXT: LazyLock<AtomicU16> =
    LazyLock::new(|| AtomicU16::new(u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0)));

/// Returns a port of the loopback on which nothing listens. This process gets each port once only, until all have been
/// used. Another process may take the port before its server does, so the caller must be ready to try again.
///
/// # Errors
/// All ports are taken.
pub fn free_port() -> Result<u16> {
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port")
}

/// Returns whether a server listens on a port of this machine (IPv4). Asks the kernel, and connects to nothing.
pub fn is_listening(port: u16) -> bool {
    const LISTENING: &str = "0A";
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let local = format!(":{port:04X}");
    sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|fields| {
        fields.get(1).is_some_and(|address| address.ends_with(&local)) && fields.get(3) == Some(&LISTENING)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_seen_without_a_connection() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        // No program uses this port.
        assert!(!is_listening(1));
    }

    #[test]
    fn a_port_that_is_taken_is_not_given() {
        let taken: Vec<_> = (0..50)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap())
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        assert!(taken.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)));
        assert!(!taken.contains(&free_port().unwrap()));
    }
}
