//! Tests of the shapes in which providers send messages: nested JSON, lists, odd content types, queries and codings.

use bytes::Bytes;
use http::{Request, header};

use super::{URL, backend, settings};
use crate::backend::{AnyBackend, Caller, OnUnusable, Received};

fn post(kind: &str, uri: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(uri).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap()
}

fn json(body: &str) -> Request<Bytes> {
    post("application/json", "/http/h/", body.to_owned())
}

/// Returns the messages as `identity: text`, or the faulty fields.
fn read(backend: &AnyBackend, request: &Request<Bytes>) -> Result<Vec<String>, Vec<String>> {
    let shown = |one: Received| format!("{}: {}", one.identity.as_str(), one.text);
    match backend.0.decode_all(request) {
        Ok(all) => Ok(all.into_iter().map(shown).collect()),
        Err(faults) => Err(faults.into_iter().map(|fault| fault.field).collect()),
    }
}

// It is compared with a result, beside `faults`.
#[allow(clippy::unnecessary_wraps)]
fn ok(messages: &[&str]) -> Result<Vec<String>, Vec<String>> {
    Ok(messages.iter().map(|text| (*text).to_owned()).collect())
}

fn faults(fields: &[&str]) -> Result<Vec<String>, Vec<String>> {
    Err(fields.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_path_leads_into_nested_json() {
    let nested = backend(&format!(
        "{URL}incoming_text = \"payload.message\"\nincoming_identity = \"payload.phoneNumber\"\nincoming_id = \"id\""
    ));
    let table = [
        (r#"{"id":"9","payload":{"message":"ping","phoneNumber":"+254711"}}"#, ok(&["+254711: ping"])),
        (r#"{"payload":{"message":null,"phoneNumber":254711}}"#, ok(&["254711: "])),
        (r#"{"payload.message":"a","payload":{"message":"b","phoneNumber":"1"}}"#, ok(&["1: a"])),
        (r#"{"payload":{"message":"a"}}"#, faults(&["payload.phoneNumber"])),
        (r#"{"payload":"a"}"#, faults(&["payload.phoneNumber", "payload.message"])),
        (
            r#"{"payload":{"message":{},"phoneNumber":[]}}"#,
            faults(&["payload.phoneNumber", "payload.message"]),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(read(&nested, &json(body)), expected, "{body}");
    }
    let body = r#"{"id":"9","event":"sms","payload":{"message":"ping","phoneNumber":"1","sim":{"slot":2}}}"#;
    let received = nested.0.decode_all(&json(body)).unwrap().remove(0);
    let details: Vec<String> =
        received.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(details, ["event=sms", "payload.sim={\"slot\":2}"], "the text is not there twice");
    assert_eq!(received.gateway_id.as_deref(), Some("9"));
    let numbered = backend(&format!("{URL}incoming_text = \"m.1.t\"\nincoming_identity = \"m[0].f\""));
    assert_eq!(read(&numbered, &json(r#"{"m":[{"f":"1"},{"t":"x"}]}"#)), ok(&["1: x"]));
}

#[test]
fn each_element_of_a_list_is_a_message() {
    let list = backend(&format!(
        "{URL}incoming_identity = \"results[].from\"\nincoming_text = \"results[].text\"\n\
         incoming_id = \"results[].id\"\nincoming_recipient = \"to\""
    ));
    let table = [
        (r#"{"results":[{"from":"1","text":"a"},{"from":2,"text":"b"}],"to":"77"}"#, ok(&["1: a", "2: b"])),
        (r#"{"results":[]}"#, ok(&[])),
        (r#"{"results":{}}"#, faults(&["results[].from"])),
        ("{}", faults(&["results[].from"])),
        (r#"{"results":[{"from":"1","text":"a"},{"text":"b"}]}"#, faults(&["results[1].from"])),
    ];
    for (body, expected) in table {
        assert_eq!(read(&list, &json(body)), expected, "{body}");
    }
    let body = r#"{"results":[{"from":"1","text":"a","id":"i1","price":3},{"from":"2","text":"b"}],"to":"77","n":2}"#;
    let all = list.0.decode_all(&json(body)).unwrap();
    let recipients: Vec<Option<&str>> = all.iter().map(|one| one.recipient.as_deref()).collect();
    assert_eq!(recipients, [Some("77"), Some("77")]);
    assert_eq!((all[0].gateway_id.as_deref(), all[1].gateway_id.as_deref()), (Some("i1"), None));
    let details: Vec<String> = all[0].details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(details, ["n=2", "results[].price=3"]);

    let whole = backend(&format!("{URL}incoming_identity = \"[].from\"\nincoming_text = \"[].text\""));
    assert_eq!(read(&whole, &json(r#"[{"from":"1","text":"a"}]"#)), ok(&["1: a"]));
    let deep = backend(&format!(
        "{URL}incoming_identity = \"entry[].changes[].from\"\nincoming_text = \"entry[].changes[].text\"\n\
         incoming_recipient = \"entry[].to\""
    ));
    let body = r#"{"entry":[{"to":"5","changes":[{"from":"1","text":"a"},{"from":"2","text":"b"}]},{"changes":[]}]}"#;
    assert_eq!(read(&deep, &json(body)), ok(&["1: a", "2: b"]));
    let many = format!(r#"{{"results":[{}]}}"#, vec![r#"{"from":"1","text":"a"}"#; 501].join(","));
    assert_eq!(read(&list, &json(&many)), faults(&["results[].from"]));
}

#[test]
fn what_only_looks_unlike_json_is_json() {
    let http = backend(URL);
    let body = r#"{"identity":"1","text":"x"}"#;
    let kinds = [
        "text/json",
        "application/vnd.api+json",
        "application/cloudevents+json; charset=utf-8",
        "text/plain",
        "",
    ];
    for kind in kinds {
        assert_eq!(read(&http, &post(kind, "/", body)), ok(&["1: x"]), "{kind}");
    }
    assert_eq!(read(&http, &post("text/plain; charset=UTF-8", "/", format!("\n {body}"))), ok(&["1: x"]));
    assert_eq!(read(&http, &post("text/plain", "/", "identity=1&text=x")), faults(&["content-type"]));
    assert_eq!(read(&http, &post("text/html", "/", body)), faults(&["content-type"]));
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let body = if kind.ends_with("urlencoded") { "identity=1&text=x" } else { body };
        assert_eq!(read(&http, &post(kind, "/", format!("\u{feff}{body}"))), ok(&["1: x"]), "BOM, {kind}");
    }
    let table = [
        (r#"{"identity":"1","text":"ping \ud83d"}"#, ok(&["1: ping \u{fffd}"])),
        (r#"{"identity":"1","text":"\udc00\ud83d\ude00"}"#, ok(&["1: \u{fffd}😀"])),
        (r#"{"identity":"1","text":null}"#, ok(&["1: "])),
        (r#"{"identity":254711000222333444555,"text":"x"}"#, ok(&["254711000222333444555: x"])),
        (r#"{"identity":254711000222.0,"text":"x"}"#, ok(&["254711000222: x"])),
        (r#"{"identity":2.54711E+11,"text":"x"}"#, faults(&["identity"])),
        (r#"{"identity":254711000222.5,"text":"x"}"#, faults(&["identity"])),
        (r#"{"identity":-254711,"text":"x"}"#, faults(&["identity"])),
    ];
    for (body, expected) in table {
        assert_eq!(read(&http, &json(body)), expected, "{body}");
    }
    let deep =
        format!(r#"{{"identity":"1","text":"x","deep":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(read(&http, &json(&deep)), ok(&["1: x"]), "no recursion into what nobody reads");
}

#[test]
fn a_post_may_have_its_fields_in_the_query_unless_only_the_body_is_signed() {
    let http = backend(URL);
    let query = "/http/h/?identity=%2B1&text=from+query";
    let form = "application/x-www-form-urlencoded";
    for (kind, body) in [
        (form, ""),
        ("", ""),
        ("application/json", " "),
        ("text/plain", ""),
        (form, "x=1"),
        ("application/json", "{}"),
    ] {
        assert_eq!(read(&http, &post(kind, query, body)), ok(&["+1: from query"]), "{kind} {body}");
    }
    assert_eq!(read(&http, &post(form, query, "identity=2&text=body")), ok(&["2: body"]));
    assert_eq!(read(&http, &post(form, query, "identity=2")), faults(&["text"]), "no mixture of the two");
    assert_eq!(read(&http, &post("text/xml", query, "<a/>")), faults(&["content-type"]));
    assert_eq!(read(&http, &post("application/json", query, "{")), faults(&["body"]));
    let signed = backend(&format!("{URL}signature_secret = {{ secret = \"KEY\" }}"));
    assert_eq!(read(&signed, &post(form, query, "")), faults(&["identity", "text"]));
    let twilio =
        backend(&format!("{URL}signature_secret = {{ secret = \"KEY\" }}\nsignature_scheme = \"twilio\""));
    assert_eq!(read(&twilio, &post(form, query, "")), ok(&["+1: from query"]));
}

#[test]
fn the_coding_and_the_charset_say_what_the_bytes_are() {
    let usual = backend(&format!("{URL}incoming_text = \"content\""));
    let given = backend(&format!(
        "{URL}incoming_text = \"content\"\nincoming_coding = \"dcs\"\nincoming_charset = \"cs\"\nincoming_hex = \"bin\""
    ));
    let form = |body: &str| post("application/x-www-form-urlencoded", "/", body.to_owned());
    let table = [
        (&usual, "identity=1&coding=8&content=%06%2A%06%33", "1: تس"),
        (&usual, "identity=1&coding=2&content=%00p%00i%00n%00g", "1: ping"),
        (&usual, "identity=1&coding=0&content=ping", "1: ping"),
        (&usual, "identity=1&coding=3&content=caf%E9", "1: café"),
        (&usual, "identity=1&coding=8&content=%E1%88%B0", "1: ሰ"),
        (&usual, "identity=1&coding=8&content=ping", "1: ping"),
        (&usual, "identity=1&charset=UTF-16BE&content=%12%30", "1: ሰ"),
        (&usual, "identity=1&charset=windows-1252&content=%80", "1: €"),
        (&usual, "identity=1&hex=1230&coding=8", "1: ሰ"),
        (&usual, "identity=1&hex=70696E67", "1: ping"),
        (&usual, "identity=1&hex=70&content=text", "1: text"),
        (&given, "identity=1&dcs=8&content=O%60Y%7D", "1: 你好"),
        (&given, "identity=1&cs=iso-8859-15&content=%A4", "1: €"),
        (&given, "identity=1&bin=1230&dcs=8&content=text", "1: ሰ"),
        (&given, "identity=1&bin=&content=text", "1: text"),
        (&given, "identity=1&coding=8&content=%06%2A", "1: \u{6}*"),
    ];
    for (backend, body, expected) in table {
        assert_eq!(read(backend, &form(body)), ok(&[expected]), "{body}");
    }
    assert_eq!(read(&given, &form("identity=1&bin=xyz")), faults(&["bin"]));
    assert_eq!(read(&usual, &json(r#"{"identity":1,"hex":"1230","coding":8}"#)), ok(&["1: ሰ"]));
    let received = usual.0.decode_all(&form("identity=1&hex=FF00&coding=4")).unwrap().remove(0);
    assert_eq!(received.raw.as_deref(), Some(b"\xff\0".as_slice()), "the bytes are kept");
}

#[test]
fn the_secret_may_have_another_name() {
    let http = backend(&format!("{URL}token = {{ secret = \"TOKEN\" }}\ntoken_field = \"secret\""));
    let form = |body: &str| post("application/x-www-form-urlencoded", "/", body.to_owned());
    let table = [
        ("identity=1&text=a&secret=s3cret", Caller::Gateway),
        ("identity=1&text=a&secret=wrong", Caller::WrongCredentials),
        ("identity=1&text=a&token=s3cret", Caller::NoCredentials),
    ];
    for (body, caller) in table {
        assert_eq!(http.0.authenticate(&form(body)), caller, "{body}");
    }
    let received = http.0.decode_all(&form("identity=1&text=a&secret=s3cret")).unwrap().remove(0);
    assert!(received.details.is_empty(), "{:?}", received.details);
    assert_eq!(http.0.on_unusable(), OnUnusable::Keep, "nothing of an authenticated provider is lost");
}

#[test]
fn faulty_keys_are_named_all_at_once() {
    let table = [
        ("incoming_text = \"a..b\"\nincoming_identity = \"b[\"", vec!["incoming_identity", "incoming_text"]),
        ("incoming_text = \"a[].t\"\nincoming_identity = \"b[].f\"", vec!["incoming_text"]),
        ("incoming_coding = \"text\"\ntoken_field = \"\"", vec!["incoming_coding", "token_field"]),
        ("incoming_text = \"secret\"\ntoken_field = \"secret\"", vec!["incoming_text"]),
        ("report_id = \"a..b\"", vec!["report_id"]),
    ];
    for (table, fields) in table {
        let faults = settings(&format!("{URL}{table}")).err().unwrap().0;
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        assert_eq!(found, fields, "{table}");
    }
}
