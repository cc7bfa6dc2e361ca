//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1).

use std::borrow::Cow;

/// The default alphabet by code. Code 0x1B leads to the extension table and is no character of its own.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each is sent as 0x1B and its code.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

const ESCAPE: char = '\u{1b}';

/// How many septets a character takes: one, two for the extension table, `None` where the alphabet lacks it.
///
/// ```
/// use threadless::text::gsm7::septets;
/// assert_eq!([septets('@'), septets('€'), septets('ሰ')], [Some(1), Some(2), None]);
/// ```
pub fn septets(c: char) -> Option<usize> {
    if c != ESCAPE && BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.iter().any(|(known, _)| *known == c) {
        Some(2)
    } else {
        None
    }
}

/// Whether the whole text can be sent in the alphabet.
pub fn fits(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// The text in the alphabet, one byte a septet; the first character that it lacks as an error.
pub fn encode(text: &str) -> Result<Vec<u8>, char> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match code(c) {
            Some((escaped, code)) => {
                if escaped {
                    bytes.push(0x1b);
                }
                bytes.push(code);
            }
            None => return Err(c),
        }
    }
    Ok(bytes)
}

fn code(c: char) -> Option<(bool, u8)> {
    if let Some((_, code)) = EXTENSION.iter().find(|(known, _)| *known == c) {
        return Some((true, *code));
    }
    let at = BASIC.chars().position(|known| known == c && c != ESCAPE)?;
    u8::try_from(at).ok().map(|code| (false, code))
}

/// The text that bytes of the alphabet, one a septet, stand for; `None` in the place of one that has no meaning. An
/// escape before a code that the extension table lacks is a space, as the clause asks for.
pub fn decode(bytes: &[u8]) -> Vec<Option<char>> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        text.push(match byte {
            0x1b => match rest.next() {
                Some(code) => {
                    let known = EXTENSION.iter().find(|(_, known)| *known == code);
                    Some(known.map_or(' ', |(c, _)| *c))
                }
                None => None,
            },
            code => BASIC.chars().nth(usize::from(code)),
        });
    }
    text
}

/// Replaces characters that phones and word processors put in the place of plain ones, so that a text that only
/// looks like Unicode goes out in half the segments: quotes, dashes, dots, spaces, ticks, some capitals.
///
/// Letters of other scripts are not touched, nor is anything that the alphabet has.
///
/// ```
/// use threadless::text::gsm7::fold;
/// assert_eq!(fold("“Don’t” – wait…"), "\"Don't\" - wait...");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| plain(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match plain(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    Cow::Owned(folded)
}

fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '…' => "...",
        '•' | '·' => "*",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' => " ",
        '\u{200b}' | '\u{feff}' => "",
        'ç' => "Ç",
        'á' | 'â' | 'ã' => "a",
        'À' | 'Á' | 'Â' | 'Ã' => "A",
        'ê' | 'ë' => "e",
        'È' | 'Ê' | 'Ë' => "E",
        'í' | 'î' | 'ï' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'ó' | 'ô' | 'õ' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' => "O",
        'ú' | 'û' => "u",
        'Ù' | 'Ú' | 'Û' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of some characters all over the table, from the tables in the clause.
    const KNOWN: [(char, u8); 12] = [
        ('@', 0x00),
        ('\n', 0x0a),
        ('\r', 0x0d),
        ('Δ', 0x10),
        ('_', 0x11),
        ('Ξ', 0x1a),
        ('Æ', 0x1c),
        ('¤', 0x24),
        ('¡', 0x40),
        ('§', 0x5f),
        ('¿', 0x60),
        ('à', 0x7f),
    ];

    #[test]
    fn the_alphabet_has_its_128_codes_in_their_places() {
        assert_eq!(BASIC.chars().count(), 128);
        for (c, code) in KNOWN {
            assert_eq!(encode(&c.to_string()), Ok(vec![code]), "{c:?}");
        }
        assert_eq!(encode("€"), Ok(vec![0x1b, 0x65]));
        assert_eq!(encode("aሰ"), Err('ሰ'));
        assert_eq!(septets(ESCAPE), None);
    }

    #[test]
    fn every_character_comes_back() {
        let all: String = BASIC.chars().filter(|c| *c != ESCAPE).chain(EXTENSION.map(|(c, _)| c)).collect();
        assert_eq!(all.chars().count(), 137);
        let back: Option<String> = decode(&encode(&all).unwrap()).into_iter().collect();
        assert_eq!(back, Some(all));
        assert_eq!(decode(&[0x80, 0x1b]), [None, None]);
        assert_eq!(decode(&[0x1b, 0x01]), [Some(' ')]);
    }

    #[test]
    fn folding_gives_only_what_the_alphabet_has_and_leaves_that_alone() {
        let all: String = BASIC.chars().filter(|c| *c != ESCAPE).chain(EXTENSION.map(|(c, _)| c)).collect();
        assert_eq!(fold(&all), all);
        for c in '\0'..='\u{ffff}' {
            if let Some(plain) = plain(c) {
                assert!(fits(plain) && !fits(&c.to_string()), "{c:?}");
            }
        }
        assert_eq!(fold("ሰላም"), "ሰላም");
    }
}
