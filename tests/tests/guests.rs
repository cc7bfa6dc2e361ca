//! Access to the local stack, and its time limits: pages of other sites, clients that are slow on purpose, and very
//! many clients.

// These lints do not matter in tests.
#![allow(clippy::format_collect, clippy::type_complexity)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::http::{Whole, exchange};
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};
use tests::services::{ask, items, waiting};
use threadless_local::{Stack, StackOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit of each step.
const LIMIT: Duration = Duration::from_mins(3);

/// Settings with a backend without a token, one with a token, a tester and `/send`.
fn settings(gateway: &Recorder) -> String {
    let kannel = format!("engine = \"kannel\"\nsendsms_url = \"{}\"\n", gateway.url("/cgi-bin/sendsms"));
    format!(
        "[project]\nname = \"T\"\n[backends.open]\n{kannel}[backends.guarded]\n{kannel}\
         token = {{ secret = \"TEST_TOKEN\", local = \"correct-horse\" }}\n\
         [backends.tester]\nengine = \"httptester\"\n"
    )
}

async fn stack(allowed: &[&str]) -> Result<(Stack, Recorder)> {
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let allow_hosts = allowed.iter().map(|host| host.parse()).collect::<Result<_, _>>()?;
    let options = StackOptions { allow_hosts, ..tests::stack::ephemeral(&settings(&gateway)) };
    Ok((Stack::start(options).await?, gateway))
}

/// Returns a request with these headers.
fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn status(address: SocketAddr, request: &[u8]) -> Result<u16> {
    Ok(exchange(address, request).await?.answer.status)
}

const ORDER: &str = r#"{"key":"k","text":"x","recipients":["open:1"]}"#;
const CALL: &str = r#"{"identity":"1"}"#;
const SENT: &str = r#"{"messages":[{"identity":"1","text":"echo hi"}]}"#;

/// The requests that the tester and `/send` answer.
const PRIVATE: [(&str, &str, &str); 11] = [
    ("GET", "/httptester/", ""),
    ("GET", "/httptester", ""),
    ("GET", "/httptester/tester/", ""),
    ("GET", "/httptester/tester/1/", ""),
    ("HEAD", "/httptester/tester/1/", ""),
    ("POST", "/httptester/tester/poll.json", CALL),
    ("POST", "/httptester/tester/log.json", CALL),
    ("POST", "/httptester/tester/send.json", SENT),
    ("POST", "/httptester/tester/", "identity=1&text=echo+hi"),
    ("POST", "/send", ORDER),
    ("GET", "/send/k?recipients", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_host_leads_here_reads_nothing_and_sends_nothing() -> Result<()> {
    let (stack, gateway) = stack(&["Stack.Example.org"]).await?;
    let port = stack.front.port();
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("x.stack.example.org:{port}"),
        format!("evil.localhost:{port}"),
        format!("192.0.2.1:{port}"),
        format!("a:{port}"),
        String::new(),
    ];
    let json = ("Content-Type", "application/json");
    for (method, target, body) in PRIVATE {
        for host in &foreign {
            let origin = format!("http://{host}");
            let page = request(method, target, &[("Host", host), ("Origin", &origin), json], body);
            assert_eq!(status(stack.front, &page).await?, 403, "{method} {target} {host}");
            let script = request(method, target, &[("Host", host), json], body);
            assert_eq!(status(stack.front, &script).await?, 403, "{method} {target} {host}");
        }
        for headers in [
            &[json][..],
            &[("Host", "127.0.0.1"), ("Host", "evil.example"), json],
            &[("Host", "evil.example"), ("Host", "127.0.0.1"), json],
        ] {
            let odd = request(method, target, headers, body);
            assert_eq!(status(stack.front, &odd).await?, 403, "{method} {target} {headers:?}");
        }
        let absolute =
            request(method, &format!("http://evil.example{target}"), &[("Host", "127.0.0.1"), json], body);
        assert_eq!(status(stack.front, &absolute).await?, 403, "{method} {target}");
    }
    assert_eq!(items(stack.dynamodb).await?, [] as [Value; 0]);
    assert_eq!(waiting(&stack.queue_url).await?, 0);
    assert!(gateway.requests().is_empty());

    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "127.0.0.2",
        "stack.example.org",
        "stack.example.org.",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let page = request("GET", "/httptester/tester/1/", &[("Host", &host)], "");
            assert_eq!(status(stack.front, &page).await?, 200, "{host}");
            let order = request("POST", "/send", &[("Host", &host), json], ORDER);
            assert_eq!(status(stack.front, &order).await?, 202, "{host}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_the_queues_and_the_pretended_gateway_are_not_for_pages_either() -> Result<()> {
    let gateway = free_port()?;
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\nsendsms_url = \"http://127.0.0.1:{gateway}/x\"\n"
    );
    let options = StackOptions { gateway: Some(|_, _| {}), ..tests::stack::ephemeral(&settings) };
    let stack = Stack::start(options).await?;
    let sqs: SocketAddr = stack.queue_url.split('/').nth(2).context("no host")?.parse()?;
    let gateway = SocketAddr::from(([127, 0, 0, 1], gateway));
    let sent = request("GET", "/x?to=1&text=a+secret", &[("Host", "127.0.0.1")], "");
    assert_eq!(status(gateway, &sent).await?, 202);

    let scan = (stack.dynamodb, "DynamoDB_20120810.Scan", json!({ "TableName": "threadless" }).to_string());
    let receive = (sqs, "AmazonSQS.ReceiveMessage", json!({ "QueueUrl": stack.queue_url }).to_string());
    for (address, target, body) in [scan, receive] {
        let asked = |host: &str| {
            let origin = format!("http://{host}");
            let headers = [
                ("Host", host),
                ("Origin", origin.as_str()),
                ("X-Amz-Target", target),
                ("Content-Type", "application/x-amz-json-1.0"),
            ];
            request("POST", "/", &headers, &body)
        };
        let rebound = exchange(address, &asked("evil.example:8001")).await?;
        assert!((400..=403).contains(&rebound.answer.status), "{rebound:?}");
        assert!(rebound.answer.body.contains("AccessDeniedException"), "{rebound:?}");
        // A page of another origin may send a request. But a browser lets it neither send such headers nor read the
        // answer.
        let preflight = [
            ("Host", "127.0.0.1"),
            ("Origin", "http://evil.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "x-amz-target,content-type,authorization"),
        ];
        for request in [request("OPTIONS", "/", &preflight, ""), asked("127.0.0.1")] {
            let Whole { headers, .. } = exchange(address, &request).await?;
            let allowing = headers.keys().find(|name| name.starts_with("access-control-"));
            assert_eq!(allowing, None, "{target}");
        }
    }
    let page = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    assert_eq!(status(gateway, &request("GET", "/taken", &page, "")).await?, 403);
    let page = [("Host", "127.0.0.1"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(status(gateway, &request("GET", "/x?to=1&text=a", &page, "")).await?, 403);
    let whole = exchange(gateway, &request("GET", "/taken", &[("Host", "localhost")], "")).await?;
    assert!(whole.answer.status == 200 && whole.answer.body.contains("a+secret"), "{whole:?}");
    // Clients of this machine are still answered.
    ask(stack.dynamodb, "DynamoDB_20120810.Scan", &json!({ "TableName": "threadless" })).await?;
    assert_eq!(waiting(&stack.queue_url).await?, 0);
    Ok(())
}

/// A gateway may call a backend with a token by any host name, through proxies and tunnels. A backend without a token
/// takes nothing from web pages.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_call_by_any_name_and_pages_of_other_sites_get_nothing_in() -> Result<()> {
    let (stack, gateway) = stack(&[]).await?;
    let guarded = "/backend/guarded/?token=correct-horse&id=1&text=echo+a";
    let open = "/backend/open/?id=1&text=echo+a";
    let site = ("Host", "abc123.execute-api.eu-west-1.amazonaws.com");
    let table: [(&str, &[(&str, &str)], u16); 13] = [
        (guarded, &[site], 200),
        (guarded, &[("Host", "a")], 200),
        (guarded, &[("Host", "127.0.0.1")], 200),
        (open, &[("Host", "127.0.0.1")], 200),
        (open, &[("Host", "gateway")], 200),
        (open, &[("Host", "192.168.7.5:8000")], 200),
        (open, &[], 200),
        (open, &[("Host", "127.0.0.1"), ("Sec-Fetch-Site", "none")], 200),
        (open, &[("Host", "127.0.0.1"), ("Sec-Fetch-Site", "same-origin")], 200),
        (open, &[site], 403),
        (open, &[("Host", "evil.example:8000")], 403),
        (open, &[("Host", "127.0.0.1"), ("Sec-Fetch-Site", "cross-site")], 403),
        (open, &[("Host", "127.0.0.1"), ("Sec-Fetch-Site", "same-site")], 403),
    ];
    let mut expected = 0;
    for (target, headers, wanted) in table {
        assert_eq!(
            status(stack.front, &request("GET", target, headers, "")).await?,
            wanted,
            "{target} {headers:?}"
        );
        expected += usize::from(wanted == 200);
    }
    gateway.wait_for(expected, LIMIT).await?;
    assert_eq!(gateway.requests().len(), expected);
    Ok(())
}

/// Sends these bytes and no more. Returns the status of the answer, or `None` if the connection is closed without one.
async fn cut(address: SocketAddr, bytes: &[u8]) -> Result<Option<u16>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    answered(&mut stream).await
}

async fn answered(stream: &mut TcpStream) -> Result<Option<u16>> {
    let mut answer = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut answer)).await.context("it waits for ever")?;
    let line = String::from_utf8_lossy(&answer);
    Ok(line.split(' ').nth(1).and_then(|status| status.parse().ok()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_400_and_no_message() -> Result<()> {
    let (stack, gateway) = stack(&[]).await?;
    let head = "POST /httptester/tester/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let table = [
        format!("{head}Content-Length: 100\r\n\r\nidentity=1&text=hi"),
        format!("{head}Content-Length: 100\r\n\r\n"),
        format!("{chunked}12\r\nidentity=1&text=hi\r\n"),
        format!("{chunked}12\r\nidentity=1&te"),
        format!("{chunked}zz\r\nidentity=1&text=hi\r\n0\r\n\r\n"),
        format!("{chunked}-1\r\nidentity=1&text=hi\r\n0\r\n\r\n"),
        format!("{chunked}12\r\nidentity=1&text=hi and more\r\n0\r\n\r\n"),
        format!("{chunked}fffffffffffffffff\r\nidentity=1&text=hi\r\n0\r\n\r\n"),
    ];
    for request in table {
        assert_eq!(cut(stack.front, request.as_bytes()).await?, Some(400), "{request}");
    }
    let too_large = format!("{head}Content-Length: 10000001\r\n\r\n");
    assert_eq!(cut(stack.front, too_large.as_bytes()).await?, Some(413));
    assert_eq!(items(stack.dynamodb).await?, [] as [Value; 0]);
    assert!(gateway.requests().is_empty());
    let whole = format!("{chunked}12\r\nidentity=1&text=hi\r\n0\r\n\r\n");
    assert_eq!(
        status(stack.front, whole.replace("Host: ", "Connection: close\r\nHost: ").as_bytes()).await?,
        200
    );
    Ok(())
}

/// Sends one byte at a time until the other side closes the connection.
async fn drip(address: SocketAddr, head: &str) -> Result<Option<u16>> {
    let (mut reading, mut writing) = TcpStream::connect(address).await?.into_split();
    writing.write_all(head.as_bytes()).await?;
    let dripping = async {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let mut answer = Vec::new();
    let reading = async {
        let _ = reading.read_to_end(&mut answer).await;
    };
    timeout(LIMIT, async {
        tokio::select! { () = dripping => {}, () = reading => {} }
    })
    .await
    .context("it is never cut off")?;
    let line = String::from_utf8_lossy(&answer);
    Ok(line.split(' ').nth(1).and_then(|status| status.parse().ok()))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_on_purpose_is_cut_off() -> Result<()> {
    let (stack, _gateway) = stack(&[]).await?;
    let host = "Host: 127.0.0.1\r\n";
    let body = format!(
        "POST /send HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
    );
    let head = format!("GET /backend/open/?id=1&text=hi HTTP/1.1\r\n{host}X-Slow: ");
    let (body, head, line, silent) = tokio::join!(
        drip(stack.front, &body),
        drip(stack.front, &head),
        drip(stack.front, "GET /backend/open/?id=1&text="),
        async {
            let mut stream = TcpStream::connect(stack.front).await?;
            answered(&mut stream).await
        }
    );
    assert_eq!((body?, head?, line?, silent?), (Some(408), None, None, None));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_many_connections_holds_up_the_others_for_no_longer_than_one() -> Result<()> {
    let (stack, _gateway) = stack(&[]).await?;
    let mut held = Vec::new();
    for _ in 0..400 {
        let Ok(Ok(mut stream)) = timeout(Duration::from_secs(2), TcpStream::connect(stack.front)).await
        else {
            break;
        };
        stream.write_all(b"GET /backend/open/?id=1").await?;
        held.push(stream);
    }
    ensure!(held.len() > 256, "only {} connections", held.len());
    let begun = Instant::now();
    let target = "/backend/open/?id=1&text=hi";
    loop {
        let asked = exchange(stack.front, &request("GET", target, &[("Host", "127.0.0.1")], "")).await;
        if asked.is_ok_and(|whole| whole.answer.status == 200) {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "nobody else is answered");
    }
}

/// Clients such as the AWS SDKs keep a connection open for minutes after its last request.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_only_kept_keep_nobody_out() -> Result<()> {
    let (stack, _gateway) = stack(&[]).await?;
    let mut kept = Vec::new();
    for nth in 0..300 {
        let mut stream = TcpStream::connect(stack.dynamodb).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await?;
        let mut status = [0; 12];
        let answer = timeout(Duration::from_secs(60), stream.read_exact(&mut status)).await;
        ensure!(matches!(answer, Ok(Ok(_))) && status == *b"HTTP/1.1 400", "connection {nth}: {answer:?}");
        kept.push(stream);
    }
    Ok(())
}

/// Unfinished bodies use all memory that is reserved for them. Further requests are told to come again later.
#[tokio::test(flavor = "multi_thread")]
async fn the_memory_for_bodies_has_an_end() -> Result<()> {
    let (stack, _gateway) = stack(&[]).await?;
    let head = "POST /send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n";
    let mut bodies = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let address = stack.front;
        bodies.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(head.as_bytes()).await?;
            // The other side may answer before it has read everything.
            let _ = stream.write_all(&vec![b' '; 8_999_999]).await;
            answered(&mut stream).await
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = bodies.join_next().await {
        answers.push(answer??);
    }
    // The requests that had room end as slow ones. A reset may swallow the answer to the others.
    let slow = answers.iter().filter(|answer| **answer == Some(408)).count();
    assert!((1..=7).contains(&slow), "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Some(408 | 503) | None)), "{answers:?}");
    let target = "/backend/open/?id=1&text=hi";
    assert_eq!(status(stack.front, &request("GET", target, &[("Host", "127.0.0.1")], "")).await?, 200);
    Ok(())
}

/// The stack listens on 127.0.0.1 alone. Another address of the same machine is refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_stack_listens_on_the_loopback_alone() -> Result<()> {
    let (stack, _gateway) = stack(&[]).await?;
    let sqs: SocketAddr = stack.queue_url.split('/').nth(2).context("no host")?.parse()?;
    for address in [stack.front, stack.dynamodb, sqs] {
        assert!(address.ip().is_loopback(), "{address}");
        assert!(TcpStream::connect(address).await.is_ok());
        // All of 127.0.0.0/8 is this machine. Only a server that listens on every address answers there.
        let other = SocketAddr::from(([127, 0, 0, 9], address.port()));
        assert!(TcpStream::connect(other).await.is_err(), "{other}");
    }
    Ok(())
}
