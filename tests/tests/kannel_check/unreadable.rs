//! Faults that keep Kannel from starting, or from listening.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use tests::http::get;
use tests::kannel::Daemon;
use tests::ports::{free_port, is_listening};
use threadless_local::kannel::check::{Folders, check};
use threadless_local::kannel::file::Conf;
use tokio::time::{Instant, sleep};

use super::proof::{LIMIT, recommended};

/// The faults that these proofs show.
pub(crate) const SHOWN: &[&str] = &[
    "no-equals",
    "no-group",
    "include-word",
    "unread-include",
    "double-group",
    "no-core",
    "no-smsbox",
    "no-sendsms",
    "no-line",
    "reports-nowhere",
    "empty-value",
];

/// A configuration on its own free ports.
struct Alone {
    text: String,
    status: String,
    sendsms: String,
    smsbox: u16,
    /// The time that bearerbox may take before it waits for smsbox.
    patience: Duration,
}

impl Alone {
    fn new(folder: &std::path::Path) -> Self {
        let [admin, smsbox, sendsms] = [(); 3].map(|()| free_port().unwrap());
        let text = recommended("http://127.0.0.1:1/backend/k/").file();
        let mut text = text.replace("/var/spool/kannel", folder.to_str().unwrap());
        text = without_group(&text, "smsc");
        let _ = write!(text, "\n{LINE}port = {}\n", free_port().unwrap());
        for (from, to) in [("= 13000", admin), ("= 13001", smsbox), ("= 13013", sendsms)] {
            assert!(text.contains(from));
            text = text.replace(from, &format!("= {to}"));
        }
        let status = format!("http://127.0.0.1:{admin}/status.txt?password=lab");
        let sendsms = format!("http://127.0.0.1:{sendsms}/cgi-bin/sendsms");
        Self { text, status, sendsms, smsbox, patience: LIMIT }
    }
}

/// A line that waits for its operator.
const LINE: &str = "group = smsc\nsmsc = fake\nsmsc-id = A\nconnect-allow-ip = 127.0.0.1\n";

/// Returns the result of starting Kannel with this configuration.
async fn outcome(alone: &Alone, folder: &std::path::Path) -> &'static str {
    let file = folder.join("kannel.conf");
    fs::write(&file, &alone.text).unwrap();
    let mut bearerbox = Daemon::start("bearerbox", &file).unwrap();
    let begun = Instant::now();
    while get(&alone.status).await.is_err() {
        if !bearerbox.is_running() {
            return "bearerbox ends";
        }
        assert!(begun.elapsed() < LIMIT);
        sleep(Duration::from_millis(20)).await;
    }
    // Smsbox ends if bearerbox does not wait for it yet. Without a line bearerbox never waits.
    let begun_to_wait = Instant::now();
    while !is_listening(alone.smsbox) && begun_to_wait.elapsed() < alone.patience {
        sleep(Duration::from_millis(20)).await;
    }
    let mut smsbox = Daemon::start("smsbox", &file).unwrap();
    while !get(&alone.status).await.is_ok_and(|answer| answer.body.contains("smsbox:")) {
        if !smsbox.is_running() {
            return "smsbox ends";
        }
        assert!(begun.elapsed() < LIMIT);
        sleep(Duration::from_millis(20)).await;
    }
    // Smsbox listens before it connects to bearerbox, if it listens at all.
    let listens = get(&alone.sendsms).await.is_ok();
    if listens { "up" } else { "sendsms is refused" }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_keeps_kannel_from_starting_does() {
    type Change = fn(&str) -> String;
    let table: [(&str, Change, &str); 14] = [
        ("", |text| text.to_owned(), "up"),
        ("no-equals", |text| text.replace("log-level = 1", "log-level 1"), "bearerbox ends"),
        ("no-group", |text| text.replacen("admin-interface", "\nadmin-interface", 1), "bearerbox ends"),
        ("include-word", |text| text.replace("/backend/k/", "/backend/included/"), "bearerbox ends"),
        ("unread-include", |text| format!("include = \"/not/there\"\n\n{text}"), "bearerbox ends"),
        ("double-group", |text| format!("{text}\ngroup = core\nlog-level = 1\n"), "bearerbox ends"),
        (
            "double-group",
            |text| format!("{text}\ngroup = smsbox\nbearerbox-host = 127.0.0.1\n"),
            "sendsms is refused",
        ),
        (
            "reports-nowhere",
            |text| text.replace("dlr-storage = internal", "dlr-storage = spool"),
            "bearerbox ends",
        ),
        (
            "empty-value",
            |text| text.replace("dlr-storage = internal", "dlr-storage = \"\""),
            "bearerbox ends",
        ),
        (
            "empty-value",
            |text| {
                let text = without_line(text, "store-location");
                text.replace("store-type = spool", "store-type = spool\nstore-location = \"\"")
            },
            "bearerbox ends",
        ),
        ("no-sendsms", |text| without_line(text, "sendsms-port"), "sendsms is refused"),
        ("no-line", |text| without_group(text, "smsc"), "smsbox ends"),
        ("no-core", |text| without_group(text, "core"), "bearerbox ends"),
        ("no-smsbox", |text| without_group(text, "smsbox"), "bearerbox ends"),
    ];
    let mut shown: Vec<&str> = Vec::new();
    for (name, change, expected) in table {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("spool")).unwrap();
        let mut alone = Alone::new(dir.path());
        alone.text = change(&alone.text);
        if name == "no-line" {
            alone.patience = Duration::from_secs(3);
        }
        let found = check(&Conf::parse("k", alone.text.as_bytes()), Folders::Ignored);
        let named = found.iter().any(|finding| finding.check.name == name);
        assert_eq!(named, !name.is_empty(), "{name}: {found:#?}");
        assert_eq!(outcome(&alone, dir.path()).await, expected, "{name}");
        shown.push(name);
    }
    assert!(SHOWN.iter().all(|name| shown.contains(name)));
}

fn without_line(text: &str, key: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(key)).collect();
    assert!(kept.len() < text.lines().count());
    kept.join("\n") + "\n"
}

fn without_group(text: &str, kind: &str) -> String {
    let head = format!("group = {kind}");
    let all: Vec<&str> = text.split("\n\n").collect();
    let kept: Vec<&str> = all.iter().copied().filter(|group| group.lines().next() != Some(&head)).collect();
    assert!(kept.len() < all.len(), "{kind}");
    kept.join("\n\n")
}
