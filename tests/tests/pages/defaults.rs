//! The defaults, the ranges and the words of the settings: those of the pages, and those of the code.

use std::collections::BTreeSet;

use threadless::settings::Place;
use toml::{Table, Value};

use super::page::{prose, read, rustdoc, spans, tables};
use super::settings::{ENGINES, Row, Scope, in_settings, meaning, rows, sources};

/// Returns the value that begins a cell: a text, a number, a list or a table. `None` if the cell has words only.
fn literal(cell: &str) -> Option<Value> {
    let first = cell.split(['`', ';', ':']).next().unwrap_or_default().trim();
    let range: Vec<i64> = first.split(" to ").filter_map(|part| part.parse().ok()).collect();
    let text = match range[..] {
        [from, to] => return Some((from..=to).collect::<Vec<_>>().into()),
        [number] => number.to_string(),
        _ => spans(cell).into_iter().next().filter(|_| cell.starts_with('`'))?,
    };
    let table: Table = format!("x = {text}").parse().unwrap_or_else(|problem| panic!("{cell}: {problem}"));
    table.get("x").cloned()
}

#[test]
fn a_default_is_read_as_it_is_written() {
    let value = |text: &str| literal(text).map(|value| value.to_string());
    assert_eq!(value("`\"a\"`: b").as_deref(), Some("\"a\""));
    assert_eq!(value("300; for `x` no limit").as_deref(), Some("300"));
    assert_eq!(value("8 to 10").as_deref(), Some("[8, 9, 10]"));
    assert_eq!(value("none: `x`"), None);
}

/// Returns the settings in which a key has an effect.
fn surroundings(scope: Scope, key: &str) -> (Table, Place) {
    let mut settings = scope.shortest();
    let further = match key {
        "charset" | "encode_errors" => "coding = 0",
        "delivery_report_mask" => "delivery_report_url = \"http://127.0.0.1:8443\"",
        _ if key.starts_with("signature_") && key != "signature_secret" => {
            "signature_secret = { secret = \"A\" }"
        }
        "outgoing_identity" | "outgoing_text" | "outgoing_id" => "outgoing_method = \"form\"",
        "default_language" => "languages = { en = \"English\", sw = \"Kiswahili\" }",
        "plain_http" => {
            "open = true\nsendsms_url = \"http://gateway.example/\"\noutgoing_url = \"http://gateway.example/%(text)s\""
        }
        _ if key.starts_with("report_") => "delivery_reports = true",
        _ => "",
    };
    let further: Table = further.parse().unwrap();
    let known = scope.keys();
    scope.table(&mut settings).extend(further.into_iter().filter(|(key, _)| known.contains(key)));
    let place = if matches!(key, "open" | "plain_http") { Place::Deployed } else { Place::Local };
    (settings, place)
}

/// Returns another value that a key may have.
fn another(scope: Scope, key: &str, value: &Value) -> Value {
    match (key, value) {
        ("coding", _) => 0.into(),
        ("charset", _) => "utf-8".into(),
        ("default_language", _) => "sw".into(),
        ("languages", Value::Array(_)) => vec!["en"].into(),
        ("languages", _) => {
            vec![("en".to_owned(), Value::from("British"))].into_iter().collect::<Table>().into()
        }
        (_, Value::Boolean(flag)) => (!flag).into(),
        (_, Value::Integer(number)) => (number - 1).into(),
        (_, Value::Array(_)) => vec![201].into(),
        (_, Value::String(text)) => {
            let words = choices(scope, key);
            let other = words.into_iter().find(|word| word != text);
            other.unwrap_or_else(|| "another".to_owned()).into()
        }
        (_, other) => panic!("{key}: {other}"),
    }
}

/// Returns the words from which a key takes one, as the code lists them; empty if any text is allowed.
fn choices(scope: Scope, key: &str) -> Vec<String> {
    let (settings, _) = surroundings(scope, key);
    let fault = scope.fault(&scope.with(&settings, key, &"no-such-word".into()), key).unwrap_or_default();
    let list = fault.strip_prefix("must be one of ").and_then(|rest| rest.split(", not ").next());
    list.map(|list| list.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

#[test]
fn the_default_of_the_page_is_that_of_the_code() {
    let mut count = 0;
    for (place, scope, rows) in sources() {
        for (key, Row { default, .. }) in rows {
            let key = in_settings(&key);
            let Some(value) = literal(&default) else { continue };
            if (scope, key) == (Scope::Backend("httptester"), "replies_per_hour") {
                continue;
            }
            count += 1;
            let (settings, at) = surroundings(scope, key);
            let without = meaning(&settings, at);
            assert_eq!(
                meaning(&scope.with(&settings, key, &value), at),
                without,
                "{place}: {key} is {default}"
            );
            let other = another(scope, key, &value);
            let changed = meaning(&scope.with(&settings, key, &other), at);
            // The tester sends nothing, and is off without a password: these two keys do nothing there.
            if scope == Scope::Backend("httptester") && matches!(key, "open" | "plain_http") {
                assert_eq!(changed, without, "{place}: {key} = {other} has an effect");
                continue;
            }
            assert_ne!(
                changed, without,
                "{place}: {key} = {other} changes nothing, so this test proves nothing"
            );
            let is_accepted = changed.is_ok() || without.is_err();
            assert!(is_accepted, "{place}: {key} = {other}: {changed:?}");
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn the_message_tester_has_no_limit_of_replies() {
    let page = rows(&prose("docs/settings.md"), "key of any backend");
    assert!(page["replies_per_hour"].default.ends_with("for an `httptester` backend no limit"));
    let scope = Scope::Backend("httptester");
    let zero = scope.with(&scope.shortest(), "replies_per_hour", &0.into());
    assert_eq!(meaning(&scope.shortest(), Place::Local), meaning(&zero, Place::Local));
}

#[test]
fn the_required_keys_are_those_without_which_settings_are_faulty() {
    for (place, scope, rows) in sources() {
        for (key, Row { default, .. }) in rows {
            let key = in_settings(&key);
            let mut settings = scope.shortest();
            scope.table(&mut settings).remove(key);
            let missing = scope.fault(&settings, key).as_deref() == Some("is missing");
            assert_eq!(default.starts_with("required"), missing, "{place}, {scope:?}: {key}: {default}");
        }
    }
}

/// Returns the first range that a text gives, such as `1 to 60`.
fn range(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split([' ', ',', '.', ';', ':']).collect();
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|char| char.is_ascii_digit());
    let found = words.windows(3).find(|words| is_number(words[0]) && words[1] == "to" && is_number(words[2]));
    found.map(|words| words.join(" "))
}

#[test]
fn the_ranges_and_the_words_are_those_of_the_code() {
    let (mut ranges, mut words) = (0, 0);
    for (place, scope, rows) in sources() {
        for (key, Row { meaning, .. }) in rows {
            let key = in_settings(&key);
            let (settings, _) = surroundings(scope, key);
            let fault = scope.fault(&scope.with(&settings, key, &(-7).into()), key).unwrap_or_default();
            if let (true, Some(written)) = (fault.contains("whole number"), range(&meaning)) {
                ranges += 1;
                assert_eq!(range(&fault.replace("from ", "")), Some(written), "{place}: {key}");
            }
            for word in choices(scope, key) {
                words += 1;
                assert!(spans(&meaning).contains(&format!("\"{word}\"")), "{place}: {key} may be {word:?}");
            }
        }
    }
    assert!(ranges > 4 && words > 12, "{ranges} {words}");
    // The engines have no fixed list: others can be added.
    let scope = Scope::Backend("kannel");
    let fault = scope.fault(&scope.with(&scope.shortest(), "engine", &"x".into()), "engine").unwrap();
    let engines: BTreeSet<&str> =
        fault.split("known are ").nth(1).unwrap().trim_end_matches(')').split(", ").collect();
    assert_eq!(engines, BTreeSet::from(ENGINES));
    let page = rows(&prose("docs/settings.md"), "key of any backend");
    let written = spans(&page["engine"].meaning);
    assert_eq!(written.iter().map(|span| span.trim_matches('"')).collect::<BTreeSet<_>>(), engines);
}

/// The rustdoc of the `http` backend lists the words of gateways for each status.
#[test]
fn the_status_words_are_those_of_the_code() {
    let scope = Scope::Backend("http");
    let (settings, place) = surroundings(scope, "report_id");
    let text = rustdoc(&read("core/src/backend/http/mod.rs"));
    let tables = tables(&text);
    let table = tables.iter().find(|table| table.head.contains(&"default words".to_owned())).unwrap();
    let mut all = settings.clone();
    for (status, words) in table.column("default words") {
        let words: Vec<Value> = spans(words).into_iter().map(Value::from).collect();
        assert!(words.len() > 4, "{status}: {words:?}");
        all = scope.with(&all, &format!("report_{status}"), &words.into());
    }
    assert_eq!(table.rows.len(), 3);
    assert_eq!(meaning(&all, place), meaning(&settings, place));
}
