//! The rules of exposure. Without permission in the settings, a deployed backend must not accept messages from anyone,
//! and must not send messages unencrypted.

mod reach;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::backend::Exposure;
use crate::settings::{Fields, Place, Secret, looks_secret};
use reach::{Reach, reach};

/// The rules of exposure for one backend's table in the settings, for every engine.
pub(crate) struct Rules {
    open: bool,
    plain_http: bool,
    /// Every text of the table with its key. The rules need them if the engine does not say where it sends.
    texts: Vec<(String, String)>,
}

impl Rules {
    /// Reads `open` and `plain_http`, before the engine takes its own keys.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Self {
        let open = fields.flag("open").unwrap_or(false);
        let plain_http = fields.flag("plain_http").unwrap_or(false);
        Self { open, plain_http, texts: fields.texts_within() }
    }

    /// Reports each exposure that the settings do not permit. `made` is the exposure that the backend describes; `None`
    /// if the engine could not make a backend from the table.
    ///
    /// Local runs need neither of the two keys, because only this machine can reach them.
    pub(crate) fn check(&self, fields: &mut Fields<'_>, engine: &str, made: Option<Exposure>) {
        if fields.place() == Place::Local {
            return;
        }
        let Some(exposure) = made else {
            // It is not known which of these keys would guard the backend. But if no key is given, nothing guards it.
            let asked = fields.secrets_asked().to_vec();
            if !self.open
                && asked.iter().all(|(_, given)| !given)
                && let Some((first, _)) = asked.first()
            {
                fields.fault(first, UNGUARDED);
            }
            return;
        };
        self.check_guard(fields, engine, &exposure);
        match exposure.urls {
            Some(urls) => urls.iter().for_each(|(key, url)| self.check_cleartext(fields, key, url)),
            None => self.texts.iter().for_each(|(key, text)| self.check_cleartext(fields, key, text)),
        }
    }

    /// Returns the passwords in the URLs of the table: before the host, or in the query.
    pub(crate) fn secrets_in_urls(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for url in self.texts.iter().filter_map(|(_, text)| Url::parse(text.trim()).ok()) {
            let password = url.password().unwrap_or_default();
            secrets.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
            let params = url.query_pairs().filter(|(name, _)| looks_secret(name));
            secrets.extend(params.map(|(_, value)| value.into_owned()));
        }
        secrets.into_iter().filter(|secret| !secret.is_empty()).map(Secret::new).collect()
    }

    fn check_guard(&self, fields: &mut Fields<'_>, engine: &str, exposure: &Exposure) {
        // If a key is given but faulty, or a value beside it is faulty, that fault is reported already.
        let given = |key: &str| fields.secrets_asked().iter().any(|(asked, given)| asked == key && *given);
        let told = |key: &&str| fields.is_faulty_at(key) || (given(key) && fields.is_faulty());
        if exposure.guarded || self.open || exposure.keys.iter().any(told) {
            return;
        }
        match exposure.keys.first() {
            Some(key) => fields.fault(key, UNGUARDED),
            None => fields.fault(
                "open",
                format!(
                    "is missing: the engine {engine} does not state that it authenticates its gateway (Backend::exposure), so \
                     anyone who finds the URL could send messages to your apps. Implement Backend::exposure, or write open = true if \
                     something else protects this backend"
                ),
            ),
        }
    }

    fn check_cleartext(&self, fields: &mut Fields<'_>, key: &str, url: &str) {
        let Ok(url) = Url::parse(url.trim()) else { return };
        if !matches!(url.scheme(), "http" | "https") {
            return;
        }
        match reach(&url) {
            Reach::Itself => fields.warn(key, "is an address of the function itself, and no gateway listens there"),
            Reach::Public if url.scheme() == "http" && !self.plain_http => fields.fault(
                key,
                "is http:// to a public host: passwords, phone numbers and texts would cross the Internet unencrypted. \
                 Write https://, or add plain_http = true if a private network leads there",
            ),
            Reach::Public | Reach::Private => {}
        }
    }
}

const UNGUARDED: &str = "is missing: anyone who finds the URL could send messages to your apps. Write { secret = \"NAME\" }, or \
     open = true if something else protects this backend";

#[cfg(test)]
mod tests;
