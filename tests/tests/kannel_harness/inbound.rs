//! Messages from the phone to the endpoint: what arrives, and in what form.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use tests::gsm7;
use tests::http::escape;
use tests::kannel::{Coding, Kannel, KannelOptions, Mo, Service};
use tests::recorder::{Recorded, Recorder};

use super::{CODE, LIMIT, PHONE, hex, kannel, kannel_with, utf16};

fn shape(request: &Recorded) -> (String, String, String) {
    let text = |name| request.text(name).unwrap_or_else(|| panic!("no {name} in {}", request.target));
    (text("hex"), text("charset"), text("coding"))
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn every_text_arrives_byte_for_byte_in_hex() {
    let (kannel, endpoint) = kannel().await;
    let every = gsm7::every_character();
    let gsm = [every.as_str(), "", " ", "\r\n", "@", " hello  echo ", "?x=1&y=%e+#"];
    let ucs2 = ["ሰላም", "مرحبا", "👩\u{200D}👩\u{200D}👧", "\u{FFFF}", "\0", "a\0b", "ሰ\t\n\u{B}\u{C}\r ላ"];
    for text in gsm.into_iter().chain(ucs2) {
        let before = endpoint.requests().len();
        kannel.smsc().text(PHONE, CODE, text).await.unwrap();
        let requests = endpoint.wait_for(before + 1, LIMIT).await.unwrap();
        let expected = if gsm.contains(&text) {
            (hex(text.as_bytes()), "UTF-8".into(), "0".into())
        } else {
            (hex(&utf16(text)), "UTF-16BE".into(), "2".into())
        };
        assert_eq!(shape(&requests[before]), expected, "{text:?}");
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn binary_arrives_as_8_bit() {
    let (kannel, endpoint) = kannel().await;
    let every: Vec<u8> = (0..=139).collect();
    kannel.smsc().mo(&Mo::new(PHONE, CODE, Coding::Binary, every.as_slice())).await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(shape(&requests[0]), (hex(&every), "8-BIT".into(), "1".into()));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_long_text_arrives_as_one_request() {
    let (kannel, endpoint) = kannel().await;
    let (gsm, ucs2) = ("Hello €wor".repeat(30), "ሰላም 😀 ሰላ ".repeat(30));
    kannel.smsc().text(PHONE, CODE, &gsm).await.unwrap();
    endpoint.wait_for(1, LIMIT).await.unwrap();
    // The last part comes first. Kannel sorts the parts.
    for part in Mo::text(PHONE, CODE, &ucs2).iter().rev() {
        kannel.smsc().mo(part).await.unwrap();
    }
    let requests = endpoint.wait_for(2, LIMIT).await.unwrap();
    assert_eq!(shape(&requests[0]), (hex(gsm.as_bytes()), "UTF-8".into(), "0".into()));
    assert_eq!(shape(&requests[1]), (hex(&utf16(&ucs2)), "UTF-16BE".into(), "2".into()));
    assert_eq!(requests[1].text("udh").unwrap(), "");
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_request_names_sender_receiver_line_time_and_a_new_id() {
    let (kannel, endpoint) = kannel().await;
    for _ in 0..2 {
        kannel.smsc().text(PHONE, CODE, "same").await.unwrap();
    }
    let requests = endpoint.wait_for(2, LIMIT).await.unwrap();
    let text = |index: usize, name| requests[index].text(name).unwrap();
    assert_eq!(requests[0].path(), "/backend/kannel/");
    assert_eq!((text(0, "id"), text(0, "to"), text(0, "smsc")), (PHONE.into(), CODE.into(), "A".into()));
    assert_eq!(text(0, "mid").len(), 36);
    assert_ne!(text(0, "mid"), text(1, "mid"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ts: u64 = text(0, "ts").parse().unwrap();
    assert!(ts <= now && now - ts < 600, "{ts} at {now}");
    assert_eq!(requests[0].header("user-agent"), Some("Kannel/1.4.5"));
    assert_eq!(requests[0].header("authorization"), None);
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn text_b_is_exact_and_text_a_is_not() {
    let endpoint = Recorder::start().await.unwrap();
    let url = endpoint.url("/?b=%b&a=%a&charset=%C");
    let kannel = Kannel::start(KannelOptions::with(Service::at(url))).await.unwrap();
    kannel.smsc().text(PHONE, CODE, "ሰላም").await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(requests[0].param("b").unwrap(), utf16("ሰላም"));
    assert_ne!(requests[0].param("a").unwrap(), utf16("ሰላም"));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_user_in_the_url_becomes_basic_authorization() {
    let endpoint = Recorder::start().await.unwrap();
    let url = format!("http://kannel:{}@{}/?hex=%e", escape("token"), endpoint.address());
    let kannel = Kannel::start(KannelOptions::with(Service::at(url))).await.unwrap();
    kannel.smsc().text(PHONE, CODE, "x").await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(requests[0].header("authorization"), Some("Basic a2FubmVsOnRva2Vu"));
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn two_lines_reach_two_services() {
    let second = Recorder::start().await.unwrap();
    let (kannel, first) = kannel_with(|options| {
        options.lines.push("B".into());
        options.services[0].line = Some("A".into());
        options.services.push(Service { line: Some("B".into()), ..Service::new(&second.url("/b/")) });
    })
    .await;
    kannel.line("B").unwrap().text(PHONE, CODE, "to b").await.unwrap();
    kannel.line("A").unwrap().text(PHONE, CODE, "to a").await.unwrap();
    for (endpoint, line) in [(&first, "A"), (&second, "B")] {
        let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
        assert_eq!(requests[0].text("smsc").as_deref(), Some(line));
        assert_eq!(requests.len(), 1);
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_sender_arrives_as_the_operator_gave_it() {
    let (kannel, endpoint) = kannel().await;
    for (count, sender) in (1..).zip(["1112223333", "+251911223344", "0911223344", "Clinic"]) {
        kannel.smsc().text(sender, CODE, "x").await.unwrap();
        let requests = endpoint.wait_for(count, LIMIT).await.unwrap();
        assert_eq!(requests[count - 1].text("id").as_deref(), Some(sender));
    }
}

#[tokio::test]
#[ignore = "needs Kannel: tests/run"]
async fn a_thousand_messages_each_arrive_once() {
    let (kannel, endpoint) = kannel().await;
    let mos: Vec<Mo> = (0..1000)
        .map(|number| Mo::new(&(1000 + number % 200).to_string(), CODE, Coding::Gsm7, number.to_string()))
        .collect();
    futures_util::future::try_join_all(mos.iter().map(|mo| kannel.smsc().mo(mo))).await.unwrap();
    let requests = endpoint.wait_for(1000, LIMIT).await.unwrap();
    let count = |name| requests.iter().map(|request| request.text(name)).collect::<HashSet<_>>().len();
    assert_eq!((requests.len(), count("hex"), count("mid"), count("id")), (1000, 1000, 1000, 200));
}
