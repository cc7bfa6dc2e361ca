//! The way of a message, a notice, or a report through the phases.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::warn;

use super::erased::{Called, ErasedApp};
use super::phase::Phase;
use super::{Disposition, Outcome, Router};
use crate::app::{Filter, Handled};
use crate::contact::Contact;
use crate::context::{About, Context, Reply};
use crate::known::Known;
use crate::message::{ConnectionId, Incoming, MessageId, Notice, Report};

impl Router {
    /// Takes one message through all phases. It cannot fail: what an app does wrong harms only that app.
    ///
    /// Nothing is stored or sent. Needs a tokio runtime; an app that blocks its thread for good is given up like
    /// any other, but keeps that thread.
    pub async fn run(
        &self,
        message: Arc<Incoming>,
        known: impl Into<Known>,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let known = known.into();
        let contact = known.contact.clone();
        let mut cx = self.context(message, known, about, now);
        let disposition = self.inbound(&mut cx).await;
        self.outcome(cx, contact.as_ref(), disposition).await
    }

    /// Takes a message that nobody asked for through the outgoing phase. For the apps it comes of a blank message
    /// of that connection.
    pub(crate) async fn run_outgoing(
        &self,
        notice: &Notice,
        known: Known,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let contact = known.contact.clone();
        let mut cx = self.blank(&notice.id, &notice.connection, known, about, now).without_sends();
        let reply = self.outbound(&mut cx, Reply { text: notice.text.clone() }).await;
        let replies = within_limits(&cx, reply.into_iter().collect());
        Outcome::of(Disposition::Unhandled, contact.as_ref(), cx, replies)
    }

    /// Whether an app has a report phase.
    pub(crate) fn wants_reports(&self) -> bool {
        self.apps.iter().any(|app| app.wants_reports())
    }

    /// Takes what became of a message through the report phase, and what the apps reply to it through the outgoing
    /// phase.
    pub(crate) async fn run_report(
        &self,
        report: &Arc<Report>,
        known: Known,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let contact = known.contact.clone();
        let mut cx = self.blank(&report.id, &report.connection, known, about, now);
        for app in self.apps.iter().filter(|app| app.wants_reports()) {
            let report = Arc::clone(report);
            let call = move |app: Arc<dyn ErasedApp>, mut cx: Context| async move {
                app.report(&mut cx, &report).await.map(|()| ((), cx))
            };
            self.changing(Phase::Report, app, &mut cx, call).await;
        }
        self.outcome(cx, contact.as_ref(), Disposition::Unhandled).await
    }

    /// The context where there is no message: that of a blank one.
    fn blank(
        &self,
        id: &MessageId,
        connection: &ConnectionId,
        known: Known,
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

    fn context(&self, message: Arc<Incoming>, known: Known, about: Arc<About>, now: Timestamp) -> Context {
        let (usage, catalogues) = (Arc::clone(&self.usage), Arc::clone(&self.catalogues));
        Context::new(message, known, about, usage, catalogues, now)
    }

    /// Takes the queued replies through the outgoing phase.
    async fn outcome(&self, mut cx: Context, seen: Option<&Contact>, disposition: Disposition) -> Outcome {
        let queued = cx.take_replies();
        let mut replies = Vec::with_capacity(queued.len());
        for reply in queued {
            if let Some(reply) = self.outbound(&mut cx, reply).await {
                replies.push(reply);
            }
        }
        let replies = within_limits(&cx, replies);
        Outcome::of(disposition, seen, cx, replies)
    }

    async fn inbound(&self, cx: &mut Context) -> Disposition {
        for app in &self.apps {
            if let Some(Filter::Drop) = self.phase(Phase::Filter, app, cx, |app, cx| app.filter(cx)).await {
                return Disposition::Filtered;
            }
        }
        for app in &self.apps {
            self.phase(Phase::Parse, app, cx, |app, cx| app.parse(cx)).await;
        }
        let mut disposition = Disposition::Unhandled;
        for app in &self.apps {
            if self.takes(Phase::Handle, app, cx, |app, cx| app.handle(cx)).await {
                disposition = Disposition::Handled;
                break;
            }
        }
        if disposition == Disposition::Unhandled {
            for app in &self.apps {
                if self.takes(Phase::Fallback, app, cx, |app, cx| app.fallback(cx)).await {
                    disposition = Disposition::FellBack;
                    break;
                }
            }
        }
        for app in &self.apps {
            self.phase(Phase::Cleanup, app, cx, |app, cx| app.cleanup(cx)).await;
        }
        disposition
    }

    /// Whether the app says that it handled the message, or has queued a reply to it.
    async fn takes(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: for<'a> fn(&'a dyn ErasedApp, &'a mut Context) -> Called<'a, Handled>,
    ) -> bool {
        let before = cx.reply_count();
        let said = self.phase(phase, app, cx, call).await;
        said == Some(Handled::Yes) || cx.reply_count() > before
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
