//! Threadless: a serverless SMS router. (Front page to come with the slice that wires it.)

#![cfg_attr(docsrs, feature(doc_cfg))]

mod app;
pub mod apps;
#[cfg(feature = "aws")]
pub mod aws;
pub mod backend;
mod clock;
pub mod config;
mod context;
mod deliver;
pub mod endpoint;
mod handle;
mod incoming;
#[cfg(feature = "lambda")]
pub mod lambda;
mod message;
mod project;
pub mod queue;
mod random;
pub mod responder;
mod router;
mod session;
pub mod store;
mod sweep;
pub mod text;

pub use app::{App, AppError, Filter, Handled, Outbound};
pub use clock::{Clock, Deadline, SystemClock};
pub use context::{About, Context, Reply};
pub use handle::Handling;
pub use incoming::{Accepted, IncomingError, incoming};
pub use message::{BackendName, ConnectionId, Identity, Incoming, InvalidName, MessageId, Outgoing};
pub use project::{Ports, Project};
pub use router::{Disposition, Outcome, Router};
pub use session::Session;
pub use sweep::{Swept, sweep};
