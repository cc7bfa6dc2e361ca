//! The shipped configuration of Kannel and the shipped settings, unchanged, as `infra/kannel/README.md` starts them.

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

/// The page with the commands.
const PAGE: &str = include_str!("../../../infra/kannel/README.md");

/// Returns the first block of the page that begins with this text.
fn block(start: &str) -> &'static str {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    let mut texts = blocks.filter_map(|block| block.split_once('\n')).map(|(_, text)| text);
    texts.find(|text| text.starts_with(start)).unwrap()
}

/// Returns the commands of the page, without their comments.
fn commands() -> Vec<&'static str> {
    let lines = block("bearerbox ").lines();
    lines.map(|line| line.split('#').next().unwrap_or_default().trim()).collect()
}

/// Replaces a text that must be there.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is no longer there");
    text.replace(from, to)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn the_shipped_configurations_fit_together() {
    // The programs start in the order of the page. In the place of fakesmsc, which is in another package, this test
    // speaks its protocol.
    let expected = [
        "bearerbox -v 1 infra/kannel/kannel.conf",
        "smsbox -v 1 infra/kannel/kannel.conf",
        "cargo run",
        "/usr/lib/kannel/test/fakesmsc",
    ];
    assert_eq!(commands(), expected);
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
    phone.write_all(format!("{}\n", block("1112223333 ")).as_bytes()).await.unwrap();
    let mut line = String::new();
    timeout(LIMIT, phone.read_line(&mut line)).await.unwrap().unwrap();
    assert_eq!(line, "1234 1112223333 text hello\n");

    drop(stack);
    smsbox.stop().await;
    bearerbox.stop().await;
}
