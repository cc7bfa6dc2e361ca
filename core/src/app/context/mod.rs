//! What an app sees of a message, and what it can do about it.

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
use crate::model::contact::{Contact, ContactError, ContactId};
use crate::model::message::{ConnectionId, Incoming, MessageId};
use crate::model::recipient::Recipient;
use crate::model::session::Session;
use crate::store::StoreError;
use crate::translate::{Catalogues, Languages, Phrase};
use queued::Queued;

/// What the apps may know of the project they run in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The project's name, as users of the service read it.
    pub name: String,
    /// What the bundled [`DefaultReply`](crate::apps::DefaultReply) says where nobody had an answer; empty to
    /// stay silent. `%(project_name)s` stands for the name. It is translated if a catalogue has it.
    pub default_response: String,
    /// The languages that it speaks.
    pub languages: Languages,
}

/// One reply on its way out, as [`App::outgoing`](crate::App::outgoing) sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it says. Any length: the gateway splits it.
    pub text: String,
}

/// One message on its way through the phases.
///
/// Cheap to clone: the router keeps a copy to go back to when a phase fails.
#[derive(Clone, Debug)]
pub struct Context {
    message: Arc<Incoming>,
    known: Snapshot,
    fields: Arc<BTreeMap<String, Value>>,
    replies: Queued<Reply>,
    /// `None` where nothing may be sent.
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

    /// Has [`Context::send`] refuse everything.
    pub(crate) fn without_sends(mut self) -> Self {
        self.sends = None;
        self
    }

    /// The message as the apps before this one left it.
    pub fn message(&self) -> &Incoming {
        &self.message
    }

    /// The message's id: the same however often it is delivered and its phases run.
    pub fn message_id(&self) -> &MessageId {
        &self.message.id
    }

    /// Who wrote, and through which backend.
    pub fn connection(&self) -> &ConnectionId {
        &self.message.connection
    }

    /// What they wrote.
    pub fn text(&self) -> &str {
        &self.message.text
    }

    /// Changes the text for the apps and phases that follow.
    pub fn set_text(&mut self, text: impl Into<String>) {
        Arc::make_mut(&mut self.message).text = text.into();
    }

    /// What is remembered of this connection.
    pub fn session(&self) -> &Session {
        &self.known.session
    }

    /// What is remembered of this connection, to change.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.known.session
    }

    /// Who is behind this connection, if that is known: the apps before this one may just have made the contact.
    pub fn contact(&self) -> Option<&Contact> {
        self.known.contact.as_ref()
    }

    /// Who is behind this connection, to change. Makes a contact where there is none; one of which nothing is said
    /// then is not kept.
    ///
    /// It is committed with the message, and only where something changed. That makes the commit a transaction,
    /// which costs about four times as much as one without: what changes with every message is better kept in the
    /// [session](Context::session_mut).
    pub fn contact_mut(&mut self) -> &mut Contact {
        self.known.contact_mut(&self.message.connection, self.now)
    }

    /// The contact of this id, as it is stored; whose it is does not matter. A read of its own each time: a unit and a
    /// round trip. To change it, [join](Context::join_contact) it or send it a message.
    pub async fn find_contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.known.directory.contact(id).await
    }

    /// The contact of another connection, as it is stored. A read of its own each time: two units and a round trip.
    pub async fn find_contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        self.known.directory.contact_of(connection).await
    }

    /// From now on this contact is behind this connection: someone's second phone. The contact that it had, if any,
    /// stays without it. An error where the contact has [as many](Contact::MAX_CONNECTIONS) as it can have.
    ///
    /// Whether the same person holds both phones is for the app to make sure. Here a code does that, which the one
    /// phone is told and the other sends:
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
    ///         // In earnest a random one, for a few minutes and a few attempts.
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

    /// From now on nobody is known to be behind this connection: the number went to someone else, say. The contact
    /// is kept, without this connection.
    pub fn leave_contact(&mut self) {
        self.known.contact = None;
    }

    /// A value that an earlier phase left with this message. An error if it is there but not a `T`.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        self.fields.get(name).map(T::deserialize).transpose()
    }

    /// Leaves a value with this message for later phases; it is gone with the message. An error if it has no
    /// JSON form.
    pub fn set_field<T: Serialize>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(value)?;
        Arc::make_mut(&mut self.fields).insert(name.into(), value);
        Ok(())
    }

    /// Queues a reply. It goes out when the message's phases are through and committed.
    ///
    /// At most [`Context::MAX_REPLIES`] a message, each of at most [`Context::MAX_REPLY_BYTES`]; what is beyond
    /// is left out when the message is committed, and logged as an error.
    pub fn reply(&mut self, text: impl Into<String>) {
        self.replies.lock().push(Reply { text: text.into() });
    }

    /// Queues a reply in the language of whoever gets it, as [`Context::reply`] does with a text.
    ///
    /// ```
    /// use threadless::{Context, tr};
    /// # fn example(cx: &mut Context) {
    /// let name = "Asha";
    /// cx.say(tr!("Thank you, %(name)s!", name));
    /// # }
    /// ```
    // A phrase is made to be said.
    #[allow(clippy::needless_pass_by_value)]
    pub fn say(&mut self, phrase: Phrase) {
        let text = self.translate(&phrase);
        self.reply(text);
    }

    /// A phrase in the language of the [contact](Context::contact) behind this connection as it is now; in the
    /// project's where nothing is known of it. [`translate`](crate::translate) says which language that is.
    pub fn translate(&self, phrase: &Phrase) -> String {
        let language = self.contact().and_then(Contact::language);
        self.catalogues.say(phrase, language, &self.about.languages)
    }

    /// The most replies to one message.
    pub const MAX_REPLIES: usize = 32;

    /// The most bytes of one reply: 65 parts in GSM-7. Escaped in the URL of a request it is up to six times as
    /// long, and a URL of 64 KiB is the longest that HTTP libraries take.
    pub const MAX_REPLY_BYTES: usize = 10_000;

    /// The replies queued so far.
    pub fn replies(&self) -> Vec<Reply> {
        self.replies.lock().clone()
    }

    /// Sends a text to others than the sender of this message, in any phase. The text is committed with the message,
    /// so each recipient gets one message even if the phases run several times. After the commit the text goes
    /// through the queue. Each recipient gets it through the outgoing phase and subject to their own
    /// [opt-out](crate::Consent). A failure for one recipient does not affect the others. The text does not count as an
    /// answer.
    ///
    /// At most [`Sending::MAX_RECIPIENTS`] a call, each of them once, and [`Sending::MAX_SENDS`] calls a message.
    /// Nobody is no fault. What is beyond is an error, and nothing of that call is sent.
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

    /// The project that this runs in.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What the installed apps can be asked, in their order.
    pub fn usage(&self) -> &[Usage] {
        &self.usage
    }

    /// When the phases of this message began. The same in each of them, and settable in tests.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn reply_count(&self) -> usize {
        self.replies.lock().len()
    }

    /// Cuts this context off from the copies that a task still running may hold: it cannot add replies later.
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
