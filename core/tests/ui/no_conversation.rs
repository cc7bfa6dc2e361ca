//! A Rust function where a conversation is expected.
//says is not a conversation
//says = note: for a function that answers single messages, use `keyword("word", function)`
use threadless::apps::{Said, conversation};
use threadless::Router;

async fn hours(_: Said) -> &'static str {
    "8 to 17"
}

pub fn apps(router: Router) -> Router {
    router.app(conversation("hours", hours))
}
