//! The behaviour of Kannel on which the project relies, measured on a real one, and the harness that starts it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod inbound;
mod outbound;
mod processes;
mod receipts;
mod trouble;

use std::time::Duration;

use tests::kannel::{Kannel, KannelOptions};
use tests::recorder::Recorder;

/// The time limit of steps that take milliseconds on an idle machine.
const LIMIT: Duration = Duration::from_mins(1);

/// The short code of all tests.
const CODE: &str = "1234";
/// A phone.
const PHONE: &str = "1112223333";

/// Starts a Kannel with changed options, and the endpoint that it calls.
async fn kannel_with(change: impl FnOnce(&mut KannelOptions)) -> (Kannel, Recorder) {
    let endpoint = Recorder::start().await.unwrap();
    let mut options = KannelOptions::new(&endpoint.url("/backend/kannel/"));
    change(&mut options);
    let kannel = Kannel::start(options).await.unwrap();
    (kannel, endpoint)
}

/// Starts a Kannel and the endpoint that it calls.
async fn kannel() -> (Kannel, Recorder) {
    kannel_with(|_| {}).await
}

/// Returns hex as `%e` writes it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// Returns UTF-16BE, which Kannel uses for every text that is not GSM-7.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
