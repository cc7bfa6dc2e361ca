//! What each message goes through in bytes and characters, beside the plainest thing that does a part of it.
//!
//! ```sh
//! cargo bench -p threadless --features testing,dynamodb --bench codecs
//! ```

// A benchmark may fail like a test.
#![allow(clippy::unwrap_used)]

mod beside;

use std::hint::black_box;

use criterion::Criterion;
use threadless::backend::kannel;
use threadless::queue::Job;
use threadless::text::segments::{choose, segments};
use threadless::text::{Charset, gsm7};
use threadless::{ConnectionId, Incoming, MessageId};

/// As Kannel fills in the recommended get-url for a message of two parts.
fn query() -> String {
    let hex: String = text().bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect();
    format!(
        "id=%2B251911223344&to=1234&hex={hex}&charset=UTF-8&coding=0&udh=&mid=7cb6e7e1-f828-5d19-9549-10363171f969\
         &smsc=usb0-modem&account=&ts=1795519533"
    )
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap()
}

/// 200 characters of GSM-7, with a few that take two septets.
fn text() -> String {
    "Report: 12 children seen, 3 with fever {malaria}, 2 referred; stock of ACT 14 [boxes]. ".repeat(3)[..200]
        .to_owned()
}

/// The same length in Ethiopic.
fn ethiopic() -> String {
    "ሰላም ጤና ጣቢያ ".repeat(20).chars().take(200).collect()
}

fn incoming() -> Incoming {
    let id = MessageId::from("0123456789abcdef0123456789abcdef");
    let connection =
        ConnectionId::new("my-kannel-backend".parse().unwrap(), "+251911223344".parse().unwrap());
    let mut message = Incoming::new(id, connection, text(), "2026-11-25T07:00:00Z".parse().unwrap());
    message.recipient = Some("1234".to_owned());
    message.details = [("smsc".to_owned(), "usb0-modem".to_owned())].into();
    message
}

fn main() {
    let mut criterion = beside::criterion();
    inbound(&mut criterion);
    characters(&mut criterion);
    jobs(&mut criterion);
    metrics(&mut criterion);
    #[cfg(feature = "dynamodb")]
    items(&mut criterion);
    criterion.final_summary();
    beside::report(&[
        ("inbound/kannel_query", "inbound/form_urlencoded"),
        ("charset/utf_8", "charset/std_from_utf8"),
        ("charset/utf_16be", "charset/encoding_rs_utf_16be"),
        ("charset/gsm7", "charset/std_from_utf8"),
        ("outbound/choose_gsm7", "outbound/count_characters"),
        ("outbound/choose_ucs2_after_folding", "outbound/count_characters"),
        ("outbound/segments", "outbound/count_characters"),
        ("job/to_json", "job/serde_json_alone"),
        ("job/from_json", "job/serde_json_alone"),
        ("item/outbox_there_and_back", "item/serde_json_there_and_back"),
    ]);
}

fn inbound(criterion: &mut Criterion) {
    let query = query();
    let mut group = criterion.benchmark_group("inbound");
    group.bench_function("kannel_query", |bencher| bencher.iter(|| kannel::read(black_box(&query)).unwrap()));
    group.bench_function("form_urlencoded", |bencher| {
        let parse =
            || url::form_urlencoded::parse(black_box(query.as_bytes())).into_owned().collect::<Vec<_>>();
        bencher.iter(parse);
    });
    group.finish();
}

fn characters(criterion: &mut Criterion) {
    let (text, ethiopic) = (text(), ethiopic());
    let utf_16be: Vec<u8> = ethiopic.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let septets = gsm7::encode(&text).unwrap();
    let mut group = criterion.benchmark_group("charset");
    group.bench_function("utf_8", |bencher| {
        bencher.iter(|| Charset::named("UTF-8").unwrap().decode(black_box(ethiopic.as_bytes())));
    });
    group.bench_function("std_from_utf8", |bencher| {
        bencher.iter(|| std::str::from_utf8(black_box(ethiopic.as_bytes())).unwrap().to_owned());
    });
    group.bench_function("utf_16be", |bencher| {
        bencher.iter(|| Charset::Utf16Be.decode(black_box(&utf_16be)));
    });
    group.bench_function("encoding_rs_utf_16be", |bencher| {
        bencher.iter(|| encoding_rs::UTF_16BE.decode(black_box(&utf_16be)).0.into_owned());
    });
    group.bench_function("gsm7", |bencher| bencher.iter(|| gsm7::decode(black_box(&septets))));
    group.finish();

    let almost = format!("{text} ’ሰ");
    let mut group = criterion.benchmark_group("outbound");
    group.bench_function("choose_gsm7", |bencher| {
        bencher.iter(|| choose(black_box(&text), true).1.len());
    });
    group.bench_function("choose_ucs2_after_folding", |bencher| {
        bencher.iter(|| choose(black_box(&almost), true).1.len());
    });
    group.bench_function("segments", |bencher| bencher.iter(|| segments(black_box(&text))));
    group.bench_function("count_characters", |bencher| bencher.iter(|| black_box(&text).chars().count()));
    group.finish();
}

fn jobs(criterion: &mut Criterion) {
    let message = incoming();
    let job = Job::Incoming { message: Box::new(message.clone()) };
    let json = job.to_json();
    let mut group = criterion.benchmark_group("job");
    group.bench_function("to_json", |bencher| bencher.iter(|| black_box(&job).to_json()));
    group.bench_function("from_json", |bencher| bencher.iter(|| Job::from_json(black_box(&json)).unwrap()));
    group.bench_function("serde_json_alone", |bencher| {
        bencher.iter(|| serde_json::to_string(black_box(&message)).unwrap());
    });
    group.finish();
}

/// The line that a function prints for an invocation with one message and one reply. The budget is 50 µs.
fn metrics(criterion: &mut Criterion) {
    use threadless::metrics::{Event, Figures, Tally, Timing, emf_lines};
    let at = "2026-11-25T07:00:00Z".parse().unwrap();
    let mut figures = Figures::default();
    figures
        .counts
        .extend([Event::Received, Event::Handled, Event::Replied, Event::Sent].map(|event| (event, 1)));
    figures.timings.extend(Timing::ALL.map(|timing| (timing, vec![12])));
    let mut tally = Tally::default();
    tally.backends.insert("my-kannel-backend".to_owned(), figures);
    let mut group = criterion.benchmark_group("metrics");
    group.bench_function("line", |bencher| {
        bencher.iter(|| emf_lines("threadless-prod", black_box(&tally), at));
    });
    group.finish();
}

/// Thirty-two replies that wait: as many as an item has.
#[cfg(feature = "dynamodb")]
fn items(criterion: &mut Criterion) {
    use threadless::store::{Entry, dynamodb};
    let now = "2026-11-25T07:00:00Z".parse().unwrap();
    let entries: Vec<Entry> =
        (0..32).map(|at| Entry::new(MessageId::random().reply(at), text(), None, now)).collect();
    let mut group = criterion.benchmark_group("item");
    group.bench_function("outbox_there_and_back", |bencher| {
        bencher.iter(|| dynamodb::there_and_back(black_box(&entries)).unwrap());
    });
    let pairs: Vec<(String, String)> =
        entries.iter().map(|entry| (entry.id.as_str().to_owned(), entry.text.clone())).collect();
    group.bench_function("serde_json_there_and_back", |bencher| {
        let there = |pairs: &Vec<(String, String)>| serde_json::to_string(pairs).unwrap();
        let back = |json: &str| serde_json::from_str::<Vec<(String, String)>>(json).unwrap();
        bencher.iter(|| back(&there(black_box(&pairs))));
    });
    group.finish();
}
