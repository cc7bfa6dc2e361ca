//! The plain data types that all other modules use: messages, connections, contacts, sessions, languages, recipients,
//! broadcasts.

pub(crate) mod broadcast;
pub(crate) mod broadcast_key;
pub(crate) mod contact;
pub(crate) mod language;
pub(crate) mod message;
pub(crate) mod recipient;
pub(crate) mod session;
pub(crate) mod value;
