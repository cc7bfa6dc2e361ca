//! Tests in which the stack, smsbox and bearerbox are killed, and the stack is frozen, while phones send messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tests::kannel::FakeSmsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::count::{evidence, left_behind};
use crate::judge::{Figures, Texted};
use crate::plan::{Blow, plan};
use crate::site::{CODE, LINES, Site};

/// The number of phones on each line.
const PHONES: usize = 8;

fn seconds() -> u64 {
    std::env::var("SOAK_SECONDS").map_or(45, |seconds| seconds.parse().expect("SOAK_SECONDS is a number"))
}

/// Plays one phone: sends a message, waits until bearerbox has it, and sends the next one.
async fn phone(operator: Arc<FakeSmsc>, number: String, mut chance: Chance, end: Instant) -> Vec<Texted> {
    let mut texted = Vec::new();
    while Instant::now() < end {
        let text = format!("count m{}", texted.len());
        let acknowledged = operator.text(&number, CODE, &text).await.is_ok();
        texted.push(Texted { number: number.clone(), text, acknowledged });
        sleep(chance.millis(500, 3500)).await;
    }
    texted
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn killed_and_frozen_at_random_nothing_is_lost_doubled_or_out_of_order() {
    let (seed, length) = (Chance::seed(), Duration::from_secs(seconds()));
    println!("SOAK_SEED={seed} SOAK_SECONDS={}", length.as_secs());
    let mut site = Site::start().await;
    let end = Instant::now() + length;
    let mut phones = JoinSet::new();
    for (at, (line, ..)) in LINES.iter().enumerate() {
        for nth in 0..PHONES {
            let chance = Chance::new(seed.wrapping_add((at * PHONES + nth + 1) as u64));
            let texting = phone(site.operator(line), format!("9{nth:04}"), chance, end);
            phones.spawn(async move { (*line, texting.await) });
        }
    }
    let mut blows: BTreeMap<Blow, usize> = BTreeMap::new();
    for planned in plan(seed) {
        sleep(planned.after).await;
        if Instant::now() >= end {
            break;
        }
        println!("{planned:?}");
        *blows.entry(planned.blow).or_default() += 1;
        site.strike(planned.blow, planned.away).await;
    }
    let mut texted: BTreeMap<&str, Vec<Texted>> = BTreeMap::new();
    for (line, texts) in phones.join_all().await {
        texted.entry(line).or_default().extend(texts);
    }
    // Smsbox may also have crashed by itself.
    site.has_kannel_up().await;
    let begun = Instant::now();
    site.comes_to_rest().await;
    println!("at rest {:?} after the last message; {blows:?}", begun.elapsed());

    let mut faults = Vec::new();
    for (line, backend, respond) in LINES {
        let figures = Figures::of(
            &evidence(site.seen(line, backend, texted.remove(line).unwrap()), &site.store()).await,
        );
        println!("respond = {respond:?}:\n{figures}");
        assert!(figures.texted >= PHONES && figures.answered > 0, "SOAK_SEED={seed}: no traffic");
        faults.extend(figures.faults);
    }
    faults.extend(left_behind(site.stack.ports).await);
    assert!(faults.is_empty(), "SOAK_SEED={seed}: {faults:#?}\n{}", site.log());
}
