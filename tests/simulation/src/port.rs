//! The gate through which every call of an environment goes. A call takes time there, and may go wrong.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use threadless::Clock;
use threadless::queue::QueueError;
use threadless::store::StoreError;
use tokio::time::{Instant, sleep, sleep_until};

use crate::plan::{Call, Fault};
use crate::world::World;

/// The connection of one environment to the world.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) world: Arc<World>,
    pub(crate) environment: usize,
}

/// An error that a fault can cause.
pub(crate) trait Failing {
    fn failing(problem: &str) -> Self;
}

impl Failing for StoreError {
    fn failing(problem: &str) -> Self {
        Self::Unavailable(problem.to_owned())
    }
}

impl Failing for QueueError {
    fn failing(problem: &str) -> Self {
        Self::Unavailable(problem.to_owned())
    }
}

impl Port {
    /// Does `work` at one moment, some time from now, unless the call goes wrong.
    pub(crate) async fn call<T, E: Failing, F: Future<Output = Result<T, E>>>(
        &self,
        call: Call,
        work: impl Fn() -> F,
    ) -> Result<T, E> {
        self.awake().await;
        if let Some(turns) = &self.world.turns {
            turns.wait(self, call).await;
            return work().await;
        }
        let fault = self.fault(call);
        sleep(self.world.span(1, 12)).await;
        self.before(fault).await;
        if matches!(fault, Some(Fault::ErrorBefore | Fault::Throttle(_))) {
            return Err(E::failing("a fault of the plan, and nothing was done"));
        }
        let mut answer = work().await;
        if fault == Some(Fault::Twice) {
            answer = work().await;
        }
        self.after(fault).await;
        if matches!(fault, Some(Fault::ErrorAfter)) {
            answer?;
            return Err(E::failing("a fault of the plan, although it was done"));
        }
        sleep(self.world.span(1, 8)).await;
        self.awake().await;
        answer
    }

    /// Carries out the part of a fault that comes before the call's effect.
    pub(crate) async fn before(&self, fault: Option<Fault>) {
        match fault {
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::FreezeBefore(ms)) => self.freeze(ms).await,
            Some(Fault::Slow(ms)) => sleep(Duration::from_millis(u64::from(ms))).await,
            _ => {}
        }
        // A frozen process has either sent its request or not sent it. There is no state in between.
        self.awake().await;
    }

    /// Carries out the part of a fault that comes after the call's effect.
    pub(crate) async fn after(&self, fault: Option<Fault>) {
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::FreezeAfter(ms)) => self.freeze(ms).await,
            _ => {}
        }
        self.awake().await;
    }

    /// Waits until the environment is not frozen. A dead environment never wakes.
    pub(crate) async fn awake(&self) {
        loop {
            let until = match self.world.lock().environments.get(self.environment) {
                Some(body) if !body.dead => body.frozen_until,
                _ => break,
            };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
        pending::<()>().await;
    }

    /// Returns the fault that is planned for this call, if there is one.
    pub(crate) fn fault(&self, call: Call) -> Option<Fault> {
        let mut state = self.world.lock();
        let at = state.armed.iter_mut().position(|armed| {
            if armed.call != call && armed.call != Call::Any {
                return false;
            }
            let now = armed.after == 0;
            armed.after = armed.after.saturating_sub(1);
            now
        })?;
        let fault = state.armed[at].fault;
        state.unusual |=
            matches!(fault, Fault::FreezeBefore(_) | Fault::FreezeAfter(_) | Fault::Slow(1_000..));
        match &mut state.armed[at].fault {
            Fault::Throttle(more) if *more > 0 => *more -= 1,
            _ => drop(state.armed.remove(at)),
        }
        drop(state);
        self.world.log(&self.name(), || format!("{call:?} meets {fault:?}"));
        Some(fault)
    }

    /// Returns the name of the environment.
    pub(crate) fn name(&self) -> String {
        self.world.lock().environments.get(self.environment).map(|body| body.name.clone()).unwrap_or_default()
    }

    /// Writes a line of the log.
    pub(crate) fn log(&self, what: impl FnOnce() -> String) {
        if self.world.lock().log.is_some() {
            self.world.log(&self.name(), what);
        }
    }

    async fn die(&self) {
        self.log(|| "dies".to_owned());
        self.world.kill(self.environment);
        pending::<()>().await;
    }

    async fn freeze(&self, ms: u32) {
        self.world.freeze(self.environment, Duration::from_millis(u64::from(ms)));
        self.awake().await;
    }
}

impl Clock for Port {
    fn now(&self) -> Timestamp {
        let skew = self.world.lock().environments.get(self.environment).map_or(0, |body| body.skew);
        self.world.by_clock(skew)
    }
}
