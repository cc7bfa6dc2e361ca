//! Standard output and standard error. They may end before the program ends (a pipe without a reader, a full disk, a
//! closed terminal), or they may block (a paused terminal, a full pipe). The macros of the standard library panic in
//! the first case and wait in the second.

use std::io::{self, Error, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The number of pieces that wait for a blocked reader. Later pieces are lost.
const WAITING: usize = 1_000;

/// The longest time for the last pieces at the end of the program.
const LONGEST_END: Duration = Duration::from_millis(500);

/// A message to the thread that writes.
enum Piece {
    Out(Vec<u8>),
    Error(Vec<u8>),
    /// Confirms that everything before it is written.
    End(SyncSender<()>),
}

/// Writes optional text to standard output, on a thread that may block. If the text cannot be written, it is lost.
pub(crate) fn say(text: &str) {
    send(Piece::Out(text.as_bytes().to_vec()));
}

/// Waits a short time until everything is written.
pub(crate) fn finish() {
    let (done, written) = sync_channel(1);
    send(Piece::End(done));
    let _ = written.recv_timeout(LONGEST_END);
}

/// Writes the result of the program to standard output. If the reader stops reading before the end, that is not an
/// error.
///
/// # Errors
/// Fails if not all of it was written, for example because the disk is full.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != ErrorKind::BrokenPipe => Err(lost(&problem)),
        _ => Ok(()),
    }
}

fn lost(problem: &Error) -> String {
    format!("cannot write to standard output: {problem}")
}

/// Writes a line about a failure to standard error. If that fails too, the exit status still shows the failure.
pub(crate) fn complain(problem: &str) {
    let _ = writeln!(io::stderr(), "threadless: {problem}");
}

/// The destination of log lines: standard error, on the thread that may block.
pub(crate) struct Log;

impl<'w> MakeWriter<'w> for Log {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line(Vec::new())
    }
}

/// One line of the log. It is sent when it is complete.
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
        // If the queue is full, the piece is lost, because nobody reads.
        Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
    }
}

fn write(pieces: &Receiver<Piece>) {
    for piece in pieces {
        // A piece that cannot be written is lost. The next piece is tried again.
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
