//! Requests of gateways, senders and browsers, as the endpoints get them.

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use sha2::Sha256;
use threadless::backend::{Reference, ReportKey};
use threadless::broadcast;
use threadless::settings::Secret;
use threadless::{ConnectionId, MessageId, Outgoing, Project, endpoint, tester};

use crate::inputs::hold;
use crate::{block_on, deadline, project};

/// The characters that no HTTP client can send in a query.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\');

/// Returns a URI with these bytes as its query, or `None` if no URI can be so long.
fn uri(path: &str, query: &[u8]) -> Option<Uri> {
    format!("{path}?{}", percent_encode(query, UNSENDABLE)).parse().ok()
}

fn get(path: &str, query: &[u8]) -> Option<Request<Bytes>> {
    Request::get(uri(path, query)?).body(Bytes::new()).ok()
}

fn post(path: &str, content_type: &str, body: &[u8]) -> Request<Bytes> {
    let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
    request.body(Bytes::copy_from_slice(body)).unwrap()
}

/// Checks every answer to a client: it is no 5xx, and a refusal names the faulty field.
#[track_caller]
fn answered(response: &Response<Bytes>) -> StatusCode {
    let (status, body) = (response.status(), String::from_utf8_lossy(response.body()));
    assert!(status.as_u16() < 500, "{status}: {body}");
    if [StatusCode::BAD_REQUEST, StatusCode::UNSUPPORTED_MEDIA_TYPE].contains(&status) {
        assert!(!body.is_empty() && body.len() < 100_000, "{status}: {} bytes", body.len());
        let names_a_field = |line: &str| {
            line.split_once(": ").is_some_and(|(field, problem)| !field.is_empty() && !problem.is_empty())
        };
        assert!(body.lines().any(names_a_field) || body.starts_with('{'), "{status}: {body}");
    }
    status
}

/// Sends a request to a backend of an engine.
#[track_caller]
fn ask(engine: &str, request: Option<Request<Bytes>>) -> Option<StatusCode> {
    Some(ask_in(&project(), engine, request?))
}

#[track_caller]
fn ask_in(project: &Project, engine: &str, request: Request<Bytes>) -> StatusCode {
    answered(&block_on(endpoint::serve(project, engine, request, deadline())))
}

#[test]
fn queries_of_kannel() {
    hold("kannel-query", |query| {
        ask("kannel", get("/backend/k/", query));
        // A caller without the token is refused, whatever else the request contains.
        let stranger = ask("kannel", get("/backend/guarded/", query));
        let has_token = query.windows(5).any(|five| five == b"t0ken");
        assert!(has_token || !stranger.is_some_and(|status| status.is_success()), "{stranger:?}");
        // A request of the gateway is kept or processed. Any other answer would only make the gateway repeat it.
        let of_gateway = ask("kannel", get("/backend/guarded/", &[b"token=t0ken&", query].concat()));
        let fine = of_gateway.is_none_or(|status| status == 200 || status == 413);
        // Only a query that contains a second token may be refused.
        assert!(fine || query.windows(5).any(|five| five == b"token"), "{of_gateway:?}");
    });
}

#[test]
fn forms_and_queries_of_http_gateways() {
    hold("http-form", |form| {
        ask("http", Some(post("/http/h/", "application/x-www-form-urlencoded", form)));
        ask("http", get("/http/h/", form));
    });
}

#[test]
fn json_of_http_gateways() {
    hold("http-json", |json| {
        ask("http", Some(post("/http/h/", "application/json", json)));
    });
}

#[test]
fn content_types_and_other_headers() {
    hold("header", |value| {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        let project = project();
        for name in
            [header::CONTENT_TYPE, header::AUTHORIZATION, header::COOKIE, header::HOST, header::ORIGIN]
        {
            for (engine, path) in
                [("http", "/http/h/"), ("http", "/http/signed/"), ("kannel", "/backend/guarded/")]
            {
                for method in [Method::GET, Method::POST] {
                    let mut request = post(path, "application/json", br#"{"identity":"1","text":"x"}"#);
                    *request.method_mut() = method;
                    request.headers_mut().insert(name.clone(), value.clone());
                    ask_in(&project, engine, request);
                }
            }
        }
    });
}

fn signature(body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap().chain_update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn signatures_guard_what_they_sign_and_nothing_else() {
    hold("http-json", |json| {
        let signed = |signature: &str| {
            let mut request = post("/http/signed/", "application/json", json);
            request.headers_mut().insert("x-signature", signature.parse().unwrap());
            request
        };
        let right = signature(json);
        let taken = ask("http", Some(signed(&right)));
        assert!(taken.is_some_and(|status| status != 401 && status != 403), "{taken:?}");
        let mut wrong = right.into_bytes();
        wrong[json.len() % 64] = if wrong[json.len() % 64] == b'0' { b'1' } else { b'0' };
        assert_eq!(
            ask("http", Some(signed(&String::from_utf8(wrong).unwrap()))),
            Some(StatusCode::FORBIDDEN)
        );
    });
    hold("header", |value| {
        let mut request = post("/http/signed/", "application/json", b"{}");
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        request.headers_mut().insert("x-signature", value);
        let status = ask("http", Some(request)).unwrap();
        assert!(status == 401 || status == 403, "{status}");
    });
}

#[test]
fn reports_that_nobody_signed_are_refused() {
    hold("report-query", |query| {
        let kannel = ask("kannel", get("/backend/guarded/dlr/", query));
        assert!(kannel.is_none_or(|status| [403, 413].contains(&status.as_u16())), "{kannel:?}");
        let report = |body: &[u8]| {
            let mut request = post("/http/signed/status/", "application/x-www-form-urlencoded", body);
            request.headers_mut().insert("x-signature", signature(body).parse().unwrap());
            ask("http", Some(request)).unwrap()
        };
        // A report without an id, whose body the provider signed, is kept for people to read.
        let named = String::from_utf8_lossy(query).split('&').any(|field| field.starts_with("id="));
        assert!(!named || !report(query).is_success());
        let forged = [b"id=forged&status=delivered&", query].concat();
        assert!(!report(&forged).is_success());
    });
}

#[test]
fn references_come_back_as_they_were_and_no_other_does() {
    let key = ReportKey::new(Some(&Secret::new("s3cret")));
    hold("reference", |name| {
        let backend = "signed".parse().unwrap();
        assert_eq!(key.open(&backend, &String::from_utf8_lossy(name)), None);
        let Ok(identity) = String::from_utf8_lossy(name).parse() else { return };
        let message = Outgoing::new(
            MessageId::random(),
            ConnectionId::new(backend.clone(), identity),
            "",
            jiff::Timestamp::from_millisecond(i64::try_from(name.len()).unwrap() << 30).unwrap(),
        );
        let reference = key.sign(&message);
        assert_eq!(key.open(&backend, &reference), Some(Reference::of(&message)));
        let mut changed = reference.clone().into_bytes();
        let at = name.len() % changed.len();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        // The last character has bits that the decoder ignores.
        let opened = key.open(&backend, &String::from_utf8(changed).unwrap());
        assert!(opened.is_none() || at + 1 == reference.len(), "{at} {reference}");
    });
}

#[test]
fn orders_of_broadcasts() {
    hold("send", |body| {
        let project = project();
        answered(&block_on(broadcast::endpoint::serve(&project, post("/send", "application/json", body))));
        for path in ["/send/", "/send/a7", "/send"] {
            if let Some(request) = get(path, body) {
                answered(&block_on(broadcast::endpoint::serve(&project, request)));
            }
        }
        let path = percent_encode(body, percent_encoding::NON_ALPHANUMERIC);
        if let Ok(uri) = format!("/send/{path}").parse::<Uri>() {
            let request = Request::get(uri).body(Bytes::new()).unwrap();
            answered(&block_on(broadcast::endpoint::serve(&project, request)));
        }
    });
}

#[test]
fn browsers_and_scripts_at_the_message_tester() {
    const PATHS: [&str; 7] = [
        "/httptester/",
        "/httptester/t/",
        "/httptester/t/1/",
        "/httptester/t/poll.json",
        "/httptester/t/send.json",
        "/httptester/t/login.html",
        "/httptester/assets.0/page.js",
    ];
    hold("http-form", |form| {
        for path in PATHS {
            let project = project();
            let posted = post(path, "application/x-www-form-urlencoded", form);
            let asked = [Some(posted), Some(post(path, "application/json", form)), get(path, form)];
            for request in asked.into_iter().flatten() {
                let status = block_on(tester::serve(&project, "httptester", request, deadline())).status();
                assert!(status.as_u16() < 500, "{path}: {status}");
            }
        }
    });
}
