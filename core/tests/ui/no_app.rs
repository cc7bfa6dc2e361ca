//! A plain Rust function that is installed as an app, and a type that does not implement `App`.
//says Said) -> impl Future<Output = &'static str> {hours}` is not an app
//says error[E0277]: `Balance` is not an app
//says not an app
//says = note: to make an app of a function, write `threadless::apps::keyword("word", function)` or `pattern("form", function)`, for a conversation, write `conversation("word", …)`
//says = note: for a type of your own, write `impl App for …` with the phases that it needs, such as `async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError>`
use threadless::apps::Said;
use threadless::Router;

async fn hours(_: Said) -> &'static str {
    "8 to 17"
}

struct Balance;

pub fn apps(router: Router) -> Router {
    router.app(hours).app(Balance)
}
