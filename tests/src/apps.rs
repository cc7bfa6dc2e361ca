//! Apps that show faults of the router.

use threadless::apps::{Keywords, keyword};
use threadless::{App, AppError, Context, Filter, Handled, Outbound, Reply, Report, Router};

/// An app that answers `count <text>` with the number of such messages that this sender has sent, and the text.
///
/// If a message is processed twice, one text gets two numbers, and a number is too high.
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

/// The session key under which [`Learning`] keeps its reports.
pub const LEARNT: &str = "learning.learnt";

/// An app that records the final status of messages, each with its id.
pub struct Learning;

impl App for Learning {
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        let mut learnt = cx.session().get::<Vec<(String, String)>>(LEARNT)?.unwrap_or_default();
        learnt.push((report.message.to_string(), report.final_status.as_str().to_owned()));
        cx.session_mut().set(LEARNT, &learnt)?;
        Ok(())
    }
}

/// An app that fails as a message asks: `error`, `panic`, `panic later`, `endless`.
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

/// The file that [`Blocking`] makes in the folder of the process when it begins to block.
pub const BLOCKING: &str = "blocking";

/// An app that blocks its thread for an hour when it receives `block`.
pub struct Blocking;

impl App for Blocking {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        if cx.text() == "block" {
            std::fs::write(BLOCKING, "")?;
            std::thread::sleep(std::time::Duration::from_secs(3600));
        }
        Ok(Handled::No)
    }
}

/// An app that hangs. For a message that contains `hang`, no phase ever returns. For a message that contains `block`,
/// each phase blocks its thread for a minute.
pub struct Hanging;

impl Hanging {
    async fn enter(&self, text: &str) {
        if text.contains("hang") {
            std::future::pending::<()>().await;
        }
        if text.contains("block") {
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
    }
}

impl App for Hanging {
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter(cx.text()).await;
        Ok(Filter::Continue)
    }

    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter(cx.text()).await;
        Ok(())
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter(cx.text()).await;
        Ok(Handled::No)
    }

    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter(cx.text()).await;
        Ok(Handled::No)
    }

    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter(cx.text()).await;
        Ok(())
    }

    async fn outgoing(&self, cx: &Context, _: &mut Reply) -> Result<Outbound, AppError> {
        self.enter(cx.text()).await;
        Ok(Outbound::Send)
    }
}

/// Adds the apps of these tests to the project's apps: [`Counting`], [`Blocking`], and `three`, which gives three
/// replies.
pub fn proving(router: Router) -> Router {
    let three = keyword("three", async |_| ["one", "two", "three"]);
    functions::apps(router.app(Counting).app(Blocking).app(three))
}
