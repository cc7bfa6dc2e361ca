//! Backends of different kinds in one collection.

use std::any::Any;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, Request, Response};
use bytes::Bytes;
use jiff::Timestamp;

use super::{Backend, Caller, Exposure, OnUnusable, Received, Reports, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::Outgoing;
use crate::settings::Secret;

/// The object-safe form of [`Backend`]: its future is boxed, so that backends of different kinds fit into one
/// collection.
pub(crate) trait ErasedBackend: Send + Sync {
    /// Returns the backend for a downcast to its own type.
    fn as_any(&self) -> &dyn Any;
    fn methods(&self) -> &[Method];
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;
    fn authenticate_at(&self, request: &Request<Bytes>, now: Timestamp) -> Caller;
    #[cfg(test)]
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;
    fn decode_all(&self, request: &Request<Bytes>) -> Result<Vec<Received>, Vec<Fault>>;
    fn acknowledge(&self) -> Response<Bytes>;
    fn on_unusable(&self) -> OnUnusable;
    fn exposure(&self) -> Exposure;
    fn redact(&self, request: &Request<Bytes>) -> String;
    fn replies_per_hour(&self) -> Option<NonZeroU32>;
    fn reports(&self) -> Option<&dyn Reports>;
    fn send_timeout(&self) -> Duration;
    fn send<'a>(
        &'a self,
        message: &'a Outgoing,
        transport: &'a dyn Transport,
        limit: Duration,
    ) -> Pin<Box<dyn Future<Output = SendOutcome> + Send + 'a>>;
}

impl<B: Backend> ErasedBackend for B {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn methods(&self) -> &[Method] {
        Backend::methods(self)
    }
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        Backend::authenticate(self, request)
    }
    fn authenticate_at(&self, request: &Request<Bytes>, now: Timestamp) -> Caller {
        Backend::authenticate_at(self, request, now)
    }
    #[cfg(test)]
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        Backend::decode(self, request)
    }
    fn decode_all(&self, request: &Request<Bytes>) -> Result<Vec<Received>, Vec<Fault>> {
        Backend::decode_all(self, request)
    }
    fn acknowledge(&self) -> Response<Bytes> {
        Backend::acknowledge(self)
    }
    fn on_unusable(&self) -> OnUnusable {
        Backend::on_unusable(self)
    }
    fn exposure(&self) -> Exposure {
        Backend::exposure(self)
    }
    fn redact(&self, request: &Request<Bytes>) -> String {
        Backend::redact(self, request)
    }
    fn replies_per_hour(&self) -> Option<NonZeroU32> {
        Backend::replies_per_hour(self)
    }
    fn reports(&self) -> Option<&dyn Reports> {
        Backend::reports(self)
    }
    fn send_timeout(&self) -> Duration {
        Backend::send_timeout(self)
    }
    fn send<'a>(
        &'a self,
        message: &'a Outgoing,
        transport: &'a dyn Transport,
        limit: Duration,
    ) -> Pin<Box<dyn Future<Output = SendOutcome> + Send + 'a>> {
        Box::pin(Backend::send(self, message, transport, limit))
    }
}

/// A backend of any kind.
#[derive(Clone)]
pub struct AnyBackend(
    pub(crate) Arc<dyn ErasedBackend>,
    /// All secrets of the backend's table in the settings. They are removed from each request that Threadless keeps.
    pub(crate) Arc<[Secret]>,
);

impl AnyBackend {
    /// Wraps this backend.
    pub fn new(backend: impl Backend) -> Self {
        Self(Arc::new(backend), Arc::default())
    }
}
