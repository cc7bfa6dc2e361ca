//! Reads the message that Kannel's get-url brings, from the raw query string.
//!
//! Users write their own get-url. So this module reads the recommended form
//! (`id=%p&to=%P&hex=%e&charset=%C&coding=%c&mid=%I&ts=%T…`), the form of `rapidsms-threadless-router`
//! (`id=%p&text=%a&charset=%C&coding=%c`) and mixtures of both. Source: Kannel User Guide 1.4.5, "Parameters (Escape
//! Codes)".

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use crate::backend::{Received, coding, gateway_time};
use crate::error::Fault;
use crate::model::message::Identity;
use crate::text::charset::guess;
use crate::text::{Decoded, Fidelity};
use crate::util::hex::unhex;

/// The name of the parameter that carries the token.
pub(super) const TOKEN: &str = "token";

/// The parameters of one request, by name, as bytes. If a name occurs twice, the first parameter counts.
pub(super) struct Query<'a>(Vec<(Cow<'a, [u8]>, &'a str)>);

impl<'a> Query<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        let pair = |pair: &'a str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), value)
        };
        Self(raw.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(known, _)| known.as_ref() == name.as_bytes())?;
        Some(value)
    }

    /// Returns the bytes of a parameter. `None` if it is absent, or if it is still the escape code that Kannel should
    /// have replaced.
    pub(super) fn bytes(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.raw(name).filter(|value| !is_escape_code(value)).map(unescaped)
    }

    /// Returns the text of a parameter that only gateways write. `None` if it is absent, empty or an escape code. An
    /// escape code that a proxy has escaped, such as `%25I`, counts as absent too, because no gateway sends this on
    /// purpose.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let bytes = self.bytes(name)?;
        Some(guess(&bytes).text.trim().to_owned()).filter(|text| !text.is_empty() && !is_escape_code(text))
    }
}

/// Returns whether a value is an escape code such as `%I`. Kannel does not replace the codes that it does not know. A
/// `%I` that a person wrote arrives escaped, as `%25I`.
fn is_escape_code(value: &str) -> bool {
    matches!(value.as_bytes(), [b'%', code] if code.is_ascii_alphabetic())
}

fn unescaped(value: &str) -> Cow<'_, [u8]> {
    if value.contains('+') {
        Cow::Owned(percent_decode(value.replace('+', " ").as_bytes()).collect())
    } else {
        percent_decode(value.as_bytes()).into()
    }
}

/// Reads the message. An error holds all faults at once.
pub(super) fn parse(raw: &str) -> Result<Received, Vec<Fault>> {
    let query = Query::new(raw);
    let mut faults = Vec::new();
    let identity = identity(&query).map_err(|fault| faults.push(fault)).ok();
    let payload = payload(&query).map_err(|fault| faults.push(fault)).ok();
    let (Some(identity), Some(payload)) = (identity, payload) else { return Err(faults) };
    let (charset, coding) = (query.text("charset"), query.text("coding"));
    let Decoded { text, fidelity } = coding::decode(charset.as_deref(), coding.as_deref(), &payload);
    Ok(Received {
        identity,
        text,
        gateway_id: query.text("mid"),
        received_at: query.text("ts").and_then(|ts| gateway_time::read(&ts)),
        recipient: query.text("to"),
        raw: (fidelity == Fidelity::Lossy).then(|| payload.into_owned()),
        details: details(&query),
    })
}

/// Reads the sender: `id=%p`. If the get-url does not escape a `+`, it arrives as a space.
fn identity(query: &Query<'_>) -> Result<Identity, Fault> {
    let bytes =
        query.bytes("id").ok_or_else(|| Fault::new("id", "is missing: write id=%p in the get-url"))?;
    let text = guess(&bytes).text;
    let number = text.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let text = number.map_or(text.trim().to_owned(), |number| format!("+{}", number.trim_end()));
    text.parse().map_err(|problem: crate::InvalidName| Fault::new("id", problem.to_string()))
}

/// Returns the text of the message as bytes: `hex=%e`, or `text=%b`. An empty text is a blank SMS.
fn payload<'a>(query: &Query<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    let hex = query.bytes("hex").filter(|hex| hex.first() != Some(&b'%'));
    match (hex, query.bytes("text")) {
        (Some(hex), _) => {
            let digits = std::str::from_utf8(&hex).ok().and_then(unhex);
            digits
                .map(Cow::Owned)
                .ok_or_else(|| Fault::new("hex", "must consist of pairs of hexadecimal digits"))
        }
        (None, Some(text)) => Ok(text),
        (None, None) if query.raw("hex").is_some() => Err(Fault::new(
            "hex",
            "was not filled in: this Kannel does not know %e, so write text=%b in the get-url",
        )),
        (None, None) if query.raw("text").is_some() => Err(Fault::new(
            "text",
            "was not filled in: write hex=%e in the get-url, or text=%b for an older Kannel",
        )),
        (None, None) => {
            Err(Fault::new("text", "is missing: write hex=%e in the get-url, or text=%b for an older Kannel"))
        }
    }
}

/// Returns all other parameters of the get-url, by their names.
fn details(query: &Query<'_>) -> BTreeMap<String, String> {
    let known = ["id", "to", "hex", "text", "mid", TOKEN];
    let names = query.0.iter().filter_map(|(name, _)| std::str::from_utf8(name).ok());
    let others = names.filter(|name| !known.contains(name));
    others.filter_map(|name| Some((name.to_owned(), query.text(name)?))).collect()
}

/// Returns the query without the value of the token, for the operator.
pub(super) fn without_token(raw: &str) -> String {
    let redacted = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if unescaped(name).as_ref() == TOKEN.as_bytes() { format!("{TOKEN}=") } else { pair.to_owned() }
    };
    raw.split('&').map(redacted).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests;
