//! The context of a message: its data, and the actions of an app.

mod queued;

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::send::{SendError, Sending};
use crate::app::snapshot::Snapshot;
use crate::app::usage::Usage;
use crate::limits::MAX_REPLY_BYTES;
use crate::model::contact::{Contact, ContactError, ContactId};
use crate::model::message::{ConnectionId, Incoming, MessageId};
use crate::model::recipient::Recipient;
use crate::model::session::Session;
use crate::model::value::ValueError;
use crate::store::StoreError;
use crate::translate::{Catalogues, Languages, Phrase};
use queued::Queued;

/// The facts about the project that apps can read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The project's name, as the users of the service read it.
    pub name: String,
    /// The text that the bundled [`DefaultReply`](crate::apps::DefaultReply) sends if no app answered; empty to stay
    /// silent. `%(project_name)s` stands for the name. Threadless translates the text if a catalogue has it.
    pub default_response: String,
    /// The languages of the project.
    pub languages: Languages,
}

/// One reply on its way out, as [`App::outgoing`](crate::App::outgoing) sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text. It can have any length up to [`Context::MAX_REPLY_BYTES`]; the gateway splits it.
    pub text: String,
}

/// One message on its way through the phases.
///
/// A clone is cheap. The router keeps a copy, and goes back to this copy if a phase fails.
#[derive(Clone, Debug)]
pub struct Context {
    message: Arc<Incoming>,
    known: Snapshot,
    fields: Arc<BTreeMap<String, Value>>,
    replies: Queued<Reply>,
    /// The sends; `None` if this context may not send.
    sends: Option<Queued<Sending>>,
    about: Arc<About>,
    usage: Arc<Vec<Usage>>,
    catalogues: Arc<Catalogues>,
    now: Timestamp,
}

impl Context {
    pub(crate) fn new(
        message: Arc<Incoming>,
        known: Snapshot,
        about: Arc<About>,
        usage: Arc<Vec<Usage>>,
        catalogues: Arc<Catalogues>,
        now: Timestamp,
    ) -> Self {
        let sends = Some(Queued::default());
        Self {
            message,
            known,
            fields: Arc::default(),
            replies: Queued::default(),
            sends,
            about,
            usage,
            catalogues,
            now,
        }
    }

    /// Makes [`Context::send`] refuse every call.
    pub(crate) fn without_sends(mut self) -> Self {
        self.sends = None;
        self
    }

    /// Returns the message as the earlier apps left it.
    pub fn message(&self) -> &Incoming {
        &self.message
    }

    /// Returns the id of the message. It is the same in every delivery and in every run of the phases.
    pub fn message_id(&self) -> &MessageId {
        &self.message.id
    }

    /// Returns the connection of the sender: the identity and the backend.
    pub fn connection(&self) -> &ConnectionId {
        &self.message.connection
    }

    /// Returns the text of the message.
    pub fn text(&self) -> &str {
        &self.message.text
    }

    /// Changes the text for the apps and phases that follow.
    pub fn set_text(&mut self, text: impl Into<String>) {
        Arc::make_mut(&mut self.message).text = text.into();
    }

    /// Returns the session: the values that apps keep with this connection.
    pub fn session(&self) -> &Session {
        &self.known.session
    }

    /// Returns the session of this connection, to change it.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.known.session
    }

    /// Returns the contact behind this connection, if there is one. An earlier app may have created it for this same
    /// message.
    pub fn contact(&self) -> Option<&Contact> {
        self.known.contact.as_ref()
    }

    /// Returns the contact behind this connection, to change it. If there is no contact, this function creates one. If
    /// no app sets a value in the new contact, Threadless does not store it.
    ///
    /// The contact is committed with the message, and only if it changed. Such a commit is a transaction and costs
    /// about four times as much as a commit without one. If a value changes with every message, keep it in the
    /// [session](Context::session_mut) instead.
    pub fn contact_mut(&mut self) -> &mut Contact {
        self.known.contact_mut(&self.message.connection, self.now)
    }

    /// Returns the contact with this id, as the store has it. The contact may belong to any person. Each call reads the
    /// store: it costs one read unit and a round trip. Threadless does not store changes to the returned copy. To
    /// change the contact, [join](Context::join_contact) it. To reach the person, [send](Context::send) a text to the
    /// contact.
    pub async fn find_contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.known.directory.contact(id).await
    }

    /// Returns the contact of another connection, as the store has it. Each call reads the store: it costs two read
    /// units and a round trip.
    pub async fn find_contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        self.known.directory.contact_of(connection).await
    }

    /// Connects this contact with this connection from now on, for example for a person's second phone. If the
    /// connection had another contact, that contact loses this connection and is kept. Returns an error if the contact
    /// already has [as many](Contact::MAX_CONNECTIONS) connections as it can have.
    ///
    /// The app must make sure that the same person holds both phones. In this example a code does that. The first phone
    /// receives the code, and the second phone sends it back:
    ///
    /// ```text
    /// 1112223333 > link
    /// 1112223333 < Send from your other phone: LINK 1112223333 4711
    /// 911 > link 1112223333 4711
    /// 911 < Hello, Asha!
    /// ```
    ///
    /// ```
    /// use threadless::apps::{Registration, Said, keyword};
    /// use threadless::{AppError, ConnectionId, Contact, Router, tr, translate::Phrase};
    ///
    /// async fn link(mut said: Said) -> Result<Phrase, AppError> {
    ///     let text = said.text().to_owned();
    ///     let Some((number, code)) = text.split_once(' ') else {
    ///         // In a real app: a random code that is valid for a few minutes and a few attempts.
    ///         let (number, code) = (said.connection().identity.as_str().to_owned(), "4711");
    ///         said.contact_mut().set("link", &code)?;
    ///         return Ok(tr!("Send from your other phone: LINK %(number)s %(code)s", number, code));
    ///     };
    ///     let first = ConnectionId::new(said.connection().backend.clone(), number.parse()?);
    ///     let is_right = |found: &Contact| matches!(found.get::<String>("link"), Ok(Some(kept)) if kept == code);
    ///     let Some(contact) = said.find_contact_of(&first).await?.filter(is_right) else {
    ///         return Ok(tr!("That code is not right."));
    ///     };
    ///     said.join_contact(contact)?;
    ///     said.contact_mut().remove("link");
    ///     Ok(tr!("Hello, %(name)s!", name = said.contact_mut().name()))
    /// }
    ///
    /// let router = Router::new().app(Registration::new()).app(keyword("link", link));
    /// # #[cfg(feature = "testing")]
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let bench = threadless::testing::Bench::new(router);
    /// # bench.transcript("
    /// #     1112223333 > join Asha
    /// #     1112223333 < Thank you for registering, Asha!
    /// #     1112223333 > link
    /// #     1112223333 < Send from your other phone: LINK 1112223333 4711
    /// #     911 > link 1112223333 0815
    /// #     911 < That code is not right.
    /// #     911 > link 1112223333 4711
    /// #     911 < Hello, Asha!
    /// #     912 > link 1112223333 4711
    /// #     912 < That code is not right.
    /// # ").await;
    /// # assert_eq!(bench.contact("1112223333").await.unwrap().connections().len(), 2);
    /// # });
    /// ```
    pub fn join_contact(&mut self, contact: Contact) -> Result<(), ContactError> {
        contact.can_take(self.connection())?;
        self.known.contact = Some(contact);
        Ok(())
    }

    /// Removes the contact from this connection from now on, for example because the number now belongs to another
    /// person. The contact is kept, without this connection.
    pub fn leave_contact(&mut self) {
        self.known.contact = None;
    }

    /// Returns a field: a value that an earlier phase stored with this message. Returns an error if the value is not a
    /// `T`.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ValueError> {
        self.fields.get(name).map(T::deserialize).transpose().map_err(ValueError::new)
    }

    /// Stores a value with this message for later phases. The value is gone when the message is done. Returns an error
    /// if the value has no JSON form.
    pub fn set_field<T: Serialize>(&mut self, name: impl Into<String>, value: &T) -> Result<(), ValueError> {
        let value = serde_json::to_value(value).map_err(ValueError::new)?;
        Arc::make_mut(&mut self.fields).insert(name.into(), value);
        Ok(())
    }

    /// Queues a reply. The reply goes out when the phases of the message have ended and are committed.
    ///
    /// A message can have at most [`Context::MAX_REPLIES`] replies, each of at most [`Context::MAX_REPLY_BYTES`].
    /// Threadless leaves out any further or longer reply, and writes a warning to the log.
    pub fn reply(&mut self, text: impl Into<String>) {
        self.replies.lock().push(Reply { text: text.into() });
    }

    /// Queues a reply in the language of its recipient. Otherwise it works like [`Context::reply`].
    ///
    /// ```
    /// use threadless::{Context, tr};
    /// # fn example(cx: &mut Context) {
    /// let name = "Asha";
    /// cx.say(tr!("Thank you, %(name)s!", name));
    /// # }
    /// ```
    // By value, because a phrase is said only once.
    #[allow(clippy::needless_pass_by_value)]
    pub fn say(&mut self, phrase: Phrase) {
        let text = self.translate(&phrase);
        self.reply(text);
    }

    /// Returns a phrase in the present language of the [contact](Context::contact) behind this connection, or in the
    /// project's language if the contact has none. The page [`translate`](crate::translate) describes the choice of the
    /// language.
    pub fn translate(&self, phrase: &Phrase) -> String {
        let language = self.contact().and_then(Contact::language);
        self.catalogues.say(phrase, language, &self.about.languages)
    }

    /// The largest number of replies to one message.
    pub const MAX_REPLIES: usize = 32;

    /// The largest size of one reply, in bytes: at most 66 segments in GSM-7. In the URL of a request, escaping makes
    /// the reply up to six times as long, and HTTP libraries accept URLs of at most 64 KiB.
    pub const MAX_REPLY_BYTES: usize = MAX_REPLY_BYTES;

    /// Returns the replies that are queued so far.
    pub fn replies(&self) -> Vec<Reply> {
        self.replies.lock().clone()
    }

    /// Sends a text to people other than the sender of this message. An app can call it in any phase. The text is
    /// committed with the message, so each recipient gets one message even if the phases run several times. After the
    /// commit the text goes through the queue and, for each recipient, through the outgoing phase. A recipient who has
    /// [opted out](crate::Consent) does not get it. A failure for one recipient does not affect the others. The text
    /// does not count as an answer to the message.
    ///
    /// One call can have at most [`Sending::MAX_RECIPIENTS`] (100) recipients; each of them gets the text once. One
    /// message can make at most [`Sending::MAX_SENDS`] (32) calls. A call beyond a limit returns an error, and nothing
    /// of that call is sent. A call without recipients is allowed, and does nothing.
    ///
    /// ```
    /// use threadless::{App, AppError, Context, Handled, Recipient};
    ///
    /// /// Passes reports of cholera on to the district.
    /// struct Alarm {
    ///     district: Vec<Recipient>,
    /// }
    ///
    /// impl App for Alarm {
    ///     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
    ///         if !cx.text().eq_ignore_ascii_case("cholera") {
    ///             return Ok(Handled::No);
    ///         }
    ///         let alarm = format!("Cholera reported by {}", cx.connection().identity.as_str());
    ///         cx.send(alarm, self.district.clone())?;
    ///         cx.reply("The district knows.");
    ///         Ok(Handled::Yes)
    ///     }
    /// }
    ///
    /// # #[cfg(feature = "testing")]
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use threadless::{Router, testing::Bench};
    /// let district = vec!["bench:911".parse().unwrap()];
    /// let bench = Bench::new(Router::new().app(Alarm { district }));
    /// bench
    ///     .transcript(
    ///         "
    ///         1112223333 > cholera
    ///         1112223333 < The district knows.
    ///         911 < Cholera reported by 1112223333
    ///         ",
    ///     )
    ///     .await;
    /// # });
    /// ```
    pub fn send<R: Into<Recipient>>(
        &self,
        text: impl Into<String>,
        recipients: impl IntoIterator<Item = R>,
    ) -> Result<(), SendError> {
        let sends = self.sends.as_ref().ok_or(SendError::Unasked)?;
        let sending = Sending::new(text, recipients)?;
        let mut sends = sends.lock();
        if sends.len() >= Sending::MAX_SENDS {
            return Err(SendError::TooManySends);
        }
        if !sending.recipients.is_empty() {
            sends.push(sending);
        }
        Ok(())
    }

    /// Returns the project in which the app runs.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns the commands that the installed apps understand, in the order of the apps.
    pub fn usage(&self) -> &[Usage] {
        &self.usage
    }

    /// Returns the time at which the phases of this message began. It is the same in each phase, and a test can set it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn reply_count(&self) -> usize {
        self.replies.lock().len()
    }

    /// Separates this context from the copies that a task may still hold. After that, the task can add no replies or
    /// sends.
    pub(crate) fn disown(&mut self) {
        self.replies = self.replies.apart();
        self.sends = self.sends.as_ref().map(Queued::apart);
    }

    pub(crate) fn take_replies(&mut self) -> Vec<Reply> {
        mem::take(&mut *self.replies.lock())
    }

    pub(crate) fn take_sends(&mut self) -> Vec<Sending> {
        self.sends.as_ref().map(|sends| mem::take(&mut *sends.lock())).unwrap_or_default()
    }

    pub(crate) fn known(&self) -> &Snapshot {
        &self.known
    }

    pub(crate) fn into_known(self) -> Snapshot {
        self.known
    }
}
