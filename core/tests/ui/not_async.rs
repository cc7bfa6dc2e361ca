//! A handler that is not async, and one that wants another argument than `Said`.
//says `String` is not a future
//says type mismatch in function arguments
//says apps::Said) -> _`
use threadless::apps::{Said, keyword};
use threadless::Router;

fn stock(said: Said) -> String {
    said.text().to_owned()
}

async fn open(text: String) -> String {
    text
}

pub fn apps(router: Router) -> Router {
    router.app(keyword("stock", stock)).app(keyword("open", open))
}
