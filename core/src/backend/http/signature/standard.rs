//! The signatures of Standard Webhooks: an HMAC-SHA256 over the id, the time and the body, in Base64.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderName, Request};

use super::Hash;
use crate::settings::Secret;

/// The headers of one request.
pub(super) struct Signed<'r> {
    id: &'r str,
    pub(super) time: &'r str,
    signatures: &'r str,
}

/// Returns the key in a secret: the Base64 after `whsec_`. A secret without this beginning is Base64 or the key itself.
pub(super) fn key(secret: &Secret) -> Option<Vec<u8>> {
    let secret = secret.reveal();
    match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok().filter(|key| !key.is_empty()),
        None => Some(BASE64_STANDARD.decode(secret).unwrap_or_else(|_| secret.as_bytes().to_vec())),
    }
}

impl<'r> Signed<'r> {
    /// Reads the headers of a request. Some senders still use the older names of the headers.
    pub(super) fn of(request: &'r Request<Bytes>, signature: &HeaderName) -> Option<Self> {
        let headers = request.headers();
        let text = |name: &str| Some(headers.get(name)?.to_str().unwrap_or_default().trim());
        let either = |name: &str| text(&format!("webhook-{name}")).or_else(|| text(&format!("svix-{name}")));
        let signatures = text(signature.as_str()).or_else(|| text("svix-signature"))?;
        Some(Self { id: either("id")?, time: either("timestamp")?, signatures })
    }

    /// Returns whether one of the signatures is right. There are several while the sender changes its secret.
    pub(super) fn is_right(&self, key: &[u8], body: &[u8]) -> bool {
        let parts = [self.id.as_bytes(), b".", self.time.as_bytes(), b".", body];
        let signatures = self.signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        signatures.into_iter().any(|one| Hash::Sha256.verifies(key, &parts, one))
    }
}
