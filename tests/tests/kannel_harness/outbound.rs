//! Messages from sendsms to the phone: the answers, and the bytes that the operator gets.

use tests::gsm7;
use tests::http::{Answer, get};
use tests::kannel::{Coding, Message, Routing, messages, reassemble};

use super::{CODE, LIMIT, PHONE, kannel, kannel_with, utf16};

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.into() }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn gsm_text_leaves_byte_for_byte_with_coding_0() {
    let (kannel, _endpoint) = kannel().await;
    let every = gsm7::every_character();
    for (count, text) in (1..).zip([every.as_str(), " ", "@", "hello"]) {
        let params: [(&str, &[u8]); 5] = [
            ("from", CODE.as_bytes()),
            ("to", PHONE.as_bytes()),
            ("charset", b"UTF-8"),
            ("coding", b"0"),
            ("text", text.as_bytes()),
        ];
        assert_eq!(kannel.sendsms(&params).await.unwrap(), answer(202, "0: Accepted for delivery"));
        let mts = kannel.smsc().wait_for_mts(count, LIMIT).await.unwrap();
        let mt = mts.last().unwrap();
        assert_eq!((mt.from.as_str(), mt.to.as_str(), mt.coding), (CODE, PHONE, Coding::Gsm7));
        assert_eq!(mt.bytes, gsm7::encode(text).unwrap(), "{text:?}");
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn any_text_leaves_byte_for_byte_with_coding_2() {
    let (kannel, _endpoint) = kannel().await;
    let texts = [
        "ሰላም",
        "مرحبا",
        "👩\u{200D}👩\u{200D}👧",
        "\u{FFFF}",
        "a\0b",
        "\0",
        "ሰ\t\n\u{B}\u{C}\r ላ ",
        " ",
        "é€{",
    ];
    let mut count = 0;
    for text in texts {
        let utf16 = utf16(text);
        let ways: [(Option<&str>, &[u8]); 3] =
            [(None, &utf16), (Some("UTF-16BE"), &utf16), (Some("UTF-8"), text.as_bytes())];
        for (charset, bytes) in ways {
            let mut params: Vec<(&str, &[u8])> =
                vec![("from", CODE.as_bytes()), ("to", PHONE.as_bytes()), ("coding", b"2"), ("text", bytes)];
            params.extend(charset.map(|charset| ("charset", charset.as_bytes())));
            let sent = kannel.sendsms(&params).await.unwrap();
            assert_eq!(sent, answer(202, "0: Accepted for delivery"), "{text:?} {charset:?}");
            count += 1;
            let mts = kannel.smsc().wait_for_mts(count, LIMIT).await.unwrap();
            let mt = mts.last().unwrap();
            assert_eq!((mt.coding, &mt.bytes), (Coding::Ucs2, &utf16), "{text:?} {charset:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_long_text_leaves_in_parts_that_make_it_up_again() {
    let (kannel, _endpoint) = kannel().await;
    // Each text has 300 characters: 330 septets with the escapes, or 360 UTF-16 units with the surrogates.
    let cases = [("Hello €wor".repeat(30), "0", 153), ("ሰላም 😀 ሰላ😀 ".repeat(30), "2", 134)];
    for (text, coding, part) in cases {
        let before = kannel.smsc().mts().len();
        let params: [(&str, &[u8]); 5] = [
            ("from", CODE.as_bytes()),
            ("to", PHONE.as_bytes()),
            ("charset", b"UTF-8"),
            ("coding", coding.as_bytes()),
            ("text", text.as_bytes()),
        ];
        assert_eq!(kannel.sendsms(&params).await.unwrap().status, 202);
        let length = if coding == "0" { gsm7::encode(&text).unwrap().len() } else { utf16(&text).len() };
        let parts = length.div_ceil(part);
        let mts = kannel.smsc().wait_for_mts(before + parts, LIMIT).await.unwrap();
        let mts = &mts[before..];
        assert_eq!(mts.len(), parts);
        assert_eq!(mts[0].bytes.len(), part);
        assert_eq!(mts[0].udh[..3], [5, 0, 3]);
        assert_eq!(reassemble(mts).unwrap(), text);
        assert_eq!(messages(mts).unwrap(), [Message { from: CODE.into(), to: PHONE.into(), text, parts }]);
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn each_refusal_has_its_answer() {
    let (kannel, _endpoint) = kannel_with(|options| options.routing = Routing::Named).await;
    let url = kannel.sendsms_url();
    let (user, password) = (kannel.username(), kannel.password());
    let good = format!("username={user}&password={password}");
    for (url, status, body) in [
        (
            format!("{url}?username={user}&password=wrong&to={PHONE}&from={CODE}&text=x"),
            403,
            "Authorization failed for sendsms",
        ),
        (url.clone(), 403, "Authorization failed for sendsms"),
        (
            format!("{url}?{good}&to={PHONE}&from={CODE}&text=x&smsc=nobody"),
            403,
            "Not routable. Do not try again.",
        ),
        (format!("{url}?{good}&from={CODE}&text=x&smsc=A"), 400, "rejected"),
        (
            format!("{url}?{good}&to=abc&from={CODE}&text=x&smsc=A"),
            400,
            "denied by white- and/or black-lists",
        ),
        (format!("{url}?{good}&to={PHONE}&from={CODE}&text=x&smsc=A&coding=9"), 400, "rejected"),
        (format!("{url}x?{good}"), 404, "Unknown request."),
        (format!("{url}?{good}&to={PHONE}&from={CODE}&text=x&smsc=A"), 202, "0: Accepted for delivery"),
    ] {
        let answer = get(&url).await.unwrap();
        assert!(answer.status == status && answer.body.contains(body), "{url}: {answer:?}");
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_message_for_an_unknown_line_leaves_by_another_unless_lines_must_be_named() {
    let (kannel, _endpoint) = kannel().await;
    let send = async |text: &[u8], smsc: &[u8]| {
        let params: [(&str, &[u8]); 4] =
            [("from", CODE.as_bytes()), ("to", PHONE.as_bytes()), ("text", text), ("smsc", smsc)];
        kannel.sendsms(&params).await.unwrap()
    };
    assert_eq!(send(b"to nobody", b"nobody").await.status, 202);
    assert_eq!(send(b"to a", b"A").await.status, 202);
    let mts = kannel.smsc().wait_for_mts(2, LIMIT).await.unwrap();
    let mut texts: Vec<_> = messages(&mts).unwrap().into_iter().map(|message| message.text).collect();
    texts.sort();
    assert_eq!(texts, ["to a", "to nobody"]);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn while_the_line_is_down_messages_are_queued_then_refused_for_now() {
    let (kannel, _endpoint) = kannel_with(|options| {
        options.extra.core.push("sms-outgoing-queue-limit = 2".into());
    })
    .await;
    kannel.smsc().down();
    kannel.wait_for_status("online", 0).await.unwrap();
    let params: [(&str, &[u8]); 3] =
        [("from", CODE.as_bytes()), ("to", PHONE.as_bytes()), ("text", b"later")];
    assert_eq!(kannel.sendsms(&params).await.unwrap(), answer(202, "3: Queued for later delivery"));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(kannel.sendsms(&params).await.unwrap());
    }
    assert!(answers.contains(&answer(503, "Temporal failure, try again later.")), "{answers:?}");
    let queued = 1 + answers.iter().filter(|answer| answer.status == 202).count();
    kannel.smsc().up();
    let mts = kannel.smsc().wait_for_mts(queued, LIMIT).await.unwrap();
    assert_eq!(mts.len(), queued);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn numbers_leave_as_they_were_given() {
    let (kannel, _endpoint) = kannel().await;
    for (count, (from, to)) in
        (1..).zip([("1234", "1112223333"), ("+251911", "+251911223344"), ("Clinic", "0911223344")])
    {
        let params: [(&str, &[u8]); 3] = [("from", from.as_bytes()), ("to", to.as_bytes()), ("text", b"x")];
        assert_eq!(kannel.sendsms(&params).await.unwrap().status, 202);
        let mts = kannel.smsc().wait_for_mts(count, LIMIT).await.unwrap();
        assert_eq!((mts[count - 1].from.as_str(), mts[count - 1].to.as_str()), (from, to));
    }
}
