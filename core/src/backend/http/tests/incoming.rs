//! Tests of incoming requests, as tables: forms, queries, JSON, tokens and signatures.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Method, Request, header};
use jiff::Timestamp;

use super::backend;
use crate::backend::{AnyBackend, Caller, Received};
use crate::error::Fault;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn post(kind: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let request = Request::post("/http/h/?identity=query&text=query");
    request.header(header::CONTENT_TYPE, kind).body(body.into()).unwrap()
}

/// Returns a POST without a query.
fn bare(kind: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = post(kind, body);
    *request.uri_mut() = "/http/h/".parse().unwrap();
    request
}

fn get(query: &str) -> Request<Bytes> {
    Request::get(format!("/http/h/?{query}")).body(Bytes::new()).unwrap()
}

fn decoded(backend: &AnyBackend, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
    backend.0.decode(request)
}

#[test]
fn a_form_a_query_and_json_say_the_same() {
    let http = backend(super::URL);
    let table = [
        (
            "identity=%2B251911&text=echo+hi",
            r#"{"identity": "+251911", "text": "echo hi"}"#,
            "+251911",
            "echo hi",
        ),
        ("identity=+251911&text=a", r#"{"identity": "+251911", "text": "a"}"#, "+251911", "a"),
        ("text=&identity=251911", r#"{"text": "", "identity": 251911}"#, "251911", ""),
        ("identity=MTN+INFO&text=1", r#"{"identity": "MTN INFO", "text": 1}"#, "MTN INFO", "1"),
        (
            "identity=1&text=%26%23%25%0A%25(id)s",
            r#"{"identity": "1", "text": "&#%\n%(id)s"}"#,
            "1",
            "&#%\n%(id)s",
        ),
        ("identity=1&text=%E1%88%B0", r#"{"identity": "1", "text": "\u1230"}"#, "1", "ሰ"),
        ("identity=1&text=%F0%9F%91%A9", r#"{"identity": "1", "text": "\ud83d\udc69"}"#, "1", "👩"),
        ("identity=1&text=%00+", r#"{"identity": "1", "text": "\u0000 "}"#, "1", "\0 "),
        ("identity=1&text=a&text=b", r#"{"identity": "1", "text": "a"}"#, "1", "a"),
        ("i%64entity=1&text=a=b", r#"{"i\u0064entity": "1", "text": "a=b"}"#, "1", "a=b"),
        ("identity=1&text=-0.50", r#"{"identity": "1", "text": -0.50}"#, "1", "-0.50"),
    ];
    for (form, json, identity, text) in table {
        for request in [
            post(FORM, form),
            post("Application/X-WWW-Form-Urlencoded; charset=UTF-8", form),
            get(form),
            post(JSON, json),
            post("application/json;charset=utf-8", json),
        ] {
            let received = decoded(&http, &request).unwrap();
            assert_eq!((received.identity.as_str(), received.text.as_str()), (identity, text), "{form}");
            let rest = (received.gateway_id, received.recipient, received.received_at, received.raw);
            assert_eq!((rest, received.details.len()), ((None, None, None, None), 0), "{form}");
        }
    }
    let mut untyped = post(FORM, "identity=1&text=a");
    untyped.headers_mut().clear();
    assert_eq!(decoded(&http, &untyped).unwrap().text, "a", "without a type it is a form");
}

#[test]
fn bytes_that_are_not_utf_8_are_kept() {
    let http = backend(super::URL);
    let received = decoded(&http, &post(FORM, "identity=1&text=caf%E9")).unwrap();
    assert_eq!((received.text.as_str(), received.raw.as_deref()), ("café", Some(b"caf\xe9".as_slice())));
    let raw = [b"identity=1&text=".as_slice(), b"\xff"].concat();
    assert_eq!(decoded(&http, &post(FORM, raw)).unwrap().raw.as_deref(), Some(b"\xff".as_slice()));
}

#[test]
fn fields_have_the_names_that_the_settings_give_them() {
    let http = backend(concat!(
        "outgoing_url = \"http://g/?t=%(text)s\"\n",
        "incoming_identity = \"from\"\nincoming_text = \"body\"\nincoming_id = \"mid\"\n",
        "incoming_timestamp = \"at\"\nincoming_recipient = \"to\"",
    ));
    let number = "123456789012345678901234567890";
    let json = format!(
        r#"{{"from": 1, "body": "a", "mid": {number}, "at": 1795519533, "to": 1234, "x": [1], "y": true,
        "z": null, "identity": " b ", "token": "t"}}"#
    );
    let received = decoded(&http, &post(JSON, json)).unwrap();
    assert_eq!(received.gateway_id.as_deref(), Some(number), "no digit is lost");
    assert_eq!(received.recipient.as_deref(), Some("1234"));
    assert_eq!(received.received_at, Timestamp::from_second(1_795_519_533).ok());
    let details: Vec<String> =
        received.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(details, ["identity=b", "x=[1]", "y=true"]);

    let blank = decoded(&http, &post(FORM, "from=1&body=a&mid=&at=soon&to=+&z=")).unwrap();
    assert_eq!((blank.gateway_id, blank.recipient, blank.received_at), (None, None, None));
    assert_eq!(blank.details.into_iter().collect::<Vec<_>>(), [("at".to_owned(), "soon".to_owned())]);
}

#[test]
fn times_are_read_as_gateways_write_them() {
    let http = backend(&format!("{}incoming_timestamp = \"at\"", super::URL));
    let second = Timestamp::from_second(1_795_519_533).ok();
    let table = [
        ("1795519533", second),
        ("1795519533.75", second),
        ("1795519533000", second),
        ("2026-11-24T11:25:33Z", second),
        ("2026-11-24T14:25:33%2B03:00", second),
        ("2026-11-24+11:25:33", second),
        ("2026-11-24T11:25:33", second),
        ("0", None),
        ("-5", None),
        ("99999999999999999999", None),
        ("9223372036854775807", None),
        ("2026-13-01", None),
        ("yesterday", None),
    ];
    for (written, expected) in table {
        let received = decoded(&http, &get(&format!("identity=1&text=a&at={written}"))).unwrap();
        assert_eq!(received.received_at, expected, "{written}");
    }
}

#[test]
fn faults_name_their_fields_all_at_once() {
    let http = backend(&format!("{}incoming_id = \"mid\"", super::URL));
    let long = format!("identity={}&text=a", "9".repeat(257));
    let table = [
        (FORM, "", vec!["identity", "text"]),
        (FORM, "&&=&", vec!["identity", "text"]),
        (FORM, "identity=&text=a", vec!["identity"]),
        (FORM, long.as_str(), vec!["identity"]),
        (JSON, "{}", vec!["identity", "text"]),
        (JSON, r#"{"identity": [], "text": {}, "mid": false}"#, vec!["identity", "text", "mid"]),
        (JSON, r#"{"identity": null, "text": "\ud800"}"#, vec!["identity"]),
        (JSON, "", vec!["body"]),
        (JSON, "[]", vec!["body"]),
        (JSON, "{\"identity\": 1", vec!["body"]),
        (JSON, "identity=1&text=a", vec!["body"]),
        ("text/plain", "identity=1&text=a", vec!["content-type"]),
        ("multipart/form-data; boundary=x", "", vec!["content-type"]),
    ];
    for (kind, body, fields) in table {
        let faults = decoded(&http, &bare(kind, body.to_owned())).unwrap_err();
        assert_eq!(
            faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
            fields,
            "{kind} {body}"
        );
    }
    assert_eq!(http.0.acknowledge().body(), "OK");
}

#[test]
fn the_token_comes_by_query_form_bearer_or_basic() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode("anyone:s3cret"));
    let wrong = format!("Basic {}", BASE64_STANDARD.encode("s3cret:"));
    let table = [
        ("/?token=s3cret", None, "", Caller::Gateway),
        ("/?tok%65n=s3%63ret", None, "", Caller::Gateway),
        ("/", None, "text=a&token=s3cret", Caller::Gateway),
        ("/", Some("Bearer s3cret"), "", Caller::Gateway),
        ("/", Some("bearer  s3cret "), "", Caller::Gateway),
        ("/", Some(basic.as_str()), "", Caller::Gateway),
        ("/?token=wrong", Some("Bearer s3cret"), "", Caller::WrongCredentials),
        ("/?token=", None, "", Caller::WrongCredentials),
        ("/", None, "token=s3cre", Caller::WrongCredentials),
        ("/", Some("Bearer s3cret2"), "", Caller::WrongCredentials),
        ("/", Some(wrong.as_str()), "", Caller::WrongCredentials),
        ("/", Some("Digest s3cret"), "", Caller::NoCredentials),
        ("/", Some("Basic ???"), "", Caller::NoCredentials),
        ("/", None, "{\"token\": \"s3cret\"}", Caller::Gateway),
        ("/?token=s3cret", None, "{\"token\": \"s3\"}", Caller::WrongCredentials),
        ("/?token=s3cret", None, "{\"text\": \"a\"}", Caller::Gateway),
        ("/?token=s3cret", None, "{", Caller::Gateway),
        ("/", None, "{\"token\": [\"s3cret\"]}", Caller::NoCredentials),
    ];
    let guarded = backend(&format!("{}token = {{ secret = \"TOKEN\" }}", super::URL));
    for (uri, authorization, body, caller) in table {
        let kind = if body.starts_with('{') { JSON } else { FORM };
        let mut request = post(kind, body);
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(value) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        assert_eq!(guarded.0.authenticate(&request), caller, "{uri} {authorization:?} {body}");
    }
    assert_eq!(backend(super::URL).0.authenticate(&get("")), Caller::Anyone);
}

/// Test case 2 of RFC 4231: the key `Jefe`.
#[test]
fn the_signature_is_an_hmac_of_the_body() {
    let body = "what do ya want for nothing?";
    let good = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let table = [
        (body, Some(good.to_owned()), Caller::Gateway),
        (body, Some(format!("sha256={good}")), Caller::Gateway),
        (body, Some(good.to_uppercase()), Caller::Gateway),
        ("What do ya want for nothing?", Some(good.to_owned()), Caller::WrongCredentials),
        (body, Some(good[2..].to_owned()), Caller::WrongCredentials),
        (body, Some(format!("{good}00")), Caller::WrongCredentials),
        (body, Some(format!("sha1={good}")), Caller::WrongCredentials),
        (body, Some("sha256=".to_owned()), Caller::WrongCredentials),
        (body, Some(String::new()), Caller::WrongCredentials),
        (body, None, Caller::NoCredentials),
    ];
    let secret = "signature_secret = { secret = \"JEFE\" }\n";
    for (table_header, name) in
        [("", "x-signature"), ("signature_header = \"X-Hub-Signature-256\"", "x-hub-signature-256")]
    {
        let http = backend(&format!("{}{secret}{table_header}", super::URL));
        for (body, signature, caller) in &table {
            let mut request = post(JSON, *body);
            if let Some(signature) = signature {
                request.headers_mut().insert(name, signature.parse().unwrap());
            }
            assert_eq!(http.0.authenticate(&request), *caller, "{body} {signature:?}");
        }
        assert_eq!(http.0.methods(), [Method::POST], "a query would not be signed");
    }

    let both = backend(&format!("{}{secret}token = {{ secret = \"TOKEN\" }}", super::URL));
    for (uri, signature, caller) in [
        ("/?token=s3cret", Some(good), Caller::Gateway),
        ("/?token=s3cret", None, Caller::NoCredentials),
        ("/?token=wrong", Some(good), Caller::WrongCredentials),
        ("/?token=wrong", None, Caller::WrongCredentials),
        ("/", Some(good), Caller::NoCredentials),
        ("/", Some("00"), Caller::NoCredentials),
    ] {
        let mut request = post(JSON, body);
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(signature) = signature {
            request.headers_mut().insert("x-signature", signature.parse().unwrap());
        }
        assert_eq!(both.0.authenticate(&request), caller, "{uri} {signature:?}");
    }
}
