//! The recorder follows its script.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use tests::http::get;
use tests::recorder::{Answer, Recorder, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "closed after {read:?}");
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_request_is_kept_byte_for_byte() {
    let recorder = Recorder::start().await.unwrap();
    recorder.script([Reply::text("hello").with_header("X-Test", "1").with_status(202)]);
    let mut stream = TcpStream::connect(recorder.address()).await.unwrap();
    stream
        .write_all(b"POST /a%2fb?x=%00%4e+%e9&x=2&y HTTP/1.1\r\nX-Two: 2\r\nContent-Length: 3\r\n\r\n\0\r\n")
        .await
        .unwrap();
    let answer = read_until(&mut stream, "hello").await;
    assert_eq!(
        answer,
        "HTTP/1.1 202 -\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nX-Test: 1\r\n\r\nhello"
    );
    let requests = recorder.wait_for(1, LIMIT).await.unwrap();
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a%2fb?x=%00%4e+%e9&x=2&y"));
    assert_eq!((request.path(), request.query()), ("/a%2fb", "x=%00%4e+%e9&x=2&y"));
    assert_eq!(request.param("x").unwrap(), b"\0N \xe9");
    assert_eq!(request.text("y").unwrap(), "");
    assert_eq!(request.param("z"), None);
    assert_eq!(request.header("x-two"), Some("2"));
    assert_eq!(request.body, b"\0\r\n");
}

#[tokio::test]
async fn requests_on_one_connection_share_its_number() {
    let recorder = Recorder::start().await.unwrap();
    let mut stream = TcpStream::connect(recorder.address()).await.unwrap();
    // Two requests come at once. The second waits in the buffer.
    stream.write_all(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").await.unwrap();
    recorder.wait_for(2, LIMIT).await.unwrap();
    get(&recorder.url("/3")).await.unwrap();
    let seen: Vec<_> =
        recorder.requests().into_iter().map(|request| (request.target, request.connection)).collect();
    assert_eq!(seen, [("/1".into(), 1), ("/2".into(), 1), ("/3".into(), 2)]);
    assert_eq!(recorder.connections(), 2);
}

#[tokio::test]
async fn a_script_is_followed_and_then_the_fallback() {
    let recorder = Recorder::start().await.unwrap();
    recorder.otherwise(|request| Reply::text(request.path()).into());
    recorder.script([Answer::CloseUnread, Answer::CloseAfterReading, Reply::status(503).into()]);
    assert!(get(&recorder.url("/unread")).await.is_err());
    assert_eq!(recorder.requests().len(), 0);
    assert!(get(&recorder.url("/read")).await.is_err());
    assert_eq!(recorder.requests().len(), 1);
    assert_eq!(get(&recorder.url("/busy")).await.unwrap().status, 503);
    assert_eq!(get(&recorder.url("/done")).await.unwrap().body, "/done");
}

#[tokio::test]
async fn a_hanging_request_stays_open_until_the_client_goes() {
    let recorder = Recorder::start().await.unwrap();
    recorder.script([Answer::Hang]);
    let mut stream = TcpStream::connect(recorder.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    recorder.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(recorder.open_connections(), 1);
    drop(stream);
    timeout(LIMIT, async {
        while recorder.open_connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_closes_everything_and_can_listen_again() {
    let mut recorder = Recorder::start().await.unwrap();
    let mut open = TcpStream::connect(recorder.address()).await.unwrap();
    open.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    recorder.wait_for(1, LIMIT).await.unwrap();
    recorder.refuse().await;
    assert_eq!(recorder.open_connections(), 0);
    assert!(TcpStream::connect(recorder.address()).await.is_err());
    recorder.listen_again().await.unwrap();
    assert_eq!(get(&recorder.url("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn waiting_in_vain_shows_what_came() {
    let recorder = Recorder::start().await.unwrap();
    get(&recorder.url("/only")).await.unwrap();
    let error = recorder.wait_for(2, Duration::from_millis(1)).await.unwrap_err();
    assert!(format!("{error:#}").contains("/only"), "{error:#}");
}
