//! Messages as a phone shows them: the parts are joined, and the bytes are read as text.

use anyhow::{Context, Result, bail, ensure};

use super::mo::Coding;
use super::mt::{Mt, Place};
use crate::gsm7;

/// A whole message as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The short code.
    pub from: String,
    /// The phone's number.
    pub to: String,
    /// The text.
    pub text: String,
    /// The number of parts.
    pub parts: usize,
}

/// Returns the text of one message from all its parts, in any order.
///
/// # Errors
/// A part is missing, double or of another message, or the bytes are not valid in their coding.
pub fn reassemble(parts: &[Mt]) -> Result<String> {
    let first = parts.first().context("no parts")?;
    let mut sorted: Vec<&Mt> = parts.iter().collect();
    if let Some(Place { reference, total, .. }) = first.place() {
        sorted.sort_by_key(|part| part.place());
        let places: Vec<_> = sorted.iter().map(|part| part.place()).collect();
        let expected: Vec<_> =
            (1..=total).map(|sequence| Some(Place { reference, total, sequence })).collect();
        ensure!(places == expected, "not the parts of one message: {places:?}");
    } else {
        ensure!(parts.len() == 1, "{} messages, not one", parts.len());
    }
    ensure!(sorted.iter().all(|part| part.coding == first.coding), "parts in several codings");
    // Join the bytes first and decode then, because Kannel splits surrogate pairs.
    let bytes: Vec<u8> = sorted.iter().flat_map(|part| part.bytes.iter().copied()).collect();
    text(first.coding, &bytes).with_context(|| format!("no {:?} text: {bytes:02X?}", first.coding))
}

fn text(coding: Coding, bytes: &[u8]) -> Option<String> {
    match coding {
        Coding::Gsm7 => gsm7::decode(bytes),
        Coding::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
        Coding::Ucs2 => {
            let (units, rest) = bytes.as_chunks();
            let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
            if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
        }
        Coding::Binary | Coding::Other(_) => None,
    }
}

/// Returns all messages that an operator received, in the order of their first parts.
///
/// # Errors
/// A message is not complete, or is not text.
pub fn messages(mts: &[Mt]) -> Result<Vec<Message>> {
    let mut groups: Vec<Vec<Mt>> = Vec::new();
    for mt in mts {
        match groups.iter_mut().rev().find(|group| belongs(mt, group)) {
            Some(group) => group.push(mt.clone()),
            None => groups.push(vec![mt.clone()]),
        }
    }
    let mut whole = Vec::new();
    for group in groups {
        let text = reassemble(&group)?;
        let parts = group.len();
        let Some(Mt { from, to, .. }) = group.into_iter().next() else { bail!("an empty group") };
        whole.push(Message { from, to, text, parts });
    }
    Ok(whole)
}

/// Returns whether the group still lacks this part. Reference numbers repeat, so a full group takes no further part.
fn belongs(mt: &Mt, group: &[Mt]) -> bool {
    let key = |part: &Mt| part.place().map(|place| (place.reference, place.total));
    mt.place().is_some_and(|place| {
        group.len() < usize::from(place.total)
            && group.iter().all(|part| {
                key(part) == key(mt)
                    && part.from == mt.from
                    && part.to == mt.to
                    && part.place() != Some(place)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kannel::Mo;
    use crate::smpp::{Address, EsmClass, ShortMessage};

    fn received(mo: &Mo) -> Mt {
        let esm_class = if mo.udh.is_empty() { EsmClass::PLAIN } else { EsmClass::WITH_HEADER };
        let message = ShortMessage {
            source: Address::plain(&mo.from),
            destination: Address::plain(&mo.to),
            esm_class,
            registered_delivery: 0,
            data_coding: mo.coding.data_coding(),
            bytes: [mo.udh.clone(), mo.bytes.clone()].concat(),
        };
        Mt::new(message, "A", "1".into())
    }

    fn parts(text: &str) -> Vec<Mt> {
        Mo::text("1", "2", text).iter().map(received).collect()
    }

    #[test]
    fn a_text_comes_back_from_its_parts_in_any_order() {
        let long = "€x".repeat(200);
        for text in ["", "hello", "ሰላም 👩‍👩‍👧 \u{FFFF}\0", &long, &"😀ሰ".repeat(100)] {
            let mut mts = parts(text);
            assert_eq!(reassemble(&mts).unwrap(), text);
            mts.reverse();
            assert_eq!(reassemble(&mts).unwrap(), text);
        }
    }

    #[test]
    fn a_surrogate_pair_in_two_parts_is_one_character() {
        let part = |sequence, bytes: &[u8]| {
            received(&Mo { udh: vec![5, 0, 3, 1, 2, sequence], ..Mo::new("1", "2", Coding::Ucs2, bytes) })
        };
        let mts = [part(1, &[0xD8, 0x3D]), part(2, &[0xDE, 0x00])];
        assert_eq!(reassemble(&mts).unwrap(), "😀");
    }

    #[test]
    fn a_sixteen_bit_reference_counts_like_an_eight_bit_one() {
        let part = |sequence, text: &str| {
            let udh = vec![6, 8, 4, 0x12, 0x34, 2, sequence];
            received(&Mo { udh, ..Mo::new("1", "2", Coding::Gsm7, text) })
        };
        assert_eq!(reassemble(&[part(2, "b"), part(1, "a")]).unwrap(), "ab");
    }

    #[test]
    fn missing_double_and_foreign_parts_are_errors() {
        let long = parts(&"x".repeat(400));
        assert!(reassemble(&[]).is_err());
        assert!(reassemble(&long[..2]).is_err());
        assert!(reassemble(&[&long[..], &long[..1]].concat()).is_err());
        assert!(reassemble(&[&long[..2], &parts(&"x".repeat(400))[2..]].concat()).is_err());
        assert!(reassemble(&[parts("a"), parts("b")].concat()).is_err());
        assert!(messages(&long[..2]).is_err());
    }

    #[test]
    fn messages_stand_in_the_order_of_their_first_parts() {
        let (long, short) = (parts(&"x".repeat(200)), parts("short"));
        let mts = [&long[..1], &short, &long[1..], &long].concat();
        let texts: Vec<_> = messages(&mts).unwrap().into_iter().map(|message| message.text.len()).collect();
        assert_eq!(texts, [200, 5, 200]);
    }
}
