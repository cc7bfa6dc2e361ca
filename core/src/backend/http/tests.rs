//! Tests of the backend with its settings and with requests.

mod answering;
mod incoming;
mod outgoing;
mod provider;
mod shapes;
mod signatures;
mod status;

use async_trait::async_trait;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use sha2::Sha256;

use super::*;
use crate::backend::{AnyBackend, Engines, Fetched, TransportError};
use crate::model::message::{ConnectionId, MessageId};
use crate::project::{Settings, SettingsError};
use crate::settings::Surroundings;

fn settings(table: &str) -> Result<Settings, SettingsError> {
    let text = format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\n{table}");
    let secrets = [
        ("TOKEN", "s3cret"),
        ("KEY", "key"),
        ("API", "abc"),
        ("JEFE", "Jefe"),
        ("BASIC", "user:pass"),
        ("ADDRESS", "http://g/secret"),
        ("WHSEC", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"),
        ("BROKEN", "whsec_***"),
    ];
    Settings::read(&text, &Engines::standard(), &Surroundings::local(&secrets))
}

const URL: &str = "outgoing_url = \"http://g/?t=%(text)s\"\n";

fn backend(table: &str) -> AnyBackend {
    settings(table).unwrap().backends.into_values().next().unwrap().backend
}

fn post(kind: &str, body: &str) -> Request<Bytes> {
    let request = Request::post("/http/h/").header("content-type", kind);
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn form(body: &str) -> Request<Bytes> {
    post("application/x-www-form-urlencoded", body)
}

#[test]
fn a_message_is_read_from_a_form_a_query_or_json() {
    let plain = backend(URL);
    let json = |body: &str| post("application/json; charset=utf-8", body);
    let get = |query: &str| Request::get(format!("/http/h/?{query}")).body(Bytes::new()).unwrap();
    let table = [
        (form("identity=%2B251&text=hi+there"), "+251", "hi there", true),
        (form("text=&identity=1"), "1", "", true),
        (form("identity=1&text=%E1%88%B0&text=second"), "1", "ሰ", true),
        (form("identity=1&text=caf%E9"), "1", "café", false),
        (form("identity=a%26b&text=%00%26"), "a&b", "\0&", true),
        (post("", "identity=1&text=x"), "1", "x", true),
        (get("identity=1&text=x%20y"), "1", "x y", true),
        (json(r#"{"identity":"1","text":"ሰላም \ud83d\ude00"}"#), "1", "ሰላም 😀", true),
        (json(r#"{"identity":251911,"text":"x","more":null,"deep":{"a":1}}"#), "251911", "x", true),
    ];
    for (request, identity, text, exact) in table {
        let received = plain.0.decode(&request).unwrap();
        assert_eq!((received.identity.as_str(), received.text.as_str()), (identity, text), "{request:?}");
        assert_eq!(received.raw.is_none(), exact, "{request:?}");
    }
}

#[test]
fn fields_have_the_names_that_the_settings_give_them() {
    let named = backend(&format!(
        "{URL}incoming_identity = \"from\"\nincoming_text = \"body\"\nincoming_id = \"key\"\n\
         incoming_timestamp = \"at\"\nincoming_recipient = \"code\""
    ));
    let request = form("from=1&body=x&key=k1&at=2026-11-24T11:25:33Z&code=1234&net=mtn&token=t");
    let received = named.0.decode(&request).unwrap();
    assert_eq!((received.gateway_id.as_deref(), received.recipient.as_deref()), (Some("k1"), Some("1234")));
    assert_eq!(received.received_at, Timestamp::from_second(1_795_519_533).ok());
    let details: Vec<String> = received.details.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(details, ["net=mtn"]);
}

#[test]
fn faults_name_their_fields_all_at_once() {
    let plain = backend(URL);
    let long = format!("identity={}&text=x", "9".repeat(257));
    let table = [
        (form(""), vec!["identity", "text"]),
        (form("identity=&text=x"), vec!["identity"]),
        (form(&long), vec!["identity"]),
        (post("application/json", "[1]"), vec!["body"]),
        (post("application/json", "\"a\""), vec!["body"]),
        (post("application/json", "{"), vec!["body"]),
        (post("application/json", r#"{"identity":["1"]}"#), vec!["identity", "text"]),
        (post("text/xml", "<a/>"), vec!["content-type"]),
    ];
    for (request, fields) in table {
        let faults = plain.0.decode(&request).unwrap_err();
        let found: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(found, fields, "{request:?}");
    }
}

#[test]
fn the_token_and_the_signature_are_asked_for_where_they_are_set() {
    let token = backend(&format!("{URL}token = {{ secret = \"TOKEN\" }}"));
    let with = |name: &'static str, value: &str, mut request: Request<Bytes>| {
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let body = "identity=1&text=x";
    let table = [
        (form(body), Caller::NoCredentials),
        (form("identity=1&text=x&token=s3cret"), Caller::Gateway),
        (form("identity=1&text=x&token=wrong"), Caller::WrongCredentials),
        (with("authorization", "Bearer s3cret", form(body)), Caller::Gateway),
        (with("authorization", "bearer wrong", form(body)), Caller::WrongCredentials),
        (with("authorization", "Basic eDpzM2NyZXQ=", form(body)), Caller::Gateway),
    ];
    for (request, caller) in table {
        assert_eq!(token.0.authenticate(&request), caller, "{request:?}");
    }

    let signed =
        backend(&format!("{URL}signature_secret = {{ secret = \"KEY\" }}\nsignature_header = \"X-Sig\""));
    let signature = |body: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        mac.update(body.as_bytes());
        crate::util::hex::hex(&mac.finalize().into_bytes())
    };
    let right = signature(body);
    let table = [
        (form(body), Caller::NoCredentials),
        (with("x-sig", &right, form(body)), Caller::Gateway),
        (with("x-sig", &format!("sha256={}", right.to_uppercase()), form(body)), Caller::Gateway),
        (with("x-sig", &right, form("identity=2&text=x")), Caller::WrongCredentials),
        (with("x-sig", "none", form(body)), Caller::WrongCredentials),
    ];
    for (request, caller) in table {
        assert_eq!(signed.0.authenticate(&request), caller, "{request:?}");
    }
}

/// A transport that keeps the request it gets, and answers with a status and a text.
struct Catcher(std::sync::Mutex<Option<Request<Bytes>>>, StatusCode, &'static str);

#[async_trait]
impl Transport for Catcher {
    async fn fetch(&self, request: Request<Bytes>, _limit: Duration) -> Result<Fetched, TransportError> {
        *self.0.lock().unwrap() = Some(request);
        Ok(Fetched { status: self.1.as_u16(), body: Bytes::from_static(self.2.as_bytes()) })
    }
}

pub(super) fn name(outcome: &SendOutcome) -> &'static str {
    match outcome {
        SendOutcome::Accepted { .. } => "accepted",
        SendOutcome::Refused { .. } => "refused",
        SendOutcome::Deferred { .. } => "deferred",
        SendOutcome::Uncertain { .. } => "uncertain",
    }
}

pub(super) fn message(to: &str, text: &str) -> Outgoing {
    let connection = ConnectionId::new("h".parse().unwrap(), to.parse().unwrap());
    Outgoing::new(MessageId::from("m-1"), connection, text, Timestamp::UNIX_EPOCH)
}

async fn sent(table: &str, to: &str, text: &str, status: u16) -> (SendOutcome, Option<Request<Bytes>>) {
    let message = message(to, text);
    let catcher = Catcher(std::sync::Mutex::default(), StatusCode::from_u16(status).unwrap(), "");
    let outcome = backend(table).0.send(&message, &catcher, TIMEOUT).await;
    (outcome, catcher.0.into_inner().unwrap())
}

async fn url(template: &str, to: &str, text: &str) -> Option<Uri> {
    let (_, request) = sent(&format!("outgoing_url = \"{template}\""), to, text, 200).await;
    request.map(|request| request.uri().clone())
}

#[tokio::test]
async fn what_is_filled_into_a_url_cannot_change_it() {
    let query = "http://g/send?a=1&to=%(identity)s&t=%(text)s&i=%(id)s&b=%(backend)s";
    for text in ["x", "a&b=c", "#", "100% %(id)s %(text)s", "a b\n\r\0", "😀?/..", "..", "é+"] {
        let url = url(query, "+25 1&", text).await.unwrap();
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(url.query().unwrap().as_bytes()).into_owned().collect();
        let values: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["1", "+25 1&", text, "m-1", "h"], "{url}");
        assert_eq!((url.path(), url.host()), ("/send", Some("g")));
    }
    let path = "http://g/to/%(identity)s/%(text)s?end";
    assert_eq!(url(path, "1", "a/b?c").await.unwrap(), "http://g/to/1/a%2Fb%3Fc?end");
    for text in [".", ".."] {
        assert_eq!(url(path, "1", text).await, None, "{text} in a path leads elsewhere");
    }
    let long = "x".repeat(70_000);
    assert!(matches!(sent(URL, "1", &long, 200).await, (SendOutcome::Refused { .. }, None)));
}

#[tokio::test]
async fn a_message_is_posted_as_a_form_or_as_json() {
    let headers = "[backends.h.headers]\nx-api-key = { secret = \"API\" }\nx-plain = \"p\"";
    let table = format!("outgoing_url = \"http://g/%(backend)s\"\noutgoing_method = \"form\"\n{headers}");
    let request = sent(&table, "+1", "a&b ሰ", 200).await.1.unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/h"));
    assert_eq!(request.body().as_ref(), "identity=%2B1&text=a%26b+%E1%88%B0&id=m-1".as_bytes());
    let has = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(has(request.headers(), "x-api-key"), "abc");
    assert_eq!(has(request.headers(), "content-type"), "application/x-www-form-urlencoded");

    let table = "outgoing_url = \"http://g/\"\noutgoing_method = \"json\"\noutgoing_identity = \"to\"\n\
                 outgoing_text = \"body\"\noutgoing_id = \"ref\"";
    let request = sent(table, "+1", "\"\n\0", 200).await.1.unwrap();
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body, serde_json::json!({ "to": "+1", "body": "\"\n\0", "ref": "m-1" }));
}

#[tokio::test]
async fn the_answers_status_says_what_became_of_it() {
    let only = format!("{URL}expected_statuses = [202, 404]");
    let table = [
        (URL, 200, "accepted"),
        (URL, 204, "accepted"),
        (URL, 302, "deferred"),
        (URL, 400, "refused"),
        (URL, 401, "deferred"),
        (URL, 404, "deferred"),
        (URL, 422, "refused"),
        (URL, 429, "deferred"),
        (URL, 503, "deferred"),
        (URL, 511, "deferred"),
        (URL, 502, "uncertain"),
        (URL, 504, "uncertain"),
        (URL, 524, "uncertain"),
        (only.as_str(), 202, "accepted"),
        (only.as_str(), 404, "accepted"),
        (only.as_str(), 200, "deferred"),
    ];
    for (table, status, expected) in table {
        let found = match sent(table, "1", "x", status).await.0 {
            SendOutcome::Accepted { .. } => "accepted",
            SendOutcome::Refused { .. } => "refused",
            SendOutcome::Deferred { .. } => "deferred",
            SendOutcome::Uncertain { .. } => "uncertain",
        };
        assert_eq!(found, expected, "{status}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_field_by_field() {
    let table = [
        ("", vec!["outgoing_url"]),
        ("outgoing_url = \"http://%(identity)s/?%(text)s\"", vec!["outgoing_url"]),
        ("outgoing_url = \"http://g:%(id)s/?%(text)s\"", vec!["outgoing_url"]),
        ("outgoing_url = \"%(text)s\"", vec!["outgoing_url"]),
        ("outgoing_url = \"http://g/?to=%(identity)s\"", vec!["outgoing_url"]),
        ("outgoing_url = \"http://g/?%(text)s#x\"", vec!["outgoing_url"]),
        ("outgoing_url = \"http://g/?%(nobody)s%(text)s\"", vec!["outgoing_url"]),
        ("outgoing_url = \"http://g/?%(text\"", vec!["outgoing_url"]),
        ("outgoing_url = \"ftp://g/?%(text)s\"\nx = 1", vec!["outgoing_url", "x"]),
        ("outgoing_url = \"http://g/\"\noutgoing_method = \"PUT\"", vec!["outgoing_method"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nexpected_statuses = [2]", vec!["expected_statuses"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nexpected_statuses = []", vec!["expected_statuses"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nheaders = { \"a b\" = \"c\" }", vec!["headers.a b"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nheaders = { Host = \"c\" }", vec!["headers.Host"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nheaders = { a = \"\\n\" }", vec!["headers.a"]),
        ("outgoing_url = \"http://g/?%(text)s\"\noutgoing_text = \"id\"", vec!["outgoing_id"]),
        (
            "outgoing_url = \"http://g/?%(text)s\"\nincoming_text = \"\"\nincoming_id = \"token\"",
            vec!["incoming_id", "incoming_text"],
        ),
        ("outgoing_url = \"http://g/?%(text)s\"\nincoming_text = \"identity\"", vec!["incoming_text"]),
        ("outgoing_url = \"http://g/?%(text)s\"\nsignature_header = \"a b\"", vec!["signature_header"]),
    ];
    for (table, fields) in table {
        let faults = settings(table).err().unwrap().0;
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        assert_eq!(found, fields, "{table}");
    }
}

#[test]
fn a_password_in_the_url_does_not_show() {
    let mut fields = "outgoing_url = \"http://u:hunter2@g/?key=hunter2&t=%(text)s\"".to_owned();
    fields.push_str("\nheaders = { x-key = { secret = \"API\" } }");
    let text = format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"shown\"\n{fields}");
    let engines = Engines::standard().with("shown", |fields| {
        let shown = format!("{:?}", HttpGateway::from_fields(fields).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("abc"), "{shown}");
        None
    });
    let secrets = [("API", "abc")];
    let _ = Settings::read(&text, &engines, &Surroundings::local(&secrets));
}

#[tokio::test]
async fn what_an_answer_says_is_not_told() {
    let table = [
        ("queued as 17\nmore", "400: text of 17 bytes"),
        ("no route to +251911223344", "400: text of 25 bytes"),
        ("cannot send my secret with hunter2", "400: text of 34 bytes"),
        ("", "400: an empty answer"),
        (r#"{"to":"+251911223344"}"#, "400: JSON of 22 bytes"),
    ];
    for (body, expected) in table {
        let catcher = Catcher(std::sync::Mutex::default(), StatusCode::BAD_REQUEST, body);
        let message = message("+251911223344", "my secret");
        let outcome = backend(URL).0.send(&message, &catcher, TIMEOUT).await;
        assert_eq!(outcome, SendOutcome::Refused { detail: expected.to_owned() }, "{body:?}");
    }
}
