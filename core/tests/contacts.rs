//! Contacts: an app's first change makes them, they change with the message or not at all, and they are the same from
//! every phone.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use threadless::testing::{Bench, FaultKind, When};
use threadless::{App, AppError, ConnectionId, Contact, Context, Handled, Router};

/// An app for contacts: `name X` sets the name, `add N` adds to a sum in the contact, `leave` leaves the contact. Each
/// reply contains the name.
struct Registry;

impl App for Registry {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let text = cx.text().to_owned();
        match text.split_once(' ').unwrap_or((&text, "")) {
            ("name", name) => cx.contact_mut().set_name(name),
            ("add", number) => {
                let sum = cx.contact().map_or(Ok(None), |contact| contact.get::<u32>("sum"))?.unwrap_or(0);
                cx.contact_mut().set("sum", &(sum + number.parse::<u32>()?))?;
            }
            ("fill", bytes) => cx.contact_mut().set("filler", &"x".repeat(bytes.parse()?))?,
            ("look", _) => drop(cx.contact_mut()),
            ("leave", _) => cx.leave_contact(),
            ("join", identity) => {
                let other = ConnectionId::new(cx.connection().backend.clone(), identity.parse()?);
                let contact = cx.find_contact_of(&other).await?.ok_or("nobody has that number")?;
                cx.join_contact(contact)?;
            }
            ("fail", _) => {
                cx.contact_mut().set_name("nobody");
                return Err("on purpose".into());
            }
            _ => {}
        }
        let name =
            cx.contact().map(Contact::name).filter(|name| !name.is_empty()).unwrap_or("unknown").to_owned();
        cx.reply(format!("{text}: {name}"));
        Ok(Handled::Yes)
    }
}

fn bench() -> Bench {
    Bench::new(Router::new().app(Registry))
}

async fn sum(bench: &Bench, identity: &str) -> Option<u32> {
    bench.contact(identity).await?.get("sum").unwrap()
}

#[tokio::test]
async fn a_contact_is_made_on_first_change_and_remembered() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > who
            1 < who: unknown
            1 > look
            1 < look: unknown
            1 > name Asha
            1 < name Asha: Asha
            1 > who
            1 < who: Asha
            2 > who
            2 < who: unknown
            ",
        )
        .await;
    let contact = bench.contact("1").await.unwrap();
    assert_eq!((contact.name(), contact.version()), ("Asha", 1), "what only looks writes nothing");
    assert_eq!(contact.connections(), [bench.connection("1")]);
    assert_eq!(bench.contact("2").await, None);
}

#[tokio::test]
async fn a_contact_of_which_nothing_is_said_is_not_kept() {
    let bench = bench();
    bench.receive("1", "look", None).await.unwrap();
    assert_eq!(bench.contact("1").await, None);
}

#[tokio::test]
async fn a_phase_that_fails_leaves_the_contact_as_it_was() {
    let bench = bench();
    for text in ["fail", "name Asha", "fail", "fill 20000"] {
        bench.receive("1", text, None).await.unwrap();
    }
    let contact = bench.contact("1").await.unwrap();
    assert_eq!((contact.name(), contact.version(), contact.fields().count()), ("Asha", 1, 0));
    bench.receive("1", &format!("name {}", "x".repeat(257)), None).await.unwrap();
    assert_eq!(bench.contact("1").await.unwrap().name(), "Asha");
    bench.receive("1", &format!("name {}", "x".repeat(256)), None).await.unwrap();
    assert_eq!(bench.contact("1").await.unwrap().name().len(), 256);
}

#[tokio::test]
async fn a_number_that_went_to_someone_else_gets_a_contact_of_its_own() {
    let bench = bench();
    for text in ["name Asha", "leave", "who", "name Bekele"] {
        bench.receive("1", text, None).await.unwrap();
    }
    assert_eq!(bench.gateway.texts()[2], "who: unknown");
    let contact = bench.contact("1").await.unwrap();
    assert_eq!((contact.name(), contact.version()), ("Bekele", 1));
}

#[tokio::test]
async fn twenty_changes_at_once_are_each_counted_once() {
    let bench = bench();
    let all = (0..20).map(|nth| (nth, bench.receive("1", "add 1", None)));
    let (_, all): (Vec<u32>, Vec<_>) = all.unzip();
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(sum(&bench, "1").await, Some(20));
}

#[tokio::test]
async fn a_second_phone_has_the_contact_of_the_first_and_both_see_what_either_changes() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > name Asha
            1 < name Asha: Asha
            2 > name Nobody
            2 < name Nobody: Nobody
            2 > join 1
            2 < join 1: Asha
            2 > name Asha Bekele
            2 < name Asha Bekele: Asha Bekele
            1 > who
            1 < who: Asha Bekele
            1 > leave
            1 < leave: unknown
            2 > who
            2 < who: Asha Bekele
            ",
        )
        .await;
    let contact = bench.contact("2").await.unwrap();
    assert_eq!(contact.connections(), [bench.connection("2")]);
    bench.receive("3", "join 4", None).await.unwrap();
    assert_eq!(bench.contact("3").await, None, "an error, not a contact");
}

#[tokio::test]
async fn changes_from_two_phones_at_once_are_each_counted_once() {
    let bench = bench();
    for (from, text) in [("1", "add 1"), ("2", "join 1")] {
        bench.receive(from, text, None).await.unwrap();
    }
    let all = (0..20).map(|nth| bench.receive(if nth % 2 == 0 { "1" } else { "2" }, "add 1", None));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!((sum(&bench, "1").await, sum(&bench, "2").await), (Some(21), Some(21)));
}

#[tokio::test]
async fn a_contact_has_at_most_twenty_connections_even_if_all_join_at_once() {
    let bench = bench();
    bench.receive("1", "name Asha", None).await.unwrap();
    let others: Vec<String> = (2..30).map(|nth| nth.to_string()).collect();
    let all = others.iter().map(|from| bench.receive(from, "join 1", None));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(bench.contact("1").await.unwrap().connections().len(), Contact::MAX_CONNECTIONS);
    let mut joined = 0;
    for from in &others {
        joined += usize::from(bench.contact(from).await.is_some());
    }
    assert_eq!(joined, Contact::MAX_CONNECTIONS - 1);
}

/// Makes the store calls go wrong, one after the other, while a contact is changed. Checks each time that the gateway's
/// next delivery repairs it, once.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = bench();
        bench.receive("1", "add 1", Some("m0")).await.unwrap();
        bench.faults.plan(nth, fault, when);
        let first = bench.receive("1", "add 10", Some("m1"));
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
        let met = bench.faults.met();
        bench.faults.clear();
        bench.receive("1", "add 10", Some("m1")).await.unwrap();
        bench.receive("1", "add 100", Some("m2")).await.unwrap();
        assert_eq!(sum(&bench, "1").await, Some(111), "call {nth} {fault:?} {when:?}");
        assert_eq!(bench.contact("1").await.unwrap().version(), 3, "call {nth} {fault:?} {when:?}");
        if met == 0 {
            assert!(nth > 3, "load, commit, settle: {nth}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_in_the_store_a_contact_is_changed_once() {
    for fault in [FaultKind::Error, FaultKind::Silence] {
        for when in [When::Before, When::After] {
            whatever_goes_wrong(fault, when).await;
        }
    }
}
