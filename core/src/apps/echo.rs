//! Says again what was said.

use super::keyword::Keywords;
use crate::{App, AppError, Context, Handled};

/// Answers `echo <text>` with the text, and `echo` alone with how to use it.
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
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(rest) = Keywords::new("echo").rest_of(cx.text()).map(str::to_owned) else {
            return Ok(Handled::No);
        };
        if rest.is_empty() {
            cx.reply("To echo some text, send: ECHO <ANYTHING>");
        } else {
            cx.reply(rest);
        }
        Ok(Handled::Yes)
    }
}
