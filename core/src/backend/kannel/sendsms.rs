//! Writes the request that gives one message to Kannel's sendsms.
//!
//! Source: Kannel User Guide 1.4.5, "Using the HTTP interface to send SMS messages". Where the guide is incomplete, the
//! behaviour was measured.

use std::fmt;

use percent_encoding::percent_encode;
use url::Url;

use super::dlr::Dlr;
use super::url::{ESCAPED, base, parsed};
use crate::backend::Reports;
use crate::model::message::Outgoing;
use crate::settings::{Fields, Secret};
use crate::text::charset::NoSuchCharacter;
use crate::text::{Charset, Coding, EncodeErrors, segments};

/// The parameters that sendsms knows (`smsc`, `account` …). Kannel ignores any other parameter.
const KNOWN: [&str; 23] = [
    "username",
    "password",
    "from",
    "smsc",
    "account",
    "udh",
    "dlr-mask",
    "dlr-url",
    "dlrmask",
    "dlrurl",
    "mclass",
    "mwi",
    "pid",
    "alt-dcs",
    "rpi",
    "validity",
    "deferred",
    "priority",
    "binfo",
    "meta-data",
    "user",
    "pass",
    "compress",
];

/// The parameters that depend on each message. The settings cannot give them.
const OURS: [&str; 4] = ["to", "text", "charset", "coding"];

/// More parameters that depend on each message, if the backend asks for delivery reports.
const OURS_WITH_REPORTS: [&str; 4] = ["dlr-mask", "dlr-url", "dlrmask", "dlrurl"];

/// The way in which one backend gives its messages to sendsms.
pub(super) struct Sendsms {
    /// The start of the URL, up to and including the `?` or `&` before the parameters of a message. It contains the
    /// parameters of the settings.
    base: String,
    text: TextForm,
    reports: Dlr,
    priorities: Priorities,
}

/// The priorities of messages on the line, from 0 to 3. `None`: Kannel decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Priorities {
    reply: Option<i64>,
    bulk: Option<i64>,
}

/// The output leaves out the base, because it contains the password.
impl fmt::Debug for Sendsms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, mask, priorities) = (&self.text, self.reports.mask(), &self.priorities);
        let mut shown = f.debug_struct("Sendsms");
        shown.field("text", text).field("report_mask", &mask).field("priorities", priorities);
        shown.finish_non_exhaustive()
    }
}

/// The reason why no request can be made for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    /// The encoding must be strict, but the charset does not have a character of the text.
    #[error(transparent)]
    Text(#[from] NoSuchCharacter),
    /// Kannel would split `to` at white space and send to each part.
    #[error("the recipient contains white space, and Kannel would read it as several recipients")]
    Recipients,
}

/// The form in which the text is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextForm {
    /// GSM-7 if the text fits, else UCS-2. With `fold`, the text is folded first.
    Auto { fold: bool },
    /// One fixed charset and coding, as in `rapidsms-threadless-router`.
    Fixed { coding: u8, charset: Charset, errors: EncodeErrors },
}

impl Sendsms {
    /// Reads `sendsms_url`, `sendsms_params`, `coding`, `charset`, `encode_errors`, `fold` and the keys for delivery
    /// reports. The key that signs delivery reports is derived from `token`, or else from the password of sendsms.
    pub(super) fn from_fields(fields: &mut Fields<'_>, token: Option<&Secret>) -> Option<Self> {
        let url = url(fields);
        let params = fields.params("sendsms_params");
        let password = params.iter().find(|(name, _)| name == "password" || name == "pass");
        let password = password.map(|(_, password)| Secret::new(password.reveal()));
        let reports = Dlr::from_fields(fields, token.or(password.as_ref()));
        let in_url = |name: &str| url.iter().any(|url| url.query_pairs().any(|(key, _)| key == name));
        for (name, _) in &params {
            let key = format!("sendsms_params.{name}");
            if OURS.contains(&name.as_str())
                || (reports.is_asked() && OURS_WITH_REPORTS.contains(&name.as_str()))
            {
                fields.fault(&key, "is set by Threadless for each message: remove it");
            } else if !KNOWN.contains(&name.as_str()) {
                fields.warn(&key, "is unknown to Kannel, and Kannel ignores it");
            } else if in_url(name) {
                fields.warn(&key, "is also in sendsms_url, and Kannel uses the first one");
            }
        }
        let with_reports = OURS_WITH_REPORTS.into_iter().filter(|_| reports.is_asked());
        for name in OURS.into_iter().chain(with_reports).filter(|name| in_url(name)) {
            fields.fault(
                "sendsms_url",
                format!("contains {name}=, which Threadless sets for each message: remove it"),
            );
        }
        for (name, alternative) in [("username", "user"), ("password", "pass")] {
            let in_params = params.iter().any(|(param, _)| param == name || param == alternative);
            if url.is_some() && !in_params && !in_url(name) && !in_url(alternative) {
                fields.warn(&format!("sendsms_params.{name}"), "is missing: Kannel will refuse each message");
            }
        }
        let text = text_form(fields);
        let has_priority = in_url("priority") || params.iter().any(|(name, _)| name == "priority");
        let mut priority = |key: &str| {
            let priority = fields.number(key, 0..=3);
            if priority.is_some() && has_priority {
                fields
                    .fault(key, "cannot stand beside the parameter priority of sendsms: remove one of them");
            }
            priority
        };
        let priorities = Priorities { reply: priority("priority_reply"), bulk: priority("priority_bulk") };
        Some(Self { base: base(&url?, &params), text, reports, priorities })
    }

    /// Returns the reader of delivery reports.
    pub(super) fn reports(&self) -> &dyn Reports {
        &self.reports
    }

    /// Returns the start of each URL to which messages go. It contains the password.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the URL that sends a message to its one recipient.
    pub(super) fn request_url(&self, message: &Outgoing) -> Result<String, Unsendable> {
        let (to, text) = (message.to.as_str(), message.text.as_str());
        if to.bytes().any(|byte| matches!(byte, b'\t'..=b'\r' | b' ')) {
            return Err(Unsendable::Recipients);
        }
        let (form, bytes) = match self.text {
            TextForm::Auto { fold } => match segments::choose(text, fold) {
                // Kannel itself converts UTF-8 to GSM-7.
                (Coding::Gsm7, text) => ("charset=UTF-8&coding=0", text.into_owned().into_bytes()),
                // Kannel does not convert UTF-16BE if no charset is given. So this works also if Kannel has no iconv.
                (Coding::Ucs2, text) => ("coding=2", Charset::Utf16Be.encode(&text, EncodeErrors::Strict)?),
            },
            TextForm::Fixed { coding, charset, errors } => {
                let bytes = charset.encode(text, errors)?;
                let form = format!("charset={}&coding={coding}", label(charset));
                return Ok(self.url(message, &form, &bytes));
            }
        };
        Ok(self.url(message, form, &bytes))
    }

    fn url(&self, message: &Outgoing, form: &str, text: &[u8]) -> String {
        let to = percent_encode(message.to.as_bytes(), ESCAPED);
        let reports = self.reports.params(message);
        let priority = self.priorities.of(message);
        format!("{}{reports}{priority}to={to}&{form}&text={}", self.base, percent_encode(text, ESCAPED))
    }
}

impl Priorities {
    /// Returns the parameter for a message, with `&` at the end; empty if Kannel decides.
    fn of(self, message: &Outgoing) -> String {
        let priority = if message.in_reply_to.is_some() { self.reply } else { self.bulk };
        priority.map(|priority| format!("priority={priority}&")).unwrap_or_default()
    }
}

/// Returns the name of a charset in Kannel's iconv.
fn label(charset: Charset) -> &'static str {
    match charset {
        Charset::Ascii => "US-ASCII",
        Charset::Utf8 => "UTF-8",
        Charset::Utf16Be => "UTF-16BE",
        Charset::Utf16Le => "UTF-16LE",
        Charset::Latin1 | Charset::Binary => "ISO-8859-1",
        // The settings cannot give this charset.
        Charset::Gsm => "GSM",
        Charset::Other(encoding) if encoding == encoding_rs::ISO_8859_8_I => "ISO-8859-8",
        Charset::Other(encoding) if encoding == encoding_rs::X_MAC_CYRILLIC => "MAC-CYRILLIC",
        Charset::Other(encoding) => encoding.name(),
    }
}

fn url(fields: &mut Fields<'_>) -> Option<Url> {
    let given = fields.required_text("sendsms_url");
    if given.is_empty() {
        return None;
    }
    match parsed(&given, "http://127.0.0.1:13013/cgi-bin/sendsms") {
        Ok(mut url) => {
            url.set_fragment(None);
            Some(url)
        }
        Err(problem) => {
            fields.fault("sendsms_url", problem);
            None
        }
    }
}
fn text_form(fields: &mut Fields<'_>) -> TextForm {
    let fold = fields.flag("fold");
    let charset = fields.text("charset");
    let errors = fields.one_of("encode_errors", &["ignore", "replace", "strict"]);
    let Some(coding) = fields.word_or_number("coding", "auto", 0..=2) else {
        for (key, given) in [("charset", charset.is_some()), ("encode_errors", errors.is_some())] {
            if given {
                fields.fault(
                    key,
                    "needs coding = 0, 1 or 2: with coding = \"auto\" each text is sent unchanged",
                );
            }
        }
        return TextForm::Auto { fold: fold.unwrap_or(false) };
    };
    if fold.is_some() {
        fields.fault("fold", "needs coding = \"auto\"");
    }
    // This is the default of `rapidsms-threadless-router`. There, a text of coding 2 also had to name its charset.
    let name = charset.unwrap_or_else(|| "ascii".to_owned());
    let charset = match Charset::named(&name) {
        // Kannel's iconv does not have this charset.
        Some(Charset::Gsm) => {
            fields.fault(
                "charset",
                "cannot be GSM: with coding = 0, Kannel itself converts any charset to GSM",
            );
            Charset::Ascii
        }
        Some(charset) => charset,
        None => {
            fields.fault("charset", format!("{name:?} is not a known charset"));
            Charset::Ascii
        }
    };
    let errors = match errors {
        Some("replace") => EncodeErrors::Replace,
        Some("strict") => EncodeErrors::Strict,
        _ => EncodeErrors::Ignore,
    };
    TextForm::Fixed { coding, charset, errors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Param;

    #[test]
    fn the_password_does_not_show() {
        let url = Url::parse("http://user:hunter2@gateway/?pass=hunter2").unwrap();
        let password = ("password".to_owned(), Param::Plain("hunter2".to_owned()));
        let text = TextForm::Auto { fold: false };
        let sendsms = Sendsms {
            base: base(&url, &[password]),
            text,
            reports: Dlr::default(),
            priorities: Priorities::default(),
        };
        assert_eq!(sendsms.base.matches("hunter2").count(), 3);
        assert!(!format!("{sendsms:?}").contains("hunter2"));
    }
}
