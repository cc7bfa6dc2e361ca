//! Tests of the requests to the gateway: further fields, templates of JSON, secrets and plain URLs.

use serde_json::json;

use super::{SendOutcome, sent, settings};

async fn query(table: &str) -> String {
    let (_, request) = sent(table, "+1", "a&b ሰ", 200).await;
    request.unwrap().uri().to_string()
}

#[tokio::test]
async fn a_url_without_placeholders_gets_the_message_in_its_query() {
    let value = "identity=%2B1&text=a%26b+%E1%88%B0";
    let table = [
        ("outgoing_url = \"http://g/send\"", format!("http://g/send?{value}")),
        ("outgoing_url = \"http://g/send?key=1\"", format!("http://g/send?key=1&{value}")),
        ("outgoing_url = \"http://g/send?\"", format!("http://g/send?{value}")),
        ("outgoing_url = \"http://g/send?a&\"", format!("http://g/send?a&{value}")),
        (
            "outgoing_url = \"http://g/\"\noutgoing_identity = \"to\"\noutgoing_text = \"msg\"\noutgoing_id = \"ref\"",
            "http://g/?to=%2B1&msg=a%26b+%E1%88%B0&ref=m-1".to_owned(),
        ),
        (
            "outgoing_url = \"http://g/?t=%(text)s\"\noutgoing_params = { From = \"1234\", key = { secret = \"API\" } }",
            "http://g/?t=a%26b%20%E1%88%B0&From=1234&key=abc".to_owned(),
        ),
        ("outgoing_url = { secret = \"ADDRESS\" }", format!("http://g/secret?{value}")),
    ];
    for (table, expected) in table {
        assert_eq!(query(table).await, expected, "{table}");
    }
}

#[tokio::test]
async fn further_fields_go_into_a_form_and_into_json() {
    let params = "outgoing_params = { From = \"+1234\", n = 7, api_key = { secret = \"API\" }, cb = \"http://x/?id=%(id)s\" }";
    let table = format!("outgoing_url = \"http://g/\"\noutgoing_method = \"form\"\n{params}");
    let request = sent(&table, "+1", "hi", 200).await.1.unwrap();
    let body = "identity=%2B1&text=hi&id=m-1&From=%2B1234&api_key=abc&cb=http%3A%2F%2Fx%2F%3Fid%3Dm-1&n=7";
    assert_eq!(request.body(), body);
    let none = "outgoing_url = \"http://g/\"\noutgoing_method = \"form\"\noutgoing_id = \"\"";
    assert_eq!(sent(none, "+1", "hi", 200).await.1.unwrap().body(), "identity=%2B1&text=hi");
    let table = format!("outgoing_url = \"http://g/\"\noutgoing_method = \"json\"\n{params}");
    let request = sent(&table, "+1", "hi", 200).await.1.unwrap();
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let expected = json!({ "identity": "+1", "text": "hi", "id": "m-1", "From": "+1234", "n": "7", "api_key": "abc", "cb": "http://x/?id=m-1" });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_template_of_json_keeps_its_shape_whatever_the_text() {
    let table = "outgoing_url = \"http://g/\"\noutgoing_params = { apiKey = { secret = \"API\" } }\n\
                 outgoing_json = '{\"messages\":[{\"to\":\"%(identity)s\",\"content\":\"> %(text)s\",\"n\":1.0}],\"id\":\"%(id)s/%(backend)s\"}'";
    for text in ["hi", "\"}]}", "\\", "%(id)s", "a\nb\u{0}", "😀", ""] {
        let request = sent(table, "+1", text, 200).await.1.unwrap();
        assert_eq!(request.headers()["content-type"], "application/json");
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let expected = json!({
            "messages": [{ "to": "+1", "content": format!("> {text}"), "n": 1.0 }], "id": "m-1/h", "apiKey": "abc"
        });
        assert_eq!(body, expected, "{text:?}");
    }
    let list = "outgoing_url = \"http://g/\"\noutgoing_json = '[\"%(identity)s\",\"%(text)s\"]'";
    assert_eq!(sent(list, "+1", "hi", 200).await.1.unwrap().body(), "[\"+1\",\"hi\"]");
}

#[tokio::test]
async fn basic_credentials_are_a_secret() {
    let table = "outgoing_url = \"http://g/?t=%(text)s\"\noutgoing_basic = { secret = \"BASIC\" }";
    let (outcome, request) = sent(table, "+1", "hi", 200).await;
    assert!(matches!(outcome, SendOutcome::Accepted { .. }));
    let request = request.unwrap();
    let header = &request.headers()["authorization"];
    assert_eq!(header, "Basic dXNlcjpwYXNz");
    assert!(header.is_sensitive());
}

#[test]
fn faulty_keys_are_named_all_at_once() {
    let json = |template: &str| format!("outgoing_url = \"http://g/\"\noutgoing_json = '{template}'");
    let table = [
        (json("{"), vec!["outgoing_json"]),
        (json("\"%(text)s\""), vec!["outgoing_json"]),
        (json("{\"a\":%(text)s}"), vec!["outgoing_json"]),
        (json("{\"a\":\"%(nobody)s\"}"), vec!["outgoing_json"]),
        (json("{\"%(text)s\":\"%(text)s %(identity)s\"}"), vec!["outgoing_json"]),
        (json("{\"a\":\"%(text)s\"}"), vec!["outgoing_json"]),
        (json("{}"), vec!["outgoing_json", "outgoing_json"]),
        (json("[\"%(text)s%(identity)s\"]") + "\noutgoing_params = { a = 1 }", vec!["outgoing_params.a"]),
        (json("{\"a\":\"%(text)s%(identity)s\"}") + "\noutgoing_params = { a = 1 }", vec!["outgoing_params.a"]),
        (json("{\"a\":\"%(text)s%(identity)s\"}") + "\noutgoing_method = \"form\"", vec!["outgoing_json"]),
        (
            "outgoing_url = \"http://g/\"\noutgoing_params = { text = 1, b = \"%(x)s\", c = [] }".to_owned(),
            vec!["outgoing_params.b", "outgoing_params.c", "outgoing_params.text"],
        ),
        ("outgoing_url = { secret = \"NONE\" }".to_owned(), vec!["outgoing_url.secret"]),
        ("outgoing_url = { secret = \"TOKEN\" }".to_owned(), vec!["outgoing_url"]),
        (
            "outgoing_url = \"http://g/\"\noutgoing_basic = { secret = \"TOKEN\" }\nheaders = { Authorization = \"x\" }".to_owned(),
            vec!["outgoing_basic", "outgoing_basic"],
        ),
        (
            "outgoing_url = \"http://g/\"\ndelivery_reports = true".to_owned(),
            vec!["delivery_reports"],
        ),
    ];
    for (table, fields) in table {
        let faults = settings(&table).err().map(|problem| problem.0).unwrap_or_default();
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        assert_eq!(found, fields, "{table}");
        assert!(!format!("{faults:?}").contains("s3cret"), "{table}");
    }
}
