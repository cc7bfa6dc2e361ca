//! The settings that stand in the comments of `functions/settings.toml` and in the prose of the pages.

use std::collections::BTreeSet;

use threadless::settings::Place;
use toml::{Table, Value};

use super::page::{pages, prose, read, spans};
use super::settings::{ENGINES, Scope, meaning};

/// The shipped settings show many keys in comments: a person removes the `# ` to use them.
#[test]
fn the_keys_in_the_comments_of_the_shipped_settings_are_read() {
    let (mut scope, mut count) = (None, 0);
    for line in read("functions/settings.toml").lines() {
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
    for page in pages() {
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
