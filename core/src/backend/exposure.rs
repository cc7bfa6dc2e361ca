//! What a deployed backend may not do without being told to: take messages from anyone, and send them in the clear.

mod reach;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::{Fields, Place, Secret, looks_secret};
use reach::{Reach, reach};

/// What of a backend others can reach, as the backend says it of itself: [`Backend::exposure`](super::Backend::exposure).
///
/// Deployed, the settings are refused where nobody guards a backend, unless they say `open = true`; and where it sends
/// over `http://` to a host that looks public, unless they say `plain_http = true`. That holds for the engines that
/// come with the framework and for one of your own.
///
/// ```
/// use threadless::backend::Exposure;
///
/// # let (key_is_there, send_url) = (true, "https://acme.example/send");
/// let exposure = Exposure::open().guarded_by("key", key_is_there).sends_to("send_url", send_url);
/// assert!(exposure.is_guarded());
/// assert!(!Exposure::open().is_guarded());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    guarded: bool,
    /// The keys of the settings that can guard it.
    keys: Vec<&'static str>,
    /// Where it sends, by the key that says so; `None` if it does not say.
    urls: Option<Vec<(&'static str, String)>>,
}

impl Exposure {
    /// A backend that takes messages from anyone, and does not say where it sends: then every text of its table that is
    /// a URL counts as such a place.
    pub fn open() -> Self {
        Self::default()
    }

    /// A backend that asks for something else than a secret of the settings, such as the certificate of its client, or
    /// that takes no messages from outside at all.
    pub fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    /// Says that the secret under this key of the settings guards it, if it is `given`. With several keys one is enough.
    #[must_use]
    pub fn guarded_by(mut self, key: &'static str, given: bool) -> Self {
        self.guarded |= given;
        self.keys.push(key);
        self
    }

    /// Says that it sends to the URL under this key of the settings.
    #[must_use]
    pub fn sends_to(mut self, key: &'static str, url: impl Into<String>) -> Self {
        self.urls.get_or_insert_default().push((key, url.into()));
        self
    }

    /// Says that it sends nothing over a network.
    #[must_use]
    pub fn sends_nowhere(mut self) -> Self {
        self.urls.get_or_insert_default();
        self
    }

    /// Whether it knows who sends it messages.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }
}

/// The rules of exposure for one table of the settings, whatever its engine.
pub(crate) struct Rules {
    open: bool,
    plain_http: bool,
    /// Every text of the table, for an engine that does not say where it sends.
    texts: Vec<(String, String)>,
}

impl Rules {
    /// Reads `open` and `plain_http`, before the engine takes its own keys.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Self {
        let open = fields.flag("open").unwrap_or(false);
        let plain_http = fields.flag("plain_http").unwrap_or(false);
        Self { open, plain_http, texts: fields.texts_within() }
    }

    /// Reports what is exposed without being meant to be. `made`: what the backend says of itself; `None` where the
    /// engine could make none of the table.
    ///
    /// Local runs may leave out both keys: they are reached from this machine alone.
    pub(crate) fn check(&self, fields: &mut Fields<'_>, engine: &str, made: Option<Exposure>) {
        if fields.place() == Place::Local {
            return;
        }
        let Some(exposure) = made else {
            // Which of the keys would guard it nobody knows; but if there is none at all, none does.
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

    /// The passwords that stand in URLs of the table: before the host, or in the query.
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
        // A key may be given and faulty: what is wrong with it, or beside it, is told already.
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
                    "is missing: the engine {engine} does not say that it knows its gateway (Backend::exposure), so \
                     anyone who finds the URL could send messages in. Have the engine say so, or write open = true if \
                     something else guards this backend"
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
            Reach::Itself => fields.warn(key, "leads to the function itself, where no gateway listens"),
            Reach::Public if url.scheme() == "http" && !self.plain_http => fields.fault(
                key,
                "is http:// at a public host: passwords, numbers and texts would cross the Internet in the clear. \
                 Write https://, or plain_http = true beside it if a private network leads there",
            ),
            Reach::Public | Reach::Private => {}
        }
    }
}

const UNGUARDED: &str = "is missing: anyone who finds the URL could send messages in. Write { secret = \"NAME\" }, or \
     open = true beside it if something else guards this backend";

#[cfg(test)]
mod tests;
