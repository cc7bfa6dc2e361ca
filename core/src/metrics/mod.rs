//! The figures of the service: what happened to messages, by backend, and which apps failed. The pipeline and the worker
//! record them while they work. At the end of an invocation the figures are taken out together, and go to a [`Meter`]:
//! on Lambda to [lines of the log](EmfLines), which CloudWatch turns into metrics without a call, and in the local stack
//! to its page of metrics.
//!
//! No figure has the text of a message, or the number of a person.

mod emf;
mod figures;
mod recorder;

pub use emf::{EmfLines, NAMESPACE, emf_lines};
pub use figures::{AppPhase, Event, Figures, Tally, Timing};
pub use recorder::{OTHER_BACKEND, Recorder};

use jiff::Timestamp;

/// The port for the figures of an invocation.
pub trait Meter: Send + Sync {
    /// Takes the figures of one invocation that ended at `at`.
    fn take(&self, tally: &Tally, at: Timestamp);
}

/// A meter that drops all figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMeter;

impl Meter for NoMeter {
    fn take(&self, _tally: &Tally, _at: Timestamp) {}
}
