//! A stack of the transcript's own, with a clock that the transcript moves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use threadless::testing::{Said, Stage, StageError, TestClock, Transcript};
use threadless::{BackendName, Clock as _, ConnectionId, next_due};
use tokio::task::JoinSet;
use toml::Table;

use super::ScriptError;
use super::backends::{self, Backends, Engine};
use super::client::Front;
use super::tester::Tester;
use crate::gateway::{self, Gateway};
use crate::project::LocalProject;
use crate::setup::StackOptions;
use crate::stack::Stack;

/// The longest time that a stack may work on one line.
const LONGEST: Duration = Duration::from_secs(120);

/// The time between two checks whether the stack is still working.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A local stack in memory on free ports, with a clock that stands still until it is moved, and with the gateway of its
/// backends.
///
/// Everything between the front and the gateway is the same as in any stack: HTTP, the functions, DynamoDB, SQS.
pub struct OwnStack {
    stack: Stack,
    clock: TestClock,
    gateway: Arc<Gateway>,
    heard: usize,
    testers: Vec<Tester>,
    backends: Backends,
    front: Front,
    default: BackendName,
    untouched: bool,
    _gateway: JoinSet<()>,
}

impl OwnStack {
    /// Starts a stack of this project with these settings, for one transcript.
    ///
    /// The target URLs and the secrets in the settings are replaced, so that every reply comes to this program.
    /// `default` is the backend of lines that name none.
    pub async fn start(
        project: LocalProject,
        settings: &str,
        transcript: &Transcript,
        default: Option<&BackendName>,
    ) -> Result<Self, ScriptError> {
        let table: Table = settings.parse().map_err(|problem| ScriptError::of_settings(&problem))?;
        let listener = gateway::bind(0).await.ok_or_else(|| ScriptError::new("there is no free port"))?;
        let port = listener.local_addr().map_err(|problem| ScriptError::new(problem.to_string()))?.port();
        let gateway = Arc::new(Gateway::default());
        let mut serving = JoinSet::new();
        serving.spawn(gateway::serve(listener, Arc::clone(&gateway)));

        let table = backends::redirected(table, port);
        let backends = Backends::of(&table);
        let default = match default {
            Some(name) => name.clone(),
            None => backends.default_of(&[Engine::Kannel, Engine::Http, Engine::Tester])?,
        };
        let clock = TestClock::at(Timestamp::now());
        let options = StackOptions {
            // The transcript calls the tick itself when its clock moves.
            tick: Duration::MAX,
            clock: Arc::new(clock.clone()),
            ..StackOptions::ephemeral(project, &table.to_string())
        };
        let stack = Stack::start(options).await.map_err(|problem| ScriptError::new(problem.to_string()))?;
        let front = Front::new(&format!("http://{}", stack.front), None)?;
        let mut testers = Vec::new();
        for name in transcript.all_backends(&default) {
            if backends.get(&name)?.engine == Engine::Tester {
                let numbers = transcript.numbers_at(&name, &default);
                testers.push(Tester::follow(&front, &name, numbers, None).await?);
            }
        }
        Ok(Self {
            stack,
            clock,
            gateway,
            heard: 0,
            testers,
            backends,
            front,
            default,
            untouched: true,
            _gateway: serving,
        })
    }

    /// Stops the stack.
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// Waits until nothing is running and nothing waits on the queue.
    async fn quiet(&self) -> Result<(), StageError> {
        let wait = async {
            while !self.stack.is_idle().await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(LONGEST, wait).await;
        waited.map_err(|_| StageError::new(format!("the stack is still at work after {LONGEST:?}")))
    }
}

#[async_trait]
impl Stage for OwnStack {
    fn default_backend(&self) -> BackendName {
        self.default.clone()
    }

    fn normal(&self, connection: ConnectionId) -> ConnectionId {
        self.backends.normal(connection)
    }

    async fn receive(&mut self, from: &ConnectionId, text: &str) -> Result<(), StageError> {
        self.untouched = false;
        let known = self.backends.get(&from.backend)?;
        Ok(self.front.send(known, from, text).await?)
    }

    async fn heard(&mut self, _expected: usize) -> Result<Vec<Said>, StageError> {
        self.quiet().await?;
        let news = self.gateway.after(self.heard);
        self.heard = news.next;
        let mut said = Vec::new();
        for taken in &news.taken {
            said.push(super::said(&self.backends, taken)?);
        }
        for tester in &mut self.testers {
            let heard = tester.heard().await?.into_iter();
            said.extend(heard.map(|said| Said { to: self.backends.normal(said.to), ..said }));
        }
        Ok(said)
    }

    fn now(&self) -> Result<Timestamp, StageError> {
        Ok(self.clock.now())
    }

    async fn start_clock(&mut self, at: Timestamp) -> Result<(), StageError> {
        if self.untouched {
            self.clock.set(at);
        }
        Ok(())
    }

    async fn next_due(&self, to: Timestamp) -> Result<Option<Timestamp>, StageError> {
        let due = next_due(self.stack.project(), to).await;
        due.map_err(|problem| StageError::new(problem.to_string()))
    }

    async fn tick(&mut self, at: Timestamp) -> Result<(), StageError> {
        self.clock.set(at);
        self.stack.tick().await.map_err(StageError)
    }
}
