//! What the bundled apps say: the keys to its translations.

/// To who says `echo` alone.
pub(super) const ECHO: &str = "To echo some text, send: ECHO <ANYTHING>";
/// To who asks what `ping` is for.
pub(super) const PING: &str = "PING is answered with pong: the service is alive.";
/// To who says `register` alone.
pub(super) const REGISTER: &str = "To register, send: JOIN <NAME>";
/// To who registered.
pub(super) const REGISTERED: &str = "Thank you for registering, %(name)s!";
/// To who says `language` alone.
pub(super) const LANGUAGE: &str = "To choose a language, send: LANGUAGE <NAME>";
/// To who chose a language.
pub(super) const SPOKEN: &str = "From now on I write to you in %(language)s.";
/// To who chose one that there is not.
pub(super) const NOT_SPOKEN: &str =
    "I do not speak %(language)s. Send LANGUAGE and one of these: %(languages)s";
/// To who says `help`.
pub(super) const HELP: &str =
    "%(project_name)s understands: %(words)s. For more send HELP and one of these words.";
/// To who ends a conversation.
pub(super) const CANCELLED: &str = "Cancelled.";
/// To who answers a conversation that is over.
pub(super) const TOO_LATE: &str = "That took too long. To begin again, send: %(word)s";

/// All of them, and the `default_response` of the settings that come with this.
#[cfg(test)]
pub(crate) const TEXTS: [&str; 11] = [
    ECHO,
    PING,
    REGISTER,
    REGISTERED,
    LANGUAGE,
    SPOKEN,
    NOT_SPOKEN,
    HELP,
    CANCELLED,
    TOO_LATE,
    "Sorry, %(project_name)s could not understand your message.",
];
