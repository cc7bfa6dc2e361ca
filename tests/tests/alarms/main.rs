//! The alarms of the shipped template, evaluated over the metrics that the code prints on a set clock. Each fault raises
//! its alarm within three minutes, and no other. Sound traffic raises none.
//!
//! The metrics that AWS records itself (invocations of the tick, answers 5xx of the HTTP API) are counted here as AWS
//! counts them. All other metrics come from lines that the code printed.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alarm;
mod world;

use std::collections::BTreeSet;

use world::{Gateway, World};

/// The messages of a sound minute.
const SOUND: [&str; 12] = ["hello"; 12];

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns a stack that has worked for some minutes.
async fn sound() -> World {
    let mut world = World::new();
    // Before the first data, an alarm that wants data is on.
    for _ in 0..12 {
        world.minute_of(&SOUND).await;
    }
    for _ in 0..3 {
        assert_eq!(world.minute_of(&SOUND).await, BTreeSet::new());
    }
    world
}

/// Lets minutes pass with these messages, and returns the alarms that were on at the end of one of the first `minutes`.
async fn raised(world: &mut World, messages: &[&str], minutes: usize) -> BTreeSet<String> {
    let mut raised = BTreeSet::new();
    for _ in 0..minutes {
        raised.extend(world.minute_of(messages).await);
    }
    raised
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_gateway_raises_its_alarm_within_three_minutes_and_no_other() {
    let table = [
        (Gateway::Unreached, "GatewayRefuses"),
        (Gateway::Answers(503, "Temporal failure, try again later."), "GatewayRefuses"),
        (Gateway::Answers(403, "Authorization failed for sendsms"), "GatewayRefuses"),
        (Gateway::Answers(404, "<html>no such page</html>"), "GatewayRefuses"),
        (Gateway::Answers(500, "<html>error</html>"), "GatewayRefuses"),
        (Gateway::Answers(504, "<html>gateway time-out</html>"), "DoubtRises"),
        (Gateway::Answers(200, "<html>garbage</html>"), "DoubtRises"),
        (Gateway::Hangs, "DoubtRises"),
        (Gateway::LosesAnswers, "DoubtRises"),
        (Gateway::Answers(400, "Empty receiver number not allowed, rejected"), "MessagesFail"),
    ];
    for (gateway, alarm) in table {
        let mut world = sound().await;
        world.gateway(gateway);
        assert_eq!(raised(&mut world, &SOUND, 3).await, names(&[alarm]), "{gateway:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_waiting_message_is_enough_to_see_that_a_gateway_is_down() {
    for (gateway, alarm) in [(Gateway::Unreached, "GatewayRefuses"), (Gateway::LosesAnswers, "DoubtRises")] {
        let mut world = sound().await;
        world.gateway(gateway);
        let mut on = world.minute_of(&["hello"]).await;
        on.extend(raised(&mut world, &[], 2).await);
        assert_eq!(on, names(&[alarm]), "{gateway:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_app_raises_its_alarm_and_no_other() {
    for text in ["error", "panic", "hang"] {
        let mut world = sound().await;
        let messages = ["hello", "hello", text, "hello", "hello", "hello"];
        assert_eq!(raised(&mut world, &messages, 3).await, names(&["AppsFail"]), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn replies_that_nobody_sends_raise_an_alarm_even_if_nothing_else_happens() {
    let mut world = sound().await;
    world.responder = false;
    world.die_while_sending().await;
    assert_eq!(raised(&mut world, &[], 3).await, names(&["NobodySends"]));
}

#[tokio::test(start_paused = true)]
async fn messages_that_cannot_be_stored_raise_an_alarm() {
    let mut world = sound().await;
    world.faults.set_queue_down(true);
    assert_eq!(raised(&mut world, &SOUND, 3).await, names(&["RefusedMessages"]));

    let mut world = sound().await;
    world.break_store();
    // The tick reads the store too.
    assert_eq!(raised(&mut world, &SOUND, 3).await, names(&["RefusedMessages", "TickErrors"]));
}

#[tokio::test(start_paused = true)]
async fn a_dead_tick_raises_an_alarm() {
    let mut world = sound().await;
    world.ticking = false;
    // CloudWatch looks at older periods before it takes data as missing.
    assert_eq!(raised(&mut world, &SOUND, 5).await, names(&["TickMissing"]));
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_says_that_replies_stay_away_until_it_ends() {
    let mut world = sound().await;
    world.gateway(Gateway::Unreached);
    world.minute_of(&["hello"]).await;
    let before = raised(&mut world, &[], 9).await;
    assert_eq!(before, names(&["GatewayRefuses"]), "ten minutes");
    raised(&mut world, &[], 10).await;
    for minute in 0..30 {
        assert!(world.minute_of(&[]).await.contains("RepliesStayAway"), "{minute}");
    }
    world.gateway(Gateway::Accepts);
    raised(&mut world, &[], 25).await;
    assert_eq!(world.minute_of(&[]).await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn sound_traffic_raises_no_alarm() {
    let mut world = sound().await;
    let (busy, none) = (vec!["hello"; 1000], BTreeSet::new());
    assert_eq!(raised(&mut world, &busy, 10).await, none, "10,000 messages");
    assert_eq!(raised(&mut world, &["stop", "start", "hello"], 5).await, none, "people opt out and in");
    assert_eq!(raised(&mut world, &[], 60).await, none, "an hour of silence");
    assert_eq!(raised(&mut world, &busy, 1).await, none, "a burst");
    assert_eq!(raised(&mut world, &[], 3).await, none, "after the burst");

    for gateway in [Gateway::Unreached, Gateway::LosesAnswers, Gateway::Hangs] {
        world.gateway(gateway);
        world.receive("now", "hello").await;
        world.gateway(Gateway::Accepts);
        assert_eq!(raised(&mut world, &SOUND, 6).await, none, "one hiccup: {gateway:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_week_raises_no_alarm() {
    let mut world = sound().await;
    assert_eq!(raised(&mut world, &[], 7 * 24 * 60).await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn no_line_has_a_number_or_a_text_and_the_metrics_are_bounded() {
    let mut world = sound().await;
    for gateway in [
        Gateway::Unreached,
        Gateway::Hangs,
        Gateway::LosesAnswers,
        Gateway::Answers(400, "251911000001 is not a number"),
        Gateway::Answers(400, "Empty receiver number not allowed, rejected"),
        Gateway::Answers(200, "251911000001: garbage"),
    ] {
        world.gateway(gateway);
        raised(&mut world, &["hello", "error", "panic", "stop", "start"], 2).await;
    }
    let secret = ["251911", "hello", "secret", "panic", "stop", "garbage", "planned"];
    for word in secret {
        assert!(!world.lines.contains(word), "{word}");
    }
    for backend in ["now", "later"] {
        let count = world.metrics_of(&[("Stack", alarm::STACK), ("Backend", backend)]);
        assert!((8..=10).contains(&count), "{backend} has {count} metrics");
    }
    assert_eq!(world.metrics_of(&[("Stack", alarm::STACK)]), 6, "the metrics of the alarms");
    let phase = [("Stack", alarm::STACK), ("App", "Moody"), ("Phase", "handle")];
    assert_eq!(world.metrics_of(&phase), 1, "failures of the app");
}
