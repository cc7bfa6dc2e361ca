//! Conversations: questions and answers over several messages, as a state machine.

mod app;
mod ongoing;
mod turn;

pub use app::{ConversationApp, conversation};
pub use turn::Turn;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Said;
use crate::{AppError, Context};
use ongoing::Ongoing;

/// Questions and answers over several messages: where a person is in it is one value of an enum, and each message
/// takes it from one to the next.
///
/// ```text
/// 1112223333 > baby
/// 1112223333 < What is the name?
/// 1112223333 > Asha
/// 1112223333 < What does Asha weigh, in grams?
/// 1112223333 > a lot
/// 1112223333 < A number, please: grams
/// 1112223333 > 3200
/// 1112223333 < Asha, 3200 g. Thank you!
/// 1112223333 > baby
/// 1112223333 < What is the name?
/// 1112223333 > cancel
/// 1112223333 < Cancelled.
/// ```
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use threadless::apps::{Conversation, Said, Turn, conversation};
/// use threadless::{AppError, Router};
///
/// struct Baby;
///
/// #[derive(Default, Serialize, Deserialize)]
/// enum Asked {
///     #[default]
///     Nothing,
///     Name,
///     Weight { name: String },
/// }
///
/// impl Conversation for Baby {
///     const NAME: &'static str = "baby";
///     type State = Asked;
///
///     async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
///         Ok(match asked {
///             Asked::Nothing => Turn::to(Asked::Name, "What is the name?"),
///             Asked::Name => {
///                 let name = said.text().to_owned();
///                 let question = format!("What does {name} weigh, in grams?");
///                 Turn::to(Asked::Weight { name }, question)
///             }
///             Asked::Weight { name } => match said.text().parse::<u32>() {
///                 Ok(grams) => Turn::done(format!("{name}, {grams} g. Thank you!")),
///                 Err(_) => Turn::stay("A number, please: grams"),
///             },
///         })
///     }
/// }
///
/// let router = Router::new().app(conversation("baby|birth", Baby));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("
/// #     1112223333 > baby
/// #     1112223333 < What is the name?
/// #     1112223333 > Asha
/// #     1112223333 < What does Asha weigh, in grams?
/// #     1112223333 > a lot
/// #     1112223333 < A number, please: grams
/// #     1112223333 > 3200
/// #     1112223333 < Asha, 3200 g. Thank you!
/// #     1112223333 > baby
/// #     1112223333 < What is the name?
/// #     1112223333 > cancel
/// #     1112223333 < Cancelled.
/// # ").await;
/// # });
/// ```
///
/// # Which messages are its own
///
/// A connection is in one conversation at a time. While it is, its messages go to that one, with these exceptions:
///
/// - An app that is installed before the conversation and handles a message keeps it. So `Help` goes first.
/// - The [cancel word](ConversationApp::cancel) alone ends it.
/// - The word of a conversation **alone** begins that conversation, which takes the place of this one; its own word
///   begins it anew. With more behind it, the word is an answer: to "What happened?" someone may text "Baby is ill".
/// - What it [passes](Turn::pass) goes to the other apps.
/// - After [`TIMEOUT`](Conversation::TIMEOUT) without an answer it has ended. If no app makes anything of the
///   message then, the person is told [so](ConversationApp::timed_out).
///
/// While it is in none, a message that begins with the word begins it, and what follows the word is the
/// [text](Said::text) of the first turn.
///
/// # What it can rely on
///
/// The state is in the connection's [session](Context::session) and is committed with the replies in one write: no
/// question is asked whose state was not kept, and the other way round. Two messages of one sender at once take one
/// turn after the other, inline and on the queue, since who comes second [takes its turn
/// again](crate::App#phases-may-run-more-than-once). A turn that fails leaves the state as it was, and the other apps
/// are asked.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no conversation",
    label = "not a conversation",
    note = "`impl Conversation for …` with a `State` that derives `Default`, `Serialize` and `Deserialize`, and \
            `async fn turn(&self, state: State, said: Said) -> Result<Turn<State>, AppError>`",
    note = "a function that answers single messages is for `keyword(\"word\", function)`"
)]
pub trait Conversation: Send + Sync + 'static {
    /// Where a person can be in it. The default is where it begins.
    type State: Default + Serialize + DeserializeOwned + Send;

    /// What the state is kept under, and what logs call it: no other conversation has this name, and it stays.
    const NAME: &'static str;

    /// The version of [`State`](Conversation::State): raise it when states of before cannot be read any more, or mean
    /// something else. See [`migrate`](Conversation::migrate).
    const VERSION: u32 = 1;

    /// How long an answer may take: from the arrival of a message to that of the next, by the clock of
    /// [`Incoming::received_at`](crate::Incoming::received_at), so that a wait in the queue does not count.
    const TIMEOUT: Duration = Duration::from_secs(3600);

    /// Takes one message. The first one has the default state, and what follows the word that began it as its text.
    fn turn(
        &self,
        state: Self::State,
        said: Said,
    ) -> impl Future<Output = Result<Turn<Self::State>, AppError>> + Send;

    /// Makes a state of this version out of one that another version wrote, or that cannot be read. Without one
    /// (`None`, as it is by default) the conversation [says so](ConversationApp::changed) and begins anew.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use threadless::apps::{Conversation, Said, Turn, conversation};
    /// # use threadless::AppError;
    /// # struct Baby;
    /// #[derive(Default, Serialize, Deserialize)]
    /// enum Asked {
    ///     #[default]
    ///     Nothing,
    ///     // Version 1 had only the name.
    ///     Weight { name: String, twin: bool },
    /// }
    ///
    /// impl Conversation for Baby {
    /// #   type State = Asked;
    /// #   async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
    /// #       Ok(match asked {
    /// #           Asked::Nothing => Turn::to(Asked::Weight { name: said.text().to_owned(), twin: false }, "Weight?"),
    /// #           Asked::Weight { name, twin } => Turn::done(format!("{name}, {twin}, {}", said.text())),
    /// #       })
    /// #   }
    ///     const NAME: &'static str = "baby";
    ///     const VERSION: u32 = 2;
    ///
    ///     fn migrate(&self, version: u32, state: serde_json::Value) -> Option<Asked> {
    ///         let name = state["Weight"]["name"].as_str()?.to_owned();
    ///         (version == 1).then_some(Asked::Weight { name, twin: false })
    ///     }
    ///     // …
    /// }
    /// # let old = serde_json::json!({ "Weight": { "name": "Asha" } });
    /// # assert!(matches!(Baby.migrate(1, old), Some(Asked::Weight { twin: false, .. })));
    /// # assert!(Baby.migrate(1, serde_json::json!("Nothing")).is_none());
    /// ```
    fn migrate(&self, version: u32, state: Value) -> Option<Self::State> {
        let _ = (version, state);
        None
    }

    /// Begins it from any app: the connection's next message is an answer in `state`. It takes the place of a
    /// conversation that the connection is in. What to ask is for the caller to reply.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use threadless::apps::{Conversation, Said, Turn, conversation, keyword};
    /// # use threadless::{AppError, Router};
    /// # struct Baby;
    /// # #[derive(Default, Serialize, Deserialize)]
    /// # enum Asked { #[default] Nothing, Weight { name: String } }
    /// # impl Conversation for Baby {
    /// #     type State = Asked;
    /// #     const NAME: &'static str = "baby";
    /// #     async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
    /// #         Ok(match asked {
    /// #             Asked::Nothing => Turn::done("?"),
    /// #             Asked::Weight { name } => Turn::done(format!("{name}, {} g.", said.text())),
    /// #         })
    /// #     }
    /// # }
    /// async fn weigh(mut said: Said) -> Result<String, AppError> {
    ///     let name = said.text().to_owned();
    ///     let question = format!("What does {name} weigh?");
    ///     Baby::begin(&mut said, Asked::Weight { name })?;
    ///     Ok(question)
    /// }
    /// let router = Router::new().app(keyword("weigh", weigh)).app(conversation("baby", Baby));
    /// # #[cfg(feature = "testing")]
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let bench = threadless::testing::Bench::new(router);
    /// # bench.transcript("1 > weigh Asha\n1 < What does Asha weigh?\n1 > 3200\n1 < Asha, 3200 g.").await;
    /// # });
    /// ```
    fn begin(cx: &mut Context, state: Self::State) -> Result<(), AppError> {
        Ongoing::put(cx, Self::NAME, Self::VERSION, Self::TIMEOUT, serde_json::to_value(state)?)
    }
}
