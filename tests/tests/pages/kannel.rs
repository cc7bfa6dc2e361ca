//! The commands of `infra/kannel/README.md`.

use std::collections::BTreeSet;
use std::fs;

use super::covered::held_by;
use super::page::{prose, read, spans, tables};
use super::programs::Programs;

const CONF: &str = "infra/kannel/kannel.conf";

/// Runs a command of the page, and returns its status and its output.
fn run(programs: &Programs, line: &str) -> (Option<i32>, String) {
    let output = programs.shell(line).unwrap().output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(problem, "", "{line}");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The commands need root, so that nothing runs them here.
#[test]
fn the_folders_are_those_of_the_file() {
    for block in held_by("kannel", "the_folders_are_those_of_the_file") {
        let conf = read(CONF);
        let value = |name: &str| {
            let line = conf.lines().find(|line| line.starts_with(name)).unwrap();
            line.split('"').nth(1).unwrap().to_owned()
        };
        let folders: BTreeSet<&str> =
            block.text.split_whitespace().filter(|word| word.starts_with("/var/")).collect();
        let wanted = [value("store-location"), value("dlr-spool")];
        let parents: Vec<&str> = wanted.iter().map(|folder| folder.rsplit_once('/').unwrap().0).collect();
        assert_eq!(folders, wanted.iter().map(String::as_str).chain(parents).collect());
        let packages = block.first().strip_prefix("sudo apt install ").unwrap();
        assert!(packages.split(' ').any(|package| package == "kannel"), "{packages}");
        assert!(read("tests/run").contains("missing+=(kannel)"), "the tests install another package");
    }
}

#[test]
fn the_commands_write_the_files() {
    let programs = Programs::new().unwrap();
    let mut written = Vec::new();
    for block in held_by("kannel", "the_commands_write_the_files") {
        for (at, line) in block.text.lines().enumerate() {
            // The page leaves out a URL and a folder.
            let folder = format!("written-{at}");
            let typed = line.replace("https://…", "https://api.threadless.test").replace("DIR", &folder);
            let (status, shown) = run(&programs, &typed);
            assert_eq!(status, Some(0), "{line}");
            let Ok(files) = fs::read_dir(programs.folder().join(&folder)) else {
                assert_eq!(shown, read(CONF), "{line}");
                continue;
            };
            let files: BTreeSet<String> =
                files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            let listed: BTreeSet<String> = shown.lines().map(str::to_owned).collect();
            assert_eq!(listed, files.iter().map(|file| format!("{folder}/{file}")).collect());
            for file in &files {
                let text = fs::read_to_string(programs.folder().join(&folder).join(file)).unwrap();
                assert!(file == "kannel.conf" || text.contains("api.threadless.test"), "{line}: {file}");
            }
            written.push(files.into_iter().collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(written, ["haproxy.cfg kannel.conf", "kannel.conf nginx.conf"]);
}

/// Writes the shipped `kannel.conf` into the folder of the shell, with folders that exist.
fn installed(programs: &Programs) -> String {
    let spool = programs.folder().join("spool");
    for folder in ["store", "dlr"] {
        fs::create_dir_all(spool.join(folder)).unwrap();
    }
    let conf = read(CONF).replace("/var/spool/kannel", spool.to_str().unwrap());
    fs::write(programs.folder().join("kannel.conf"), &conf).unwrap();
    conf
}

#[test]
fn the_commands_check_a_file() {
    let programs = Programs::new().unwrap();
    let conf = installed(&programs);
    let mut lines = 0;
    for block in held_by("kannel", "the_commands_check_a_file") {
        for line in block.text.lines() {
            lines += 1;
            let typed = line.replace("/etc/kannel/kannel.conf", "kannel.conf");
            let (status, shown) = run(&programs, &typed);
            assert_eq!(status, Some(0), "{line}: {shown}");
            if line.contains("--list") {
                assert!(shown.contains("words-of-text (fault)\n"), "{shown}");
                continue;
            }
            assert_eq!(shown, "faults: 0, advice: 0\n", "{line}");
            // The same command finds a fault.
            fs::write(programs.folder().join("kannel.conf"), conf.replace("hex=%e", "text=%a")).unwrap();
            let (status, shown) = run(&programs, &typed);
            assert!(status == Some(1) && shown.contains("[words-of-text]"), "{line}: {shown}");
            fs::write(programs.folder().join("kannel.conf"), &conf).unwrap();
        }
    }
    assert_eq!(lines, 3);
}

/// The example of the page is the shipped file with `%a` in the place of `%e`.
#[test]
fn the_fault_is_shown_as_on_the_page() {
    let programs = Programs::new().unwrap();
    for block in held_by("kannel", "the_fault_is_shown_as_on_the_page") {
        let conf = installed(&programs).replace("hex=%e", "text=%a");
        fs::write(programs.folder().join("kannel.conf"), conf).unwrap();
        let (status, shown) = run(&programs, "cargo run -- kannel-check kannel.conf");
        assert_eq!(status, Some(1), "{shown}");
        assert!(shown.contains(&block.text), "the program prints\n{shown}");
    }
}

/// The table that explains the settings of Kannel and of the sidecar.
#[test]
fn the_explained_settings_are_those_of_the_files() {
    let table = tables(&prose("infra/kannel/README.md")).into_iter().find(|table| table.head[0] == "setting");
    let files = [read(CONF), read("infra/kannel/haproxy.cfg")].concat();
    let settings: Vec<String> = table.unwrap().rows.iter().flat_map(|row| spans(&row[0])).collect();
    assert!(settings.len() > 8, "{settings:?}");
    for setting in settings {
        // `maxconn 10` is not in `maxconn 1000`.
        let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
        let is_there = files.split(&setting).skip(1).any(ends);
        assert!(is_there, "neither kannel.conf nor haproxy.cfg has {setting}");
    }
}
