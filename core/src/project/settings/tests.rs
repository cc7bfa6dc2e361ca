//! Tests of faults in the settings, and of values that a fault must not repeat.

use super::*;
use crate::settings::{Param, Place, Secret};

fn faults(place: Place, text: &str) -> Vec<Fault> {
    let surroundings = Surroundings::new(place, |name| (name == "KNOWN").then(|| "t0ken".to_owned()));
    match Settings::read(text, &Engines::standard(), &surroundings) {
        Ok(settings) => settings.warnings,
        Err(problem) => problem.0,
    }
}

fn backend(engine: &str, lines: &str) -> String {
    format!("[project]\nname = \"T\"\n[backends.b]\nengine = \"{engine}\"\n{lines}")
}

/// Returns every key that takes a secret or may take one, with the other keys that its engine needs.
fn secret_keys() -> Vec<(&'static str, &'static str, String)> {
    let kannel = "sendsms_url = \"https://k.example/\"\nopen = true\n";
    let http = "outgoing_url = \"https://g.example/?%(text)s\"\nopen = true\n";
    [
        ("kannel", kannel, "token"),
        ("kannel", kannel, "sendsms_token"),
        ("kannel", kannel, "sendsms_params.password"),
        ("kannel", "open = true\n", "sendsms_url"),
        ("http", http, "token"),
        ("http", http, "signature_secret"),
        ("http", http, "signature_header"),
        ("http", http, "headers.x-api-key"),
        ("http", "open = true\n", "outgoing_url"),
        ("httptester", "", "password"),
        ("httptester", "", "token"),
        ("kannel", kannel, "password"),
    ]
    .map(|(engine, rest, key)| (engine, key, rest.to_owned()))
    .into()
}

#[test]
fn no_value_in_the_place_of_a_secret_is_repeated() {
    let values = [
        "8675309123",
        "-8675309123",
        "8675309123.5",
        "0x8675309123",
        "[8675309123]",
        "[\"hunter2\"]",
        "\"hunter2\"",
        "{ secret = 8675309123 }",
        "{ secret = \"hunter2\" }",
        "{ secret = \"HUNTER2\" }",
        "{ secret = \"KNOWN\", local = 8675309123 }",
        "{ secret = \"LOST\", local = [\"hunter2\"] }",
        "{ secret = [\"hunter2\"] }",
        "{ local = \"hunter2\" }",
        "{ secret = \"LOST\", hunter = \"hunter2\" }",
        "{ secret = \"t0ken\" }",
        "8675-03-09",
        "hunter2",
        "8675309123999999999999",
        "8675309123x",
        "'hunter2",
        "\"hunter2\\q\"",
        "\"hunter2\" 1",
    ];
    let mut seen = 0;
    for (engine, key, rest) in secret_keys() {
        for value in values {
            for place in [Place::Local, Place::Deployed] {
                let text = backend(engine, &format!("{rest}{key} = {value}"));
                for fault in faults(place, &text) {
                    let fault = fault.to_string();
                    seen += 1;
                    for secret in ["hunter2", "HUNTER2", "86753", "8675", "t0ken"] {
                        assert!(!fault.contains(secret), "{key} = {value}: {fault}");
                    }
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn a_secret_that_nobody_knows_is_named_where_it_looks_like_a_name() {
    let problem = |value: &str| {
        let text =
            backend("httptester", "").replace("[backends", &format!("[send]\ntoken = {value}\n[backends"));
        faults(Place::Deployed, &text).into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>()
    };
    let lost = "is neither in the environment nor in the deployed secret";
    assert_eq!(problem("{ secret = \"SEND_TOKEN_2\" }"), [format!("send.token.secret: SEND_TOKEN_2 {lost}")]);
    let other = problem("{ secret = \"aB3-xyz\" }");
    assert!(other[0].starts_with(&format!("send.token.secret: {lost}")), "{other:?}");
}

#[test]
fn a_password_in_a_url_is_not_repeated() {
    let urls = [
        "http://user:hunter2@k.example:x/",
        "http://user:hunter2@k.example/?password=hunter2",
        "ftp://user:hunter2@k.example/?text=1",
        "//user:hunter2@k.example",
        "http://user:hunter2@/",
        "user:hunter2@k.example",
        "http://k.example/?password=hunter2&to=1&text=2",
        "http://k.example/#hunter2",
        "http://user:hunter2@%(identity)s/%(hunter2)s",
    ];
    for url in urls {
        for (engine, key) in
            [("kannel", "sendsms_url"), ("kannel", "delivery_report_url"), ("http", "outgoing_url")]
        {
            for place in [Place::Local, Place::Deployed] {
                for fault in faults(place, &backend(engine, &format!("{key} = \"{url}\""))) {
                    assert!(!fault.to_string().contains("hunter2"), "{key} = {url}: {fault}");
                }
            }
        }
    }
}

#[test]
fn a_number_that_is_out_of_range_is_told_unless_it_may_be_a_secret() {
    let text = "[project]\nname = \"T\"\nphase_timeout_seconds = 86753";
    assert_eq!(faults(Place::Local, text)[0].problem, "must be a whole number from 1 to 18, not 86753");
    let engines = Engines::standard().with("own", |fields| {
        fields.number("pin", 0..=9);
        None
    });
    let text = "[project]\nname = \"T\"\n[backends.b]\nengine = \"own\"\npin = 86753";
    let problem = Settings::read(text, &engines, &Surroundings::local(&[])).err().unwrap();
    assert_eq!(problem.0[0].to_string(), "backends.b.pin: must be a whole number from 0 to 9, not a number");
}

#[test]
fn a_key_without_letters_has_a_name_in_its_fault() {
    let text = format!("\"\" = 1\n{}", backend("kannel", "\"\" = 2\nsendsms_url = \"http://k/\""));
    let found = faults(Place::Local, &text);
    let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["\"\"", "backends.b.\"\""]);
}

#[test]
fn a_secret_does_not_show_in_debug() {
    let params = [Param::Plain("hunter2".to_owned()), Param::Secret(Secret::new("hunter2"))];
    assert_eq!(format!("{params:?}"), "[Plain(…), Secret(…)]");
}

#[test]
fn the_secrets_of_a_backend_are_known_wherever_they_stand_in_its_table() {
    let text = backend(
        "kannel",
        "sendsms_url = \"http://user:pa%20ss@k/?password=hunter2&smsc=a\"\ntoken = { secret = \"KNOWN\" }\n\
         sendsms_params = { from = \"1234\", pass = \"hunter3\" }",
    );
    let surroundings = Surroundings::local(&[("KNOWN", "t0ken")]);
    let settings = Settings::read(&text, &Engines::standard(), &surroundings).unwrap();
    let backend = settings.backends.into_values().next().unwrap();
    let mut secrets: Vec<&str> = backend.backend.1.iter().map(Secret::reveal).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["hunter2", "hunter3", "pa ss", "t0ken"]);
}
