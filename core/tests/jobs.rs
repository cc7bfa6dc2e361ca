//! The jobs that every released version put on the queue. Programs read each of them for ever.
//!
//! `fixtures/jobs/` has a folder for each version of the JSON. In it is a file for each form that a released program
//! wrote: each kind, with and without each optional field. **No file here is ever edited or deleted**: jobs of that
//! form may be on a queue or among the dead letters for 14 days, and in a backup for longer. A new form is a new file.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use threadless::queue::{Job, JobError};
use threadless::{ConnectionId, FinalStatus, Incoming, MessageId, Notice, Report};

fn connection(backend: &str, identity: &str) -> ConnectionId {
    ConnectionId::new(backend.parse().unwrap(), identity.parse().unwrap())
}

fn incoming() -> Incoming {
    Incoming::new(
        MessageId::from("0f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d"),
        connection("my-kannel-backend", "+251911223344"),
        "register Amina",
        "2026-11-25T07:14:59.123Z".parse().unwrap(),
    )
}

fn notice() -> Notice {
    Notice::new(
        MessageId::from("5e4f3a2b1c0d9e8f7a6b5c4d0f8b7c6d"),
        connection("my-kannel-backend", "+251911223344"),
        "The river rises.\nGo to high ground.",
        "2026-11-25T08:00:00.5Z".parse().unwrap(),
    )
}

fn report(final_status: FinalStatus, detail: Option<&str>) -> Report {
    Report::new(
        connection("k_2", "MTN-INFO"),
        MessageId::from("0f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d-1"),
        final_status,
        detail.map(str::to_owned),
        "2026-11-25T07:15:03Z".parse().unwrap(),
    )
}

fn of_incoming(change: impl FnOnce(&mut Incoming)) -> Job {
    let mut message = incoming();
    change(&mut message);
    Job::Incoming { message: Box::new(message) }
}

/// Returns every form of version 1, by the name of its file.
fn version_1() -> Vec<(&'static str, Job)> {
    let recipient = || Some("8080".to_owned());
    let raw = || Some(vec![0x00, 0x05, 0x7f, 0x80, 0xff]);
    let details =
        || BTreeMap::from([("smsc".to_owned(), "usb0".to_owned()), ("udh".to_owned(), "\u{0}".to_owned())]);
    let mut alternatives = notice();
    alternatives.otherwise = vec![connection("other", "+251911223344"), connection("other", "ሰላም")];
    vec![
        ("incoming.json", of_incoming(|_| {})),
        ("incoming-blank.json", of_incoming(|message| message.text.clear())),
        (
            "incoming-unicode.json",
            of_incoming(|message| {
                message.text = String::from("ሰላም \u{1f600} \"\\\u{0}\u{ffff}");
                message.connection = connection("k", "ሰላም");
            }),
        ),
        ("incoming-recipient.json", of_incoming(|message| message.recipient = recipient())),
        ("incoming-raw.json", of_incoming(|message| message.raw = raw())),
        ("incoming-details.json", of_incoming(|message| message.details = details())),
        (
            "incoming-all.json",
            of_incoming(|message| {
                message.recipient = recipient();
                message.raw = raw();
                message.details = details();
            }),
        ),
        ("notice.json", Job::Notice { notice: Box::new(notice()) }),
        ("notice-otherwise.json", Job::Notice { notice: Box::new(alternatives) }),
        ("report-delivered.json", Job::Report { report: Box::new(report(FinalStatus::Delivered, None)) }),
        ("report-failed.json", Job::Report { report: Box::new(report(FinalStatus::Failed, None)) }),
        (
            "report-delivered-detail.json",
            Job::Report { report: Box::new(report(FinalStatus::Delivered, Some("stat:DELIVRD err:000"))) },
        ),
        (
            "report-failed-detail.json",
            Job::Report { report: Box::new(report(FinalStatus::Failed, Some("stat:UNDELIV err:001"))) },
        ),
        ("broadcast.json", Job::Broadcast { key: "flood-2026-11-25".parse().unwrap() }),
        ("part.json", Job::Part { key: "flood-2026-11-25".parse().unwrap(), part: 39 }),
        (
            "scheduled.json",
            Job::Scheduled {
                name: "Reminder.remind".to_owned(),
                due: "2026-11-25T05:00:00Z".parse().unwrap(),
            },
        ),
        ("deliver.json", Job::Deliver { connection: connection("my-kannel-backend", "+251911223344") }),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jobs")
}

/// Returns each released form: its file, its text, and its job.
fn released() -> Vec<(String, String, Job)> {
    let of_version_1 = version_1().into_iter().map(|(name, job)| (format!("v1/{name}"), job));
    let read = |(name, job): (String, Job)| {
        let text = fs::read_to_string(folder().join(&name)).unwrap();
        (name, text.trim_end().to_owned(), job)
    };
    of_version_1.map(read).collect()
}

#[test]
fn every_form_that_was_ever_released_is_read_as_it_was_meant() {
    for (name, text, expected) in released() {
        assert_eq!(Job::from_json(&text).unwrap(), expected, "{name}");
    }
}

#[test]
fn every_file_among_the_fixtures_is_compared() {
    let mut files = BTreeSet::new();
    for version in fs::read_dir(folder()).unwrap() {
        let version = version.unwrap().path();
        for file in fs::read_dir(&version).unwrap() {
            let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            files.insert(format!("{}/{}", name(version.clone()), name(file.unwrap().path())));
        }
    }
    let compared: BTreeSet<String> = released().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(files, compared);
}

#[test]
fn what_is_written_today_is_among_the_fixtures() {
    let texts: BTreeSet<String> = released().into_iter().map(|(_, text, _)| text).collect();
    for (name, job) in version_1() {
        let written = job.to_json();
        assert!(
            texts.contains(&written),
            "jobs like {name} are written in a new form: add it to the fixtures as a new file, and keep the old one.\n{written}"
        );
    }
}

/// Adds unknown fields at every place, except the one place that accepts any name.
fn with_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (_, inner) in object.iter_mut().filter(|(name, _)| *name != "details") {
                with_unknown_fields(inner);
            }
            object.insert("a_later_field".to_owned(), json!({ "of": ["a later", 1.5, null] }));
        }
        Value::Array(list) => list.iter_mut().for_each(with_unknown_fields),
        _ => {}
    }
}

#[test]
fn fields_that_are_added_later_are_left_out() {
    for (name, text, expected) in released() {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        with_unknown_fields(&mut value);
        assert_eq!(Job::from_json(&value.to_string()).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_job_that_a_later_program_may_read_is_told_from_what_is_no_job() {
    let later = [
        r#"{"v":2,"type":"incoming"}"#,
        r#"{"v":2}"#,
        r#"{"v":18446744073709551615,"type":7}"#,
        r#"{"v":1,"type":"postcard"}"#,
        r#"{"v":1,"type":"postcard","connection":{"backend":"k","identity":"1"}}"#,
        r#"{"v":1,"type":"INCOMING"}"#,
        r#"{"v":1,"type":""}"#,
        r#"{"v":1,"type":"incoming"}"#,
        r#"{"v":1,"type":"deliver","connection":"k:1"}"#,
        r#"{"v":1,"type":"deliver","connection":{"backend":"k/2","identity":"1"}}"#,
        r#"{"v":1,"type":"part","key":"k","part":-1}"#,
        r#"{"v":1,"type":"part","key":"k"}"#,
        r#"{"v":1,"type":"scheduled","name":"a","due":"soon"}"#,
        r#"{"v":0,"type":"unheard-of"}"#,
    ];
    for body in later {
        let problem = Job::from_json(body).unwrap_err();
        assert!(problem.is_transient(), "{body}: {problem}");
    }
    let none = [
        "",
        "hello",
        "null",
        "1",
        "[]",
        r#"[1,"deliver"]"#,
        "{}",
        r#"{"v":1}"#,
        r#"{"v":1,"type":null}"#,
        r#"{"v":1,"type":["deliver"]}"#,
        r#"{"type":"deliver","connection":{"backend":"k","identity":"1"}}"#,
        r#"{"v":"2","type":"deliver"}"#,
        r#"{"v":-1,"type":"deliver"}"#,
        r#"{"v":1.5,"type":"deliver"}"#,
        r#"{"v":1,"type":"deliver""#,
    ];
    for body in none {
        let problem = Job::from_json(body).unwrap_err();
        assert!(matches!(problem, JobError::Malformed(_)), "{body}: {problem}");
        assert!(!problem.is_transient(), "{body}: {problem}");
    }
}

#[test]
fn an_error_repeats_no_text_and_no_number() {
    for body in [
        r#"{"v":1,"type":"incoming","message":"+251911223344 secret"}"#,
        r#"{"v":1,"type":"deliver","connection":{"backend":"+251911223344 secret","identity":"+251911223344"}}"#,
        r#"{"v":1,"type":"notice","notice":{"id":"m","connection":{"backend":"k","identity":"+251911223344"},"text":["secret"]}}"#,
        r#"{"v":"+251911223344 secret","type":"deliver"}"#,
        r#"{"v":1,"type":"report","report":{"fate":"+251911223344 secret"}}"#,
    ] {
        let problem = Job::from_json(body).unwrap_err();
        let said = format!("{problem} {problem:?}");
        assert!(!said.contains("251911") && !said.contains("secret"), "{body}: {said}");
    }
}
