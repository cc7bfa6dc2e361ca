//! The guide for people who know RapidSMS, and the picture in `core/ARCHITECTURE.md`.

use tests::tools::top;

use super::covered::held_by;
use super::page::{all_blocks, prose, read, spans};

#[test]
fn the_rust_app_is_a_doctest() {
    for block in held_by("guide", "the_rust_app_is_a_doctest") {
        // With another word after the fence, rustdoc might not run the block.
        assert_eq!(block.language, "rust");
        assert!(block.text.contains("bench.transcript("), "{}", block.text);
        // `cargo test` runs the blocks of each page that is the rustdoc of a module.
        let (folder, page) = block.page.split_once('/').unwrap();
        let included = format!("#[doc = include_str!(\"../{page}\")]\npub mod ");
        assert!(read(&format!("{folder}/src/lib.rs")).contains(&included), "{}", block.page);
    }
}

#[test]
fn the_page_of_the_package_is_a_doctest() {
    for block in held_by("guide", "the_page_of_the_package_is_a_doctest") {
        assert_eq!(block.language, "rust");
        assert!(
            block.text.contains("async fn main()") && block.text.contains("bench.transcript("),
            "{}",
            block.text
        );
        let (folder, page) = block.page.split_once('/').unwrap();
        let included = format!("#[cfg(doctest)]\n#[doc = include_str!(\"../{page}\")]\n");
        assert!(read(&format!("{folder}/src/lib.rs")).contains(&included), "{}", block.page);
    }
}

/// Nothing runs the app in Python, because RapidSMS is not installed. Its words are those of the app in Rust, which runs.
#[test]
fn both_apps_say_the_same() {
    for block in held_by("guide", "both_apps_say_the_same") {
        assert_eq!(block.language, "python");
        let other = all_blocks().into_iter().find(|other| {
            other.page == block.page && other.heading == block.heading && other.language == "rust"
        });
        let rust = other.unwrap().text.replace("{}", "%s");
        let texts: Vec<&str> = block.text.split('"').skip(1).step_by(2).collect();
        assert_eq!(texts.len(), 3, "the keyword, the help and the reply: {texts:?}");
        for text in texts {
            assert!(rust.contains(&format!("\"{text}\"")), "the app in Rust has no {text:?}");
        }
    }
}

/// Returns whether a path exists that a page names from the folder of the core.
fn exists(path: &str) -> bool {
    let places = ["core/src", "core", "", "core/src/pipeline", "core/src/backend/kannel"];
    places.iter().any(|place| top().join(place).join(path).exists())
}

fn is_path(word: &str) -> bool {
    let named = word.trim_end_matches(".rs").trim_end_matches('/');
    named.len() < word.len()
        && !word.starts_with('/')
        && named.chars().all(|char| char.is_ascii_lowercase() || matches!(char, '_' | '/' | '-'))
}

#[test]
fn the_files_of_the_picture_exist() {
    for block in held_by("guide", "the_files_of_the_picture_exist") {
        let words = block.text.split([' ', '\n', ',', '(', ')']).filter(|word| is_path(word));
        let words: Vec<&str> = words.collect();
        assert!(words.len() > 12, "{words:?}");
        for word in words {
            assert!(exists(word), "{}: there is no {word}", block.page);
        }
    }
    assert!(!exists("pipeline/no_such.rs"));
}

#[test]
fn the_files_that_the_architecture_names_exist() {
    let page = "core/ARCHITECTURE.md";
    let paths: Vec<String> = spans(&prose(page)).into_iter().filter(|span| is_path(span)).collect();
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        assert!(exists(&path), "{page}: there is no {path}");
    }
}
