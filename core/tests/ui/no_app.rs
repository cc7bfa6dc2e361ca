//! A plain Rust function that is installed as an app, and a type that does not implement `App`.
//says Said) -> impl Future<Output = &'static str> {hours}` is no app
//says error[E0277]: `Balance` is no app
//says not an app
//says = note: a function becomes an app by `threadless::apps::keyword("word", function)` or `pattern("form", function)`, a conversation by `conversation("word", …)`
//says = note: a type becomes one by `impl App for …`, with the phases that it takes part in, such as `async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError>`
use threadless::apps::Said;
use threadless::Router;

async fn hours(_: Said) -> &'static str {
    "8 to 17"
}

struct Balance;

pub fn apps(router: Router) -> Router {
    router.app(hours).app(Balance)
}
