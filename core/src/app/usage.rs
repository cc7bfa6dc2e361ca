//! The list of commands that an app understands, for people to read.

/// One command that people can text. [`App::usage`](crate::App::usage) lists it, and the bundled
/// [`Help`](crate::apps::Help) shows it to people.
///
/// ```
/// use threadless::Usage;
/// let usage = Usage::new("report|rpt").help("To report a case, send: REPORT <VILLAGE> <NUMBER>");
/// assert_eq!(usage.shown(), "REPORT");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The words with which a message can begin, with `|` between them. Help texts show the first word.
    pub words: String,
    /// The answer for a person who asks how to use the command; empty if there is no answer.
    pub help: String,
    /// The [group](crate::Router::group) to which the command belongs; empty for none.
    pub group: String,
}

impl Usage {
    /// Creates a command for messages that begin with one of `words`, such as `"report|rpt"`.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), help: String::new(), group: String::new() }
    }

    /// Sets the answer for a person who asks how to use the command.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    /// Returns the word to show: the first one, in capitals.
    pub fn shown(&self) -> String {
        self.words.split('|').next().unwrap_or_default().trim().to_uppercase()
    }
}
