//! A real Kannel with two lines, the stack as a process, and a proxy in each direction between them that records the
//! requests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tests::kannel::{FakeSmsc, Kannel, KannelOptions, Routing, Service, messages};
use tests::ports::free_port;
use tests::proxy::Proxy;
use tests::stack_process::StackProcess;
use threadless::store::dynamodb::DynamoStore;
use tokio::time::{Instant, sleep};

use crate::count::{self, Seen};
use crate::judge::Texted;
use crate::plan::Blow;
use crate::{LIMIT, STACK};

/// The lines with the backends behind them, and the mode of each backend.
pub(crate) const LINES: [(&str, &str, &str); 2] = [("A", "inlined", "inline"), ("B", "queued", "queue")];

/// The short code.
pub(crate) const CODE: &str = "1234";

/// The number of open requests of smsbox at the same time.
const ROOM: usize = 10;

pub(crate) struct Site {
    kannel: Kannel,
    pub(crate) stack: StackProcess,
    /// From smsbox to the stack.
    way_in: Proxy,
    /// From the stack to smsbox.
    way_out: Proxy,
    data: tempfile::TempDir,
}

fn start_stack(data: &Path, ports: [u16; 3]) -> StackProcess {
    let log = File::options().create(true).append(true).open(data.join("stack.log")).unwrap();
    StackProcess::start_with(STACK, data, ports, |command| {
        command.stderr(log);
    })
    .unwrap()
}

fn settings(sendsms: &str) -> String {
    let table = |(line, backend, respond): (&str, &str, &str)| {
        format!(
            "[backends.{backend}]\nengine = \"kannel\"\nrespond = \"{respond}\"\ntimeout_seconds = 2\n\
             replies_per_hour = 0\nsendsms_url = \"{sendsms}&smsc={line}\"\n"
        )
    };
    std::iter::once("[project]\nname = \"Soak\"\n".to_owned()).chain(LINES.map(table)).collect()
}

impl Site {
    pub(crate) async fn start() -> Self {
        let ports = [free_port().unwrap(), free_port().unwrap(), free_port().unwrap()];
        // The sidecar has the same limit. Without a limit, smsbox's repeats alone can keep a slow machine from
        // recovering.
        let (way_in, way_out) = (Proxy::with_room(ROOM).await.unwrap(), Proxy::start().await.unwrap());
        way_in.leads_to(([127, 0, 0, 1], ports[0]).into());
        let service = |(line, backend, _): (&str, &str, &str)| Service {
            line: Some(line.to_owned()),
            ..Service::new(&format!("http://{}/backend/{backend}/", way_in.address()))
        };
        let mut options = KannelOptions::with(service(LINES[0]));
        options.lines.push(LINES[1].0.to_owned());
        options.services.push(service(LINES[1]));
        // A reply that names a line goes through that line.
        options.routing = Routing::Named;
        // Kannel never gives up. So a lost message was lost by a death.
        options.retries = 1_000_000;
        options.retry_delay = 3;
        let kannel = Kannel::start(options).await.unwrap();

        let path = kannel.sendsms_url().split_once("//").unwrap().1.to_owned();
        let (target, path) = path.split_once('/').unwrap();
        way_out.leads_to(target.parse().unwrap());
        // This is Kannel's own status if it cannot take a message now, so no message is in doubt by it.
        way_out.unreachable(503);
        let (user, password) = (kannel.username(), kannel.password());
        let sendsms =
            format!("http://{}/{path}?username={user}&password={password}&from={CODE}", way_out.address());
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("settings.toml"), settings(&sendsms)).unwrap();
        let stack = start_stack(data.path(), ports);
        Self { kannel, stack, way_in, way_out, data }
    }

    /// Returns the operator behind a line.
    pub(crate) fn operator(&self, line: &str) -> Arc<FakeSmsc> {
        Arc::clone(self.kannel.line(line).unwrap())
    }

    /// Hits a process, and restores it after a time.
    pub(crate) async fn strike(&mut self, blow: Blow, away: Duration) {
        match blow {
            Blow::KillStack => {
                self.stack.kill().unwrap();
                sleep(away).await;
                self.stack = start_stack(self.data.path(), self.stack.ports);
            }
            Blow::FreezeStack => {
                self.stack.pause().await.unwrap();
                sleep(away).await;
                self.stack.resume().unwrap();
            }
            Blow::KillSmsbox => {
                self.kannel.kill_smsbox();
                sleep(away).await;
                self.has_kannel_up().await;
            }
            Blow::KillBearerbox => {
                self.kannel.kill_bearerbox();
                sleep(away).await;
                self.has_kannel_up().await;
            }
        }
    }

    /// Starts what does not run of Kannel, as the init system of its host does. Smsbox 1.4.5 crashes if a request for
    /// sendsms comes while it starts, so that it may take several tries.
    pub(crate) async fn has_kannel_up(&mut self) {
        for _ in 0..20 {
            match self.kannel.restart().await {
                Ok(()) => return,
                Err(problem) => {
                    println!("Kannel did not start, and is started again: {}", problem.root_cause());
                    self.kannel.kill_smsbox();
                }
            }
        }
        panic!("Kannel does not start: {}", self.kannel.log());
    }

    /// Returns the observations of the backend behind a line, with the messages that its phones sent.
    pub(crate) fn seen<'a>(&self, line: &'a str, backend: &'a str, texted: Vec<Texted>) -> Seen<'a> {
        let ways = [self.way_in.passed(), self.way_out.passed()];
        Seen { backend, line, ways, phones: self.phones(line), texted }
    }

    /// Returns the messages that the phones behind a line got: number and text.
    fn phones(&self, line: &str) -> Vec<(String, String)> {
        let mts = self.kannel.line(line).unwrap().mts();
        messages(&mts).unwrap().into_iter().map(|message| (message.to, message.text)).collect()
    }

    /// Returns the counts that must not change any more once all work is done.
    async fn activity(&self) -> Option<(usize, usize, usize)> {
        if !count::at_rest(self.stack.ports).await.ok()? {
            return None;
        }
        let phones = LINES.iter().map(|(line, ..)| self.phones(line).len()).sum();
        Some((self.way_in.passed().len(), self.way_out.passed().len(), phones))
    }

    /// Waits until no work is left: no outbox is due, the queue is empty, and for a while Kannel requests nothing and
    /// sends nothing. Kannel repeats a failed request every three seconds.
    pub(crate) async fn comes_to_rest(&self) {
        const STILL: Duration = Duration::from_secs(8);
        let (begun, mut before) = (Instant::now(), None);
        loop {
            let now = self.activity().await;
            if now.is_some() && now == before {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "not at rest within {LIMIT:?}: {now:?}\n{}", self.log());
            before = now;
            sleep(STILL).await;
        }
    }

    pub(crate) fn store(&self) -> DynamoStore {
        count::dynamodb_store(&format!("http://127.0.0.1:{}", self.stack.ports[1]))
    }

    /// Returns the last lines of the stack's log.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.data.path().join("stack.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
