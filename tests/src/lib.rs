//! Shared tools of the tests across packages: a real Kannel, the operator behind it, HTTP servers with scripted
//! answers, and access to the local stack.

pub mod apps;
pub mod aws;
pub mod dynamodb;
pub mod environment_process;
pub mod forward;
mod frozen;
pub mod gsm7;
pub mod http;
pub mod kannel;
pub mod ministack;
pub mod names;
pub mod ports;
pub mod proxy;
pub mod recorder;
pub mod services;
pub mod smpp;
pub mod stack;
pub mod stack_process;
pub mod tls;
pub mod tools;
