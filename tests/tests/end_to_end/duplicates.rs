//! The same message again and again.

use std::sync::Arc;
use std::time::Duration;

use tests::http::get;
use tests::recorder::{Recorder, Reply};
use tests::services::waiting;
use threadless::testing::TestClock;
use threadless_local::{Stack, StackOptions};

use super::{LIMIT, MODES, options, settings, until};

async fn gateway() -> Recorder {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    gateway
}

fn texts(gateway: &Recorder) -> Vec<String> {
    gateway.requests().iter().map(|request| request.text("text").unwrap()).collect()
}

async fn is_idle(stack: &Stack) -> bool {
    waiting(&stack.queue_url).await.unwrap() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_has_one_effect_at_once_one_after_another_and_after_five_minutes() {
    for mode in MODES {
        let (gateway, clock) = (gateway().await, TestClock::default());
        let settings = settings(&[("k", mode, &gateway.url("/sendsms"))]);
        let start = StackOptions { clock: Arc::new(clock.clone()), ..options(&settings) };
        let stack = Stack::start(start).await.unwrap();
        let url = format!("{}?id=1112223333&text=count+x&mid=the-same", stack.backend_url("k"));
        let ten = || async {
            for answer in futures_util::future::join_all((0..10).map(|_| get(&url))).await {
                let answer = answer.unwrap();
                assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{mode}");
            }
        };
        ten().await;
        for _ in 0..10 {
            assert_eq!(get(&url).await.unwrap().status, 200, "{mode}");
        }
        gateway.wait_for(1, LIMIT).await.unwrap();
        until("the queue is empty", || is_idle(&stack)).await;
        clock.advance(Duration::from_secs(301));
        ten().await;
        // A new message comes behind the repeated one. Once it is answered, the messages before it have been processed.
        let after = format!("{}?id=1112223333&text=count+after&mid=another", stack.backend_url("k"));
        assert_eq!(get(&after).await.unwrap().status, 200);
        gateway.wait_for(2, LIMIT).await.unwrap();
        until("the queue is empty", || is_idle(&stack)).await;
        assert_eq!(texts(&gateway), ["1 x", "2 after"], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_on_two_backends_is_two_messages() {
    let gateway = gateway().await;
    let settings =
        settings(&[("a", "inline", &gateway.url("/sendsms")), ("b", "queue", &gateway.url("/sendsms"))]);
    let stack = Stack::start(options(&settings)).await.unwrap();
    for backend in ["a", "b"] {
        let url = format!("{}?id=1112223333&text=count+{backend}&mid=m", stack.backend_url(backend));
        assert_eq!(get(&url).await.unwrap().status, 200);
    }
    gateway.wait_for(2, LIMIT).await.unwrap();
    let mut sent = texts(&gateway);
    sent.sort();
    assert_eq!(sent, ["1 a", "1 b"]);
}
