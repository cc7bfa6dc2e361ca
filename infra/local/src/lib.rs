//! The whole stack on one machine: what `cargo run` starts, and what the tests of this project run against.
//!
//! The functions are the ones that run on AWS. Around them stand an embedded DynamoDB, an SQS of our own, and what
//! AWS has to call them: an HTTP front, a queue poller, a schedule.

mod client;
mod data;
mod dynamodb;
mod event;
mod front;
mod gateway;
mod guests;
mod invocation;
pub mod kannel;
mod options;
mod output;
mod poller;
mod redrive;
mod run;
pub mod script;
mod serving;
mod setup;
mod signals;
pub mod sqs;
mod stack;
pub mod template;

pub use options::Options;
pub use run::launch;
pub use serving::HostName;
pub use setup::{StackOptions, StartError};
pub use stack::Stack;
