//! Tests of our answer to the gateway, and of the meaning of the gateway's answers.

use http::StatusCode;

use super::{Catcher, TIMEOUT, URL, backend, message, name, settings};
use crate::backend::SendOutcome;

#[test]
fn the_settings_choose_the_answer() {
    let table = [
        ("", 200, "text/plain; charset=utf-8", "OK"),
        ("answer = \"\"", 200, "text/plain; charset=utf-8", ""),
        ("answer = \"ACK/Jasmin\"", 200, "text/plain; charset=utf-8", "ACK/Jasmin"),
        ("answer_status = 204", 204, "text/plain; charset=utf-8", ""),
        ("answer_status = 202", 202, "text/plain; charset=utf-8", "OK"),
        (
            "answer = '{\"payload\":{\"success\":true}}'\nanswer_type = \"application/json\"",
            200,
            "application/json",
            "{\"payload\":{\"success\":true}}",
        ),
    ];
    for (table, status, kind, body) in table {
        let answer = backend(&format!("{URL}{table}")).0.acknowledge();
        assert_eq!(answer.status(), status, "{table}");
        assert_eq!(answer.headers()["content-type"], kind, "{table}");
        assert_eq!(answer.body(), body, "{table}");
    }
    let wrong = [
        ("answer_status = 500\nanswer_type = \"x\"", vec!["answer_status", "answer_type"]),
        ("answer_status = 204\nanswer = \"OK\"", vec!["answer"]),
        ("answer_type = \"a/b\\n\"", vec!["answer_type"]),
        (
            "accepted_when = { path = \"a..b\", equals = \"0\" }\nrefused_when = \"no\"",
            vec!["accepted_when.path", "refused_when"],
        ),
        ("accepted_when = { path = \"a\" }", vec!["accepted_when.equals"]),
        ("repeat_when = { matches = \"(\" }", vec!["repeat_when.matches"]),
        ("repeat_when = { matches = \"a\", equals = \"a\" }", vec!["repeat_when.equals"]),
        ("refused_when = { equals = 1.5, also = 1 }", vec!["refused_when.also", "refused_when.equals"]),
        ("accepted_id = \"\"", vec!["accepted_id"]),
    ];
    for (table, fields) in wrong {
        let faults = settings(&format!("{URL}{table}")).err().unwrap().0;
        let mut found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        found.sort_unstable();
        assert_eq!(found, fields, "{table}");
    }
}

async fn outcome(table: &str, status: u16, body: &'static str) -> SendOutcome {
    let catcher = Catcher(std::sync::Mutex::default(), StatusCode::from_u16(status).unwrap(), body);
    backend(&format!("{URL}{table}")).0.send(&message("+251911", "hi"), &catcher, TIMEOUT).await
}

#[tokio::test]
async fn the_body_of_an_answer_decides() {
    let vonage = "accepted_when = { path = \"messages.0.status\", equals = \"0\" }\n\
                  repeat_when = { path = \"messages.0.status\", equals = [\"1\", 5] }";
    let every = "accepted_when = { path = \"messages[].status\", equals = \"0\" }\n\
                 repeat_when = { path = \"messages[].status\", equals = \"1\" }";
    let words = "accepted_when = { matches = \"^OK\" }\nrefused_when = { matches = \"^ERR\" }";
    let flag = "accepted_when = { path = \"ok\", equals = true }";
    let table = [
        (vonage, 200, r#"{"messages":[{"status":"0"}]}"#, "accepted"),
        (vonage, 200, r#"{"messages":[{"status":0}]}"#, "accepted"),
        (vonage, 200, r#"{"messages":[{"status":"4"}]}"#, "refused"),
        (vonage, 200, r#"{"messages":[{"status":"1"}]}"#, "deferred"),
        (vonage, 200, r#"{"messages":[{"status":"5"}]}"#, "deferred"),
        (vonage, 420, r#"{"messages":[{"status":"1"}]}"#, "deferred"),
        (vonage, 200, "<html>Welcome</html>", "deferred"),
        (vonage, 200, r#"{"messages":[]}"#, "deferred"),
        (vonage, 200, "", "deferred"),
        (vonage, 504, r#"{"messages":[{"status":"0"}]}"#, "uncertain"),
        (vonage, 422, "{}", "refused"),
        (every, 200, r#"{"messages":[{"status":"0"},{"status":"0"}]}"#, "accepted"),
        (every, 200, r#"{"messages":[{"status":"0"},{"status":"9"}]}"#, "refused"),
        (every, 200, r#"{"messages":[{"status":"1"},{"status":"1"}]}"#, "deferred"),
        (every, 200, r#"{"messages":[{"status":"0"},{"status":"1"}]}"#, "refused"),
        (words, 200, "OK: 1", "accepted"),
        (words, 200, "ERR: 105", "refused"),
        (words, 500, "ERR: 105", "refused"),
        (words, 200, "<html>OK</html>", "deferred"),
        (flag, 200, "{\"ok\":true}", "accepted"),
        (flag, 200, "\u{feff}{\"ok\":true}", "accepted"),
        (flag, 200, "{\"ok\":false}", "refused"),
        (flag, 200, "{\"ok\":null}", "deferred"),
    ];
    for (table, status, body, expected) in table {
        assert_eq!(name(&outcome(table, status, body).await), expected, "{table}: {status} {body}");
    }
}

#[tokio::test]
async fn the_history_gets_the_gateways_own_id() {
    let table = "accepted_id = \"messages.0.message-id\"";
    let detail = |outcome| match outcome {
        SendOutcome::Accepted { detail } => detail,
        other => panic!("{other:?}"),
    };
    let body = r#"{"messages":[{"message-id":"0A-17"}]}"#;
    assert_eq!(detail(outcome(table, 200, body).await), "200: JSON of 37 bytes, id 0A-17");
    let body = r#"{"messages":[{"message-id":"a text"}]}"#;
    assert_eq!(detail(outcome(table, 200, body).await), "200: JSON of 38 bytes");
    assert_eq!(detail(outcome(table, 200, "{}").await), "200: JSON of 2 bytes");
}
