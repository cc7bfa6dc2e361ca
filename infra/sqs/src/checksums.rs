//! The MD5 sums with which SDKs check the messages that they sent and received.
//!
//! Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes".

use md5::{Digest, Md5};

use super::message::MessageAttributes;

pub(super) fn of_body(body: &str) -> String {
    format!("{:x}", Md5::digest(body))
}

/// Returns the MD5 sum of the attributes, or `None` if there are no attributes.
pub(super) fn of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sum = Md5::new();
    for (name, attribute) in attributes {
        // The type byte is 1 for texts and numbers, and 2 for bytes.
        let kind = if attribute.binary_value.is_some() { 2 } else { 1 };
        add(&mut sum, name.as_bytes());
        add(&mut sum, attribute.data_type.as_bytes());
        sum.update([kind]);
        add(&mut sum, &attribute.bytes().unwrap_or_default());
    }
    Some(format!("{:x}", sum.finalize()))
}

/// Adds the length of the bytes, and then the bytes.
fn add(sum: &mut Md5, bytes: &[u8]) {
    sum.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    sum.update(bytes);
}
