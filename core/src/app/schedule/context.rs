//! The context of a job: its data and its actions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::context::About;
use crate::app::send::{SendError, Sending};
use crate::model::message::MessageId;
use crate::model::recipient::Recipient;
use crate::model::value::ValueError;

/// One run of a job. A clone is cheap, and stands for the same run.
///
/// The changes and sends of a run are committed when the job returns `Ok`, once for each due time. A job **may run more
/// than once** for one due time, because it failed or because a process died. Give other systems [`JobContext::id`] as
/// the idempotency key.
#[derive(Clone)]
pub struct JobContext {
    id: MessageId,
    due: Timestamp,
    now: Timestamp,
    about: Arc<About>,
    effect: Arc<Mutex<Effect>>,
}

/// The result of a run: the new state and the sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) state: Option<Value>,
    pub(crate) sends: Vec<Sending>,
}

impl JobContext {
    /// The largest size of a job's state, in bytes of JSON.
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

    /// Returns the id of this run. It is the same each time that the job runs for this due time.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Returns the due time. After an outage this can be long before [`JobContext::now`].
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// Returns the time at which this run began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the project in which the job runs.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns the state that the job keeps from run to run. Returns an error if there is a state but it is not a `T`.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, ValueError> {
        self.lock().state.as_ref().map(T::deserialize).transpose().map_err(ValueError::new)
    }

    /// Sets the state that the job keeps. Returns an error if the state has no JSON form. A state of more than
    /// [`JobContext::MAX_STATE_BYTES`] makes the run fail.
    pub fn set_state<T: Serialize>(&self, state: &T) -> Result<(), ValueError> {
        let state = serde_json::to_value(state).map_err(ValueError::new)?;
        self.lock().state = Some(state);
        Ok(())
    }

    /// Sends a text to any number of recipients, to each of them once in a call. The text goes out as a
    /// [broadcast](crate::broadcast): through the outgoing phase, and subject to each recipient's own opt-out.
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
