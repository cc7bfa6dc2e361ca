//! One history: a plan is carried out, then faults end and the world becomes quiet, then the judge decides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use threadless::backend::ReportKey;
use threadless::broadcast::{Acceptance, Order, broadcast};
use threadless::store::State;
use threadless::testing::Chance;
use threadless::worker::respond;
use threadless::{ConnectionId, MessageId, Recipient, endpoint, tick};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, sleep_until};

use crate::app;
use crate::dice::mix;
use crate::environment::{Function, Lambda};
use crate::gateway::{ReportDue, report_calls};
use crate::judge;
use crate::plan::{Event, Plan, Says, What};
use crate::world::{Armed, World, backend, short};

/// The time that Kannel waits before it posts a message again.
const KANNEL_RETRY: Duration = Duration::from_secs(10);

/// The number of responder environments that work at the same time.
const RESPONDERS: usize = 3;

/// The number of minutes in which a world must become quiet. It is more than several of the longest waits, which last
/// an hour for a message in doubt.
const QUIET_WITHIN: u64 = 4 * 60;

/// The result of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The broken promises, each with a description. Empty if all promises were kept.
    pub broken: Vec<(&'static str, String)>,
    /// The log, if it was requested.
    pub log: String,
}

/// Carries out a plan, and returns the verdict of the judge.
pub fn run(plan: &Plan, logs: bool) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(problem) => {
            let broken = vec![("the simulation runs", problem.to_string())];
            return Verdict { broken, log: String::new() };
        }
    };
    runtime.block_on(async {
        let world = World::new(plan.seed, plan.shape, logs, None);
        let chance = Arc::clone(&world);
        let _chance = Chance::from_source(move || {
            let roll = chance.roll();
            u128::from(roll) << 64 | u128::from(mix(&[roll]))
        });
        happen(&world, plan).await;
        judge::judge(&world).await;
        let mut state = world.lock();
        let broken = std::mem::take(&mut state.seen.broken);
        Verdict { broken, log: state.log.take().unwrap_or_default() }
    })
}

/// The activities outside the environments.
pub(crate) struct Outside {
    pub(crate) world: Arc<World>,
    pub(crate) lambda: Lambda,
}

async fn happen(world: &Arc<World>, plan: &Plan) {
    let outside = Outside::begin(world);
    let start = tokio::time::Instant::now();
    for event in &plan.events {
        sleep_until(start + Duration::from_millis(event.at)).await;
        world.log("plan", || event.to_string());
        outside.happens(event, plan);
    }
    sleep(Duration::from_secs(5)).await;
    outside.become_quiet().await;
}

impl Outside {
    /// Starts the activities that run by themselves: the pollers of the queue, the timer, the reports.
    pub(crate) fn begin(world: &Arc<World>) -> Arc<Self> {
        let (reports, due) = unbounded_channel();
        let lambda = Lambda::new(Arc::clone(world), reports);
        let outside = Arc::new(Self { world: Arc::clone(world), lambda });
        for _ in 0..RESPONDERS {
            tokio::spawn(Arc::clone(&outside).work_off());
        }
        tokio::spawn(Arc::clone(&outside).tick());
        tokio::spawn(Arc::clone(&outside).report(due));
        outside
    }

    /// Ends all faults, and waits until no work is left.
    pub(crate) async fn become_quiet(&self) {
        let world = &self.world;
        world.log("plan", || "faults end".to_owned());
        {
            let mut state = world.lock();
            (state.skew, state.silent_until) = (0, 0);
            state.armed.clear();
            state.scripts.clear();
            state.environments.iter_mut().for_each(|body| body.skew = 0);
        }
        for _ in 0..QUIET_WITHIN {
            // The wait is not a whole minute, so that it does not always end in the middle of a tick.
            sleep(Duration::from_millis(60_700)).await;
            let broken = !world.lock().seen.broken.is_empty();
            if broken || self.redrive() == 0 && self.is_quiet() {
                return;
            }
        }
        let state = world.lock();
        let (busy, queue) = (state.busy, if state.sqs.is_empty() { "empty" } else { "not empty" });
        drop(state);
        let left = world.store.unfinished().join("; ");
        world.broken("nothing waits for ever", format!("{busy} wait outside, the queue is {queue}: {left}"));
    }

    fn is_quiet(&self) -> bool {
        let state = self.world.lock();
        let quiet = state.busy == 0 && state.sqs.is_empty();
        drop(state);
        quiet && self.world.store.unfinished().is_empty()
    }

    fn redrive(&self) -> usize {
        let now = self.world.ms();
        let moved = self.world.lock().sqs.redrive(now);
        if moved > 0 {
            self.world.log("operator", || format!("moves {moved} dead letters back"));
            self.world.wake.notify_one();
        }
        moved
    }

    fn happens(self: &Arc<Self>, event: &Event, plan: &Plan) {
        let world = &self.world;
        match &event.what {
            What::Message { from, says, named } => self.post(event.id, *from, says, *named, true),
            What::Repeat { of } => {
                let of =
                    plan.events.iter().find(|event| event.id == *of).map(|event| (event.id, &event.what));
                if let Some((id, What::Message { from, says, named: true })) = of {
                    self.post(id, *from, says, true, false);
                }
            }
            What::Gateway { backend: number, manner, count } => {
                if let Some(name) = backend(*number) {
                    let mut state = world.lock();
                    let script = state.scripts.entry(name).or_default();
                    script.extend((0..*count).map(|_| *manner));
                }
            }
            What::Fault { call, after, fault } => {
                let armed = Armed { call: *call, after: *after, fault: *fault };
                world.lock().armed.push(armed);
            }
            What::Broadcast { to } => self.send(event.id, to),
            What::Clock { by, jump } => {
                let mut state = world.lock();
                state.skew = *by;
                state.unusual = true;
                if *jump {
                    let idle = state.environments.iter_mut().filter(|body| body.running.is_none());
                    idle.for_each(|body| body.skew = *by);
                }
            }
            What::Redeploy { kill, flip } => {
                let mut state = world.lock();
                state.queued ^= *flip;
                let count = state.environments.len();
                drop(state);
                self.lambda.replace();
                if *kill {
                    (0..count).for_each(|environment| world.kill(environment));
                }
            }
            What::Silence { minutes } => {
                world.lock().silent_until = world.ms() + u64::from(*minutes) * 60_000;
            }
            What::Redrive => drop(self.redrive()),
        }
    }

    /// Makes Kannel post a message. With `again`, Kannel repeats it until it is accepted.
    pub(crate) fn post(self: &Arc<Self>, event: u32, from: u8, says: &Says, named: bool, again: bool) {
        self.world.lock().busy += 1;
        let (outside, says) = (Arc::clone(self), says.clone());
        tokio::spawn(async move {
            while !outside.post_once(event, from, &says, named).await && again {
                sleep(KANNEL_RETRY + outside.world.span(0, 500)).await;
            }
            outside.world.lock().busy -= 1;
        });
    }

    /// Makes Kannel post a message once. Returns whether it was accepted.
    pub(crate) async fn post_once(&self, event: u32, from: u8, says: &Says, named: bool) -> bool {
        let Some(connection) = self.world.person(from).cloned() else { return true };
        let tag = app::tag(event);
        if named {
            let id = MessageId::of_gateway(&connection, &tag);
            self.world.lock().seen.posted.insert(id, (event, says.clone()));
        }
        let path = path(&connection, &app::words(&tag, says), named.then_some(&tag));
        let taken = self.call(&path).await;
        if taken {
            self.world.lock().seen.acknowledged.insert(event);
        }
        self.world.log("kannel", || format!("{tag} of {} taken: {taken}", short(&connection)));
        taken
    }

    /// Calls the endpoint, and returns whether it answered 200.
    async fn call(&self, path: &str) -> bool {
        let Ok(request) = Request::get(path).body(Bytes::new()) else { return false };
        let answer = self.lambda.invoke(Function::Http, |environment, deadline| async move {
            endpoint::serve(&environment.project, "sim", request, deadline).await.status().as_u16()
        });
        answer.await == Some(200)
    }

    /// Calls for a broadcast again and again until it is accepted.
    fn send(self: &Arc<Self>, event: u32, to: &[u8]) {
        let people = to.iter().filter_map(|person| self.world.person(*person));
        let recipients: Vec<Recipient> = people.map(Recipient::from).collect();
        let Ok(key) = format!("b{event}").parse() else { return };
        let order = Arc::new(Order { key, text: format!("b{event}"), recipients });
        self.world.lock().busy += 1;
        let outside = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let order = Arc::clone(&order);
                let work = |environment: crate::environment::Environment, _| async move {
                    broadcast(&environment.project, &order).await
                };
                match outside.lambda.invoke(Function::Send, work).await {
                    Some(Ok(Acceptance::Accepted(_))) => {
                        outside.world.lock().seen.acknowledged.insert(event);
                        break;
                    }
                    Some(Ok(Acceptance::Conflict)) => {
                        outside.world.broken("a key is one broadcast", event);
                        break;
                    }
                    _ => sleep(KANNEL_RETRY).await,
                }
            }
            outside.world.lock().busy -= 1;
        });
    }

    /// Makes the gateway report the status of messages.
    async fn report(self: Arc<Self>, mut due: UnboundedReceiver<ReportDue>) {
        while let Some(due) = due.recv().await {
            let outside = Arc::clone(&self);
            tokio::spawn(async move {
                for (wait, path) in report_calls(&due) {
                    sleep(Duration::from_millis(wait)).await;
                    while !outside.call(&path).await {
                        sleep(KANNEL_RETRY).await;
                    }
                    outside.reported(&path);
                }
                outside.world.lock().busy -= 1;
            });
        }
    }

    /// Records a report.
    fn reported(&self, path: &str) {
        let backend = path.split('/').nth(2).and_then(|name| name.parse().ok());
        let reference = path.split("for=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        let state = match path.rsplit('=').next() {
            Some("delivered") => State::Delivered,
            Some("failed") => State::Failed,
            _ => State::Sent,
        };
        if let Some(found) = backend.and_then(|backend| ReportKey::new(None).open(&backend, reference)) {
            self.world.lock().seen.reported.push((found.id.to_string(), state));
        }
    }

    /// Runs one poller of the queue.
    async fn work_off(self: Arc<Self>) {
        let world = &self.world;
        loop {
            let (now, roll) = (world.ms(), world.roll());
            let (batch, next) = {
                let mut state = world.lock();
                let batch = state.sqs.receive(now, roll);
                (batch, state.sqs.next_visible())
            };
            let Some(batch) = batch else {
                let until = next.map_or(u64::MAX, |next| next.max(now + 1));
                let wait = Duration::from_millis((until - now).min(3_600_000));
                let _ = tokio::time::timeout(wait, world.wake.notified()).await;
                continue;
            };
            world.lock().busy += 1;
            // Another poller may find more.
            world.wake.notify_one();
            world.log("queue", || format!("hands out {} jobs", batch.records.len()));
            let records = batch.records.clone();
            let work = |environment: crate::environment::Environment, deadline| async move {
                let failures = respond(&environment.project, records, deadline).await;
                (environment.port.clone(), failures)
            };
            if let Some((port, failures)) = self.lambda.invoke(Function::Responder, work).await {
                port.finish(&batch, &failures);
            }
            world.lock().busy -= 1;
        }
    }

    /// Runs the timer.
    async fn tick(self: Arc<Self>) {
        loop {
            sleep(Duration::from_secs(60)).await;
            if self.world.ms() < self.world.lock().silent_until {
                continue;
            }
            let outside = Arc::clone(&self);
            tokio::spawn(async move {
                let work = |environment: crate::environment::Environment, _| async move {
                    let _ = tick(&environment.project).await;
                };
                outside.world.lock().busy += 1;
                outside.lambda.invoke(Function::Tick, work).await;
                outside.world.lock().busy -= 1;
            });
        }
    }
}

fn path(connection: &ConnectionId, text: &str, gateway_id: Option<&String>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id", connection.identity.as_str()).append_pair("text", text);
    if let Some(id) = gateway_id {
        query.append_pair("mid", id);
    }
    format!("/sim/{}/?{}", connection.backend, query.finish())
}
