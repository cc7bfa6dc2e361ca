//! The course of a message, a notice or a report through the phases, one call of an app after the other.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::Disposition;
use super::erased::Installed;
use super::phase::Phase;
use crate::app::context::{Context, Reply};
use crate::app::sender_error::SenderError;
use crate::app::{Filter, Handled, Outbound};
use crate::error::AppError;
use crate::model::message::Report;

/// The state between two calls. Whether a call succeeds or fails, the course continues from this state.
pub(super) struct Course {
    apps: Arc<Vec<Arc<Installed>>>,
    phase: Phase,
    /// The number of calls of this phase (for this reply) that are done.
    done: usize,
    /// The number of replies before the present call.
    replies_before: usize,
    cx: Context,
    report: Option<Arc<Report>>,
    /// The replies that wait for the outgoing phase.
    queued: VecDeque<Reply>,
    /// The replies that have passed the outgoing phase.
    replies: Vec<Reply>,
    disposition: Disposition,
    /// The calls that failed or did not begin.
    failures: Vec<(String, &'static str)>,
}

/// The result of a course.
pub(super) struct Ended {
    pub(super) cx: Context,
    pub(super) replies: Vec<Reply>,
    pub(super) disposition: Disposition,
    pub(super) failures: Vec<(String, &'static str)>,
}

/// One call of one app in one phase, with copies of everything that the app may change.
pub(super) struct Call {
    pub(super) phase: Phase,
    /// The app's place in the order of installation.
    pub(super) place: usize,
    pub(super) app: Arc<Installed>,
    cx: Context,
    reply: Option<Reply>,
    report: Option<Arc<Report>>,
}

/// The answer of a call that succeeded.
pub(super) struct Answer {
    stops: bool,
    cx: Context,
    reply: Option<Reply>,
}

impl Course {
    /// Creates the course of a message through all phases.
    pub(super) fn of_message(apps: Arc<Vec<Arc<Installed>>>, cx: Context) -> Self {
        Self::new(apps, Phase::Filter, cx)
    }

    /// Creates the course of a report through the report phase. The replies of the apps to the report then go through
    /// the outgoing phase.
    pub(super) fn of_report(apps: Arc<Vec<Arc<Installed>>>, cx: Context, report: Arc<Report>) -> Self {
        Self { report: Some(report), ..Self::new(apps, Phase::Report, cx) }
    }

    /// Creates the course of one text through the outgoing phase.
    pub(super) fn of_notice(apps: Arc<Vec<Arc<Installed>>>, cx: Context, text: String) -> Self {
        Self { queued: VecDeque::from([Reply { text }]), ..Self::new(apps, Phase::Outgoing, cx) }
    }

    fn new(apps: Arc<Vec<Arc<Installed>>>, phase: Phase, cx: Context) -> Self {
        let (queued, replies, disposition) = (VecDeque::new(), Vec::new(), Disposition::Unhandled);
        let failures = Vec::new();
        Self {
            apps,
            phase,
            done: 0,
            replies_before: 0,
            cx,
            report: None,
            queued,
            replies,
            disposition,
            failures,
        }
    }

    /// Returns the next call, or `None` when the course is at its end. Returns the same call until [`Course::end`] ends
    /// it.
    pub(super) fn next(&mut self) -> Option<Call> {
        loop {
            if self.phase == Phase::Outgoing && self.queued.is_empty() {
                return None;
            }
            if let Some((place, app)) = self.turn() {
                if self.phase == Phase::Report && !app.has_report {
                    self.done += 1;
                    continue;
                }
                let reply = if self.phase == Phase::Outgoing { self.queued.front().cloned() } else { None };
                let (cx, report) = (self.cx.clone(), self.report.clone());
                self.replies_before = self.cx.reply_count();
                return Some(Call { phase: self.phase, place, app, cx, reply, report });
            }
            self.go_on();
        }
    }

    /// Returns the places of the apps whose turn in this phase comes after the present call.
    pub(super) fn behind(&self) -> impl Iterator<Item = usize> + '_ {
        let count = self.apps.len();
        (self.done + 1..count)
            .map(move |done| if self.phase == Phase::Outgoing { count - 1 - done } else { done })
    }

    /// Takes the answer of the present call. `None` means that the call failed; then only its queued replies and sends
    /// count.
    pub(super) fn end(&mut self, answer: Option<Answer>) {
        let stops = if let Some(Answer { stops, cx, reply }) = answer {
            match (self.phase, reply, self.queued.front_mut()) {
                (Phase::Outgoing, Some(reply), Some(first)) => *first = reply,
                (Phase::Outgoing, ..) => {}
                _ => self.cx = cx,
            }
            stops
        } else {
            let failed = self.turn().map(|(_, app)| (app.name.clone(), self.phase.name()));
            self.failures.extend(failed);
            self.cx.disown();
            false
        };
        let replied = self.cx.reply_count() > self.replies_before;
        match self.phase {
            Phase::Filter if stops => self.judge(Disposition::Filtered, Phase::Outgoing),
            Phase::Handle if stops || replied => self.judge(Disposition::Handled, Phase::Cleanup),
            Phase::Fallback if stops || replied => self.judge(Disposition::FellBack, Phase::Cleanup),
            Phase::Outgoing if stops => {
                self.queued.pop_front();
                self.done = 0;
            }
            _ => self.done += 1,
        }
    }

    /// Returns the result of the course.
    pub(super) fn take(&mut self) -> Ended {
        let (replies, failures) = (mem::take(&mut self.replies), mem::take(&mut self.failures));
        Ended { cx: self.cx.clone(), replies, disposition: self.disposition, failures }
    }

    /// Returns the app whose turn it is in this phase, with its place, or `None` if every app had its turn.
    fn turn(&self) -> Option<(usize, Arc<Installed>)> {
        let left = self.apps.len().checked_sub(self.done + 1)?;
        let place = if self.phase == Phase::Outgoing { left } else { self.done };
        Some((place, Arc::clone(self.apps.get(place)?)))
    }

    /// Goes on to the next phase, or in the outgoing phase to the next reply.
    fn go_on(&mut self) {
        match self.phase {
            Phase::Filter => self.enter(Phase::Parse),
            Phase::Parse => self.enter(Phase::Handle),
            Phase::Handle => self.enter(Phase::Fallback),
            Phase::Fallback => self.enter(Phase::Cleanup),
            Phase::Cleanup | Phase::Report => self.enter(Phase::Outgoing),
            Phase::Outgoing => {
                self.replies.extend(self.queued.pop_front());
                self.done = 0;
            }
        }
    }

    fn judge(&mut self, disposition: Disposition, next: Phase) {
        self.disposition = disposition;
        self.enter(next);
    }

    fn enter(&mut self, phase: Phase) {
        (self.phase, self.done) = (phase, 0);
        if phase == Phase::Outgoing {
            self.queued.extend(self.cx.take_replies());
        }
    }
}

impl Call {
    /// Calls the app. Returns an error if the app fails, or if it stored more than its limits allow.
    pub(super) async fn run(self) -> Result<Answer, AppError> {
        let Self { phase, app, mut cx, mut reply, report, .. } = self;
        let before = cx.known().clone();
        let (name, app) = (&app.name, &app.app);
        let stops = match phase {
            Phase::Filter => app.filter(&mut cx).await? == Filter::Drop,
            Phase::Parse => app.parse(&mut cx).await.map(|()| false)?,
            Phase::Handle => {
                let unchanged = cx.clone();
                let handled = match app.handle(&mut cx).await {
                    Ok(handled) => handled,
                    Err(problem) => {
                        let mistake = SenderError::stated_in(problem.as_ref()).ok_or(problem)?;
                        cx = unchanged;
                        mistake.answer(&mut cx, name, None)
                    }
                };
                handled == Handled::Yes
            }
            Phase::Fallback => app.fallback(&mut cx).await? == Handled::Yes,
            Phase::Cleanup => app.cleanup(&mut cx).await.map(|()| false)?,
            Phase::Outgoing => match &mut reply {
                Some(reply) => app.outgoing(&cx, reply).await? == Outbound::Cancel,
                None => false,
            },
            Phase::Report => match &report {
                Some(report) => app.report(&mut cx, report).await.map(|()| false)?,
                None => false,
            },
        };
        cx.known().within_limits(&before)?;
        Ok(Answer { stops, cx, reply })
    }
}
