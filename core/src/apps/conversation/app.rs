//! The app that runs a conversation.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

use super::ongoing::{Ongoing, Standing};
use super::turn::Step;
use super::{Conversation, Turn};
use crate::apps::said::call_handler;
use crate::apps::{Keywords, texts};
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, SenderError, Usage};

/// An app made of a [`Conversation`]: see [`conversation`].
pub struct ConversationApp<C> {
    conversation: C,
    words: String,
    keywords: Keywords,
    cancel: Keywords,
    cancelled: String,
    timed_out: Option<String>,
    changed: String,
    about: String,
}

/// Makes an app of a [`Conversation`]. A message that begins with one of `words` begins the conversation ([`Keywords`]
/// gives the rules). With `""`, only apps can [begin](Conversation::begin) it.
///
/// ```
/// # use threadless::apps::{Conversation, Said, Turn};
/// # use threadless::AppError;
/// # struct Baby;
/// # impl Conversation for Baby {
/// #     type State = ();
/// #     const NAME: &'static str = "baby";
/// #     async fn turn(&self, _: (), _: Said) -> Result<Turn<()>, AppError> {
/// #         Ok(Turn::to((), "Nom ?"))
/// #     }
/// # }
/// use threadless::Router;
/// use threadless::apps::conversation;
///
/// let baby = conversation("bébé|naissance", Baby)
///     .about("BÉBÉ : annoncer une naissance")
///     .cancel("annuler|fin", "Annulé.")
///     .timed_out("C'était trop long. Pour recommencer, envoyez BÉBÉ")
///     .changed("Cela a changé entre-temps. Recommençons.");
/// let router = Router::new().app(baby);
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("1 > BÉBÉ\n1 < Nom ?\n1 > Fin.\n1 < Annulé.").await;
/// # });
/// ```
pub fn conversation<C: Conversation>(words: &str, conversation: C) -> ConversationApp<C> {
    ConversationApp {
        conversation,
        words: words.to_owned(),
        keywords: Keywords::new(words),
        cancel: Keywords::new("cancel"),
        cancelled: texts::CANCELLED.to_owned(),
        timed_out: None,
        changed: "This has changed in the meantime. Let us begin again.".to_owned(),
        about: String::new(),
    }
}

impl<C: Conversation> ConversationApp<C> {
    /// Sets the words that cancel the conversation, and the reply to them. Such a word counts only as the whole
    /// message; marks around it [do not count](Keywords::is_all_of). The default is `cancel` with "Cancelled.". Without
    /// words, the conversation ends only by its own end or by its time-out. With an empty text, it ends without a reply.
    ///
    /// A word that the settings use for [opting out](crate::Consent) never reaches the conversation: it stops all
    /// messages.
    #[must_use]
    pub fn cancel(mut self, words: &str, reply: impl Into<String>) -> Self {
        self.cancel = Keywords::new(words);
        self.cancelled = reply.into();
        self
    }

    /// Sets the reply to an answer that comes too late and that no app handles. The default is "That took too long. To
    /// begin again, send: …" with the first word of the conversation. With an empty text there is no such reply. The
    /// message is then treated like any other message that no app understood.
    #[must_use]
    pub fn timed_out(mut self, text: impl Into<String>) -> Self {
        self.timed_out = Some(text.into());
        self
    }

    /// Sets the text before a new beginning. The conversation begins anew if the kept state is of [another
    /// version](Conversation::migrate). The default is "This has changed in the meantime. Let us begin again.". With an
    /// empty text, there is no such reply.
    #[must_use]
    pub fn changed(mut self, text: impl Into<String>) -> Self {
        self.changed = text.into();
        self
    }

    /// Sets the text that [`Help`](crate::apps::Help) shows for this conversation.
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about = text.into();
        self
    }

    /// Takes one turn from `state`, which is of the current version, and keeps the new state.
    async fn take_turn(&self, cx: &mut Context, state: Value, text: &str) -> Result<Handled, AppError> {
        let kept = C::State::deserialize(&state)?;
        let unchanged = cx.clone();
        let turn = call_handler(cx, text, |said| self.conversation.turn(kept, said)).await;
        let (step, replies) = match turn.and_then(|Turn { step, replies }| Ok((step, replies?))) {
            Ok(turn) => turn,
            Err(problem) => {
                let mistake = SenderError::behind(problem.as_ref()).ok_or(problem)?;
                *cx = unchanged;
                return Ok(mistake.answer(cx, C::NAME, None));
            }
        };
        for reply in replies {
            cx.say(reply);
        }
        let next = match step {
            Step::Pass => return Ok(Handled::No),
            Step::Done => None,
            Step::Stay => Some(state),
            Step::To(next) => Some(serde_json::to_value(next)?),
        };
        match next {
            Some(state) => Ongoing::put(cx, C::NAME, C::VERSION, C::TIMEOUT, state)?,
            None => Ongoing::end(cx, C::NAME),
        }
        Ok(Handled::Yes)
    }

    async fn begin(&self, cx: &mut Context, text: &str) -> Result<Handled, AppError> {
        let state = serde_json::to_value(C::State::default())?;
        self.take_turn(cx, state, text).await
    }

    async fn begin_by_word(&self, cx: &mut Context) -> Result<Handled, AppError> {
        match self.keywords.rest_of(cx.text()).map(str::to_owned) {
            Some(rest) => self.begin(cx, &rest).await,
            None => Ok(Handled::No),
        }
    }

    /// Continues from the kept state, which may be of another version.
    async fn go_on(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Ongoing { version, state, .. } = Ongoing::of(cx.session())?;
        let text = cx.text().to_owned();
        if version == C::VERSION && C::State::deserialize(&state).is_ok() {
            return self.take_turn(cx, state, &text).await;
        }
        info!(
            app = C::NAME,
            version,
            outcome = "conversation_changed",
            "the saved state is of another version"
        );
        let Some(state) = self.conversation.migrate(version, state) else {
            say(cx, &self.changed);
            Ongoing::end(cx, C::NAME);
            self.begin(cx, "").await?;
            return Ok(Handled::Yes);
        };
        self.take_turn(cx, serde_json::to_value(state)?, &text).await
    }

    fn too_late(&self) -> Option<Phrase> {
        match &self.timed_out {
            Some(text) => Some(Phrase::new(text.clone())).filter(|_| !text.is_empty()),
            None if self.keywords.is_empty() => None,
            None => Some(Phrase::new(texts::TOO_LATE).with("word", Usage::new(&self.words).shown())),
        }
    }
}

fn say(cx: &mut Context, text: &str) {
    if !text.is_empty() {
        cx.say(Phrase::new(text.to_owned()));
    }
}

/// The owner of a message. The parse phases of all conversations find the owner before the first conversation handles
/// the message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Whose {
    /// The installed conversation that the connection is in.
    of: Option<String>,
    /// The conversation whose word is the whole message.
    begins: Option<String>,
}

const WHOSE: &str = "conversation";

impl<C: Conversation> App for ConversationApp<C> {
    fn name(&self) -> &str {
        C::NAME
    }

    fn usage(&self) -> Vec<Usage> {
        if self.keywords.is_empty() { Vec::new() } else { vec![Usage::new(&self.words).help(&self.about)] }
    }

    fn check(&self) -> Result<(), AppError> {
        if C::NAME.is_empty() { Err("a conversation needs a name".into()) } else { Ok(()) }
    }

    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        let mut whose: Whose = cx.field(WHOSE)?.unwrap_or_default();
        if Standing::of(cx, C::NAME) == Standing::In {
            whose.of = Some(C::NAME.to_owned());
        }
        if whose.begins.is_none() && self.keywords.is_all_of(cx.text()) {
            whose.begins = Some(C::NAME.to_owned());
        }
        if whose != Whose::default() {
            cx.set_field(WHOSE, &whose)?;
        }
        Ok(())
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Whose { of, begins } = cx.field(WHOSE)?.unwrap_or_default();
        let ours = Standing::of(cx, C::NAME) == Standing::In;
        if ours && self.cancel.is_all_of(cx.text()) {
            Ongoing::end(cx, C::NAME);
            say(cx, &self.cancelled);
            return Ok(Handled::Yes);
        }
        match (begins, ours) {
            (Some(name), _) if name == C::NAME => self.begin(cx, "").await,
            (None, true) => self.go_on(cx).await,
            (None, false) if of.is_none() => self.begin_by_word(cx).await,
            _ => Ok(Handled::No),
        }
    }

    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let late = Standing::of(cx, C::NAME) == Standing::Late;
        if let Some(phrase) = self.too_late().filter(|_| late) {
            Ongoing::end(cx, C::NAME);
            cx.say(phrase);
            return Ok(Handled::Yes);
        }
        // The connection is in another conversation, and that conversation has passed this message.
        match cx.field::<Whose>(WHOSE)?.and_then(|whose| whose.of) {
            Some(of) if of != C::NAME => self.begin_by_word(cx).await,
            _ => Ok(Handled::No),
        }
    }

    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        if Standing::of(cx, C::NAME) == Standing::Late {
            Ongoing::end(cx, C::NAME);
        }
        Ok(())
    }
}
