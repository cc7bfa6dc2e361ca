//! An http backend in the whole stack: messages come in by form and by JSON, and go out by URL, form and JSON.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use aws_credential_types::Credentials;
use tests::http::{exchange, get};
use tests::recorder::{Recorder, Reply};
use threadless::ConnectionId;
use threadless::aws::{Access, http_client};
use threadless::project::Settings;
use threadless::settings::Surroundings;
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{Direction, History as _, State};
use threadless_local::Stack;

const LIMIT: Duration = Duration::from_secs(60);

async fn post(stack: &Stack, backend: &str, kind: &str, body: &str) -> (u16, String) {
    let request = format!(
        "POST /http/{backend}/ HTTP/1.1\r\nHost: local\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(stack.front, request.as_bytes()).await.unwrap().answer;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_as_forms_or_json_and_replies_go_out_as_the_settings_say() {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("thanks").into());
    let url = gateway.url("");
    let settings = format!(
        "[project]\nname = \"T\"\n\
         [backends.by-url]\nengine = \"http\"\noutgoing_url = \"{url}/send?key=1&to=%(identity)s&text=%(text)s\"\n\
         [backends.by-json]\nengine = \"http\"\nrespond = \"queue\"\noutgoing_url = \"{url}/%(backend)s\"\n\
         outgoing_method = \"json\"\ntoken = \"s3cret\"\n"
    );
    let stack = Stack::start(tests::stack::ephemeral(&settings)).await.unwrap();

    let form = "application/x-www-form-urlencoded";
    let text = "echo+100%25+%26+%23+%E1%88%B0+%28x%29s";
    let answer = post(&stack, "by-url", form, &format!("identity=%2B251&text={text}")).await;
    assert_eq!(answer, (200, "OK".to_owned()));
    let sent = gateway.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(sent[0].target, "/send?key=1&to=%2B251&text=100%25%20%26%20%23%20%E1%88%B0%20%28x%29s");

    let json = r#"{"identity":"b","text":"echo ሰላም","token":"s3cret"}"#;
    assert_eq!(post(&stack, "by-json", "application/json", json).await, (200, "OK".to_owned()));
    let sent = gateway.wait_for(2, LIMIT).await.unwrap();
    assert_eq!((sent[1].method.as_str(), sent[1].path()), ("POST", "/by-json"));
    let body: serde_json::Value = serde_json::from_slice(&sent[1].body).unwrap();
    assert_eq!((&body["identity"], &body["text"]), (&"b".into(), &"ሰላም".into()));

    let wrong = [
        ("by-json", "application/json", json.replace("s3cret", "x"), 403, "The token is wrong.\n"),
        ("by-json", form, "identity=1&text=x".to_owned(), 401, "The token of this backend is missing.\n"),
        ("by-url", form, String::new(), 400, "identity: is missing\ntext: is missing\n"),
        // The request of an authenticated provider is kept, so that nothing is lost.
        ("by-json", form, "token=s3cret".to_owned(), 200, "OK"),
        (
            "by-url",
            "text/xml",
            "<x/>".to_owned(),
            415,
            "content-type: is \"text/xml\": send application/x-www-form-urlencoded or application/json\n",
        ),
        ("none", form, String::new(), 404, "There is no such backend.\n"),
    ];
    for (backend, kind, body, status, words) in wrong {
        assert_eq!(post(&stack, backend, kind, &body).await, (status, words.to_owned()), "{backend} {body}");
    }
    assert_eq!(gateway.requests().len(), 2);
}

/// The further requirements of a gateway: credentials in the URL and in headers, and its own field names.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_gets_its_credentials_and_its_own_names() {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let (url, with_password) = (gateway.url("/send"), gateway.url("/send").replace("://", "://user:pass@"));
    let settings = format!(
        "[project]\nname = \"T\"\n\
         [backends.acme]\nengine = \"http\"\noutgoing_url = \"{url}\"\noutgoing_method = \"json\"\n\
         outgoing_identity = \"to\"\noutgoing_text = \"body\"\noutgoing_id = \"ref\"\nexpected_statuses = [202]\n\
         incoming_identity = \"from\"\nincoming_text = \"body\"\nincoming_id = \"ref\"\n\
         token = {{ secret = \"HTTP_TEST\", local = \"s3cret\" }}\n\
         headers = {{ Authorization = {{ secret = \"HTTP_TEST\", local = \"Bearer key\" }} }}\n\
         [backends.plain]\nengine = \"http\"\noutgoing_url = \"{with_password}\"\noutgoing_method = \"form\"\n\
         [backends.kannel]\nengine = \"kannel\"\nsendsms_url = \"{with_password}\"\n"
    );
    let stack = Stack::start(tests::stack::ephemeral(&settings)).await.unwrap();
    assert!(stack.backend_url("acme").ends_with("/http/acme/"), "{}", stack.backend_url("acme"));
    assert!(stack.backend_url("kannel").ends_with("/backend/kannel/"), "{}", stack.backend_url("kannel"));

    // This is one message, delivered twice. Numbers keep all their digits, so another number is another message.
    let json = |id: &str| format!(r#"{{"from": 251911, "body": "echo \ud83d\ude42", "ref": {id}}}"#);
    let ids = ["900719925474099312345", "900719925474099312345", "900719925474099312346"];
    for id in ids {
        let answer = post(&stack, "acme", "application/json", &json(id)).await;
        assert_eq!(answer, (401, "The token of this backend is missing.\n".to_owned()));
        let answer = post(&stack, "acme/?token=s3cret&x=", "application/json", &json(id)).await;
        assert_eq!(answer, (200, "OK".to_owned()));
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(&stack, "plain", form, "identity=+251&text=echo+a%26b").await.0, 200);
    let query = format!("{}?id=1&text=echo+x", stack.backend_url("kannel"));
    assert_eq!(get(&query).await.unwrap().status, 200);

    let sent = gateway.wait_for(4, LIMIT).await.unwrap();
    assert_eq!(sent.len(), 4, "{sent:#?}");
    for request in &sent[..2] {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/send"));
        assert_eq!(request.header("authorization"), Some("Bearer key"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!((&body["to"], &body["body"]), (&"251911".into(), &"🙂".into()));
    }
    // user:pass
    assert_eq!(sent[2].header("authorization"), Some("Basic dXNlcjpwYXNz"));
    assert!(sent[2].body.starts_with(b"identity=%2B251&text=a%26b&id="), "{:?}", sent[2]);
    assert_eq!(sent[3].header("authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!((sent[3].method.as_str(), sent[3].header("content-length")), ("GET", None));
}

/// The example in the shipped settings, without the comment signs.
#[test]
fn the_example_in_the_settings_is_valid() {
    let shipped = functions::SETTINGS;
    let at = shipped.find("# [backends.my-http-backend]").unwrap();
    let example: Vec<&str> =
        shipped[at..].lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    let text = format!("{}\n{}", &shipped[..at], example.join("\n"));
    let settings = Settings::read(&text, &functions::engines(), &Surroundings::local(&[])).unwrap();
    assert!(settings.backends.contains_key(&"my-http-backend".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_reports_by_the_id_that_it_was_given_is_in_the_history() {
    let gateway = Recorder::start().await.unwrap();
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\noutgoing_url = \"{}\"\noutgoing_method = \"json\"\n\
         token = \"s3cret\"\ndelivery_reports = true\n",
        gateway.url("/send")
    );
    let stack = Stack::start(tests::stack::ephemeral(&settings)).await.unwrap();
    let json = "application/json";
    let message = r#"{"identity":"+251","text":"echo x","token":"s3cret"}"#;
    assert_eq!(post(&stack, "h", json, message).await.0, 200);
    let sent = gateway.wait_for(1, LIMIT).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).unwrap();
    let id = body["id"].as_str().unwrap();
    let report = |id: &str, status: &str, token: &str| {
        serde_json::json!({ "id": id, "status": status, "detail": "err 0", "token": token }).to_string()
    };
    let table = [
        (report(id, "delivered", "wrong"), 403),
        (report(&id[1..], "delivered", "s3cret"), 403),
        (report(id, "gone", "s3cret"), 200),
        (report(id, "queued", "s3cret"), 200),
        (report(id, "Delivered", "s3cret"), 200),
        (report(id, "failed", "s3cret"), 200),
    ];
    for (body, status) in table {
        assert_eq!(post(&stack, "h/status", json, &body).await.0, status, "{body}");
    }
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    let store = DynamoStore::new(&access, http_client().unwrap(), "threadless");
    let who = ConnectionId::new("h".parse().unwrap(), "+251".parse().unwrap());
    let rows = store.history(&who, jiff::Timestamp::now(), 9).await.unwrap();
    let row = rows.iter().find(|row| row.direction == Direction::Out).unwrap();
    assert_eq!((row.state, row.detail.as_deref(), row.text.as_str()), (State::Delivered, Some("err 0"), "x"));
}
