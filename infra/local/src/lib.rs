//! The whole stack of a project on one machine. `cargo run` starts it, and tests run against it.
//!
//! The Lambda functions are the same as on AWS. Around them are an embedded DynamoDB, an SQS of our own, and the
//! callers that AWS provides: an HTTP front, a queue poller and a schedule.

mod client;
mod data;
mod dynamodb;
mod event;
mod figures;
mod front;
mod gateway;
mod guests;
mod invocation;
pub mod new;
mod options;
mod output;
mod poller;
mod project;
mod redrive;
mod run;
pub mod script;
mod serving;
mod setup;
mod signals;
pub mod sqs;
mod stack;
pub mod template;
pub mod transcripts;

/// The tools for Kannel's configuration.
pub use threadless_kannel as kannel;

pub use options::Options;
pub use project::LocalProject;
pub use run::{launch, tool};
pub use serving::HostName;
pub use setup::{StackOptions, StartError};
pub use stack::Stack;
