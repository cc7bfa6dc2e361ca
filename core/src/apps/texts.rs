//! The texts of the bundled apps. They are also the keys of the translations.

/// The reply to `echo` alone.
pub(super) const ECHO: &str = "To echo some text, send: ECHO <ANYTHING>";
/// The reply to a person who asks for help on `ping`.
pub(super) const PING: &str = "PING is answered with pong: the service is alive.";
/// The reply to `register` alone.
pub(super) const REGISTER: &str = "To register, send: JOIN <NAME>";
/// The reply to a person who has registered.
pub(super) const REGISTERED: &str = "Thank you for registering, %(name)s!";
/// The reply to `language` alone.
pub(super) const LANGUAGE: &str = "To choose a language, send: LANGUAGE <NAME>";
/// The reply to a person who has chosen a language.
pub(super) const SPOKEN: &str = "From now on I write to you in %(language)s.";
/// The reply to a person who asked for an unknown language.
pub(super) const NOT_SPOKEN: &str =
    "I do not speak %(language)s. Send LANGUAGE and one of these: %(languages)s";
/// The reply to `help`.
pub(super) const HELP: &str =
    "%(project_name)s understands: %(words)s. For more send HELP and one of these words.";
/// The reply to a person who has cancelled a conversation.
pub(super) const CANCELLED: &str = "Cancelled.";
/// The reply to a person who answers after the conversation timed out.
pub(super) const TOO_LATE: &str = "That took too long. To begin again, send: %(word)s";

/// All texts of this file, and the `default_response` of the settings in this repository.
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
