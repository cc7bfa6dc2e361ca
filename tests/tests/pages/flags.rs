//! The flags of our program and the environment variables, compared with the pages.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use tests::tools::top;
use threadless_local::Options;

use super::page::{Table, prose, read, rust_files, spans, tables};

/// A flag: how it is written, its environment variable, and its default.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flag {
    written: String,
    variable: Option<String>,
    default: Option<String>,
    required: bool,
}

impl Flag {
    /// Returns the flag as the program knows it.
    fn of(arg: &Arg) -> Option<Self> {
        let long = arg.get_long()?;
        let takes = !matches!(arg.get_action(), ArgAction::SetTrue);
        let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let value = value.unwrap_or_else(|| long.replace('-', "_").to_uppercase());
        let default = arg.get_default_values().first().filter(|_| takes);
        Some(Self {
            written: if takes { format!("--{long} {value}") } else { format!("--{long}") },
            variable: arg.get_env().map(|name| name.to_str().unwrap().to_owned()),
            default: default.map(|value| value.to_str().unwrap().to_owned()),
            required: arg.is_required_set(),
        })
    }
}

/// Returns the flags of a command of the program. `None` stands for the stack itself.
fn known(command: &Command) -> BTreeSet<Flag> {
    let own = command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
    own.filter_map(Flag::of).collect()
}

/// Returns the table whose first head is this text.
fn table(page: &str, head: &str) -> Table {
    let mut found = tables(&prose(page));
    found.retain(|table| table.head[0] == head);
    assert_eq!(found.len(), 1, "{page} has no table {head:?}, or several");
    found.remove(0)
}

/// Returns the flags of a table. A table without a column of variables or defaults has none.
fn written(table: &Table) -> BTreeSet<Flag> {
    let cell = |head: &str, at: usize| table.column(head).get(at).map(|(_, cell)| spans(cell).into_iter());
    let flags = table.rows.iter().enumerate().map(|(at, row)| {
        let begins =
            |start: &str| table.column("default").get(at).is_some_and(|(_, cell)| cell.starts_with(start));
        let default = begins("`");
        Flag {
            written: spans(&row[0]).remove(0),
            variable: cell("environment variable", at).and_then(|mut spans| spans.next()),
            default: cell("default", at).and_then(|mut spans| spans.next()).filter(|_| default),
            required: begins("required"),
        }
    });
    flags.collect()
}

/// A default that the page gives, and that the program finds at another place than its flags.
const ELSEWHERE: [(&str, &str); 1] = [("--sendsms-cert FILE", "infra/kannel/src/conf/given.rs")];

#[test]
fn every_flag_is_on_its_page_with_its_variable_and_its_default() {
    let program = Options::command();
    let mut places = vec![("docs/settings.md", "flag of `cargo run`".to_owned(), known(&program))];
    for command in program.get_subcommands() {
        let name = command.get_name();
        let kannel = name.starts_with("kannel-");
        let page = if kannel { "infra/kannel/README.md" } else { "docs/settings.md" };
        places.push((page, format!("flag of `{name}`"), known(command)));
    }
    assert_eq!(places.len(), 7, "the stack and six commands");
    for (page, head, known) in places {
        assert!(!known.is_empty(), "{head}");
        let mut found = written(&table(page, &head));
        let moved: Vec<Flag> =
            found.extract_if(.., |flag| ELSEWHERE.iter().any(|(name, _)| flag.written == *name)).collect();
        found.extend(moved.into_iter().map(|flag| {
            let (_, source) = ELSEWHERE.iter().find(|(name, _)| flag.written == *name).unwrap();
            let default = flag.default.unwrap();
            assert!(read(source).contains(&format!("\"{default}\"")), "{source} has no {default}");
            Flag { default: None, ..flag }
        }));
        assert_eq!(found, known, "{page}, {head}");
    }
}

/// Returns the variables of ours that the sources name as texts.
fn in_sources(folders: &[&str]) -> BTreeSet<String> {
    let mut sources = Vec::new();
    for folder in folders {
        rust_files(&top().join(folder), &mut sources);
    }
    let texts = sources.iter().flat_map(|source| source.split("\"THREADLESS_").skip(1));
    let names = texts.map(|rest| rest.chars().take_while(|char| char.is_ascii_uppercase() || *char == '_'));
    names.map(|name| format!("THREADLESS_{}", name.collect::<String>())).collect()
}

#[test]
fn every_variable_is_on_the_page() {
    let of_functions = table("docs/settings.md", "environment variable");
    let first = |row: &Vec<String>| spans(&row[0]).remove(0);
    let page: BTreeSet<String> = of_functions.rows.iter().map(first).collect();
    assert_eq!(page, in_sources(&["core/src/lambda"]), "the variables of the functions");

    let program = Options::command();
    let commands = [&program].into_iter().chain(program.get_subcommands());
    let flags = commands.flat_map(known).filter_map(|flag| flag.variable);
    let all: BTreeSet<String> = page.into_iter().chain(flags).collect();
    assert_eq!(
        in_sources(&["core/src", "functions/src", "infra/kannel/src", "infra/local/src", "infra/sqs/src"]),
        all,
        "no source reads another one"
    );

    // A page names no variable that does not exist.
    for page in super::page::pages() {
        for span in spans(&read(&page)) {
            for part in span.split("THREADLESS_").skip(1) {
                let name: String =
                    part.chars().take_while(|char| char.is_ascii_uppercase() || *char == '_').collect();
                assert!(all.contains(&format!("THREADLESS_{name}")), "{page}: THREADLESS_{name}");
            }
        }
    }
}

/// The defaults of the variables of the functions, as `core/src/lambda/environment.rs` has them.
#[test]
fn the_required_variables_and_their_defaults_are_those_of_the_code() {
    let table = table("docs/settings.md", "environment variable");
    let source = read("core/src/lambda/environment.rs");
    for (name, default) in table.column("default") {
        let name = &spans(name)[0];
        assert_eq!(default == "required", source.contains(&format!("need(\"{name}\")")), "{name}: {default}");
        if default == "none" {
            assert!(source.contains(&format!("var(\"{name}\")?,")), "{name}: {default}");
        }
        if name == "THREADLESS_LOG" {
            let literal = default.trim_matches('`');
            let read = format!("var(\"{name}\")?.unwrap_or_else(|| {literal:?}.to_owned())");
            assert!(source.contains(&read), "{name}: {default}");
        }
    }
}
