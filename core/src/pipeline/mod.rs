//! The way of a message: accept → process → screen → deliver, with what it sets off and the reports that come back.

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
