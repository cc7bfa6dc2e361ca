//! Slows down who guesses the password, and locks the login where that does not help.
//!
//! Wrong passwords are counted in the table, since function environments share nothing else. A client, which is an IPv4
//! address or the /64 of an IPv6 address, has [`FREE`] wrong ones a day; each further one has it wait, 2 s, 4 s … up to
//! an hour. So one client has about 40 guesses a day, and nobody else notices. All clients together have
//! [`MOST_IN_AN_HOUR`]; after that the login is closed to everyone until the next full hour of the clock, when the owner
//! can come in as well as the guessers. A session that has begun goes on in any case.
//!
//! While a client waits, the right password is answered like a wrong one, and a wrong one is neither counted nor does it
//! make the wait longer.
//!
//! A password is compared first and the counts are read after it, so of guesses that are made at once as many may pass as
//! are at work before the first is counted: those that the API lets in within milliseconds. Counting first would cost a
//! write for each login.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::login::Login;
use crate::backend::httptester::Quiet;
use crate::project::Project;
use crate::store::{Guesses, StoreError};
use crate::util::hex::hex;

/// The wrong passwords that a client may give on one day before it has to wait.
const FREE: u32 = 5;

/// The first wait. Each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait of one client.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The wrong passwords that all clients together may give in an hour.
const MOST_IN_AN_HOUR: u32 = 1_000;

/// For how long a process need not ask again after it learned that nobody guessed, in seconds. With `Basic` every call of
/// a page brings the password.
const QUIET: i64 = 10;

/// The address that a request came from, as the server tells it. Not what the client says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Whether a password that was given counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// Whether it is right is not said: the client must wait this long.
    Wait(Duration),
}

/// The gate before one tester.
pub(super) struct Gate<'a> {
    pub(super) project: &'a Project,
    pub(super) login: Login<'a>,
    pub(super) quiet: &'a Quiet,
}

impl Gate<'_> {
    /// Judges a password that came with a request.
    ///
    /// # Errors
    /// The counts cannot be read or written. Nobody comes in then.
    pub(super) async fn judge(
        &self,
        request: &Request<Bytes>,
        password: &[u8],
    ) -> Result<Verdict, StoreError> {
        let right = self.login.password.is(password);
        let now = self.project.ports.clock.now();
        if right && now.as_second() < self.quiet.0.load(Ordering::Relaxed) {
            return Ok(Verdict::Right);
        }
        let (store, backend) = (&self.project.ports.store, self.login.backend);
        let client = self.client(request);
        let guesses = store.guesses(backend, &client, now).await?;
        let quiet = if guesses == Guesses::default() { now.as_second() + QUIET } else { 0 };
        self.quiet.0.store(quiet, Ordering::Relaxed);
        if let Some(wait) = wait(&guesses, now) {
            info!(backend = backend.as_str(), outcome = "must_wait", seconds = wait.as_secs(), "login");
            return Ok(Verdict::Wait(wait));
        }
        if right {
            return Ok(Verdict::Right);
        }
        self.quiet.0.store(0, Ordering::Relaxed);
        store.note_guess(backend, &client, now).await?;
        if guesses.by_all + 1 == MOST_IN_AN_HOUR {
            warn!(backend = backend.as_str(), outcome = "closed", "too many wrong passwords in this hour");
        } else {
            info!(backend = backend.as_str(), outcome = "wrong_password", "login");
        }
        Ok(Verdict::Wrong)
    }

    /// A name for the client that does not tell its address.
    fn client(&self, request: &Request<Bytes>) -> String {
        let address = request.extensions().get::<ClientAddress>().map(|address| network(address.0));
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let name = self.login.sign("client", &address);
        hex(name.get(..12).unwrap_or(&name))
    }
}

/// What one person has of the addresses: all of an IPv4 address, and of an IPv6 address the network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// How long a client has to wait now.
fn wait(guesses: &Guesses, now: Timestamp) -> Option<Duration> {
    if guesses.by_all >= MOST_IN_AN_HOUR {
        let second = u64::try_from(now.as_second().rem_euclid(3600)).unwrap_or(0);
        return Some(Duration::from_secs(3600 - second));
    }
    let beyond = guesses.by_client.checked_sub(FREE)?;
    let whole = FIRST_WAIT.saturating_mul(1 << beyond.min(16)).min(LONGEST_WAIT);
    let until = guesses.last_at?.saturating_add(SignedDuration::try_from(whole).ok()?).ok()?;
    let left = Duration::try_from(until.duration_since(now)).ok()?;
    // A clock that was behind when it counted has nobody wait longer than the wait.
    (!left.is_zero()).then(|| left.min(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_699_999_200 + seconds).unwrap()
    }

    fn waits(by_client: u32, by_all: u32, ago: i64) -> Option<u64> {
        let guesses = Guesses { by_client, last_at: (by_client > 0).then(|| at(0)), by_all };
        wait(&guesses, at(ago)).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_client_waits_longer_with_each_guess_and_everyone_until_the_hour_is_over() {
        let table = [
            ((0, 0, 0), None),
            ((4, 4, 0), None),
            ((5, 5, 0), Some(2)),
            ((5, 5, 1), Some(1)),
            ((5, 5, 2), None),
            ((6, 6, 0), Some(4)),
            ((10, 10, 0), Some(64)),
            ((15, 15, 0), Some(2_048)),
            ((16, 16, 0), Some(3_600)),
            ((4_000_000, 999, 0), Some(3_600)),
            ((4_000_000, 999, 3_599), Some(1)),
            ((4_000_000, 999, 3_600), None),
            // Counted by a clock that is ahead.
            ((5, 5, -1_000), Some(2)),
            ((0, 999, 0), None),
            ((0, 1_000, 0), Some(3_600)),
            ((0, 1_000, 3_599), Some(1)),
            ((4, 1_000, 1_800), Some(1_800)),
        ];
        for ((by_client, by_all, ago), expected) in table {
            assert_eq!(waits(by_client, by_all, ago), expected, "{by_client} {by_all} {ago}");
        }
    }

    #[test]
    fn a_client_is_an_address_or_what_one_person_has_of_them() {
        let table = [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
        ];
        for (address, expected) in table {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }
}
