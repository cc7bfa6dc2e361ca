//! A reader for the text of a gettext catalogue (`.po`), entry by entry.

/// One entry as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PoEntry {
    /// The line on which the entry begins, from 1.
    pub(super) line: usize,
    /// Whether the entry has a context, which this crate does not support.
    pub(super) has_context: bool,
    /// Whether a translator must check the entry before it counts.
    pub(super) is_fuzzy: bool,
    /// The text in the program.
    pub(super) id: String,
    /// The text in the program for any number except one.
    pub(super) plural_id: Option<String>,
    /// The forms of the translation.
    pub(super) forms: Vec<String>,
}

/// The number of a line that cannot be read, and the reason.
pub(super) type PoFault = (usize, String);

/// The text of an entry to which a line belongs.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Nothing,
    Context,
    Id,
    PluralId,
    Form(usize),
}

/// Reads all entries, and the head (the entry with an empty id). Skips obsolete entries (`#~`).
pub(super) fn read(text: &str) -> (Vec<PoEntry>, Vec<PoFault>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let (mut entry, mut part) = (PoEntry::default(), Part::Nothing);
    for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if line.is_empty() || line.starts_with("#~") {
            continue;
        }
        let (word, quoted) = line.split_at(line.find('"').unwrap_or(line.len()));
        let next = match word.trim() {
            "" => part,
            "msgctxt" => Part::Context,
            "msgid" => Part::Id,
            "msgid_plural" => Part::PluralId,
            "msgstr" => Part::Form(0),
            comment if comment.starts_with('#') => Part::Nothing,
            other => {
                let form =
                    other.strip_prefix("msgstr[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
                let Some(form) = form.filter(|form| *form < 10) else {
                    faults.push((number, format!("{other:?} is not a keyword of a catalogue")));
                    continue;
                };
                Part::Form(form)
            }
        };
        // If the entry already has forms, any line except a further form begins a new entry.
        if matches!(next, Part::Nothing | Part::Context | Part::Id) && !entry.forms.is_empty() {
            entries.push(std::mem::take(&mut entry));
        }
        part = next;
        if line.starts_with('#') {
            entry.is_fuzzy |= line.starts_with("#,") && line.contains("fuzzy");
            continue;
        }
        if entry.line == 0 {
            entry.line = number;
        }
        match unquoted(quoted) {
            Ok(text) => entry.take(part, &text, number, &mut faults),
            Err(problem) => faults.push((number, problem)),
        }
    }
    if entry.line > 0 {
        entries.push(entry);
    }
    (entries, faults)
}

impl PoEntry {
    fn take(&mut self, part: Part, text: &str, line: usize, faults: &mut Vec<PoFault>) {
        match part {
            Part::Nothing => {
                faults.push((line, "there is a text without a msgid or msgstr before it".to_owned()));
            }
            Part::Context => self.has_context = true,
            Part::Id => self.id += text,
            Part::PluralId => *self.plural_id.get_or_insert_default() += text,
            Part::Form(form) => {
                let count = self.forms.len().max(form + 1);
                self.forms.resize(count, String::new());
                self.forms[form] += text;
            }
        }
    }
}

/// Reads the text between quotes, with the escapes of C.
fn unquoted(quoted: &str) -> Result<String, String> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut chars = inner.ok_or("a text in quotes is missing")?.chars();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err("write a quotation mark within a text as \\\"".to_owned()),
            '\\' => text.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('"') => '"',
                Some('\\') => '\\',
                other => return Err(format!("\\{} has no meaning", other.unwrap_or('"'))),
            }),
            c => text.push(c),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_all_their_parts() {
        let text = r#"
# A translator's remark
msgid ""
msgstr ""
"Language: am\n"

#. from the program
#: src/apps.rs:3
#, python-format
msgid "Hello, "
"%(name)s!"
msgstr "ሰላም "
"%(name)s!"
#, fuzzy
msgid "one"
msgid_plural "many \"%%\"\\"
msgstr[0] "አንድ"
msgstr[1] ""
msgctxt "a place"
msgid "x"
msgstr "y"

#~ msgid "gone"
#~ msgstr "gone"
"#;
        let (entries, faults) = read(text);
        assert_eq!(faults, []);
        let seen: Vec<_> = entries.iter().map(|one| (one.line, one.id.as_str(), one.forms.len())).collect();
        let expected = [(3, "", 1), (10, "Hello, %(name)s!", 1), (15, "one", 2), (19, "x", 1)];
        assert_eq!(seen, expected);
        assert_eq!(entries[0].forms, ["Language: am\n"]);
        assert_eq!(entries[1].forms, ["ሰላም %(name)s!"]);
        assert_eq!(entries[2].plural_id.as_deref(), Some("many \"%%\"\\"));
        let flags: Vec<_> = entries.iter().map(|one| (one.is_fuzzy, one.has_context)).collect();
        assert_eq!(flags, [(false, false), (false, false), (true, false), (false, true)]);
    }

    #[test]
    fn each_line_that_cannot_be_read_is_named() {
        let table = [
            ("msgid \"a\nmsgstr \"b\"", 1, "a text in quotes is missing"),
            ("msgid \"a\"b\"", 1, "write a quotation mark within a text as \\\""),
            ("msgid \"a\\q\"", 1, "\\q has no meaning"),
            ("\"a\"", 1, "there is a text without a msgid or msgstr before it"),
            ("\nmsgstr[x] \"a\"", 2, "\"msgstr[x]\" is not a keyword of a catalogue"),
            ("msgstr[99] \"a\"", 1, "\"msgstr[99]\" is not a keyword of a catalogue"),
            ("hello", 1, "\"hello\" is not a keyword of a catalogue"),
        ];
        for (text, line, problem) in table {
            assert_eq!(read(text).1, [(line, problem.to_owned())], "{text}");
        }
    }
}
