//! Tests in which the clock of the stack is set back an hour while messages wait, and then forward again. The machine's
//! own clock does not change: libfaketime gives the process another clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tests::recorder::Reply;
use tests::stack_process::StackProcess;
use threadless::ConnectionId;
use threadless::store::History as _;
use tokio::time::{Instant, sleep};

use crate::gateway::Gateway;
use crate::{LIMIT, MODES, STACK};

/// A stack whose clock differs from the machine's by the seconds in a file.
struct Clock {
    file: PathBuf,
}

impl Clock {
    fn set(&self, offset: i64) {
        // The file is replaced in one step, because the process may read it at any time.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{offset:+}\n")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }
}

fn libfaketime() -> PathBuf {
    let folders =
        ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(|machine| format!("/usr/lib/{machine}/faketime"));
    let found =
        folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|file| file.exists());
    found.expect("libfaketime is not installed: `tests/run` installs Debian's package faketime")
}

fn start(data: &Path, ports: [u16; 3], clock: &Clock) -> StackProcess {
    StackProcess::start_with(STACK, data, ports, |command| {
        command
            .env("LD_PRELOAD", libfaketime())
            .env("FAKETIME_TIMESTAMP_FILE", &clock.file)
            .env("FAKETIME_NO_CACHE", "1")
            // Time-outs use a clock that nobody sets.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    })
    .unwrap()
}

/// Waits until a phone got this number of replies.
async fn got(gateway: &Gateway, mode: usize, number: &str, count: usize) {
    let begun = Instant::now();
    loop {
        let phones = gateway.phones(mode);
        if phones.iter().filter(|(to, _)| to == number).count() >= count {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{} {number}: not {count} replies: {phones:?}", MODES[mode]);
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs libfaketime: tests/run"]
async fn a_clock_set_back_an_hour_loses_nothing_and_doubles_nothing() {
    const HOUR: i64 = 3600;
    let data = tempfile::tempdir().unwrap();
    let clock = Clock { file: data.path().join("clock") };
    clock.set(0);
    let gateway = Gateway::start(data.path()).await;
    let mut stack = start(data.path(), gateway.ports, &clock);
    for mode in 0..MODES.len() {
        gateway.bring_until_taken(mode, "90001", "count m0").await;
        for number in ["90001", "90002", "90003", "90004"] {
            assert_eq!(gateway.text(mode, number, "count m0").await, Some(200));
            got(&gateway, mode, number, 1).await;
        }
        // One reply waits for its next attempt.
        gateway.sendsms.script([Reply::status(503)]);
        let asked = gateway.sendsms.requests().len();
        assert_eq!(gateway.text(mode, "90002", "count m1").await, Some(200));
        gateway.sendsms.wait_for(asked + 1, LIMIT).await.unwrap();
        // Another reply is at the gateway, under a lease.
        let held = gateway.way_out.hold_answers();
        let (answered, ()) = tokio::join!(gateway.text(mode, "90003", "count m1"), async {
            gateway.sendsms.wait_for(asked + 2, LIMIT).await.unwrap();
            clock.set(-HOUR);
            drop(held);
        });
        assert_eq!(answered, Some(200));
        // A number with no waiting message is answered as usual.
        for nth in 1..=3 {
            assert_eq!(gateway.text(mode, "90001", &format!("count m{nth}")).await, Some(200));
            got(&gateway, mode, "90001", nth + 1).await;
        }
        // Messages that were processed an hour in the future are known.
        for number in ["90001", "90002", "90003"] {
            assert_eq!(gateway.bring(mode, number, "count m0").await, Some(200));
        }
        // A waiting message still waits, and no later message overtakes it.
        assert_eq!(gateway.text(mode, "90002", "count m2").await, Some(200));
        // A process dies in the meantime.
        assert_eq!(gateway.text(mode, "90004", "count m1").await, Some(200));
        stack.kill().unwrap();
        stack = start(data.path(), gateway.ports, &clock);
        gateway.bring_until_taken(mode, "90004", "count m1").await;
        clock.set(0);
    }
    let figures = gateway.judge().await;
    for mode in MODES {
        // The stored data shows the hour.
        let connection = ConnectionId::new(mode.parse().unwrap(), "90001".parse().unwrap());
        let rows = gateway.store().history(&connection, Timestamp::now(), 100).await.unwrap();
        let at = |text: &str| rows.iter().find(|row| row.text == text).unwrap().at.as_second();
        let back = at("count m0") - at("count m1");
        assert!((HOUR - 600..=HOUR).contains(&back), "{mode}: {back} seconds back");
    }
    for (figures, mode) in figures.iter().zip(MODES) {
        assert_eq!((figures.texted, figures.answered), (11, 11), "{mode}");
    }
}
