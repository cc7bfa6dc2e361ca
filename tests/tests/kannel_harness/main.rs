//! What the project relies on in Kannel, measured on a real one, and the harness that starts it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod inbound;
mod outbound;
mod processes;
mod receipts;
mod trouble;

use std::time::Duration;

use tests::kannel::{Kannel, KannelOptions};
use tests::recorder::Recorder;

/// For what takes milliseconds on an idle machine.
const LIMIT: Duration = Duration::from_mins(1);

/// The short code of all tests.
const CODE: &str = "1234";
/// A phone.
const PHONE: &str = "1112223333";

/// A Kannel and the endpoint that it calls, with the options changed.
async fn kannel_with(change: impl FnOnce(&mut KannelOptions)) -> (Kannel, Recorder) {
    let endpoint = Recorder::start().await.unwrap();
    let mut options = KannelOptions::new(&endpoint.url("/backend/kannel/"));
    change(&mut options);
    let kannel = Kannel::start(options).await.unwrap();
    (kannel, endpoint)
}

/// A Kannel and the endpoint that it calls.
async fn kannel() -> (Kannel, Recorder) {
    kannel_with(|_| {}).await
}

/// Hex as `%e` writes it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// UTF-16BE, as Kannel has everything that is not GSM-7.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
