//! Threadless: a serverless SMS router. It takes text messages from a gateway such as Kannel, runs them through
//! your apps, and sends the replies.
//!
//! A message that carries the gateway's own id changes state and makes replies once, even if the gateway, SQS or Lambda
//! deliver it several times within 15 days. A reply is sent at least once, and twice only where the gateway's answer was
//! lost or not recorded: the history counts that as doubt ([`store::Row`]).
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
//! Most apps are a function: `Router::new().app(keyword("hours", async |_| "We are open 8 to 17."))`.
//!
//! # Where to go from here
//!
//! | to | read |
//! |---|---|
//! | write an app | [`apps`]: a guide, and the apps that come with this; [`App`] and [`Context`]: all that one can do |
//! | test it | `testing`: transcripts, a fake gateway, faults on demand, a clock to set (feature `testing`) |
//! | know people, and speak their language | [`Contact`], [`translate`] |
//! | write first | [`Context::send`], [`broadcast`], [`Schedule`] |
//! | learn what became of a message | [`App::report`], [`Report`] |
//! | respect who wants no messages | [`Consent`] |
//! | connect a gateway | [`backend`]: Kannel, any that speaks HTTP, one of your own; [`config`]: the settings; [`tester`]: phones in a browser |
//! | follow a message | [`incoming()`], and `core/ARCHITECTURE.md` from there |
//! | run it | `lambda`: the functions on AWS; [`store`] and [`queue`]: the ports to DynamoDB and SQS |
//! | come from RapidSMS | [`coming_from_rapidsms`]: where each thing is here, and what is gone |
//!
//! # Features
//!
//! None by default, so that the tests of an app build in seconds. `lambda` brings all that a function needs:
//! `dynamodb`, `sqs` and `client` (the HTTP client to gateways). `testing` brings the bench that is used above.

mod apart;
mod app;
pub mod apps;
#[cfg(any(feature = "dynamodb", feature = "sqs"))]
pub mod aws;
pub mod backend;
pub mod broadcast;
mod budget;
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
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
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
mod threads;
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
