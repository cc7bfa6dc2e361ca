//! The shipped configuration of Kannel and the shipped settings, unchanged.

use std::fs;

use tests::http::get;
use tests::kannel::Daemon;
use tests::ports::{free_port, is_listening};
use threadless_local::{Stack, StackOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{LIMIT, until};

const KANNEL: &str = include_str!("../../../infra/kannel/kannel.conf");
const SETTINGS: &str = include_str!("../../../functions/settings.toml");

/// Replaces a text that must be there.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is no longer there");
    text.replace(from, to)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn the_shipped_configurations_fit_together() {
    // Only ports and folders are changed, because another Kannel on this machine may use them.
    let [front, admin, smsbox, sendsms, phone] = [(); 5].map(|()| free_port().unwrap());
    let dir = tempfile::tempdir().unwrap();
    for folder in ["store", "dlr"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let mut config = replace(KANNEL, "/var/spool/kannel", dir.path().to_str().unwrap());
    for (from, to) in [("= 13000", admin), ("= 13001", smsbox), ("= 13013", sendsms), ("= 10000", phone)] {
        config = replace(&config, from, &format!("= {to}"));
    }
    config = replace(&config, "127.0.0.1:8000", &format!("127.0.0.1:{front}"));
    let file = dir.path().join("kannel.conf");
    fs::write(&file, config).unwrap();

    let status = format!("http://127.0.0.1:{admin}/status.txt?password=change-me");
    let status_has = async |part: &str| get(&status).await.is_ok_and(|answer| answer.body.contains(part));
    let bearerbox = Daemon::start("bearerbox", &file).unwrap();
    until("bearerbox runs", || status_has("Status: running")).await;
    until("bearerbox waits for smsbox", async || is_listening(smsbox)).await;
    let smsbox = Daemon::start("smsbox", &file).unwrap();
    until("smsbox is connected", || status_has("smsbox:")).await;
    let sendsms_url = format!("http://127.0.0.1:{sendsms}/cgi-bin/sendsms");
    until("sendsms answers", async || get(&sendsms_url).await.is_ok()).await;

    let settings = replace(SETTINGS, "127.0.0.1:13013", &format!("127.0.0.1:{sendsms}"));
    let stack =
        Stack::start(StackOptions { port: front, ..tests::stack::ephemeral(&settings) }).await.unwrap();

    // The protocol of Kannel's own `fakesmsc` has a line for each message.
    let mut phone = BufReader::new(TcpStream::connect(("127.0.0.1", phone)).await.unwrap());
    phone.write_all(b"1112223333 1234 text echo hello\n").await.unwrap();
    let mut line = String::new();
    timeout(LIMIT, phone.read_line(&mut line)).await.unwrap().unwrap();
    assert_eq!(line, "1234 1112223333 text hello\n");

    drop(stack);
    smsbox.stop().await;
    bearerbox.stop().await;
}
