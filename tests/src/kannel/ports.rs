//! Ports for servers that cannot be asked to choose one themselves.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result};

/// Below the range that the kernel hands out to outgoing connections, so that a port stays free while its server
/// restarts.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Begins at another place in each process: two test runs side by side seldom meet.
static NEXT: LazyLock<AtomicU16> =
    LazyLock::new(|| AtomicU16::new(u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0)));

/// The ports of one Kannel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) admin: u16,
    pub(super) smsbox: u16,
    pub(super) sendsms: u16,
}

impl Ports {
    /// Three free ports, never given twice in this process until all were given. Another process may take one before
    /// its server does; the caller tries again then.
    pub(super) fn free() -> Result<Self> {
        Ok(Self { admin: free()?, smsbox: free()?, sendsms: free()? })
    }
}

fn free() -> Result<u16> {
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port")
}
