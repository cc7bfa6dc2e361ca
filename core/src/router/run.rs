//! The three runs through the phases: of a message, of a notice and of a report.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::warn;

use super::course::{Course, Ended};
use super::{Outcome, Router, work};
use crate::app::context::{About, Context, Reply};
use crate::app::snapshot::Snapshot;
use crate::model::contact::Contact;
use crate::model::message::{ConnectionId, Incoming, MessageId, Notice, Report};
use crate::router::budget::Budget;
use crate::util::clock::Deadline;

impl Router {
    /// Takes one message through all phases, and ends before the deadline with enough time left for a commit. This
    /// function cannot fail: an app that fails harms only itself.
    ///
    /// This function stores nothing and sends nothing. It needs a tokio runtime. If the runtime has several threads,
    /// the apps run on separate threads. The router can then also give up an app that blocks its thread.
    pub async fn run(
        &self,
        message: Arc<Incoming>,
        known: impl Into<Snapshot>,
        about: Arc<About>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Outcome {
        self.run_message(message, known.into(), about, now, Budget::until(deadline)).await
    }

    /// Does the same as [`Router::run`], within a budget.
    pub(crate) async fn run_message(
        &self,
        message: Arc<Incoming>,
        known: Snapshot,
        about: Arc<About>,
        now: Timestamp,
        budget: Budget,
    ) -> Outcome {
        let contact = known.contact.clone();
        let cx = self.context(message, known, about, now);
        self.outcome(Course::of_message(Arc::clone(&self.apps), cx), contact.as_ref(), budget).await
    }

    /// Takes a notice, a message that nobody asked for, through the outgoing phase. The apps see a context with a blank
    /// message of that connection.
    pub(crate) async fn run_outgoing(
        &self,
        notice: &Notice,
        known: Snapshot,
        about: Arc<About>,
        now: Timestamp,
        budget: Budget,
    ) -> Outcome {
        let contact = known.contact.clone();
        let cx = self.blank(&notice.id, &notice.connection, known, about, now).without_sends();
        let course = Course::of_notice(Arc::clone(&self.apps), cx, notice.text.clone());
        self.outcome(course, contact.as_ref(), budget).await
    }

    /// Returns whether an app has a report phase.
    pub(crate) fn has_reports(&self) -> bool {
        self.apps.iter().any(|app| app.has_report)
    }

    /// Takes the report on a sent message through the report phase, and the apps' replies to it through the outgoing
    /// phase.
    pub(crate) async fn run_report(
        &self,
        report: &Arc<Report>,
        known: Snapshot,
        about: Arc<About>,
        now: Timestamp,
        budget: Budget,
    ) -> Outcome {
        let contact = known.contact.clone();
        let cx = self.blank(&report.id, &report.connection, known, about, now);
        let course = Course::of_report(Arc::clone(&self.apps), cx, Arc::clone(report));
        self.outcome(course, contact.as_ref(), budget).await
    }

    /// Returns the context of a blank message, for a run without a message.
    fn blank(
        &self,
        id: &MessageId,
        connection: &ConnectionId,
        known: Snapshot,
        about: Arc<About>,
        now: Timestamp,
    ) -> Context {
        let blank = Incoming {
            id: id.clone(),
            connection: connection.clone(),
            text: String::new(),
            received_at: now,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        };
        self.context(Arc::new(blank), known, about, now)
    }

    fn context(&self, message: Arc<Incoming>, known: Snapshot, about: Arc<About>, now: Timestamp) -> Context {
        let (usage, catalogues) = (Arc::clone(&self.usage), Arc::clone(&self.catalogues));
        Context::new(message, known, about, usage, catalogues, now)
    }

    async fn outcome(&self, course: Course, seen: Option<&Contact>, budget: Budget) -> Outcome {
        let Ended { cx, replies, disposition, failures } =
            work::run(course, self.phase_timeout, budget).await;
        let replies = within_limits(&cx, replies);
        Outcome::of(disposition, seen, cx, replies, failures)
    }
}

fn within_limits(cx: &Context, mut replies: Vec<Reply>) -> Vec<Reply> {
    let queued = replies.len();
    replies.retain(|reply| reply.text.len() <= Context::MAX_REPLY_BYTES);
    replies.truncate(Context::MAX_REPLIES);
    let left_out = queued - replies.len();
    if left_out > 0 {
        let message_id = cx.message_id().as_str();
        warn!(
            message_id,
            left_out,
            outcome = "replies_dropped",
            "some replies are not sent: there are too many, or they are too long"
        );
    }
    replies
}
