//! For tests: a project with everything in memory, a gateway that does as it is told, a clock that can be set, a
//! store that fails on demand, and transcripts.
//!
//! ```
//! use threadless::testing::Bench;
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(apps::Echo));
//! bench
//!     .transcript(
//!         "
//!         1112223333 > echo
//!         1112223333 < To echo some text, send: ECHO <ANYTHING>
//!         1112223333 > ECHO hello
//!         1112223333 < hello
//!         ",
//!     )
//!     .await;
//! # });
//! ```

mod bench;
mod clock;
mod faulty;
mod gateway;
mod transcript;

pub use bench::{Bench, BenchBuilder};
pub use clock::TestClock;
pub use faulty::{Fault, Faults, FaultyQueue, FaultyStore, When};
pub use gateway::{Behaviour, TestGateway};
pub use transcript::{Mismatch, OpenError, Problem, Said, Stage, StageError, Transcript, TranscriptError};
