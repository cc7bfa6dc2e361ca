//! Apps that prove things.

use threadless::apps::Keywords;
use threadless::{App, AppError, Context, Handled};

/// Answers `count <text>` with how many such messages this sender has sent, and the text.
///
/// A message that was handled twice would show: as two numbers for one text, and as a number that is too high.
pub struct Counting;

impl App for Counting {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(text) = Keywords::new("count").rest_of(cx.text()).map(str::to_owned) else {
            return Ok(Handled::No);
        };
        let count = cx.session().get::<u32>("counting.count")?.unwrap_or(0) + 1;
        cx.session_mut().set("counting.count", &count)?;
        cx.reply(format!("{count} {text}"));
        Ok(Handled::Yes)
    }
}

/// Fails in the way that a message asks for: `error`, `panic`, `panic later`, `endless`.
pub struct Faulty;

impl App for Faulty {
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        match cx.text() {
            "error" => return Err("as asked for".into()),
            "panic" => panic!("as asked for"),
            "panic later" => {
                tokio::task::yield_now().await;
                panic!("later, as asked for");
            }
            "endless" => std::future::pending::<()>().await,
            _ => {}
        }
        Ok(())
    }
}
