//! Checks the signature of a request, by the scheme that the settings name.

mod hmac;
mod jwt;
mod standard;
mod twilio;

use std::time::Duration;

use ::hmac::Mac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderName, Method, Request};
use jiff::Timestamp;

use self::hmac::Content;
use crate::backend::{Caller, gateway_time};
use crate::settings::{Fields, Secret};

/// The key in the settings that gives the secret.
pub(super) const SIGNATURE_SECRET: &str = "signature_secret";

/// The default for the greatest age of a signature that holds for a limited time.
const WINDOW: Duration = Duration::from_secs(300);

/// The secret of the signature, and the way in which a request carries the signature.
#[derive(Debug)]
pub(super) struct Signature {
    secret: Secret,
    header: HeaderName,
    scheme: Scheme,
    window: Duration,
}

/// The schemes of signatures.
#[derive(Debug)]
enum Scheme {
    /// An HMAC over the body, with or without a time.
    Hmac { hash: Hash, content: Content, timestamp: HeaderName },
    /// Twilio's: an HMAC over the URL and the sorted fields. `base` is the URL without its path.
    Twilio { base: Option<String> },
    /// Standard Webhooks: an HMAC over id, time and body.
    Standard { key: Vec<u8> },
    /// A JSON Web Token (HS256) as bearer token.
    Jwt,
}

/// The hash of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
}

impl Signature {
    /// Reads the keys that begin with `signature_`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let given: Vec<String> = fields
            .keys()
            .into_iter()
            .filter(|key| key.starts_with("signature_") && key != SIGNATURE_SECRET)
            .collect();
        let secret = fields.secret(SIGNATURE_SECRET);
        fields.weigh_token(SIGNATURE_SECRET, secret.as_ref());
        let named = fields.one_of("signature_scheme", &["hmac", "twilio", "standard-webhooks", "jwt"]);
        let usual = match named {
            Some("twilio") => "x-twilio-signature",
            Some("standard-webhooks") => "webhook-signature",
            Some("jwt") => "authorization",
            _ => "x-signature",
        };
        let header = header(fields, "signature_header", usual);
        let hash = match fields.one_of("signature_hash", &["sha256", "sha1"]) {
            Some("sha1") => Hash::Sha1,
            _ => Hash::Sha256,
        };
        let content = Content::from_fields(fields);
        let timestamp = header_of_time(fields, content.as_ref());
        let window = fields.seconds("signature_window_seconds", 1..=86_400).unwrap_or(WINDOW);
        let base = twilio::base_from_fields(fields);
        if secret.is_none() && !fields.is_faulty_at(SIGNATURE_SECRET) {
            for key in given {
                fields.warn(&key, "has no effect without signature_secret");
            }
        } else if !matches!(named, None | Some("hmac")) {
            let of_hmac = ["signature_hash", "signature_content", "signature_timestamp_header"];
            for key in given.iter().filter(|key| of_hmac.contains(&key.as_str())) {
                fields.warn(key, "has an effect only with signature_scheme = \"hmac\"");
            }
        }
        let secret = secret?;
        let scheme = match named {
            Some("twilio") => Scheme::Twilio { base },
            Some("standard-webhooks") => {
                let key = standard::key(&secret);
                if key.is_none() {
                    fields.fault(SIGNATURE_SECRET, "has Base64 after whsec_ that cannot be read");
                }
                Scheme::Standard { key: key? }
            }
            Some("jwt") => Scheme::Jwt,
            _ => Scheme::Hmac { hash, content: content?, timestamp: timestamp? },
        };
        Some(Self { secret, header: header?, scheme, window })
    }

    /// Returns the secret that signs requests.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns whether the signature covers the URL too. Otherwise a request must have all its fields in its body.
    pub(super) fn covers_url(&self) -> bool {
        match &self.scheme {
            Scheme::Twilio { .. } => true,
            Scheme::Hmac { .. } | Scheme::Standard { .. } | Scheme::Jwt => false,
        }
    }

    /// Returns the methods whose requests the signature covers.
    pub(super) fn methods(&self) -> &'static [Method] {
        if self.covers_url() { &[Method::GET, Method::POST] } else { &[Method::POST] }
    }

    /// Returns whether the request carries a right signature that holds at this time.
    pub(super) fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Caller {
        let right = match &self.scheme {
            Scheme::Hmac { hash, content, timestamp } => {
                let Some(given) = text(request, &self.header) else { return Caller::NoCredentials };
                let time = text(request, timestamp).unwrap_or_default();
                let is_fresh = !content.has_time() || self.is_fresh(time, now);
                is_fresh
                    && hash.verifies(
                        self.secret.reveal().as_bytes(),
                        &content.parts(time, request.body()),
                        given,
                    )
            }
            Scheme::Twilio { base } => {
                let Some(given) = text(request, &self.header) else { return Caller::NoCredentials };
                twilio::is_right(self.secret.reveal().as_bytes(), base.as_deref(), request, given)
            }
            Scheme::Standard { key } => {
                let Some(signed) = standard::Signed::of(request, &self.header) else {
                    return Caller::NoCredentials;
                };
                self.is_fresh(signed.time, now) && signed.is_right(key, request.body())
            }
            Scheme::Jwt => {
                let Some(given) = text(request, &self.header) else { return Caller::NoCredentials };
                jwt::is_right(self.secret.reveal().as_bytes(), given, request.body(), now, self.window)
            }
        };
        if right { Caller::Gateway } else { Caller::WrongCredentials }
    }

    /// Returns whether a time is at most a window away from now. Otherwise somebody may repeat a request that the
    /// gateway sent long ago.
    fn is_fresh(&self, time: &str, now: Timestamp) -> bool {
        gateway_time::read(time).is_some_and(|at| at.duration_since(now).unsigned_abs() <= self.window)
    }
}

impl Hash {
    /// Returns whether a text is the HMAC of these parts, in hexadecimal or in Base64, with or without the name of the
    /// hash before it. The comparison takes constant time.
    fn verifies(self, key: &[u8], parts: &[&[u8]], given: &str) -> bool {
        let (name, length) = match self {
            Self::Sha1 => ("sha1=", 20),
            Self::Sha256 => ("sha256=", 32),
        };
        let given = given.strip_prefix(name).unwrap_or(given);
        let decoded = match crate::util::hex::unhex(given).filter(|bytes| bytes.len() == length) {
            Some(bytes) => Some(bytes),
            None => BASE64_STANDARD.decode(given).ok(),
        };
        let Some(decoded) = decoded.filter(|bytes| bytes.len() == length) else { return false };
        match self {
            Self::Sha1 => verifies::<::hmac::Hmac<sha1::Sha1>>(key, parts, &decoded),
            Self::Sha256 => verifies::<::hmac::Hmac<sha2::Sha256>>(key, parts, &decoded),
        }
    }
}

fn verifies<M: Mac + ::hmac::digest::KeyInit>(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(given).is_ok()
}

/// Returns the text of a header.
fn text<'r>(request: &'r Request<Bytes>, name: &HeaderName) -> Option<&'r str> {
    Some(request.headers().get(name)?.to_str().unwrap_or_default().trim())
}

fn header(fields: &mut Fields<'_>, key: &str, usual: &'static str) -> Option<HeaderName> {
    let Some(given) = fields.text(key) else { return Some(HeaderName::from_static(usual)) };
    let name = given.to_ascii_lowercase().parse();
    name.map_err(|_| fields.fault(key, "is not a valid name of a header")).ok()
}

/// Reads the header of the time. Without the time in the signed content, anybody could set this header.
fn header_of_time(fields: &mut Fields<'_>, content: Option<&Content>) -> Option<HeaderName> {
    const KEY: &str = "signature_timestamp_header";
    let is_given = fields.is_given(KEY);
    let name = header(fields, KEY, "x-timestamp");
    if is_given && content.is_some_and(|content| !content.has_time()) {
        fields
            .fault(KEY, "needs %(timestamp)s in signature_content, because otherwise the time is not signed");
    }
    name
}
