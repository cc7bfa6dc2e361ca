//! Conversion of bytes to text and back, in the charsets that gateways name.

use encoding_rs::{Encoder, EncoderResult, Encoding};

use super::gsm7;

/// A charset that this program can read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, big-endian, without a byte order mark. UCS-2 messages carry this.
    Utf16Be,
    /// UTF-16, little-endian, without a byte order mark.
    Utf16Le,
    /// ISO-8859-1: the value of each byte is the number of its character.
    Latin1,
    /// The GSM alphabet, with one byte for each septet.
    Gsm,
    /// Bytes that are not text: Kannel's `8-BIT`.
    Binary,
    /// Another charset that the WHATWG names: `WINDOWS-1252`, `ISO-8859-15`, `KOI8-R` …
    Other(&'static Encoding),
}

/// The fidelity of a decoded text: whether it holds all of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// The text holds all of the bytes: encoding the text again gives the same bytes.
    Exact,
    /// The text does not hold all of the bytes, or is a guess. Keep the bytes, too.
    Lossy,
}

/// The text that bytes stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text. It has U+FFFD where bytes do not form a character.
    pub text: String,
    /// The fidelity of the text. It shows whether the bytes can be dropped.
    pub fidelity: Fidelity,
}

/// The treatment of a character that a charset lacks: the key `encode_errors` of the settings. The values are those of
/// Python's `str.encode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodeErrors {
    /// The character is left out.
    #[default]
    Ignore,
    /// The character `?` is sent in its place.
    Replace,
    /// Nothing of the text is sent.
    Strict,
}

/// A character that a charset lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the charset has no character U+{:04X}", u32::from(*.0))]
pub struct NoSuchCharacter(pub char);

impl Charset {
    /// Returns the charset with this name, as Kannel, Python and IANA write it. Case does not matter.
    ///
    /// ```
    /// use threadless::text::Charset;
    /// assert_eq!(Charset::named("utf_16_be"), Some(Charset::Utf16Be));
    /// assert_eq!(Charset::named("ISO-8859-1"), Some(Charset::Latin1));
    /// assert!(Charset::named("cp1252").is_some() && Charset::named("klingon").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let dashed = name.replace('_', "-");
        Some(match dashed.as_str() {
            "ascii" | "us-ascii" | "646" | "ansi-x3.4-1968" => Self::Ascii,
            "utf-8" | "utf8" | "u8" => Self::Utf8,
            // Plain UTF-16 is big-endian unless something says otherwise (RFC 2781, 4.3).
            "utf-16be" | "utf-16-be" | "utf16be" | "utf-16" | "utf16" | "ucs-2" | "ucs2" | "ucs-2be"
            | "ucs-2-be" | "iso-10646-ucs-2" => Self::Utf16Be,
            "utf-16le" | "utf-16-le" | "utf16le" | "ucs-2le" | "ucs-2-le" => Self::Utf16Le,
            "latin-1" | "latin" | "8859" => Self::Latin1,
            "gsm" | "gsm7" | "gsm-7" | "gsm-03.38" | "gsm0338" | "7-bit" => Self::Gsm,
            "8-bit" | "8bit" | "binary" => Self::Binary,
            _ => {
                let windows = dashed.strip_prefix("cp").map(|page| format!("windows-{page}"));
                let labels = [Some(&name), Some(&dashed), windows.as_ref()];
                labels.into_iter().flatten().find_map(|label| Self::of_whatwg(label))?
            }
        })
    }

    /// Returns the charset with this label in the WHATWG's Encoding Standard, if this program can also write the
    /// charset.
    fn of_whatwg(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        if encoding == encoding_rs::WINDOWS_1252 && !label.ends_with("1252") {
            // The standard reads every label of ISO-8859-1 as windows-1252.
            return Some(Self::Latin1);
        }
        // The standard cannot write some of its charsets, and one is only for browsers.
        let writable = encoding.output_encoding() == encoding && encoding != encoding_rs::X_USER_DEFINED;
        writable.then_some(Self::Other(encoding))
    }

    /// Converts bytes to text.
    pub fn decode(self, bytes: &[u8]) -> Decoded {
        let exact = |text: String| Decoded { text, fidelity: Fidelity::Exact };
        let lossy = |text: String| Decoded { text, fidelity: Fidelity::Lossy };
        // Some charsets have several byte sequences for one text.
        let checked = |text: String| match self.encode(&text, EncodeErrors::Strict) {
            Ok(back) if back == bytes => exact(text),
            _ => lossy(text),
        };
        match self {
            Self::Utf8 | Self::Ascii => match std::str::from_utf8(bytes) {
                Ok(text) if self == Self::Utf8 || bytes.is_ascii() => exact(text.to_owned()),
                _ => lossy(String::from_utf8_lossy(bytes).into_owned()),
            },
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Latin1 => exact(bytes.iter().copied().map(char::from).collect()),
            Self::Binary => lossy(bytes.iter().copied().map(char::from).collect()),
            Self::Gsm => {
                let chars = gsm7::decode(bytes).into_iter();
                checked(chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
            }
            Self::Other(encoding) => checked(encoding.decode_without_bom_handling(bytes).0.into_owned()),
        }
    }

    /// Converts a text to bytes. `errors` says how to treat characters that the charset lacks.
    pub fn encode(self, text: &str, errors: EncodeErrors) -> Result<Vec<u8>, NoSuchCharacter> {
        let mut bytes = Vec::with_capacity(text.len());
        if let Self::Other(encoding) = self {
            let mut encoder = encoding.new_encoder();
            write(text, errors, |c| push_other(&mut encoder, c, &mut bytes))?;
            // Some charsets end with a switch back to ASCII.
            bytes.reserve(LONGEST);
            let _ = encoder.encode_from_utf8_to_vec_without_replacement("", &mut bytes, true);
        } else {
            write(text, errors, |c| self.push(c, &mut bytes))?;
        }
        Ok(bytes)
    }

    /// Writes one character, if the charset has it. It works for every charset except [`Charset::Other`].
    fn push(self, c: char, bytes: &mut Vec<u8>) -> bool {
        match self {
            Self::Utf8 => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Utf16Be => {
                bytes.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
            }
            Self::Utf16Le => {
                bytes.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes()));
            }
            Self::Gsm => match gsm7::encode(c.encode_utf8(&mut [0; 4])) {
                Ok(code) => bytes.extend(code),
                Err(_) => return false,
            },
            Self::Ascii | Self::Latin1 | Self::Binary | Self::Other(_) => match u8::try_from(u32::from(c)) {
                Ok(byte) if self != Self::Ascii || byte.is_ascii() => bytes.push(byte),
                _ => return false,
            },
        }
        true
    }
}

/// Converts bytes whose charset is not named. Kannel's own default is UTF-8. A Kannel without iconv passes on the bytes
/// of the SMSC, which are mostly ISO-8859-1. The result is a guess, so it is useful to keep the bytes.
pub fn guess(bytes: &[u8]) -> Decoded {
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded { text: text.to_owned(), fidelity: Fidelity::Exact },
        Err(_) => Decoded { fidelity: Fidelity::Lossy, ..Charset::Latin1.decode(bytes) },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut fidelity = if odd.is_empty() { Fidelity::Exact } else { Fidelity::Lossy };
    let mut text = String::with_capacity(bytes.len());
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(c.unwrap_or_else(|_| {
            fidelity = Fidelity::Lossy;
            char::REPLACEMENT_CHARACTER
        }));
    }
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text, fidelity }
}

/// Writes a text character by character. `put` returns whether the charset has the character.
fn write(text: &str, errors: EncodeErrors, mut put: impl FnMut(char) -> bool) -> Result<(), NoSuchCharacter> {
    for c in text.chars() {
        if !put(c) {
            match errors {
                EncodeErrors::Ignore => {}
                EncodeErrors::Replace => {
                    put('?');
                }
                EncodeErrors::Strict => return Err(NoSuchCharacter(c)),
            }
        }
    }
    Ok(())
}

/// The largest number of bytes for one character, with a change of mode before and after it.
const LONGEST: usize = 16;

fn push_other(encoder: &mut Encoder, c: char, bytes: &mut Vec<u8>) -> bool {
    // The WHATWG fills the gaps of the Windows code pages with control characters. Python leaves the gaps empty. Kannel
    // does the same, and writes a `?` there, whatever `encode_errors` says.
    if matches!(c, '\u{80}'..='\u{9f}') && encoder.encoding().name().starts_with("windows-") {
        return false;
    }
    bytes.reserve(LONGEST);
    let mut utf8 = [0; 4];
    let (result, _) =
        encoder.encode_from_utf8_to_vec_without_replacement(c.encode_utf8(&mut utf8), bytes, false);
    result == EncoderResult::InputEmpty
}

#[cfg(test)]
mod tests;
