//! The figures of the local stack: the sums of all invocations, their page of metrics, and the command that shows them.

mod page;
pub(crate) mod status;
mod totals;

pub(crate) use page::{Page, page};
pub(crate) use totals::Totals;
