//! Delivery reports: the operator's receipts, through Kannel and the functions, to the history and the apps.

use std::time::Duration;

use aws_credential_types::Credentials;
use tests::http::get;
use tests::kannel::{Kannel, KannelOptions, Mt, ReceiptState, SubmitAnswer};
use tests::ports::free_port;
use tests::proxy::{Proxy, Verdict};
use tests::recorder::{Recorder, Reply};
use tests::smpp::command_status;
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{Connections as _, Direction, History as _, HistoryRow, State};
use threadless::{ConnectionId, MessageId, Router};
use threadless_local::{Stack, StackOptions};

use super::{CODE, LIMIT, MODES, sendsms, until};

const PHONE: &str = "1112223333";

fn apps(router: Router) -> Router {
    super::apps(router.app(tests::apps::Learning))
}

/// Returns the settings of a project whose one backend requests reports from Kannel.
fn settings(respond: &str, sendsms: &str, report_url: &str, mask: u8) -> String {
    let settings = super::settings(&[("k", respond, sendsms)]);
    format!(
        "{settings}token = \"s3cret\"\ndelivery_report_url = \"{report_url}\"\ndelivery_report_mask = {mask}\n"
    )
}

struct Rig {
    kannel: Kannel,
    stack: Stack,
    store: DynamoStore,
}

impl Rig {
    /// Starts a Kannel that reports to `report_url`, or directly to the stack.
    async fn start(respond: &str, mask: u8, report_url: Option<&str>, slow_sendsms: Option<&Proxy>) -> Self {
        let port = free_port().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let kannel =
            Kannel::start(KannelOptions::new(&format!("{base}/backend/k/?token=s3cret"))).await.unwrap();
        let mut sendsms = sendsms(&kannel, "");
        if let Some(proxy) = slow_sendsms {
            let real = kannel.sendsms_url();
            let address = real.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
            proxy.leads_to(address.parse().unwrap());
            sendsms = sendsms.replace(&address, &proxy.address().to_string());
        }
        let settings = settings(respond, &sendsms, report_url.unwrap_or(&base), mask);
        let stack =
            Stack::start(StackOptions { port, ..tests::stack::with_apps(apps, &settings) }).await.unwrap();
        let access = Access {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "test"),
            endpoint_url: Some(format!("http://{}", stack.dynamodb)),
        };
        let store = DynamoStore::new(&access, http_client().unwrap(), "threadless");
        Self { kannel, stack, store }
    }

    /// Sends a message from the phone, and waits until the answer reaches the operator.
    async fn answered(&self, text: &str) -> Mt {
        let smsc = self.kannel.smsc();
        let before = smsc.mts().len();
        smsc.text(PHONE, CODE, &format!("echo {text}")).await.unwrap();
        smsc.wait_for_mts(before + 1, LIMIT).await.unwrap().pop().unwrap()
    }

    async fn row(&self, text: &str) -> Option<HistoryRow> {
        let rows = self.store.history(&phone(), jiff::Timestamp::now(), 1000).await.unwrap();
        rows.into_iter().find(|row| row.direction == Direction::Out && row.text == text)
    }

    /// Waits until the answer with this text has this state.
    async fn reaches(&self, text: &str, state: State) {
        let what = format!("{text} is {state:?}");
        until(&what, || async { self.row(text).await.is_some_and(|row| row.state == state) }).await;
    }

    /// Returns the reports that the app got for the answer with this text, in order.
    async fn told(&self, text: &str) -> Vec<String> {
        let loaded = self.store.load(&phone(), &MessageId::from("x"), jiff::Timestamp::now()).await.unwrap();
        let told = loaded.record.session.get::<Vec<(String, String)>>(tests::apps::LEARNT).unwrap();
        let id = self.row(text).await.map(|row| row.id.to_string()).unwrap_or_default();
        told.unwrap_or_default()
            .into_iter()
            .filter(|(of, _)| *of == id)
            .map(|(_, final_status)| final_status)
            .collect()
    }

    /// Waits until the app got these reports for the answer with this text.
    async fn learns(&self, text: &str, expected: &[&str]) {
        let what = format!("the app learns {expected:?} of {text}");
        until(&what, || async { self.told(text).await.len() >= expected.len() }).await;
        assert_eq!(self.told(text).await, expected, "{text}");
    }
}

fn phone() -> ConnectionId {
    ConnectionId::new("k".parse().unwrap(), PHONE.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_the_operator_says_reaches_the_history_and_the_apps_once() {
    for mode in MODES {
        let rig = Rig::start(mode, 31, None, None).await;
        let smsc = rig.kannel.smsc();
        let states = [
            (ReceiptState::Delivered, State::Delivered, "delivered"),
            (ReceiptState::Undeliverable, State::Failed, "failed"),
            (ReceiptState::Expired, State::Failed, "failed"),
            (ReceiptState::Rejected, State::Failed, "failed"),
        ];
        for (receipt, state, word) in states {
            let text = format!("{receipt:?}");
            let mt = rig.answered(&text).await;
            assert!(mt.receipt_wanted, "{mode}");
            // Accepted (8) comes by itself. Buffered (4) comes before the final status.
            smsc.receipt(&mt, ReceiptState::Enroute).await.unwrap();
            rig.reaches(&text, State::Sent).await;
            smsc.receipt(&mt, receipt).await.unwrap();
            rig.reaches(&text, state).await;
            rig.learns(&text, &[word]).await;
        }
        smsc.answer_next([SubmitAnswer::Refuse(command_status::INVALID_DESTINATION)]);
        smsc.text(PHONE, CODE, "echo refused").await.unwrap();
        rig.reaches("refused", State::Failed).await;
        rig.learns("refused", &["failed"]).await;
        // No report came twice in the meantime.
        rig.learns("Delivered", &["delivered"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn a_real_report_again_and_again_and_a_forged_one_change_nothing() {
    // A recorder stands in the place of the endpoint and only records Kannel's calls.
    let reports = Recorder::start().await.unwrap();
    let rig = Rig::start("queue", 19, Some(&reports.url("")), None).await;
    rig.kannel.smsc().receipts(Some(ReceiptState::Delivered));
    rig.answered("one").await;
    let real = reports.wait_for(1, LIMIT).await.unwrap().remove(0);
    rig.reaches("one", State::Sent).await;
    let at = |target: &str| format!("http://{}{target}", rig.stack.front);
    let reference = real.text("ref").unwrap();
    let mut other = reference.clone().into_bytes();
    other[20] = if other[20] == b'A' { b'B' } else { b'A' };
    let forged = real.target.replace(&reference, std::str::from_utf8(&other).unwrap());
    let unsigned = real.target.replace("ref=", "id=");
    let elsewhere = real.target.replace("/backend/k/", "/backend/none/");
    for (target, status) in [(&forged, 403), (&unsigned, 403), (&elsewhere, 404)] {
        assert_eq!(get(&at(target)).await.unwrap().status, status, "{target}");
    }
    assert_eq!(rig.row("one").await.unwrap().state, State::Sent);
    for _ in 0..5 {
        assert_eq!(get(&at(&real.target)).await.unwrap().status, 200);
    }
    rig.reaches("one", State::Delivered).await;
    // This report is late, and its status is behind the present one.
    let late = real.target.replace("d=1", "d=2");
    assert_ne!(late, real.target);
    assert_eq!(get(&at(&late)).await.unwrap().status, 200);
    assert_eq!(rig.row("one").await.unwrap().state, State::Delivered);
    // A new message comes behind the report. Once its report has arrived, the reports before it have been processed.
    rig.answered("two").await;
    let second = reports.wait_for(2, LIMIT).await.unwrap().remove(1);
    assert_eq!(get(&at(&second.target)).await.unwrap().status, 200);
    rig.learns("two", &["delivered"]).await;
    rig.learns("one", &["delivered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn a_report_that_overtakes_the_answer_of_sendsms_stands() {
    for mode in MODES {
        let sendsms = Proxy::start().await.unwrap();
        let rig = Rig::start(mode, 31, None, Some(&sendsms)).await;
        rig.kannel.smsc().receipts(Some(ReceiptState::Delivered));
        // The gateway's answer is delayed until the report has arrived.
        let held = sendsms.hold_answers();
        rig.answered("one").await;
        until("the report is in", || async {
            let rows = rig.store.history(&phone(), jiff::Timestamp::now(), 1000).await.unwrap();
            rows.iter().any(|row| row.direction == Direction::Out && row.state == State::Delivered)
        })
        .await;
        drop(held);
        rig.reaches("one", State::Delivered).await;
        until("the answer is written down", || async { rig.row("one").await.unwrap().attempts == 1 }).await;
        let row = rig.row("one").await.unwrap();
        assert_eq!(
            (row.state, row.uncertain, row.in_reply_to.is_some()),
            (State::Delivered, 0, true),
            "{mode}"
        );
        rig.learns("one", &["delivered"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn a_report_that_meets_no_function_comes_again() {
    let reports = Proxy::start().await.unwrap();
    let rig = Rig::start("queue", 19, Some(&format!("http://{}", reports.address())), None).await;
    reports.leads_to(rig.stack.front);
    // These are no answer, an answer that is lost after the function has done everything, and the status with which an
    // HTTP API answers for a function that died.
    reports.script([Verdict::Close, Verdict::LoseAnswer, Verdict::Status(503), Verdict::Status(500)]);
    rig.kannel.smsc().receipts(Some(ReceiptState::Delivered));
    rig.answered("one").await;
    until("all that was to go wrong has", || async { reports.taken() >= 5 }).await;
    rig.reaches("one", State::Delivered).await;
    rig.answered("two").await;
    rig.learns("two", &["delivered"]).await;
    rig.learns("one", &["delivered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_refuses_the_apps_learn_in_the_whole_stack() {
    for mode in MODES {
        let gateway = Recorder::start().await.unwrap();
        gateway.otherwise(|_| Reply::text("Number(s) has/have been denied").with_status(400).into());
        let settings = settings(mode, &gateway.url("/sendsms"), "http://127.0.0.1:1", 19);
        let stack = Stack::start(tests::stack::with_apps(apps, &settings)).await.unwrap();
        let url = format!("{}?id={PHONE}&text=echo+x&token=s3cret", stack.backend_url("k"));
        assert_eq!(get(&url).await.unwrap().status, 200);
        gateway.wait_for(1, Duration::from_secs(60)).await.unwrap();
        let access = Access {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "test"),
            endpoint_url: Some(format!("http://{}", stack.dynamodb)),
        };
        let store = DynamoStore::new(&access, http_client().unwrap(), "threadless");
        until("the app learns it", || async {
            let loaded = store.load(&phone(), &MessageId::from("x"), jiff::Timestamp::now()).await.unwrap();
            let told = loaded.record.session.get::<Vec<(String, String)>>(tests::apps::LEARNT).unwrap();
            told.is_some_and(|told| told.len() == 1 && told[0].1 == "failed")
        })
        .await;
    }
}
