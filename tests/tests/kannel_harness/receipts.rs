//! Delivery reports: the operator's receipts, and Kannel's reports to the endpoint.

use tests::http::escape;
use tests::kannel::{Kannel, ReceiptState, SubmitAnswer};
use tests::recorder::Recorder;
use tests::smpp::command_status;

use super::{CODE, LIMIT, PHONE, kannel};

/// Sends a message that requests every report, and returns the status of sendsms.
async fn send(kannel: &Kannel, endpoint: &Recorder, number: &str) -> u16 {
    let url = endpoint.url(&format!("/dlr?n={number}&d=%d&a=%A&id=%p"));
    let params: [(&str, &[u8]); 5] = [
        ("from", CODE.as_bytes()),
        ("to", PHONE.as_bytes()),
        ("text", b"x"),
        ("dlr-mask", b"31"),
        ("dlr-url", url.as_bytes()),
    ];
    kannel.sendsms(&params).await.unwrap().status
}

fn reports(requests: &[tests::recorder::Recorded]) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        requests.iter().map(|report| (report.text("n").unwrap(), report.text("d").unwrap())).collect();
    all.sort();
    all
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn receipts_of_the_operator_become_reports() {
    let (kannel, endpoint) = kannel().await;
    let states = [
        (ReceiptState::Delivered, "1"),
        (ReceiptState::Expired, "2"),
        (ReceiptState::Undeliverable, "2"),
        (ReceiptState::Rejected, "2"),
        (ReceiptState::Enroute, "4"),
    ];
    for (count, (state, report)) in (1..).zip(states) {
        let number = count.to_string();
        assert_eq!(send(&kannel, &endpoint, &number).await, 202);
        let mts = kannel.smsc().wait_for_mts(count, LIMIT).await.unwrap();
        kannel.smsc().receipt(mts.last().unwrap(), state).await.unwrap();
        let requests = endpoint.wait_for(2 * count, LIMIT).await.unwrap();
        let expected = [(number.clone(), report.to_owned()), (number, "8".to_owned())];
        assert_eq!(reports(&requests[2 * (count - 1)..]), expected, "{state:?}");
        assert_eq!(requests.last().unwrap().text("id").unwrap(), PHONE);
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn an_operator_can_send_receipts_by_itself() {
    let (kannel, endpoint) = kannel().await;
    kannel.smsc().receipts(Some(ReceiptState::Delivered));
    assert_eq!(send(&kannel, &endpoint, &escape("7")).await, 202);
    let requests = endpoint.wait_for(2, LIMIT).await.unwrap();
    assert_eq!(reports(&requests), [("7".into(), "1".into()), ("7".into(), "8".into())]);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_throttled_message_is_tried_again_and_a_refused_one_is_reported() {
    let (kannel, endpoint) = kannel().await;
    kannel.smsc().answer_next([SubmitAnswer::Refuse(command_status::THROTTLED)]);
    assert_eq!(send(&kannel, &endpoint, "throttled").await, 202);
    kannel.smsc().wait_for_mts(1, LIMIT).await.unwrap();
    kannel.smsc().answer_next([SubmitAnswer::Refuse(command_status::INVALID_DESTINATION)]);
    assert_eq!(send(&kannel, &endpoint, "refused").await, 202);
    let requests = endpoint
        .wait_until(LIMIT, |all| all.iter().any(|report| report.text("n").as_deref() == Some("refused")));
    let requests = requests.await.unwrap();
    assert!(reports(&requests).contains(&("refused".into(), "16".into())), "{requests:?}");
    assert_eq!(kannel.smsc().mts().len(), 1);
}
