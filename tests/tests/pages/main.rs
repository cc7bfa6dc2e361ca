//! The pages of this checkout, held to the code: every fenced block is compiled, played or executed; every setting, flag
//! and variable exists, with the default that the page gives.
//!
//! `covered.rs` lists the blocks. A block without an entry there is a failure.

// These lints do not matter in tests.
#![allow(clippy::unwrap_used, clippy::format_push_string, clippy::format_collect)]

// The text of this file is that of another one, where the function is public.
#[expect(unreachable_pub)]
mod apps;
mod commands;
mod covered;
mod defaults;
mod flags;
mod guide;
mod kannel;
mod page;
mod programs;
mod readme;
mod runbooks;
mod settings;
mod shown;
mod stack;
mod template;
