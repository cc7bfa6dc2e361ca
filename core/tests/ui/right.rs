//! No mistake: the parts that the other files use compile.
use threadless::apps::{Said, keyword};
use threadless::{App, AppError, Context, Handled, Report, Router};

struct Balance;

impl App for Balance {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        cx.reply("20 birr");
        Ok(Handled::Yes)
    }

    // A report phase needs no body.
    async fn report(&self, _: &mut Context, _: &Report) -> Result<(), AppError> {
        Ok(())
    }
}

async fn stock(said: Said) -> String {
    said.text().to_owned()
}

pub fn apps(router: Router) -> Router {
    router.app(Balance).app(keyword("stock", stock))
}
