//! What an app sees of a message, and what it can do about it.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::message::{ConnectionId, Incoming, MessageId};
use crate::session::Session;
use crate::usage::Usage;

/// What the apps may know of the project they run in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The project's name, as users of the service read it.
    pub name: String,
    /// What the bundled [`DefaultReply`](crate::apps::DefaultReply) says where nobody had an answer; empty to
    /// stay silent. `%(project_name)s` stands for the name.
    pub default_response: String,
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
    session: Session,
    fields: Arc<BTreeMap<String, Value>>,
    replies: Replies,
    about: Arc<About>,
    usage: Arc<Vec<Usage>>,
    now: Timestamp,
}

/// The replies queued so far. Shared by all copies of a context, so that what a phase queued before it failed
/// is not lost with it.
#[derive(Clone, Debug, Default)]
struct Replies(Arc<Mutex<Vec<Reply>>>);

impl Replies {
    /// A panicking phase cannot leave the list half-changed: a `push` either happened or did not.
    fn lock(&self) -> MutexGuard<'_, Vec<Reply>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    pub(crate) fn new(
        message: Arc<Incoming>,
        session: Session,
        about: Arc<About>,
        usage: Arc<Vec<Usage>>,
        now: Timestamp,
    ) -> Self {
        Self { message, session, fields: Arc::default(), replies: Replies::default(), about, usage, now }
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
        &self.session
    }

    /// What is remembered of this connection, to change.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
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

    /// The most replies to one message.
    pub const MAX_REPLIES: usize = 32;

    /// The most bytes of one reply: 65 parts in GSM-7. Escaped in the URL of a request it is up to six times as
    /// long, and a URL of 64 KiB is the longest that HTTP libraries take.
    pub const MAX_REPLY_BYTES: usize = 10_000;

    /// The replies queued so far.
    pub fn replies(&self) -> Vec<Reply> {
        self.replies.lock().clone()
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
        self.replies = Replies(Arc::new(Mutex::new(self.replies())));
    }

    pub(crate) fn take_replies(&mut self) -> Vec<Reply> {
        mem::take(&mut *self.replies.lock())
    }

    pub(crate) fn into_session(self) -> Session {
        self.session
    }
}
