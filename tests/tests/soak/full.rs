//! Tests in which the disk under the data folder is full for a time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use tests::stack_process::StackProcess;
use tokio::time::{Instant, sleep};

use crate::gateway::Gateway;
use crate::{LIMIT, MODES, STACK};

/// A disk of a few megabytes. It is gone when this is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(folder.path()).output();
        let mount = mount.unwrap();
        let words = String::from_utf8_lossy(&mount.stderr).into_owned();
        assert!(
            mount.status.success(),
            "this test mounts a small disk (tmpfs), for which it must be root and may mount: {words}"
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Fills the disk up to this number of free bytes.
    fn fill(&self, room: u64) {
        let mut ballast = OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        // The bytes of the last block that were written count too.
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length.saturating_sub(room)).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The unmount is lazy, because a process that was just killed may still use the disk.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn start(disk: &Disk, ports: [u16; 3], log: &Path) -> StackProcess {
    let log = File::options().create(true).append(true).open(log).unwrap();
    StackProcess::start_with(STACK, disk.path(), ports, |command| {
        command.stderr(log);
    })
    .unwrap()
}

/// Waits until the stack answers. Returns `false` if it ended.
async fn is_up(stack: &mut StackProcess) -> bool {
    let (begun, url) = (Instant::now(), format!("http://127.0.0.1:{}/", stack.ports[0]));
    while tests::http::get(&url).await.is_err() {
        if !stack.is_running() {
            return false;
        }
        assert!(begun.elapsed() < LIMIT, "neither up nor ended");
        sleep(Duration::from_millis(50)).await;
    }
    true
}

/// Sends one message from every number at the same time. Returns the messages that were not accepted.
async fn round(gateway: &Gateway, nth: usize) -> Vec<(usize, String, String)> {
    let everybody =
        (0..MODES.len()).flat_map(|mode| (0..6).map(move |number| (mode, format!("9{number:04}"))));
    let texting = everybody.map(|(mode, number)| async move {
        let text = format!("count m{nth}");
        match gateway.text(mode, &number, &text).await {
            Some(200) => None,
            Some(503) => Some((mode, number, text)),
            other => panic!("{}: {number} {text} was answered {other:?}", MODES[mode]),
        }
    });
    join_all(texting).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a small disk, as root: tests/run"]
async fn a_full_disk_takes_nothing_in_and_loses_nothing() {
    let (disk, logs) = (Disk::mount(), tempfile::tempdir().unwrap());
    let log = logs.path().join("stack.log");
    let gateway = Gateway::start(disk.path()).await;
    let mut stack = start(&disk, gateway.ports, &log);
    assert!(is_up(&mut stack).await);
    assert_eq!(round(&gateway, 0).await, []);
    let mut refused = Vec::new();
    for nth in 1..=3 {
        // The free space shrinks. The stack accepts the messages that fit, and refuses the others.
        disk.fill(32_768 * (3 - nth as u64));
        let mut now = round(&gateway, 2 * nth - 1).await;
        now.extend(round(&gateway, 2 * nth).await);
        println!("round {nth}: {} of 24 refused with 503", now.len());
        refused.extend(now);
        if nth == 2 {
            stack.kill().unwrap();
            stack = start(&disk, gateway.ports, &log);
            if !is_up(&mut stack).await {
                let mut words = String::new();
                File::open(&log).unwrap().read_to_string(&mut words).unwrap();
                assert!(words.contains("threadless: "), "it ended without a word: {words}");
                println!("it does not start on a full disk: {}", words.lines().last().unwrap_or_default());
            }
        }
        disk.free();
        if !stack.is_running() {
            stack = start(&disk, gateway.ports, &log);
            assert!(is_up(&mut stack).await, "it starts where there is room again");
        }
        // The gateway repeats refused messages, as Kannel does.
        for (mode, number, text) in refused.drain(..) {
            gateway.bring_until_taken(mode, &number, &text).await;
        }
    }
    let figures = gateway.judge().await;
    for (figures, mode) in figures.iter().zip(MODES) {
        assert_eq!((figures.texted, figures.answered), (42, 42), "{mode}");
        assert!(figures.redelivered > 0, "{mode}: the disk was never full");
    }
}
