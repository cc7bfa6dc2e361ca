//! The sends of apps to other people: each goes out once, whatever goes wrong, and no recipient waits for another.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use threadless::store::{Direction, State};
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, Context, Handled, Outbound, Recipient, Reply, Router, SendError, Sending};

/// An app that sends a text to the numbers behind `tell`: `tell 1 2 3: text`.
struct Tell;

impl App for Tell {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some((numbers, text)) = cx.text().strip_prefix("tell").and_then(|rest| rest.split_once(": "))
        else {
            return Ok(Handled::No);
        };
        let (numbers, text) = (numbers.to_owned(), text.to_owned());
        let to = |number: &str| format!("bench:{number}").parse::<Recipient>();
        let recipients = numbers.split_whitespace().map(to).collect::<Result<Vec<_>, _>>()?;
        cx.send(text, recipients)?;
        cx.reply("told");
        Ok(Handled::Yes)
    }
}

fn bench() -> Bench {
    Bench::new(Router::new().app(Tell))
}

/// Returns the texts that each number got, in order.
fn received(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in bench.gateway.taken() {
        received.entry(message.connection.identity.as_str().to_owned()).or_default().push(message.text);
    }
    received
}

fn got(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    pairs.iter().map(|(number, said)| ((*number).to_owned(), texts(said))).collect()
}

#[tokio::test]
async fn a_send_reaches_each_recipient_once_and_the_sender_has_the_reply() {
    let bench = bench();
    for _ in 0..3 {
        bench.receive("1", "tell 2 3 2: flood", Some("mid")).await.unwrap();
        bench.work_off().await;
        // This is longer than the queue itself knows an id.
        bench.clock.advance(Duration::from_secs(400));
    }
    assert_eq!(received(&bench), got(&[("1", &["told"]), ("2", &["flood"]), ("3", &["flood"])]));
    let out: Vec<_> =
        bench.history("1").await.into_iter().filter(|row| row.direction == Direction::Out).collect();
    assert_eq!(out.len(), 1, "the reply; what goes to others is in their history: {out:?}");
    assert_eq!(bench.history("2").await[0].state, State::Sent);
}

#[tokio::test]
async fn one_can_send_to_oneself_and_through_several_sends() {
    let bench = bench();
    bench.receive("1", "tell 1: again", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("1", &["told", "again"])]));
}

#[tokio::test]
async fn what_goes_to_others_does_not_wait_for_the_gateway_of_the_sender() {
    let bench = bench();
    bench.gateway.next([Behaviour::Defer]);
    bench.receive("1", "tell 2: one", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("2", &["one"])]));
    // The next send does not wait either, while the first reply still waits.
    bench.receive("1", "tell 3: two", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("2", &["one"]), ("3", &["two"])]));
    bench.minutes(2).await;
    assert_eq!(received(&bench)["1"], ["told", "told"]);
    assert!(bench.outbox("1").await.is_empty());
}

#[tokio::test]
async fn one_recipients_trouble_is_no_one_elses() {
    let bench = bench();
    bench.receive("2", "stop", None).await.unwrap();
    bench.gateway.clear();
    bench.gateway.next([Behaviour::Accept, Behaviour::Refuse, Behaviour::Defer]);
    bench.receive("1", "tell 2 3 4 5: flood", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("1", &["told"]), ("5", &["flood"])]));
    let held_back = bench.history("2").await.into_iter().find(|row| row.text == "flood").unwrap();
    assert_eq!((held_back.state, held_back.detail.as_deref()), (State::Failed, Some("opted out")));
    assert_eq!(bench.history("3").await[0].state, State::Failed);
    bench.minutes(1).await;
    assert_eq!(received(&bench)["4"], ["flood"]);
}

#[tokio::test]
async fn who_opted_out_can_still_have_others_told() {
    struct Always;
    impl App for Always {
        async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
            cx.send("someone wrote", ["bench:9".parse::<Recipient>()?])?;
            cx.reply("thank you");
            Ok(())
        }
    }
    let bench = Bench::new(Router::new().app(Always));
    bench.receive("1", "stop", None).await.unwrap();
    bench.gateway.clear();
    bench.receive("1", "hello", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("9", &["someone wrote"])]));
}

/// An app that sends a copy of every outgoing message to the archive, including the messages to the archive.
struct Archive;

impl App for Archive {
    async fn outgoing(&self, cx: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
        match cx.send(format!("copy: {}", reply.text), ["bench:0".parse::<Recipient>()?]) {
            Ok(()) | Err(SendError::Unasked) => Ok(Outbound::Send),
            Err(problem) => Err(problem.into()),
        }
    }
}

#[tokio::test]
async fn a_message_that_nobody_asked_for_sets_off_no_other() {
    let bench = Bench::new(Router::new().app(Tell).app(Archive));
    bench.receive("1", "tell 2: flood", None).await.unwrap();
    bench.work_off().await;
    let expected = got(&[("0", &["copy: told"]), ("1", &["told"]), ("2", &["flood"])]);
    assert_eq!(received(&bench), expected);
}

#[tokio::test]
async fn two_machines_that_have_each_other_told_come_to_an_end() {
    struct Relay;
    impl App for Relay {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            cx.send(cx.text().to_owned(), ["bench:2".parse::<Recipient>()?])?;
            Ok(Handled::Yes)
        }
    }
    let bench = Bench::with(Router::new().app(Relay)).replies_per_hour(5).build();
    for _ in 0..9 {
        bench.receive("1", "hello", None).await.unwrap();
        bench.work_off().await;
    }
    assert_eq!(received(&bench)["2"].len(), 5);
    let held_back = bench.history("1").await.iter().filter(|row| row.state == State::Failed).count();
    assert_eq!(held_back, 4);
}

#[tokio::test]
async fn a_reminder_to_one_number_after_the_other_is_no_loop() {
    let bench = Bench::with(Router::new()).replies_per_hour(5).build();
    for nth in 0..9 {
        bench.notify("1", "reminder", &format!("n{nth}")).await.unwrap();
    }
    bench.work_off().await;
    assert_eq!(received(&bench)["1"].len(), 9);
}

#[tokio::test]
async fn too_much_is_an_error_that_says_what_to_do() {
    struct Much;
    impl App for Much {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            let all = (0..=Sending::MAX_RECIPIENTS).map(recipient);
            let problem = cx.send("x", all).unwrap_err().to_string();
            cx.reply(problem);
            for _ in 0..Sending::MAX_SENDS {
                cx.send("y", [recipient(1)])?;
            }
            assert_eq!(cx.send("y", [recipient(1)]), Err(SendError::TooManySends));
            assert_eq!(cx.send("y", Vec::<Recipient>::new()), Err(SendError::TooManySends));
            Ok(Handled::Yes)
        }
    }
    fn recipient(number: usize) -> Recipient {
        format!("bench:{number}").parse().unwrap()
    }
    let bench = Bench::new(Router::new().app(Much));
    bench.receive("1", "go", None).await.unwrap();
    let expected =
        "one send has at most 100 recipients, not 101: for more recipients, call the function `send`";
    assert_eq!(bench.gateway.texts(), [expected]);
}

#[tokio::test]
async fn a_message_that_one_backend_refuses_goes_out_by_the_next() {
    let bench = Bench::with(Router::new()).backend("bench").backend("radio").backend("mail").build();
    let connections =
        [bench.connection("1"), bench.connection_at("radio", "one"), bench.connection_at("mail", "1@x")];
    bench.gateway.next([Behaviour::Refuse, Behaviour::Refuse]);
    bench.notify_by(&connections, "flood", "n1").await.unwrap();
    bench.work_off().await;
    let taken = bench.gateway.taken();
    assert_eq!(taken.iter().map(|message| &message.connection).collect::<Vec<_>>(), [&connections[2]]);
    for (connection, state) in connections.iter().zip([State::Failed, State::Failed, State::Sent]) {
        let history = bench.history_of(connection).await;
        assert_eq!(history.iter().map(|row| row.state).collect::<Vec<_>>(), [state], "{connection:?}");
    }
}

/// An app that makes a contact for the first sender, adds later senders to it, and sends to everyone of the contact on
/// `tell`.
struct Family;

impl App for Family {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let first = cx.connection().backend.clone();
        let mother = threadless::ConnectionId::new(first, "1".parse()?);
        let id = threadless::ContactId::of(&mother, 0);
        match cx.text() {
            "hello" if *cx.connection() == mother => cx.contact_mut().set_name("Asha"),
            "join" => {
                let contact = cx.find_contact(&id).await?.ok_or("not yet")?;
                cx.join_contact(contact)?;
            }
            "tell" => cx.send("flood", [id])?,
            _ => return Ok(Handled::No),
        }
        Ok(Handled::Yes)
    }
}

#[tokio::test]
async fn a_contact_is_reached_by_the_connection_added_last_and_by_the_next_where_that_is_refused() {
    let bench = Bench::new(Router::new().app(Family));
    for (from, text) in [("1", "hello"), ("2", "join"), ("9", "tell")] {
        bench.receive(from, text, None).await.unwrap();
        bench.work_off().await;
    }
    assert_eq!(received(&bench), got(&[("2", &["flood"])]));
    bench.gateway.next([Behaviour::Refuse]);
    bench.receive("9", "tell", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(received(&bench), got(&[("1", &["flood"]), ("2", &["flood"])]));

    // The same holds in a broadcast. The answer names an unknown contact.
    let id = bench.contact("1").await.unwrap().id().clone();
    let order = |contact: &str| {
        let body = format!(r#"{{"key":"k","text":"run","recipients":[{{"contact":"{contact}"}}]}}"#);
        http::Request::post("/send").header("content-type", "application/json").body(body.into()).unwrap()
    };
    assert_eq!(bench.request_send(order("nobody")).await.status(), 400);
    assert_eq!(bench.request_send(order(id.as_str())).await.status(), 202);
    bench.gateway.next([Behaviour::Refuse]);
    bench.work_off().await;
    assert_eq!(received(&bench)["1"], ["flood", "run"]);
    let asked = http::Request::get("/send/k?recipients").body(bytes::Bytes::new()).unwrap();
    let answer = bench.request_send(asked).await;
    let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let one = &answer["recipients"][0];
    assert_eq!((&one["state"], &one["by"]), (&"sent".into(), &"bench:1".into()));
}

/// Makes the calls of the store or the queue go wrong, one after the other, until no call is left. Checks each time
/// that the next deliveries of the gateway and of the queue, and the sweeps, repair everything.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = bench();
        bench.receive("1", "zero", Some("mid-0")).await.unwrap();
        bench.receive("2", "zero", Some("mid-0")).await.unwrap();
        bench.faults.plan(nth, fault, when);
        // With silence the process hangs there. It is killed, and its unfinished work with it.
        let first = async {
            let _ = bench.receive("1", "tell 2 3: flood", Some("mid-1")).await;
            bench.work_off().await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
        let met = bench.faults.met();
        bench.faults.clear();

        bench.receive("1", "tell 2 3: flood", Some("mid-1")).await.unwrap();
        bench.minutes(4).await;

        let mut doubts = 0;
        for (number, text) in [("1", "told"), ("2", "flood"), ("3", "flood")] {
            let times = received(&bench).get(number).map_or(0, |texts| {
                assert!(texts.iter().all(|said| said == text), "{number}: {texts:?}");
                texts.len()
            });
            let doubt: u32 = bench.history(number).await.iter().map(|row| row.uncertain).sum();
            assert!(
                (1..=1 + doubt as usize).contains(&times),
                "call {nth} {fault:?} {when:?}: {number} {times}"
            );
            assert!(bench.outbox(number).await.is_empty(), "call {nth} {fault:?} {when:?}: {number}");
            doubts += doubt;
        }
        assert!(doubts <= 1, "call {nth} {fault:?} {when:?}: {doubts} doubts");
        let of_sender = bench.history("1").await;
        let flood = of_sender.iter().find(|row| row.text == "flood");
        assert_eq!(flood, None, "call {nth} {fault:?} {when:?}: no gateway of the sender can have sent it");
        if met == 0 {
            assert!(nth > 15, "the faults were met: {nth}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_call_leaves_no_send_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_call_leaves_no_send_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::After).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_leaves_no_send_undone() {
    whatever_goes_wrong(FaultKind::Error, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_leaves_no_send_undone() {
    whatever_goes_wrong(FaultKind::Error, When::After).await;
}
