//! Apps: a guide to writing them, and those that come with the framework.
//!
//! An app answers text messages. Most are a function; some are questions and answers; a few are a type of their own.
//! This page shows one of each, from the simplest on. Every example is run as a test.
//!
//! # A function
//!
//! ```text
//! 1112223333 > hours
//! 1112223333 < We are open 8 to 17.
//! 1112223333 > report
//! 1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
//! 1112223333 > Report: Bole 3
//! 1112223333 < Thank you. Noted: Bole 3
//! ```
//!
//! [`keyword`] makes an app out of a word and an async function. The function takes what was [`Said`] behind the word,
//! and returns anything that is a [reply](IntoReply): a text, several, none, or a `Result` of these. With a
//! [`help`](Keyword::help) the word alone is answered by that.
//!
//! ```
//! use threadless::Router;
//! use threadless::apps::{Said, keyword};
//!
//! async fn report(said: Said) -> String {
//!     format!("Thank you. Noted: {}", said.text())
//! }
//!
//! pub fn apps(router: Router) -> Router {
//!     let help = "To report cases, send: REPORT <VILLAGE> <NUMBER>";
//!     router
//!         .app(keyword("hours|open", async |_| "We are open 8 to 17."))
//!         .app(keyword("report|rpt", report).help(help))
//! }
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let bench = threadless::testing::Bench::new(apps(Router::new()));
//! # bench.transcript("
//! #     1112223333 > hours
//! #     1112223333 < We are open 8 to 17.
//! #     1112223333 > report
//! #     1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
//! #     1112223333 > Report: Bole 3
//! #     1112223333 < Thank you. Noted: Bole 3
//! # ").await;
//! # });
//! ```
//!
//! The function `apps` is the one in `functions/src/apps.rs`: what it installs is what the project does. Someone who
//! texts `RPT`, `report:` or `Report, Bole` means the same ([`Keywords`]); `reports` is another word.
//!
//! # What a function knows
//!
//! [`Said`] has all that an app can see and do: who wrote ([`Context::connection`](crate::Context::connection)), when
//! ([`Incoming::received_at`](crate::Incoming::received_at)), what is remembered of them
//! ([`Context::session`](crate::Context::session)), who they are ([`Context::contact`](crate::Context::contact)), and a way
//! to write to others ([`Context::send`](crate::Context::send)).
//!
//! ```text
//! 1112223333 > pay 50
//! 1112223333 < You have 50 birr.
//! 1112223333 > balance
//! 1112223333 < You have 50 birr.
//! ```
//!
//! ```
//! use threadless::apps::{Said, keyword};
//! use threadless::{AppError, Router};
//!
//! async fn balance(said: Said) -> Result<String, AppError> {
//!     let birr = said.session().get::<u32>("bank.birr")?.unwrap_or(0);
//!     Ok(format!("You have {birr} birr."))
//! }
//!
//! async fn pay(mut said: Said) -> Result<String, AppError> {
//!     let paid: u32 = said.text().parse()?;
//!     let birr = said.session().get::<u32>("bank.birr")?.unwrap_or(0) + paid;
//!     said.session_mut().set("bank.birr", &birr)?;
//!     balance(said).await
//! }
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let router = Router::new().app(keyword("balance", balance)).app(keyword("pay", pay));
//! # let bench = threadless::testing::Bench::new(router);
//! # bench.transcript("
//! #     1112223333 > pay 50
//! #     1112223333 < You have 50 birr.
//! #     1112223333 > balance
//! #     1112223333 < You have 50 birr.
//! # ").await;
//! # });
//! ```
//!
//! Nothing is stored or sent while the function runs. What it changed and what it replied is committed in one write
//! afterwards, or not at all: after an error the session is as it was, the log has the error, and the next app is asked.
//!
//! That write can come too late, when another message of the same person was committed first. Then the function runs
//! again. A call to another system therefore takes [`Context::message_id`](crate::Context::message_id) as its key: see
//! [phases may run more than once](crate::App#phases-may-run-more-than-once).
//!
//! A text that people of several languages get is written as [`tr!("…")`](crate::tr), and put into the language of each:
//! [`translate`](crate::translate) shows how.
//!
//! # A form
//!
//! ```text
//! 1112223333 > temp 38.5 Bole
//! 1112223333 < 38.5 degrees in Bole. Thank you.
//! ```
//!
//! [`pattern`] takes messages apart by a regular expression and hands the function values of its own types. A value that
//! does not fit is answered with the help.
//!
//! ```
//! use serde::Deserialize;
//! use threadless::Router;
//! use threadless::apps::{Said, pattern};
//!
//! #[derive(Deserialize)]
//! struct Temperature {
//!     degrees: f64,
//!     place: String,
//! }
//!
//! async fn temperature(_: Said, Temperature { degrees, place }: Temperature) -> String {
//!     format!("{degrees} degrees in {place}. Thank you.")
//! }
//!
//! let form = r"temp\s+(?<degrees>[\d.]+)\s+(?<place>.+)";
//! let router = Router::new().app(pattern(form, temperature).help("Send: TEMP <DEGREES> <PLACE>"));
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let bench = threadless::testing::Bench::new(router);
//! # bench.transcript("1112223333 > temp 38.5 Bole\n1112223333 < 38.5 degrees in Bole. Thank you.").await;
//! # });
//! ```
//!
//! # Questions and answers
//!
//! ```text
//! 1112223333 > visit
//! 1112223333 < Which day?
//! 1112223333 > Monday
//! 1112223333 < Monday. At what hour, 8 to 17?
//! 1112223333 > in the morning
//! 1112223333 < An hour, please: 8 to 17
//! 1112223333 > 9
//! 1112223333 < We expect you on Monday at 9.
//! ```
//!
//! A [`Conversation`] asks, waits for the next message, and goes on. Where a person is in it is one value of an enum. It is
//! kept with the session and committed with the replies.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use threadless::apps::{Conversation, Said, Turn, conversation};
//! use threadless::{AppError, Router};
//!
//! struct Visit;
//!
//! #[derive(Default, Serialize, Deserialize)]
//! enum Asked {
//!     #[default]
//!     Nothing,
//!     Day,
//!     Hour { day: String },
//! }
//!
//! impl Conversation for Visit {
//!     const NAME: &'static str = "visit";
//!     type State = Asked;
//!
//!     async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
//!         Ok(match asked {
//!             Asked::Nothing => Turn::to(Asked::Day, "Which day?"),
//!             Asked::Day => {
//!                 let day = said.text().to_owned();
//!                 let question = format!("{day}. At what hour, 8 to 17?");
//!                 Turn::to(Asked::Hour { day }, question)
//!             }
//!             Asked::Hour { day } => match said.text().parse::<u8>() {
//!                 Ok(hour @ 8..=17) => {
//!                     Turn::done(format!("We expect you on {day} at {hour}."))
//!                 }
//!                 _ => Turn::stay("An hour, please: 8 to 17"),
//!             },
//!         })
//!     }
//! }
//!
//! let router = Router::new().app(conversation("visit", Visit));
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let bench = threadless::testing::Bench::new(router);
//! # bench.transcript("
//! #     1112223333 > visit
//! #     1112223333 < Which day?
//! #     1112223333 > Monday
//! #     1112223333 < Monday. At what hour, 8 to 17?
//! #     1112223333 > in the morning
//! #     1112223333 < An hour, please: 8 to 17
//! #     1112223333 > 9
//! #     1112223333 < We expect you on Monday at 9.
//! # ").await;
//! # });
//! ```
//!
//! It ends with `Turn::done`, with the word `cancel`, or when an answer takes longer than an hour; all three can be had
//! otherwise. While it goes on, messages are its own: [which ones](Conversation#which-messages-are-its-own) is worth
//! reading, and so is what becomes of people in the middle of it when a [deployment](Conversation::migrate) changes it.
//!
//! # A type of one's own
//!
//! ```text
//! 1112223333 > maize
//! 1112223333 < Maize: 32 birr. -- Market
//! 1112223333 > teff
//! 1112223333 < Sorry, no price of teff. -- Market
//! ```
//!
//! What is more than one function, or needs something to work with (a client of another service, a list), is a type that
//! implements [`App`](crate::App): the [phases](crate::App#the-phases) that it takes part in, as `async fn`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use threadless::{App, AppError, Context, Handled, Outbound, Reply, Router};
//!
//! struct Market {
//!     birr: BTreeMap<&'static str, u32>,
//! }
//!
//! impl App for Market {
//!     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let Some(birr) = self.birr.get(cx.text().trim().to_lowercase().as_str()) else {
//!             return Ok(Handled::No);
//!         };
//!         let reply = format!("{}: {birr} birr.", cx.text().trim());
//!         cx.reply(reply);
//!         Ok(Handled::Yes)
//!     }
//!
//!     /// What no app handled.
//!     async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let reply = format!("Sorry, no price of {}.", cx.text());
//!         cx.reply(reply);
//!         Ok(Handled::Yes)
//!     }
//!
//!     /// Signs whatever goes out, of any app.
//!     async fn outgoing(&self, cx: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
//!         reply.text = format!("{} -- {}", reply.text, cx.about().name);
//!         Ok(Outbound::Send)
//!     }
//! }
//!
//! let router = Router::new().app(Market { birr: BTreeMap::from([("maize", 32)]) });
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let bench = threadless::testing::Bench::with(router).about("Market", "").build();
//! # bench.transcript("
//! #     1112223333 > Maize
//! #     1112223333 < Maize: 32 birr. -- Market
//! #     1112223333 > teff
//! #     1112223333 < Sorry, no price of teff. -- Market
//! # ").await;
//! # });
//! ```
//!
//! # The order of apps
//!
//! Apps are asked in the order in which they are installed, and the first that handles a message keeps it. So:
//! what must always work comes first ([`Help`], [`Ping`]); a longer keyword (`stock out`) before a shorter one that it
//! begins with (`stock`); conversations before what takes any text; [`DefaultReply`] last. STOP and START are heard
//! [before every app](crate::Consent).
//!
//! Apps that belong together are installed by a function of their own, or as a [group](crate::Router::group) that
//! [`Help`] lists by its name.
//!
//! # Testing
//!
//! A [`Bench`](crate::testing::Bench) is a whole project in memory, and a transcript is a test of it:
//!
//! ```
//! # use threadless::Router;
//! # use threadless::apps::keyword;
//! # fn apps(router: Router) -> Router {
//! #     router.app(keyword("hours|open", async |_| "We are open 8 to 17."))
//! # }
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = threadless::testing::Bench::new(apps(Router::new()));
//! bench.transcript("1112223333 > open\n1112223333 < We are open 8 to 17.").await;
//! # });
//! ```
//!
//! [`testing`](crate::testing) has the rest: time, faults on demand, races.
//!
//! # What comes with the framework
//!
//! | app | answers |
//! |---|---|
//! | [`Ping`] | `ping`, with `pong` |
//! | [`Echo`] | `echo <text>`, with the text |
//! | [`Help`] | `help`, with the words that are understood; `help <word>`, with how to use one |
//! | [`Registration`] | `register <name>`, `language <name>`: who people are, and what they speak |
//! | [`DefaultReply`] | what no app handled, with the project's `default_response` |
//! | [`keyword`] | what begins with a word, by a function |
//! | [`pattern`] | what has a form, by a function |
//! | [`conversation`](conversation()) | questions and answers |

mod conversation;
mod default_reply;
mod echo;
mod help;
mod into_reply;
mod keyword;
mod keywords;
mod pattern;
mod ping;
mod registration;
mod said;
mod texts;

pub use conversation::{Conversation, ConversationApp, Turn, conversation};
pub use default_reply::DefaultReply;
pub use echo::Echo;
pub use help::Help;
pub use into_reply::IntoReply;
pub use keyword::{Keyword, keyword};
pub use keywords::Keywords;
pub use pattern::{Pattern, pattern};
pub use ping::Ping;
pub use registration::Registration;
pub use said::Said;
#[cfg(test)]
pub(crate) use texts::TEXTS;
