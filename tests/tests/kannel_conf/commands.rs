//! The command lines as a user types them: their output and their exit status.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `cargo run -- …` in an otherwise empty environment.
pub(crate) fn run(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.args(args).env_clear().envs(env.iter().copied()).current_dir(folder);
    command.output().unwrap()
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const SHIPPED: &str = include_str!("../../../infra/kannel/kannel.conf");

#[test]
fn without_a_url_kannel_is_set_up_for_the_local_stack() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(texts(&run(dir.path(), &["kannel-conf"], &[])), (Some(0), SHIPPED.to_owned(), String::new()));
    let (status, text, _) = texts(&run(dir.path(), &["--port", "9000", "kannel-conf"], &[]));
    assert_eq!((status, text), (Some(0), SHIPPED.replace(":8000/", ":9000/")));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "and nothing was made");
}

#[test]
fn several_files_are_shown_apart_or_written_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let url = ["kannel-conf", "--base-url", "https://api.threadless.test"];
    for (sidecar, name) in [("haproxy", "haproxy.cfg"), ("nginx", "nginx.conf")] {
        let args = [&url[..], &["--sidecar", sidecar, "--resolver", "10.0.0.2"]].concat();
        let (status, shown, stderr) = texts(&run(dir.path(), &args, &[]));
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        let (conf, cfg) = shown
            .strip_prefix("# ======== kannel.conf\n")
            .unwrap()
            .split_once(&format!("# ======== {name}\n"))
            .unwrap();
        let args = [&args[..], &["--output", sidecar]].concat();
        let (status, listed, _) = texts(&run(dir.path(), &args, &[]));
        assert_eq!((status, listed), (Some(0), format!("{sidecar}/kannel.conf\n{sidecar}/{name}\n")));
        for (name, expected) in [("kannel.conf", conf), (name, cfg)] {
            let file = dir.path().join(sidecar).join(name);
            assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), expected.trim_end());
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let (status, _, stderr) = texts(&run(dir.path(), &args, &[]));
        let expected =
            format!("threadless: {sidecar}/kannel.conf cannot be written: File exists (os error 17)\n");
        assert_eq!((status, stderr), (Some(2), expected), "what is there is not written over");
    }
}

#[test]
fn the_exit_status_of_the_check_tells_scripts() {
    let dir = tempfile::tempdir().unwrap();
    let conf = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    conf("clean", SHIPPED);
    conf("advice", &SHIPPED.replace("log-level = 1", "log-level = 0"));
    conf("faulty", &SHIPPED.replace("http-request-retry = 8640", "http-request-retry = 0"));
    conf("settings", &functions::SETTINGS.replace("usb0-modem", "other"));
    conf("bad", "[project]\nnaem = \"x\"");
    std::fs::write(dir.path().join("garbage"), [0, 159, 146, 150]).unwrap();
    let table: [(&[&str], i32, &str, &str); 11] = [
        (&["clean"], 0, "faults: 0, advice: 0\n", ""),
        (&["clean", "--strict"], 0, "faults: 0, advice: 0\n", ""),
        (&["advice"], 0, "faults: 0, advice: 1\n", ""),
        (&["advice", "--strict"], 1, "faults: 0, advice: 1\n", ""),
        (&["faulty"], 1, "faulty:73: fault: http-request-retry = 0 [no-retry]\n", ""),
        (&["faulty", "--json"], 1, "\"check\": \"no-retry\"", ""),
        (&["clean", "--settings", "settings"], 1, "[not-routable]", ""),
        (&["clean", "--settings", "bad"], 2, "", "threadless: bad: the settings have 2 faults: "),
        (&["missing"], 2, "", "threadless: missing cannot be read: No such file or directory"),
        (
            &["garbage"],
            2,
            "",
            "threadless: garbage:1: the line contains a zero byte, so this is not a kannel.conf\n",
        ),
        (&["--list"], 0, "words-of-text (fault)\n", ""),
    ];
    for (args, expected, out, err) in table {
        let (status, stdout, stderr) = texts(&run(dir.path(), &[&["kannel-check"], args].concat(), &[]));
        assert_eq!(status, Some(expected), "{args:?} {stdout} {stderr}");
        assert!(stdout.contains(out) && stderr.starts_with(err), "{args:?} {stdout} {stderr}");
        assert!(err.is_empty() == stderr.is_empty() && stderr.lines().count() <= 1, "{args:?} {stderr}");
    }
}

#[test]
fn what_cannot_be_written_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let table: [(&[&str], &str); 4] = [
        (&["--base-url", "http://kannel.example"], "messages would cross the network unencrypted"),
        (&["--backend", "nobody"], "there is no kannel backend nobody"),
        (&["--settings", "missing"], "the settings in missing cannot be read"),
        (&["--output", "/proc/no/such"], "/proc/no/such cannot be written"),
    ];
    for (args, expected) in table {
        let (status, stdout, stderr) = texts(&run(dir.path(), &[&["kannel-conf"], args].concat(), &[]));
        assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}
