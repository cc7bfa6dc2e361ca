//! Tests of the backend with its settings and with requests.

mod reports;

use async_trait::async_trait;
use jiff::Timestamp;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::backend::{AnyBackend, Engines, Fetched, TransportError};
use crate::model::message::{ConnectionId, MessageId};
use crate::project::{Settings, SettingsError};
use crate::settings::Surroundings;
use crate::text::gsm7;

fn settings(table: &str) -> Result<Settings, SettingsError> {
    let text = format!("[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\n{table}");
    let secrets = [("TOKEN", "s3cret"), ("PASSWORD", "a&b")];
    Settings::read(&text, &Engines::standard(), &Surroundings::local(&secrets))
}

fn kannel(table: &str) -> AnyBackend {
    let table = format!("sendsms_url = \"http://gateway:13013/cgi-bin/sendsms\"\n{table}");
    settings(&table).unwrap().backends.into_values().next().unwrap().backend
}

/// A transport that keeps the request it gets.
#[derive(Default)]
struct Catcher(std::sync::Mutex<Request<Bytes>>);

#[async_trait]
impl Transport for Catcher {
    async fn fetch(&self, request: Request<Bytes>, _limit: Duration) -> Result<Fetched, TransportError> {
        *self.0.lock().unwrap() = request;
        Ok(Fetched { status: 202, body: Bytes::from_static(b"0: Accepted for delivery") })
    }
}

async fn sent(backend: &AnyBackend, to: &str, text: &str) -> Result<String, SendOutcome> {
    requested(backend, to, text).await.map(|request| request.uri().to_string())
}

async fn requested(backend: &AnyBackend, to: &str, text: &str) -> Result<Request<Bytes>, SendOutcome> {
    let connection = ConnectionId::new("k".parse().unwrap(), to.parse().unwrap());
    let message = Outgoing::new(MessageId::random(), connection, text, Timestamp::UNIX_EPOCH);
    let catcher = Catcher::default();
    match backend.0.send(&message, &catcher, TIMEOUT).await {
        SendOutcome::Accepted { .. } => Ok(catcher.0.into_inner().unwrap()),
        other => Err(other),
    }
}

#[tokio::test]
async fn a_text_goes_out_in_the_shortest_coding_that_holds_it() {
    let url = "http://gateway:13013/cgi-bin/sendsms?";
    let auto = kannel("");
    let table = [
        ("hi @ €", "to=%2B251911&charset=UTF-8&coding=0&text=hi%20%40%20%E2%82%AC"),
        ("ሰላም", "to=%2B251911&coding=2&text=%120%12%0B%12%1D"),
        ("\0\u{ffff}", "to=%2B251911&coding=2&text=%00%00%FF%FF"),
        ("it’s", "to=%2B251911&coding=2&text=%00i%00t%20%19%00s"),
        ("", "to=%2B251911&charset=UTF-8&coding=0&text="),
        ("100% %(x)s", "to=%2B251911&charset=UTF-8&coding=0&text=100%25%20%25%28x%29s"),
    ];
    for (text, query) in table {
        assert_eq!(sent(&auto, "+251911", text).await, Ok(format!("{url}{query}")), "{text:?}");
    }
    let fold = kannel("fold = true");
    let folded = sent(&fold, "1", "it’s").await.unwrap();
    assert!(folded.ends_with("charset=UTF-8&coding=0&text=it%27s"), "{folded}");
}

#[tokio::test]
async fn the_originals_coding_charset_and_encode_errors_mean_what_they_meant() {
    let table = [
        ("coding = 0", "charset=US-ASCII&coding=0&text=aa"),
        ("coding = 0\nencode_errors = \"replace\"", "charset=US-ASCII&coding=0&text=a%3F%3Fa"),
        ("coding = 0\ncharset = \"latin-1\"", "charset=ISO-8859-1&coding=0&text=a%E9a"),
        ("coding = 2\ncharset = \"UTF-8\"", "charset=UTF-8&coding=2&text=a%C3%A9%E1%88%B0a"),
        ("coding = 2\ncharset = \"utf-16-be\"", "charset=UTF-16BE&coding=2&text=%00a%00%E9%120%00a"),
    ];
    for (table, query) in table {
        let url = sent(&kannel(table), "1", "aéሰa").await.unwrap();
        assert!(url.ends_with(query), "{table}: {url}");
    }
    let strict = kannel("coding = 0\nencode_errors = \"strict\"");
    assert!(matches!(sent(&strict, "1", "é").await, Err(SendOutcome::Refused { .. })));
}

#[tokio::test]
async fn the_parameters_of_the_settings_go_with_every_message() {
    let settings = settings(concat!(
        "sendsms_url = \"https://gateway/send?user=x\"\n",
        "sendsms_params = { smsc = \"usb0\", from = 1234, smc = \"old\", password = { secret = \"PASSWORD\" } }",
    ))
    .unwrap();
    let warnings: Vec<&str> = settings.warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(warnings, ["backends.k.sendsms_params.smc"]);
    let backend = settings.backends.into_values().next().unwrap().backend;
    let url = sent(&backend, "1", "x").await.unwrap();
    let start = "https://gateway/send?user=x&from=1234&password=a%26b&smc=old&smsc=usb0&to=1&";
    assert!(url.starts_with(start), "{url}");
}

/// Returns the bytes of the last parameter of a URL, as Kannel reads them.
fn last_param(url: &str) -> Vec<u8> {
    let (_, value) = url.rsplit_once('=').unwrap();
    assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{value}");
    percent_encoding::percent_decode_str(value).collect()
}

#[tokio::test]
async fn texts_go_out_byte_for_byte() {
    let basic: String =
        (0..0x80).filter(|code| *code != 0x1b).flat_map(|code| gsm7::decode(&[code])).flatten().collect();
    let gsm =
        [basic, "\u{c}^{}\\[~]|€".to_owned(), "x€".repeat(150), "+ %20&=#;\r\n".to_owned(), String::new()];
    for text in gsm {
        let url = sent(&kannel(""), "1", &text).await.unwrap();
        assert!(
            url.contains("&to=1&charset=UTF-8&coding=0&text=")
                || url.contains("?to=1&charset=UTF-8&coding=0&text=")
        );
        assert_eq!(last_param(&url), text.as_bytes(), "{text:?}");
    }
    let emoji = "👩\u{200d}💻 \u{200c}🙂";
    let unicode = [
        "ሰላም ነው?".repeat(38),
        "سلام عليكم".to_owned(),
        emoji.to_owned(),
        "\u{ffff}\0\u{1b}\u{feff}".to_owned(),
    ];
    for text in unicode {
        let url = sent(&kannel(""), "1", &text).await.unwrap();
        assert!(url.contains("?to=1&coding=2&text="), "{url}");
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(last_param(&url), units, "{text:?}");
    }
}

/// Kannel 1.4.5 sends a message with `to=1+2` to 1 and to 2.
#[tokio::test]
async fn a_recipient_that_kannel_would_take_for_two_is_refused() {
    for to in ["111 222", "111\n222", "111\t222", "111\u{b}222", " 111", "111 "] {
        assert!(matches!(sent(&kannel(""), to, "x").await, Err(SendOutcome::Refused { .. })), "{to:?}");
    }
    for (to, escaped) in
        [("+1", "%2B1"), ("1,2", "1%2C2"), ("1&to=2", "1%26to%3D2"), ("1\u{a0}2", "1%C2%A02")]
    {
        let url = sent(&kannel(""), to, "x").await.unwrap();
        assert!(url.contains(&format!("?to={escaped}&charset")), "{url}");
    }
}

#[tokio::test]
async fn a_charset_goes_by_the_name_that_iconv_has_for_it() {
    let table = [
        ("latin_1", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
        ("iso-8859-8-i", "ISO-8859-8"),
        ("x-mac-cyrillic", "MAC-CYRILLIC"),
        ("utf-16", "UTF-16BE"),
        ("utf_16_le", "UTF-16LE"),
    ];
    for (charset, label) in table {
        let url = sent(&kannel(&format!("coding = 2\ncharset = \"{charset}\"")), "1", "x").await.unwrap();
        assert!(url.contains(&format!("&charset={label}&coding=2&text=")), "{url}");
    }
}

#[tokio::test]
async fn what_would_be_given_twice_is_told() {
    let settings =
        settings("sendsms_url = \"http://g/?user=a&pass=b&smsc=x\"\nsendsms_params = { smsc = \"y\" }");
    let warnings = settings.unwrap().warnings;
    let fields: Vec<&str> = warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(fields, ["backends.k.sendsms_params.smsc"]);
}

#[test]
fn settings_that_cannot_work_are_refused_field_by_field() {
    let table = [
        ("", vec!["sendsms_url"]),
        ("sendsms_url = \"gateway:13013\"", vec!["sendsms_url"]),
        ("sendsms_url = \"/cgi-bin/sendsms\"", vec!["sendsms_url"]),
        ("sendsms_url = 5\ncoding = 3\nx = 1", vec!["coding", "sendsms_url", "x"]),
        ("sendsms_url = \"http://g\"\ncharset = \"utf-8\"\nfold = 1", vec!["charset", "fold"]),
        (
            "sendsms_url = \"http://g\"\ncoding = 0\ncharset = \"klingon\"\nfold = true",
            vec!["charset", "fold"],
        ),
        ("sendsms_url = \"http://g\"\ncoding = 0\ncharset = \"gsm\"", vec!["charset"]),
        ("sendsms_url = \"http://g/?coding=2&text=a\"", vec!["sendsms_url", "sendsms_url"]),
        ("sendsms_url = \"http://g\"\nsendsms_params = { to = \"1\" }", vec!["sendsms_params.to"]),
        ("sendsms_url = \"http://g\"\ntoken = { secret = \"NONE\" }", vec!["token.secret"]),
        ("sendsms_url = \"http://g\"\ntimeout_seconds = 0", vec!["timeout_seconds"]),
        ("sendsms_url = \"http://g\"\nrespond = \"later\"", vec!["respond"]),
    ];
    for (table, fields) in table {
        let faults = settings(table).err().unwrap().0;
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.k.")).collect();
        assert_eq!(found, fields, "{table}");
    }
}

#[test]
fn the_token_comes_by_query_by_basic_or_as_bearer() {
    let basic = |credentials: &str| format!("Basic {}", BASE64_STANDARD.encode(credentials));
    let table = [
        ("/?token=s3cret", None, Caller::Gateway),
        ("/?id=1&tok%65n=s3%63ret", None, Caller::Gateway),
        ("/?token=wrong", None, Caller::WrongCredentials),
        ("/?token=", None, Caller::WrongCredentials),
        ("/?id=1", None, Caller::NoCredentials),
        ("/", Some(basic("anyone:s3cret")), Caller::Gateway),
        ("/", Some(basic(":s3cret")), Caller::Gateway),
        ("/", Some(basic("s3cret:")), Caller::WrongCredentials),
        ("/", Some("Bearer s3cret".to_owned()), Caller::Gateway),
        ("/", Some("bearer  s3cret ".to_owned()), Caller::Gateway),
        ("/", Some("Bearer wrong".to_owned()), Caller::WrongCredentials),
        ("/?token=wrong", Some("Bearer s3cret".to_owned()), Caller::WrongCredentials),
        ("/", Some("s3cret".to_owned()), Caller::NoCredentials),
        ("/", Some("Basic ???".to_owned()), Caller::NoCredentials),
    ];
    let guarded = kannel("token = { secret = \"TOKEN\" }");
    for (uri, authorization, caller) in table {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(value) = &authorization {
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        assert_eq!(guarded.0.authenticate(&request), caller, "{uri} {authorization:?}");
    }
    assert_eq!(kannel("").0.authenticate(&Request::new(Bytes::new())), Caller::Anyone);
}

#[tokio::test]
async fn what_the_front_before_sendsms_wants_goes_with_every_message_and_does_not_show() {
    let guarded = kannel("sendsms_token = { secret = \"TOKEN\" }");
    let request = requested(&guarded, "1", "hi").await.unwrap();
    assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer s3cret");
    assert!(!format!("{request:?}").contains("s3cret"));
    assert_eq!(requested(&kannel(""), "1", "hi").await.unwrap().headers().len(), 0);
    let faulty = settings("sendsms_url = \"http://g/\"\nsendsms_token = \"a\\nb\"").err().unwrap();
    assert_eq!(faulty.0[0].field, "backends.k.sendsms_token");
}

#[tokio::test]
async fn replies_can_pass_bulk() {
    let both = kannel("priority_reply = 1\npriority_bulk = 0");
    let url = |backend: AnyBackend, in_reply_to: Option<MessageId>| async move {
        let mut message = Outgoing::new(
            MessageId::from("m-1"),
            ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()),
            "x",
            Timestamp::UNIX_EPOCH,
        );
        message.in_reply_to = in_reply_to;
        let catcher = Catcher::default();
        let _ = backend.0.send(&message, &catcher, TIMEOUT).await;
        catcher.0.into_inner().unwrap().uri().to_string()
    };
    assert!(url(both.clone(), Some(MessageId::from("in"))).await.contains("?priority=1&to=1&"));
    assert!(url(both, None).await.contains("?priority=0&to=1&"));
    assert!(!url(kannel("priority_reply = 3"), None).await.contains("priority"), "Kannel decides");
    let clash = settings("sendsms_url = \"http://g/?priority=2\"\npriority_reply = 1\npriority_bulk = 4");
    let fields: Vec<String> = clash.err().unwrap().0.into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["backends.k.priority_bulk", "backends.k.priority_reply"]);
    let clash = settings("sendsms_url = \"http://g/\"\nsendsms_params = { priority = 2 }\npriority_bulk = 1");
    assert_eq!(clash.err().unwrap().0[0].field, "backends.k.priority_bulk");
}
