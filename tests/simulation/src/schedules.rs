//! All interleavings of the store calls of two actors, one after the other. This is not a sample.

use std::sync::Arc;
use std::time::Duration;

use threadless::queue::Job;
use threadless::testing::Chance;
use threadless::worker::{Record, respond};
use tokio::time::sleep;

use crate::environment::{Environment, Function};
use crate::history::Outside;
use crate::judge;
use crate::plan::{Answer, Manner, Says, Shape};
use crate::turns::Turns;
use crate::world::World;

/// The next action of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The actor processes the message of this number, inline.
    Message(u32, Says),
    /// The actor delivers the outbox of the connection, as after a sweep.
    Deliver,
}

/// Two actors that work on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The name of the scenario.
    pub name: &'static str,
    /// Whether a message was processed before and its reply still waits in the outbox.
    pub backlog: bool,
    /// The actions of each actor, in order.
    pub actors: [Vec<Act>; 2],
    /// Whether one of the actors may die at any call.
    pub crash: bool,
}

/// The result of all schedules of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// The number of schedules.
    pub schedules: usize,
    /// The first schedule that broke a promise: the choices, the description, and the log.
    pub broken: Option<(Vec<usize>, String, String)>,
}

/// The time for which the runtime runs alone after each choice, so that every actor that can continue does so. It is
/// longer than the wait after a lost race.
const SETTLE: Duration = Duration::from_millis(45);

/// The scenarios that are tried in every run.
pub fn scenarios() -> Vec<Scenario> {
    let message = |number: u32| Act::Message(number, Says::Count);
    let scenario = |name, backlog, actors, crash| Scenario { name, backlog, actors, crash };
    let two = [vec![message(1)], vec![message(2)]];
    vec![
        scenario("two messages", false, two.clone(), true),
        scenario("one message twice", false, [vec![message(1)], vec![message(1)]], true),
        scenario("a message and STOP", false, [vec![message(1)], vec![Act::Message(2, Says::Stop)]], true),
        scenario("a backlog, a message and the sweep", true, [vec![message(1)], vec![Act::Deliver]], true),
        scenario("a backlog and the sweep twice", true, [vec![Act::Deliver], vec![Act::Deliver]], true),
        scenario(
            "a backlog, the sweep and STOP",
            true,
            [vec![Act::Deliver], vec![Act::Message(1, Says::Stop)]],
            true,
        ),
        scenario("a backlog and two messages", true, two, false),
        scenario("three messages", false, [vec![message(1), message(3)], vec![message(2)]], false),
    ]
}

/// Tries every schedule of a scenario, each from the start. Stops at the first schedule that breaks a promise.
pub fn explore(scenario: &Scenario) -> Explored {
    let mut explored = Explored::default();
    let mut prefix = Vec::new();
    loop {
        let (choices, broken) = run(scenario, &prefix, false);
        explored.schedules += 1;
        if broken.is_some() {
            let picked: Vec<usize> = choices.iter().map(|(picked, _)| *picked).collect();
            let (how, log) = run(scenario, &picked, true).1.unwrap_or_default();
            explored.broken = Some((picked, how, log));
            return explored;
        }
        let Some(last) = choices.iter().rposition(|(picked, options)| picked + 1 < *options) else {
            return explored;
        };
        prefix = choices[..=last].iter().map(|(picked, _)| *picked).collect();
        prefix[last] += 1;
    }
}

/// The choices of a schedule, each with the number of possible choices, and the broken promise with the log.
type Ran = (Vec<(usize, usize)>, Option<(String, String)>);

fn run(scenario: &Scenario, prefix: &[usize], logs: bool) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return (Vec::new(), Some(("no runtime".to_owned(), String::new()))) };
    let shape = Shape { queued: false, reports: false, jobs: false, flips: false, noise: false };
    runtime.block_on(async {
        let world = World::new(0, shape, logs, Some(Turns::default()));
        let mut next = 0;
        let _chance = Chance::from_source(move || {
            next += 1;
            next
        });
        let choices = play(&world, scenario, prefix).await;
        judge::judge(&world).await;
        let mut state = world.lock();
        let broken = state.seen.broken.first().map(|(promise, how)| format!("{promise}: {how}"));
        (choices, broken.map(|how| (how, state.log.take().unwrap_or_default())))
    })
}

async fn play(world: &Arc<World>, scenario: &Scenario, prefix: &[usize]) -> Vec<(usize, usize)> {
    let outside = Outside::begin(world);
    let Some(turns) = &world.turns else { return Vec::new() };
    if scenario.backlog {
        backlog(&outside).await;
    }
    let mut actors = Vec::new();
    for acts in scenario.actors.clone() {
        let outside = Arc::clone(&outside);
        actors.push(tokio::spawn(async move {
            for act in acts {
                perform(&outside, act).await;
            }
        }));
    }
    let (mut choices, mut crashed) = (Vec::new(), !scenario.crash);
    // This is far more than the number of calls. An actor that waits longer waits for ever.
    for _ in 0..500 {
        sleep(SETTLE).await;
        let waiting = turns.waiting();
        if waiting.is_empty() {
            if actors.iter().all(tokio::task::JoinHandle::is_finished) {
                break;
            }
            continue;
        }
        let options = if crashed { waiting.len() } else { 2 * waiting.len() };
        let picked = prefix.get(choices.len()).copied().unwrap_or(0);
        choices.push((picked, options));
        if picked < waiting.len() {
            turns.let_through(picked);
        } else {
            let (environment, call) = waiting[picked - waiting.len()];
            world.log("schedule", || format!("environment {environment} dies before {call:?}"));
            world.kill(environment);
            crashed = true;
        }
    }
    turns.open();
    for act in scenario.actors.iter().flatten() {
        if let Act::Message(number, says) = act {
            // Kannel posts the message again after any answer.
            outside.post(*number, 0, says, true, true);
        }
    }
    outside.become_quiet().await;
    choices
}

/// Processes a message whose reply the gateway does not take, and waits until the next attempt is due.
async fn backlog(outside: &Arc<Outside>) {
    let world = &outside.world;
    if let Some(turns) = &world.turns {
        let manner = Manner { answer: Answer::Defer, report: None };
        if let Some(name) = crate::world::backend(0) {
            world.lock().scripts.entry(name).or_default().push_back(manner);
        }
        outside.post(100, 0, &Says::Count, true, true);
        while world.lock().busy > 0 {
            sleep(SETTLE).await;
            if !turns.waiting().is_empty() {
                turns.let_through(0);
            }
        }
        sleep(Duration::from_secs(8)).await;
    }
}

async fn perform(outside: &Arc<Outside>, act: Act) {
    match act {
        Act::Message(number, says) => drop(outside.post_once(number, 0, &says, true).await),
        Act::Deliver => {
            let Some(connection) = outside.world.person(0).cloned() else { return };
            let record = Record {
                id: "deliver".to_owned(),
                group: None,
                body: Job::Deliver { connection }.to_json(),
                receive_count: 1,
                sent_at: None,
            };
            let work = |environment: Environment, deadline| async move {
                drop(respond(&environment.project, vec![record], deadline).await);
            };
            outside.lambda.invoke(Function::Responder, work).await;
        }
    }
}
