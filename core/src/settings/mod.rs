//! What settings are read with: the fields of a table, secrets, and where the program runs. It knows no backend.

mod fields;
mod may_send;
mod secret;
mod secret_fields;

pub use fields::Fields;
pub use may_send::MaySend;
pub(crate) use secret::looks_secret;
pub use secret::{Place, Secret, Surroundings};
pub use secret_fields::Param;
