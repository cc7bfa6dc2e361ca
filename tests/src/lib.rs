//! What the proofs across packages share: a real Kannel, the operator behind it, and HTTP servers with scripted
//! answers.

pub mod gsm7;
pub mod http;
pub mod kannel;
pub mod ministack;
pub mod ports;
pub mod recorder;
pub mod smpp;
