//! What CI holds the simulation to.

use simulation::{explore, plan_of, run, scenarios, search};

#[test]
fn the_same_seed_gives_the_same_log_byte_for_byte() {
    for seed in 0..200 {
        let plan = plan_of(seed);
        assert_eq!(plan, plan_of(seed));
        let (one, two) = (run(&plan, true), run(&plan, true));
        assert!(one.log.lines().count() > 5, "seed {seed} has a log");
        assert_eq!(one, two, "seed {seed}");
    }
}

#[test]
fn five_thousand_histories_keep_every_promise() {
    let found = search(0..5_000, 2, true, |_, _| {});
    assert!(
        found.is_empty(),
        "{found:?}\ncargo run --profile simulation -p simulation -- --seed {}",
        found.first().map_or(0, |found| found.seed)
    );
}

#[test]
fn every_interleaving_of_two_actors_keeps_every_promise() {
    for scenario in scenarios() {
        let explored = explore(&scenario);
        println!("{}: {} schedules", scenario.name, explored.schedules);
        assert!(explored.schedules > 1, "{}", scenario.name);
        if let Some((choices, how, log)) = explored.broken {
            panic!("{}: {how}\nchoices {choices:?}\n{log}", scenario.name);
        }
    }
}

#[cfg(feature = "planted")]
#[test]
fn every_planted_fault_is_found_within_5_000_histories_and_shrinks_to_ten_events() {
    let plants: Vec<_> = simulation::plants().collect();
    assert!(plants.len() >= 40, "{} plants", plants.len());
    let (some, others) = plants.split_at(plants.len() / 2);
    let judge = |plants: &[(_, &str, &str)]| {
        let mut wrong = Vec::new();
        for (plant, name, what) in plants {
            match simulation::harvest(*plant, 5_000) {
                None => wrong.push(format!("{name} was not found: {what}")),
                Some(found) if found.plan.events.len() > 10 => {
                    wrong.push(format!("{name} has {} events: {}", found.plan.events.len(), found.plan));
                }
                Some(found) => println!("{name}: {} histories, {}", found.histories, found.plan.events.len()),
            }
        }
        wrong
    };
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| judge(others));
        let mut wrong = judge(some);
        wrong.extend(other.join().unwrap());
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
