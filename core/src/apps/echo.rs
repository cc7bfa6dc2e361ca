//! Echo: an app that sends the text back.

use super::{Keywords, texts};
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, Usage};

/// Answers `echo <text>` with the text, and answers `echo` alone with how to use it.
///
/// ```text
/// 1112223333 > echo hello
/// 1112223333 < hello
/// 1112223333 > echo
/// 1112223333 < To echo some text, send: ECHO <ANYTHING>
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl App for Echo {
    fn usage(&self) -> Vec<Usage> {
        vec![Usage::new("echo").help(texts::ECHO)]
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(rest) = Keywords::new("echo").rest_of(cx.text()).map(str::to_owned) else {
            return Ok(Handled::No);
        };
        if rest.is_empty() {
            cx.say(Phrase::new(texts::ECHO));
        } else {
            cx.reply(rest);
        }
        Ok(Handled::Yes)
    }
}
