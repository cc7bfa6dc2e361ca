//! Shortens a failing plan, as long as it still fails.

use crate::plan::{Event, Plan, What};

/// Returns the shortest plan that still `fails`, and the number of plans that were tried.
///
/// Removes shorter and shorter runs of events, then simplifies the remaining ones, until no step is possible.
pub fn shrink(plan: &Plan, mut fails: impl FnMut(&Plan) -> bool) -> (Plan, usize) {
    let mut best = plan.clone();
    let mut tried = 0;
    let mut better = |candidate: Plan, best: &mut Plan| {
        tried += 1;
        let fails = fails(&candidate);
        if fails {
            *best = candidate;
        }
        fails
    };
    loop {
        let before = best.clone();
        let mut run = best.events.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < best.events.len() {
                let mut candidate = best.clone();
                let end = (at + run).min(candidate.events.len());
                candidate.events.drain(at..end);
                if !better(candidate, &mut best) {
                    at += run;
                }
            }
            if run == 1 {
                break;
            }
            run = run.div_ceil(2);
        }
        for simpler in shapes(&best) {
            better(simpler, &mut best);
        }
        for at in 0..best.events.len() {
            for event in simpler(&best.events[at]) {
                let mut candidate = best.clone();
                candidate.events[at] = event;
                if better(candidate, &mut best) {
                    break;
                }
            }
        }
        if best == before {
            return (best, tried);
        }
    }
}

fn shapes(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut with = |change: fn(&mut Plan)| {
        let mut candidate = plan.clone();
        change(&mut candidate);
        if candidate != *plan {
            plans.push(candidate);
        }
    };
    with(|plan| plan.shape.noise = false);
    with(|plan| plan.shape.jobs = false);
    with(|plan| plan.shape.reports = false);
    with(|plan| plan.shape.flips = false);
    plans
}

/// Returns simpler forms of the same event.
fn simpler(event: &Event) -> Vec<Event> {
    let with = |what: What| Event { what, ..event.clone() };
    match &event.what {
        What::Gateway { backend, manner, count } if *count > 1 => {
            vec![with(What::Gateway { backend: *backend, manner: *manner, count: 1 })]
        }
        What::Broadcast { to } if to.len() > 1 => vec![with(What::Broadcast { to: to[..1].to_vec() })],
        What::Message { from, says, named } => {
            let mut simple = Vec::new();
            if !matches!(says, crate::plan::Says::Count | crate::plan::Says::Quiet) {
                let says = crate::plan::Says::Count;
                simple.push(with(What::Message { from: *from, says, named: *named }));
            }
            simple
        }
        _ => Vec::new(),
    }
}
