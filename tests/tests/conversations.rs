//! A conversation in the whole stack. The messages of one phone arrive at once, inline and queued, and each takes one
//! turn.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tests::http::exchange;
use tests::recorder::{Recorder, Reply};
use threadless::AppError;
use threadless::apps::{Conversation, Said, Turn, conversation, keyword};
use threadless::lambda::EnvironmentError;
use threadless_local::{Stack, StartError};

/// A conversation that collects words. Each answer lists all words so far.
struct List;

impl Conversation for List {
    const NAME: &'static str = "list";
    type State = Vec<String>;

    async fn turn(&self, mut words: Vec<String>, said: Said) -> Result<Turn<Vec<String>>, AppError> {
        words.push(said.text().to_owned());
        let so_far = words.join(" ");
        Ok(Turn::to(words, so_far))
    }
}

fn settings(gateway: &Recorder) -> String {
    let backend = |respond: &str| {
        let url = gateway.url("/cgi-bin/sendsms");
        format!(
            "[backends.{respond}]\nengine = \"kannel\"\nsendsms_url = \"{url}\"\nrespond = \"{respond}\"\n"
        )
    };
    format!("[project]\nname = \"Test\"\n{}{}", backend("inline"), backend("queue"))
}

async fn text(stack: &Stack, backend: &str, text: &str) -> Result<()> {
    let target = format!("/backend/{backend}/?id=1112223333&text={text}&mid={text}");
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let status = exchange(stack.front, request.as_bytes()).await?.answer.status;
    ensure!(status == 200, "{target}: {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_messages_of_one_handset_take_one_turn_each() -> Result<()> {
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let options =
        tests::stack::with_apps(|router| router.app(conversation("list", List)), &settings(&gateway));
    let stack = Stack::start(options).await?;
    let (limit, mut before) = (Duration::from_mins(2), 0);
    for backend in ["inline", "queue"] {
        text(&stack, backend, "list+begin").await?;
        gateway.wait_for(before + 1, limit).await?;
        let words: Vec<String> = (0..12).map(|nth| format!("w{nth}")).collect();
        try_join_all(words.iter().map(|word| text(&stack, backend, word))).await?;
        let sent = gateway.wait_for(before + 13, limit).await?;

        let texts: Vec<String> = sent[before..].iter().filter_map(|request| request.text("text")).collect();
        assert_eq!(texts.len(), 13, "{backend}: {texts:?}");
        for pair in texts.windows(2) {
            assert!(pair[1].starts_with(&format!("{} ", pair[0])), "{backend}: {texts:?}");
        }
        let mut heard: Vec<&str> = texts[12].split(' ').skip(1).collect();
        heard.sort_by_key(|word| word[1..].parse::<u32>().ok());
        assert_eq!(heard, words, "{backend}: each once");
        before += 13;
    }
    Ok(())
}

#[tokio::test]
async fn a_stack_with_an_app_that_is_not_put_together_rightly_does_not_start() -> Result<()> {
    let gateway = Recorder::start().await?;
    let options =
        tests::stack::with_apps(|router| router.app(keyword("", async |_| ())), &settings(&gateway));
    let problem = Stack::start(options).await.err();
    let Some(StartError::Environment(EnvironmentError::Apps(faulty))) = &problem else {
        panic!("{:?}", problem.map(|problem| problem.to_string()))
    };
    assert_eq!(faulty.to_string(), r#"app "": a keyword needs a word"#);
    Ok(())
}
