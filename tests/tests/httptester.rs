//! The message tester in the whole stack, as scripts and clients without a browser see it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::http::{Whole, exchange};
use tests::services::{items, waiting};
use threadless::project::Settings;
use threadless::settings::{Place, Surroundings};
use threadless_local::Stack;

const PASSWORD: &str = "correct horse battery";

fn settings(more: &str) -> String {
    format!("[project]\nname = \"Test\"\n[backends.tester]\nengine = \"httptester\"\n{more}\n")
}

async fn ask(stack: &Stack, method: &str, path: &str, headers: &str, body: &str) -> Result<Whole> {
    let request = format!(
        "{method} /httptester{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        stack.front,
        body.len()
    );
    exchange(stack.front, request.as_bytes()).await.with_context(|| format!("{method} {path}"))
}

async fn post(stack: &Stack, path: &str, body: &str) -> Result<(u16, String)> {
    let answer = ask(stack, "POST", path, "", body).await?.answer;
    Ok((answer.status, answer.body))
}

/// Counts the items whose keys have these prefixes.
async fn kept(stack: &Stack, pk: &str, sk: &str) -> Result<usize> {
    let begins = |item: &Value, key: &str, lead: &str| {
        item[key]["S"].as_str().is_some_and(|key| key.starts_with(lead))
    };
    let all = items(stack.dynamodb).await?;
    Ok(all.iter().filter(|item| begins(item, "pk", pk) && begins(item, "sk", sk)).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_page_gives_a_number_with_and_without_a_slash() -> Result<()> {
    let stack = Stack::start(tests::stack::ephemeral(&settings(""))).await?;
    for path in ["", "/", "/tester", "/tester/"] {
        let Whole { answer, headers } = ask(&stack, "GET", path, "", "").await?;
        assert_eq!(answer.status, 303, "{path}");
        let to = headers["location"].strip_prefix("/httptester").context("elsewhere")?;
        let page = ask(&stack, "GET", to, "", "").await?;
        assert_eq!(page.answer.status, 200, "{to}");
    }
    assert_eq!(stack.backend_url("tester"), format!("http://{}/httptester/tester/", stack.front));
    assert_eq!(items(stack.dynamodb).await?, [] as [Value; 0], "looking leaves nothing behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_says_something_and_reads_what_was_answered() -> Result<()> {
    for respond in ["inline", "queue"] {
        let stack =
            Stack::start(tests::stack::ephemeral(&settings(&format!("respond = \"{respond}\"")))).await?;
        assert_eq!(
            post(&stack, "/tester/", "identity=%2B251&text=echo+100%25").await?,
            (200, "OK".to_owned())
        );
        let poll = json!({ "conversations": [{ "identity": "+251" }], "numbers": true }).to_string();
        let begun = std::time::Instant::now();
        loop {
            let (status, news) = post(&stack, "/tester/poll.json", &poll).await?;
            assert_eq!(status, 200, "{news}");
            let news: Value = serde_json::from_str(&news)?;
            assert_eq!(news["numbers"][0]["identity"], "+251");
            let rows = news["conversations"][0]["rows"].as_array().context("no rows")?;
            assert!(!rows.is_empty(), "{respond}: it is there at once");
            if rows
                .iter()
                .any(|row| row["direction"] == "out" && row["state"] == "sent" && row["text"] == "100%")
            {
                break;
            }
            anyhow::ensure!(begun.elapsed().as_secs() < 60, "{respond}: no reply: {news}");
        }
        assert_eq!(kept(&stack, "B#tester", "N#+251").await?, 1);
        assert_eq!(post(&stack, "/tester/clear.json", r#"{"identity":"+251"}"#).await?.1, r#"{"left":0}"#);
        assert_eq!(kept(&stack, "C#tester#+251", "M#").await? + kept(&stack, "B#tester", "N#").await?, 0);
        assert_eq!(waiting(&stack.queue_url).await?, 0);
    }
    Ok(())
}

/// The events of an HTTP API have separate fields for cookies.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_goes_out_and_comes_back() -> Result<()> {
    let stack =
        Stack::start(tests::stack::ephemeral(&settings(&format!("password = \"{PASSWORD}\"")))).await?;
    let page = ask(&stack, "GET", "/tester/111/", "", "").await?;
    assert_eq!(
        (page.answer.status, page.headers["location"].as_str()),
        (303, "/httptester/tester/login.html?identity=111")
    );
    let wrong = ask(&stack, "POST", "/tester/login.html", "", "password=guess").await?;
    assert!(wrong.answer.status == 403 && !wrong.headers.contains_key("set-cookie"));
    let entered =
        ask(&stack, "POST", "/tester/login.html", "", "password=correct+horse+battery&identity=111").await?;
    assert_eq!(
        (entered.answer.status, entered.headers["location"].as_str()),
        (303, "/httptester/tester/111/")
    );
    let (cookie, attributes) = entered.headers["set-cookie"].split_once("; ").context("no attributes")?;
    assert!(attributes.contains("HttpOnly; Secure; SameSite=Strict"), "{attributes}");
    let page = ask(&stack, "GET", "/tester/111/", &format!("Cookie: a=b; {cookie}; c=d\r\n"), "").await?;
    assert_eq!(page.answer.status, 200);
    let forged = ask(&stack, "GET", "/tester/111/", &format!("Cookie: {cookie}0\r\n"), "").await?;
    assert_eq!(forged.answer.status, 303);
    assert_eq!(post(&stack, "/tester/send.json", r#"{"messages":[]}"#).await?.0, 401);
    assert_eq!(post(&stack, "/tester/", "identity=1&text=x").await?.0, 403);
    Ok(())
}

/// A deployment of the shipped settings without a secret for the tester still has all other functions.
#[test]
fn the_shipped_settings_start_without_the_secrets_of_the_tester() {
    let deployed = |known: &'static [&str]| {
        let lookup = |name: &str| known.contains(&name).then(|| format!("the value of {name}"));
        Settings::read(
            functions::SETTINGS,
            &functions::engines(),
            &Surroundings::new(Place::Deployed, lookup),
        )
    };
    let kannel = &["KANNEL_TOKEN", "KANNEL_PASSWORD"];
    let settings = deployed(kannel).unwrap();
    assert!(settings.backends.contains_key(&"message_tester".parse().unwrap()));
    // The warnings are about the Kannel on the developer's machine.
    let warned: Vec<&str> = settings.warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(warned, ["backends.my-kannel-backend.sendsms_url"]);
    deployed(&["KANNEL_TOKEN", "KANNEL_PASSWORD", "TESTER_PASSWORD", "TESTER_TOKEN"]).unwrap();
    let missing = deployed(&["TESTER_PASSWORD"]).err().unwrap();
    assert!(
        missing.0.iter().all(|fault| fault.field.starts_with("backends.my-kannel-backend.")),
        "{missing}"
    );
}
