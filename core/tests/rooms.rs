//! The rooms of the core and the direction of their imports, as `core/ARCHITECTURE.md` lists them.
//!
//! A room is a folder or a file directly under `core/src`. The table in ARCHITECTURE.md lists the rooms from the lowest
//! to the highest, each with the rooms that it imports. A room may import only rooms above it in the table.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The imports of each room.
type Rooms = BTreeMap<String, BTreeSet<String>>;

fn core() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// Returns the module of a file, as the names in its path.
fn module(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(core().join("src")).unwrap().with_extension("");
    let mut names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib")) {
        names.pop();
    }
    names
}

/// Returns the code of a file without comments and without its tests, since tests may import anything that they need.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut parts = text.split("#[cfg(test)]\nmod ");
    code.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // A module in a file of its own, or a block up to its closing brace.
        let end = if part.lines().next().is_some_and(|line| line.ends_with(';')) { "\n" } else { "\n}\n" };
        code.push_str(part.split_once(end).map_or("", |(_, rest)| rest));
    }
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the paths in a use tree: `a::{b, c::d}` stands for `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((head, body)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let body = body.rsplit_once('}').map_or(body, |(body, _)| body);
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for c in body.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| paths(part)).map(|path| format!("{}{path}", head.trim())).collect()
}

/// Returns the paths from the crate's root that a file names, in `use` lines and in the code.
fn imports(module: &[String], text: &str) -> Vec<Vec<String>> {
    let text = code(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        if at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        let Some((tree, _)) = text[at + 4..].split_once(';') else { continue };
        found.extend(paths(tree));
    }
    for (at, _) in text.match_indices("crate::").chain(text.match_indices("super::")) {
        let is_inside =
            text[..at].ends_with(':') || text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_inside {
            continue;
        }
        let path = text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':');
        found.push(path.collect());
    }
    let absolute = |path: String| {
        let names: Vec<&str> = path.split("::").map(str::trim).collect();
        let up = names.iter().take_while(|name| **name == "super").count();
        let inside = match names.first() {
            Some(&"crate") => Vec::new(),
            Some(&"self") => module.to_vec(),
            Some(&"super") => module[..module.len().saturating_sub(up)].to_vec(),
            _ => return None,
        };
        let rest = names.iter().skip(up.max(1)).filter(|name| !name.is_empty());
        Some(inside.into_iter().chain(rest.map(|name| (*name).to_owned())).collect())
    };
    found.into_iter().filter_map(absolute).collect()
}

/// Returns the room of each name that the crate's root exports.
fn exports(root: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for (at, _) in root.match_indices("pub use ") {
        let tree = root[at + 8..].split(';').next().unwrap();
        for path in paths(tree) {
            let (first, name) = (path.split("::").next().unwrap(), path.rsplit("::").next().unwrap());
            exports.insert(name.trim().to_owned(), first.trim().to_owned());
        }
    }
    exports
}

/// Returns the rooms as the code has them.
fn built() -> Rooms {
    let source = core().join("src");
    let exported = exports(&fs::read_to_string(source.join("lib.rs")).unwrap());
    let (mut all, mut rooms) = (Vec::new(), Rooms::new());
    files(&source, &mut all);
    for file in &all {
        if let Some(room) = module(file).first() {
            rooms.entry(room.clone()).or_default();
        }
    }
    let names: BTreeSet<String> = rooms.keys().cloned().collect();
    for file in all {
        let module = module(&file);
        let is_test = module.iter().any(|name| name == "tests");
        let Some(room) = module.first().cloned().filter(|_| !is_test) else { continue };
        for path in imports(&module, &fs::read_to_string(&file).unwrap()) {
            let Some(name) = path.first() else { continue };
            // The only macro that the root exports.
            let is_macro = name == "tr";
            let to = if is_macro { "translate" } else { exported.get(name).unwrap_or(name) };
            // An item of the file itself, named from a module within it.
            if to.starts_with(char::is_uppercase) {
                continue;
            }
            assert!(names.contains(to), "{}: no room has {}", file.display(), path.join("::"));
            if to != room {
                rooms.get_mut(&room).unwrap().insert(to.to_owned());
            }
        }
    }
    rooms
}

/// Returns the rooms as ARCHITECTURE.md lists them, in its order.
fn drawn() -> Vec<(String, BTreeSet<String>)> {
    let page = fs::read_to_string(core().join("ARCHITECTURE.md")).unwrap();
    let table = page.split("| room | what it holds | imports |").nth(1).expect("the table of rooms");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let named =
        |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        (named(cells[0]).pop_first().unwrap(), named(cells[2]))
    })
    .collect()
}

#[test]
fn the_picture_is_the_code() {
    let drawn: Rooms = drawn().into_iter().collect();
    assert_eq!(drawn, built());
}

#[test]
fn every_room_imports_only_rooms_below_it() {
    let mut below = BTreeSet::new();
    for (room, imports) in drawn() {
        let above: Vec<&String> = imports.difference(&below).collect();
        assert!(above.is_empty(), "{room} imports {above:?}, which is not below it");
        assert!(below.insert(room.clone()), "{room} is listed twice");
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let module = ["store".to_owned(), "memory".to_owned()];
    let text = "use crate::model::{message::Id, contact};\nuse super::Record;\nuse super::super::util::hex;\n\
                fn a() { crate::error::b(super::super::limits::C) }\n// crate::no::comment\nuse self::due::Due;\nuse std::fmt;\n\
                #[cfg(test)]\nmod tests {\n    use crate::apps::Ping;\n}\n";
    let found: BTreeSet<String> = imports(&module, text).iter().map(|path| path.join("::")).collect();
    let expected = [
        "error::b",
        "limits::C",
        "model",
        "model::contact",
        "model::message::Id",
        "store::Record",
        "store::memory::due::Due",
        "util::hex",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}
