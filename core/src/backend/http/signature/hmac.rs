//! The content that an HMAC signs: the body, or the body with a time.

use crate::settings::Fields;

/// The signed content: a text with placeholders.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Body,
    Timestamp,
}

const PLACEHOLDERS: [(&str, Part); 2] = [("%(body)s", Part::Body), ("%(timestamp)s", Part::Timestamp)];

impl Content {
    /// Reads `signature_content`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        const KEY: &str = "signature_content";
        let given = fields.text(KEY).unwrap_or_else(|| "%(body)s".to_owned());
        let read = Self::read(&given);
        read.map_err(|problem| fields.fault(KEY, problem)).ok()
    }

    fn read(given: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), given);
        while let Some(at) = rest.find("%(") {
            let (before, from) = rest.split_at(at);
            let Some((name, part)) = PLACEHOLDERS.iter().find(|(name, _)| from.starts_with(name)) else {
                return Err("has an unknown placeholder (known are %(body)s, %(timestamp)s)".to_owned());
            };
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(part.clone());
            rest = &from[name.len()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        if parts.contains(&Part::Body) {
            Ok(Self(parts))
        } else {
            Err("has no %(body)s: a signature must cover the body".to_owned())
        }
    }

    /// Returns whether the time is signed.
    pub(super) fn has_time(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    /// Returns the signed bytes, in parts.
    pub(super) fn parts<'a>(&'a self, time: &'a str, body: &'a [u8]) -> Vec<&'a [u8]> {
        let bytes = |part: &'a Part| match part {
            Part::Literal(text) => text.as_bytes(),
            Part::Body => body,
            Part::Timestamp => time.as_bytes(),
        };
        self.0.iter().map(bytes).collect()
    }
}
