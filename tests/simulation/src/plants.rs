//! Planted faults: the number of histories until each is found, and the length of the shortest history that shows it.

use threadless::planted::{Plant, Planted};

use crate::plan::Plan;
use crate::{Verdict, plan_of, run, shrink};

/// The number of events up to which a history is short enough to be understood.
const SHORT: usize = 10;

/// A planted fault that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harvest {
    /// The number of histories before it was found, in the form below.
    pub histories: u64,
    /// The broken promise.
    pub promise: &'static str,
    /// The shortest history that shows the fault.
    pub plan: Plan,
}

/// Returns all plants by name, each with a description.
pub fn plants() -> impl Iterator<Item = (Plant, &'static str, &'static str)> {
    Plant::ALL.iter().map(|plant| (*plant, plant.name(), plant.what()))
}

/// Runs a plan with a planted fault.
pub fn run_planted(plan: &Plan, plant: Plant, logs: bool) -> Verdict {
    let _planted = Planted::new(plant);
    run(plan, logs)
}

/// Searches for a planted fault in at most `limit` histories, and shortens the first history that shows it.
pub fn harvest(plant: Plant, limit: u64) -> Option<Harvest> {
    let _planted = Planted::new(plant);
    let mut shortest: Option<Harvest> = None;
    for seed in 0..limit {
        let plan = plan_of(seed);
        let Some((promise, _)) = run(&plan, false).broken.into_iter().next() else { continue };
        let fails = |plan: &Plan| run(plan, false).broken.iter().any(|(broken, _)| *broken == promise);
        let (plan, _) = shrink(&plan, fails);
        let shorter = shortest.as_ref().is_none_or(|known| plan.events.len() < known.plan.events.len());
        if shorter {
            shortest = Some(Harvest { histories: seed + 1, promise, plan });
        }
        // A history that stays long may show the fault only by a detour. The next history may be shorter.
        if shortest.as_ref().is_some_and(|found| found.plan.events.len() <= SHORT) {
            break;
        }
    }
    shortest
}
