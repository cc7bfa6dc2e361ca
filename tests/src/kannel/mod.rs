//! A real Kannel for a test. Bearerbox and smsbox run as child processes on free ports of the loopback. The test plays
//! the operators behind them.

mod config;
mod daemon;
mod message;
mod mo;
mod mt;
mod options;
mod receipt;
mod session;
mod smsc;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::http::{self, escape};
use config::Ports;
use daemon::tail;

pub use daemon::Daemon;
pub use message::{Message, messages, reassemble};
pub use mo::{Coding, Mo};
pub use mt::Mt;
pub use options::{Extra, KannelOptions, LINE, Routing, Service, get_url};
pub use receipt::ReceiptState;
pub use smsc::{FakeSmsc, SubmitAnswer};

/// The time limit of each step of the start. A step takes a quarter of a second on an idle machine.
const LIMIT: Duration = Duration::from_mins(1);
/// The interval at which a condition is checked.
const POLL: Duration = Duration::from_millis(20);
/// The number of attempts to start. Another process may take a port between our choice and Kannel's use of it.
const ATTEMPTS: usize = 5;

/// A running Kannel.
///
/// When it is dropped, its processes are killed and its files are removed. After a panic the ends of its logs are
/// printed first. [`shutdown`](Self::shutdown) ends it gracefully.
pub struct Kannel {
    options: KannelOptions,
    operators: Vec<Arc<FakeSmsc>>,
    dir: TempDir,
    ports: Ports,
    // The fields are in the order in which the processes must end.
    smsbox: Option<Daemon>,
    bearerbox: Option<Daemon>,
}

/// A stage of the start.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Bearerbox answers and waits for smsbox. Bearerbox ends if smsbox does not come.
    Bearerbox,
    /// Smsbox answers, and bearerbox knows it.
    Smsbox,
    /// Bearerbox reports every line as online.
    Lines,
}

impl Kannel {
    /// Starts Kannel and waits until it takes messages in both directions: all ports answer, smsbox is connected, and
    /// each line is bound.
    ///
    /// # Errors
    /// Kannel is not installed, or does not reach this state within a minute. The error contains the ends of its logs.
    pub async fn start(options: KannelOptions) -> Result<Self> {
        let mut operators = Vec::new();
        for line in &options.lines {
            operators.push(Arc::new(FakeSmsc::start(line).await?));
        }
        let dir = tempfile::Builder::new().prefix("kannel-").tempdir()?;
        std::fs::create_dir(dir.path().join("spool"))?;
        let ports = Ports::free()?;
        let mut kannel = Self { options, operators, dir, ports, smsbox: None, bearerbox: None };
        for attempt in 1.. {
            kannel.write_config()?;
            match kannel.restart().await {
                Ok(()) => break,
                // The error of a missing program is final. It occurs before any process has run.
                Err(error) if attempt == ATTEMPTS || kannel.bearerbox.is_none() => return Err(error),
                Err(_) => {
                    kannel.kill();
                    kannel.ports = Ports::free()?;
                }
            }
        }
        Ok(kannel)
    }

    fn write_config(&self) -> Result<()> {
        let operators: Vec<SocketAddr> = self.operators.iter().map(|operator| operator.address()).collect();
        let text = config::render(&self.options, self.ports, &operators, self.dir.path());
        std::fs::write(self.config(), text).context("writing Kannel's configuration")
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("kannel.conf")
    }

    /// Returns the operator behind the first line.
    ///
    /// # Panics
    /// The options had no line.
    pub fn smsc(&self) -> &FakeSmsc {
        &self.operators[0]
    }

    /// Returns the operator behind a line, or `None` if there is no such line.
    pub fn line(&self, id: &str) -> Option<&Arc<FakeSmsc>> {
        self.operators.iter().find(|operator| operator.id() == id)
    }

    /// Returns the URL of sendsms, without parameters.
    pub fn sendsms_url(&self) -> String {
        self.ports.sendsms_url()
    }

    /// Returns the sendsms user's name.
    pub fn username(&self) -> &'static str {
        config::USERNAME
    }

    /// Returns the sendsms user's password.
    pub fn password(&self) -> &'static str {
        config::PASSWORD
    }

    /// Calls sendsms as the right user with the given parameters. This function escapes their values.
    ///
    /// # Errors
    /// There is no connection, or no HTTP answer.
    pub async fn sendsms(&self, params: &[(&str, &[u8])]) -> Result<http::Answer> {
        let user = [("username", config::USERNAME.as_bytes()), ("password", config::PASSWORD.as_bytes())];
        let pairs: Vec<String> =
            user.iter().chain(params).map(|(name, value)| format!("{name}={}", escape(value))).collect();
        http::get(&format!("{}?{}", self.sendsms_url(), pairs.join("&"))).await
    }

    /// Returns Kannel's own status page.
    ///
    /// # Errors
    /// Bearerbox does not answer.
    pub async fn status(&self) -> Result<String> {
        let answer = http::get(&self.ports.status_url()).await?;
        ensure!(answer.status == 200, "the status page answers {}", answer.status);
        Ok(answer.body)
    }

    /// Waits until this number of lines has this state, for example `online`, on the status page.
    ///
    /// # Errors
    /// The lines do not have the state within a minute. The error contains the ends of the logs.
    pub async fn wait_for_status(&self, state: &str, lines: usize) -> Result<()> {
        let patience = Instant::now() + LIMIT;
        while self.status().await?.matches(&format!("({state} ")).count() != lines {
            ensure!(Instant::now() < patience, "not {lines} lines {state} within {LIMIT:?}\n{}", self.log());
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Freezes both processes. From then on, the kernel accepts connections, and nobody answers them.
    ///
    /// # Errors
    /// A process is gone, or still runs after 20 seconds.
    pub async fn pause(&self) -> Result<()> {
        for daemon in self.smsbox.iter().chain(&self.bearerbox) {
            daemon.pause().await?;
        }
        Ok(())
    }

    /// Lets both processes continue.
    ///
    /// # Errors
    /// A process is gone.
    pub fn resume(&self) -> Result<()> {
        self.smsbox.iter().chain(&self.bearerbox).try_for_each(|daemon| daemon.signal(Signal::CONT))
    }

    /// Ends smsbox gracefully. Sendsms connections are then refused, and inbound messages wait in bearerbox. The
    /// messages of open requests, and of requests that wait for a repetition, are lost.
    pub async fn stop_smsbox(&mut self) {
        if let Some(smsbox) = self.smsbox.take() {
            smsbox.stop().await;
        }
    }

    /// Starts smsbox on its former port, and waits until it takes messages in both directions.
    ///
    /// # Errors
    /// Smsbox does not reach this state. The error contains the end of its log.
    pub async fn start_smsbox(&mut self) -> Result<()> {
        if self.smsbox.is_none() {
            self.smsbox = Some(Daemon::start("smsbox", &self.config())?);
        }
        self.wait_for(Stage::Smsbox).await
    }

    /// Kills smsbox without warning.
    pub fn kill_smsbox(&mut self) {
        self.smsbox = None;
    }

    /// Kills bearerbox without warning. Smsbox then ends by itself and loses the messages of its open requests.
    pub fn kill_bearerbox(&mut self) {
        self.bearerbox = None;
    }

    /// Kills both processes without warning. The messages in bearerbox's store stay, for [`restart`](Self::restart).
    pub fn kill(&mut self) {
        self.smsbox = None;
        self.bearerbox = None;
    }

    /// Starts each process that does not run, on the same ports with the same store, and waits as
    /// [`start`](Self::start) does.
    ///
    /// # Errors
    /// Kannel does not reach this state. The error contains the ends of the logs.
    pub async fn restart(&mut self) -> Result<()> {
        if self.bearerbox.is_none() {
            // The smsbox of a killed bearerbox ends by itself, so there is no need to wait.
            self.smsbox = None;
            self.bearerbox = Some(Daemon::start("bearerbox", &self.config())?);
        }
        self.wait_for(Stage::Bearerbox).await?;
        self.start_smsbox().await?;
        for operator in &self.operators {
            operator.wait_until_bound(LIMIT).await.with_context(|| self.log())?;
        }
        self.wait_for(Stage::Lines).await
    }

    /// Ends both processes gracefully, smsbox first.
    pub async fn shutdown(mut self) {
        self.stop_smsbox().await;
        if let Some(bearerbox) = self.bearerbox.take() {
            bearerbox.stop().await;
        }
    }

    /// Returns the ends of all logs, to show them with a failure.
    pub fn log(&self) -> String {
        let logs = ["bearerbox.err", "bearerbox.log", "smsbox.err", "smsbox.log"];
        let part = |name: &str| format!("--- {name}\n{}\n", tail(&self.dir.path().join(name), 60));
        logs.map(part).concat()
    }

    async fn wait_for(&mut self, stage: Stage) -> Result<()> {
        let patience = Instant::now() + LIMIT;
        loop {
            let reached = self.has_reached(stage).await;
            // Check this also when the stage is reached: another Kannel may have answered on a port that it took first.
            ensure!(!self.has_ended(), "waiting for {stage:?}: a process of Kannel ended\n{}", self.log());
            if reached {
                return Ok(());
            }
            ensure!(Instant::now() < patience, "waiting for {stage:?}: not within {LIMIT:?}\n{}", self.log());
            sleep(POLL).await;
        }
    }

    async fn has_reached(&self, stage: Stage) -> bool {
        let Ok(status) = self.status().await else { return false };
        match stage {
            Stage::Bearerbox => self.ports.smsbox_is_awaited(),
            Stage::Smsbox => {
                let answer = http::get(&self.sendsms_url()).await;
                status.contains("smsbox:") && answer.is_ok_and(|answer| answer.status == 403)
            }
            Stage::Lines => status.matches("(online ").count() >= self.operators.len(),
        }
    }

    fn has_ended(&mut self) -> bool {
        self.smsbox.iter_mut().chain(&mut self.bearerbox).any(|daemon| !daemon.is_running())
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failing test shows this with its own output")]
            {
                eprintln!("{}", self.log());
            }
        }
    }
}
