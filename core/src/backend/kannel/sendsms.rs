//! Writes the request that gives one message to Kannel's sendsms.
//!
//! Source: Kannel User Guide 1.4.5, "Using the HTTP interface to send SMS messages"; what the guide leaves open was
//! measured.

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

/// What sendsms knows (`smsc`, `account` …). Anything else Kannel ignores.
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

/// What a message decides, so that settings cannot.
const OURS: [&str; 4] = ["to", "text", "charset", "coding"];

/// What a message decides too, where its delivery is to be reported.
const OURS_WITH_REPORTS: [&str; 4] = ["dlr-mask", "dlr-url", "dlrmask", "dlrurl"];

/// How one backend's messages are given to sendsms.
pub(super) struct Sendsms {
    /// Up to and with the `?` or `&` behind which parameters go; those of the settings are in it.
    base: String,
    text: TextForm,
    reports: Dlr,
}

/// Leaves out the base: the password is in it.
impl fmt::Debug for Sendsms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sendsms").field("text", &self.text).finish_non_exhaustive()
    }
}

/// Why no request can be made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    /// It is to be encoded strictly, and cannot be.
    #[error(transparent)]
    Text(#[from] NoSuchCharacter),
    /// Kannel takes `to` apart at white space and sends to each part.
    #[error("the recipient has white space in it: Kannel would send to several")]
    Recipients,
}

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextForm {
    /// GSM-7 if it fits, else UCS-2; after folding where that is asked for.
    Auto { fold: bool },
    /// In one charset and coding, as the original had it.
    Fixed { coding: u8, charset: Charset, errors: EncodeErrors },
}

impl Sendsms {
    /// Reads `sendsms_url`, `sendsms_params`, `coding`, `charset`, `encode_errors`, `fold` and what asks for delivery
    /// reports. These are signed with `token`, or with sendsms's password where there is none.
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
                fields.fault(&key, "is written for each message: leave it out");
            } else if !KNOWN.contains(&name.as_str()) {
                fields.warn(&key, "is not known to Kannel, which ignores it");
            } else if in_url(name) {
                fields.warn(&key, "is in sendsms_url too, and Kannel takes the first");
            }
        }
        let with_reports = OURS_WITH_REPORTS.into_iter().filter(|_| reports.is_asked());
        for name in OURS.into_iter().chain(with_reports).filter(|name| in_url(name)) {
            fields.fault("sendsms_url", format!("has {name}= in it, which is written for each message"));
        }
        for (name, alternative) in [("username", "user"), ("password", "pass")] {
            let in_params = params.iter().any(|(param, _)| param == name || param == alternative);
            if url.is_some() && !in_params && !in_url(name) && !in_url(alternative) {
                fields.warn(&format!("sendsms_params.{name}"), "is missing: Kannel will refuse to send");
            }
        }
        let text = text_form(fields);
        Some(Self { base: base(&url?, &params), text, reports })
    }

    /// How delivery reports are read.
    pub(super) fn reports(&self) -> &dyn Reports {
        &self.reports
    }

    /// Where messages go: the start of each URL, with the password.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The URL that sends a message to its one recipient.
    pub(super) fn request_url(&self, message: &Outgoing) -> Result<String, Unsendable> {
        let (to, text) = (message.connection.identity.as_str(), message.text.as_str());
        if to.bytes().any(|byte| matches!(byte, b'\t'..=b'\r' | b' ')) {
            return Err(Unsendable::Recipients);
        }
        let (form, bytes) = match self.text {
            TextForm::Auto { fold } => match segments::choose(text, fold) {
                // Kannel itself writes GSM-7 out of UTF-8.
                (Coding::Gsm7, text) => ("charset=UTF-8&coding=0", text.into_owned().into_bytes()),
                // UTF-16BE without a charset goes through unconverted, also where Kannel has no iconv.
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
        let to = percent_encode(message.connection.identity.as_str().as_bytes(), ESCAPED);
        let reports = self.reports.params(message);
        format!("{}{reports}to={to}&{form}&text={}", self.base, percent_encode(text, ESCAPED))
    }
}

/// What Kannel's iconv calls a charset.
fn label(charset: Charset) -> &'static str {
    match charset {
        Charset::Ascii => "US-ASCII",
        Charset::Utf8 => "UTF-8",
        Charset::Utf16Be => "UTF-16BE",
        Charset::Utf16Le => "UTF-16LE",
        Charset::Latin1 | Charset::Binary => "ISO-8859-1",
        // Kept out of the settings.
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
                fields.fault(key, "goes with coding = 0, 1 or 2; with \"auto\" every text is sent as it is");
            }
        }
        return TextForm::Auto { fold: fold.unwrap_or(false) };
    };
    if fold.is_some() {
        fields.fault("fold", "goes with coding = \"auto\"");
    }
    // The original's default; a text of coding 2 had to name its charset there too.
    let name = charset.unwrap_or_else(|| "ascii".to_owned());
    let charset = match Charset::named(&name) {
        // Kannel's iconv does not have it.
        Some(Charset::Gsm) => {
            fields.fault("charset", "cannot be GSM: with coding = 0 Kannel makes GSM of any charset");
            Charset::Ascii
        }
        Some(charset) => charset,
        None => {
            fields.fault("charset", format!("{name:?} is not a charset that is known here"));
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
        let sendsms = Sendsms { base: base(&url, &[password]), text, reports: Dlr::default() };
        assert_eq!(sendsms.base.matches("hunter2").count(), 3);
        assert!(!format!("{sendsms:?}").contains("hunter2"));
    }
}
