//! Apps of different types in one list.

use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app::context::{Context, Reply};
use crate::app::{App, Filter, Handled, NoReport, Outbound};
use crate::error::AppError;
use crate::model::message::Report;

/// The boxed future of one phase.
pub(super) type Called<'a, T> = Pin<Box<dyn Future<Output = Result<T, AppError>> + Send + 'a>>;

/// An installed app, with the facts that this process knows about it.
pub(super) struct Installed {
    /// The name. The router asks for it only once, because app code returns it.
    pub(super) name: String,
    /// Whether the app has a report phase.
    pub(super) has_report: bool,
    pub(super) app: Box<dyn ErasedApp>,
    /// The number of its phases that were given up and still hold their thread.
    blocked: AtomicUsize,
}

impl Installed {
    pub(super) fn new<A: App>(app: A) -> Self {
        let (name, has_report) = (app.name().to_owned(), has_report::<A>());
        Self { name, has_report, app: Box::new(app), blocked: AtomicUsize::new(0) }
    }

    /// Counts a phase that was given up and still holds its thread.
    pub(super) fn block(&self) {
        self.blocked.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back one [`Installed::block`], because the thread is free again.
    pub(super) fn unblock(&self) {
        self.blocked.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn blocked(&self) -> usize {
        self.blocked.load(Ordering::Relaxed)
    }
}

/// Returns whether this type of app implements the report phase. The default phase of [`App`] returns a type that no
/// other code can name.
fn has_report<A: App>() -> bool {
    fn returned<'a, A: 'a, F>(_: impl FnOnce(&'a A, &'a mut Context, &'a Report) -> F) -> &'static str {
        type_name::<F>()
    }
    returned::<A, _>(A::report) != type_name::<NoReport>()
}

/// [`App`] with its futures boxed, so that apps of different types stand in one list.
pub(super) trait ErasedApp: Send + Sync {
    fn check(&self) -> Result<(), AppError>;
    fn filter<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Filter>;
    fn parse<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn handle<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn fallback<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn cleanup<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn outgoing<'a>(&'a self, cx: &'a Context, reply: &'a mut Reply) -> Called<'a, Outbound>;
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()>;
}

impl<A: App> ErasedApp for A {
    fn check(&self) -> Result<(), AppError> {
        App::check(self)
    }
    fn filter<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Filter> {
        Box::pin(App::filter(self, cx))
    }
    fn parse<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()> {
        Box::pin(App::parse(self, cx))
    }
    fn handle<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled> {
        Box::pin(App::handle(self, cx))
    }
    fn fallback<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled> {
        Box::pin(App::fallback(self, cx))
    }
    fn cleanup<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()> {
        Box::pin(App::cleanup(self, cx))
    }
    fn outgoing<'a>(&'a self, cx: &'a Context, reply: &'a mut Reply) -> Called<'a, Outbound> {
        Box::pin(App::outgoing(self, cx, reply))
    }
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()> {
        Box::pin(App::report(self, cx, report))
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::Pin;
    use std::task::Poll;

    use super::*;
    use crate::apps;

    struct Silent;
    impl App for Silent {}

    struct Written;
    impl App for Written {
        async fn report(&self, _: &mut Context, _: &Report) -> Result<(), AppError> {
            Ok(())
        }
    }

    struct AtOnce;
    impl App for AtOnce {
        fn report(&self, _: &mut Context, _: &Report) -> impl Future<Output = Result<(), AppError>> + Send {
            ready(Ok(()))
        }
    }

    /// A type as small as the one that stands for "no report phase", and with the same name.
    struct NoReport;
    impl Future for NoReport {
        type Output = Result<(), AppError>;
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(()))
        }
    }
    struct Small<T>(T);
    impl<T: Send + Sync + 'static> App for Small<T> {
        fn report(&self, _: &mut Context, _: &Report) -> impl Future<Output = Result<(), AppError>> + Send {
            NoReport
        }
    }

    #[test]
    fn an_app_that_writes_a_report_phase_has_one() {
        assert!(!has_report::<Silent>() && !has_report::<apps::Echo>() && !has_report::<apps::Help>());
        assert!(has_report::<Written>() && has_report::<AtOnce>() && has_report::<Small<u8>>());
        assert!(!Installed::new(Silent).has_report && Installed::new(Written).has_report);
    }
}
