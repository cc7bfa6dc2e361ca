//! The pipeline of a message: accept → process → screen → deliver, with fan-out and delivery reports.

pub(crate) mod accept;
pub(crate) mod deliver;
pub(crate) mod errors;
pub(crate) mod fan_out;
pub(crate) mod history;
pub(crate) mod input;
pub(crate) mod process;
pub(crate) mod reach;
pub(crate) mod screen;
pub(crate) mod status;
