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
pub(crate) fn meaning(settings: &Table, place: Place) -> Result<String, Vec<(String, String)>> {
    MADE.set(String::new());
    let known = |_: &str| Some("a secret of many characters".to_owned());
    let read = Settings::read(&settings.to_string(), &engines(), &Surroundings::new(place, known));
    let Settings { about, country, phase_timeout, consent, may_send, backends, .. } =
        read.map_err(|problem| {
            problem.0.into_iter().map(|fault| (fault.field, fault.problem)).collect::<Vec<_>>()
        })?;
    let backends: Vec<_> =
        backends.values().map(|one| (one.engine, one.respond, one.replies_per_hour, &one.numbers)).collect();
    let made = MADE.with_borrow(Clone::clone);
    Ok(format!("{about:?} {country:?} {phase_timeout:?} {consent:?} {may_send:?} {backends:?} {made}"))
}

/// A table of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
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
    pub(crate) fn shortest(self) -> Table {
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

    pub(crate) fn table(self, settings: &mut Table) -> &mut Table {
        self.path().iter().fold(settings, |table, key| table.get_mut(*key).unwrap().as_table_mut().unwrap())
    }

    /// Returns these settings with another value of a key.
    pub(crate) fn with(self, settings: &Table, key: &str, value: &Value) -> Table {
        let mut settings = settings.clone();
        self.table(&mut settings).insert(key.to_owned(), value.clone());
        settings
    }

    /// Returns the fault of one key.
    pub(crate) fn fault(self, settings: &Table, key: &str) -> Option<String> {
        let field = [self.path(), &[key]].concat().join(".");
        let faults = meaning(settings, Place::Local).err()?;
        faults.into_iter().find(|(at, _)| *at == field).map(|(_, problem)| problem)
    }

    /// Returns the keys that the code reads.
    pub(crate) fn keys(self) -> BTreeSet<String> {
        let settings = self.with(&self.shortest(), NO_KEY, &1.into());
        listed(&self.fault(&settings, NO_KEY).unwrap())
    }
}

/// Returns the keys that a fault lists.
fn listed(problem: &str) -> BTreeSet<String> {
    let list =
        problem.strip_prefix("is unknown here (known are ").and_then(|list| list.strip_suffix(')')).unwrap();
    list.split(", ").map(str::to_owned).collect()
}

pub(crate) const ENGINES: [&str; 3] = ["kannel", "http", "httptester"];

/// A key on a page.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) meaning: String,
    pub(crate) default: String,
}

/// Returns the keys of the tables in a text whose first head is this one.
pub(crate) fn rows(text: &str, head: &str) -> BTreeMap<String, Row> {
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
pub(crate) fn sources() -> Vec<(String, Scope, BTreeMap<String, Row>)> {
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
pub(crate) fn in_settings(key: &str) -> &str {
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
    let never = inner(Scope::Backend("http"), "never_send", "{ no_such_key = 1 }", "never_send.no_such_key");
    let row = &rows(&page, "key of any backend")["never_send"];
    assert_eq!(spans(&row.meaning).into_iter().collect::<BTreeSet<_>>(), never);
    let words = inner(Scope::OptOut, "words", "{ xx = { no_such_key = 1 } }", "words.xx.no_such_key");
    for (place, _, rows) in sources().into_iter().filter(|(_, scope, _)| *scope == Scope::OptOut) {
        let (_, row) = rows.iter().find(|(key, _)| in_settings(key) == "words").unwrap();
        let given: BTreeSet<String> =
            spans(&row.meaning).into_iter().filter(|span| !span.contains('%')).collect();
        assert_eq!(given, words, "{place}");
    }
}
