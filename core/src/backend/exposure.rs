//! The exposure of a backend: the parts of it that others can reach.

/// The exposure of a backend to others. The backend describes it in
/// [`Backend::exposure`](crate::backend::Backend::exposure).
///
/// A deployment refuses the settings in two cases. First, no secret guards a backend, and the settings do not say
/// `open = true`. Second, a backend sends over `http://` to a host that looks public, and the settings do not say
/// `plain_http = true`. Both rules apply to the engines of the framework and to your own engines.
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
    /// The keys of the settings that can guard the backend.
    pub(crate) keys: Vec<&'static str>,
    /// The URLs to which the backend sends, each with its key in the settings. `None` if the backend does not say where
    /// it sends.
    pub(crate) urls: Option<Vec<(&'static str, String)>>,
}

impl Exposure {
    /// Returns the exposure of a backend that accepts messages from anyone and does not say where it sends. Each text
    /// in the backend's table that is a URL then counts as a place to which it sends.
    pub fn open() -> Self {
        Self::default()
    }

    /// Returns the exposure of a backend that needs no secret of the settings. For example, the backend checks a client
    /// certificate, or accepts no messages from outside at all.
    pub fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    /// Adds a key of the settings whose secret guards the backend; `given` says whether the settings have this secret.
    /// If the backend has several such keys, one secret is enough.
    #[must_use]
    pub fn guarded_by(mut self, key: &'static str, given: bool) -> Self {
        self.guarded |= given;
        self.keys.push(key);
        self
    }

    /// Adds a URL to which the backend sends, with its key in the settings.
    #[must_use]
    pub fn sends_to(mut self, key: &'static str, url: impl Into<String>) -> Self {
        self.urls.get_or_insert_default().push((key, url.into()));
        self
    }

    /// Records that the backend sends nothing over a network.
    #[must_use]
    pub fn sends_nowhere(mut self) -> Self {
        self.urls.get_or_insert_default();
        self
    }

    /// Returns whether the backend can tell who sends it messages.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }
}
