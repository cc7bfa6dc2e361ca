//! `outgoing_url`: a URL with placeholders for the values of a message. No value can lead to another host or path.

use std::fmt::{self, Write as _};

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use url::Url;

use crate::model::message::Outgoing;

/// The bytes to escape: all except the characters that RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The values of a message that can be put into a URL or a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// `%(identity)s`: the recipient of the message.
    Identity,
    /// `%(text)s`: the text of the message.
    Text,
    /// `%(id)s`: the id of the message, the same in every attempt.
    Id,
    /// `%(backend)s`: the name of the backend.
    Backend,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 4] = [
        ("%(identity)s", Self::Identity),
        ("%(text)s", Self::Text),
        ("%(id)s", Self::Id),
        ("%(backend)s", Self::Backend),
    ];

    /// Returns the value of this placeholder in this message.
    pub(super) fn of<'m>(self, message: &'m Outgoing, id: &'m str) -> &'m str {
        match self {
            Self::Identity => &message.to,
            Self::Text => &message.text,
            Self::Id => id,
            Self::Backend => message.connection.backend.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Placeholder(Placeholder),
}

/// A valid URL with placeholders.
pub(super) struct UrlTemplate(Vec<Part>);

/// The output leaves out the URL, because it may contain a password.
impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlTemplate(…)")
    }
}

/// An error: the value makes a path segment `.` or `..`. Every HTTP client reads such a segment as a step to another
/// folder, however it is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the values of the message would change the path of outgoing_url")]
pub(super) struct LeadsElsewhere;

impl UrlTemplate {
    /// Reads a template, or returns the fault in it.
    pub(super) fn read(given: &str) -> Result<Self, String> {
        if given.contains(|c: char| c.is_control() || c == ' ') {
            return Err("has a space or a control character".to_owned());
        }
        if given.contains('#') {
            return Err("must not contain #".to_owned());
        }
        // This check must be strict, because a URL parser also accepts `http:/g`, `http:g` and `http:///g` as URLs with
        // the host `g`.
        let Some(scheme) = ["http://", "https://"].into_iter().find(|scheme| given.starts_with(scheme))
        else {
            return Err("must begin with http:// or https://".to_owned());
        };
        let ends = ['/', '\\', '?'];
        let authority = scheme.len() + given[scheme.len()..].find(ends).unwrap_or(given.len() - scheme.len());
        if authority == scheme.len() {
            return Err("has no host".to_owned());
        }
        if Placeholder::ALL.iter().any(|(name, _)| given[..authority].contains(name)) {
            return Err("has a placeholder before its path: placeholders are allowed only in the path and in the query".to_owned());
        }
        let template = Self(parts(given, Escapes::Percent)?);
        let sample = template.sample();
        Url::parse(&sample)
            .map_err(|problem| format!("is not a URL such as https://gateway.example/send: {problem}"))?;
        if sample.split('?').next().unwrap_or_default().split(['/', '\\']).any(is_step) {
            return Err("has . or .. in its path: write the path without them".to_owned());
        }
        // This check is stricter than the URL parser: a URL in a request must be escaped already.
        if sample.parse::<Uri>().is_err() {
            return Err("has a character that must be escaped, such as %22 for a quotation mark".to_owned());
        }
        Ok(template)
    }

    /// Returns whether the template has this placeholder.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Part::Placeholder(placeholder))
    }

    /// Returns the URL with `x` in the place of each value. It shows where all messages go.
    pub(super) fn sample(&self) -> String {
        self.with(|_| "x")
    }

    /// Returns the URL for this message. `id` is the id of the message for the gateway.
    pub(super) fn fill(&self, message: &Outgoing, id: &str) -> Result<String, LeadsElsewhere> {
        let url = self.with(|placeholder| placeholder.of(message, id));
        let path = url.split('?').next().unwrap_or_default();
        if path.split(['/', '\\']).any(is_step) { Err(LeadsElsewhere) } else { Ok(url) }
    }

    fn with<'a>(&self, value: impl Fn(Placeholder) -> &'a str) -> String {
        let mut url = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => url.push_str(text),
                Part::Placeholder(placeholder) => {
                    let _ = write!(url, "{}", percent_encode(value(*placeholder).as_bytes(), ESCAPED));
                }
            }
        }
        url
    }
}

/// A text with placeholders that fills in each value as it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TextTemplate(Vec<Part>);

/// The output leaves out the text, because it may contain a password.
impl fmt::Debug for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextTemplate(…)")
    }
}

impl TextTemplate {
    /// Reads a template, or returns the fault in it.
    pub(super) fn read(given: &str) -> Result<Self, String> {
        parts(given, Escapes::Plain).map(Self)
    }

    /// Returns the template that always gives this text, whatever it contains.
    pub(super) fn literal(text: &str) -> Self {
        Self(vec![Part::Literal(text.to_owned())])
    }

    /// Returns whether the template has this placeholder.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Part::Placeholder(placeholder))
    }

    /// Returns the text for this message.
    pub(super) fn fill(&self, message: &Outgoing, id: &str) -> String {
        let value = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Placeholder(placeholder) => placeholder.of(message, id).to_owned(),
        };
        self.0.iter().map(value).collect()
    }
}

/// Whether a percent sign in the text begins an escaped byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Percent,
    Plain,
}

/// Splits a template in one pass, so that no value is read as a template again.
fn parts(text: &str, escapes: Escapes) -> Result<Vec<Part>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("%(") {
        let (before, from) = rest.split_at(at);
        let Some((name, placeholder)) = Placeholder::ALL.iter().find(|(name, _)| from.starts_with(name))
        else {
            let known = Placeholder::ALL.map(|(name, _)| name).join(", ");
            return Err(format!("has an unknown placeholder (known are {known})"));
        };
        // Otherwise the value `41` would become an `A` and the value `26` an `&`.
        let hanging = escapes == Escapes::Percent
            && before.len() - before.rfind('%').unwrap_or(0) <= 2
            && before.contains('%');
        if hanging {
            return Err(format!("has {name} directly after a percent sign"));
        }
        if !before.is_empty() {
            parts.push(Part::Literal(before.to_owned()));
        }
        parts.push(Part::Placeholder(*placeholder));
        rest = &from[name.len()..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

fn is_step(segment: &str) -> bool {
    matches!(percent_decode_str(segment).collect::<Vec<u8>>().as_slice(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::tests::message;

    fn filled(template: &str, to: &str, text: &str) -> String {
        UrlTemplate::read(template).unwrap().fill(&message(to, text), "m-1").unwrap()
    }

    #[test]
    fn no_text_changes_the_url_around_it() {
        let template = "https://user:pw@gateway:8443/send/%(identity)s/%(text)s/x?key=a%20b&to=%(identity)s\
                        &text=%(text)s&from=%(backend)s&id=%(id)s&end";
        let nasty = [
            "a&to=2",
            "#",
            "100%",
            "%41%26",
            "a\r\nHost: x",
            "%(id)s %(text)s %(x)s",
            "👩\u{200d}💻",
            "ሰላም",
            "a/../../b",
            "?",
            "\\..\\",
            "+ ;=@:",
            "\0\u{7f}\t",
            "...",
            "",
        ];
        for text in nasty {
            let url = filled(template, "+251&x=/%", text);
            let parsed = Url::parse(&url).unwrap();
            assert_eq!(parsed.as_str(), url, "nothing for a client to normalise");
            assert_eq!(
                (parsed.host_str(), parsed.port(), parsed.fragment()),
                (Some("gateway"), Some(8443), None)
            );
            let segments: Vec<Vec<u8>> = parsed
                .path_segments()
                .unwrap()
                .map(|segment| percent_decode_str(segment).collect())
                .collect();
            assert_eq!(segments, [b"send", b"+251&x=/%".as_slice(), text.as_bytes(), b"x"], "{url}");
            let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
            let expected = [
                ("key", "a b"),
                ("to", "+251&x=/%"),
                ("text", text),
                ("from", "h"),
                ("id", "m-1"),
                ("end", ""),
            ];
            assert_eq!(pairs, expected, "{url}");
        }
    }

    #[test]
    fn a_text_that_would_be_a_step_in_the_path_is_refused() {
        let table = [
            ("http://g/%(text)s", "..", false),
            ("http://g/%(text)s/x", ".", false),
            ("http://g/.%(text)s/x", ".", false),
            ("http://g/%2e%(text)s/x", ".", false),
            ("http://g/a%(text)s/x", "..", true),
            ("http://g/%(text)s", "...", true),
            ("http://g/?%(text)s", "..", true),
        ];
        for (template, text, fits) in table {
            let filled = UrlTemplate::read(template).unwrap().fill(&message("1", text), "m-1");
            assert_eq!(filled.is_ok(), fits, "{template} {text}");
        }
    }

    #[test]
    fn templates_that_a_message_could_bend_are_not_taken() {
        let table = [
            ("http://%(identity)s/", "before its path"),
            ("http://g.%(text)s", "before its path"),
            ("http://g:%(id)s/", "before its path"),
            ("http://u:%(text)s@g/", "before its path"),
            ("%(text)s://g/", "begin with"),
            ("%(text)s", "begin with"),
            ("http:/g/%(text)s", "begin with"),
            ("http:g/%(text)s", "begin with"),
            ("http:///g%(text)s", "no host"),
            ("http://\\g%(text)s", "no host"),
            ("http://\t/g%(text)s", "control"),
            ("http://g/ %(text)s", "space"),
            ("http://g/../a?%(text)s", "path"),
            ("http://g/%2E%2e/a?%(text)s", "path"),
            ("http://g/?from=\"Clinic\"&t=%(text)s", "escaped"),
            ("http://g?x=1#%(text)s", "#"),
            ("http://g?x=%(text)s#top", "#"),
            ("http://g/?a=%%(text)s", "percent sign"),
            ("http://g/?a=%4%(text)s", "percent sign"),
            ("http://g/?a=%(name)s", "unknown placeholder"),
            ("http://g/?a=%(text)", "unknown placeholder"),
            ("ftp://g/%(text)s", "begin with"),
            ("gateway/%(text)s", "begin with"),
            ("http://?a=%(text)s", "no host"),
            ("http://[g/?a=%(text)s", "not a URL"),
        ];
        for (template, problem) in table {
            let found = UrlTemplate::read(template).err().unwrap_or_default();
            assert!(found.contains(problem), "{template}: {found:?}");
        }
        assert_eq!(
            filled("http://g/?a=%41%(text)s", "1", "x"),
            "http://g/?a=%41x",
            "a whole escape before it"
        );
    }
}
