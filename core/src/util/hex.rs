//! Conversion of bytes to hexadecimal text and back.

/// Returns bytes as lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the bytes of a hexadecimal text in either case; `None` if the text is not hexadecimal.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Optional bytes as hexadecimal text in JSON, because SQS refuses some characters.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    // serde requires this signature.
    #[allow(clippy::ref_option)]
    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, out: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => out.serialize_str(&super::hex(bytes)),
            None => out.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        text.map(|text| super::unhex(&text).ok_or_else(|| D::Error::custom("not hexadecimal"))).transpose()
    }
}
