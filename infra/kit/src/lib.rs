//! Everything that a Threadless project depends on, behind one line of its `Cargo.toml`:
//!
//! ```toml
//! [workspace.dependencies]
//! threadless = { package = "threadless-kit", version = "0.1" }
//! ```
//!
//! The package re-exports the crate `threadless`, so the documentation of `threadless` applies to it. With the feature
//! `local` it also has [`local`]: the stack that `cargo run` starts.
//!
//! ```
//! use threadless_kit::{Router, apps};
//!
//! let router = Router::new().app(apps::Ping);
//! router.check()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use threadless::*;
#[cfg(feature = "local")]
pub use threadless_local as local;
