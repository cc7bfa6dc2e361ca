//! Environments of Lambda functions. Each is a project of its own with its own clock, and handles at most one event at
//! a time.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use threadless::backend::{AnyBackend, Fetched, Transport, TransportError};
use threadless::project::{BackendSettings, NumberRules, Respond, Settings};
use threadless::{Deadline, Ports, Project};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use crate::app;
use crate::gateway::{ReportDue, SimBackend};
use crate::port::Port;
use crate::world::{Body, World, backend};

/// A Lambda function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Http,
    Responder,
    Tick,
    Send,
}

impl Function {
    /// Returns the time after which Lambda ends an invocation, as `template.yaml` has it.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Http | Self::Send => 29,
            Self::Responder => 30,
            Self::Tick => 50,
        })
    }
}

/// One environment.
#[derive(Clone)]
pub(crate) struct Environment {
    function: Function,
    pub(crate) port: Port,
    pub(crate) project: Arc<Project>,
}

/// The environments that wait for an event.
pub(crate) struct Lambda {
    pub(crate) world: Arc<World>,
    idle: Mutex<Vec<Environment>>,
    reports: UnboundedSender<ReportDue>,
}

impl Lambda {
    pub(crate) fn new(world: Arc<World>, reports: UnboundedSender<ReportDue>) -> Self {
        Self { world, idle: Mutex::default(), reports }
    }

    /// Makes a new environment.
    pub(crate) fn start(&self, function: Function) -> Environment {
        let (environment, queued) = {
            let mut state = self.world.lock();
            let environment = state.environments.len();
            let (now, skew) = (Instant::now(), state.skew);
            let name = format!("{function:?}{environment}").to_lowercase();
            let frozen_for = Duration::ZERO;
            let body = Body { name, dead: false, frozen_until: now, frozen_for, skew, running: None };
            state.environments.push(body);
            (environment, state.queued)
        };
        let port = Port { world: Arc::clone(&self.world), environment };
        let mut settings = Settings::named("Simulation");
        for name in (0..2).filter_map(backend) {
            let engine = SimBackend { port: port.clone(), reports: self.reports.clone() };
            let respond = if queued { Respond::Queue } else { Respond::Inline };
            let backend = AnyBackend::new(engine);
            let numbers = NumberRules::default();
            let made = BackendSettings { engine: "sim", respond, replies_per_hour: None, numbers, backend };
            settings.backends.insert(name, made);
        }
        let all = Arc::new(port.clone());
        let ports = Ports::new(all.clone(), all.clone(), Arc::new(NoTransport), all);
        let project = Arc::new(Project::new(settings, app::router(&self.world), ports));
        Environment { function, port, project }
    }

    /// Forgets all waiting environments.
    pub(crate) fn replace(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn acquire(&self, function: Function) -> Environment {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|environment| environment.function == function);
        let environment = at.map(|at| idle.remove(at));
        drop(idle);
        environment.unwrap_or_else(|| self.start(function))
    }

    /// Runs one event in an environment. Returns `None` if the environment died, or if its time was up.
    pub(crate) async fn invoke<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        function: Function,
        work: impl FnOnce(Environment, Deadline) -> F,
    ) -> Option<T> {
        let environment = self.acquire(function);
        let port = environment.port.clone();
        let limit = function.limit();
        let begun = Instant::now();
        let mut task = tokio::spawn(work(environment.clone(), Deadline::within(limit)));
        let frozen_before = {
            let mut state = self.world.lock();
            let body = state.environments.get_mut(port.environment)?;
            body.running = Some(task.abort_handle());
            body.frozen_for
        };
        let ended = loop {
            let frozen = self.world.lock().environments.get(port.environment).map(|body| body.frozen_for);
            let until = begun + limit + frozen.unwrap_or_default().saturating_sub(frozen_before);
            tokio::select! {
                biased;
                ended = &mut task => break Some(ended),
                () = sleep_until(until) => {
                    let frozen_now = self.world.lock().environments.get(port.environment).map(|body| body.frozen_for);
                    if frozen_now == frozen {
                        break None;
                    }
                }
            }
        };
        match ended {
            Some(Ok(value)) => {
                if let Some(body) = self.world.lock().environments.get_mut(port.environment) {
                    body.running = None;
                }
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.push(environment);
                return Some(value);
            }
            Some(Err(gone)) if gone.is_panic() => {
                self.world.broken("the core does not panic", gone);
            }
            Some(Err(_)) => {}
            None => port.log(|| "is out of time".to_owned()),
        }
        self.world.kill(port.environment);
        None
    }
}

/// A transport that is never used. Nothing goes over HTTP here, because the backend calls its gateway directly.
struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        pending().await
    }
}
