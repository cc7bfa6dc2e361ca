//! What an app can be asked, for people to read.

/// One thing that people can text, as [`App::usage`](crate::App::usage) lists it and the bundled
/// [`Help`](crate::apps::Help) tells it.
///
/// ```
/// use threadless::Usage;
/// let usage = Usage::new("report|rpt").help("To report a case, send: REPORT <VILLAGE> <NUMBER>");
/// assert_eq!(usage.shown(), "REPORT");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The words that a message can begin with, with `|` between them. The first is the one to show.
    pub words: String,
    /// What to say to who asks how to use it; empty if there is nothing to say.
    pub help: String,
    /// The [group](crate::Router::group) that it belongs to; empty for none.
    pub group: String,
}

impl Usage {
    /// Messages that begin with one of `words`, such as `"report|rpt"`.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), help: String::new(), group: String::new() }
    }

    /// Sets what to say to who asks how to use it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    /// The word to show: the first one, in capitals.
    pub fn shown(&self) -> String {
        self.words.split('|').next().unwrap_or_default().trim().to_uppercase()
    }
}
