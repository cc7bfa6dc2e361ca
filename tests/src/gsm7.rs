//! The GSM 7-bit default alphabet (3GPP TS 23.038, clause 6.2.1), one septet in a byte, as SMPP carries it.
//!
//! It is written independently of the router's own codec, because the tests compare the two.

/// The septet that leads to the extension table.
const ESCAPE: u8 = 0x1B;

/// The character of each septet. The place of the escape holds U+001B.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1B}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Returns every character of the alphabet and its extension table, 137 characters.
pub fn every_character() -> String {
    let basic = BASIC.chars().filter(|character| *character != char::from(ESCAPE));
    basic.chain(EXTENSION.iter().map(|(_, character)| *character)).collect()
}

/// Returns the septets of one character: one, or two with the escape. Returns `None` if the alphabet lacks the
/// character.
pub fn septets(character: char) -> Option<Vec<u8>> {
    if let Some((septet, _)) = EXTENSION.iter().find(|(_, extended)| *extended == character) {
        return Some(vec![ESCAPE, *septet]);
    }
    let place = BASIC.chars().position(|basic| basic == character)?;
    u8::try_from(place).ok().filter(|septet| *septet != ESCAPE).map(|septet| vec![septet])
}

/// Returns the septets of a text, or `None` if the alphabet lacks one of its characters.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    text.chars().map(septets).collect::<Option<Vec<_>>>().map(|all| all.concat())
}

/// Returns the text of septets. Returns `None` for a byte over 127, or for an escape before a septet that the extension
/// table lacks.
pub fn decode(septets: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = septets.iter().copied();
    while let Some(septet) = rest.next() {
        text.push(if septet == ESCAPE {
            let extended = rest.next()?;
            EXTENSION.iter().find(|(place, _)| *place == extended).map(|(_, character)| *character)?
        } else {
            BASIC.chars().nth(septet.into())?
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let every = every_character();
        assert_eq!(every.chars().count(), 137);
        assert_eq!(decode(&encode(&every).unwrap()).unwrap(), every);
    }

    #[test]
    fn the_table_has_its_characters_in_their_places() {
        for (text, septets) in [
            ("@", &[0x00][..]),
            ("\n", &[0x0A]),
            ("\r", &[0x0D]),
            ("Ξ", &[0x1A]),
            ("É", &[0x1F]),
            ("A", &[0x41]),
            ("z", &[0x7A]),
            ("à", &[0x7F]),
            ("€{", &[0x1B, 0x65, 0x1B, 0x28]),
        ] {
            assert_eq!(encode(text).as_deref(), Some(septets), "{text:?}");
        }
    }

    #[test]
    fn what_the_alphabet_lacks_is_none() {
        assert_eq!(encode("ሰላም"), None);
        assert_eq!(encode("\0"), None);
        assert_eq!(encode("\u{1B}"), None);
        assert_eq!(decode(&[0x80]), None);
        assert_eq!(decode(&[ESCAPE]), None);
        assert_eq!(decode(&[ESCAPE, 0x41]), None);
    }
}
