//! The promises of the harness: a Kannel can be frozen, stopped, killed and restarted, and no process or file remains.

use std::time::Duration;

use tests::http::get;
use tests::kannel::Kannel;
use tests::recorder::Recorder;
use tokio::time::timeout;

use super::{CODE, LIMIT, PHONE, kannel};

async fn works(kannel: &Kannel, endpoint: &Recorder) {
    let (requests, mts) = (endpoint.requests().len(), kannel.smsc().mts().len());
    kannel.smsc().text(PHONE, CODE, "in").await.unwrap();
    endpoint.wait_for(requests + 1, LIMIT).await.unwrap();
    let params: [(&str, &[u8]); 3] = [("from", CODE.as_bytes()), ("to", PHONE.as_bytes()), ("text", b"out")];
    assert_eq!(kannel.sendsms(&params).await.unwrap().status, 202);
    kannel.smsc().wait_for_mts(mts + 1, LIMIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn two_kannels_work_side_by_side() {
    // One Kannel is started from another thread, which may end first.
    let (first, second) = tokio::join!(tokio::spawn(kannel()), kannel());
    let ((first, a), (second, b)) = (first.unwrap(), second);
    works(&first, &a).await;
    works(&second, &b).await;
    assert_eq!((a.requests().len(), b.requests().len()), (1, 1));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_paused_kannel_takes_connections_and_answers_when_it_goes_on() {
    let (kannel, endpoint) = kannel().await;
    kannel.pause().await.unwrap();
    let url = kannel.sendsms_url();
    let mut answer = std::pin::pin!(get(&url));
    assert!(timeout(Duration::from_secs(1), &mut answer).await.is_err());
    kannel.resume().unwrap();
    assert_eq!(answer.await.unwrap().status, 403);
    works(&kannel, &endpoint).await;
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_killed_or_stopped_kannel_refuses_and_works_again_on_the_same_port() {
    let (mut kannel, endpoint) = kannel().await;
    let url = kannel.sendsms_url();
    kannel.kill_smsbox();
    assert!(get(&url).await.is_err());
    kannel.start_smsbox().await.unwrap();
    works(&kannel, &endpoint).await;
    kannel.stop_smsbox().await;
    assert!(get(&url).await.is_err());
    kannel.start_smsbox().await.unwrap();
    works(&kannel, &endpoint).await;
    kannel.kill_bearerbox();
    kannel.restart().await.unwrap();
    works(&kannel, &endpoint).await;
    kannel.kill();
    assert!(kannel.status().await.is_err());
    kannel.restart().await.unwrap();
    assert_eq!(kannel.sendsms_url(), url);
    works(&kannel, &endpoint).await;
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_dropped_kannel_and_one_that_was_shut_down_leave_nothing_listening() {
    let (dropped, _first) = kannel().await;
    let (ended, _second) = kannel().await;
    let urls = [dropped.sendsms_url(), ended.sendsms_url()];
    drop(dropped);
    ended.shutdown().await;
    for url in urls {
        assert!(get(&url).await.is_err());
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn the_log_shows_all_four_sources() {
    let (kannel, _endpoint) = kannel().await;
    let log = kannel.log();
    assert!(log.contains("--- bearerbox.log\n") && log.contains("--- smsbox.log\n"), "{log}");
    assert!(log.contains("Kannel bearerbox II version 1.4.5 starting"), "{log}");
}
