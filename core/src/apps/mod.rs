//! Apps that come with the framework.

mod default_reply;
mod echo;
mod into_reply;
mod keyword;
mod ping;

pub use default_reply::DefaultReply;
pub use echo::Echo;
pub use into_reply::IntoReply;
pub use keyword::{Keyword, Keywords, Said};
pub use ping::Ping;
