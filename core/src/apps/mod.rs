//! A guide to writing apps, and the apps that come with the framework.
//!
//! An app answers text messages. Most apps are one Rust function. Some apps are conversations of questions and answers.
//! A few apps are a type of their own. This page shows one of each, and begins with the simplest. Every example runs as
//! a test.
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
//! [`keyword`] makes an app out of a word and an async function. The function gets the text after the keyword
//! ([`Said`]). The function returns a [reply](IntoReply): one text, several texts, nothing, or a `Result` of these. If
//! the app has a [`help`](Keyword::help) text, Threadless answers the keyword alone with this text.
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
//! In your project, the function `apps` is in the file `functions/src/apps.rs`. The project has exactly the apps that
//! this function installs. The texts `RPT`, `report:` and `Report, Bole` all reach the app `report` ([`Keywords`]). The
//! text `reports` does not reach it, because `reports` is another word.
//!
//! Threadless compares texts in one [normal form](crate::text::matching). So a keyword is found in any case, in
//! full-width letters, with a separate accent, and with marks that nobody sees. What an app gets, stores or sends back is
//! as the sender wrote it. An app that compares a text itself uses [`key`](crate::text::matching::key) or
//! [`is_same`](crate::text::matching::is_same).
//!
//! # The input of a function
//!
//! [`Said`] gives the function everything that an app can see and do:
//!
//! - the connection of the sender ([`Context::connection`](crate::Context::connection));
//! - the time of arrival ([`Incoming::received_at`](crate::Incoming::received_at));
//! - the stored memory of the connection ([`Context::session`](crate::Context::session));
//! - the person behind the connection ([`Context::contact`](crate::Context::contact));
//! - a method that sends a text to other people ([`Context::send`](crate::Context::send)).
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
//!     let paid: u32 = said.parse()?;
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
//! Threadless stores and sends nothing while the function runs. After the function ends, Threadless commits its changes
//! and its replies in one write. If the function returns an error, the session stays as it was, the error goes to the
//! log, and the next app is asked.
//!
//! The text of a message can also be wrong: `pay much` has no number. This is a mistake of the sender, and no error of
//! the app. [`Said::parse`] reads numbers in the digits of every script. If it fails, the sender gets the
//! [`help`](Keyword::help) text of the keyword, and the log has no error. A function reports another mistake of the sender
//! with [`SenderError`](crate::SenderError).
//!
//! Another message of the same person may be committed first. Then the commit fails, and the function runs again. If
//! the function calls another system, give that system [`Context::message_id`](crate::Context::message_id) as the
//! idempotency key. See [phases may run more than once](crate::App#phases-may-run-more-than-once).
//!
//! If people of several languages get a text, write the text as [`tr!("…")`](crate::tr). Threadless then translates it
//! into the language of each person. The module [`translate`](crate::translate) shows how.
//!
//! # A form
//!
//! ```text
//! 1112223333 > temp 38.5 Bole
//! 1112223333 < 38.5 degrees in Bole. Thank you.
//! ```
//!
//! [`pattern`] matches a message with a regular expression. It turns the groups of the expression into typed values
//! (here the fields of a struct), and passes them to the function. If a value does not fit its type, Threadless answers
//! with the help text.
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
//! A [`Conversation`] asks a question, waits for the next message, and goes on. One value of an enum holds the person's
//! place in the conversation. Threadless keeps this value in the session and commits it together with the replies.
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
//!             Asked::Hour { day } => match said.parse::<u8>() {
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
//! A conversation ends when `turn` returns `Turn::done`, when the person sends the word `cancel`, or when the person
//! does not answer within an hour. [`ConversationApp::cancel`] sets other words, and [`Conversation::TIMEOUT`] sets
//! another time. During the conversation, the person's messages go to the conversation, with [some
//! exceptions](Conversation#messages-of-a-conversation). If a [deployment](Conversation::migrate) changes a
//! conversation, people may be in the middle of it: please read what to do then.
//!
//! # An app that is a type
//!
//! ```text
//! 1112223333 > Maize
//! 1112223333 < Maize: 32 birr. -- Market
//! 1112223333 > teff
//! 1112223333 < Sorry, no price of teff. -- Market
//! ```
//!
//! Some apps are more than one function, or need something to work with (a client of another service, a list). Such an
//! app is a type that implements [`App`](crate::App): the type implements the [phases](crate::App#the-phases) that it
//! needs, as `async fn`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use threadless::text::matching::key;
//! use threadless::{App, AppError, Context, Handled, Outbound, Reply, Router};
//!
//! struct Market {
//!     birr: BTreeMap<&'static str, u32>,
//! }
//!
//! impl App for Market {
//!     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let Some(birr) = self.birr.get(key(cx.text()).as_str()) else {
//!             return Ok(Handled::No);
//!         };
//!         let reply = format!("{}: {birr} birr.", cx.text().trim());
//!         cx.reply(reply);
//!         Ok(Handled::Yes)
//!     }
//!
//!     /// Answers a message that no app handled.
//!     async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let reply = format!("Sorry, no price of {}.", cx.text());
//!         cx.reply(reply);
//!         Ok(Handled::Yes)
//!     }
//!
//!     /// Adds a signature to each reply, of whichever app.
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
//! Threadless asks the apps in the order in which they are installed. The first app that handles a message keeps it.
//! Therefore install:
//!
//! - first the apps that must always work ([`Help`], [`Ping`]);
//! - a longer keyword (`stock out`) before a shorter keyword with the same beginning (`stock`);
//! - conversations before apps that take any text;
//! - [`DefaultReply`] last.
//!
//! Threadless handles STOP and START [before every app](crate::Consent).
//!
//! If some apps belong together, install them in a Rust function of their own, or as a [group](crate::Router::group).
//! [`Help`] lists a group by its name.
//!
//! # Testing
//!
//! A [`Bench`](crate::testing::Bench) is a whole project in memory. A transcript tests the project on this bench:
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
//! The module [`testing`](crate::testing) describes what else a test can do: set the time, make parts fail, and repeat
//! jobs.
//!
//! # The apps of the framework
//!
//! | app | answers |
//! |---|---|
//! | [`Ping`] | `ping`, with `pong` |
//! | [`Echo`] | `echo <text>`, with the text |
//! | [`Help`] | `help`, with the words that the installation understands; `help <word>`, with how to use this word |
//! | [`Registration`] | `register <name>` and `language <name>`, which store a person's name and language |
//! | [`DefaultReply`] | a message that no app handled, with the project's `default_response` |
//! | [`keyword`] | a message that begins with a word, with the result of a function |
//! | [`pattern`] | a message that has a given form, with the result of a function |
//! | [`conversation`](conversation()) | several messages, as questions and answers |

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
