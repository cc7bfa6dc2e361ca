//! Threadless in a simulated world: the real core, one thread, paused time, and one seed that decides all random
//! choices.
//!
//! `README.md` in this folder explains how to use it.

mod app;
mod dice;
mod environment;
mod gateway;
mod generate;
mod history;
mod judge;
pub mod plan;
#[cfg(feature = "planted")]
mod plants;
mod port;
mod schedules;
mod search;
mod seen;
mod shrink;
mod sqs;
mod store;
mod turns;
mod world;

pub use dice::Dice;
pub use generate::plan as plan_of;
pub use history::{Verdict, run};
#[cfg(feature = "planted")]
pub use plants::{Harvest, harvest, plants, run_planted};
pub use schedules::{Act, Explored, Scenario, explore, scenarios};
pub use search::{Found, kinds, search};
pub use shrink::shrink;
