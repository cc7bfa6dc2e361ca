//! The list of all fenced blocks of the pages, each with the test that holds it to the code.

use super::page::{Block, all_blocks, read};

/// The test that holds a block to the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// A test of this folder: the file and the function. The test takes its blocks from [`held_by`].
    Here(&'static str, &'static str),
    /// A test elsewhere, which reads the block from the page: the file and the function.
    There(&'static str, &'static str),
    /// Only the text of the commands is checked, as for every block of commands. The reason why nothing runs them.
    Checked(&'static str),
}

use Held::{Checked, Here, There};

/// The test that types every block of `infra/README.md`.
const DEPLOYED: Held = There(
    "tests/tests/deployed/main.rs",
    "the_page_leads_from_a_clone_to_a_phone_that_gets_an_answer_and_back",
);
/// The test that follows the README of a new project.
const NEW: Held = There(
    "tests/tests/new_project.rs",
    "a_project_is_built_from_the_packed_crates_answers_grows_and_is_upgraded",
);
/// The test that starts a backend with the settings of each page.
const PRESET: Held =
    There("core/src/backend/http/tests/provider.rs", "every_preset_starts_with_what_its_page_says");
const SHIPPED: Held = There("tests/tests/end_to_end/shipped.rs", "the_shipped_configurations_fit_together");

/// Page, heading, first line of the block, and its test.
const COVERED: [(&str, &str, &str, Held); 55] = [
    ("README.md", "Try it", "cargo run", Here("readme", "the_first_hour_goes_as_the_page_says")),
    (
        "README.md",
        "Try it",
        "curl 'http://127.0.0.1:8000/",
        Here("readme", "the_first_hour_goes_as_the_page_says"),
    ),
    (
        "README.md",
        "Write an app and test it",
        "use threadless::",
        Here("readme", "the_app_is_that_of_the_page"),
    ),
    (
        "README.md",
        "Write an app and test it",
        "        .app(keyword",
        Here("readme", "the_app_is_that_of_the_page"),
    ),
    (
        "README.md",
        "Write an app and test it",
        "1112223333 >",
        Here("readme", "the_phone_shows_what_the_page_says"),
    ),
    (
        "README.md",
        "Write an app and test it",
        "cargo test -p tests --test transcripts hours",
        Checked("it would build the tests again; the test of the transcript above plays the same four ways"),
    ),
    (
        "README.md",
        "Write an app and test it",
        "#[tokio::test]",
        Here("readme", "the_app_is_that_of_the_page"),
    ),
    ("README.md", "A project of your own", "cargo run -- new", Here("readme", "the_page_makes_a_project")),
    (
        "docs/broadcasts.md",
        "Broadcasts and scheduled messages",
        "curl http://127.0.0.1:8000/send",
        Here("readme", "the_first_hour_goes_as_the_page_says"),
    ),
    ("infra/README.md", "Secrets", "KANNEL_TOKEN=", DEPLOYED),
    ("infra/README.md", "Deploy", "sam build", DEPLOYED),
    ("infra/README.md", "First message", "TOKEN=", DEPLOYED),
    ("infra/README.md", "Watch", "sam logs", DEPLOYED),
    ("infra/README.md", "Dead letters", "cargo run -- redrive", DEPLOYED),
    ("infra/README.md", "Update", "sam build", DEPLOYED),
    ("infra/README.md", "Update", "VERSION=", DEPLOYED),
    ("infra/README.md", "The message tester", "SECRET=", DEPLOYED),
    ("infra/README.md", "A private network", "LIST=", DEPLOYED),
    ("infra/README.md", "Without SAM", "aws cloudformation deploy", DEPLOYED),
    ("infra/README.md", "Without SAM", "aws lambda create-event-source-mapping", DEPLOYED),
    ("infra/README.md", "Tear down", "TABLE=", DEPLOYED),
    (
        "infra/kannel/README.md",
        "On your own machine",
        "sudo apt install kannel",
        Here("kannel", "the_folders_are_those_of_the_file"),
    ),
    (
        "tests/RELIABILITY.md",
        "Mutation",
        "cargo mutants",
        Checked("it builds the core once for each change, which takes hours"),
    ),
    ("infra/local/new/README.md", "@name@", "cargo run     #", NEW),
    ("infra/local/new/README.md", "@name@", "1112223333 > hours", NEW),
    (
        "core/README.md",
        "threadless",
        "use threadless::apps",
        Here("guide", "the_page_of_the_package_is_a_doctest"),
    ),
    ("infra/kannel/README.md", "On your own machine", "bearerbox -v 1", SHIPPED),
    ("infra/kannel/README.md", "On your own machine", "1112223333 1234 text", SHIPPED),
    (
        "infra/kannel/README.md",
        "Write kannel.conf and the sidecar",
        "cargo run -- kannel-conf",
        Here("kannel", "the_commands_write_the_files"),
    ),
    (
        "infra/kannel/README.md",
        "Check a kannel.conf",
        "cargo run -- kannel-check",
        Here("kannel", "the_commands_check_a_file"),
    ),
    (
        "infra/kannel/README.md",
        "Check a kannel.conf",
        "kannel.conf:99: fault:",
        Here("kannel", "the_fault_is_shown_as_on_the_page"),
    ),
    (
        "docs/settings.md",
        "Run single Lambda functions locally",
        "cargo lambda watch",
        There("tests/tests/cargo_lambda.rs", "functions_answer_under_cargo_lambda"),
    ),
    (
        "core/docs/coming-from-rapidsms.md",
        "The same app",
        "class ReportHandler",
        Here("guide", "both_apps_say_the_same"),
    ),
    (
        "core/docs/coming-from-rapidsms.md",
        "The same app",
        "use threadless::Router;",
        Here("guide", "the_rust_app_is_a_doctest"),
    ),
    (
        "core/ARCHITECTURE.md",
        "The rooms",
        "request ─> endpoint",
        Here("guide", "the_files_of_the_picture_exist"),
    ),
    ("docs/providers/46elks.md", "46elks", "[backends.NAME]", PRESET),
    ("docs/providers/africas-talking.md", "Africa's Talking", "[backends.NAME]", PRESET),
    ("docs/providers/android-sms-gateway.md", "SMS Gateway for Android", "[backends.NAME]", PRESET),
    ("docs/providers/clickatell.md", "Clickatell", "[backends.NAME]", PRESET),
    ("docs/providers/httpsms.md", "httpSMS", "[backends.NAME]", PRESET),
    ("docs/providers/infobip.md", "Infobip", "[backends.NAME]", PRESET),
    ("docs/providers/jasmin.md", "Jasmin", "[backends.NAME]", PRESET),
    ("docs/providers/rapidpro.md", "Gateways for RapidPro's external channel", "[backends.NAME]", PRESET),
    ("docs/providers/smssync.md", "SMSsync", "[backends.NAME]", PRESET),
    ("docs/providers/telerivet.md", "Telerivet", "[backends.NAME]", PRESET),
    ("docs/providers/twilio.md", "Twilio", "[backends.NAME]", PRESET),
    ("docs/providers/vonage.md", "Vonage", "[backends.NAME]", PRESET),
    (
        "infra/runbooks/replies-stay-away.md",
        "Replies stay away",
        "aws cloudwatch",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/replies-stay-away.md",
        "Replies stay away",
        "cargo run -- status",
        Here("runbooks", "the_state_of_a_local_stack_is_shown"),
    ),
    (
        "infra/runbooks/dead-letters.md",
        "Dead letters",
        "sam logs",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/dead-letters.md",
        "Dead letters",
        "cargo run -- redrive",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/rotating-secrets.md",
        "Rotating secrets",
        "SECRET=",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/rotating-secrets.md",
        "Rotating secrets",
        "VERSION=",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/provider-down.md",
        "A provider is down",
        "sam logs",
        Here("runbooks", "the_commands_of_aws_are_those_of_the_guide"),
    ),
    (
        "infra/runbooks/provider-down.md",
        "A provider is down",
        "cargo run -- status",
        Here("runbooks", "the_state_of_a_local_stack_is_shown"),
    ),
];

/// Returns the entries of a block. There must be one.
fn entries(block: &Block) -> Vec<usize> {
    let fits = |(page, heading, first, _): &(&str, &str, &str, Held)| {
        block.page == *page && block.heading == *heading && block.first().starts_with(first)
    };
    (0..COVERED.len()).filter(|at| fits(&COVERED[*at])).collect()
}

/// Returns the blocks that a test of this folder holds to the code, in the order of the pages.
///
/// # Panics
/// There are none.
pub(crate) fn held_by(file: &'static str, test: &'static str) -> Vec<Block> {
    let mut blocks = all_blocks();
    blocks.retain(|block| entries(block).iter().any(|at| COVERED[*at].3 == Here(file, test)));
    assert!(!blocks.is_empty(), "{file}::{test} holds no block");
    blocks
}

/// The languages of blocks. Every `sh` block is also checked by `commands.rs`, so commands have no other language.
const LANGUAGES: [&str; 5] = ["python", "rust", "sh", "text", "toml"];

#[test]
fn every_block_has_its_test_and_every_test_its_block() {
    let mut count = [0; COVERED.len()];
    for block in all_blocks() {
        assert!(LANGUAGES.contains(&block.language.as_str()), "nothing knows this language: {block:#?}");
        let entries = entries(&block);
        assert_eq!(entries.len(), 1, "not held to the code by exactly one test: {block:#?}");
        count[entries[0]] += 1;
    }
    for (count, entry) in count.into_iter().zip(COVERED) {
        assert_eq!(count, 1, "not the entry of exactly one block: {entry:?}");
    }
}

#[test]
fn every_test_of_the_list_exists_and_reads_the_page() {
    for (page, heading, first, held) in COVERED {
        let (file, test) = match held {
            Here(file, test) => (format!("tests/tests/pages/{file}.rs"), test),
            There(file, test) => (file.to_owned(), test),
            Checked(why) => {
                assert!(!why.is_empty(), "{page}: {first}");
                continue;
            }
        };
        let source = read(&file);
        let is_test = |text: &str| {
            let attributes = text.rsplit("\n\n").next().unwrap_or_default();
            attributes.contains("#[test]") || attributes.contains("#[tokio::test")
        };
        let found = source.split_once(&format!("fn {test}(")).is_some_and(|(before, _)| is_test(before));
        assert!(found, "{file} has no test {test}");
        match held {
            Here(file, test) => {
                let taken = format!("held_by(\"{file}\", \"{test}\")");
                assert!(source.contains(&taken), "{file} does not take the blocks of {test}");
            }
            DEPLOYED => {
                let typed = read("tests/tests/deployed/page.rs");
                let followed = ["main", "answers", "dead_letters"]
                    .map(|file| read(&format!("tests/tests/deployed/{file}.rs")));
                assert!(typed.contains(page), "tests/tests/deployed/page.rs does not read {page}");
                let follow = format!("follow(\"{heading}\")");
                assert!(followed.iter().any(|source| source.contains(&follow)), "no test types {heading:?}");
            }
            There(..) => assert!(source.contains(page), "{file} does not read {page}"),
            Checked(_) => {}
        }
    }
}
