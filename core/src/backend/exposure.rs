//! What of a backend others can reach.

/// What of a backend others can reach, as the backend says it of itself: [`Backend::exposure`](crate::backend::Backend::exposure).
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
    pub(crate) guarded: bool,
    /// The keys of the settings that can guard it.
    pub(crate) keys: Vec<&'static str>,
    /// Where it sends, by the key that says so; `None` if it does not say.
    pub(crate) urls: Option<Vec<(&'static str, String)>>,
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
