//! A stack that runs elsewhere. This program hands it messages as its gateways would, and takes its replies as its
//! gateways would.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use threadless::testing::{Said, Stage, StageError, Transcript};
use threadless::{BackendName, ConnectionId};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use toml::Table;

use super::ScriptError;
use super::backends::{Backends, Engine};
use super::client::Front;
use super::options::ScriptOptions;
use super::tester::Tester;
use crate::gateway::{self, Gateway, News};

/// The time between two polls for replies.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A stack that runs elsewhere.
pub(super) struct Remote {
    front: Front,
    backends: Backends,
    default: BackendName,
    gateways: BTreeMap<u16, Ear>,
    testers: Vec<Tester>,
    waiting: VecDeque<Said>,
    timeout: Duration,
    settle: Duration,
}

/// The source of the replies to one gateway.
struct Ear {
    heard: usize,
    source: Source,
}

enum Source {
    /// This program is the gateway.
    Here { gateway: Arc<Gateway>, _serving: JoinSet<()> },
    /// A local stack pretends to be the gateway, and this program asks it.
    Pretended { url: String },
}

impl Remote {
    /// Prepares the stage for one transcript.
    pub(super) async fn start(
        options: &ScriptOptions,
        url: &str,
        settings: &str,
        transcript: &Transcript,
    ) -> Result<Self, ScriptError> {
        if let Some(line) = transcript.first_time() {
            return Err(ScriptError::new(format!(
                "{}:{line}: the clock of the stack at --url cannot be moved: play a transcript with time stamps \
                 without --url",
                transcript.name()
            )));
        }
        let table: Table = settings.parse().map_err(|problem| ScriptError::of_settings(&problem))?;
        let backends = Backends::of(&table);
        let here = gateway::port_here(url).is_some() || options.gateway_port.is_some();
        let preferred = if here {
            [Engine::Kannel, Engine::Http, Engine::Tester]
        } else {
            [Engine::Tester, Engine::Kannel, Engine::Http]
        };
        let default = options.backend.clone().map_or_else(|| backends.default_of(&preferred), Ok)?;
        let front = Front::new(url, options.token.clone())?;
        let (mut gateways, mut testers) = (BTreeMap::new(), Vec::new());
        for name in transcript.all_backends(&default) {
            let known = backends.get(&name)?;
            if known.engine == Engine::Tester {
                let numbers = transcript.numbers_at(&name, &default);
                let password = options.password.clone().or_else(|| known.secret("password"));
                testers.push(Tester::follow(&front, &name, numbers, password.as_deref()).await?);
                continue;
            }
            if known.has("signature_secret") {
                return Err(ScriptError::new(format!(
                    "{name} requires signed requests, and script cannot sign requests"
                )));
            }
            let port = options.gateway_port.or_else(|| gateway::port_here(known.gateway_url()));
            let port = port.ok_or_else(|| {
                let url = known.gateway_url();
                ScriptError::new(format!(
                    "replies of {name} go to {url}, not to this program: let the stack send them to this machine and name \
                     the port (--gateway-port), or use a message tester (--backend)"
                ))
            })?;
            if let Entry::Vacant(unheard) = gateways.entry(port) {
                unheard.insert(Ear::at(port, &front).await?);
            }
        }
        Ok(Self {
            front,
            backends,
            default,
            gateways,
            testers,
            waiting: VecDeque::new(),
            timeout: Duration::from_secs(options.timeout),
            settle: Duration::from_secs(options.settle),
        })
    }

    async fn listen(&mut self) -> Result<(), ScriptError> {
        for (port, ear) in &mut self.gateways {
            for taken in ear.news(*port, &self.front).await?.taken {
                self.waiting.push_back(super::said(&self.backends, &taken)?);
            }
        }
        for tester in &mut self.testers {
            let heard = tester.heard().await?.into_iter();
            self.waiting.extend(heard.map(|said| Said { to: self.backends.normal(said.to), ..said }));
        }
        Ok(())
    }
}

impl Ear {
    /// Binds the port. If another process has the port, it asks that process.
    async fn at(port: u16, front: &Front) -> Result<Self, ScriptError> {
        if let Some(listener) = gateway::bind(port).await {
            let gateway = Arc::new(Gateway::default());
            let mut serving = JoinSet::new();
            serving.spawn(gateway::serve(listener, Arc::clone(&gateway)));
            return Ok(Self { heard: 0, source: Source::Here { gateway, _serving: serving } });
        }
        let url = format!("http://127.0.0.1:{port}{}?after=", gateway::TAKEN);
        let mut ear = Self { heard: 0, source: Source::Pretended { url } };
        // The messages that it took before do not count.
        ear.news(port, front).await?;
        Ok(ear)
    }

    async fn news(&mut self, port: u16, front: &Front) -> Result<News, ScriptError> {
        let news = match &self.source {
            Source::Here { gateway, .. } => gateway.after(self.heard),
            Source::Pretended { url } => {
                let answer = front.http.get(format!("{url}{}", self.heard)).send().await;
                let answer = answer.map_err(|problem| ScriptError::of_http(url, &problem))?;
                let body = answer.text().await.unwrap_or_default();
                serde_json::from_str(&body).map_err(|_| {
                    ScriptError::new(format!(
                        "replies go to port {port}, and a program that is not a stack of `cargo run` uses this port"
                    ))
                })?
            }
        };
        self.heard = news.next;
        Ok(news)
    }
}

#[async_trait]
impl Stage for Remote {
    fn default_backend(&self) -> BackendName {
        self.default.clone()
    }

    fn normal(&self, connection: ConnectionId) -> ConnectionId {
        self.backends.normal(connection)
    }

    async fn receive(&mut self, from: &ConnectionId, text: &str) -> Result<(), StageError> {
        let known = self.backends.get(&from.backend)?;
        Ok(self.front.send(known, from, text).await?)
    }

    async fn heard(&mut self, expected: usize) -> Result<Vec<Said>, StageError> {
        let patience = if expected == 0 { self.settle } else { self.timeout };
        let begun = Instant::now();
        loop {
            self.listen().await?;
            let enough = expected > 0 && self.waiting.len() >= expected;
            if enough || begun.elapsed() >= patience {
                return Ok(self.waiting.drain(..).collect());
            }
            sleep(LOOK_AGAIN.min(patience)).await;
        }
    }

    fn now(&self) -> Result<Timestamp, StageError> {
        Err(StageError::new("the clock of the stack at --url cannot be moved"))
    }

    async fn start_clock(&mut self, _at: Timestamp) -> Result<(), StageError> {
        self.now().map(drop)
    }

    async fn next_due(&self, _to: Timestamp) -> Result<Option<Timestamp>, StageError> {
        self.now().map(Some)
    }

    async fn tick(&mut self, _at: Timestamp) -> Result<(), StageError> {
        self.now().map(drop)
    }
}
