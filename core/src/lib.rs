//! Threadless is a serverless SMS router. It accepts text messages from a gateway such as Kannel, runs each message
//! through your apps, and sends the replies.
//!
//! A message that carries the gateway's own id changes state and creates replies once, even if the gateway, SQS or
//! Lambda delivers it several times within 15 days. A reply is sent at least once. A reply is sent twice only if the
//! gateway's answer was lost or was not recorded. The history counts such a send as doubt ([`store::HistoryRow`]).
//!
//! An app is a type that takes part in up to seven phases. A router is a list of apps:
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
//! Most apps are plain Rust functions: `Router::new().app(keyword("hours", async |_| "We are open 8 to 17."))`.
//!
//! # Where to go from here
//!
//! | task | where to read |
//! |---|---|
//! | write an app | [`apps`]: a guide, and the bundled apps; [`App`] and [`Context`]: everything that an app can do |
//! | test an app | `testing`: transcripts, a fake gateway, planned faults, a clock that a test sets (feature `testing`) |
//! | remember people, and answer in their language | [`Contact`], [`translate`] |
//! | send messages that nobody asked for | [`Context::send`], [`broadcast`], [`Schedule`] |
//! | learn the final status of a sent message | [`App::report`], [`Report`] |
//! | let people opt out | [`Consent`] |
//! | connect a gateway | [`backend`]: Kannel, any gateway that speaks HTTP, or a backend of your own; [`settings`] and [`project`]: the settings; [`tester`]: simulated phones in a browser |
//! | follow a message through the code | [`incoming()`] is the first step; `core/ARCHITECTURE.md` describes all steps |
//! | run Threadless on AWS | `lambda`: the Lambda functions; [`store`] and [`queue`]: the interfaces to DynamoDB and SQS |
//! | move from RapidSMS | [`coming_from_rapidsms`]: the counterpart of each part of RapidSMS, and the parts that are gone |
//!
//! # Features
//!
//! No feature is on by default, so that the tests of an app build in seconds. The feature `lambda` adds everything that
//! a Lambda function needs: `dynamodb`, `sqs` and `client` (the HTTP client to gateways). The feature `testing` adds
//! the bench of the example above.

mod app;
pub mod apps;
#[cfg(any(feature = "dynamodb", feature = "sqs"))]
pub mod aws;
pub mod backend;
pub mod broadcast;
#[doc = include_str!("../docs/coming-from-rapidsms.md")]
pub mod coming_from_rapidsms {}
mod consent;
pub mod endpoint;
mod error;
#[cfg(feature = "lambda")]
pub mod lambda;
mod limits;
pub mod metrics;
mod model;
mod pipeline;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
pub mod project;
pub mod queue;
mod router;
pub mod settings;
pub mod store;
pub mod tester;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod translate;
mod util;
pub mod worker;

pub use app::contact_lookup::Directory;
pub use app::context::{About, Context, Reply};
pub use app::schedule::{JobContext, Schedule};
pub use app::send::{SendError, Sending};
pub use app::sender_error::SenderError;
pub use app::snapshot::Snapshot;
pub use app::usage::Usage;
pub use app::{App, Filter, Handled, Outbound};
pub use consent::Consent;
pub use error::AppError;
pub use model::contact::{Contact, ContactChange, ContactError, ContactId};
pub use model::language::{InvalidLanguage, Language};
pub use model::message::{
    BackendName, ConnectionId, FinalStatus, Identity, Incoming, InvalidName, MessageId, Notice, Outgoing,
    Report,
};
pub use model::recipient::{InvalidRecipient, Recipient};
pub use model::session::Session;
pub use model::value::ValueError;
pub use pipeline::accept::{Accepted, incoming};
pub use pipeline::errors::IncomingError;
pub use pipeline::process::Handling;
pub use pipeline::status::report;
pub use project::{Ports, Project};
pub use router::{Disposition, FaultyApps, Outcome, Router};
pub use util::clock::{Clock, Deadline, SystemClock};
pub use worker::sweep::{Swept, sweep};
pub use worker::tick::{Ticked, next_due, tick};

/// The code of the package's page is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct PackagePage;
