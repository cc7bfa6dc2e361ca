//! Tests of the schemes of signatures. Each signature here is computed anew, by the description of its provider.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{URL, backend, settings};
use crate::backend::{AnyBackend, Caller};
use crate::util::hex::hex;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn sha1(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn sha256(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_519_533).unwrap()
}

fn signed(table: &str) -> AnyBackend {
    backend(&format!("{URL}signature_secret = {{ secret = \"KEY\" }}\n{table}"))
}

fn post(kind: &str, uri: &str, body: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::post(uri).header("content-type", kind);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

#[test]
fn an_hmac_may_be_sha1_or_sha256_in_hexadecimal_or_base64() {
    let body = "identity=1&text=x";
    let (one, two) = (sha1(b"key", body), sha256(b"key", body));
    let table = [
        ("", hex(&two), Caller::Gateway),
        ("", BASE64_STANDARD.encode(&two), Caller::Gateway),
        ("", format!("sha256={}", BASE64_STANDARD.encode(&two)), Caller::Gateway),
        ("", hex(&one), Caller::WrongCredentials),
        ("signature_hash = \"sha1\"", hex(&one), Caller::Gateway),
        ("signature_hash = \"sha1\"", format!("sha1={}", hex(&one)), Caller::Gateway),
        ("signature_hash = \"sha1\"", BASE64_STANDARD.encode(&one), Caller::Gateway),
        ("signature_hash = \"sha1\"", hex(&two), Caller::WrongCredentials),
        ("signature_hash = \"sha1\"", String::new(), Caller::WrongCredentials),
    ];
    for (table, signature, caller) in table {
        let request = post(FORM, "/", body, &[("x-signature", &signature)]);
        assert_eq!(signed(table).0.authenticate_at(&request, now()), caller, "{table} {signature}");
    }
}

#[test]
fn a_signed_time_holds_within_its_window() {
    let table = "signature_content = \"%(body)s%(timestamp)s\"\nsignature_window_seconds = 60";
    let (after, before) = (
        signed(table),
        signed("signature_content = \"v0:%(timestamp)s:%(body)s\"\nsignature_timestamp_header = \"X-Time\""),
    );
    let body = "{}";
    let signature = |content: &str| hex(&sha256(b"key", content));
    let table = [
        (&after, "x-timestamp", "1795519533", signature("{}1795519533"), Caller::Gateway),
        (&after, "x-timestamp", "1795519533000", signature("{}1795519533000"), Caller::Gateway),
        (&after, "x-timestamp", "1795519473", signature("{}1795519473"), Caller::Gateway),
        (&after, "x-timestamp", "1795519472", signature("{}1795519472"), Caller::WrongCredentials),
        (&after, "x-timestamp", "1795519593", signature("{}1795519593"), Caller::Gateway),
        (&after, "x-timestamp", "1795519594", signature("{}1795519594"), Caller::WrongCredentials),
        (&after, "x-timestamp", "1795519533", signature("{}1795519534"), Caller::WrongCredentials),
        (&after, "x-timestamp", "now", signature("{}now"), Caller::WrongCredentials),
        (&after, "x-other", "1795519533", signature("{}"), Caller::WrongCredentials),
        (&before, "x-time", "1795519533", signature("v0:1795519533:{}"), Caller::Gateway),
        (&before, "x-time", "1795519233", signature("v0:1795519233:{}"), Caller::Gateway),
        (&before, "x-time", "1795519232", signature("v0:1795519232:{}"), Caller::WrongCredentials),
    ];
    for (backend, header, time, signature, caller) in table {
        let request = post("application/json", "/", body, &[(header, time), ("x-signature", &signature)]);
        assert_eq!(backend.0.authenticate_at(&request, now()), caller, "{header} {time}");
    }
}

#[test]
fn twilio_signs_the_url_and_the_sorted_fields() {
    let own = signed("signature_scheme = \"twilio\"\nsignature_url = \"https://sms.example/\"");
    let by_host = signed("signature_scheme = \"twilio\"");
    let body = "To=%2B1555&Body=hi+there&From=%2B1444&Empty=";
    let signature = |url: &str, fields: &str| BASE64_STANDARD.encode(sha1(b"key", &format!("{url}{fields}")));
    let fields = "Bodyhi thereEmptyFrom+1444To+1555";
    let table = [
        (&own, body, signature("https://sms.example/http/h/?a=1", fields), Caller::Gateway),
        (&own, "Body=bye", signature("https://sms.example/http/h/?a=1", fields), Caller::WrongCredentials),
        (&own, body, signature("https://sms.example/http/h/?a=2", fields), Caller::WrongCredentials),
        (&own, body, signature("https://host.example/http/h/?a=1", fields), Caller::WrongCredentials),
        (&by_host, body, signature("https://host.example/http/h/?a=1", fields), Caller::Gateway),
        (&by_host, body, signature("https://host.example:443/http/h/?a=1", fields), Caller::Gateway),
        (&by_host, "", signature("https://host.example/http/h/?a=1", ""), Caller::Gateway),
    ];
    for (backend, body, signature, caller) in table {
        let headers = [("host", "host.example"), ("x-twilio-signature", signature.as_str())];
        let request = post(FORM, "/http/h/?a=1", body, &headers);
        assert_eq!(backend.0.authenticate_at(&request, now()), caller, "{body} {signature}");
    }
    assert_eq!(own.0.authenticate_at(&post(FORM, "/", "", &[]), now()), Caller::NoCredentials);
    // A body that is no form is covered by its hash in the query.
    let json = "{\"a\":1}";
    let uri = format!("/http/h/?bodySHA256={}", hex(&Sha256::digest(json)));
    let right = signature(&format!("https://sms.example{uri}"), "");
    let check = |body: &str, uri: &str, signature: &str| {
        own.0.authenticate_at(
            &post("application/json", uri, body, &[("x-twilio-signature", signature)]),
            now(),
        )
    };
    assert_eq!(check(json, &uri, &right), Caller::Gateway);
    assert_eq!(check("{\"a\":2}", &uri, &right), Caller::WrongCredentials);
    let bare = signature("https://sms.example/http/h/", "");
    assert_eq!(check(json, "/http/h/", &bare), Caller::WrongCredentials, "nothing signs the body");
    assert_eq!(own.0.methods(), [Method::GET, Method::POST], "the query is signed");
}

#[test]
fn standard_webhooks_are_read() {
    let http = backend(&format!(
        "{URL}signature_secret = {{ secret = \"WHSEC\" }}\nsignature_scheme = \"standard-webhooks\""
    ));
    let key: Vec<u8> = (0..24).collect();
    let sign = |content: &str| format!("v1,{}", BASE64_STANDARD.encode(sha256(&key, content)));
    let right = sign("msg_1.1795519533.{}");
    let old = sign("msg_1.1795519232.{}");
    let table = [
        ("webhook", "1795519533", right.clone(), "{}", Caller::Gateway),
        ("svix", "1795519533", right.clone(), "{}", Caller::Gateway),
        ("webhook", "1795519533", format!("v1,AAAA v1a,x {right}"), "{}", Caller::Gateway),
        ("webhook", "1795519533", right.replace("v1,", "v2,"), "{}", Caller::WrongCredentials),
        ("webhook", "1795519534", right.clone(), "{}", Caller::WrongCredentials),
        ("webhook", "1795519533", right.clone(), "{ }", Caller::WrongCredentials),
        ("webhook", "1795519232", old, "{}", Caller::WrongCredentials),
    ];
    for (prefix, time, signature, body, caller) in table {
        let names = ["id", "timestamp", "signature"].map(|name| format!("{prefix}-{name}"));
        let headers = [(names[0].as_str(), "msg_1"), (&names[1], time), (&names[2], &signature)];
        let request = post("application/json", "/", body, &headers);
        assert_eq!(http.0.authenticate_at(&request, now()), caller, "{prefix} {time} {signature}");
    }
    let request = post("application/json", "/", "{}", &[("webhook-signature", &right)]);
    assert_eq!(http.0.authenticate_at(&request, now()), Caller::NoCredentials, "no id and no time");
}

pub(super) fn jwt(key: &[u8], head: &str, claims: &str) -> String {
    let signed = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(head), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sha256(key, &signed));
    format!("{signed}.{signature}")
}

#[test]
fn a_json_web_token_is_checked_with_its_time_and_its_hash() {
    let http = signed("signature_scheme = \"jwt\"");
    let head = r#"{"alg":"HS256","typ":"JWT"}"#;
    let hash = hex(&Sha256::digest("{}"));
    let table = [
        (head, r#"{"exp":1795519600}"#.to_owned(), "key", Caller::Gateway),
        (head, r#"{"exp":1795519500}"#.to_owned(), "key", Caller::WrongCredentials),
        (head, r#"{"iat":1795519500}"#.to_owned(), "key", Caller::Gateway),
        (head, r#"{"iat":1795519000}"#.to_owned(), "key", Caller::WrongCredentials),
        (head, r#"{"exp":1795519600,"nbf":1795529600}"#.to_owned(), "key", Caller::WrongCredentials),
        (head, "{}".to_owned(), "key", Caller::WrongCredentials),
        (head, r#"{"exp":1795519600}"#.to_owned(), "other", Caller::WrongCredentials),
        (r#"{"alg":"none"}"#, r#"{"exp":1795519600}"#.to_owned(), "key", Caller::WrongCredentials),
        (head, format!(r#"{{"exp":1795519600,"payload_hash":"{hash}"}}"#), "key", Caller::Gateway),
        (head, r#"{"exp":1795519600,"payload_hash":"00"}"#.to_owned(), "key", Caller::WrongCredentials),
    ];
    for (head, claims, key, caller) in table {
        let token = format!("Bearer {}", jwt(key.as_bytes(), head, &claims));
        let request = post("application/json", "/", "{}", &[("authorization", &token)]);
        assert_eq!(http.0.authenticate_at(&request, now()), caller, "{head} {claims}");
    }
    for token in ["", "Bearer", "Bearer a.b.c", "Bearer ..", "a.b"] {
        let request = post("application/json", "/", "{}", &[("authorization", token)]);
        assert_eq!(http.0.authenticate_at(&request, now()), Caller::WrongCredentials, "{token}");
    }
    assert_eq!(http.0.methods(), [Method::POST]);
}

#[test]
fn the_clock_of_the_machine_is_the_default() {
    let http = signed("signature_content = \"%(timestamp)s.%(body)s\"");
    for (age, caller) in [(0, Caller::Gateway), (1000, Caller::WrongCredentials)] {
        let time = (Timestamp::now() - SignedDuration::from_secs(age)).as_second().to_string();
        let signature = hex(&sha256(b"key", &format!("{time}.x")));
        let request = post(FORM, "/", "x", &[("x-timestamp", &time), ("x-signature", &signature)]);
        assert_eq!(http.0.authenticate(&request), caller);
    }
}

#[test]
fn faulty_keys_are_named() {
    let table = [
        ("KEY", "signature_content = \"%(timestamp)s\"", vec!["signature_content"]),
        ("KEY", "signature_content = \"%(body)s%(url)s\"", vec!["signature_content"]),
        ("KEY", "signature_timestamp_header = \"x-time\"", vec!["signature_timestamp_header"]),
        (
            "KEY",
            "signature_header = \"a b\"\nsignature_hash = \"md5\"",
            vec!["signature_hash", "signature_header"],
        ),
        (
            "KEY",
            "signature_window_seconds = 0\nsignature_scheme = \"none\"",
            vec!["signature_scheme", "signature_window_seconds"],
        ),
        ("KEY", "signature_url = \"https://x/path\"", vec!["signature_url"]),
        ("BROKEN", "signature_scheme = \"standard-webhooks\"", vec!["signature_secret"]),
    ];
    for (secret, table, fields) in table {
        let table = format!("{URL}signature_secret = {{ secret = \"{secret}\" }}\n{table}");
        let faults = settings(&table).err().map(|problem| problem.0).unwrap_or_default();
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        assert_eq!(found, fields, "{table}");
    }
}
