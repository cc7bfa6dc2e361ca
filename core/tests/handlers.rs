//! Handlers as plain Rust functions, and the help that lists them.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use threadless::apps::{DefaultReply, Echo, Help, Ping, Said, keyword};
use threadless::testing::Bench;
use threadless::{App, AppError, Context, Handled, Recipient, Router, SenderError, Usage, tr};

fn bench(router: Router) -> Bench {
    Bench::with(router).about("Clinic", "?").build()
}

#[tokio::test]
async fn a_handler_returns_anything_that_is_a_reply() {
    async fn fails(_: Said) -> Result<&'static str, AppError> {
        Err("as planned".into())
    }
    let router = Router::new()
        .app(keyword("text", async |_| "one"))
        .app(keyword("several", async |_| ["one", "two"]))
        .app(keyword("some", async |said: Said| (!said.text().is_empty()).then(|| said.text().to_owned())))
        .app(keyword("nothing", async |_| ()))
        .app(keyword("number", async |said: Said| said.text().parse::<u8>().map(|n| n.to_string())))
        .app(keyword("fails", fails))
        .app(DefaultReply);
    bench(router)
        .transcript(
            "
            1 > text
            1 < one
            1 > several
            1 < one
            1 < two
            1 > some of it
            1 < of it
            # Nothing to say is an answer too: no other app is asked.
            1 > some
            1 > nothing
            1 > number 7
            1 < 7
            # An error hands the message on.
            1 > number x
            1 < ?
            1 > fails
            1 < ?
            ",
        )
        .await;
}

#[tokio::test]
async fn help_answers_the_keyword_alone_and_nothing_else() {
    let router = Router::new()
        .app(keyword("report|rpt", async |said: Said| format!("noted {}", said.text())).help("REPORT <n>"))
        .app(keyword("hours", async |said: Said| format!("8 to 17 {}", said.text()).trim().to_owned()));
    bench(router)
        .transcript(
            "
            1 > report
            1 < REPORT <n>
            1 > RPT:
            1 < REPORT <n>
            1 > rpt 5
            1 < noted 5
            # Without a help the handler is asked.
            1 > hours
            1 < 8 to 17
            ",
        )
        .await;
}

#[tokio::test]
async fn a_handler_reads_and_changes_what_the_context_has() {
    async fn count(mut said: Said) -> Result<String, AppError> {
        let count = said.session().get::<u32>("count")?.unwrap_or(0) + 1;
        said.session_mut().set("count", &count)?;
        said.reply("queued by the way");
        let whole = &said.message().text;
        Ok(format!("{count} {whole:?} {:?} {}", said.text(), said.connection().identity.as_str()))
    }
    bench(Router::new().app(keyword("count", count)))
        .transcript(
            r#"
            1 > Count: on
            1 < queued by the way
            1 < 1 "Count: on" "on" 1
            1 > count
            1 < queued by the way
            1 < 2 "count" "" 1
            "#,
        )
        .await;
}

#[tokio::test]
async fn a_handler_makes_contacts_and_writes_to_others() {
    async fn join(mut said: Said) -> String {
        let name = said.text().to_owned();
        said.contact_mut().set_name(&name);
        format!("Welcome, {name}")
    }
    async fn tell(said: Said) -> Result<&'static str, AppError> {
        let (number, text) = said.text().split_once(' ').ok_or("TELL <NUMBER> <TEXT>")?;
        let from = said.contact().map_or("Someone", |contact| contact.name());
        said.send(format!("{from}: {text}"), [format!("bench:{number}").parse::<Recipient>()?])?;
        Ok("Told.")
    }
    bench(Router::new().app(keyword("join", join)).app(keyword("tell", tell)).app(DefaultReply))
        .transcript(
            "
            1 > tell 2 hello
            1 < Told.
            2 < Someone: hello
            1 > join Asha
            1 < Welcome, Asha
            1 > tell 2 hello again
            1 < Told.
            2 < Asha: hello again
            # Nothing was sent by what failed.
            1 > tell two
            1 < ?
            ",
        )
        .await;
}

#[tokio::test]
async fn what_a_failed_handler_changed_is_undone() {
    async fn change(mut said: Said) -> Result<(), AppError> {
        said.session_mut().set("changed", &true)?;
        said.set_text("changed");
        match said.text() {
            "panic" => panic!("as planned"),
            "error" => Err("as planned".into()),
            _ => Ok(()),
        }
    }
    struct Witness;
    impl App for Witness {
        async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
            let text = format!("{} {:?}", cx.text(), cx.session().get::<bool>("changed")?);
            cx.reply(text);
            Ok(())
        }
    }
    bench(Router::new().app(keyword("change", change)).app(Witness))
        .transcript(
            "
            1 > change error
            1 < change error None
            1 > change panic
            1 < change panic None
            1 > change all
            1 < changed Some(true)
            ",
        )
        .await;
}

#[tokio::test]
async fn what_a_handler_gives_away_changes_nothing() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let handler = move |mut said: Said| {
        let keep = Arc::clone(&keep);
        async move {
            said.session_mut().set("changed", &true).unwrap();
            keep.lock().unwrap().push(said);
            "kept"
        }
    };
    let bench = bench(Router::new().app(keyword("keep", handler)));
    bench.transcript("1 > keep this\n1 < kept").await;
    assert!(bench.session("1").await.is_empty());
    assert_eq!(format!("{:?}", kept.lock().unwrap()[0]), r#"Said { text: "this", .. }"#);
}

#[tokio::test]
async fn help_tells_what_is_installed() {
    async fn nothing(_: Said) {}
    let stock = |group: Router| {
        group.app(keyword("stock in", nothing).help("STOCK IN <ITEM>")).app(keyword("stock out", nothing))
    };
    let router = Router::new()
        .app(Help::new().words("help|aide").note("STOP ends it."))
        .app(Ping)
        .group("stock", stock)
        .app(keyword("balance|bal", nothing).about("BALANCE tells what you have."))
        .app(keyword("report", nothing).help("REPORT <N>"))
        .app(keyword("report baby", nothing).help("REPORT BABY <NAME>"))
        .app(keyword("reset", nothing).help("secret").unlisted())
        .app(Echo)
        .app(DefaultReply);
    bench(router)
        .transcript(
            "
            1 > Help!
            1 < Clinic understands: PING, STOCK, BALANCE, REPORT, REPORT BABY, ECHO. For more send HELP and one of these words. STOP ends it.
            1 > AIDE bal
            1 < BALANCE tells what you have.
            1 > help report 5
            1 < REPORT <N>
            1 > help report baby, please
            1 < REPORT BABY <NAME>
            1 > help stock
            1 < Clinic understands: STOCK IN, STOCK OUT. For more send HELP and one of these words. STOP ends it.
            1 > help stock in
            1 < STOCK IN <ITEM>
            # Without words of its own, the group's.
            1 > help stock out
            1 < Clinic understands: STOCK IN, STOCK OUT. For more send HELP and one of these words. STOP ends it.
            1 > help reset
            1 < Clinic understands: PING, STOCK, BALANCE, REPORT, REPORT BABY, ECHO. For more send HELP and one of these words. STOP ends it.
            1 > helpful
            1 < ?
            ",
        )
        .await;
}

#[tokio::test]
async fn help_and_its_topics_are_understood_however_they_are_typed() {
    async fn nothing(_: Said) {}
    let intake = |group: Router| group.app(keyword("größe", nothing).help("GRÖSSE <CM>"));
    let router = Router::new()
        .app(Help::new().words("help|YARDIM|arre\u{302}te-moi").list("%(words)s"))
        .group("aufnahme\u{308}", intake)
        .app(keyword("İZİN", nothing).help("İZİN <GÜN>"));
    bench(router)
        .transcript(
            r"
            1 > he\u{200c}lp izin?
            1 < İZİN <GÜN>
            1 > ＨＥＬＰ；ＩＺＩＮ！
            1 < İZİN <GÜN>
            1 > yardım GRO\u{308}SSE
            1 < GRÖSSE <CM>
            1 > ARRÊTE–MOI, \u{200f}Aufnahmë\u{200f}
            1 < GRÖSSE
            ",
        )
        .await;
}

#[tokio::test]
async fn an_app_of_ones_own_is_listed_by_what_it_says() {
    struct Weather;
    impl App for Weather {
        fn usage(&self) -> Vec<Usage> {
            vec![Usage::new("rain").help("RAIN <PLACE>"), Usage::new("sun")]
        }
    }
    let help = Help::new().list("%(words)s / %(project_name)s");
    bench(Router::new().app(Weather).app(help))
        .transcript("1 > help\n1 < RAIN, SUN / Clinic\n1 > help rain\n1 < RAIN <PLACE>\n1 > help sun\n1 < RAIN, SUN / Clinic")
        .await;
}

#[test]
fn an_app_that_is_not_put_together_rightly_is_named_before_any_message() {
    async fn nothing(_: Said) {}
    let router = Router::new().app(Ping).app(keyword("|", nothing)).app(keyword("", nothing));
    let faulty = router.check().unwrap_err().to_string();
    assert_eq!(faulty, r#"app "|": a keyword needs a word; app "": a keyword needs a word"#);
    assert_eq!(Router::new().app(Ping).check(), Ok(()));
}

#[test]
#[should_panic(expected = "app \"|\": a keyword needs a word")]
fn no_bench_is_built_with_such_an_app() {
    Bench::new(Router::new().app(keyword("|", async |_| ())));
}

#[tokio::test]
async fn a_text_that_a_handler_cannot_read_is_answered_with_the_help() {
    async fn old(mut said: Said) -> Result<String, AppError> {
        said.session_mut().set("tried", &true)?;
        Ok(said.text().parse::<u32>()?.to_string())
    }
    async fn new(said: Said) -> Result<String, AppError> {
        match said.parse::<u32>()? {
            0 => Err("the disk is full".into()),
            number @ 1..=10 => Ok(number.to_string()),
            _ => Err(SenderError::new("too many").with_reply(tr!("We have 10.")).into()),
        }
    }
    let router = Router::new()
        .app(keyword("qty", old).help("QTY <NUMBER>"))
        .app(keyword("count", new).help("COUNT <NUMBER>"))
        .app(keyword("bare", new))
        .app(DefaultReply);
    let bench = bench(router);
    bench
        .transcript(
            r"
            1 > qty seven
            1 < QTY <NUMBER>
            1 > qty 7 or 8
            1 < QTY <NUMBER>
            1 > count seven
            1 < COUNT <NUMBER>
            1 > count ७
            1 < 7
            1 > co\u{200b}UNT;,: ٣.
            1 < 3
            1 > count -1
            1 < COUNT <NUMBER>
            1 > count 11
            1 < We have 10.
            # An error of the app is not answered with the help.
            1 > count 0
            1 < ?
            1 > bare seven
            1 < ?
            1 > bare 7
            1 < 7
            ",
        )
        .await;
    assert!(
        bench.session("1").await.is_empty(),
        "the changes of a handler that could not read the text are undone"
    );
    bench.transcript("1 > qty 7\n1 < 7").await;
    assert!(!bench.session("1").await.is_empty());
}

#[tokio::test]
async fn an_app_of_its_own_can_tell_the_mistake_of_the_sender_too() {
    struct Market;
    impl App for Market {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            cx.session_mut().set("seen", &true)?;
            match cx.text() {
                "a" => Err(SenderError::new("a").with_reply(tr!("Not a.")).into()),
                _ => Err(SenderError::new("other").into()),
            }
        }
    }
    let bench = bench(Router::new().app(Market).app(keyword("b", async |_| "next")).app(DefaultReply));
    bench.transcript("1 > a\n1 < Not a.\n1 > b\n1 < next\n1 > c\n1 < ?").await;
    assert!(bench.session("1").await.is_empty());
}
