//! Apps of different types in one list.

use std::future::Future;
use std::pin::Pin;

use crate::app::{App, AppError, Filter, Handled, Outbound};
use crate::context::{Context, Reply};
use crate::message::Report;

/// What a phase comes to, boxed.
pub(super) type Called<'a, T> = Pin<Box<dyn Future<Output = Result<T, AppError>> + Send + 'a>>;

/// [`App`] with its futures boxed, so that apps of different types stand in one list.
pub(super) trait ErasedApp: Send + Sync {
    fn name(&self) -> &str;
    fn check(&self) -> Result<(), AppError>;
    fn filter<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Filter>;
    fn parse<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn handle<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn fallback<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn cleanup<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn outgoing<'a>(&'a self, cx: &'a Context, reply: &'a mut Reply) -> Called<'a, Outbound>;
    fn wants_reports(&self) -> bool;
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()>;
}

impl<A: App> ErasedApp for A {
    fn name(&self) -> &str {
        App::name(self)
    }
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
    fn wants_reports(&self) -> bool {
        App::wants_reports(self)
    }
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()> {
        Box::pin(App::report(self, cx, report))
    }
}
