//! Signatures as a JSON Web Token (RFC 7519) with HMAC-SHA256, as httpSMS and Vonage send them.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Hash;
use crate::util::hex::hex;

/// Returns whether the token is signed with this key, holds at this time, and belongs to this body if it names a hash.
pub(super) fn is_right(key: &[u8], given: &str, body: &[u8], now: Timestamp, window: Duration) -> bool {
    let token = match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => given,
    };
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    let Some((head, claims)) = signed.split_once('.') else { return false };
    let (Some(head), Some(claims)) = (json(head), json(claims)) else { return false };
    // Another algorithm, such as `none`, would let anybody in.
    if head["alg"] != "HS256" {
        return false;
    }
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
    if !Hash::Sha256.verifies(key, &[signed.as_bytes()], &BASE64_STANDARD.encode(signature)) {
        return false;
    }
    let window = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
    let now = now.as_second();
    let time = |name: &str| claims[name].as_i64();
    let holds = match (time("exp"), time("iat")) {
        (Some(end), _) => now <= end,
        (None, Some(begin)) => now <= begin.saturating_add(window),
        // A token without a time would hold for ever.
        (None, None) => false,
    };
    let has_begun = time("nbf").is_none_or(|begin| begin <= now.saturating_add(window));
    let fits = match &claims["payload_hash"] {
        Value::String(hash) => hash.eq_ignore_ascii_case(&hex(&Sha256::digest(body))),
        Value::Null => true,
        _ => false,
    };
    holds && has_begun && fits
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
