//! Checks the signature of a request: an HMAC-SHA256 of the raw body, in hexadecimal, in a header.

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http::{HeaderName, Request};
use sha2::Sha256;

use crate::backend::Caller;
use crate::settings::{Fields, Secret};
use crate::util::hex::unhex;

/// The key in the settings that gives the secret.
pub(super) const SIGNATURE_SECRET: &str = "signature_secret";

/// The secret of the signature, and the header that carries the signature.
#[derive(Debug)]
pub(super) struct Signature {
    secret: Secret,
    header: HeaderName,
}

impl Signature {
    /// Reads `signature_secret` and `signature_header`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let secret = fields.secret(SIGNATURE_SECRET);
        fields.weigh_token(SIGNATURE_SECRET, secret.as_ref());
        let given = fields.text("signature_header");
        let name = given.clone().unwrap_or_else(|| "x-signature".to_owned());
        let Ok(header) = name.to_ascii_lowercase().parse() else {
            fields.fault("signature_header", "is not a valid name of a header");
            return None;
        };
        if given.is_some() && secret.is_none() {
            fields.warn("signature_header", "has no effect without signature_secret");
        }
        Some(Self { secret: secret?, header })
    }

    /// Returns the secret that signs requests.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns whether the request carries the right signature, as `<hex>` or as `sha256=<hex>`.
    pub(super) fn check(&self, request: &Request<Bytes>) -> Caller {
        let Some(given) = request.headers().get(&self.header) else { return Caller::NoCredentials };
        let given = given.to_str().unwrap_or_default().trim();
        let given = unhex(given.strip_prefix("sha256=").unwrap_or(given)).unwrap_or_default();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.reveal().as_bytes()) else {
            return Caller::WrongCredentials;
        };
        mac.update(request.body());
        // This comparison takes constant time.
        if mac.verify_slice(&given).is_ok() { Caller::Gateway } else { Caller::WrongCredentials }
    }
}
