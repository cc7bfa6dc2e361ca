//! The keys of the settings and their defaults: `docs/settings.md` and the rustdoc of the engines, compared with the
//! code that reads the settings.
//!
//! The code itself lists the keys: for a key that it does not know, it reports all keys for which it looked.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use threadless::backend::{AnyBackend, Engines, http, httptester, kannel};
use threadless::project::Settings;
use threadless::settings::{Place, Surroundings};
use toml::{Table, Value};

use super::page::{prose, read, rustdoc, spans, tables};

/// A key that no code reads.
const NO_KEY: &str = "no_such_key";

thread_local! {
    /// The last backend that was made from settings.
    static MADE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn made(backend: &impl std::fmt::Debug) {
    MADE.set(format!("{backend:?}"));
}

/// Returns the engines of the framework. They also note what they made.
fn engines() -> Engines {
    Engines::standard()
        .with("kannel", |fields| kannel::Kannel::from_fields(fields).inspect(made).map(AnyBackend::new))
        .with("http", |fields| http::HttpGateway::from_fields(fields).inspect(made).map(AnyBackend::new))
        .with("httptester", |fields| {
            httptester::MessageTester::from_fields(fields).inspect(made).map(AnyBackend::new)
        })
}

/// Returns everything that the code makes of these settings, or their faults.
fn meaning(settings: &Table, place: Place) -> Result<String, Vec<(String, String)>> {
    MADE.set(String::new());
    let known = |_: &str| Some("a secret of many characters".to_owned());
    let read = Settings::read(&settings.to_string(), &engines(), &Surroundings::new(place, known));
    let Settings { about, phase_timeout, consent, may_send, backends, .. } = read.map_err(|problem| {
        problem.0.into_iter().map(|fault| (fault.field, fault.problem)).collect::<Vec<_>>()
    })?;
    let backends: Vec<_> =
        backends.values().map(|one| (one.engine, one.respond, one.replies_per_hour)).collect();
    let made = MADE.with_borrow(Clone::clone);
    Ok(format!("{about:?} {phase_timeout:?} {consent:?} {may_send:?} {backends:?} {made}"))
}

/// A table of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Project,
    OptOut,
    Send,
    Backend(&'static str),
}

impl Scope {
    fn path(self) -> &'static [&'static str] {
        match self {
            Self::Project => &["project"],
            Self::OptOut => &["opt_out"],
            Self::Send => &["send"],
            Self::Backend(_) => &["backends", "b"],
        }
    }

    /// Returns the shortest settings with this table.
    fn shortest(self) -> Table {
        let mut text = "[project]\nname = \"Clinic\"\n".to_owned();
        text += match self {
            Self::Backend("kannel") => {
                "[backends.b]\nengine = \"kannel\"\nsendsms_url = \"http://127.0.0.1/\"\n"
            }
            Self::Backend("http") => {
                "[backends.b]\nengine = \"http\"\noutgoing_url = \"http://127.0.0.1/?t=%(text)s&i=%(id)s\"\n"
            }
            Self::Backend(_) => "[backends.b]\nengine = \"httptester\"\n",
            Self::Project => "",
            Self::OptOut => "[opt_out]\n",
            Self::Send => "[send]\n",
        };
        text.parse().unwrap()
    }

    fn table(self, settings: &mut Table) -> &mut Table {
        self.path().iter().fold(settings, |table, key| table.get_mut(*key).unwrap().as_table_mut().unwrap())
    }

    /// Returns these settings with another value of a key.
    fn with(self, settings: &Table, key: &str, value: &Value) -> Table {
        let mut settings = settings.clone();
        self.table(&mut settings).insert(key.to_owned(), value.clone());
        settings
    }

    /// Returns the fault of one key.
    fn fault(self, settings: &Table, key: &str) -> Option<String> {
        let field = [self.path(), &[key]].concat().join(".");
        let faults = meaning(settings, Place::Local).err()?;
        faults.into_iter().find(|(at, _)| *at == field).map(|(_, problem)| problem)
    }

    /// Returns the keys that the code reads.
    fn keys(self) -> BTreeSet<String> {
        let settings = self.with(&self.shortest(), NO_KEY, &1.into());
        listed(&self.fault(&settings, NO_KEY).unwrap())
    }
}

/// Returns the keys that a fault lists.
fn listed(problem: &str) -> BTreeSet<String> {
    let list = problem.strip_prefix("is unknown here; known are ").unwrap();
    list.split(", ").map(str::to_owned).collect()
}

const ENGINES: [&str; 3] = ["kannel", "http", "httptester"];

/// A key on a page.
#[derive(Clone, Debug)]
struct Row {
    meaning: String,
    default: String,
}

/// Returns the keys of the tables in a text whose first head is this one.
fn rows(text: &str, head: &str) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for table in tables(text).into_iter().filter(|table| table.head[0] == head) {
        let meanings = table.column("meaning").into_iter();
        for ((first, meaning), (_, default)) in meanings.zip(table.column("default")) {
            let keys = spans(first);
            let parts: Vec<&str> = default.split(", ").collect();
            for (at, key) in keys.iter().enumerate() {
                // A row of several keys has a default for each of them, or one for all.
                let default = if parts.len() == keys.len() { parts[at] } else { default };
                let row = Row { meaning: meaning.to_owned(), default: default.to_owned() };
                assert!(rows.insert(key.clone(), row).is_none(), "{key} is there twice");
            }
        }
    }
    assert!(!rows.is_empty(), "no table {head:?}");
    rows
}

/// The sources of the tables: the page itself, and the rustdoc.
fn sources() -> Vec<(String, Scope, BTreeMap<String, Row>)> {
    let page = prose("docs/settings.md");
    let mut sources = Vec::new();
    let both = rows(&page, "key of `[project]` and `[opt_out]`");
    let (opt_out, project): (BTreeMap<_, _>, BTreeMap<_, _>) =
        both.into_iter().partition(|(key, _)| key.starts_with("opt_out."));
    let opt_out = opt_out.into_iter().map(|(key, row)| (key["opt_out.".len()..].to_owned(), row)).collect();
    sources.push(("docs/settings.md".to_owned(), Scope::Project, project));
    sources.push(("docs/settings.md".to_owned(), Scope::OptOut, opt_out));
    sources.push(("docs/settings.md".to_owned(), Scope::Send, rows(&page, "key of `[send]`")));
    let any = rows(&page, "key of any backend");
    for engine in ENGINES {
        let article = if engine == "kannel" { "a" } else { "an" };
        let mut keys = rows(&page, &format!("key of {article} `{engine}` backend"));
        keys.extend(any.clone());
        sources.push(("docs/settings.md".to_owned(), Scope::Backend(engine), keys));

        let file = format!("core/src/backend/{engine}/mod.rs");
        let mut keys = any.clone();
        keys.extend(rows(&rustdoc(&read(&file)), "key"));
        sources.push((file, Scope::Backend(engine), keys));
    }
    let file = "core/src/consent/mod.rs";
    sources.push((file.to_owned(), Scope::OptOut, rows(&rustdoc(&read(file)), "key")));
    sources
}

/// Returns the key of a row in the settings: `words.<language>` is in the table `words`.
fn in_settings(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

#[test]
fn every_key_is_on_the_page_and_every_key_of_the_page_is_read() {
    for (place, scope, rows) in sources() {
        let written: BTreeSet<String> = rows.keys().map(|key| in_settings(key).to_owned()).collect();
        let read = scope.keys();
        assert!(!read.is_empty() && !read.contains(NO_KEY), "{read:?}");
        assert_eq!(written, read, "{place}, {scope:?}: the page, and the code");
    }
}

#[test]
fn every_table_of_the_settings_is_on_the_page() {
    let settings = "no_such_key = 1\n[project]\nname = \"Clinic\"".parse().unwrap();
    let faults = meaning(&settings, Place::Local).unwrap_err();
    let heads: Vec<String> =
        tables(&prose("docs/settings.md")).iter().flat_map(|table| spans(&table.head[0])).collect();
    let page = spans(&prose("docs/settings.md"));
    for table in listed(&faults[0].1) {
        let is_there = if table == "backends" {
            page.contains(&"[backends.<name>]".to_owned())
        } else {
            heads.contains(&format!("[{table}]"))
        };
        assert!(is_there, "docs/settings.md has no table for [{table}]");
    }
}

/// The keys of tables within a table: a secret, and the words of a language.
#[test]
fn the_keys_of_inner_tables_are_on_the_page() {
    let inner = |scope: Scope, key: &str, value: &str, at: &str| {
        let value: Table = format!("x = {value}").parse().unwrap();
        let settings = scope.with(&scope.shortest(), key, &value["x"]);
        let faults = meaning(&settings, Place::Local).unwrap_err();
        let fault = faults.into_iter().find(|(field, _)| field.ends_with(at));
        listed(&fault.unwrap().1)
    };
    let page = prose("docs/settings.md");
    let secret =
        inner(Scope::Backend("kannel"), "token", "{ secret = \"A\", no_such_key = 1 }", "token.no_such_key");
    assert_eq!(secret, BTreeSet::from(["secret", "local"].map(str::to_owned)));
    for key in &secret {
        let is_there = |span: &String| span == key || span.contains(&format!("{key} = "));
        assert!(spans(&page).iter().any(is_there), "docs/settings.md does not name {key}");
    }
    let words = inner(Scope::OptOut, "words", "{ xx = { no_such_key = 1 } }", "words.xx.no_such_key");
    for (place, _, rows) in sources().into_iter().filter(|(_, scope, _)| *scope == Scope::OptOut) {
        let (_, row) = rows.iter().find(|(key, _)| in_settings(key) == "words").unwrap();
        let given: BTreeSet<String> =
            spans(&row.meaning).into_iter().filter(|span| !span.contains('%')).collect();
        assert_eq!(given, words, "{place}");
    }
}

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
        "signature_header" => "signature_secret = { secret = \"A\" }",
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
        ("languages", _) => Table::from_iter([("en".to_owned(), "British".into())]).into(),
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
    let list = fault.strip_prefix("is one of ").and_then(|rest| rest.split(", not ").next());
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
            // The tester sends nothing, and is off without a password: these two keys do nothing there.
            if scope == Scope::Backend("httptester") && matches!(key, "open" | "plain_http") {
                continue;
            }
            let other = another(scope, key, &value);
            let changed = meaning(&scope.with(&settings, key, &other), at);
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
    let engines: BTreeSet<&str> = fault.split("known are ").nth(1).unwrap().split(", ").collect();
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

/// The shipped settings show many keys in comments: a person removes the `# ` to use them.
#[test]
fn the_keys_in_the_comments_of_the_shipped_settings_are_read() {
    let (mut scope, mut count) = (None, 0);
    for line in functions::SETTINGS.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        match line {
            "[project]" => scope = Some(Scope::Project),
            "[opt_out]" => scope = Some(Scope::OptOut),
            "[send]" => scope = Some(Scope::Send),
            _ if line.starts_with("[backends.") => scope = None,
            _ => {}
        }
        let engine = ENGINES.into_iter().find(|engine| line == format!("engine = \"{engine}\""));
        scope = engine.map(Scope::Backend).or(scope);
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains([' ', '#'])) else {
            continue;
        };
        if let Some(scope) = scope {
            count += 1;
            assert!(scope.keys().contains(key), "functions/settings.toml, {scope:?}: {key}");
        }
    }
    assert!(count > 30, "{count}");
}

/// Returns the settings that the prose of the pages shows, such as `open = true`. A value that is no TOML belongs to
/// another program.
fn shown() -> Vec<(String, String, Value)> {
    let mut shown = Vec::new();
    for page in super::page::pages() {
        for span in spans(&prose(&page)).into_iter().filter(|span| span.contains(" = ")) {
            let Ok(table) = span.parse::<Table>() else { continue };
            // The directives of Kannel have hyphens, and environment variables have capital letters.
            let ours = |key: &str| key.chars().all(|char| char.is_ascii_lowercase() || char == '_');
            let keys = table.into_iter().filter(|(key, _)| ours(key));
            shown.extend(keys.map(|(key, value)| (page.clone(), key, value)));
        }
    }
    shown
}

#[test]
fn the_settings_in_the_prose_are_read() {
    let shown = shown();
    assert!(shown.len() > 20, "{shown:?}");
    let scopes = [Scope::Project, Scope::OptOut, Scope::Send].into_iter().chain(ENGINES.map(Scope::Backend));
    let scopes: Vec<(Scope, BTreeSet<String>)> = scopes.map(|scope| (scope, scope.keys())).collect();
    for (page, key, value) in shown {
        let mut known = scopes.iter().filter(|(_, keys)| keys.contains(&key)).peekable();
        assert!(known.peek().is_some(), "{page}: no code reads {key}");
        let fault = |(scope, _): &(Scope, _)| scope.fault(&scope.with(&scope.shortest(), &key, &value), &key);
        let faults: Vec<Option<String>> = known.map(fault).collect();
        assert!(faults.contains(&None), "{page}: {key} = {value}: {faults:?}");
    }
}

/// "A private network" in `infra/README.md`: the address is private, so a deployment allows `http://`.
#[test]
fn a_private_address_needs_no_permission() {
    let shown = shown();
    let private = shown.iter().find(|(page, key, _)| page == "infra/README.md" && key == "sendsms_url");
    let (scope, (_, key, url)) = (Scope::Backend("kannel"), private.unwrap());
    let token: Table = "token = { secret = \"KANNEL_TOKEN\" }".parse().unwrap();
    let settings = scope.with(&scope.with(&scope.shortest(), "token", &token["token"]), key, url);
    assert!(meaning(&settings, Place::Deployed).is_ok());
    let public = scope.with(&settings, key, &"http://kannel.example.org/".into());
    let faults = meaning(&public, Place::Deployed).unwrap_err();
    assert_eq!(
        faults.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
        ["backends.b.sendsms_url"]
    );
}
