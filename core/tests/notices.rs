//! Notices: each goes out once, in its turn, and only to people who have not opted out.

use std::time::Duration;

use threadless::store::{Direction, State};
use threadless::testing::{Behaviour, Bench};
use threadless::{App, AppError, Context, Outbound, Reply, Router, apps};

/// An app that signs outgoing messages, and stops those with a mark.
struct Sign;

impl App for Sign {
    async fn outgoing(&self, cx: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
        if reply.text.contains("secret") {
            return Ok(Outbound::Cancel);
        }
        reply.text.push_str(" -- ");
        reply.text.push_str(&cx.about().name);
        Ok(Outbound::Send)
    }
}

fn said(bench: &Bench) -> Vec<String> {
    bench.gateway.taken().iter().map(|message| message.text.clone()).collect()
}

#[tokio::test]
async fn a_notice_goes_through_the_outgoing_phase_and_out_once() {
    let bench = Bench::new(Router::new().app(Sign).app(apps::Echo));
    for _ in 0..3 {
        bench.notify("1112223333", "Take your medicine", "n1").await.unwrap();
        bench.work_off().await;
        // This is longer than the queue itself knows an id.
        bench.clock.advance(Duration::from_secs(400));
    }
    bench.notify("1112223333", "a secret", "n2").await.unwrap();
    bench.work_off().await;
    assert_eq!(said(&bench), ["Take your medicine -- Bench"]);
    let history = bench.history("1112223333").await;
    let [row] = &history[..] else { panic!("{history:?}") };
    assert_eq!((row.direction, row.state, row.id.as_str()), (Direction::Out, State::Sent, "n1"));
}

#[tokio::test]
async fn who_opted_out_gets_no_notice() {
    let bench = Bench::new(Router::new());
    bench.receive("1112223333", "stop", None).await.unwrap();
    bench.notify("1112223333", "Take your medicine", "n1").await.unwrap();
    bench.work_off().await;
    assert_eq!(said(&bench).len(), 1, "the confirmation");
    let history = bench.history("1112223333").await;
    let row = history.iter().find(|row| row.id.as_str() == "n1").unwrap();
    assert_eq!((row.state, row.detail.as_deref()), (State::Failed, Some("opted out")));
}

#[tokio::test]
async fn a_notice_waits_its_turn_behind_what_the_gateway_has_not_taken() {
    let bench = Bench::new(Router::new().app(apps::Echo));
    bench.gateway.next([Behaviour::Defer]);
    bench.receive("1112223333", "echo one", None).await.unwrap();
    bench.notify("1112223333", "two", "n1").await.unwrap();
    bench.work_off().await;
    assert_eq!(said(&bench), Vec::<String>::new());
    bench.minutes(1).await;
    assert_eq!(said(&bench), ["one", "two"]);
}
