//! Texts that go in both directions unchanged, byte for byte.

use tests::gsm7;
use tests::kannel::reassemble;

use super::{CODE, LIMIT, MODES, kannel_and_stack};

/// Returns the texts that a phone sends behind `echo ` and must receive again.
fn texts() -> Vec<String> {
    let every = gsm7::every_character();
    let mut texts = vec![
        format!("x{every}"),
        "xሰላም ለዓለም".to_owned(),
        "xمرحبا بالعالم".to_owned(),
        "x👩\u{200d}👩\u{200d}👧\u{200d}👦 👩\u{200d}💻".to_owned(),
        "x\u{ffff}".to_owned(),
        "x\0y\0".to_owned(),
        "x \t\n\u{b}\u{c}\r ሰ y ".to_owned(),
        "x100% %(x)s {} \\ \" ' & # + =".to_owned(),
        "Hello €wor".repeat(30),
        "ሰላም 😀 ሰላ😀x".repeat(30),
    ];
    // Each character of the alphabet also comes alone, so that a fault in one cannot hide behind another.
    texts.extend(every.chars().map(|c| format!("x{c}y")));
    texts
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn every_text_comes_back_as_it_was_sent() {
    for mode in MODES {
        let (kannel, _stack) = kannel_and_stack(mode).await;
        let phone = kannel.smsc();
        for (nth, text) in texts().into_iter().enumerate() {
            let number = format!("11122{nth:05}");
            let before = phone.mts().len();
            phone.text(&number, CODE, &format!("echo {text}")).await.unwrap();
            let mut count = before + 1;
            loop {
                let parts = phone.wait_for_mts(count, LIMIT).await.unwrap().split_off(before);
                assert!(parts.iter().all(|part| part.to == number && part.from == CODE), "{mode} {text:?}");
                match reassemble(&parts) {
                    Ok(back) => {
                        assert_eq!(back, text, "{mode}");
                        break;
                    }
                    Err(_) => count += 1,
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn a_blank_text_is_a_message() {
    for mode in MODES {
        let (kannel, _stack) = kannel_and_stack(mode).await;
        for (count, text) in ["", " "].into_iter().enumerate() {
            kannel.smsc().text("1112223333", CODE, text).await.unwrap();
            let mts = kannel.smsc().wait_for_mts(count + 1, LIMIT).await.unwrap();
            assert_eq!(reassemble(&mts[count..]).unwrap(), "What?", "{mode} {text:?}");
        }
    }
}
