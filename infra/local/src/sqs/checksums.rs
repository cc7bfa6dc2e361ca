//! The MD5 sums that SDKs check what they sent and received against.
//!
//! Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes".

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// One message attribute, as the protocol has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageAttribute {
    pub(super) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

pub(super) fn of_body(body: &str) -> String {
    format!("{:x}", Md5::digest(body))
}

/// `None` where there are no attributes.
pub(super) fn of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sum = Md5::new();
    for (name, attribute) in attributes {
        let (kind, value) = value(attribute);
        add(&mut sum, name.as_bytes());
        add(&mut sum, attribute.data_type.as_bytes());
        sum.update([kind]);
        add(&mut sum, &value);
    }
    Some(format!("{:x}", sum.finalize()))
}

/// Bytes led by their length.
fn add(sum: &mut Md5, bytes: &[u8]) {
    sum.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    sum.update(bytes);
}

/// 1 for texts and numbers, 2 for bytes; and the value.
fn value(attribute: &MessageAttribute) -> (u8, Vec<u8>) {
    match &attribute.binary_value {
        Some(base64) => (2, BASE64_STANDARD.decode(base64).unwrap_or_default()),
        None => (1, attribute.string_value.clone().unwrap_or_default().into_bytes()),
    }
}
