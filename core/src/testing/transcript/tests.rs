//! Tests of how transcripts are read, and of the failures that they show.

use proptest::prelude::*;

use super::{escape, *};
use crate::apps::Echo;
use crate::testing::{Behaviour, Bench};
use crate::{App, AppError, Context, Handled, Router};

/// An app that answers each line of a message with one reply.
struct Lines;

impl App for Lines {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        for line in cx.text().to_owned().lines() {
            cx.reply(line);
        }
        Ok(Handled::Yes)
    }
}

fn said(source: &str) -> Vec<(Option<String>, String, String)> {
    let transcript: Transcript = source.parse().unwrap();
    let lines = transcript.steps.iter().filter_map(Step::line_of);
    lines
        .map(|line| {
            let backend = line.backend.as_ref().map(ToString::to_string);
            (backend, line.number.as_str().to_owned(), line.text.clone())
        })
        .collect()
}

#[test]
fn numbers_and_texts_are_read_as_they_are_written() {
    let table = [
        ("1 > a", None, "1", "a"),
        ("1>a", None, "1", "a"),
        ("\t 1\t>\ta \t", None, "1", "a"),
        ("1 >", None, "1", ""),
        ("1 > \\s", None, "1", " "),
        ("1 > \\sa\\s\\s", None, "1", " a  "),
        ("1 > a > b < c # d @ e [f] | g", None, "1", "a > b < c # d @ e [f] | g"),
        ("1 < > a", None, "1", "> a"),
        ("+251911223344 > ሰላም 👋", None, "+251911223344", "ሰላም 👋"),
        ("MTN-INFO > a", None, "MTN-INFO", "a"),
        ("two words > a", None, "two words", "a"),
        ("amina@example.org > a", None, "amina@example.org", "a"),
        ("[kannel-a] 1 > a", Some("kannel-a"), "1", "a"),
        ("[ kannel-a ]1>a", Some("kannel-a"), "1", "a"),
        ("\\[1] > a", None, "[1]", "a"),
        ("\\#1 > a", None, "#1", "a"),
        ("a\\@12 > a", None, "a@12", "a"),
        ("1\\>2 > a", None, "1>2", "a"),
        ("1 > a\\nb\\tc\\r\\\\ \\u{1F44b}\\u{0}", None, "1", "a\nb\tc\r\\ 👋\0"),
        ("1 > a\n  | b\n|\n| \\sc", None, "1", "a\nb\n\n c"),
        ("1 >\n| b", None, "1", "\nb"),
        ("\u{feff}1 > a\r\n", None, "1", "a"),
        ("1 > \u{a0}a\u{3000}", None, "1", "\u{a0}a\u{3000}"),
    ];
    for (source, backend, number, text) in table {
        let expected = (backend.map(str::to_owned), number.to_owned(), text.to_owned());
        assert_eq!(said(source), [expected], "{source:?}");
    }
    assert_eq!(said("\n # 1 > a\n\t\n#"), []);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let long = format!("{} > a", "9".repeat(257));
    let table = [
        ("ping", 1, 1, Problem::NoSign),
        ("1 > a\n\n  pong", 3, 3, Problem::NoSign),
        ("[a] 1", 1, 1, Problem::NoSign),
        ("> a", 1, 1, Problem::NoNumber),
        ("[a] < a", 1, 5, Problem::NoNumber),
        ("@202611250700 > a", 1, 1, Problem::NoNumber),
        (&long, 1, 1, Problem::Number(crate::InvalidName::LongIdentity(257))),
        ("[a 1 > a", 1, 1, Problem::OpenBracket),
        ("[a b] 1 > a", 1, 2, Problem::Backend(crate::InvalidName::Backend("a b".into()))),
        ("[] 1 > a", 1, 2, Problem::Backend(crate::InvalidName::Backend(String::new()))),
        ("ሰላም@2026 > a", 1, 5, Problem::Time("2026".into())),
        ("1@202613250700 > a", 1, 3, Problem::Time("202613250700".into())),
        ("1@202611252460 > a", 1, 3, Problem::Time("202611252460".into())),
        ("@20261125070060", 1, 2, Problem::Time("20261125070060".into())),
        ("1 > ሰላ\\q", 1, 7, Problem::Escape("\\q".into())),
        ("1 > a\\", 1, 6, Problem::Escape("\\".into())),
        ("1 > \\u{d800}", 1, 5, Problem::Escape("\\u".into())),
        ("1 > \\u{1234567}", 1, 5, Problem::Escape("\\u".into())),
        ("1 > a\n| \\ü", 2, 3, Problem::Escape("\\ü".into())),
        ("| a", 1, 1, Problem::NothingToContinue),
        ("1 > a\n\n| a", 3, 1, Problem::NothingToContinue),
        ("@202611250700\n| a", 2, 1, Problem::NothingToContinue),
        (
            "1@202611250700 > a\n2@202611250659 > a",
            2,
            1,
            Problem::Backwards("2026-11-25T07:00:00Z".parse().unwrap()),
        ),
    ];
    for (source, line, column, problem) in table {
        let error = source.parse::<Transcript>().unwrap_err();
        assert_eq!((error.line, error.column, error.problem), (line, column, problem), "{source:?}");
    }
}

#[test]
fn an_error_shows_the_line_with_its_place_marked() {
    let error = Transcript::named("clinic.txt", "# Amina\n\t1 > ሰላ\\q").unwrap_err();
    let expected = "clinic.txt:2:8: \\q has no meaning; write \\\\ for a backslash
    2 | \t1 > ሰላ\\q
      | \t      ^";
    assert_eq!(error.to_string(), expected);
}

proptest! {
    #[test]
    fn no_source_makes_the_parser_panic(source in any::<String>()) {
        if let Err(error) = source.parse::<Transcript>() {
            prop_assert!(error.line >= 1 && error.column >= 1, "{error}");
        }
    }

    #[test]
    fn nor_does_one_of_the_characters_that_mean_something(source in r"([\[\]|@#<>\\nsu{}0-9a \t\r\n]|2026112507){0,60}") {
        if let Ok(transcript) = source.parse::<Transcript>() {
            prop_assert_eq!(&transcript.to_string().parse::<Transcript>().unwrap().to_string(), &transcript.to_string());
        }
    }

    #[test]
    fn any_message_can_be_written(number in "\\PC{1,20}|[#\\[|@<>\\\\ \\t\\n]{1,8}", text in any::<String>()) {
        prop_assume!(number.len() <= Identity::MAX_BYTES);
        let source = format!("[k] {} > {}", escape::number(&number), escape::text(&text));
        prop_assert_eq!(said(&source), [(Some("k".to_owned()), number, text)]);
    }
}

/// Plays the transcript on a bench that answers each line of a message, and returns the result as text.
async fn shown(source: &str) -> String {
    let bench = Bench::with(Router::new().app(Lines)).backend("a").backend("b").build();
    let transcript = Transcript::named("t.txt", source).unwrap();
    bench.play(&transcript).await.map_or_else(|mismatch| format!("{mismatch}\n"), |()| String::new())
}

#[tokio::test]
async fn a_transcript_comes_true_in_any_order_between_numbers() {
    let bench = Bench::with(Router::new().app(Lines)).queued().backend("a").backend("b").build();
    let notices =
        ["1 > one\\ntwo\n1 < one\n1 < two", "[b] 1 > x\n[b] 1 < x", "1 >", "1 > a\\\\nb\n1 < a\\\\nb"];
    for source in notices {
        bench.transcript(source).await;
    }
    bench.notify("1", "first", "n1").await.unwrap();
    bench.notify("2", "second", "n2").await.unwrap();
    bench.transcript("2 < second\n1 < first\n1 > x\n1 < x").await;
}

#[tokio::test]
async fn another_reply_is_shown_beside_what_was_expected() {
    let found = shown("# Amina\n1 > one\\ntwo\n1 < one\n1 < tvo\n\n1 > three\n1 < three\n").await;
    let expected = "t.txt:4: another reply came
    1 | # Amina
    2 | 1 > one\\ntwo
    3 | 1 < one
→   4 | 1 < tvo
      | ^^^^^^^
    5 |
    6 | 1 > three

  expected               actual
  1 < one                1 < one
≠ 1 < tvo                1 < two
       ^                      ^

not played: lines 6 to 7, 2 of them
";
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_missing_reply_is_shown() {
    let found = shown("1 > one\n[b] 1 < one\n1 < one\n  | two").await;
    let expected = "t.txt:2: this reply did not come
    1 | 1 > one
→   2 | [b] 1 < one
      | ^^^^^^^^^^^
    3 | 1 < one
    4 |   | two

  expected               actual
- [b] 1 < one
≠ 1 < one\\ntwo           1 < one
         ^                      ^
";
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_reply_that_nobody_scripted_is_shown() {
    let found = shown("1 > one\\n\\ntwo\\u{200b}\n1 < one\n1 > three").await;
    let expected = "t.txt:2: a reply came that is not in the transcript
    1 | 1 > one\\n\\ntwo\\u{200b}
→   2 | 1 < one
      | ^ below this line
    3 | 1 > three

  expected               actual
  1 < one                1 < one
+                        1 <
+                        1 < two\\u{200b}

not played: line 3
";
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_wrong_order_is_called_so() {
    let found = shown("1 > one\\ntwo\n1 < two\n1 < one").await;
    assert!(found.starts_with("t.txt:2: the replies came in another order\n"), "{found}");
    let found = shown("1 > one\n1 > two\n1 < one\n1 < two").await;
    assert!(found.starts_with("t.txt:1: a reply came that is not in the transcript\n"), "{found}");
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_named() {
    let found = shown("1 > x\n1 < x\n[c] 1 > x").await;
    let expected = "t.txt:3: this message was not accepted: there is no backend c
    1 | 1 > x
    2 | 1 < x
→   3 | [c] 1 > x
      | ^^^^^^^^^
";
    assert_eq!(found, expected);
}

#[tokio::test]
async fn long_replies_stand_one_below_the_other() {
    let text = "x".repeat(70);
    let found = shown(&format!("1 > {text}\n1 < {text}y")).await;
    assert!(found.contains(&format!("≠ expected  1 < {text}y\n    actual  1 < {text}\n")), "{found}");
}

#[tokio::test]
#[should_panic(expected = "core/src/testing/transcript/tests.rs:")]
async fn a_failure_names_the_line_that_plays_the_transcript() {
    Bench::new(Router::new()).transcript("1 > x\n1 < y").await;
}

#[tokio::test]
async fn time_stamps_move_the_clock_and_what_is_due_happens() {
    let source = "1@202611250700 > x\n@202611250702\n1@20261125070230 < x\n@202611260000";
    let bench = Bench::new(Router::new().app(Echo));
    let transcript: Transcript = source.parse().unwrap();
    assert_eq!(bench.play(&transcript).await.unwrap_err().problem, "this reply did not come");

    // A gateway that does not take the first attempt.
    for (stamp, expected) in [
        ("20261125070002", Some("this reply did not come")),
        ("202611250701", None),
        ("202611250702", Some("a reply came at 2026-11-25T07:01:00Z, before its time")),
    ] {
        let bench = Bench::new(Router::new().app(Lines));
        bench.gateway.next([Behaviour::Defer]);
        let source = format!("1@202611250700 > x\n1@{stamp} < x\n@202611250710");
        let played = bench.play(&source.parse().unwrap()).await;
        assert_eq!(played.err().map(|mismatch| mismatch.problem).as_deref(), expected, "{stamp}");
    }
}

#[tokio::test]
async fn a_clock_that_has_a_past_does_not_go_back() {
    let bench = Bench::new(Router::new().app(Lines));
    bench.transcript("1@201201010000 > x\n1 < x\n1@201201010000 > y\n1 < y").await;
    let mismatch = bench.play(&"1@201112312359 > x".parse().unwrap()).await.unwrap_err();
    assert_eq!(mismatch.problem, "the clock is already at 2012-01-01T00:00:00Z, and cannot go back");
    let at = bench.history("1").await[0].at;
    assert_eq!(at.to_string(), "2012-01-01T00:00:00Z");
}

#[tokio::test]
async fn one_backend_can_fail_alone() {
    let bench = Bench::with(Router::new().app(Lines)).backend("a").backend("b").build();
    bench.gateway.always_at("b", Behaviour::Refuse);
    bench.transcript("1 > x\n1 < x\n[b] 1 > x").await;
}

#[tokio::test]
async fn a_long_transcript_is_played_to_its_end() {
    let bench = Bench::new(Router::new().app(Lines));
    let exchange = |at| format!("1 > {at}\n1 < {at}");
    let source = (0..1000).map(exchange).collect::<Vec<_>>().join("\n");
    let transcript: Transcript = source.parse().unwrap();
    assert_eq!(transcript.count(), (1000, 1000));
    bench.play(&transcript).await.unwrap();
    assert_eq!(bench.gateway.texts().last().unwrap(), "999");
}
