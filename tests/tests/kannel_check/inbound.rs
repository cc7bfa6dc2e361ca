//! The treatment of messages from phones by smsbox.

use std::time::Duration;

use tests::http::get;
use tests::kannel::{KannelOptions, Service};
use tests::recorder::{Answer, Recorded, Reply};

use super::proof::{CODE, LIMIT, PHONE, Proof, got, heard, heard_and_got, hello, replace, show};

/// The faults that these proofs show.
pub(crate) const SHOWN: &[&str] = &[
    "words-of-text",
    "no-retry",
    "short-retry",
    "short-timeout",
    "many-in-flight",
    "unrouted-smsbox",
    "global-sender",
    "parts-as-messages",
    "no-default",
    "shadowed-service",
    "answers-to-phones",
    "errors-to-phones",
    "unknown-line",
    "not-a-url",
    "unfinished-quote",
    "token-in-url",
    "double-key",
];

fn url_of_service(options: &mut KannelOptions, from: &str, to: &str) {
    let url = options.services[0].get_url.replace(from, to);
    assert_ne!(url, options.services[0].get_url);
    options.services[0].get_url = url;
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn proofs() -> Vec<Proof> {
    vec![
        Proof {
            check: "words-of-text",
            fault: |options| url_of_service(options, "hex=%e", "text=%a"),
            mend: |options| url_of_service(options, "hex=%e", "text=%b"),
            act: |kannel, _| Box::pin(async move { kannel.smsc().text(PHONE, CODE, "ሰላም").await.unwrap() }),
            see: |_, endpoint| {
                let texts = endpoint.requests().into_iter().filter_map(|request| request.param("text"));
                texts.map(|bytes| format!("{bytes:02X?}")).collect()
            },
            // There is a space in the place of the 0B.
            faulty: &["[12, 30, 12, 20, 12, 1D]"],
            mended: &["[12, 30, 12, 0B, 12, 1D]"],
        },
        Proof {
            check: "no-retry",
            fault: |options| replace(options, "http-request-retry = 4000\n", ""),
            mend: |_| {},
            act: |kannel, endpoint| {
                endpoint.script([Reply::status(503)]);
                hello(kannel, endpoint)
            },
            see: heard,
            faulty: &["hello"],
            mended: &["hello", "hello"],
        },
        Proof {
            check: "short-retry",
            fault: |options| options.retries = 2,
            mend: |_| {},
            act: |kannel, endpoint| {
                endpoint.script([503, 503, 503].map(Reply::status));
                hello(kannel, endpoint)
            },
            see: heard,
            faulty: &["hello", "hello", "hello"],
            mended: &["hello", "hello", "hello", "hello"],
        },
        Proof {
            check: "short-timeout",
            fault: |options| options.http_timeout = 1,
            mend: |_| {},
            act: |kannel, endpoint| {
                endpoint.script([Reply::text("").after(Duration::from_secs(4))]);
                hello(kannel, endpoint)
            },
            see: heard,
            faulty: &["hello", "hello"],
            mended: &["hello"],
        },
        Proof {
            check: "many-in-flight",
            fault: |options| replace(options, "max-pending-requests = 50\n", ""),
            mend: |options| options.max_pending = 1,
            // Twenty messages reach an endpoint that hangs. Then smsbox dies, and restarts with an endpoint that works.
            act: |kannel, endpoint| {
                Box::pin(async move {
                    endpoint.otherwise(|_| Answer::Hang);
                    for number in 0..20 {
                        kannel.smsc().text(PHONE, CODE, &number.to_string()).await.unwrap();
                    }
                    endpoint.wait_for(1, LIMIT).await.unwrap();
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    kannel.kill_smsbox();
                    endpoint.otherwise(|_| Reply::text("").into());
                    get(&endpoint.url("/killed")).await.unwrap();
                    kannel.start_smsbox().await.unwrap();
                })
            },
            see: |_, endpoint| vec![lost(&endpoint.requests())],
            faulty: &["20 of 20 lost"],
            mended: &["1 of 20 lost"],
        },
        Proof {
            check: "unrouted-smsbox",
            fault: |options| options.extra.smsbox.push("smsbox-id = mine".into()),
            mend: |options| {
                options.extra.smsbox.push("smsbox-id = mine".into());
                let route = ["", "group = smsbox-route", "smsbox-id = mine", "smsc-id = A"];
                options.extra.smsbox.extend(route.map(String::from));
            },
            act: hello,
            see: heard,
            faulty: &[],
            mended: &["hello"],
        },
        Proof {
            check: "global-sender",
            fault: |options| options.extra.smsbox.push("global-sender = 9999".into()),
            mend: |_| {},
            act: hello,
            see: |_, endpoint| endpoint.requests().iter().filter_map(|request| request.text("to")).collect(),
            faulty: &["9999"],
            mended: &[CODE],
        },
        Proof {
            check: "parts-as-messages",
            fault: |options| options.extra.core.push("sms-combine-concatenated-mo = false".into()),
            mend: |_| {},
            act: |kannel, _| {
                Box::pin(async move { kannel.smsc().text(PHONE, CODE, &"x".repeat(200)).await.unwrap() })
            },
            see: |kannel, endpoint| {
                heard(kannel, endpoint).iter().map(|text| text.len().to_string()).collect()
            },
            faulty: &["153", "47"],
            mended: &["200"],
        },
        Proof {
            check: "no-default",
            fault: |options| replace(options, "keyword = default", "keyword = clinic"),
            mend: |_| {},
            act: hello,
            see: heard_and_got,
            faulty: &["1234: Request Failed"],
            mended: &["hello"],
        },
        Proof {
            check: "shadowed-service",
            fault: |options| {
                let second = options.services[0].get_url.replace("/backend/k/", "/backend/second/");
                options.services.push(Service::at(second));
                options.lines.push("B".into());
            },
            mend: |options| {
                let second = options.services[0].get_url.replace("/backend/k/", "/backend/second/");
                options.services[0].line = Some("A".into());
                options.services.push(Service { line: Some("B".into()), ..Service::at(second) });
                options.lines.push("B".into());
            },
            act: |kannel, endpoint| {
                Box::pin(async move {
                    for (count, line) in (1..).zip(["A", "B"]) {
                        kannel.line(line).unwrap().text(PHONE, CODE, "hello").await.unwrap();
                        endpoint.wait_for(count, LIMIT).await.unwrap();
                    }
                })
            },
            see: |_, endpoint| endpoint.requests().iter().map(|request| request.path().to_owned()).collect(),
            faulty: &["/backend/k/", "/backend/k/"],
            mended: &["/backend/k/", "/backend/second/"],
        },
        Proof {
            check: "answers-to-phones",
            fault: |options| options.services[0].max_messages = 1,
            mend: |_| {},
            act: hello,
            see: heard_and_got,
            faulty: &["hello", "1234: <Empty reply from service provider>"],
            mended: &["hello"],
        },
        Proof {
            check: "errors-to-phones",
            fault: |options| {
                replace(options, "max-messages = 0\n", "omit-empty = true\n");
                options.retries = 0;
            },
            mend: |options| options.retries = 0,
            act: |kannel, endpoint| {
                endpoint.script([Reply::status(503)]);
                hello(kannel, endpoint)
            },
            see: got,
            faulty: &["1234: Could not fetch content, sorry."],
            mended: &[],
        },
        Proof {
            check: "unknown-line",
            fault: |options| options.services[0].line = Some("Z".into()),
            mend: |options| options.services[0].line = Some("A".into()),
            act: hello,
            see: heard_and_got,
            faulty: &["1234: Request Failed"],
            mended: &["hello"],
        },
        Proof {
            check: "not-a-url",
            fault: |options| url_of_service(options, "&smsc=%i", "&clinic=north west"),
            mend: |options| url_of_service(options, "&smsc=%i", "&clinic=north%20west"),
            act: hello,
            see: heard,
            faulty: &[],
            mended: &["hello"],
        },
        Proof {
            check: "not-a-url",
            fault: |options| url_of_service(options, "http://", ""),
            mend: |_| {},
            act: hello,
            see: heard,
            faulty: &[],
            mended: &["hello"],
        },
        Proof {
            check: "unfinished-quote",
            fault: |options| replace(options, "&ts=%T\"", "&ts=%T"),
            mend: |_| {},
            act: hello,
            see: heard,
            faulty: &[],
            mended: &["hello"],
        },
        Proof {
            check: "token-in-url",
            fault: |options| url_of_service(options, "?", "?token=s3cret&"),
            mend: |_| {},
            act: |kannel, endpoint| {
                Box::pin(async move {
                    endpoint.refuse().await;
                    hello(kannel, endpoint).await;
                    while !kannel.log().contains("Couldn't fetch <http://") {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                })
            },
            see: |kannel, _| {
                let log = kannel.log();
                log.lines()
                    .find(|line| line.contains("token=s3cret"))
                    .map(|_| "in the log".to_owned())
                    .into_iter()
                    .collect()
            },
            faulty: &["in the log"],
            mended: &[],
        },
        Proof {
            check: "double-key",
            fault: |options| {
                let second = options.services[0].get_url.replace("/backend/k/", "/backend/second/");
                options.services[0].extra.push(format!("get-url = \"{second}\""));
            },
            mend: |_| {},
            act: hello,
            see: |_, endpoint| endpoint.requests().iter().map(|request| request.path().to_owned()).collect(),
            faulty: &["/backend/second/"],
            mended: &["/backend/k/"],
        },
    ]
}

/// Counts the messages that smsbox requested while the endpoint hung. Smsbox never requests them again.
fn lost(requests: &[Recorded]) -> String {
    let count = requests.iter().take_while(|request| request.path() != "/killed").count();
    format!("{count} of {} lost", requests.iter().filter(|request| request.path() != "/killed").count())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_loses_messages_from_phones_does() {
    show(&proofs(), SHOWN).await;
}
