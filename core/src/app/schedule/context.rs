//! What a job sees, and what it can do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::context::About;
use crate::app::send::{SendError, Sending};
use crate::model::message::MessageId;
use crate::model::recipient::Recipient;

/// One run of a job. Cheap to clone: clones are the same run.
///
/// What it does is committed when the job returns `Ok`, once for each due time. A job **may run more than once** for one
/// due time (it failed, a process died): calls to other systems take [`JobContext::id`] as their key.
#[derive(Clone)]
pub struct JobContext {
    id: MessageId,
    due: Timestamp,
    now: Timestamp,
    about: Arc<About>,
    effect: Arc<Mutex<Effect>>,
}

/// What a run comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) state: Option<Value>,
    pub(crate) sends: Vec<Sending>,
}

impl JobContext {
    /// The most bytes of a job's state, as JSON.
    pub const MAX_STATE_BYTES: usize = 65_536;

    pub(crate) fn new(
        id: MessageId,
        due: Timestamp,
        now: Timestamp,
        about: Arc<About>,
        state: Option<Value>,
    ) -> Self {
        let effect = Arc::new(Mutex::new(Effect { state, sends: Vec::new() }));
        Self { id, due, now, about, effect }
    }

    fn lock(&self) -> MutexGuard<'_, Effect> {
        self.effect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same each time that the job runs for this due time.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// When it was due. After an outage long before [`JobContext::now`].
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// When this run began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The project that this runs in.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What the job remembers from run to run. An error if it is there but not a `T`.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.lock().state.as_ref().map(T::deserialize).transpose()
    }

    /// Sets what the job remembers. An error if it has no JSON form. More than [`JobContext::MAX_STATE_BYTES`] fail
    /// the run.
    pub fn set_state<T: Serialize>(&self, state: &T) -> Result<(), serde_json::Error> {
        let state = serde_json::to_value(state)?;
        self.lock().state = Some(state);
        Ok(())
    }

    /// Has a text sent, to any number of recipients, each of them once a call: as a
    /// [broadcast](crate::broadcast), through the outgoing phase and each recipient's own opt-out.
    pub fn send<R: Into<Recipient>>(
        &self,
        text: impl Into<String>,
        recipients: impl IntoIterator<Item = R>,
    ) -> Result<(), SendError> {
        let sending = Sending::unlimited(text, recipients)?;
        self.lock().sends.push(sending);
        Ok(())
    }

    pub(crate) fn take_effect(&self) -> Effect {
        std::mem::take(&mut *self.lock())
    }
}
