//! The treatment of replies by sendsms.

use std::pin::Pin;

use tests::kannel::{Kannel, Routing};
use tests::recorder::Recorder;

use super::proof::{CODE, PHONE, Proof, got, replace, show};

/// The faults that these proofs show.
pub(crate) const SHOWN: &[&str] = &[
    "any-line",
    "sendsms-chars",
    "hasty-answer",
    "no-user",
    "same-user",
    "cut-replies",
    "loose-parts",
    "faked-sender",
    "allow-without-deny",
    "placeholder",
    "gives-up",
];

/// Sends one message with these parameters instead of the usual ones. Then reports the answer as a request to the
/// endpoint, so that the proof sees it.
async fn send(kannel: &Kannel, endpoint: &Recorder, params: &[(&str, &str)]) {
    let usual = [
        ("username", kannel.username()),
        ("password", kannel.password()),
        ("from", CODE),
        ("to", PHONE),
        ("text", "hi"),
        ("smsc", "A"),
    ];
    let value = |(name, usual): (&'static str, &'static str)| {
        let given = params.iter().find(|(given, _)| *given == name);
        format!("{name}={}", tests::http::escape(given.map_or(usual, |(_, value)| *value)))
    };
    let query: Vec<String> = usual.into_iter().map(value).collect();
    let answer = tests::http::get(&format!("{}?{}", kannel.sendsms_url(), query.join("&"))).await.unwrap();
    let note = format!("/answer?said={}", tests::http::escape(format!("{} {}", answer.status, answer.body)));
    tests::http::get(&endpoint.url(&note)).await.unwrap();
}

/// Returns the answers of sendsms.
fn said(_: &Kannel, endpoint: &Recorder) -> Vec<String> {
    endpoint.requests().iter().filter_map(|request| request.text("said")).collect()
}

fn said_and_got(kannel: &Kannel, endpoint: &Recorder) -> Vec<String> {
    [said(kannel, endpoint), got(kannel, endpoint)].concat()
}

/// Returns each part that a phone got, as its length and whether it has a header.
fn parts(kannel: &Kannel, _: &Recorder) -> Vec<String> {
    let header = |udh: &[u8]| if udh.is_empty() { "alone" } else { "a part" };
    kannel.smsc().mts().iter().map(|mt| format!("{} {}", mt.bytes.len(), header(&mt.udh))).collect()
}

fn plain<'a>(kannel: &'a mut Kannel, endpoint: &'a mut Recorder) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move { send(kannel, endpoint, &[]).await })
}

fn long<'a>(kannel: &'a mut Kannel, endpoint: &'a mut Recorder) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move { send(kannel, endpoint, &[("text", &"x".repeat(400))]).await })
}

/// A number of messages so high that Kannel uses both lines if it may use either.
const MANY: usize = 20;

const ACCEPTED: &str = "202 0: Accepted for delivery";
const DENIED: &str = "403 Authorization failed for sendsms";

#[expect(clippy::too_many_lines, reason = "a table")]
fn proofs() -> Vec<Proof> {
    vec![
        Proof {
            check: "any-line",
            fault: |options| {
                options.lines.push("B".into());
                options.routing = Routing::Any;
            },
            mend: |options| options.lines.push("B".into()),
            act: |kannel, endpoint| {
                Box::pin(async move {
                    for _ in 0..MANY {
                        send(kannel, endpoint, &[("smsc", "B")]).await;
                    }
                })
            },
            see: |kannel, _| {
                let count = |line: &str| kannel.line(line).unwrap().mts().len();
                match (count("A"), count("A") + count("B")) {
                    (_, ..MANY) => Vec::new(),
                    (0, _) => vec!["all by B".to_owned()],
                    _ => vec!["some by A".to_owned()],
                }
            },
            faulty: &["some by A"],
            mended: &["all by B"],
        },
        Proof {
            check: "sendsms-chars",
            fault: |options| replace(options, "\"0123456789 +-\"", "\"0123456789\""),
            mend: |_| {},
            act: |kannel, endpoint| {
                Box::pin(async move { send(kannel, endpoint, &[("to", "+251911")]).await })
            },
            see: said,
            faulty: &["400 Number(s) has/have been denied by white- and/or black-lists."],
            mended: &[ACCEPTED],
        },
        Proof {
            check: "hasty-answer",
            fault: |options| options.extra.smsbox.push("immediate-sendsms-reply = true".into()),
            mend: |_| {},
            act: |kannel, endpoint| Box::pin(async move { send(kannel, endpoint, &[("smsc", "Z")]).await }),
            see: said_and_got,
            faulty: &["202 Sent."],
            mended: &["403 Not routable. Do not try again."],
        },
        Proof {
            check: "no-user",
            fault: |options| {
                let user = options.file();
                let (_, user) = user.split_once("group = sendsms-user\n").unwrap();
                let (user, _) = user.split_once("\n\n").unwrap();
                replace(options, &format!("group = sendsms-user\n{user}\n\n"), "");
            },
            mend: |_| {},
            act: plain,
            see: said_and_got,
            faulty: &[DENIED],
            mended: &[ACCEPTED, "1234: hi"],
        },
        Proof {
            check: "same-user",
            fault: |options| {
                let second = ["", "group = sendsms-user", "username = rapidsms", "password = second"];
                options.extra.user.extend(second.map(String::from));
            },
            mend: |options| {
                let second = ["", "group = sendsms-user", "username = other", "password = second"];
                options.extra.user.extend(second.map(String::from));
            },
            act: |kannel, endpoint| {
                Box::pin(async move {
                    for name in ["rapidsms", "other"] {
                        send(kannel, endpoint, &[("username", name), ("password", "second")]).await;
                    }
                })
            },
            see: said,
            faulty: &[DENIED, DENIED],
            mended: &[DENIED, ACCEPTED],
        },
        Proof {
            check: "cut-replies",
            fault: |options| replace(options, "max-messages = 10\n", ""),
            mend: |_| {},
            act: long,
            see: parts,
            faulty: &["153 alone"],
            mended: &["153 a part", "153 a part", "94 a part"],
        },
        Proof {
            check: "loose-parts",
            fault: |options| replace(options, "concatenation = true\n", ""),
            mend: |_| {},
            act: long,
            see: parts,
            faulty: &["160 alone", "160 alone", "80 alone"],
            mended: &["153 a part", "153 a part", "94 a part"],
        },
        Proof {
            check: "faked-sender",
            fault: |options| options.extra.user.push("faked-sender = 777".into()),
            mend: |_| {},
            act: plain,
            see: got,
            faulty: &["777: hi"],
            mended: &["1234: hi"],
        },
        // This machine's address is not allowed.
        Proof {
            check: "allow-without-deny",
            fault: |options| {
                replace(
                    options,
                    "user-deny-ip = \"*.*.*.*\"\nuser-allow-ip = \"127.0.0.1\"",
                    "user-allow-ip = \"10.9.9.9\"",
                );
            },
            mend: |options| replace(options, "user-allow-ip = \"127.0.0.1\"", "user-allow-ip = \"10.9.9.9\""),
            act: plain,
            see: said_and_got,
            faulty: &[ACCEPTED, "1234: hi"],
            mended: &[DENIED],
        },
        Proof {
            check: "placeholder",
            fault: |options| replace(options, "password = change-me", "password = FILL-IN-KANNEL_PASSWORD"),
            mend: |_| {},
            act: plain,
            see: said,
            faulty: &[DENIED],
            mended: &[ACCEPTED],
        },
        Proof {
            check: "gives-up",
            fault: |options| options.extra.core.push("sms-resend-retry = 1".into()),
            mend: |_| {},
            act: |kannel, endpoint| {
                let throttled = tests::smpp::command_status::THROTTLED;
                kannel.smsc().answer_next([tests::kannel::SubmitAnswer::Refuse(throttled); 4]);
                plain(kannel, endpoint)
            },
            see: said_and_got,
            faulty: &[ACCEPTED],
            mended: &[ACCEPTED, "1234: hi"],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_loses_or_garbles_replies_does() {
    show(&proofs(), SHOWN).await;
}
