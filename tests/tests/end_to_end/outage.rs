//! Gateways that are gone, and gateways that hang.

use std::collections::BTreeMap;

use local::Stack;
use tests::http::get;
use tests::kannel::messages;
use tests::recorder::{Answer, Recorder, Reply};

use super::{LIMIT, kannel_and_stack, options, settings, until};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn while_sendsms_is_gone_messages_are_taken_and_afterwards_everything_comes_in_order() {
    let (mut kannel, stack) = kannel_and_stack("queue").await;
    kannel.stop_smsbox().await;
    let (senders, each) = (20, 5);
    for nth in 0..each {
        for sender in 0..senders {
            let url = stack.backend_url("k");
            let url = format!("{url}?id=9{sender:03}&text=count+m{nth}&mid={sender}-{nth}");
            assert_eq!(get(&url).await.unwrap().status, 200);
        }
    }
    kannel.start_smsbox().await.unwrap();
    let mts = kannel.smsc().wait_for_mts(senders * each, LIMIT).await.unwrap();
    let mut by_sender: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in messages(&mts).unwrap() {
        by_sender.entry(message.to).or_default().push(message.text);
    }
    assert_eq!(by_sender.len(), senders);
    for (number, replies) in by_sender {
        assert_eq!(replies, ["1 m0", "2 m1", "3 m2", "4 m3", "5 m4"], "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hangs_leaves_the_other_ones_alone() {
    let (hanging, good) = (Recorder::start().await.unwrap(), Recorder::start().await.unwrap());
    hanging.otherwise(|_| Answer::Hang);
    good.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings =
        settings(&[("a", "queue", &hanging.url("/sendsms")), ("b", "queue", &good.url("/sendsms"))]);
    let stack = Stack::start(options(&settings)).await.unwrap();
    for sender in 0..50 {
        for backend in ["a", "b"] {
            let url = format!("{}?id={sender}&text=count+x", stack.backend_url(backend));
            assert_eq!(get(&url).await.unwrap().status, 200);
        }
    }
    good.wait_for(50, LIMIT).await.unwrap();
    until("the hanging gateway is asked", || async { !hanging.requests().is_empty() }).await;
    // What hangs is asked over and over only by a few, not by every message that waits for it.
    assert!(hanging.requests().len() <= 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_gateway_are_used_again() {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = settings(&[("k", "inline", &gateway.url("/sendsms"))]);
    let stack = Stack::start(options(&settings)).await.unwrap();
    for nth in 0..20 {
        let url = format!("{}?id=1&text=count+m{nth}", stack.backend_url("k"));
        assert_eq!(get(&url).await.unwrap().status, 200);
    }
    assert_eq!((gateway.requests().len(), gateway.connections()), (20, 1));
}
