//! One person is one identity, however a gateway, a caller, an app or a file writes the number.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use threadless::backend::Engines;
use threadless::broadcast::BroadcastError;
use threadless::project::Settings;
use threadless::settings::Surroundings;
use threadless::store::State;
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, ConnectionId, Context, Handled, Router};

/// The forms of one Kenyan number.
const FORMS: [&str; 4] = ["+254711000222", "254711000222", "0711000222", "00254711000222"];

/// An app that counts messages in the session, keeps a name in the contact, and sends to a number that it is told.
struct Clerk;

impl App for Clerk {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let seen = cx.session().get::<u32>("seen")?.unwrap_or(0) + 1;
        cx.session_mut().set("seen", &seen)?;
        let text = cx.text().to_owned();
        if let Some(name) = text.strip_prefix("I am ") {
            cx.contact_mut().set_name(name);
        }
        if let Some(numbers) = text.strip_prefix("tell ") {
            let backend = cx.connection().backend.clone();
            let to = |number: &str| ConnectionId::new(backend.clone(), number.parse().unwrap());
            cx.send("told", numbers.split('|').map(to))?;
        }
        cx.reply(format!("{seen}"));
        Ok(Handled::Yes)
    }
}

fn kenya() -> Bench {
    Bench::with(Router::new().app(Clerk)).country("KE").build()
}

fn with_settings(lines: &str) -> Bench {
    let text = format!(
        "[project]\nname = \"Clinic\"\ncountry = \"KE\"\n[backends.k]\nengine = \"httptester\"\n{lines}"
    );
    let settings = Settings::read(&text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    Bench::with(Router::new().app(Clerk)).settings(settings).build()
}

fn faults(lines: &str) -> Vec<String> {
    let text = format!("[project]\nname = \"Clinic\"\n{lines}");
    let settings = Settings::read(&text, &Engines::standard(), &Surroundings::local(&[]));
    settings.err().map(|error| error.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn sent_to(bench: &Bench) -> Vec<String> {
    bench.gateway.taken().into_iter().map(|message| message.to).collect()
}

#[tokio::test]
async fn stop_from_each_form_holds_for_a_broadcast_to_each_other_form() {
    for stopped in FORMS {
        for to in FORMS {
            let bench = kenya();
            bench.receive(stopped, "STOP", None).await.unwrap();
            bench.broadcast("flood", "go to high ground", &[to]).await.unwrap();
            bench.work_off().await;
            let texts = bench.gateway.texts();
            assert_eq!(texts.len(), 1, "STOP from {stopped}, broadcast to {to}: {texts:?}");
            let row = bench.history(to).await.into_iter().find(|row| row.text == "go to high ground");
            assert_eq!(row.unwrap().detail.as_deref(), Some("opted out"), "{stopped} {to}");
        }
    }
}

#[tokio::test]
async fn all_forms_are_one_person_with_one_session_and_one_contact() {
    let bench = kenya();
    let more = [
        "0711 000-222",
        "+254 (0)711 000 222",
        "\u{202a}+254711000222\u{202c}",
        "٠٧١١٠٠٠٢٢٢",
        "(00254) 711.000.222",
    ];
    let all: Vec<&str> = FORMS.into_iter().chain(more).collect();
    for (at, form) in (1..).zip(&all) {
        let text = if at == 1 { "I am Abel" } else { "hello" };
        bench.receive(form, text, None).await.unwrap();
        assert_eq!(bench.gateway.texts().last(), Some(&at.to_string()), "{form}");
    }
    for form in &all {
        assert_eq!(bench.contact(form).await.unwrap().name(), "Abel", "{form}");
    }
    let to = sent_to(&bench);
    assert!(to.iter().all(|to| to == "+254711000222"), "{to:?}");
}

#[tokio::test]
async fn short_codes_names_and_what_is_no_number_stay() {
    let bench = kenya();
    let stay = ["22384", "100", "MPESA", "Safaricom-Promo", "*144#", "-100123456789", "user_17"];
    for identity in stay {
        bench.receive(identity, "hello", None).await.unwrap();
    }
    assert_eq!(sent_to(&bench), stay);
}

#[tokio::test]
async fn without_a_country_only_what_is_unambiguous_changes() {
    let bench = Bench::new(Router::new().app(Clerk));
    let table = [
        ("00254 711 000 222", "+254711000222"),
        ("+254-711-000-222", "+254711000222"),
        ("٠٧١١٠٠٠٢٢٢", "0711000222"),
        ("0711 000 222", "0711000222"),
        ("254711000222", "254711000222"),
    ];
    for (written, _) in table {
        bench.receive(written, "hello", None).await.unwrap();
    }
    assert_eq!(sent_to(&bench), table.map(|(_, to)| to));
}

#[tokio::test]
async fn a_backend_can_have_another_country_or_none() {
    let text = "[project]\nname = \"Clinic\"\ncountry = \"KE\"\n[backends.ke]\nengine = \"httptester\"\n\
        [backends.tz]\nengine = \"httptester\"\ncountry = \"tz\"\n\
        [backends.chat]\nengine = \"httptester\"\ncountry = \"\"";
    let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let bench = Bench::with(Router::new().app(Clerk)).settings(settings).build();
    for backend in ["ke", "tz", "chat"] {
        let from = ConnectionId::new(backend.parse().unwrap(), "0711000222".parse().unwrap());
        bench.receive_at(&from, "hello", None).await.unwrap();
    }
    assert_eq!(sent_to(&bench), ["+254711000222", "+255711000222", "0711000222"]);
}

#[tokio::test]
async fn the_gateway_gets_the_number_in_its_own_form() {
    for (format, expected) in [
        ("e164", ["+254711000222", "+255711000222", "22384"]),
        ("international", ["254711000222", "255711000222", "22384"]),
        ("national", ["0711000222", "000255711000222", "22384"]),
    ] {
        let bench = with_settings(&format!("number_format = {format:?}"));
        for from in ["+254711000222", "+255711000222", "22384"] {
            bench.receive(from, "hello", None).await.unwrap();
        }
        assert_eq!(sent_to(&bench), expected, "{format}");
        // What is stored does not depend on the form: a report about the message finds its row.
        let message = bench.gateway.taken().remove(0);
        assert_eq!(message.connection.identity.as_str(), "+254711000222");
        bench.report(&message, Some(threadless::FinalStatus::Delivered)).await.unwrap();
        let states: Vec<State> = bench.history("0711000222").await.iter().map(|row| row.state).collect();
        assert!(states.contains(&State::Delivered), "{format}: {states:?}");
    }
}

#[tokio::test]
async fn never_send_holds_messages_back_with_the_reason() {
    let never = "never_send = { numbers = [\"0711 000 111\", \"22384\"], shorter_than = 5, names = true, \
        prefixes = [\"+25420\", \"0900\"] }";
    let bench = with_settings(never);
    let table = [
        ("+254711000111", "never_send: the recipient is in numbers"),
        ("22384", "never_send: the recipient is in numbers"),
        ("888", "never_send: the recipient has fewer than 5 digits"),
        ("MPESA", "never_send: the recipient is a name"),
        ("+254202345678", "never_send: the recipient begins with +25420"),
        ("020 2345678", "never_send: the recipient begins with +25420"),
    ];
    for (identity, reason) in table {
        bench.receive(identity, "hello", None).await.unwrap();
        bench.broadcast("key", "news", &[identity]).await.ok();
        bench.work_off().await;
        let rows = bench.history(identity).await;
        let held: Vec<_> = rows.iter().filter(|row| row.state == State::Failed).collect();
        assert!(!held.is_empty(), "{identity}: {rows:?}");
        assert!(held.iter().all(|row| row.detail.as_deref() == Some(reason)), "{identity}: {rows:?}");
        assert_eq!(bench.gateway.taken(), [], "{identity}");
    }
    // STOP is not confirmed to a number that never gets a message.
    bench.receive("22384", "STOP", None).await.unwrap();
    assert_eq!(bench.gateway.taken(), []);
    bench.receive("0711000222", "hello", None).await.unwrap();
    assert_eq!(bench.gateway.taken().len(), 1, "other people still get their messages");
}

#[tokio::test]
async fn a_broadcast_is_refused_if_a_recipient_cannot_be_one() {
    let bench = kenya();
    let bad = ["2.54711E+11", "254711000337,254711000338", " ", "1234567890123456"];
    for written in bad {
        let refused = bench.broadcast("k", "news", &["0711000222", written]).await;
        let Err(BroadcastError::Unusable(faults)) = refused else { panic!("{written}: {refused:?}") };
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].field, "recipients[1]");
        assert!(faults[0].problem.starts_with(&format!("{written:?} ")), "{faults:?}");
    }
    // Two ways to write one person are one message.
    let bench = kenya();
    bench.broadcast("once", "news", &FORMS).await.unwrap();
    bench.work_off().await;
    assert_eq!(sent_to(&bench), ["+254711000222"]);
}

#[tokio::test]
async fn the_function_send_names_the_recipient_that_it_refuses() {
    for country in ["", "country = \"KE\"\n"] {
        let text = format!("[project]\nname = \"Clinic\"\n{country}[backends.k]\nengine = \"httptester\"\n");
        let settings = Settings::read(&text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
        let bench = Bench::with(Router::new().app(Clerk)).settings(settings).build();
        let send = async |recipient: &str| {
            let body = format!(r#"{{"key":"k","text":"news","recipients":[{recipient}]}}"#);
            let request = Request::builder()
                .method(Method::POST)
                .uri("/send/")
                .header("content-type", "application/json")
                .body(Bytes::from(body))
                .unwrap();
            let response = bench.request_send(request).await;
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            let fault = &body["faults"][0];
            let text = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
            (response.status(), format!("{}: {}", text("field"), text("problem")))
        };
        for (recipient, expected) in [
            (r#""k:2.54711E+11""#, "recipients[0]: \"2.54711E+11\" is a number that a spreadsheet changed"),
            (
                r#""k:254711000337,254711000338""#,
                "recipients[0]: \"254711000337,254711000338\" holds more than one number",
            ),
            (r#""k:""#, "recipients[0]: an identity cannot be empty"),
            (r#""""#, "recipients[0]: a recipient must have the form backend:identity"),
            (r#"{"backend":"k","identity":""}"#, "recipients[0]: an identity cannot be empty"),
            (
                r#"{"backend":"k","identity":"\u202a\u202c"}"#,
                "recipients[0]: \"\\u{202a}\\u{202c}\" is empty",
            ),
        ] {
            let (status, body) = send(recipient).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{recipient}: {body}");
            assert!(body.contains(expected), "{recipient}: {body}");
        }
        let (status, body) = send(r#""k:\u202a+254711000336\u202c""#).await;
        assert!(status.is_success(), "{status} {body}");
        bench.work_off().await;
        assert_eq!(sent_to(&bench), ["+254711000336"]);
    }
}

#[tokio::test]
async fn an_app_sends_to_the_person_and_not_to_the_form() {
    let bench = kenya();
    bench.receive("0711000222", "STOP", None).await.unwrap();
    bench
        .receive("0711000333", "tell 254711000222|0711000444|+254711000444|2.54711E+11", None)
        .await
        .unwrap();
    bench.work_off().await;
    let told: Vec<_> = bench.gateway.taken().into_iter().filter(|message| message.text == "told").collect();
    assert_eq!(told.len(), 1, "one message for two forms of one person");
    assert_eq!(told[0].to, "+254711000444");
    let rows = bench.history("2.54711E+11").await;
    let detail = rows[0].detail.as_deref().unwrap_or_default();
    assert!(detail.starts_with("the recipient is a number that a spreadsheet changed"), "{rows:?}");
}

#[tokio::test]
async fn a_transcript_may_write_a_number_in_any_form() {
    let bench = kenya();
    bench.transcript("0711000222 > hello\n+254711000222 < 1\n254711000222 > hello\n0711 000 222 < 2\n").await;
}

#[test]
fn each_fault_of_the_settings_has_the_name_of_its_key() {
    assert_eq!(
        faults("country = \"UK\""),
        [
            "project.country: \"UK\" is no country with phone numbers; give its two letters of ISO 3166, such as KE \
          (Great Britain is GB)"
        ]
    );
    assert_eq!(faults("country = 7"), ["project.country: must be a text in quotes, not a number"]);
    let backend = |lines: &str| faults(&format!("[backends.k]\nengine = \"httptester\"\n{lines}"));
    assert_eq!(
        backend("number_format = \"national\""),
        ["backends.k.number_format: \"national\" needs a country: set country here or in [project]"]
    );
    assert_eq!(
        backend("number_format = \"plus\""),
        ["backends.k.number_format: must be one of e164, international, national, not \"plus\""]
    );
    assert_eq!(
        backend(
            "never_send = { numbers = [\"1\", \"2.5E+11\"], prefixes = [\"+\", \"0\"], shorter_than = 16, nams = true }"
        ),
        [
            "backends.k.never_send.nams: is unknown here (known are numbers, shorter_than, names, prefixes)",
            "backends.k.never_send.numbers[1]: is a number that a spreadsheet changed, as in 2.54711E+11; format the \
             column as text, and enter the number again",
            "backends.k.never_send.prefixes[0]: must begin as a number or a name begins, such as +25420, 0900 or PROMO",
            "backends.k.never_send.prefixes[1]: must begin as a number or a name begins, such as +25420, 0900 or PROMO",
            "backends.k.never_send.shorter_than: must be a whole number from 1 to 15, not 16",
        ]
    );
    assert_eq!(backend("country = \"XX\"\nnumber_format = \"national\"").len(), 1);
}

/// The same project before and after its settings got a country.
fn deployed_over(before: &Bench) -> Bench {
    Bench::with(Router::new().app(Clerk)).country("KE").deployed_over(before).build()
}

/// The forms under which a project without a country stores the person.
const STORED: [&str; 3] = ["+254711000222", "254711000222", "0711000222"];

#[tokio::test]
async fn a_stop_of_before_the_change_holds_for_each_form_after_it() {
    for stopped in STORED {
        for to in FORMS {
            let before = Bench::new(Router::new().app(Clerk));
            // The person is stored under every form, but has opted out under one of them.
            for other in STORED.into_iter().filter(|other| *other != stopped) {
                before.receive(other, "hello", None).await.unwrap();
            }
            before.receive(stopped, "STOP", None).await.unwrap();
            let bench = deployed_over(&before);
            bench.broadcast("flood", "go to high ground", &[to]).await.unwrap();
            bench.work_off().await;
            assert_eq!(bench.gateway.texts(), [""; 0], "STOP from {stopped}, broadcast to {to}");
            // START brings messages back, and the old record does not end them again.
            bench.receive(to, "START", None).await.unwrap();
            bench.receive("0711000222", "hello", None).await.unwrap();
            bench.receive("+254711000222", "hello", None).await.unwrap();
            assert_eq!(bench.gateway.texts().len(), 3, "{stopped} {to}: {:?}", bench.gateway.texts());
        }
    }
}

#[tokio::test]
async fn the_session_and_the_contact_of_before_the_change_are_taken_over() {
    for stored in STORED {
        for form in FORMS {
            let before = Bench::new(Router::new().app(Clerk));
            before.receive(stored, "I am Abel", None).await.unwrap();
            before.receive(stored, "hello", None).await.unwrap();
            let bench = deployed_over(&before);
            bench.receive(form, "hello", None).await.unwrap();
            assert_eq!(bench.gateway.texts(), ["3"], "{stored}, then {form}");
            for form in FORMS {
                assert_eq!(bench.contact(form).await.unwrap().name(), "Abel", "{stored}, then {form}");
            }
            bench.receive("0711 000 222", "hello", None).await.unwrap();
            assert_eq!(bench.gateway.texts(), ["3", "4"]);
        }
    }
}

#[tokio::test]
async fn a_message_of_before_the_change_has_no_second_effect_after_it() {
    for stored in STORED {
        let before = Bench::new(Router::new().app(Clerk));
        before.receive(stored, "hello", Some("m1")).await.unwrap();
        let bench = deployed_over(&before);
        bench.receive(stored, "hello", Some("m1")).await.unwrap();
        bench.receive(stored, "hello", Some("m2")).await.unwrap();
        bench.receive(stored, "hello", Some("m1")).await.unwrap();
        assert_eq!(bench.gateway.texts(), ["2"], "{stored}");
    }
}

#[tokio::test]
async fn jobs_and_outboxes_of_before_the_change_keep_to_a_stop_after_it() {
    // A job that names the old form is still on the queue.
    let before = Bench::new(Router::new().app(Clerk));
    before.notify("0711000222", "news", "n1").await.unwrap();
    let bench = deployed_over(&before);
    bench.receive("+254711000222", "STOP", None).await.unwrap();
    bench.work_off().await;
    assert!(!bench.gateway.texts().contains(&"news".to_owned()), "{:?}", bench.gateway.texts());
    // A reply waits in the outbox of the old form.
    let before = Bench::new(Router::new().app(Clerk));
    before.gateway.always(Behaviour::Defer);
    before.receive("0711000222", "hello", None).await.unwrap();
    let bench = deployed_over(&before);
    bench.receive("+254711000222", "STOP", None).await.unwrap();
    bench.minutes(30).await;
    let texts = bench.gateway.texts();
    assert_eq!(texts.len(), 1, "only STOP is confirmed: {texts:?}");
}

/// Every store call of the first message after the change fails once.
#[tokio::test]
async fn what_is_taken_over_is_taken_over_once_in_spite_of_faults() {
    for when in [When::Before, When::After] {
        for call in 0..8 {
            let before = Bench::new(Router::new().app(Clerk));
            before.receive("0711000222", "I am Abel", None).await.unwrap();
            let calls = before.faults.calls();
            before.faults.plan(calls + call, FaultKind::Error, when);
            let bench = deployed_over(&before);
            for _ in 0..3 {
                let _ = bench.receive("+254711000222", "hello", Some("m1")).await;
            }
            bench.minutes(5).await;
            assert_eq!(bench.session("0711000222").await.get::<u32>("seen").unwrap(), Some(2), "{call}");
        }
    }
}
