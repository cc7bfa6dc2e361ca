//! Apps that come with the framework.

mod conversation;
mod default_reply;
mod echo;
mod help;
mod into_reply;
mod keyword;
mod keywords;
mod pattern;
mod ping;
mod said;

pub use conversation::{Conversation, ConversationApp, Turn, conversation};
pub use default_reply::DefaultReply;
pub use echo::Echo;
pub use help::Help;
pub use into_reply::IntoReply;
pub use keyword::{Keyword, keyword};
pub use keywords::Keywords;
pub use pattern::{Pattern, pattern};
pub use ping::Ping;
pub use said::Said;
