//! Slows down an attacker who guesses the password, and locks the login if that is not enough.
//!
//! The DynamoDB table counts the wrong passwords, because the environments of a Lambda function share nothing else. A
//! client is an IPv4 address or the /64 network of an IPv6 address. After [`FREE`] wrong passwords on one day, the
//! client must wait before the next attempt: 2 s, then 4 s, and so on up to an hour. So one client has about 40 guesses
//! a day, and other clients notice nothing. All clients together have [`MOST_IN_AN_HOUR`] wrong passwords in one hour.
//! Then the login is closed to everyone until the next full hour of the clock. After that, the owner can log in again,
//! and the attackers can guess again. A session that has begun is never interrupted.
//!
//! While a client must wait, the right password gets the same answer as a wrong one. A wrong password in this time is
//! not counted and does not make the wait longer.
//!
//! The gate first compares the password and then reads the counts. So several simultaneous guesses may all pass before
//! the first one is counted: as many as the API lets in within milliseconds. To count first would cost one write for
//! each login.

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

/// The number of wrong passwords that a client may give on one day before it must wait.
const FREE: u32 = 5;

/// The first wait. Each later wait is twice as long as the wait before.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait of one client.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The number of wrong passwords that all clients together may give in an hour.
const MOST_IN_AN_HOUR: u32 = 1_000;

/// The time, in seconds, for which a process need not read the counts again after it found that nobody had guessed.
/// With `Basic`, every call of a page brings the password.
const QUIET: i64 = 10;

/// The address of the client, as the server sees it. The client itself cannot choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The result for a password that came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The password is right.
    Right,
    /// The password is wrong.
    Wrong,
    /// The client must wait this long. The answer does not say whether the password is right.
    Wait(Duration),
}

/// The gate before the login of one tester.
pub(super) struct Gate<'a> {
    pub(super) project: &'a Project,
    pub(super) login: Login<'a>,
    pub(super) quiet: &'a Quiet,
}

impl Gate<'_> {
    /// Judges a password that came with a request.
    ///
    /// # Errors
    /// The counts cannot be read or written. Then nobody can log in.
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

    /// Returns a name for the client that does not reveal its address.
    fn client(&self, request: &Request<Bytes>) -> String {
        let address = request.extensions().get::<ClientAddress>().map(|address| network(address.0));
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let name = self.login.sign("client", &address);
        hex(name.get(..12).unwrap_or(&name))
    }
}

/// Returns the part of an address that stands for one person: a complete IPv4 address, or the /64 network of an IPv6
/// address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Returns how long a client must wait now.
fn wait(guesses: &Guesses, now: Timestamp) -> Option<Duration> {
    if guesses.by_all >= MOST_IN_AN_HOUR {
        let second = u64::try_from(now.as_second().rem_euclid(3600)).unwrap_or(0);
        return Some(Duration::from_secs(3600 - second));
    }
    let beyond = guesses.by_client.checked_sub(FREE)?;
    let whole = FIRST_WAIT.saturating_mul(1 << beyond.min(16)).min(LONGEST_WAIT);
    let until = guesses.last_at?.saturating_add(SignedDuration::try_from(whole).ok()?).ok()?;
    let left = Duration::try_from(until.duration_since(now)).ok()?;
    // The clock may be behind the clock that counted. Nobody then waits longer than the whole wait.
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
            // This guess was counted by a clock that is ahead.
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
