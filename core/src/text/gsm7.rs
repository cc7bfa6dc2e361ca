//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1).

use std::borrow::Cow;

use super::matching::visible;

/// The characters of the default alphabet in the order of their codes. Code 0x1B leads to the extension table and is
/// not a character itself.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table. Each of these characters is sent as 0x1B and its code.
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

/// Returns how many septets a character takes: one; two for the extension table; `None` if the alphabet lacks it.
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

/// Returns whether the alphabet has every character of the text.
pub fn fits(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// Encodes a text in the alphabet, with one byte for each septet. Returns the first character that the alphabet lacks
/// as an error.
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

/// Decodes bytes of the alphabet, one byte for each septet. A byte without a meaning becomes `None`. An escape before a
/// code that the extension table lacks becomes a space, as the standard requires.
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

/// Replaces typographic characters by plain ones: quotes, dashes, dots, spaces, ticks, some capitals. Phones and word
/// processors insert such characters. Leaves out characters that nobody sees, such as a soft hyphen or a joiner, and
/// joins a letter and its separate accent. A text without other Unicode characters then goes out in half the segments.
///
/// Letters of other scripts stay as they are, and so do all characters of the alphabet. Send the folded text only if it
/// [fits]: in other scripts, a joiner can change how a word looks.
///
/// ```
/// use threadless::text::gsm7::fold;
/// assert_eq!(fold("“Don’t” – wait…"), "\"Don't\" - wait...");
/// assert_eq!(fold("cafe\u{301} co\u{ad}op"), "café coop");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains(['`', '\t']) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for c in visible(text).chars() {
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

    /// The characters of the codes 0x00–0x1A and 0x1C–0x7F, four hexadecimal digits each. Perl's `Encode::GSM0338` made
    /// this table: `printf "%04x", ord decode("gsm0338", chr $_) for 0..26, 28..127`.
    const PERL: &str = "004000a3002400a500e800e900f900ec00f200c7000a00d800f8000d00c500e50394005f03a60393039b03a903a003a803a3\
        0398039e00c600e600df00c9002000210022002300a400250026002700280029002a002b002c002d002e002f003000310032\
        0033003400350036003700380039003a003b003c003d003e003f00a1004100420043004400450046004700480049004a004b\
        004c004d004e004f0050005100520053005400550056005700580059005a00c400d600d100dc00a700bf0061006200630064\
        00650066006700680069006a006b006c006d006e006f0070007100720073007400750076007700780079007a00e400f600f1\
        00fc00e0";

    #[test]
    fn the_alphabet_has_its_128_codes_in_their_places() {
        assert_eq!(BASIC.chars().count(), 128);
        let codes = (0..=0x7f).filter(|code| *code != 0x1b);
        for (code, digits) in codes.zip(PERL.as_bytes().as_chunks::<4>().0) {
            let digits = std::str::from_utf8(digits).unwrap();
            let c = char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap();
            assert_eq!((encode(&c.to_string()), septets(c)), (Ok(vec![code]), Some(1)), "{c:?}");
            assert_eq!(decode(&[code]), [Some(c)], "{code:02x}");
        }
        for (c, code) in EXTENSION {
            assert_eq!((encode(&c.to_string()), septets(c)), (Ok(vec![0x1b, code]), Some(2)), "{c:?}");
        }
        let extended = b"\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x65";
        assert_eq!(encode("\u{c}^{}\\[~]|€").as_deref(), Ok(&extended[..]));
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

    #[test]
    fn what_nobody_sees_and_separate_accents_do_not_cost_a_segment() {
        let table = [
            ("pi\u{200c}ng", "ping"),
            ("co\u{ad}op", "coop"),
            ("cafe\u{301}", "café"),
            ("E\u{301}COLE a\u{300} n\u{303}", "ÉCOLE à ñ"),
            ("A\u{30a}ngstro\u{308}m \u{212b}", "Ångström Å"),
            ("e\u{200d}\u{302}tre", "etre"),
            ("c\u{327}a", "Ça"),
            ("\u{2126} \u{387}", "Ω *"),
            ("\u{feff}a\u{200b}b\u{2060}\u{200f}", "ab"),
            ("\u{2068}Abel\u{2069} ✓\u{fe0f}", "Abel ✓"),
            ("50%\u{202f}\u{200e}", "50% "),
        ];
        for (text, folded) in table {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }
}
