//! The charset of a text as gateways name it: by the name of a charset, or by a coding number.

use crate::text::charset::guess;
use crate::text::{Charset, Decoded, Fidelity};

/// Decodes a text. The named charset decides; without a charset, the coding decides; without both, this function
/// guesses. If Threadless does not know the named charset, the coding decides too, and the text counts as lossy, so that
/// the original bytes are kept.
///
/// The numbers are those of Kannel (1 binary, 2 UCS-2) and those of SMPP (3 ISO-8859-1, 4 binary, 8 UCS-2). SMPP uses
/// 1 for ASCII, which reads the same as binary, and 24 to 27 for UCS-2 with a message class.
pub(super) fn decode(charset: Option<&str>, coding: Option<&str>, payload: &[u8]) -> Decoded {
    if let Some(charset) = charset.and_then(Charset::named) {
        return charset.decode(payload);
    }
    let number = coding.and_then(|coding| coding.trim().parse::<i64>().ok());
    let decoded = match number {
        Some(2 | 8 | 24..=27) => Charset::Utf16Be.decode(payload),
        Some(1 | 4) => Charset::Binary.decode(payload),
        Some(3) => Charset::Latin1.decode(payload),
        None if coding.and_then(Charset::named) == Some(Charset::Utf16Be) => Charset::Utf16Be.decode(payload),
        Some(_) | None => guess(payload),
    };
    if charset.is_some() { Decoded { fidelity: Fidelity::Lossy, ..decoded } } else { decoded }
}
