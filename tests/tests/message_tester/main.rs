//! The message tester in a real Chromium.

mod browser;
mod conversation;
mod keyboard;
mod login;
mod looks;
mod many;
mod segments;
