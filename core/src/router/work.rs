//! The execution of a course on a thread of its own. If an app blocks this thread, another thread replaces it.
//!
//! One thread makes all calls of a course, so that a message costs two thread changes and not two for each call. If a
//! call does not return, the course goes on from the state before that call, on another thread. A later result of the
//! first thread is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::Router;
use super::course::{Answer, Call, Course, Ended};
use super::erased::Installed;
use super::phase::Phase;
use crate::router::apart::{Failure, GRACE, guarded, has_threads, on_a_thread};
use crate::router::budget::Budget;

/// Runs a course to its end. No call takes longer than `longest`, and all calls together take no longer than the budget
/// allows.
pub(super) async fn run(course: Course, longest: Duration, budget: Budget) -> Ended {
    let progress = Mutex::new(Progress { course, turn: 0, pending: None });
    let shared = Arc::new(Shared { longest, budget, progress });
    if has_threads() {
        let leaving = Leaving(Arc::clone(&shared));
        while shared.is_under_way() {
            shared.go_on().await;
        }
        drop(leaving);
    } else {
        shared.work(0).await;
    }
    shared.lock().course.take()
}

/// A course that several threads share; one of them works on it.
struct Shared {
    longest: Duration,
    budget: Budget,
    progress: Mutex<Progress>,
}

/// The state of the course.
struct Progress {
    course: Course,
    /// The number of the thread that works. A thread with another number has been given up.
    turn: u64,
    /// The call that this thread runs at present.
    pending: Option<Pending>,
}

/// A call that has begun.
struct Pending {
    app: Arc<Installed>,
    place: usize,
    phase: Phase,
    limit: Duration,
    ends: Instant,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_under_way(&self) -> bool {
        self.lock().course.next().is_some()
    }

    /// Continues the course on another thread, until the course is at its end or the thread is given up.
    async fn go_on(self: &Arc<Self>) {
        let turn = self.lock().turn;
        let (working, mut ended) = oneshot::channel::<()>();
        let shared = Arc::clone(self);
        let work = async move {
            shared.work(turn).await;
            drop(working);
        };
        if let Err(problem) = on_a_thread(work) {
            error!(
                outcome = "no_thread",
                error = %problem,
                "no thread could be started; the apps run on a shared thread"
            );
            return self.work(turn).await;
        }
        loop {
            let limit = self.lock().pending.as_ref().map_or_else(Instant::now, |pending| pending.ends);
            tokio::select! {
                biased;
                _ = &mut ended => return self.mourn(turn),
                () = sleep_until(limit + GRACE) => if self.replace_blocked() { return },
            }
        }
    }

    /// Works until the course is at its end, or until this thread has been given up.
    async fn work(&self, turn: u64) {
        while let Some((call, ends)) = self.begin(turn) {
            let app = Arc::clone(&call.app);
            let ended = guarded(call.run(), ends).await;
            if !self.end(turn, ended) {
                app.unblock();
                return;
            }
        }
    }

    /// Begins the next call that has enough time and whose app is not suspended.
    fn begin(&self, turn: u64) -> Option<(Call, Instant)> {
        let mut at = self.lock();
        if at.turn != turn {
            return None;
        }
        loop {
            let call = at.course.next()?;
            match self.limit(&call, &at.course) {
                Ok(limit) => {
                    let (app, ends) = (Arc::clone(&call.app), Instant::now() + limit);
                    let (place, phase) = (call.place, call.phase);
                    at.pending = Some(Pending { app, place, phase, limit, ends });
                    return Some((call, ends));
                }
                Err(reason) => {
                    reason.log(&call);
                    if matches!(reason, NotBegun::NoTime) {
                        self.budget.cut_short();
                    }
                    at.course.end(None);
                }
            }
        }
    }

    /// Returns the time that a call may take.
    fn limit(&self, call: &Call, course: &Course) -> Result<Duration, NotBegun> {
        if call.app.blocked() >= Router::MAX_BLOCKED {
            return Err(NotBegun::Suspended);
        }
        self.budget.share(self.longest, call.place, course.behind()).ok_or(NotBegun::NoTime)
    }

    /// Takes the result of a call. Returns `false` if the thread of the call had been given up before.
    fn end(&self, turn: u64, ended: Result<Answer, Failure>) -> bool {
        let mut at = self.lock();
        if at.turn != turn {
            return false;
        }
        if let Some(pending) = at.pending.take() {
            let answer = ended.map_err(|failure| self.failed(&pending, &failure)).ok();
            at.course.end(answer);
        }
        true
    }

    /// Gives up the thread if its call should have ended by now. Returns whether it did.
    fn replace_blocked(&self) -> bool {
        let mut at = self.lock();
        let Some(pending) = at.pending.take_if(|pending| pending.ends + GRACE <= Instant::now()) else {
            return false;
        };
        pending.app.block();
        self.failed(&pending, &Failure::Blocked);
        at.course.end(None);
        at.turn += 1;
        true
    }

    /// Handles a thread that ended in the middle of a call: the call counts as failed.
    fn mourn(&self, turn: u64) {
        let mut at = self.lock();
        if at.turn != turn {
            return;
        }
        if let Some(pending) = at.pending.take() {
            self.failed(&pending, &Failure::Panic("the thread of the app ended".to_owned()));
            at.course.end(None);
            at.turn += 1;
        }
    }

    fn failed(&self, pending: &Pending, failure: &Failure) {
        let (app, phase, consequence) =
            (pending.app.name.as_str(), pending.phase.name(), pending.phase.without_it());
        let limit = pending.limit.as_secs_f32();
        match failure {
            Failure::Error(problem) => {
                error!(app, phase, outcome = "app_error", error = problem, consequence, "an app failed");
            }
            Failure::Panic(problem) => {
                error!(app, phase, outcome = "app_panic", error = problem, consequence, "an app panicked");
            }
            Failure::Timeout => {
                error!(app, phase, outcome = "app_timeout", limit, consequence, "an app took too long");
            }
            Failure::Blocked => {
                error!(
                    app,
                    phase,
                    outcome = "app_blocked",
                    limit,
                    consequence,
                    "an app took too long, and still blocks its thread"
                );
            }
        }
        if matches!(failure, Failure::Timeout | Failure::Blocked) {
            if pending.limit < self.longest {
                self.budget.cut_short();
            }
            self.budget.strike(pending.place);
        }
    }
}

/// The reason why a call does not begin.
enum NotBegun {
    NoTime,
    Suspended,
}

impl NotBegun {
    fn log(&self, call: &Call) {
        let (app, phase, consequence) = (call.app.name.as_str(), call.phase.name(), call.phase.without_it());
        match self {
            Self::NoTime => {
                error!(
                    app,
                    phase,
                    outcome = "app_no_time",
                    consequence,
                    "an app was not called, because no time is left"
                );
            }
            Self::Suspended => {
                let threads = call.app.blocked();
                error!(
                    app,
                    phase,
                    outcome = "app_suspended",
                    threads,
                    consequence,
                    "an app was not called, because it blocks too many threads"
                );
            }
        }
    }
}

/// A guard that gives up the thread when no one waits for it any more.
struct Leaving(Arc<Shared>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut at = self.0.lock();
        at.turn += 1;
        if let Some(pending) = at.pending.take() {
            pending.app.block();
        }
    }
}
