//! A message as a phone sends it: text in GSM-7 or UCS-2, in parts if it is long.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::gsm7;

/// The coding of a message's bytes: the data coding schemes (3GPP TS 23.038, clause 4) that Kannel distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The GSM 7-bit default alphabet, one septet in a byte.
    Gsm7,
    /// ISO-8859-1, which SMPP defines and phones do not use.
    Latin1,
    /// 8-bit data.
    Binary,
    /// UTF-16 in big-endian order.
    Ucs2,
    /// Another scheme, with its byte on the wire.
    Other(u8),
}

impl Coding {
    /// Returns the byte on the wire.
    pub fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7 => 0,
            Self::Latin1 => 3,
            Self::Binary => 4,
            Self::Ucs2 => 8,
            Self::Other(byte) => byte,
        }
    }

    /// Returns the scheme of a byte on the wire. Ignores message classes and the like.
    pub fn of(data_coding: u8) -> Self {
        match data_coding {
            3 => Self::Latin1,
            0x00..=0x3F if data_coding & 0x0C == 0 => Self::Gsm7,
            0x00..=0x3F if data_coding & 0x0C == 4 => Self::Binary,
            0x00..=0x3F if data_coding & 0x0C == 8 => Self::Ucs2,
            0xF0..=0xFF if data_coding & 4 == 0 => Self::Gsm7,
            0xF0..=0xFF => Self::Binary,
            other => Self::Other(other),
        }
    }
}

/// One mobile-originated message, or one part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mo {
    /// The phone's number.
    pub from: String,
    /// The short code.
    pub to: String,
    /// The coding of the bytes.
    pub coding: Coding,
    /// The user data header with its length byte. Empty if there is none.
    pub udh: Vec<u8>,
    /// The text: at most 140 bytes, or 160 septets, including the header. (Not checked: a test may break this limit.)
    pub bytes: Vec<u8>,
}

impl Mo {
    /// Makes a message of these bytes, unchanged.
    pub fn new(from: &str, to: &str, coding: Coding, bytes: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), to: to.into(), coding, udh: Vec::new(), bytes: bytes.into() }
    }

    /// Makes the messages of a text, in the coding and the number of parts that a phone would choose. The coding is
    /// GSM-7 if its alphabet has every character, otherwise UCS-2. No escape pair and no surrogate pair is split.
    pub fn text(from: &str, to: &str, text: &str) -> Vec<Self> {
        let (coding, characters, whole, part) = match text.chars().map(gsm7::septets).collect() {
            Some(characters) => (Coding::Gsm7, characters, 160, 153),
            None => (Coding::Ucs2, text.chars().map(utf16).collect::<Vec<_>>(), 140, 134),
        };
        if characters.iter().map(Vec::len).sum::<usize>() <= whole {
            return vec![Self::new(from, to, coding, characters.concat())];
        }
        let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
        for character in characters {
            match parts.last_mut() {
                Some(last) if last.len() + character.len() <= part => last.extend(character),
                _ => parts.push(character),
            }
        }
        let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        let reference = next_reference();
        (1..=total)
            .zip(parts)
            .map(|(sequence, bytes)| {
                let udh = vec![5, 0, 3, reference, total, sequence];
                Self { udh, ..Self::new(from, to, coding, bytes) }
            })
            .collect()
    }
}

fn utf16(character: char) -> Vec<u8> {
    character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

fn next_reference() -> u8 {
    static REFERENCE: AtomicU8 = AtomicU8::new(0);
    REFERENCE.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> Vec<usize> {
        Mo::text("1", "2", text).iter().map(|part| part.bytes.len()).collect()
    }

    #[test]
    fn a_phone_splits_where_no_character_is_taken_apart() {
        for (text, expected) in [
            (String::new(), vec![0]),
            ("x".repeat(160), vec![160]),
            ("x".repeat(161), vec![153, 8]),
            ("€".repeat(80), vec![160]),
            ("€".repeat(81), vec![152, 10]),
            ("ሰ".repeat(70), vec![140]),
            ("ሰ".repeat(71), vec![134, 8]),
            ("😀".repeat(35), vec![140]),
            ("😀".repeat(36), vec![132, 12]),
        ] {
            assert_eq!(lengths(&text), expected, "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_text_have_one_reference() {
        let parts = Mo::text("1", "2", &"x".repeat(400));
        let references: Vec<_> = parts.iter().map(|part| part.udh[3]).collect();
        assert_eq!(
            parts.iter().map(|part| (part.udh[4], part.udh[5])).collect::<Vec<_>>(),
            [(3, 1), (3, 2), (3, 3)]
        );
        assert!(references.iter().all(|reference| *reference == references[0]));
    }

    #[test]
    fn the_coding_shows_in_the_scheme() {
        for coding in [Coding::Gsm7, Coding::Latin1, Coding::Binary, Coding::Ucs2, Coding::Other(0x80)] {
            assert_eq!(Coding::of(coding.data_coding()), coding);
        }
        assert_eq!(Coding::of(0x18), Coding::Ucs2); // with a message class
        assert_eq!(Coding::of(0xF1), Coding::Gsm7);
        assert_eq!(Coding::of(0xF5), Coding::Binary);
    }
}
