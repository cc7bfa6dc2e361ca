//! The values that a handler function may return.

use std::borrow::Cow;
use std::error::Error;

use crate::AppError;
use crate::translate::Phrase;

/// A value that a handler function may return: one text, several texts or none. A text is sent as it is, or is
/// [translated](crate::tr) first.
///
/// A `Result` of such a value is also a reply. If it is an error of the app, the error is logged, and the message goes
/// on to the next app. A [mistake of the sender](crate::SenderError) is answered with the help text, if there is one.
///
/// ```
/// use threadless::apps::IntoReply;
/// use threadless::tr;
///
/// assert_eq!("pong".into_replies().unwrap().len(), 1);
/// assert_eq!(None::<String>.into_replies().unwrap().len(), 0);
/// assert_eq!(["one", "two"].into_replies().unwrap().len(), 2);
/// assert_eq!(tr!("in the language of whoever gets it").into_replies().unwrap().len(), 1);
/// assert!("x".parse::<u8>().map(|n| n.to_string()).into_replies().is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reply",
    label = "a handler must return a reply, and `{Self}` is not a reply",
    note = "a reply is one text (`&str`, `String`, `tr!(…)`), several texts (`Vec`, array), an optional text (`Option`), no text (`()`), or a \
            `Result` of these",
    note = "make a text of any other value: `value.to_string()` or `format!(\"…\")`"
)]
pub trait IntoReply {
    /// Returns the texts of the reply, in order.
    fn into_replies(self) -> Result<Vec<Phrase>, AppError>;
}

impl IntoReply for () {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Ok(Vec::new())
    }
}

impl IntoReply for &str {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Ok(vec![Phrase::verbatim(self.to_owned())])
    }
}

impl IntoReply for String {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Ok(vec![Phrase::verbatim(self)])
    }
}

impl IntoReply for Phrase {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Ok(vec![self])
    }
}

impl IntoReply for Cow<'_, str> {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Ok(vec![Phrase::verbatim(self.into_owned())])
    }
}

impl<T: IntoReply> IntoReply for Option<T> {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        self.map_or_else(|| Ok(Vec::new()), T::into_replies)
    }
}

impl<T: IntoReply> IntoReply for Vec<T> {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        let replies: Result<Vec<_>, _> = self.into_iter().map(T::into_replies).collect();
        Ok(replies?.concat())
    }
}

impl<T: IntoReply, const N: usize> IntoReply for [T; N] {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        Vec::from(self).into_replies()
    }
}

impl<T: IntoReply, E: Into<Box<dyn Error + Send + Sync>>> IntoReply for Result<T, E> {
    fn into_replies(self) -> Result<Vec<Phrase>, AppError> {
        self.map_err(Into::into)?.into_replies()
    }
}
