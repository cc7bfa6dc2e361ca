//! The answer to a message that no app handled.

use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled};

/// Answers a message that no app handled with the project's [`default_response`](crate::About::default_response). If
/// the `default_response` is empty, it answers nothing.
///
/// ```text
/// 1112223333 > hwllo
/// 1112223333 < Sorry, Clinic could not understand your message.
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultReply;

impl App for DefaultReply {
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let about = cx.about();
        if about.default_response.is_empty() {
            return Ok(Handled::No);
        }
        let phrase = Phrase::new(about.default_response.clone()).with("project_name", &about.name);
        cx.say(phrase);
        Ok(Handled::Yes)
    }
}
