//! Gateways that are down, and gateways that hang.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tests::http::get;
use tests::kannel::messages;
use tests::recorder::{Answer, Recorder, Reply};
use threadless::ConnectionId;
use threadless::store::{Direction, History as _, State};
use threadless_local::Stack;

use super::{LIMIT, kannel_and_stack, options, settings, store, until};

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

/// Other servers in Kannel's place, such as the default page of Debian's nginx. None of them has taken a message,
/// whatever its status says.
#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_in_kannels_place_takes_nothing_and_the_reply_goes_out_once_kannel_is_back() {
    let page = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n";
    let nginx = Reply::text(page).with_header("Server", "nginx/1.22.1");
    let portal = Reply::status(302).with_header("Location", "http://portal.example/login");
    for (respond, stranger) in [("inline", nginx), ("queue", portal)] {
        let gateway = Recorder::start().await.unwrap();
        gateway.script([stranger.clone(), stranger]);
        gateway.otherwise(|_| Reply::text("0: Accepted for delivery\r\n").with_status(202).into());
        let settings = settings(&[("k", respond, &gateway.url("/cgi-bin/sendsms?password=hunter2"))]);
        let stack = Stack::start(options(&settings)).await.unwrap();
        let url = format!("{}?id=251911&text=count+x", stack.backend_url("k"));
        assert_eq!(get(&url).await.unwrap().status, 200);
        let sent = gateway.wait_for(3, LIMIT).await.unwrap();
        assert!(sent.iter().all(|request| request.target == sent[0].target), "{sent:#?}");
        let (store, connection) =
            (store(&stack), ConnectionId::new("k".parse().unwrap(), "251911".parse().unwrap()));
        let reply = async || {
            let rows = store.history(&connection, Timestamp::now(), 9).await.unwrap();
            rows.into_iter().find(|row| row.direction == Direction::Out).unwrap()
        };
        until("the reply counts as sent", || async { reply().await.state == State::Sent }).await;
        let row = reply().await;
        assert_eq!((row.text.as_str(), row.attempts), ("1 x", 3));
        assert_eq!(row.detail.as_deref(), Some("202 0: Accepted for delivery"));
        // A server that is not Kannel and answers with success leaves doubt. A redirect leaves no doubt.
        assert_eq!(row.uncertain, if respond == "inline" { 2 } else { 0 });
        assert_eq!(gateway.requests().len(), 3);
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
    // Only a few messages repeat their request to a hanging gateway, and not every message that waits for it.
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
