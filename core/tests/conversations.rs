//! Conversations: which conversation gets a message, how a conversation ends, and how it survives a deployment.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use threadless::apps::{
    Conversation, ConversationApp, DefaultReply, Help, Said, Turn, conversation, keyword,
};
use threadless::testing::{Bench, FaultKind, When};
use threadless::{AppError, Router, SenderError, tr};

/// A conversation that asks for a name and a number.
struct Baby;

#[derive(Default, Serialize, Deserialize)]
enum Asked {
    #[default]
    Nothing,
    Name,
    Weight {
        name: String,
    },
}

impl Conversation for Baby {
    const NAME: &'static str = "baby";
    type State = Asked;

    async fn turn(&self, asked: Asked, mut said: Said) -> Result<Turn<Asked>, AppError> {
        Ok(match asked {
            Asked::Nothing if said.text().is_empty() => Turn::to(Asked::Name, "Name?"),
            Asked::Nothing | Asked::Name => {
                let name = said.text().to_owned();
                assert!(name != "panic", "as planned");
                let question = format!("Weight of {name}?");
                Turn::to(Asked::Weight { name }, question)
            }
            Asked::Weight { .. } if said.text() == "later" => Turn::pass(),
            Asked::Weight { name } => match said.text().parse::<u32>() {
                Ok(grams) => {
                    said.session_mut().set("baby.last", &name)?;
                    Turn::done(format!("{name}, {grams} g"))
                }
                Err(_) => Turn::stay("A number, please"),
            },
        })
    }
}

/// A conversation that asks one question, and passes on every message except yes and no.
struct Poll;

#[derive(Default, Serialize, Deserialize)]
enum Vote {
    #[default]
    Closed,
    Open,
}

impl Conversation for Poll {
    const NAME: &'static str = "poll";
    const TIMEOUT: Duration = Duration::from_secs(60);
    type State = Vote;

    async fn turn(&self, vote: Vote, said: Said) -> Result<Turn<Vote>, AppError> {
        Ok(match (vote, said.text()) {
            (Vote::Closed, "") => Turn::to(Vote::Open, "Yes or no?"),
            (Vote::Closed, "at once") => Turn::done("No question, then."),
            (Vote::Open, "yes" | "no") => Turn::done(["Thanks.", "Bye."]),
            _ => Turn::pass(),
        })
    }
}

fn baby() -> ConversationApp<Baby> {
    conversation("baby|birth", Baby)
}

fn bench(router: Router) -> Bench {
    Bench::with(router.app(DefaultReply)).about("Clinic", "?").build()
}

fn both() -> Bench {
    bench(Router::new().app(baby()).app(conversation("poll", Poll)))
}

#[tokio::test]
async fn a_conversation_asks_until_it_has_its_answers() {
    both()
        .transcript(
            "
            1 > Baby
            1 < Name?
            1 > Asha
            1 < Weight of Asha?
            1 > heavy
            1 < A number, please
            # Someone else is in a conversation of her own.
            2 > birth: Sara
            2 < Weight of Sara?
            1 > 3200
            1 < Asha, 3200 g
            2 > 2900
            2 < Sara, 2900 g
            # It is over.
            1 > 3200
            1 < ?
            ",
        )
        .await;
}

#[tokio::test]
async fn a_finished_conversation_leaves_nothing_but_what_it_kept_itself() {
    let bench = both();
    bench.transcript("1 > baby Asha\n1 < Weight of Asha?\n1 > 1\n1 < Asha, 1 g").await;
    assert_eq!(bench.session("1").await.to_json().unwrap(), r#"{"baby.last":"Asha"}"#);
}

#[tokio::test]
async fn the_cancel_word_alone_ends_it() {
    both()
        .transcript(
            "
            1 > baby
            1 < Name?
            1 > cancel my name is Asha
            1 < Weight of cancel my name is Asha?
            1 > Cancel!
            1 < Cancelled.
            # Nothing is left to cancel.
            1 > cancel
            1 < ?
            ",
        )
        .await;
    let own_words = baby().cancel("annuler|fin", "D'accord.");
    bench(Router::new().app(own_words))
        .transcript("1 > baby\n1 < Name?\n1 > FIN\n1 < D'accord.\n1 > x\n1 < ?")
        .await;
    let silent = baby().cancel("end", "");
    bench(Router::new().app(silent)).transcript("1 > baby\n1 < Name?\n1 > end\n1 > x\n1 < ?").await;
    let none = baby().cancel("", "");
    bench(Router::new().app(none)).transcript("1 > baby\n1 < Name?\n1 > cancel\n1 < Weight of cancel?").await;
}

#[tokio::test]
async fn a_word_alone_begins_another_conversation_and_with_more_it_is_an_answer() {
    for router in [
        Router::new().app(baby()).app(conversation("poll", Poll)),
        Router::new().app(conversation("poll", Poll)).app(baby()),
    ] {
        bench(router)
            .transcript(
                "
                1 > baby
                1 < Name?
                1 > poll of names
                1 < Weight of poll of names?
                # Its own word begins it anew.
                1 > BABY
                1 < Name?
                1 > Poll
                1 < Yes or no?
                # The one before has ended: this is no weight.
                1 > 3200
                1 < ?
                1 > yes
                1 < Thanks.
                1 < Bye.
                1 > 3200
                1 < ?
                ",
            )
            .await;
    }
}

#[tokio::test]
async fn what_a_conversation_passes_goes_to_the_other_apps_and_it_waits_on() {
    for router in [
        Router::new().app(baby()).app(conversation("poll", Poll)),
        Router::new().app(conversation("poll", Poll)).app(baby()),
    ] {
        bench(router.app(keyword("hours", async |_| "8 to 17")))
            .transcript(
                "
                1 > poll
                1 < Yes or no?
                1 > hours
                1 < 8 to 17
                1 > maybe
                1 < ?
                1 > no
                1 < Thanks.
                1 < Bye.
                1 > poll
                1 < Yes or no?
                # Passed, and the beginning of another one.
                1 > baby Asha
                1 < Weight of Asha?
                # Passed in the state that it begins with: not begun.
                1 > cancel
                1 < Cancelled.
                1 > poll about this
                1 < ?
                1 > yes
                1 < ?
                # Over with its first turn, and the other one goes on.
                1 > baby Asha
                1 < Weight of Asha?
                1 > later
                1 < ?
                1 > 5
                1 < Asha, 5 g
                1 > poll at once
                1 < No question, then.
                ",
            )
            .await;
    }
}

#[tokio::test]
async fn an_app_before_it_keeps_what_it_handles() {
    let router = Router::new()
        .app(Help::new())
        .app(baby().about("BABY asks for a birth."))
        .app(keyword("x", async |_| "y"));
    bench(router)
        .transcript(
            "
            1 > baby
            1 < Name?
            1 > help baby
            1 < BABY asks for a birth.
            1 > x
            1 < Weight of x?
            ",
        )
        .await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_told_so_unless_another_app_knows_it() {
    let late = |bench: &Bench| bench.clock.advance(Duration::from_secs(3600));
    let in_time = |bench: &Bench| bench.clock.advance(Duration::from_secs(3599));

    let routes = Router::new().app(baby()).app(keyword("hours", async |_| "8 to 17"));
    let bench = bench(routes);
    bench.transcript("1 > baby\n1 < Name?").await;
    in_time(&bench);
    bench.transcript("1 > Asha\n1 < Weight of Asha?").await;
    in_time(&bench);
    // A repeated question may wait as long again.
    bench.transcript("1 > x\n1 < A number, please").await;
    in_time(&bench);
    bench.transcript("1 > y\n1 < A number, please").await;
    late(&bench);
    bench.transcript("1 > 3200\n1 < That took too long. To begin again, send: BABY\n1 > 3200\n1 < ?").await;

    bench.transcript("1 > baby\n1 < Name?").await;
    late(&bench);
    bench.transcript("1 > hours\n1 < 8 to 17\n1 > Asha\n1 < ?").await;

    bench.transcript("1 > baby\n1 < Name?").await;
    late(&bench);
    bench.transcript("1 > birth Asha\n1 < Weight of Asha?").await;
    late(&bench);
    bench.transcript("1 > cancel\n1 < That took too long. To begin again, send: BABY").await;
    assert!(bench.session("1").await.is_empty());
}

#[tokio::test]
async fn a_transcript_has_the_times_that_it_goes_by() {
    both()
        .transcript(
            "
            1@202601010800 > poll
            1 < Yes or no?
            1@202601010801 > yes
            1 < That took too long. To begin again, send: POLL
            1 > baby
            1 < Name?
            1@202601010900 > Asha
            1 < Weight of Asha?
            ",
        )
        .await;
}

#[tokio::test]
async fn it_may_say_nothing_to_what_comes_too_late() {
    let silent = baby().timed_out("");
    let bench = bench(Router::new().app(silent));
    bench.transcript("1 > baby\n1 < Name?").await;
    bench.clock.advance(Duration::from_secs(3600));
    bench.transcript("1 > Asha\n1 < ?").await;
    assert!(bench.session("1").await.is_empty());
}

#[tokio::test]
async fn a_wait_in_the_queue_does_not_count() {
    let bench = Bench::with(Router::new().app(baby())).queued().build();
    for text in ["baby", "Asha"] {
        bench.receive("1", text, None).await.unwrap();
    }
    bench.clock.advance(Duration::from_secs(7200));
    bench.work_off().await;
    assert_eq!(bench.gateway.texts(), ["Name?", "Weight of Asha?"]);
}

#[tokio::test]
async fn a_turn_that_fails_leaves_everything_as_it_was() {
    both()
        .transcript(
            "
            1 > baby
            1 < Name?
            1 > panic
            1 < ?
            1 > Asha
            1 < Weight of Asha?
            ",
        )
        .await;
}

/// [`Baby`] in an earlier version, and in a possible later one.
struct Other<const VERSION: u32>;

#[derive(Default, Debug, Serialize, Deserialize)]
enum OtherAsked {
    #[default]
    Nothing,
    Named(String),
}

impl<const V: u32> Conversation for Other<V> {
    const NAME: &'static str = "baby";
    const VERSION: u32 = V;
    type State = OtherAsked;

    async fn turn(&self, asked: OtherAsked, said: Said) -> Result<Turn<OtherAsked>, AppError> {
        Ok(match asked {
            OtherAsked::Nothing => Turn::to(OtherAsked::Named(said.text().to_owned()), format!("v{V}?")),
            OtherAsked::Named(name) if said.text() == "again" => Turn::stay(format!("{name} v{V}?")),
            OtherAsked::Named(name) => Turn::done(format!("v{V}: {name}, {}", said.text())),
        })
    }

    fn migrate(&self, version: u32, state: Value) -> Option<OtherAsked> {
        let name = state["Weight"]["name"].as_str()?;
        (V == 3 && version < 3).then(|| OtherAsked::Named(name.to_owned()))
    }
}

/// Returns the session of a person whom [`Baby`] asked for a weight.
async fn in_the_middle() -> threadless::Session {
    let bench = both();
    bench.transcript("1 > baby Asha\n1 < Weight of Asha?").await;
    bench.session("1").await
}

/// Returns a bench with these apps, on which `1` has this session.
async fn deployed(router: Router, session: threadless::Session) -> Bench {
    struct Seed(threadless::Session);
    impl threadless::App for Seed {
        async fn filter(&self, cx: &mut threadless::Context) -> Result<threadless::Filter, AppError> {
            if cx.text() != "seed" {
                return Ok(threadless::Filter::Continue);
            }
            *cx.session_mut() = self.0.clone();
            Ok(threadless::Filter::Drop)
        }
    }
    let bench = bench(Router::new().app(Seed(session)).group("", |_| router));
    bench.receive("1", "seed", None).await.unwrap();
    bench
}

#[tokio::test]
async fn a_state_of_another_version_is_migrated_or_the_conversation_begins_anew() {
    let session = in_the_middle().await;
    let migrated = deployed(Router::new().app(conversation("baby", Other::<3>)), session.clone()).await;
    migrated.transcript("1 > again\n1 < Asha v3?\n1 > 3200\n1 < v3: Asha, 3200").await;

    let anew = deployed(Router::new().app(conversation("baby", Other::<2>)), session.clone()).await;
    anew.transcript(
        "
        1 > 3200
        1 < This has changed in the meantime. Let us begin again.
        1 < v2?
        1 > 3200
        1 < v2: , 3200
        ",
    )
    .await;

    // The version is the same, but the state cannot be read.
    let silent = conversation("baby", Other::<1>).changed("");
    deployed(Router::new().app(silent), session).await.transcript("1 > 3200\n1 < v1?").await;
}

#[tokio::test]
async fn a_conversation_that_is_not_installed_any_more_stands_in_no_ones_way() {
    let bench = deployed(Router::new().app(conversation("poll", Poll)), in_the_middle().await).await;
    bench
        .transcript("1 > 3200\n1 < ?\n1 > poll at once\n1 < No question, then.\n1 > poll\n1 < Yes or no?")
        .await;
}

#[tokio::test]
async fn what_is_no_conversation_under_its_key_counts_as_none() {
    let mut session = threadless::Session::default();
    session.set("conversation", &json!(["not", "ours"])).unwrap();
    let bench = deployed(Router::new().app(baby()), session).await;
    bench.transcript("1 > x\n1 < ?\n1 > baby\n1 < Name?\n1 > Asha\n1 < Weight of Asha?").await;
}

/// A conversation that collects words. Its next question depends on all words so far. It counts its turns.
#[derive(Clone, Default)]
struct List(Arc<AtomicUsize>);

impl Conversation for List {
    const NAME: &'static str = "list";
    type State = Vec<String>;

    async fn turn(&self, mut items: Vec<String>, said: Said) -> Result<Turn<Vec<String>>, AppError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        items.push(said.text().to_owned());
        let so_far = items.join(" ");
        Ok(Turn::to(items, so_far))
    }
}

/// Checks that each message got one turn, and that each reply belongs to the state that was stored with it.
async fn is_one_chain(bench: &Bench, messages: usize) {
    let texts = bench.gateway.texts();
    assert_eq!(texts.len(), messages, "{texts:?}");
    for pair in texts.windows(2) {
        assert!(pair[1].starts_with(&format!("{} ", pair[0])), "{texts:?}");
    }
    let kept = bench.session("1").await.get::<Value>("conversation").unwrap().unwrap();
    let kept: Vec<String> = serde_json::from_value(kept["state"].clone()).unwrap();
    assert_eq!(Some(&kept.join(" ")), texts.last());
    let mut words: Vec<&String> = kept.iter().collect();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), messages, "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_messages_of_one_handset_take_one_turn_each_inline() {
    let list = List::default();
    for _ in 0..10 {
        let bench = bench(Router::new().app(conversation("list", list.clone())));
        bench.receive("1", "list begin", None).await.unwrap();
        let texts: Vec<String> = (0..9).map(|nth| format!("w{nth}")).collect();
        let all = texts.iter().map(|text| bench.receive("1", text, Some(text)));
        assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
        bench.minutes(2).await;
        is_one_chain(&bench, 10).await;
    }
    assert!(list.0.load(Ordering::SeqCst) > 100, "turns were taken again");
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_messages_of_one_handset_take_one_turn_each_queued() {
    let list = List::default();
    for _ in 0..10 {
        let bench = Bench::with(Router::new().app(conversation("list", list.clone()))).queued().build();
        bench.receive("1", "list begin", None).await.unwrap();
        bench.work_off().await;
        let texts: Vec<String> = (0..9).map(|nth| format!("w{nth}")).collect();
        let all = texts.iter().map(|text| bench.receive("1", text, Some(text)));
        assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
        // Several workers run at once, as if the queue had lost its order.
        tokio::join!(bench.work_off(), bench.work_off(), bench.work_off());
        bench.minutes(2).await;
        is_one_chain(&bench, 10).await;
    }
    assert!(list.0.load(Ordering::SeqCst) > 100, "turns were taken again");
}

/// Makes the store calls go wrong, one after the other, in the middle of a conversation.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = both();
        bench.receive("1", "baby", Some("m1")).await.unwrap();
        bench.faults.plan(nth, fault, when);
        let first = bench.receive("1", "Asha", Some("m2"));
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
        let met = bench.faults.met();
        bench.faults.clear();
        // The gateway delivers the message again. The text is not a weight.
        bench.receive("1", "Asha", Some("m2")).await.unwrap();
        bench.receive("1", "3200", Some("m3")).await.unwrap();
        bench.minutes(3).await;
        let mut texts = bench.gateway.texts();
        texts.dedup();
        assert_eq!(texts, ["Name?", "Weight of Asha?", "Asha, 3200 g"], "call {nth} {fault:?} {when:?}");
        if met == 0 {
            assert!(nth > 5, "the faults were met");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_goes_on_whatever_store_call_fails_or_never_answers() {
    for fault in [FaultKind::Error, FaultKind::Silence] {
        for when in [When::Before, When::After] {
            whatever_goes_wrong(fault, when).await;
        }
    }
}

/// A conversation that asks for one number, and leaves mistakes of the sender to their errors.
struct Age;

impl Conversation for Age {
    const NAME: &'static str = "age";
    type State = bool;

    async fn turn(&self, is_asked: bool, mut said: Said) -> Result<Turn<bool>, AppError> {
        if !is_asked {
            return Ok(Turn::to(true, "How old?"));
        }
        said.session_mut().set("tried", &true)?;
        let age: u8 = said.parse()?;
        if age > 120 {
            return Err(SenderError::new("too old").with_reply(tr!("A real age, please")).into());
        }
        Ok(Turn::done(age.to_string()))
    }
}

#[tokio::test]
async fn a_mistake_of_the_sender_leaves_the_conversation_where_it_is() {
    let bench = bench(Router::new().app(conversation("age", Age)));
    bench
        .transcript(
            r"
            1 > \u{200f}AGE!
            1 < How old?
            1 > 200
            1 < A real age, please
            1 > forty
            1 < ?
            1 > ca\u{200c}ncel it
            1 < ?
            1 > ४२
            1 < 42
            1 > age
            1 < How old?
            1 > \u{feff}Ｃａｎｃｅｌ！
            1 < Cancelled.
            ",
        )
        .await;
}
