//! One phase of one app, guarded: what goes wrong in it harms only that app.

use std::future::Future;
use std::sync::Arc;

use tracing::{Instrument as _, error};

use super::Router;
use super::erased::{Called, ErasedApp};
use crate::app::{AppError, Outbound};
use crate::context::{Context, Reply};

/// The phases, as the log names them.
#[derive(Clone, Copy)]
pub(super) enum Phase {
    Filter,
    Parse,
    Handle,
    Fallback,
    Cleanup,
    Outgoing,
    Report,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Parse => "parse",
            Self::Handle => "handle",
            Self::Fallback => "fallback",
            Self::Cleanup => "cleanup",
            Self::Outgoing => "outgoing",
            Self::Report => "report",
        }
    }
}

impl Router {
    /// Runs one phase of one app. `None` where it failed: then nothing of it counts but what it queued.
    pub(super) async fn phase<T: Send + 'static>(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: for<'a> fn(&'a dyn ErasedApp, &'a mut Context) -> Called<'a, T>,
    ) -> Option<T> {
        let call = move |app: Arc<dyn ErasedApp>, mut cx: Context| async move {
            let said = call(app.as_ref(), &mut cx).await?;
            Ok((said, cx))
        };
        self.changing(phase, app, cx, call).await
    }

    /// Runs a phase that may change the context.
    pub(super) async fn changing<
        T: Send + 'static,
        F: Future<Output = Result<(T, Context), AppError>> + Send + 'static,
    >(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: impl FnOnce(Arc<dyn ErasedApp>, Context) -> F,
    ) -> Option<T> {
        let (before, work) = (cx.known().clone(), call(Arc::clone(app), cx.clone()));
        let task = async move {
            let (said, after) = work.await?;
            after.known().within_limits(&before)?;
            Ok((said, after))
        };
        let (said, after) = self.guarded(phase, app.name(), cx, task).await?;
        *cx = after;
        Some(said)
    }

    /// Takes one reply through the outgoing phase, the apps in reverse order. `None` where one cancelled it.
    pub(super) async fn outbound(&self, cx: &mut Context, mut reply: Reply) -> Option<Reply> {
        for app in self.apps.iter().rev() {
            let (task_app, task_cx, mut task_reply) = (Arc::clone(app), cx.clone(), reply.clone());
            let task = async move {
                let said = task_app.outgoing(&task_cx, &mut task_reply).await?;
                Ok((said, task_reply))
            };
            match self.guarded(Phase::Outgoing, app.name(), cx, task).await {
                Some((Outbound::Cancel, _)) => return None,
                Some((Outbound::Send, changed)) => reply = changed,
                None => {}
            }
        }
        Some(reply)
    }

    /// Runs one phase of one app as a task of its own, so that a panic, a hang or a blocked thread is its own
    /// affair. `None`, after a line in the log, where it failed.
    async fn guarded<T: Send + 'static>(
        &self,
        phase: Phase,
        app: &str,
        cx: &mut Context,
        work: impl Future<Output = Result<T, AppError>> + Send + 'static,
    ) -> Option<T> {
        let mut task = tokio::spawn(work.in_current_span());
        let phase = phase.name();
        match tokio::time::timeout(self.phase_timeout, &mut task).await {
            Ok(Ok(Ok(value))) => return Some(value),
            Ok(Ok(Err(problem))) => {
                error!(app, phase, outcome = "app_error", error = %problem, "an app failed");
            }
            Ok(Err(gone)) => {
                error!(app, phase, outcome = "app_panic", error = %panic_text(gone), "an app panicked");
            }
            Err(_) => {
                task.abort();
                let limit = self.phase_timeout.as_secs_f32();
                error!(app, phase, outcome = "app_timeout", limit, "an app took too long");
            }
        }
        cx.disown();
        None
    }
}

/// What the app panicked with.
fn panic_text(gone: tokio::task::JoinError) -> String {
    match gone.try_into_panic() {
        Ok(payload) => {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
        }
        Err(gone) => gone.to_string(),
    }
}
