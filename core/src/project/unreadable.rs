//! Describes where settings are not valid TOML: by the line and, if possible, by the key. The description does not
//! repeat the text at that place, because the text may be a secret.

use toml::de::Error;

use super::SettingsError;
use crate::error::Fault;

/// Returns the fault of settings that cannot be parsed.
pub(super) fn fault(text: &str, problem: &Error) -> Fault {
    let at = problem.span().map_or(0, |span| span.start.min(text.len()));
    let at = text.floor_char_boundary(at);
    Fault::new(place(text, at), message(problem.message()))
}

/// Returns the text of the settings, or the place at which they are not text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, SettingsError> {
    String::from_utf8(bytes).map_err(|problem| {
        let at = problem.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(problem.as_bytes());
        let fault = Fault::new(place(&text, at), "is not UTF-8: save the settings as UTF-8");
        SettingsError(vec![fault])
    })
}

/// Returns the line that contains the byte `at`, with its key.
fn place(text: &str, at: usize) -> String {
    let line = 1 + text[..at].matches('\n').count();
    match key_at(text, line) {
        Some(key) => format!("{key} (line {line})"),
        None => format!("line {line}"),
    }
}

/// Returns the words of the parser without the parts that quote the settings.
fn message(words: &str) -> String {
    let mut plain = String::new();
    for (at, part) in words.lines().next().unwrap_or_default().split(['`', '"']).enumerate() {
        plain.push_str(if at % 2 == 0 { part } else { "…" });
    }
    // A table accepts every type of TOML. So the parser reports one of these errors only if a number is too large.
    let too_large = ["invalid type: integer", "number too large", "overflow"];
    if too_large.iter().any(|words| plain.contains(words)) {
        return "is a number that is out of range: whole numbers have at most 64 bits".to_owned();
    }
    plain
}

/// Returns the key that a line gives, with the name of its table: `backends.k.token`.
fn key_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let (last, before) = lines.split_last()?;
    if let Some(table) = header(last) {
        return Some(table);
    }
    let (key, _) = last.split_once('=')?;
    let key = name(key)?;
    let table = before.iter().rev().find_map(|line| header(line));
    Some(table.map_or(key.clone(), |table| format!("{table}.{key}")))
}

/// Returns the name of the table that begins in this line.
fn header(line: &str) -> Option<String> {
    let (inner, _) = line.trim_start().strip_prefix('[')?.trim_start_matches('[').split_once(']')?;
    name(inner)
}

/// Returns a key, if the text is a valid key. Any other text may be a value.
fn name(written: &str) -> Option<String> {
    let key: String = written.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let words = written.split_whitespace().count();
    (words == 1 || written.contains('.')).then_some(key).filter(|key| key.split('.').all(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Fault {
        fault(text, &text.parse::<toml::Table>().unwrap_err())
    }

    #[test]
    fn what_is_no_toml_is_told_by_key_and_line_and_not_repeated() {
        let table = [
            ("[project]\nname = \"T\"\nname = \"hunter2\"", "project.name (line 3)"),
            ("[backends.k]\ntoken = \"a\"\ntoken = \"hunter2\"", "backends.k.token (line 3)"),
            ("[project]\nname = \"T\"\n[project]\nx = 1", "project (line 3)"),
            (
                "[project]\nphase_timeout_seconds = 99999999999999999999",
                "project.phase_timeout_seconds (line 2)",
            ),
            ("[backends.k]\ntoken = 8675309123x", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = hunter2", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = 'hunter2", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = \"hunter2\\q\"", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = \"hunter2\" 5", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = { secret = \"hunter2\"", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = 8675309123869999999999", "backends.k.token (line 2)"),
            ("[backends.k]\n\"token\" = hunter2", "backends.k.token (line 2)"),
            ("[backends.k]\ntoken = 1979-13-40", "backends.k.token (line 2)"),
            ("[backends.k]\nhunter2", "line 2"),
            ("[backends.k]\npassword hunter2 = 1", "line 2"),
            ("token = 'x'\ntoken = 'hunter2'", "token (line 2)"),
        ];
        for (text, place) in table {
            let fault = read(text);
            assert_eq!(fault.field, place, "{text}: {fault}");
            for secret in ["hunter2", "86753", "99999"] {
                assert!(!fault.to_string().contains(secret), "{text}: {fault}");
            }
            assert!(!fault.problem.trim().is_empty(), "{text}");
        }
        for number in ["99999999999999999999", &"9".repeat(60), "-9223372036854775809", "0xfffffffffffffffff"]
        {
            let range = read(&format!("[project]\nphase_timeout_seconds = {number}"));
            assert!(range.problem.contains("out of range"), "{number}: {range}");
        }
        let latin = b"[project]\n# fine\nname = \"Cl\xednica\"".to_vec();
        let problem = text(latin).unwrap_err().to_string();
        let expected =
            "the settings have a fault: project.name (line 3): is not UTF-8: save the settings as UTF-8";
        assert_eq!(problem, expected);
        assert_eq!(text(b"\xff".to_vec()).unwrap_err().0[0].field, "line 1");
        assert_eq!(text("ሰላም".into()).unwrap(), "ሰላም");
        let twice = read("[project]\nname = \"T\"\nname = \"U\"");
        assert!(twice.problem.contains("duplicate key"), "{twice}");
    }
}
