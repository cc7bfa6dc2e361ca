//! A name server that gives the address of this machine for every name.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

/// A name server that answers each question for an IPv4 address with 127.0.0.1, valid for a second, until it is dropped
/// (RFC 1035).
pub struct Names {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: AbortHandle,
}

impl Names {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = socket.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                if let Some((name, answer)) = answer(&question[..length]) {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(name);
                    socket.send_to(&answer, from).await.ok();
                }
            }
        });
        Ok(Self { address, asked, serving: serving.abort_handle() })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the names that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the name of the first question, and its answer.
fn answer(packet: &[u8]) -> Option<(String, Vec<u8>)> {
    let (id, mut rest) = (packet.get(..2)?, packet.get(12..)?);
    let mut labels = Vec::new();
    while let [length @ 1..=63, tail @ ..] = rest {
        let (label, tail) = tail.split_at_checked(usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = tail;
    }
    let kind = rest.get(1..5)?;
    let question = packet.get(12..packet.len() - rest.len() + 5)?;
    let is_address = kind == [0, 1, 0, 1];
    // An authoritative answer without an error: one question, and one answer or none.
    let head = [&id[0..2], &[0x85, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]].concat();
    let record: &[u8] = &[0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1];
    let record = if is_address { record } else { &[] };
    Some((labels.join("."), [&head, question, record].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_an_address_is_answered() {
        let question =
            [&[7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1][..], b"\x03api\x04test\x00\x00\x01\x00\x01", &[0; 11]]
                .concat();
        let (name, reply) = answer(&question).unwrap();
        assert_eq!(name, "api.test");
        assert_eq!(reply[..12], [7, 9, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(reply[12..26], question[12..26]);
        assert_eq!(reply[reply.len() - 4..], [127, 0, 0, 1]);
        for cut in 0..26 {
            assert!(answer(&question[..cut]).is_none(), "{cut}");
        }
    }
}
