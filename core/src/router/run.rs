//! The way of a message, a notice, or a report through the phases.

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
    /// Takes one message through all phases, before a deadline, with what a commit needs left of the time. It cannot fail:
    /// what an app does wrong harms only that app.
    ///
    /// Nothing is stored or sent. Needs a tokio runtime. On one of several threads the apps have threads of their own, so
    /// that one that blocks its thread is given up like any other.
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

    /// The same within a budget.
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

    /// Takes a message that nobody asked for through the outgoing phase. For the apps it comes of a blank message
    /// of that connection.
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

    /// Whether an app has a report phase.
    pub(crate) fn has_reports(&self) -> bool {
        self.apps.iter().any(|app| app.has_report)
    }

    /// Takes what became of a message through the report phase, and what the apps reply to it through the outgoing
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

    /// The context where there is no message: that of a blank one.
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
        let Ended { cx, replies, disposition } = work::run(course, self.phase_timeout, budget).await;
        let replies = within_limits(&cx, replies);
        Outcome::of(disposition, seen, cx, replies)
    }
}

fn within_limits(cx: &Context, mut replies: Vec<Reply>) -> Vec<Reply> {
    let queued = replies.len();
    replies.retain(|reply| reply.text.len() <= Context::MAX_REPLY_BYTES);
    replies.truncate(Context::MAX_REPLIES);
    let left_out = queued - replies.len();
    if left_out > 0 {
        let message_id = cx.message_id().as_str();
        warn!(message_id, left_out, outcome = "replies_left_out", "too many replies, or too long");
    }
    replies
}
