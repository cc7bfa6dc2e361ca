//! Kannel's reaction to each answer of the endpoint, and to none.

use std::time::Duration;

use tests::http::get;
use tests::kannel::reassemble;
use tests::recorder::{Answer, Reply};
use tokio::time::{sleep, timeout};

use super::{CODE, LIMIT, PHONE, kannel, kannel_with};

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn an_empty_200_and_202_end_a_message_and_the_phone_gets_nothing() {
    let (kannel, endpoint) = kannel().await;
    endpoint.script([Reply::status(200), Reply::status(202), Reply::text("a body")]);
    for count in 1..=3 {
        kannel.smsc().text(PHONE, CODE, "x").await.unwrap();
        endpoint.wait_for(count, LIMIT).await.unwrap();
    }
    // If Kannel repeated the requests for these messages, the repeats would arrive before the repeat for the later
    // message "y". In the same way, a reply to the phone would arrive before "z".
    endpoint.script([Reply::status(503)]);
    kannel.smsc().text(PHONE, CODE, "y").await.unwrap();
    assert_eq!(endpoint.wait_for(5, LIMIT).await.unwrap().len(), 5);
    let params: [(&str, &[u8]); 3] = [("from", CODE.as_bytes()), ("to", PHONE.as_bytes()), ("text", b"z")];
    assert_eq!(kannel.sendsms(&params).await.unwrap().status, 202);
    let mts = kannel.smsc().wait_for_mts(1, LIMIT).await.unwrap();
    assert_eq!(reassemble(&mts).unwrap(), "z");
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn with_max_messages_the_body_is_the_reply() {
    let (kannel, endpoint) = kannel_with(|options| options.services[0].max_messages = 1).await;
    endpoint.script([Reply::text("hello")]);
    kannel.smsc().text(PHONE, CODE, "x").await.unwrap();
    let mts = kannel.smsc().wait_for_mts(1, LIMIT).await.unwrap();
    assert_eq!((mts[0].to.as_str(), reassemble(&mts).unwrap()), (PHONE, "hello".into()));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn every_failure_is_repeated_with_the_same_id_until_it_succeeds() {
    let (kannel, endpoint) = kannel_with(|options| options.http_timeout = 2).await;
    let failures: Vec<Answer> = [201, 204, 301, 400, 401, 403, 404, 413, 500, 502, 503, 504]
        .into_iter()
        .map(|status| Reply::status(status).with_header("Retry-After", "600").into())
        .chain([Answer::CloseAfterReading, Answer::CloseUnread, Answer::Hang])
        .collect();
    let recorded = failures.len() - 1; // one connection is never read
    endpoint.script(failures);
    kannel.smsc().text(PHONE, CODE, "x").await.unwrap();
    let requests = endpoint.wait_for(recorded + 1, LIMIT * 2).await.unwrap();
    let first = requests[0].text("mid").unwrap();
    assert!(requests.iter().all(|request| request.text("mid").as_deref() == Some(first.as_str())));
    assert!(requests.iter().all(|request| request.target == requests[0].target));
    // The last answer was 200. Nothing follows before the next message.
    kannel.smsc().text(PHONE, CODE, "y").await.unwrap();
    let requests = endpoint.wait_for(recorded + 2, LIMIT).await.unwrap();
    assert_ne!(requests[recorded + 1].text("mid").unwrap(), first);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_refused_connection_is_tried_again() {
    let (kannel, mut endpoint) = kannel().await;
    endpoint.refuse().await;
    kannel.smsc().text(PHONE, CODE, "patience").await.unwrap();
    timeout(LIMIT, async {
        while kannel.log().matches("Couldn't fetch").count() < 2 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    endpoint.listen_again().await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(requests[0].text("hex").unwrap(), super::hex(b"patience"));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn messages_wait_while_smsbox_is_stopped() {
    let (mut kannel, endpoint) = kannel().await;
    kannel.stop_smsbox().await;
    assert!(get(&kannel.sendsms_url()).await.is_err());
    for text in ["one", "two"] {
        kannel.smsc().text(PHONE, CODE, text).await.unwrap();
    }
    assert_eq!(endpoint.requests().len(), 0);
    kannel.start_smsbox().await.unwrap();
    let requests = endpoint.wait_for(2, LIMIT).await.unwrap();
    let mut texts: Vec<_> = requests.iter().map(|request| request.text("hex").unwrap()).collect();
    texts.sort();
    assert_eq!(texts, [super::hex(b"one"), super::hex(b"two")]);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn what_bearerbox_acknowledged_survives_its_death() {
    let (mut kannel, endpoint) = kannel().await;
    kannel.stop_smsbox().await;
    kannel.smsc().text(PHONE, CODE, "stored").await.unwrap();
    kannel.kill();
    kannel.restart().await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(requests[0].text("hex").unwrap(), super::hex(b"stored"));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn what_smsbox_was_fetching_is_lost_with_it() {
    let (mut kannel, endpoint) = kannel().await;
    endpoint.script([Answer::Hang]);
    kannel.smsc().text(PHONE, CODE, "lost").await.unwrap();
    endpoint.wait_for(1, LIMIT).await.unwrap();
    kannel.kill_smsbox();
    kannel.start_smsbox().await.unwrap();
    // Bearerbox would deliver its remaining messages before this one.
    kannel.smsc().text(PHONE, CODE, "next").await.unwrap();
    let requests = endpoint.wait_for(2, LIMIT).await.unwrap();
    let texts: Vec<_> = requests.iter().map(|request| request.text("hex").unwrap()).collect();
    assert_eq!(texts, [super::hex(b"lost"), super::hex(b"next")]);
}
