//! Ping: an app that shows that the service is alive.

use super::texts;
use crate::text::matching::is_same;
use crate::{App, AppError, Context, Handled, Usage};

/// Answers a message with `pong` if the message is the word `ping` and nothing else, except for [marks around
/// it](crate::text::matching::key).
///
/// ```text
/// 1112223333 > ping
/// 1112223333 < pong
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Ping;

impl App for Ping {
    fn usage(&self) -> Vec<Usage> {
        vec![Usage::new("ping").help(texts::PING)]
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        if !is_same(cx.text(), "ping") {
            return Ok(Handled::No);
        }
        cx.reply("pong");
        Ok(Handled::Yes)
    }
}
