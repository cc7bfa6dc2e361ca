//! Tests of the calls of the page, and of their effects.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FORM, Rig};
use crate::settings::Surroundings;
use crate::testing::{FaultKind, When};

#[tokio::test]
async fn what_a_page_sends_is_answered_and_polled_bit_by_bit() {
    let rig = Rig::open();
    let poll = async |cursor: &Value| {
        let (status, news) = rig
            .call(
                "poll",
                &json!({ "conversations": [{ "identity": "a b", "cursor": cursor }], "numbers": true }),
            )
            .await;
        assert_eq!(status, 200, "{news}");
        news
    };
    let news = poll(&Value::Null).await;
    assert_eq!(news["conversations"][0]["rows"], json!([]));
    assert_eq!(news["numbers"], json!([]));
    let nothing = news["conversations"][0]["cursor"].clone();
    assert_eq!(poll(&nothing).await["conversations"], json!([]), "nothing is new about nothing");

    rig.send("a b", "echo <b>hi</b>").await;
    let news = poll(&nothing).await;
    let first = &news["conversations"][0];
    let shown =
        |row: &Value| format!("{} {} {}", row["direction"], row["state"], row["text"]).replace('"', "");
    let rows: Vec<String> = first["rows"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(rows, ["in handled echo <b>hi</b>", "out sent <b>hi</b>"]);
    assert_eq!((&first["reset"], &first["more"]), (&json!(true), &json!(false)));
    assert_eq!(news["numbers"][0]["identity"], "a b");
    assert_eq!(poll(&first["cursor"]).await["conversations"], json!([]));

    for _ in 0..30 {
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.send("a b", "echo more").await;
    let news = poll(&first["cursor"]).await;
    let second = &news["conversations"][0];
    assert_eq!(second["reset"], false);
    let rows: Vec<String> = second["rows"].as_array().unwrap().iter().map(shown).collect();
    assert!(rows.ends_with(&["in handled echo more".into(), "out sent more".into()]), "{rows:?}");
    assert_eq!(poll(&second["cursor"]).await["conversations"], json!([]));

    assert_eq!(rig.call("clear", &json!({ "identity": "a b" })).await, (200, json!({ "left": 0 })));
    let news = poll(&second["cursor"]).await;
    assert_eq!(
        (&news["conversations"][0]["reset"], &news["conversations"][0]["rows"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(news["numbers"], json!([]));
}

#[tokio::test]
async fn a_queued_message_shows_at_once_and_moves_on() {
    let rig = Rig::with("respond = \"queue\"", &Surroundings::local(&[]));
    rig.send("1", "echo hello").await;
    assert_eq!(rig.texts("1").await, ["received echo hello"]);
    let poll = json!({ "conversations": [{ "identity": "1" }] });
    let (_, news) = rig.call("poll", &poll).await;
    let cursor = &news["conversations"][0]["cursor"];
    // A page that waits gets the result, however long it takes.
    for _ in 0..600 {
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.work_off().await;
    assert_eq!(rig.texts("1").await, ["handled echo hello", "sent hello"]);
    let (_, news) =
        rig.call("poll", &json!({ "conversations": [{ "identity": "1", "cursor": cursor }] })).await;
    assert_eq!(news["conversations"][0]["rows"][0]["state"], "handled", "{news}");
}

#[tokio::test]
async fn a_message_that_is_sent_again_is_no_second_one() {
    let rig = Rig::open();
    let message = json!({ "messages": [{ "identity": "1", "text": "echo one", "id": "x" }] });
    let (_, first) = rig.call("send", &message).await;
    let (_, again) = rig.call("send", &message).await;
    assert_eq!(first["ids"], again["ids"]);
    assert_eq!(rig.texts("1").await.iter().filter(|text| *text == "sent one").count(), 1);
    for _ in 0..2 {
        assert_eq!(
            rig.post("/httptester/t/", &[("content-type", FORM)], "identity=1&text=echo+two").await.status(),
            200
        );
    }
    assert_eq!(
        rig.texts("1").await.iter().filter(|text| *text == "sent two").count(),
        2,
        "without an id it is"
    );
}

#[tokio::test]
async fn calls_that_make_no_sense_leave_nothing_behind() {
    let rig = Rig::open();
    let message = |identity: &str, text: &str| json!({ "identity": identity, "text": text });
    let many = vec![message("1", "x"); 51];
    let followed = vec![json!({ "identity": "1" }); 61];
    let table = [
        ("send", json!({})),
        ("send", json!({ "messages": [message("1", "good"), message("", "bad")] })),
        ("send", json!({ "messages": [message(&"9".repeat(257), "bad")] })),
        ("send", json!({ "messages": [message("1", &"x".repeat(70_000))] })),
        ("send", json!({ "messages": many })),
        ("poll", json!({ "conversations": followed })),
        ("poll", json!({ "conversations": [{ "identity": "" }] })),
        ("clear", json!([])),
        ("send", json!("text")),
    ];
    for (call, body) in table {
        let (status, answer) = rig.call(call, &body).await;
        assert_eq!(status, 400, "{call}: {answer}");
        assert!(answer["error"].is_string());
    }
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(rig.post("/httptester/t/send.json", &[], &long).await.status(), 413);
    assert_eq!(
        rig.call("poll", &json!({ "conversations": [{ "identity": "1", "cursor": "nonsense" }] })).await.0,
        200
    );
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn where_the_store_fails_the_rest_is_to_be_sent_again() {
    let rig = Rig::open();
    rig.send("1", "warm").await;
    let messages: Vec<Value> = ["echo a", "echo b", "echo c"]
        .iter()
        .map(|text| json!({ "identity": "1", "text": text, "id": text }))
        .collect();
    // Each message makes several calls to the store. During the second message, a call fails.
    rig.faults.plan(8, FaultKind::Error, When::Before);
    let (status, answer) = rig.call("send", &json!({ "messages": messages })).await;
    let taken = usize::try_from(answer["taken"].as_u64().unwrap()).unwrap();
    assert!(status == 503 || taken == 3, "{answer}");
    rig.faults.clear();
    rig.call("send", &json!({ "messages": messages[taken..] })).await;
    let texts = rig.texts("1").await;
    for reply in ["sent a", "sent b", "sent c"] {
        assert_eq!(texts.iter().filter(|text| *text == reply).count(), 1, "{texts:?}");
    }
    rig.faults.plan(1, FaultKind::Error, When::Before);
    assert_eq!(rig.call("poll", &json!({ "conversations": [{ "identity": "1" }] })).await.0, 503);
    assert_eq!(rig.get("/httptester/t/1/").await.status(), 200, "a page needs no store");
}

#[tokio::test]
async fn the_log_has_all_numbers_and_clearing_all_ends_it() {
    let rig = Rig::open();
    for (identity, text) in [("1", "echo a"), ("2", "nothing"), ("ሰላም", "echo c")] {
        rig.send(identity, text).await;
    }
    let (status, log) = rig.call("log", &json!({})).await;
    assert_eq!(status, 200);
    let said: Vec<String> = log["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["identity"], row["text"]))
        .collect();
    assert_eq!(said.len(), 5);
    assert_eq!((said[2].as_str(), said[4].as_str()), ("\"2\" \"nothing\"", "\"1\" \"echo a\""), "{said:?}");
    assert_eq!(log["more"], false);
    assert_eq!(rig.call("clear", &json!({ "identity": null })).await, (200, json!({ "left": 0 })));
    assert_eq!(rig.call("log", &json!({})).await.1["rows"], json!([]));
}
