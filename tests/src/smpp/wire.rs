//! SMPP's basic types on the wire: big-endian integers, octet strings, and C-octet strings that end in NUL.

use thiserror::Error;

/// The reason why bytes are not a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PduError {
    /// The bytes end inside the named field.
    #[error("the PDU ends inside {0}")]
    Short(&'static str),
    /// The named C-octet string is not UTF-8. (SMPP requires ASCII; these tests need no more than UTF-8.)
    #[error("{0} is not text")]
    NotText(&'static str),
    /// `command_length` is less than the header's 16 bytes, over the limit, or not the length of the received bytes.
    #[error("a PDU cannot be {0} bytes long")]
    Length(usize),
    /// A short message is longer than its length byte can express.
    #[error("a short message of {0} bytes does not fit")]
    MessageTooLong(usize),
}

/// A reader of fields, one after another.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn octets(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], PduError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(PduError::Short(field))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, PduError> {
        let (first, rest) = self.rest.split_first().ok_or(PduError::Short(field))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, PduError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(PduError::Short(field))?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, PduError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(PduError::Short(field))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// Reads a string up to its NUL.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, PduError> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(PduError::Short(field))?;
        let bytes = self.octets(end, field)?;
        self.u8(field)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| PduError::NotText(field))
    }

    /// Reads a string up to its NUL, or nothing if the body is already over. Answers with an error end there.
    pub(super) fn text_if_any(&mut self, field: &'static str) -> Result<String, PduError> {
        if self.is_empty() { Ok(String::new()) } else { self.text(field) }
    }
}

/// Writes a C-octet string.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}
