//! Patterns: the messages that match, and the types of their groups.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use threadless::apps::{DefaultReply, Help, Pattern, Said, pattern};
use threadless::testing::Bench;
use threadless::{App, Router};

fn bench(app: impl App) -> Bench {
    Bench::with(Router::new().app(app).app(DefaultReply)).about("Clinic", "?").build()
}

/// An app that answers with the values that it read.
fn shows<T: DeserializeOwned + Debug + Send + 'static>(
    form: &str,
) -> Pattern<impl Fn(Said, T) -> Shown + use<T>, T> {
    pattern(form, |_: Said, value: T| std::future::ready(format!("{value:?}")))
}

type Shown = std::future::Ready<String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sex {
    #[serde(alias = "f")]
    Female,
    #[serde(alias = "m", alias = "ወ")]
    Male,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
#[expect(dead_code, reason = "it is shown, which does not count as read")]
struct Grams(u32);

impl TryFrom<u32> for Grams {
    type Error = String;
    fn try_from(grams: u32) -> Result<Self, String> {
        if (300..=7000).contains(&grams) { Ok(Self(grams)) } else { Err(format!("{grams} g is no baby")) }
    }
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is shown, which does not count as read")]
struct Birth {
    name: String,
    weight: Grams,
    sex: Option<Sex>,
    #[serde(default)]
    twin: bool,
}

const BIRTH: &str = r"birth\s+(?<name>\w+)\s+(?<weight>-?\d+)(?:\s+(?<sex>\w+))?(?:\s+twin=(?<twin>\w*))?";

#[tokio::test]
async fn named_groups_become_the_fields_of_a_struct() {
    bench(shows::<Birth>(BIRTH).help("BIRTH <NAME> <GRAMS> [F|M]"))
        .transcript(
            r#"
            1 > birth Asha 3200
            1 < Birth { name: "Asha", weight: Grams(3200), sex: None, twin: false }
            1 >   BIRTH አስቴር  ٣٢٠٠ F twin=YES
            1 < Birth { name: "አስቴር", weight: Grams(3200), sex: Some(Female), twin: true }
            1 > birth Abebe 2900 Male
            1 < Birth { name: "Abebe", weight: Grams(2900), sex: Some(Male), twin: false }
            1 > birth Abebe 2900 ወ
            1 < Birth { name: "Abebe", weight: Grams(2900), sex: Some(Male), twin: false }
            # The form, but values that do not fit: what the type takes, and what it says of itself.
            1 > birth Asha 99999999999
            1 < BIRTH <NAME> <GRAMS> [F|M]
            1 > birth Asha -5
            1 < BIRTH <NAME> <GRAMS> [F|M]
            1 > birth Asha 5
            1 < BIRTH <NAME> <GRAMS> [F|M]
            1 > birth Asha 3200 X
            1 < BIRTH <NAME> <GRAMS> [F|M]
            1 > birth Asha 3200 F twin=maybe
            1 < BIRTH <NAME> <GRAMS> [F|M]
            # Not the form.
            1 > birth Asha
            1 < ?
            1 > a birth Asha 3200
            1 < ?
            1 > birth Asha 3200 F or M
            1 < ?
            "#,
        )
        .await;
}

#[tokio::test]
async fn without_a_help_a_value_that_does_not_fit_is_for_the_next_app() {
    bench(shows::<Birth>(BIRTH)).transcript("1 > birth Asha 5\n1 < ?").await;
}

#[tokio::test]
async fn a_tuple_has_the_groups_in_order_and_a_plain_value_the_first() {
    bench(shows::<(i64, i64)>(r"(-?\d+) plus (-?\d+)")).transcript("1 > 1 PLUS -2\n1 < (1, -2)").await;
    bench(shows::<(u8, Option<u8>)>(r"(\d+)(?:,(\d*))?"))
        .transcript(
            "1 > 7\n1 < (7, None)\n1 > 7,\n1 < (7, None)\n1 > 7,8\n1 < (7, Some(8))\n1 > 7,800\n1 < ?",
        )
        .await;
    bench(shows::<Vec<String>>(r"(\S+) (\S+) (\S+)"))
        .transcript("1 > a b c\n1 < [\"a\", \"b\", \"c\"]")
        .await;
    bench(shows::<u32>(r"(\d+)")).transcript("1 > 12\n1 < 12\n1 > -12\n1 < ?").await;
    bench(shows::<Option<char>>("x(.)?")).transcript("1 > x\n1 < None\n1 > xé\n1 < Some('é')").await;
    bench(shows::<f64>(r"temp (\S+)"))
        .transcript("1 > temp 37.5\n1 < 37.5\n1 > temp nan\n1 < ?\n1 > temp ۳۷.۵\n1 < 37.5")
        .await;
    bench(shows::<Sex>("(.*)")).transcript("1 > FEMALE\n1 < Female\n1 > fe\n1 < ?").await;
    bench(shows::<()>("hello( world)?!*")).transcript("1 > Hello World!!\n1 < ()").await;
    let map = shows::<std::collections::BTreeMap<String, String>>("(?<a>.) (?<b>.)?");
    bench(map).transcript("1 > x y\n1 < {\"a\": \"x\", \"b\": \"y\"}\n1 > x\n1 < ?").await;
}

#[tokio::test]
async fn the_whole_message_counts_whatever_the_alternatives() {
    // The pattern tries each alternative, and not only the first one that fits the beginning.
    bench(shows::<()>("in|inside")).transcript("1 > inside\n1 < ()\n1 > in\n1 < ()\n1 > into\n1 < ?").await;
    // A message of several lines is one message.
    let bench = bench(shows::<String>("note (.*)"));
    bench.receive("1", "note one\ntwo", None).await.unwrap();
    assert_eq!(bench.gateway.texts(), [r#""one\ntwo""#]);
}

#[tokio::test]
async fn case_is_that_of_all_alphabets() {
    bench(shows::<()>("été|ΣΊΣΥΦΟΣ|привет"))
        .transcript("1 > ÉTÉ\n1 < ()\n1 > σίσυφος\n1 < ()\n1 > ПРИВЕТ\n1 < ()")
        .await;
}

#[tokio::test]
async fn no_text_makes_a_pattern_hang() {
    let bench = bench(shows::<()>("(?:(?:a+)+)+b"));
    bench.receive("1", &"a".repeat(20_000), None).await.unwrap();
    assert_eq!(bench.gateway.texts(), ["?"]);
}

#[test]
fn what_is_wrong_with_a_pattern_is_said_at_the_start() {
    #[derive(Debug, Deserialize)]
    struct Case {
        #[expect(dead_code, reason = "it is shown, which does not count as read")]
        village: String,
    }
    fn fault<T: DeserializeOwned + Debug + Send + 'static>(form: &str) -> Option<String> {
        shows::<T>(form).check().err().map(|problem| problem.to_string())
    }
    let table = [
        (r"case (?<village>\w+)", None),
        (r"case (?<village>\w+", Some("unclosed group, at character 6")),
        (r"case) (?<village>\w+", Some("unopened group, at character 5")),
        // The text is valid in the middle of another pattern, and not valid alone.
        (r"case)|(?:(?<village>\w+)", Some("unopened group, at character 5")),
        (r"case \p{Nonsense}", Some("Unicode property not found, at character 6")),
        (r"(?<vilage>\w+)", Some(r#"the group "vilage" is not a field (the fields are village)"#)),
        (r"(?<village>\w+) (\d+)", None),
    ];
    for (form, expected) in table {
        assert_eq!(fault::<Case>(form).as_deref(), expected, "{form}");
    }
    let large = fault::<()>(r"\w{1000}{1000}").unwrap();
    assert!(large.contains("size limit"), "{large}");
    assert_eq!(fault::<(String,)>("(?<any>.)"), None);

    let router = Router::new().app(shows::<Case>("("));
    assert_eq!(router.check().unwrap_err().to_string(), r#"app "(": unclosed group, at character 1"#);
}

#[tokio::test]
async fn a_field_that_no_group_gives_is_an_error_of_the_app() {
    bench(shows::<Birth>(r"(?<name>\w+)").help("never said")).transcript("1 > Asha\n1 < ?").await;
}

#[tokio::test]
async fn help_lists_a_pattern_under_a_word() {
    let listed = shows::<u32>(r"temp (\d+)").help("TEMP <DEGREES>").listed_as("temp");
    let router = Router::new().app(Help::new().list("%(words)s")).app(listed).app(shows::<u32>(r"(\d+)"));
    Bench::new(router).transcript("1 > help\n1 < TEMP\n1 > help temp\n1 < TEMP <DEGREES>").await;
}

#[tokio::test]
async fn a_pattern_matches_a_text_as_people_type_it_and_hands_on_what_they_wrote() {
    bench(shows::<(String, u32)>(r"(?:İPTAL|schließen|arrêt)[\s,]+(.+?)\s+([0-9]+)"))
        .transcript(
            r#"
            1 > iptal Bole 3
            1 < ("Bole", 3)
            1 > IPTAL Bole ３
            1 < ("Bole", 3)
            1 > SCHLIESSEN, İzmir  ß ٣\u{200f}
            1 < ("İzmir  ß", 3)
            1 > ARRE\u{302}T Bo\u{301}le ३
            1 < ("Bo\\u{301}le", 3)
            1 > ａｒｒｅｔ Bole 3
            1 < ?
            1 > \u{feff}Schlie\u{ad}ßen Bole\u{a0}3
            1 < ("Bole", 3)
            "#,
        )
        .await;
    bench(shows::<char>("x(.)"))
        .transcript(
            r"
            1 > xe\u{301}
            1 < 'é'
            ",
        )
        .await;
    bench(shows::<Sex>("(.*)")).transcript("1 > ＦＥＭＡＬＥ\n1 < Female").await;
}

#[tokio::test]
async fn a_handler_of_a_pattern_tells_the_mistake_of_the_sender() {
    async fn add(_: Said, (number, text): (u8, String)) -> Result<String, threadless::AppError> {
        Ok((number + text.parse::<u8>()?).to_string())
    }
    let form = r"add (\d+) (\w+)";
    bench(pattern(form, add).help("ADD <N> <N>"))
        .transcript("1 > add 1 x\n1 < ADD <N> <N>\n1 > add 1 2\n1 < 3")
        .await;
    bench(pattern(form, add)).transcript("1 > add 1 x\n1 < ?").await;
}
