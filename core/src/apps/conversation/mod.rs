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

/// A series of questions and answers over several messages. One value of an enum is the person's place in the
/// conversation. Each message leads from one value to the next.
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
///             Asked::Weight { name } => match said.parse::<u32>() {
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
/// # Messages of a conversation
///
/// A connection is in one conversation at a time. During a conversation, the messages of the connection go to this
/// conversation, with these exceptions:
///
/// - If an app is installed before the conversation and handles the message, that app keeps the message. So install
///   `Help` first.
/// - The [cancel word](ConversationApp::cancel) alone ends the conversation.
/// - The word of a conversation **alone** begins that conversation, which replaces the present one. The word of the
///   present conversation begins it anew. If more text follows the word, the message is an answer: to "What happened?"
///   someone may text "Baby is ill".
/// - A message that the conversation [passes](Turn::pass) goes to the other apps.
/// - After [`TIMEOUT`](Conversation::TIMEOUT) without an answer, the conversation has ended. If no app handles the late
///   message, the person gets [a reply that says so](ConversationApp::timed_out).
///
/// If the connection is not in a conversation, a message that begins with the word begins the conversation. The rest of
/// the message after the word is the [text](Said::text) of the first turn.
///
/// # Guarantees
///
/// The state is in the connection's [session](Context::session). Threadless commits the state and the replies in one
/// write. So no question is sent without its state, and no state is kept without its question. If two messages of one
/// sender arrive at the same time, their turns run one after the other, both inline and on the queue: the turn of the
/// second message [runs again](crate::App#phases-may-run-more-than-once). If a turn fails, the state stays as it was,
/// and the other apps are asked. If it fails with a [mistake of the sender](crate::SenderError) that has a reply, the
/// sender gets this reply, and the conversation goes on waiting.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a conversation",
    label = "not a conversation",
    note = "`impl Conversation for …` with a `State` that derives `Default`, `Serialize` and `Deserialize`, and \
            `async fn turn(&self, state: State, said: Said) -> Result<Turn<State>, AppError>`",
    note = "for a function that answers single messages, use `keyword(\"word\", function)`"
)]
pub trait Conversation: Send + Sync + 'static {
    /// The place of a person in the conversation. The default value is the beginning.
    type State: Default + Serialize + DeserializeOwned + Send;

    /// The name of the conversation: the key of its state, and its name in the logs. No other conversation may have
    /// this name, and the name must never change.
    const NAME: &'static str;

    /// The version of [`State`](Conversation::State). Raise the version if old states cannot be read any more, or if
    /// they mean something else now. See [`migrate`](Conversation::migrate).
    const VERSION: u32 = 1;

    /// The longest time for an answer: from the arrival of one message to the arrival of the next. The time of arrival
    /// is [`Incoming::received_at`](crate::Incoming::received_at), so a wait in the queue does not count.
    const TIMEOUT: Duration = Duration::from_secs(3600);

    /// Handles one message. The first message of a conversation gets the default state, and its text is the rest after
    /// the word.
    fn turn(
        &self,
        state: Self::State,
        said: Said,
    ) -> impl Future<Output = Result<Turn<Self::State>, AppError>> + Send;

    /// Makes a state of this version from a state that another version wrote, or that cannot be read. If the method
    /// returns `None` (the default), the conversation [says so](ConversationApp::changed) and begins anew.
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

    /// Begins the conversation from any app: the connection's next message is an answer in `state`. If the connection
    /// is in another conversation, this one replaces it. The caller must send the first question.
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
