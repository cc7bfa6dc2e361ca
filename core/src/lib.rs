//! Threadless: a serverless SMS router. It takes text messages from a gateway such as Kannel, runs them through
//! your apps, and sends the replies, with each message's effect exactly once.
//!
//! An app is a type with up to six phases; a router is a list of apps:
//!
//! ```
//! use threadless::{App, AppError, Context, Handled, Router};
//!
//! struct Echo;
//!
//! impl App for Echo {
//!     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let Some(text) = cx.text().strip_prefix("echo ").map(str::to_owned) else {
//!             return Ok(Handled::No);
//!         };
//!         cx.reply(text);
//!         Ok(Handled::Yes)
//!     }
//! }
//!
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = threadless::testing::Bench::new(Router::new().app(Echo));
//! bench.transcript("1112223333 > echo hello\n1112223333 < hello").await;
//! # });
//! ```
//!
//! # Where to go from here
//!
//! - [`apps`]: a guide to writing apps, and those that come with this; [`App`] and [`Context`]: all that an app can do.
//! - [`coming_from_rapidsms`]: where each thing of RapidSMS and its threadless router is here.
//! - [`incoming()`]: the single way in, and the walk of a message from there.
//! - [`backend`]: gateways, in and out; [`config`]: the settings that name them.
//! - [`store`] and [`queue`]: the ports to DynamoDB and SQS; `lambda`: the functions on AWS.
//!
//! # Features
//!
//! None by default, so that the tests of an app build in seconds. `lambda` brings all that a function needs:
//! `dynamodb`, `sqs` and `client` (the HTTP client to gateways). `testing` brings the bench that is used above.

mod app;
pub mod apps;
#[cfg(any(feature = "dynamodb", feature = "sqs"))]
pub mod aws;
pub mod backend;
pub mod broadcast;
mod clock;
#[doc = include_str!("../docs/coming-from-rapidsms.md")]
pub mod coming_from_rapidsms {}
pub mod config;
mod consent;
mod contact;
mod context;
mod deliver;
mod dispatch;
pub mod endpoint;
mod handle;
mod hex;
mod incoming;
mod known;
#[cfg(feature = "lambda")]
pub mod lambda;
mod language;
mod message;
mod occasion;
mod project;
pub mod queue;
mod random;
mod reach;
mod report;
pub mod responder;
mod restraint;
mod router;
mod schedule;
mod send;
mod session;
pub mod store;
mod sweep;
pub mod tester;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
mod tick;
pub mod translate;
mod usage;

pub use app::{App, AppError, Filter, Handled, Outbound};
pub use clock::{Clock, Deadline, SystemClock};
pub use consent::Consent;
pub use contact::{Contact, ContactChange, ContactError, ContactId, Directory};
pub use context::{About, Context, Reply};
pub use handle::Handling;
pub use incoming::{Accepted, IncomingError, incoming};
pub use known::Known;
pub use language::{InvalidLanguage, Language};
pub use message::{
    BackendName, ConnectionId, Fate, Identity, Incoming, InvalidName, MessageId, Notice, Outgoing, Report,
};
pub use project::{Ports, Project};
pub use report::report;
pub use router::{Disposition, FaultyApps, Outcome, Router};
pub use schedule::{JobContext, Schedule};
pub use send::{InvalidRecipient, Recipient, SendError, Sending};
pub use session::Session;
pub use sweep::{Swept, sweep};
pub use tick::{Ticked, next_due, tick};
pub use usage::Usage;
