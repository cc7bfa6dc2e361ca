//! The local stack in this process, and its exact answers to invalid requests. No such request leaves anything behind.

use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_credential_types::Credentials;
use serde_json::Value;
use tests::http::{Whole, exchange};
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};
use tests::services::{items, waiting};
use threadless::ConnectionId;
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{History as _, State};
use threadless_local::{Stack, StackOptions};

const TOKEN: &str = "correct-horse";

/// One request and its exact answer.
struct Case {
    request: Vec<u8>,
    status: u16,
    /// The headers without `date`, `content-length` and `connection`.
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
}

const PLAIN: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
const JSON: (&str, &str) = ("content-type", "application/json");
const NO_BACKEND: &str = "There is no such backend.\n";
const NO_ROUTE: &str = r#"{"message":"Not Found"}"#;
const NO_METHOD: &str = "This backend does not accept this HTTP method.\n";
const BOTH_MISSING: &str = "id: is missing: write id=%p in the get-url\ntext: is missing: write hex=%e in the get-url, or text=%b for an older Kannel\n";

/// Returns a GET with a usual Host.
fn get(target: &str) -> Vec<u8> {
    with("GET", target, "Host: 127.0.0.1", b"")
}

fn with(method: &str, target: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Returns a case that the function answers.
fn case(request: Vec<u8>, status: u16, body: &'static str) -> Case {
    Case { request, status, headers: &[PLAIN], body }
}

/// Returns a case that the front answers, as an HTTP API does.
fn front(request: Vec<u8>, status: u16, body: &'static str) -> Case {
    Case { request, status, headers: &[JSON], body }
}

/// Returns a case that the HTTP server itself answers, because it could not read the bytes as a request.
fn wire(request: impl Into<Vec<u8>>, status: u16) -> Case {
    Case { request: request.into(), status, headers: &[], body: "" }
}

/// Returns the requests to a wrong path or with a wrong method.
fn misdirected() -> Vec<Case> {
    let wrong_method = |method| Case {
        headers: &[("allow", "GET"), PLAIN],
        ..case(with(method, "/backend/open/?id=1&text=a", "Host: a", b"id=1&text=a"), 405, NO_METHOD)
    };
    vec![
        case(get("/backend/nobody/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/OPEN/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend//open/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/open%2Fx?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/%6Fpen/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/%00/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/%?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/%zz/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/%20/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/../open/?id=1&text=a"), 404, NO_BACKEND),
        case(get("/backend/{open}/?id=1&text=a"), 404, NO_BACKEND),
        front(get("/"), 404, NO_ROUTE),
        front(get("/backend"), 404, NO_ROUTE),
        front(get("/backend/?id=1&text=a"), 404, NO_ROUTE),
        front(get("//backend/open/?id=1&text=a"), 404, NO_ROUTE),
        front(get("/Backend/open/?id=1&text=a"), 404, NO_ROUTE),
        front(with("OPTIONS", "*", "Host: a", b""), 404, NO_ROUTE),
        wrong_method("POST"),
        wrong_method("DELETE"),
        wrong_method("BREW"),
        Case { body: "", ..wrong_method("HEAD") },
    ]
}

/// Returns the requests with an unusable message, at a backend that is open to anyone. Each line of an answer names a
/// field.
fn unusable() -> Vec<Case> {
    let long = format!("/backend/open/?text=a&id={}", "9".repeat(257));
    let empty = "id: an identity cannot be empty\n";
    vec![
        case(get("/backend/open/"), 400, BOTH_MISSING),
        case(get("/backend/open"), 400, BOTH_MISSING),
        case(get("/backend/open/and/more/?&&=&"), 400, BOTH_MISSING),
        case(get("http://elsewhere/backend/open/"), 400, BOTH_MISSING),
        case(get("/backend/open/?id=&text=a"), 400, empty),
        case(get("/backend/open/?id=%20&text=a"), 400, empty),
        case(get(&long), 400, "id: an identity has at most 256 bytes, not 257\n"),
        case(get("/backend/open/?id=1&hex=abc"), 400, "hex: must consist of pairs of hexadecimal digits\n"),
        case(
            get("/backend/open/?id=1&hex=%00%ff&text=a"),
            400,
            "hex: must consist of pairs of hexadecimal digits\n",
        ),
        case(
            get("/backend/open/?id=%p&text=%a"),
            400,
            "id: is missing: write id=%p in the get-url\n\
             text: was not filled in: write hex=%e in the get-url, or text=%b for an older Kannel\n",
        ),
        case(
            get("/backend/open/?id=&hex=6"),
            400,
            "id: an identity cannot be empty\nhex: must consist of pairs of hexadecimal digits\n",
        ),
        case(
            get("/backend/open/?id=1&hex=%e"),
            400,
            "hex: was not filled in: this Kannel does not know %e, so write text=%b in the get-url\n",
        ),
    ]
}

/// Returns the requests of callers that are not the gateway.
fn strangers() -> Vec<Case> {
    let nameless = |request| Case {
        headers: &[PLAIN, ("www-authenticate", "Basic realm=\"threadless\"")],
        ..case(request, 401, "The token of this backend is missing.\n")
    };
    let impostor = |request| case(request, 403, "The token is wrong.\n");
    let basic = |value: &str| {
        let header = format!("Host: a\r\nAuthorization: {value}");
        with("GET", "/backend/guarded/?id=1&text=a", &header, b"")
    };
    vec![
        nameless(get("/backend/guarded/?id=1&text=a")),
        nameless(get("/backend/guarded/?id=&text=")),
        nameless(basic("Basic !!!")),
        impostor(basic("Bearer Y29ycmVjdC1ob3JzZQ==")),
        impostor(get("/backend/guarded/?id=1&text=a&token=wrong")),
        impostor(get("/backend/guarded/?id=1&text=a&token=")),
        impostor(get("/backend/guarded/?token=correct-horse%00&id=1&text=a")),
        impostor(get("/backend/guarded/?token=wrong&token=correct-horse&id=1&text=a")),
        impostor(basic("Basic dXNlcjp3cm9uZw==")),
    ]
}

/// Returns the requests that are too large, or that no HTTP server takes.
fn wire_level() -> Vec<Case> {
    let too_long = r#"{"message":"Request Header Fields Too Large"}"#;
    let too_large = "The request is too large.\n";
    let body = vec![b'a'; (1 << 18) + 1];
    let bytes = |head: &[u8]| [b"GET ", head, b"\r\nConnection: close\r\n\r\n"].concat();
    vec![
        case(of_length(10_240), 400, BOTH_MISSING),
        front(of_length(10_241), 431, too_long),
        front(get(&format!("/backend/open/?id=1&text={}", "a".repeat(20_000))), 431, too_long),
        wire(get(&format!("/backend/open/?id=1&text={}", "a".repeat(200_000))), 431),
        case(with("GET", "/backend/open/?id=1&text=a", "Host: a", &body), 413, too_large),
        // Any Host is accepted, because nothing is looked up by it.
        case(with("GET", "/backend/open/", "Host: [", b""), 400, BOTH_MISSING),
        case(with("GET", "/backend/open/", "Host: a b", b""), 400, BOTH_MISSING),
        case(with("GET", "/backend/open/", "Host: ", b""), 400, BOTH_MISSING),
        case(with("GET", "/backend/open/", "Host: a:99999/?#@", b""), 400, BOTH_MISSING),
        case(with("GET", "/backend/open/", "Host: a\r\nHost: b", b""), 400, BOTH_MISSING),
        case(with("GET", "/backend/open/", "X-No-Host: 1", b""), 400, BOTH_MISSING),
        case(bytes(b"/backend/open/ HTTP/1.1\r\nHost: \xff\xfe"), 400, BOTH_MISSING),
        case(bytes(b"/backend/open/ HTTP/1.0"), 400, BOTH_MISSING),
        case(bytes("/backend/ሰላም/ HTTP/1.1\r\nHost: a".as_bytes()), 404, NO_BACKEND),
        case(bytes(b"/backend/open/?{}|\\^' HTTP/1.1\r\nHost: a"), 400, BOTH_MISSING),
        wire(bytes(b"/backend/open/?\"<> HTTP/1.1\r\nHost: a"), 400),
        wire(bytes(b"/backend/open/?\xff HTTP/1.1\r\nHost: a"), 400),
        wire(bytes(b"/backend/a b/ HTTP/1.1\r\nHost: a"), 400),
        wire(bytes(b"/backend/open/?id=\0 HTTP/1.1\r\nHost: a"), 400),
        wire(bytes(b"/backend/open/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1"), 400),
        wire(bytes(b"/backend/open/ HTTP/1.1\r\nHost: a\0"), 400),
        wire(bytes(b"/backend/open/ HTTP/7.0\r\nHost: a"), 400),
        wire("GET\r\n\r\n", 400),
        wire(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ]
}

/// Returns a request whose line and headers have this number of bytes, as an HTTP API counts them.
fn of_length(bytes: usize) -> Vec<u8> {
    let bare = get("/backend/open/?x=");
    let counted = bare.len() - "\r\n".len() * 5;
    get(&format!("/backend/open/?x={}", "a".repeat(bytes - counted)))
}

fn settings(gateway: &Recorder) -> String {
    let backend = |name: &str, more: &str| {
        let url = gateway.url("/cgi-bin/sendsms");
        format!("[backends.{name}]\nengine = \"kannel\"\nsendsms_url = \"{url}\"\n{more}\n")
    };
    let token = format!("respond = \"queue\"\ntoken = {{ secret = \"TEST_TOKEN\", local = \"{TOKEN}\" }}");
    format!("[project]\nname = \"Test\"\n{}{}", backend("open", ""), backend("guarded", &token))
}

async fn stack() -> Result<(Stack, Recorder)> {
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    Ok((Stack::start(tests::stack::ephemeral(&settings(&gateway))).await?, gateway))
}

fn shown(request: &[u8]) -> String {
    let start = &request[..request.len().min(100)];
    start.escape_ascii().to_string()
}

async fn assert_answer(stack: &Stack, case: &Case) -> Result<()> {
    let shown = shown(&case.request);
    let Whole { answer, mut headers } = exchange(stack.front, &case.request).await.context(shown.clone())?;
    for always in ["date", "content-length", "connection"] {
        headers.remove(always);
    }
    assert_eq!((answer.status, answer.body.as_str()), (case.status, case.body), "{shown}");
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, case.headers, "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_their_exact_answers_and_leave_nothing_behind() -> Result<()> {
    let (stack, gateway) = stack().await?;
    let cases = [misdirected(), unusable(), strangers(), wire_level()];
    for case in cases.iter().flatten() {
        assert_answer(&stack, case).await?;
    }
    // This is HTTP/2 without TLS. The connection is closed without an answer.
    assert!(exchange(stack.front, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.is_err());
    assert_eq!(items(stack.dynamodb).await?, [] as [Value; 0]);
    assert_eq!(waiting(&stack.queue_url).await?, 0);
    assert_eq!(waiting(&stack.dead_letters_url).await?, 0);
    assert!(gateway.requests().is_empty());

    // The stack still works as before.
    assert_answer(&stack, &case(get("/backend/open/?id=1112223333&text=echo+hello"), 200, "")).await?;
    assert_eq!(gateway.requests()[0].text("text").as_deref(), Some("hello"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_sends_and_nobody_can_use_is_kept_without_the_token() -> Result<()> {
    let (stack, gateway) = stack().await?;
    let basic = "Host: a\r\nAuthorization: Basic dXNlcjpjb3JyZWN0LWhvcnNl";
    let requests = [
        get("/backend/guarded/?id=&hex=zz&token=correct-horse&smsc=one"),
        get("/backend/guarded/?tok%65n=correct%2Dhorse&text=%00%ff"),
        with("GET", "/backend/guarded/?id=1&hex=123", basic, b""),
    ];
    for request in requests {
        assert_answer(&stack, &case(request, 200, "")).await?;
    }

    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    let store = DynamoStore::new(&access, http_client()?, "threadless");
    let mut kept = store.unusable(&"guarded".parse()?, jiff::Timestamp::now(), 10).await?;
    kept.sort_by(|a, b| a.raw.cmp(&b.raw));
    let (empty, odd) =
        ("id: an identity cannot be empty", "hex: must consist of pairs of hexadecimal digits");
    let kept: Vec<(&str, Vec<&str>)> = kept
        .iter()
        .map(|row| (row.raw.as_str(), row.problems.iter().map(String::as_str).collect()))
        .collect();
    let expected = [
        ("id=&hex=zz&token=&smsc=one", vec![empty, odd]),
        ("id=1&hex=123", vec![odd]),
        ("token=&text=%00%ff", vec!["id: is missing: write id=%p in the get-url"]),
    ];
    assert_eq!(kept, expected);

    let items = items(stack.dynamodb).await?;
    assert_eq!(items.len(), 3, "{items:?}");
    for item in items {
        assert_eq!(item["pk"]["S"], "B#guarded");
        assert!(item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("U#")), "{item}");
        assert!(!item.to_string().contains("horse"), "{item}");
    }
    assert_eq!(waiting(&stack.queue_url).await?, 0);
    assert!(gateway.requests().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_messages_are_messages() -> Result<()> {
    let (stack, gateway) = stack().await?;
    let guarded = |rest: &str| format!("/backend/guarded/?token=correct-horse&{rest}");
    let odd = [
        "/backend/open/?id=%00&text=echo+%00".to_owned(),
        "/backend/open/?id=a%23b&text=echo+%00".to_owned(),
        "/backend/open/?id=%ff%fe&text=echo+%ff".to_owned(),
        "/backend/open/x//%/?id=1&text=%zz%".to_owned(),
        guarded("id=%00&text=echo+%00%01"),
        guarded("id=2&hex=006500630068006F0020FFFFFFFEFFFFD800&charset=UTF-16BE&coding=2&mid=%00"),
        guarded(&format!("id={}&text=echo+{}", "9".repeat(256), "a".repeat(9_000))),
    ];
    for target in &odd {
        assert_answer(&stack, &case(get(target), 200, "")).await?;
    }
    // Each message has one reply, except a message that no app understood: this project has no default response.
    let replies = gateway.wait_for(odd.len() - 1, Duration::from_mins(1)).await?;
    assert_eq!(replies.len(), odd.len() - 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_that_is_pretended_reports_what_it_took() -> Result<()> {
    let (port, gateway) = (free_port()?, free_port()?);
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\n\
         sendsms_url = \"http://127.0.0.1:{gateway}/sendsms\"\ndelivery_report_url = \"http://127.0.0.1:{port}\"\n"
    );
    let options = StackOptions { port, gateway: Some(|_, _| {}), ..tests::stack::ephemeral(&settings) };
    let stack = Stack::start(options).await?;
    let target = "/backend/k/?id=1112223333&text=echo+hello";
    assert_eq!(exchange(stack.front, &get(target)).await?.answer.status, 200);
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    let store = DynamoStore::new(&access, http_client()?, "threadless");
    let who = ConnectionId::new("k".parse()?, "1112223333".parse()?);
    let begun = std::time::Instant::now();
    loop {
        let rows = store.history(&who, jiff::Timestamp::now(), 9).await?;
        if rows.iter().any(|row| row.state == State::Delivered && row.text == "hello" && row.attempts == 1) {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "not delivered: {rows:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
