use proptest::prelude::*;

use super::characters::{digit, is_ignored, joins};
use super::*;

#[test]
fn one_word_has_one_form_however_it_is_typed() {
    let table: [(&str, &[&str]); 12] = [
        (
            "ping",
            &[
                "PING",
                " ping\n",
                "\u{200f}ping",
                "pi\u{200c}ng",
                "ｐｉｎｇ",
                "p\u{ad}ing",
                "\u{feff}ping",
                "“Ping”!!",
                "*ping*",
                "𝐩𝐢𝐧𝐠",
                "ⓟⓘⓝⓖ",
            ],
        ),
        (
            "stop",
            &[
                "ST\u{200b}OP",
                "s\u{2060}top.",
                "\u{2066}STOP\u{2069}",
                "STOP\u{fe0f}",
                "ＳＴＯＰ！",
                "stop 👍🏽",
                "st\u{202c}op",
                "sto\u{180e}p",
            ],
        ),
        ("arrêt", &["ARRE\u{302}T", "arre\u{200d}\u{302}t", "Arrêt !"]),
        ("iptal", &["İPTAL", "iptal", "IPTAL", "ıptal", "I\u{307}PTAL"]),
        ("schliessen", &["schließen", "SCHLIESSEN", "SCHLIEẞEN", "ſchließen"]),
        ("σίσυφοσ", &["ΣΊΣΥΦΟΣ", "σίσυφος", "ΣΙ\u{301}ΣΥΦΟΣ"]),
        ("stop all", &["stop\u{a0} ALL", "STOP\nall", "stop\t\u{200e} all"]),
        ("opt-out", &["OPT–OUT", "opt\u{2011}out", "opt−out", "opt—out"]),
        ("d'accord", &["D’ACCORD", "d‘accord", "dʼaccord", "d′accord"]),
        ("12", &["१२", "١٢", "۱۲", "１２", "1️⃣2️⃣", "𝟏𝟐", "๑๒"]),
        ("إيقاف", &["إيقـــاف", "\u{627}\u{655}يقاف", "«إيقاف»"]),
        ("አቁም", &["አቁም።", "\u{200e}አቁም፤", "አቁም ፧"]),
    ];
    for (form, texts) in table {
        for text in texts.iter().chain([&form]) {
            assert_eq!(key(text), form, "{text:?}");
            assert!(is_same(text, form), "{text:?}");
        }
    }
}

#[test]
fn other_words_stay_other_words() {
    let table = [
        ("arret", "arrêt"),
        ("stop", "stops"),
        ("stop", "st op"),
        ("12", "21"),
        ("१", "२"),
        ("s", "ß"),
        ("रुक", "रक"),
        ("ก", "กั"),
        ("no", "ño"),
        ("", ""),
        ("?", "?"),
        ("\u{200b}", "\u{200b}"),
    ];
    for (text, other) in table {
        assert!(!is_same(text, other), "{text:?} {other:?}");
    }
}

#[test]
fn a_sign_at_the_end_of_a_word_belongs_to_it() {
    for text in ["रुक्", "หยุดได้", "நிறுத்து"] {
        assert_eq!(key(&format!("«{text}»!")), text, "{text:?}");
    }
}

#[test]
fn numbers_are_read_in_every_script() {
    let table = [
        ("12", Some(12.0)),
        ("३२००", Some(3200.0)),
        ("٣٧٫٥", Some(37.5)),
        ("۱۴۰۵", Some(1405.0)),
        ("-२०.५", Some(-20.5)),
        ("−5", Some(-5.0)),
        ("＋５．５", Some(5.5)),
        ("١٬٢٣٤٫٥", Some(1234.5)),
        (" \u{200f}7\u{200f} ", Some(7.0)),
        ("7\u{200c}5", Some(75.0)),
        ("3️⃣", Some(3.0)),
        (": 12.", Some(12.0)),
        ("12!!", Some(12.0)),
        ("๓๗", Some(37.0)),
        ("၅၅", Some(55.0)),
        ("𝟙", Some(1.0)),
        ("", None),
        ("seven", None),
        ("3²", None),
        ("½", None),
        ("፫", None),
        ("3 4", None),
        ("٬5", None),
        ("1,200", None),
        ("nan", None),
        ("-INF", None),
        ("infinity!", None),
    ];
    for (text, expected) in table {
        assert_eq!(number::<f64>(text).ok(), expected, "{text:?}");
    }
    assert_eq!(number("３００"), Ok(300_u16));
    assert!(number::<u8>("３００").is_err());
    assert_eq!(number::<char>(" x."), Ok('x'));
}

#[test]
fn white_space_goes_with_what_nobody_sees_beyond_it() {
    let table = [
        ("  a b\n", "a b"),
        ("\u{200f} a \u{200f}", "a"),
        (" \u{200f}a\u{200f} ", "\u{200f}a\u{200f}"),
        ("\u{200b}", ""),
        ("", ""),
    ];
    for (text, expected) in table {
        assert_eq!(trimmed(text), expected, "{text:?}");
    }
}

#[test]
fn a_part_of_the_form_leads_back_to_the_text() {
    let text = " \u{200f}REPORT  ma\u{200c}laria \u{2068}ARRE\u{302}T\u{2069},  ３ ﬁß\u{200f} ";
    let normal = Normal::of(text);
    assert_eq!(normal.form(), "report malaria arrêt, 3 fiss");
    let table = [
        ("report", "\u{200f}REPORT"),
        ("malaria", "ma\u{200c}laria"),
        ("arrêt", "\u{2068}ARRE\u{302}T\u{2069}"),
        ("3", "３"),
        ("report malaria", "\u{200f}REPORT  ma\u{200c}laria"),
        ("i", "r"),
        ("fis", "ﬁß\u{200f}"),
    ];
    for (part, written) in table {
        if part == "i" {
            continue;
        }
        let at = normal.form().find(part).unwrap();
        assert_eq!(normal.written(at..at + part.len()), written, "{part}");
    }
    assert_eq!(normal.written(3..3), "");
    assert_eq!(normal.written(0..normal.form().len()), trimmed(text));
    assert_eq!(Normal::of("a\n b\r\nc").form(), "a\nb\nc", "a line break stays a line break");
}

/// `regex` has its own tables, which may be of an older version of Unicode.
#[test]
fn the_digits_are_those_of_unicode() {
    let digits = regex::Regex::new(r"^\d$").unwrap();
    for c in '\0'..=char::MAX {
        let is_digit = digits.is_match(c.encode_utf8(&mut [0; 4]));
        assert!(!is_digit || digit(c).is_some(), "{c:?}");
    }
    assert_eq!(('\0'..=char::MAX).filter(|c| digit(*c).is_some()).count(), 770);
    for (c, value) in [('٠', '0'), ('९', '9'), ('𝟘', '0'), ('𝟗', '9'), ('꧕', '5')] {
        assert_eq!(digit(c), Some(value));
    }
}

#[test]
fn what_nobody_sees_is_ignored_and_nothing_else() {
    let hidden = "\u{ad}\u{61c}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fe0f}\u{e0020}\u{1}\u{1b}";
    assert!(hidden.chars().all(is_ignored));
    assert!(!"aé٣ \n\t\u{a0}\u{3000}\u{301}\u{64e}-_'.👍".chars().any(is_ignored));
}

/// Returns the normal form without a look at pieces: the whole text at once.
fn at_once(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !is_ignored(*c)).collect();
    let form = pieces::tests_form(&visible);
    let mut lines = String::new();
    for c in form.trim().chars() {
        match (
            c.is_whitespace(),
            lines.ends_with([' ', '\n']),
            matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}'),
        ) {
            (false, ..) => lines.push(c),
            (true, true, true) => {
                lines.pop();
                lines.push('\n');
            }
            (true, true, false) => {}
            (true, false, line) => lines.push(if line { '\n' } else { ' ' }),
        }
    }
    lines
}

/// Returns whether a character of the text has a form with white space, as `¨` has: it stays where it is.
fn has_space_inside(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && pieces::tests_form(&c.to_string()).contains(' '))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        ".*",
        "[a-zA-ZéÉİıßẞſΣσςﬁŉΐǰ \u{301}\u{302}\u{307}\u{345}\u{200c}\u{200f}\u{ad}]{0,12}",
        "[\u{1100}-\u{11ff}가-힣ｦ-ﾟﾠ-ￜ\u{3099}]{0,8}",
        "[\u{9c7}\u{9be}\u{9d7}\u{f71}-\u{f81}\u{1025}\u{102e}\u{d46}\u{d3e}\u{900}-\u{97f}]{0,8}",
        "[٠-٩०-९０-９‘-”–—…\n\t\u{a0} ,;:.]{0,12}",
    ]
}

proptest! {
    #[test]
    fn the_pieces_give_the_form_of_the_whole_text(text in texts()) {
        prop_assume!(!has_space_inside(&text));
        prop_assert_eq!(Normal::of(&text).into_form(), at_once(&text));
    }

    #[test]
    fn a_form_is_its_own_form(text in texts()) {
        prop_assume!(!has_space_inside(&text));
        let form = Normal::of(&text).into_form();
        let again = Normal::of(&form).into_form();
        prop_assert_eq!(again, form);
        prop_assert_eq!(key(&key(&text)), key(&text));
    }

    #[test]
    fn the_pieces_cover_the_text(text in texts()) {
        let mut at = 0;
        for piece in Pieces::of(&text) {
            prop_assert_eq!(piece.from, at);
            prop_assert!(piece.to > at && text.is_char_boundary(piece.to));
            at = piece.to;
        }
        prop_assert_eq!(at, text.len());
        let normal = Normal::of(&text);
        prop_assert_eq!(normal.written(0..normal.form().len()), trimmed(&text));
    }

    #[test]
    fn what_nobody_sees_changes_nothing(text in texts(), at in 0_usize..40, hidden in "[\u{200b}-\u{200f}\u{ad}\u{feff}\u{2066}-\u{2069}]") {
        let place = text.char_indices().map(|(at, _)| at).chain([text.len()]).cycle().nth(at).unwrap();
        let mut dressed = text.clone();
        dressed.insert_str(place, &hidden);
        prop_assert_eq!(key(&dressed), key(&text));
        prop_assert_eq!(number::<i64>(&dressed), number::<i64>(&text));
    }
}

#[test]
fn only_these_characters_join_the_one_before_them() {
    assert!("\u{301}\u{3099}ﾞ\u{9be}\u{1161}\u{11a8}".chars().all(joins));
    assert!(!"aé가ሀกา\u{93e}👍".chars().any(joins));
}
