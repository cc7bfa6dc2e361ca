//! A handler that returns a number.
//says error[E0277]: `usize` is not a reply
//says a handler must return a reply, and `usize` is not a reply
//says = note: a reply is one text (`&str`, `String`, `tr!(…)`), several texts (`Vec`, array), an optional text (`Option`), no text (`()`), or a `Result` of these
//says = note: make a text of any other value: `value.to_string()` or `format!("…")`
use threadless::apps::{Said, keyword};
use threadless::Router;

async fn length(said: Said) -> usize {
    said.text().len()
}

pub fn apps(router: Router) -> Router {
    router.app(keyword("length", length))
}
