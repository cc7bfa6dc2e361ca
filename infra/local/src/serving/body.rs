//! Bodies of requests, read with limits on size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest time for a body, from its first byte to its last.
const LONGEST: Duration = Duration::from_secs(30);

/// The reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The body is longer than allowed.
    TooLarge,
    /// The body ended too early, or its chunks are invalid.
    BrokenOff,
    /// The body took longer than [`LONGEST`].
    TooSlow,
    /// Other bodies take all the memory for bodies at the moment.
    NoRoom,
}

/// A whole body. Its memory counts until this value is dropped.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// The memory for the bodies of all requests together, in bytes.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Reads a body of at most `most` bytes.
    pub(crate) async fn read(&self, body: Incoming, most: usize) -> Result<Body, Unread> {
        if body.size_hint().lower() > most as u64 {
            return Err(Unread::TooLarge);
        }
        match tokio::time::timeout(LONGEST, self.frames(body, most)).await {
            Ok(read) => read,
            Err(_) => Err(Unread::TooSlow),
        }
    }

    async fn frames(&self, mut body: Incoming, most: usize) -> Result<Body, Unread> {
        let mut bytes = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            // Trailers are of no use here.
            let Ok(data) = frame.map_err(|_| Unread::BrokenOff)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(Unread::TooLarge);
            }
            // Do not wait for memory: requests that wait with half a body in memory would block each other.
            let size = u32::try_from(data.len()).map_err(|_| Unread::TooLarge)?;
            let more = Arc::clone(&self.0).try_acquire_many_owned(size).map_err(|_| Unread::NoRoom)?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Body { bytes: bytes.freeze(), _room: room })
    }
}
