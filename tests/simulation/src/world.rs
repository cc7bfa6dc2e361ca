//! The world around the environments: time, noise, faults, the log, and all observations.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use threadless::store::MemoryStore;
use threadless::{BackendName, ConnectionId};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::dice::mix;
use crate::gateway::Scripts;
use crate::plan::{Call, Fault, Person, Shape};
use crate::seen::Seen;
use crate::sqs::Sqs;

/// The time at which every history begins: 2026-11-27 08:00 UTC.
const EPOCH: i64 = 1_795_766_400;

/// The data that the environments of one history share.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) store: MemoryStore,
    pub(crate) people: Vec<ConnectionId>,
    /// The signal that a job came to the queue.
    pub(crate) wake: Notify,
    /// The calls that wait for their turn, if all orders are tried.
    pub(crate) turns: Option<crate::turns::Turns>,
    begun: Instant,
    state: Mutex<State>,
}

/// The part of the world that changes.
pub(crate) struct State {
    /// The log, if it was requested.
    pub(crate) log: Option<String>,
    pub(crate) sqs: Sqs,
    pub(crate) scripts: Scripts,
    pub(crate) seen: Seen,
    pub(crate) armed: Vec<Armed>,
    pub(crate) environments: Vec<Body>,
    /// Whether calls take longer than any time-out allows, or clocks are wrong.
    pub(crate) unusual: bool,
    /// The clock error of all future environments, in milliseconds.
    pub(crate) skew: i64,
    /// Whether the function `responder` processes messages now.
    pub(crate) queued: bool,
    /// The number of unfinished tasks that read and write for people.
    pub(crate) busy: usize,
    /// The time before which no tick comes, in milliseconds.
    pub(crate) silent_until: u64,
    rolls: (u64, u64),
}

/// A fault that waits for its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Armed {
    pub(crate) call: Call,
    pub(crate) after: u8,
    pub(crate) fault: Fault,
}

/// An environment as the world knows it.
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) dead: bool,
    pub(crate) frozen_until: Instant,
    /// The total time for which it was frozen. Its time limits are longer by this.
    pub(crate) frozen_for: Duration,
    pub(crate) skew: i64,
    pub(crate) running: Option<AbortHandle>,
}

impl World {
    pub(crate) fn new(seed: u64, shape: Shape, logs: bool, turns: Option<crate::turns::Turns>) -> Arc<Self> {
        let state = State {
            log: logs.then(String::new),
            sqs: Sqs::default(),
            scripts: Scripts::default(),
            seen: Seen::default(),
            armed: Vec::new(),
            environments: Vec::new(),
            unusual: false,
            skew: 0,
            queued: shape.queued,
            busy: 0,
            silent_until: 0,
            rolls: (0, 0),
        };
        let people = (0..crate::plan::PEOPLE).filter_map(connection).collect();
        Arc::new(Self {
            seed,
            shape,
            store: MemoryStore::new(),
            people,
            wake: Notify::new(),
            turns,
            begun: Instant::now(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the true time, in milliseconds since the start.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the true time.
    pub(crate) fn now(&self) -> Timestamp {
        self.by_clock(0)
    }

    /// Returns the time by a clock with this error in milliseconds.
    pub(crate) fn by_clock(&self, skew: i64) -> Timestamp {
        let ms = EPOCH * 1000 + i64::try_from(self.ms()).unwrap_or(0) + skew;
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns a number that depends on the seed, the time and the number of calls at this time. So events at other
    /// times do not change it.
    pub(crate) fn roll(&self) -> u64 {
        let ms = self.ms();
        let mut state = self.lock();
        state.rolls = if state.rolls.0 == ms { (ms, state.rolls.1 + 1) } else { (ms, 0) };
        mix(&[self.seed, ms, state.rolls.1])
    }

    /// Returns a span from `from` to `to` milliseconds. Without noise, returns the shorter one.
    pub(crate) fn span(&self, from: u64, to: u64) -> Duration {
        let more = if self.shape.noise { self.roll() % (to - from + 1) } else { 0 };
        Duration::from_millis(from + more)
    }

    /// Writes a line of the log. The text is made only if there is a log.
    pub(crate) fn log(&self, who: &str, what: impl FnOnce() -> String) {
        let ms = self.ms();
        let mut state = self.lock();
        if let Some(log) = &mut state.log {
            use fmt::Write as _;
            let _ = writeln!(log, "{:>6}.{:03} {who:<10} {}", ms / 1000, ms % 1000, what());
        }
    }

    /// Records that a promise was broken.
    pub(crate) fn broken(&self, promise: &'static str, how: impl fmt::Display) {
        let how = how.to_string();
        self.log("JUDGE", || format!("{promise}: {how}"));
        self.lock().seen.broken.push((promise, how));
    }

    /// Returns the connection of a person.
    pub(crate) fn person(&self, person: Person) -> Option<&ConnectionId> {
        self.people.get(usize::from(person))
    }

    /// Kills an environment and all its work.
    pub(crate) fn kill(&self, environment: usize) {
        let mut state = self.lock();
        if let Some(body) = state.environments.get_mut(environment) {
            body.dead = true;
            if let Some(running) = body.running.take() {
                running.abort();
            }
        }
    }

    /// Freezes an environment.
    pub(crate) fn freeze(&self, environment: usize, span: Duration) {
        let now = Instant::now();
        if let Some(body) = self.lock().environments.get_mut(environment) {
            body.frozen_until = body.frozen_until.max(now) + span;
            body.frozen_for += span;
        }
    }
}

/// Returns the name of a backend: 0 or 1.
pub(crate) fn backend(number: u8) -> Option<BackendName> {
    ["ada", "bea"].get(usize::from(number))?.parse().ok()
}

/// Returns the connection of a person.
fn connection(person: Person) -> Option<ConnectionId> {
    let identity = format!("70{}", person / 2).parse().ok()?;
    Some(ConnectionId::new(backend(person % 2)?, identity))
}

/// Returns the name of a connection in the log.
pub(crate) fn short(connection: &ConnectionId) -> String {
    format!("{}:{}", connection.backend.as_str(), connection.identity.as_str())
}
