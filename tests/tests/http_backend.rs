//! An http backend in the whole stack: in by form and by JSON, out by URL, form and JSON.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use local::{Stack, StackOptions};
use tests::http::exchange;
use tests::recorder::{Recorder, Reply};

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
    let stack = Stack::start(StackOptions::ephemeral(&settings)).await.unwrap();

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
        (
            "by-json",
            "application/json",
            json.replace("s3cret", "x"),
            403,
            "That is not this backend's token.\n",
        ),
        ("by-json", form, "identity=1&text=x".to_owned(), 401, "This backend wants its token.\n"),
        (
            "by-json",
            form,
            "token=s3cret".to_owned(),
            400,
            "identity: is missing: give the sender\ntext: is missing: give the text, which may be empty\n",
        ),
        (
            "by-url",
            "text/xml",
            "<x/>".to_owned(),
            400,
            "content-type: is \"text/xml\": send application/x-www-form-urlencoded or application/json\n",
        ),
        ("none", form, String::new(), 404, "There is no such backend.\n"),
    ];
    for (backend, kind, body, status, words) in wrong {
        assert_eq!(post(&stack, backend, kind, &body).await, (status, words.to_owned()), "{backend} {body}");
    }
    assert_eq!(gateway.requests().len(), 2);
}
