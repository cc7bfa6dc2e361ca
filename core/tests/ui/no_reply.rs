//! A handler that returns a number.
//says error[E0277]: `usize` is no reply
//says a handler returns what is to be replied, and `usize` is none
//says = note: a reply is a text (`&str`, `String`, `tr!(…)`), several (`Vec`, array), perhaps one (`Option`), none (`()`), or a `Result` of these
//says = note: of any other value make a text: `value.to_string()` or `format!("…")`
use threadless::apps::{Said, keyword};
use threadless::Router;

async fn length(said: Said) -> usize {
    said.text().len()
}

pub fn apps(router: Router) -> Router {
    router.app(keyword("length", length))
}
