//! Tests of the text that is kept of unreadable requests.

use proptest::prelude::*;

use super::*;

fn post(kind: &str, body: &[u8]) -> Request<Bytes> {
    let request = Request::post("/acme/clinic/?from=1&token=hunter2").header("content-type", kind);
    request.body(Bytes::copy_from_slice(body)).unwrap()
}

fn kept(kind: &str, body: &[u8]) -> String {
    let kept = whole(&post(kind, body));
    let head = format!("POST /acme/clinic/?from=1&token=***\ncontent-type: {kind}\n");
    kept.strip_prefix(&head).unwrap_or_else(|| panic!("{kept}")).to_owned()
}

#[test]
fn a_body_is_kept_to_the_letter_but_for_the_values_of_secret_fields() {
    let table = [
        ("text/plain", "hello\tthere\r\nሰላም", "hello\tthere\r\nሰላም"),
        ("application/json", r#"{"msisdn": 251911, "text": "a,\"b"#, r#"{"msisdn": 251911, "text": "a,\"b"#),
        (
            "application/json",
            r#"{"text":"x","api_key" : "hunter2","n":1.0000000000000000001}"#,
            r#"{"text":"x","api_key" : "***","n":1.0000000000000000001}"#,
        ),
        ("application/json", r#"{"token":"hunter2"#, r#"{"token":"***""#),
        ("application/json", r#"{"token":"hunt\"er2","a":1}"#, r#"{"token":"***","a":1}"#),
        ("application/json", r#"{"pin":86753,"a":1}"#, r#"{"pin":"***","a":1}"#),
        ("application/json", r#"[{"auth":["hunter2",{"x":"hunter2"}],"a":1}]"#, r#"[{"auth":"***","a":1}]"#),
        (
            "application/json",
            r#"{"deep":{"password":null,"b":"token"}}"#,
            r#"{"deep":{"password":"***","b":"token"}}"#,
        ),
        (
            "application/x-www-form-urlencoded",
            "text=caf%E9+x&to%6ben=hunter2&id=&token",
            "text=caf%E9+x&to%6ben=***&id=&token",
        ),
        ("", "password=hunter2", "password=***"),
        (
            "text/xml",
            "<m key='hunter2' id=\"7\"><s:token>hunter2</s:token><text>a &amp; b</text><password/></m>",
            "<m key=\"***\" id=\"7\"><s:token>***</s:token><text>a &amp; b</text><password/></m>",
        ),
        ("text/xml", "<token>hunter2", "<token>***"),
        ("application/json", "", ""),
    ];
    for (kind, body, expected) in table {
        assert_eq!(kept(kind, body.as_bytes()), format!("\n{expected}"), "{kind} {body}");
    }
}

#[test]
fn what_is_no_text_is_kept_in_base64() {
    let table: [(&[u8], &[u8]); 4] = [
        (b"\0\x01\xfe\xff", b"\0\x01\xfe\xff"),
        (b"caf\xe9", b"caf\xe9"),
        (b"a\0b", b"a\0b"),
        (b"{\"token\":\"hunter2\",\"text\":\"caf\xe9\"}", b"{\"token\":\"***\",\"text\":\"caf\xe9\"}"),
    ];
    for (body, expected) in table {
        let expected = BASE64_STANDARD.encode(expected);
        assert_eq!(kept("x/y", body), format!("content-transfer-encoding: base64\n\n{expected}"));
    }
}

#[test]
fn headers_are_kept_that_may_be_a_part_of_the_message() {
    let request = Request::get("/acme/clinic/")
        .header("x-kannel-from", "+251911")
        .header("x-api-key", "hunter2")
        .header("x-forwarded-for", "10.0.0.1")
        .header("authorization", "Bearer hunter2")
        .header("user-agent", "curl")
        .body(Bytes::new())
        .unwrap();
    assert_eq!(whole(&request), "GET /acme/clinic/\nx-kannel-from: +251911\nx-api-key: ***\n\n");
}

#[test]
fn the_secrets_of_the_settings_are_found_by_their_value_however_they_are_escaped() {
    let secrets = [Secret::new("p\"w &é+1"), Secret::new("p\"w &é+1 and more"), Secret::new("abc")];
    let secret = secrets[0].reveal();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = percent_encode(secret.as_bytes(), ESCAPED).to_string();
    let json = serde_json::to_string(secret).unwrap();
    let request = Request::post(format!("/x/y/?a={form}&b={percent}&c={}&d=abc", percent.to_lowercase()))
        .header("authorization", "Basic x")
        .header("cookie", "x")
        .header("x-more", "abcd")
        .body(Bytes::from(format!("{{\"a\":{json},\"b\":\"{secret}\",\"text\":\"keep\"}}\0")))
        .unwrap();
    let kept = without_secrets(&request, &secrets);
    assert_eq!(kept.uri(), "/x/y/?a=***&b=***&c=***&d=abc");
    assert_eq!(kept.body().as_ref(), b"{\"a\":\"***\",\"b\":\"***\",\"text\":\"keep\"}\0");
    assert_eq!(kept.headers().keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["x-more"]);
    assert_eq!(text_without_secrets(&format!("a {secret} and more b"), &secrets), "a *** b");
    assert_eq!(without_secrets(&request, &[]).body(), request.body());
}

#[test]
fn what_is_cut_off_is_told() {
    assert_eq!(bounded("abc".to_owned(), 3), ("abc".to_owned(), false));
    assert_eq!(bounded("abéd".to_owned(), 3), ("ab\n… cut off here; the whole has 5 bytes".to_owned(), true));
}

proptest! {
    #[test]
    fn any_body_is_kept_and_whatever_follows_a_secrets_name_is_not(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        text in "[\"{}\\[\\],:<>='& \\\\a-z\n]{0,80}",
    ) {
        let shown = whole(&post("x/y", &body));
        prop_assert!(shown.starts_with("POST /acme/clinic/?from=1&token=***\n"));
        for kept in [scan::json(&text), scan::xml(&text), scan::form(&text)] {
            prop_assert!(kept.len() <= text.len() * 3 + 16, "{kept}");
        }
        let shown = scan::json(&format!("{{\"token\": \"hunter2\", {text}"));
        prop_assert!(!shown.contains("hunter2"), "{shown}");
    }
}
