//! The tools that read settings: the fields of a table, secrets, and the place where the program runs. This module
//! knows no backend.

mod fields;
mod may_send;
mod secret;
mod secret_fields;

pub use fields::Fields;
pub use may_send::MaySend;
pub(crate) use secret::looks_secret;
pub use secret::{Place, Secret, Surroundings};
pub use secret_fields::Param;
