//! The compiler's messages for the most common mistakes in writing an app. Each file in `ui/` has one mistake, and its
//! `//says` lines hold texts that the compiler's answer must contain.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Returns rustc's messages for a file that uses this library, or an empty text if there are none.
fn compile(file: &Path) -> String {
    // This is the library as it was built for this test, or later. It is in the same folder as the test, with its
    // dependencies.
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap();
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libthreadless-") && name.ends_with(".rlib")
    };
    let made =
        |path: &PathBuf| path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let libraries = fs::read_dir(built).unwrap().map(|entry| entry.unwrap().path());
    let library = libraries.filter(is_library).max_by_key(made).expect("the library is beside this test");

    // The compiler of this toolchain is in the same folder as its cargo.
    let beside = std::env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustc"));
    let rustc = beside.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from("rustc"));
    let output = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
            "--color",
            "never",
            "--cap-lints",
            "allow",
        ])
        .arg("--out-dir")
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg("-L")
        .arg(format!("dependency={}", built.display()))
        .arg("--extern")
        .arg(format!("threadless={}", library.display()))
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{}: {said}", file.display());
    said
}

/// Compares the expected messages of a file with the real ones.
fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui").join(name).with_extension("rs");
    let text = fs::read_to_string(&file).unwrap();
    let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//says ")).collect();
    let said = compile(&file);
    if expected.is_empty() {
        assert_eq!(said, "", "{name}");
    }
    for part in expected {
        assert!(said.contains(part), "{name}: the compiler does not say\n  {part}\nbut\n{said}");
    }
}

#[test]
fn what_has_no_mistake_compiles() {
    check("right");
}

#[test]
fn a_handler_that_returns_no_reply_is_told_what_is_one() {
    check("no_reply");
}

#[test]
fn what_is_no_app_is_told_how_to_become_one() {
    check("no_app");
}

#[test]
fn what_is_no_conversation_is_told_what_is_one() {
    check("no_conversation");
}

#[test]
fn what_cannot_change_threads_is_named() {
    check("not_send");
}

#[test]
fn a_handler_that_is_no_async_function_of_what_was_said_is_told_so() {
    check("not_async");
}
