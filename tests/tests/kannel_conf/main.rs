//! The files that `kannel-conf` writes, run unchanged: the real Kannel, the real haproxy or nginx, TLS and name
//! resolution, and the functions behind them.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commands;
mod direct;
mod process;
mod site;

use tests::http::get;

use process::until;
use site::{HOST, Sidecar, Site, TOKEN};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel, haproxy: tests/run"]
async fn kannel_and_haproxy_run_as_they_are_written() {
    a_text_gets_its_reply_through(Sidecar::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel, nginx: tests/run"]
async fn kannel_and_nginx_run_as_they_are_written() {
    a_text_gets_its_reply_through(Sidecar::Nginx).await;
}

async fn a_text_gets_its_reply_through(sidecar: Sidecar) {
    let mut site = Site::start(sidecar, &site::TRUSTED).await;
    assert_eq!(site.exchange("1112223333 1234 text echo hello\n").await, "1234 1112223333 text hello\n");
    // The text is "echo ሰላም", which contains a byte 0B.
    let amharic = "1112223333 1234 ucs2 %00e%00c%00h%00o%00%20%120%12%0B%12%1D\n";
    assert_eq!(site.exchange(amharic).await, "1234 1112223333 ucs-2 %120%12%0B%12%1D\n");
    // The operator has the messages, and Kannel reports this through the same sidecar.
    site.is_delivered("1112223333", "hello").await;
    site.is_delivered("1112223333", "ሰላም").await;

    let sessions = site.front.sessions();
    let requests: String = sessions.iter().map(|session| session.sent.as_str()).collect();
    assert!(sessions.iter().all(|session| session.server_name.as_deref() == Some(HOST)), "{sessions:?}");
    let is_report = |line: &&str| line.starts_with("GET /backend/my-kannel-backend/dlr/?");
    let (reports, lines): (Vec<&str>, Vec<&str>) =
        requests.lines().filter(|line| line.starts_with("GET ")).partition(is_report);
    assert_eq!((lines.len(), reports.len()), (2, 2), "{requests}");
    assert!(reports.iter().all(|line| !line.contains(TOKEN) && !line.contains("1112223333")), "{requests}");
    assert!(lines[0].contains("hex=6563686F2068656C6C6F&"), "{requests}");
    let headers = |name: &str| {
        let named = requests.lines().filter_map(|line| line.split_once(": "));
        let named = named.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(headers("host"), [HOST; 4]);
    assert_eq!(headers("authorization"), [(); 4].map(|()| format!("Bearer {TOKEN}")));
    // The token is in a header only.
    assert!(lines.iter().all(|line| !line.contains(TOKEN)), "{requests}");
    assert!(!site.names.asked().is_empty() && site.names.asked().iter().all(|name| name == HOST));

    // A path that is not a backend's does not get through.
    for path in ["/", "/backend/other/?id=1", "/backend/my-kannel-backend/../other/?id=1"] {
        let answer = get(&format!("http://127.0.0.1:{}{path}", site.sidecar_port)).await.unwrap();
        assert!((400..500).contains(&answer.status), "{path} {answer:?}");
    }
    let logs = site.logs();
    assert!(logs.contains("/backend/my-kannel-backend/"), "the sidecar logs requests: {logs}");
    for secret in [TOKEN, "1112223333", "6563686F"] {
        assert!(!logs.contains(secret), "{secret} is in a log of the sidecar: {logs}");
    }
    assert!(!site.kannel_output().contains(TOKEN));
    site.stop().await;
}

/// Smsbox itself would send the messages to such a server: see `direct`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel, haproxy, nginx: tests/run"]
async fn the_sidecar_gives_nothing_to_a_host_that_it_does_not_know() {
    for sidecar in [Sidecar::Haproxy, Sidecar::Nginx] {
        for front in [site::STRANGER, site::OTHER_NAME] {
            let mut site = Site::start(sidecar, &front).await;
            site.says("1112223333 1234 text echo hello\n").await;
            let refused =
                || async { site.logs().lines().any(|line| line.contains(" 502 ") || line.contains(" 503 ")) };
            until("the sidecar answers 502 or 503", refused).await;
            assert!(site.front.sessions().iter().all(|session| session.sent.is_empty()));
            site.stop().await;
        }
    }
}
