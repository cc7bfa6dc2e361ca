//! Standard output and standard error, which may end before the program does (a pipe that nobody reads any more, a full
//! disk, a terminal that was closed) or stand still (a terminal that was paused, a pipe that is full). The macros of the
//! standard library panic at the first and wait at the second.

use std::io::{self, Error, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many pieces wait for a reader that stands still. Later ones are lost.
const WAITING: usize = 1_000;

/// How long the last pieces may take when the program ends.
const LONGEST_END: Duration = Duration::from_millis(500);

/// What the thread that writes is told.
enum Piece {
    Out(Vec<u8>),
    Error(Vec<u8>),
    /// Everything before this is written.
    End(SyncSender<()>),
}

/// Writes to standard output, on a thread that may wait for it, what is only for people who happen to look. What cannot
/// be written is lost.
pub(crate) fn tell(text: &str) {
    send(Piece::Out(text.as_bytes().to_vec()));
}

/// Waits a moment until everything is written.
pub(crate) fn finish() {
    let (done, written) = sync_channel(1);
    send(Piece::End(done));
    let _ = written.recv_timeout(LONGEST_END);
}

/// Writes to standard output what the program was called for. A reader who has enough before the end is no error.
///
/// # Errors
/// It is not all written, such as where the disk is full.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != ErrorKind::BrokenPipe => Err(lost(&problem)),
        _ => Ok(()),
    }
}

fn lost(problem: &Error) -> String {
    format!("standard output cannot be written: {problem}")
}

/// Writes a line about what went wrong to standard error. Where that cannot be written either, the exit status says it.
pub(crate) fn complain(problem: &str) {
    let _ = writeln!(io::stderr(), "threadless: {problem}");
}

/// Where log lines go: standard error, on the thread that may wait for it.
pub(crate) struct Log;

impl<'w> MakeWriter<'w> for Log {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line(Vec::new())
    }
}

/// One line of the log, sent when it is whole.
pub(crate) struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            send(Piece::Error(std::mem::take(&mut self.0)));
        }
    }
}

fn send(piece: Piece) {
    static WRITER: OnceLock<Option<SyncSender<Piece>>> = OnceLock::new();
    let writer = WRITER.get_or_init(|| {
        let (sender, pieces) = sync_channel(WAITING);
        let started = std::thread::Builder::new().name("output".to_owned()).spawn(move || write(&pieces));
        started.is_ok().then_some(sender)
    });
    let Some(writer) = writer else { return };
    match writer.try_send(piece) {
        // Lost: nobody reads.
        Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
    }
}

fn write(pieces: &Receiver<Piece>) {
    for piece in pieces {
        // What cannot be written is lost; what comes after it is tried again.
        let _ = match piece {
            Piece::Out(bytes) => io::stdout().write_all(&bytes).and_then(|()| io::stdout().flush()),
            Piece::Error(bytes) => io::stderr().write_all(&bytes),
            Piece::End(done) => {
                let _ = done.try_send(());
                Ok(())
            }
        };
    }
}
