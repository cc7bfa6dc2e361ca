//! Compares the pages with the templates of CloudFormation: parameters, outputs and alarms.

use std::collections::BTreeSet;

use serde_yaml_ng::Value as Yaml;
use threadless::metrics::{Event, Timing};

use super::commands::{Commands, commands, words};
use super::page::{prose, read, spans, tables};

/// Returns the names in one section of a template.
fn names(file: &str, section: &str) -> BTreeSet<String> {
    let yaml: Yaml = serde_yaml_ng::from_str(&read(file)).unwrap();
    let section = yaml[section].as_mapping().unwrap();
    section.keys().filter_map(Yaml::as_str).map(str::to_owned).collect()
}

/// The shell functions of `infra/README.md` that print an output, each with its template.
const PRINTS: [(&str, &str); 3] =
    [("output", "template.yaml"), ("network", "infra/network.yaml"), ("data", "infra/data.yaml")];

/// Returns the outputs and parameters that a command names, each with its template and its section.
fn named(line: &str) -> Vec<(&'static str, &'static str, String)> {
    let mut named = Vec::new();
    for (function, file) in PRINTS {
        let starts = [format!("$({function} "), format!("\"{function} ")];
        let begins = line.strip_prefix(&format!("{function} "));
        let within = starts.iter().flat_map(|start| line.split(start.as_str()).skip(1));
        for rest in begins.into_iter().chain(within) {
            let name: String = rest.chars().take_while(|char| char.is_alphanumeric()).collect();
            named.push((file, "Outputs", name));
        }
    }
    if let Some((before, rest)) = line.split_once("--parameter-overrides ") {
        let file = if before.contains("infra/network.yaml") { "infra/network.yaml" } else { "template.yaml" };
        let parameters = words(rest).into_iter().take_while(|word| !word.starts_with('-'));
        named.extend(parameters.filter_map(|word| {
            let (name, _) = word.split_once('=')?;
            Some((file, "Parameters", name.to_owned()))
        }));
    }
    named
}

#[test]
fn the_parameters_and_outputs_of_the_templates_exist() {
    let mut count = 0;
    for Commands { page, lines } in commands() {
        for (file, section, name) in lines.iter().flat_map(|line| named(line)) {
            count += 1;
            assert!(names(file, section).contains(&name), "{page}: {file} has no {name} in {section}");
        }
    }
    assert!(count > 25, "{count}");
    let found = named("sam deploy --parameter-overrides A=\"$(network B)\" C=d --x e=f");
    let expected = [("infra/network.yaml", "Outputs", "B"), ("template.yaml", "Parameters", "A")];
    assert_eq!(
        found.iter().map(|(file, section, name)| (*file, *section, name.as_str())).collect::<Vec<_>>(),
        [expected[0], expected[1], ("template.yaml", "Parameters", "C")]
    );
}

const TEMPLATES: [&str; 3] = ["template.yaml", "infra/network.yaml", "infra/data.yaml"];

/// Returns the words of the templates.
fn tokens() -> BTreeSet<String> {
    let text: String = TEMPLATES.map(read).concat();
    text.split(|char: char| !char.is_alphanumeric()).map(str::to_owned).collect()
}

/// A call of SQS that the page explains, although no template has it.
const OF_AWS: [&str; 1] = ["StartMessageMoveTask"];

#[test]
fn the_names_in_the_prose_are_those_of_the_templates() {
    let (mut tokens, mut count) = (tokens(), 0);
    // The metrics that the alarms do not use.
    tokens.extend(Event::ALL.map(|event| event.name().to_owned()));
    tokens.extend(Timing::ALL.map(|timing| timing.name().to_owned()));
    tokens.extend(["Waiting", "Backend", "App", "Phase"].map(str::to_owned));
    for span in spans(&prose("infra/README.md")) {
        let name = span.split('=').next().unwrap_or_default().trim_start_matches('…');
        let is_name = name.starts_with(|char: char| char.is_ascii_uppercase())
            && name.chars().any(|char| char.is_ascii_lowercase())
            && name.chars().all(char::is_alphanumeric);
        if is_name && !OF_AWS.contains(&name) {
            count += 1;
            let alarm = tokens.iter().any(|token| token.ends_with(&format!("{name}Alarm")));
            assert!(alarm || tokens.contains(name), "infra/README.md: no template has {name}");
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_alarm_is_in_the_table() {
    let table = tables(&prose("infra/README.md")).into_iter().find(|table| table.head[0] == "alarm");
    let rows: Vec<String> = table.unwrap().rows.iter().map(|row| spans(&row[0]).remove(0)).collect();
    let yaml: Yaml = serde_yaml_ng::from_str(&read("template.yaml")).unwrap();
    let resources = yaml["Resources"].as_mapping().unwrap();
    let alarms = resources.iter().filter(|(_, one)| one["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    let alarms: Vec<&str> =
        alarms.map(|(id, _)| id.as_str().unwrap().strip_suffix("Alarm").unwrap()).collect();
    let means = |row: &str, alarm: &str| match row.strip_prefix('…') {
        Some(end) => alarm.ends_with(end),
        None => alarm == row,
    };
    for alarm in &alarms {
        assert_eq!(
            rows.iter().filter(|row| means(row, alarm)).count(),
            1,
            "infra/README.md has no row for {alarm}"
        );
    }
    for row in &rows {
        assert!(alarms.iter().any(|alarm| means(row, alarm)), "template.yaml has no alarm {row}");
    }
}
