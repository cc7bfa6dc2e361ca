//! Bytes to text and back, in the charsets that gateways name.

use encoding_rs::{EncoderResult, Encoding};

use super::gsm7;

/// A charset that this program can read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, big-endian, without a byte order mark: what UCS-2 messages carry.
    Utf16Be,
    /// UTF-16, little-endian, without a byte order mark.
    Utf16Le,
    /// ISO-8859-1: each byte is the character of that number.
    Latin1,
    /// The GSM alphabet, one byte a septet.
    Gsm,
    /// Bytes that are no text: Kannel's `8-BIT`.
    Binary,
    /// One of the others that the WHATWG names: `WINDOWS-1252`, `ISO-8859-15`, `KOI8-R` …
    Other(&'static Encoding),
}

/// How much of the bytes a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// All: encoding it again gives the same bytes.
    Exact,
    /// Not all, or by a guess: keep the bytes too.
    Lossy,
}

/// What bytes stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text. U+FFFD where bytes make no character.
    pub text: String,
    /// Whether the bytes can be forgotten.
    pub fidelity: Fidelity,
}

/// What to do with a character that a charset lacks: the `encode_errors` of the settings, which are the words of
/// Python's `str.encode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodeErrors {
    /// Leave it out.
    #[default]
    Ignore,
    /// Send `?` in its place.
    Replace,
    /// Send nothing of the text.
    Strict,
}

/// A character that a charset lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the charset has no character U+{:04X}", u32::from(*.0))]
pub struct NoSuchCharacter(pub char);

impl Charset {
    /// The charset of this name, in any case, as Kannel, Python and IANA write it.
    ///
    /// ```
    /// use threadless::text::Charset;
    /// assert_eq!(Charset::named("utf_16_be"), Some(Charset::Utf16Be));
    /// assert_eq!(Charset::named("ISO-8859-1"), Some(Charset::Latin1));
    /// assert!(Charset::named("cp1252").is_some() && Charset::named("klingon").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        Some(match name.as_str() {
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "utf-8" | "utf8" | "u8" => Self::Utf8,
            "utf-16be" | "utf-16-be" | "utf16be" | "ucs-2" | "ucs2" | "ucs-2be" | "ucs-2-be"
            | "iso-10646-ucs-2" => Self::Utf16Be,
            "utf-16le" | "utf-16-le" | "utf16le" | "ucs-2le" | "ucs-2-le" => Self::Utf16Le,
            "iso-8859-1" | "iso8859-1" | "latin-1" | "latin1" | "l1" | "8859" => Self::Latin1,
            "gsm" | "gsm7" | "gsm-7" | "gsm-03.38" | "gsm0338" | "7-bit" => Self::Gsm,
            "8-bit" | "8bit" | "binary" => Self::Binary,
            other => {
                let label = other.strip_prefix("cp").map(|page| format!("windows-{page}"));
                let encoding =
                    Encoding::for_label_no_replacement(label.as_deref().unwrap_or(other).as_bytes())?;
                // Its encoder would write UTF-8 instead.
                if encoding == encoding_rs::UTF_16LE {
                    return None;
                }
                Self::Other(encoding)
            }
        })
    }

    /// Reads bytes.
    pub fn decode(self, bytes: &[u8]) -> Decoded {
        let exact = |text: String| Decoded { text, fidelity: Fidelity::Exact };
        let lossy = |text: String| Decoded { text, fidelity: Fidelity::Lossy };
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
                let chars = gsm7::decode(bytes);
                let all = chars.iter().all(Option::is_some);
                let text: String =
                    chars.into_iter().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                let back = all && gsm7::encode(&text).is_ok_and(|back| back == bytes);
                if back { exact(text) } else { lossy(text) }
            }
            Self::Other(encoding) => {
                match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                    Some(text) => exact(text.into_owned()),
                    None => lossy(encoding.decode_without_bom_handling(bytes).0.into_owned()),
                }
            }
        }
    }

    /// Writes a text, with what it lacks dealt with as `errors` says.
    pub fn encode(self, text: &str, errors: EncodeErrors) -> Result<Vec<u8>, NoSuchCharacter> {
        if let Self::Other(encoding) = self {
            return encode_other(encoding, text, errors);
        }
        let mut bytes = Vec::with_capacity(text.len());
        for c in text.chars() {
            if !self.push(c, &mut bytes) {
                match errors {
                    EncodeErrors::Ignore => {}
                    EncodeErrors::Replace => {
                        self.push('?', &mut bytes);
                    }
                    EncodeErrors::Strict => return Err(NoSuchCharacter(c)),
                }
            }
        }
        Ok(bytes)
    }

    /// Writes one character, if the charset has it.
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

/// Reads bytes whose charset nobody named. Kannel's own default is UTF-8, builds without iconv pass on what the
/// SMSC sent, and that is mostly ISO-8859-1: a guess, so the bytes are worth keeping.
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

fn encode_other(
    encoding: &'static Encoding,
    text: &str,
    errors: EncodeErrors,
) -> Result<Vec<u8>, NoSuchCharacter> {
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::with_capacity(text.len() * 4 + 16);
    let mut rest = text;
    loop {
        bytes.reserve(rest.len() * 4 + 16);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return Ok(bytes),
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(c) => match errors {
                EncodeErrors::Ignore => {}
                EncodeErrors::Replace => bytes.push(b'?'),
                EncodeErrors::Strict => return Err(NoSuchCharacter(c)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Charset {
        Charset::named(name).unwrap()
    }

    #[test]
    fn bytes_are_read_as_their_charset_says() {
        use Fidelity::{Exact, Lossy};
        let table: [(&str, &[u8], &str, Fidelity); 16] = [
            ("UTF-8", "é£€".as_bytes(), "é£€", Exact),
            ("UTF-8", b"caf\xe9", "caf\u{fffd}", Lossy),
            ("UTF-16BE", b"\x12\x30\x12\x0b\x12\x1d", "ሰላም", Exact),
            ("UTF-16BE", b"\xd8\x3d\xde\x42", "🙂", Exact),
            ("UTF-16BE", b"\xff\xff\x00\x00", "\u{ffff}\0", Exact),
            ("UTF-16BE", b"\x12\x30\x12", "ሰ\u{fffd}", Lossy),
            ("UTF-16BE", b"\xd8\x3d\x00a", "\u{fffd}a", Lossy),
            ("UTF-16BE", b"\xfe\xff\x00a", "\u{feff}a", Exact),
            ("ISO-8859-1", b"caf\xe9\x80", "café\u{80}", Exact),
            ("WINDOWS-1252", b"\x80 \x93x\x94", "€ “x”", Exact),
            ("windows-1256", b"\xd3\xe1\xc7\xe3", "سلام", Exact),
            ("8-BIT", b"\x00\xff", "\0ÿ", Lossy),
            ("GSM", b"\x00\x1b\x65\x7f", "@€à", Exact),
            ("GSM", b"a\x80\x1b", "a\u{fffd}\u{fffd}", Lossy),
            ("ascii", b"abc", "abc", Exact),
            ("ascii", b"\xe9", "\u{fffd}", Lossy),
        ];
        for (charset, bytes, text, fidelity) in table {
            let decoded = Decoded { text: text.to_owned(), fidelity };
            assert_eq!(named(charset).decode(bytes), decoded, "{charset} {bytes:?}");
        }
    }

    #[test]
    fn a_charset_that_nobody_named_is_guessed() {
        assert_eq!(guess("é".as_bytes()), Decoded { text: "é".into(), fidelity: Fidelity::Exact });
        assert_eq!(guess(b"caf\xe9"), Decoded { text: "café".into(), fidelity: Fidelity::Lossy });
    }

    /// What `"aé€ሰ🙂".encode(charset, errors)` gives in Python 3.
    #[test]
    fn texts_are_written_as_python_writes_them() {
        let table: [(&str, &[u8], &[u8]); 6] = [
            ("ascii", b"a", b"a????"),
            ("latin-1", b"a\xe9", b"a\xe9???"),
            ("cp1252", b"a\xe9\x80", b"a\xe9\x80??"),
            ("koi8-r", b"a", b"a????"),
            (
                "utf-8",
                b"a\xc3\xa9\xe2\x82\xac\xe1\x88\xb0\xf0\x9f\x99\x82",
                b"a\xc3\xa9\xe2\x82\xac\xe1\x88\xb0\xf0\x9f\x99\x82",
            ),
            ("utf-16-be", b"\x00a\x00\xe9 \xac\x120\xd8=\xdeB", b"\x00a\x00\xe9 \xac\x120\xd8=\xdeB"),
        ];
        for (charset, ignored, replaced) in table {
            let encode = |errors| named(charset).encode("aé€ሰ🙂", errors);
            assert_eq!(encode(EncodeErrors::Ignore).as_deref(), Ok(ignored), "{charset}");
            assert_eq!(encode(EncodeErrors::Replace).as_deref(), Ok(replaced), "{charset}");
            assert_eq!(encode(EncodeErrors::Strict).is_ok(), charset.starts_with("utf"), "{charset}");
        }
        assert_eq!(Charset::Ascii.encode("aé", EncodeErrors::Strict), Err(NoSuchCharacter('é')));
    }
}
