//! No message goes out after STOP, by any path. Also the end of loops between machines that answer each other.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use threadless::backend::Engines;
use threadless::project::Settings;
use threadless::settings::Surroundings;
use threadless::store::{HistoryRow, State};
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, Context, Handled, Router};

/// An app that answers each message with the number of replies in it, or one reply if there is no number.
struct Talker;

impl App for Talker {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let seen = cx.session().get::<u32>("seen")?.unwrap_or(0) + 1;
        cx.session_mut().set("seen", &seen)?;
        let text = cx.text().to_owned();
        let count: usize = text.parse().unwrap_or(1);
        for _ in 0..count {
            cx.reply(format!("re {text}"));
        }
        Ok(Handled::Yes)
    }
}

const STOPPED: &str = "Clinic will send you no more messages. Text START to get them again.";
const STARTED: &str = "Clinic will send you messages again. Text STOP to end them.";

fn bench() -> Bench {
    Bench::with(Router::new().app(Talker)).about("Clinic", "").build()
}

async fn seen(bench: &Bench) -> Option<u32> {
    bench.session("1").await.get("seen").unwrap()
}

async fn held_back(bench: &Bench) -> Vec<HistoryRow> {
    let rows = bench.history("1").await.into_iter();
    rows.filter(|row| row.state == State::Failed && row.detail.as_deref() == Some("opted out")).collect()
}

#[tokio::test]
async fn after_stop_the_apps_see_messages_and_the_phone_gets_nothing_until_start() {
    let bench = bench();
    for text in ["one", "Stop!", "two", "STOP", "start", "three", "start"] {
        bench.receive("1", text, None).await.unwrap();
    }
    assert_eq!(bench.gateway.texts(), ["re one", STOPPED, STARTED, "re three", "re start"]);
    // The apps never saw STOP and the first START.
    assert_eq!(seen(&bench).await, Some(4));
    let held: Vec<String> = held_back(&bench).await.into_iter().map(|row| row.text).collect();
    assert_eq!(held, ["re two"], "what was not sent is in the history");
}

#[tokio::test]
async fn stop_and_start_count_however_they_are_typed() {
    let stops = [
        "ST\u{200b}OP",
        "\u{200f}stop\u{200f}",
        "s\u{ad}top",
        "\u{feff}Stop",
        "\u{2068}STOP\u{2069}.",
        "ｓｔｏｐ",
        "stop\u{a0}all",
        "ARRE\u{302}T",
        "de\u{301}sabonner !",
    ];
    for stop in stops {
        for start in ["START", "st\u{200c}art", "\u{200e}Ｓｔａｒｔ！", "re\u{301}abonner", "\u{feff}ጀምር።"]
        {
            let bench = bench();
            for text in ["one", stop, "two", start, "three"] {
                bench.receive("1", text, None).await.unwrap();
            }
            let sent = bench.gateway.texts();
            assert_eq!(sent.len(), 4, "{stop:?} {start:?} {sent:?}");
            assert_eq!((sent[0].as_str(), sent[3].as_str()), ("re one", "re three"), "{stop:?} {start:?}");
            assert_eq!(seen(&bench).await, Some(3), "{stop:?} {start:?}");
        }
    }
}

#[tokio::test]
async fn words_of_the_settings_count_however_they_are_written() {
    let table: [(&str, &[&str]); 5] = [
        ("İPTAL", &["iptal", "IPTAL", "ıptal", "I\u{307}PTAL!", "İ\u{200b}ptal"]),
        ("iptal", &["İPTAL", "IPTAL"]),
        ("Schließen", &["schließen", "SCHLIESSEN", "SCHLIEẞEN."]),
        ("ΤΕΛΟΣ", &["τελος", "Τελοσ", "ΤΕΛΟΣ;"]),
        ("cesse\u{301}", &["CESSÉ", "cessé", "ｃｅｓｓｅ\u{301}"]),
    ];
    for (word, texts) in table {
        let settings = format!(
            "[project]\nname = \"Clinic\"\n[opt_out.words.xx]\nstop = [\"{word}\"]\nstart = [\"anew\"]\nstopped = \"Over.\"\nstarted = \"On.\""
        );
        for text in texts.iter().chain([&word]) {
            let read = Settings::read(&settings, &Engines::standard(), &Surroundings::local(&[]));
            let bench = Bench::with(Router::new().app(Talker)).settings(read.unwrap()).build();
            for text in [text, "two", "ANEW."] {
                bench.receive("1", text, None).await.unwrap();
            }
            assert_eq!(bench.gateway.texts(), ["Over.", "On."], "{word} {text:?}");
        }
    }
}

#[tokio::test]
async fn a_stop_that_comes_twice_is_confirmed_once() {
    let bench = bench();
    bench.receive("1", "stop", Some("m")).await.unwrap();
    bench.receive("1", "stop", Some("m")).await.unwrap();
    bench.receive("1", "stop", Some("n")).await.unwrap();
    assert_eq!(bench.gateway.texts(), [STOPPED]);
}

#[tokio::test]
async fn the_responder_keeps_silence_too() {
    let bench = Bench::with(Router::new().app(Talker)).about("Clinic", "").queued().build();
    for text in ["one", "stop", "two"] {
        bench.receive("1", text, None).await.unwrap();
    }
    assert_eq!(bench.work_off().await, []);
    assert_eq!(bench.gateway.texts(), ["re one", STOPPED]);
}

#[tokio::test]
async fn what_waited_for_a_dead_gateway_when_stop_came_is_not_sent_later() {
    let bench = bench();
    bench.gateway.always(Behaviour::Defer);
    // These are more entries than one record holds. The rest is in chunks beside it.
    for text in ["20", "20", "20", "stop"] {
        bench.receive("1", text, None).await.unwrap();
    }
    bench.gateway.always(Behaviour::Accept);
    bench.minutes(15).await;
    assert_eq!(bench.gateway.texts(), [STOPPED]);
    assert_eq!(held_back(&bench).await.len(), 60);
    assert!(bench.outbox("1").await.is_empty());
}

#[tokio::test]
async fn a_message_that_races_with_stop_is_answered_before_it_or_not_at_all() {
    for round in 0..20 {
        let bench = bench();
        let (one, two) = tokio::join!(bench.receive("1", "3", None), bench.receive("1", "stop", None));
        one.unwrap();
        two.unwrap();
        bench.minutes(1).await;
        let texts = bench.gateway.texts();
        let confirmed = texts.iter().position(|text| text == STOPPED);
        assert_eq!(confirmed, Some(texts.len() - 1), "round {round}: {texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stop_holds_whatever_the_store_does_meanwhile() {
    for (fault, when) in [
        (FaultKind::Error, When::Before),
        (FaultKind::Error, When::After),
        (FaultKind::Silence, When::Before),
        (FaultKind::Silence, When::After),
    ] {
        for nth in 1..=8 {
            let bench = bench();
            bench.gateway.always(Behaviour::Defer);
            bench.receive("1", "2", None).await.unwrap();
            bench.gateway.always(Behaviour::Accept);
            bench.faults.plan(nth, fault, when);
            let stop = async { while bench.receive("1", "stop", Some("s")).await.is_err() {} };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(5), stop).await;
            bench.faults.clear();
            bench.receive("1", "stop", Some("s")).await.unwrap();
            bench.receive("1", "2", Some("late")).await.unwrap();
            bench.minutes(20).await;
            let texts = bench.gateway.texts();
            // A death may send the confirmation twice. Nothing else may follow it.
            assert!(texts.iter().all(|text| text == STOPPED) && !texts.is_empty(), "{nth}: {texts:?}");
        }
    }
}

#[tokio::test]
async fn a_machine_that_answers_our_answers_is_left_alone_for_the_rest_of_the_hour() {
    let bench = Bench::with(Router::new().app(Talker)).replies_per_hour(5).build();
    for _ in 0..20 {
        bench.receive("1", "again", None).await.unwrap();
    }
    bench.receive("2", "hello", None).await.unwrap();
    assert_eq!(bench.gateway.texts().len(), 6, "five, and the other person's");
    assert_eq!(seen(&bench).await, Some(20), "each message is handled all the same");
    let held = bench.history("1").await.into_iter().filter(|row| row.state == State::Failed).count();
    assert_eq!(held, 15);
    // A person who opts out gets the confirmation even then.
    bench.receive("1", "stop", None).await.unwrap();
    bench.receive("1", "start", None).await.unwrap();
    assert_eq!(bench.gateway.texts().len(), 8);
    bench.minutes(60).await;
    bench.receive("1", "again", None).await.unwrap();
    assert_eq!(bench.gateway.texts().len(), 9);
}
