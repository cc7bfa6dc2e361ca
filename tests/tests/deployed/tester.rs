//! The deployed message tester, as a browser sees it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::http::{Whole, exchange};
use tokio::time::{Instant, sleep};

use crate::stack::{Account, LIMIT};

/// The tester of the shipped settings.
const ROOT: &str = "/httptester/message_tester/";

/// The request that a page repeats.
const POLL: &str = r#"{"conversations":[{"identity":"1112223336"}]}"#;

/// The deployed pages.
struct Pages {
    host: String,
    /// The prefix of each path.
    base: String,
}

impl Pages {
    /// Makes one request of a browser that has this cookie and this token.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Whole> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{method} {}{ROOT}{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.base,
            self.host,
            body.len()
        );
        exchange(self.host.as_str(), request.as_bytes()).await.with_context(|| format!("{method} {path}"))
    }

    async fn log_in(&self, password: &str) -> Result<Whole> {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("POST", "login.html", &form, &format!("password={password}")).await
    }
}

/// Checks that nobody gets in without the password, and that a person with the password can talk to the apps. A person
/// who guesses must wait, whichever environment of the function gets the request.
pub(crate) async fn answers_who_has_the_password_and_nobody_else(account: &Account) -> Result<()> {
    let api = account.outputs()?.remove("ApiUrl").context("no ApiUrl")?;
    let url = account.url(&api, "")?;
    let (host, base) = url.strip_prefix("http://").and_then(|url| url.split_once('/')).context("no host")?;
    let pages = Pages { host: host.to_owned(), base: format!("/{base}") };
    let password = account.secret("TESTER_PASSWORD")?;

    let page = pages.ask("GET", "1112223336/", &[], "").await?;
    ensure!(page.answer.status == 303 && page.headers["location"].contains("login.html"), "{page:?}");
    let call = pages.ask("POST", "poll.json", &[], POLL).await?;
    ensure!(call.answer.status == 401, "{call:?}");
    ensure!(pages.log_in("guess").await?.answer.status == 403, "a wrong password");

    let entered = pages.log_in(&password).await?;
    ensure!(entered.answer.status == 303, "{entered:?}");
    let cookie = entered.headers.get("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = ("Cookie", cookie.context("no cookie")?);
    let page = pages.ask("GET", "1112223336/", &[cookie], "").await?;
    let token = page.answer.body.split("data-token=\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = ("X-Tester-Token", token.with_context(|| format!("no token: {page:?}"))?);

    let one =
        json!({ "messages": [{ "identity": "1112223336", "text": "echo hello from the page" }] }).to_string();
    let without = pages.ask("POST", "send.json", &[cookie], &one).await?;
    ensure!(without.answer.status == 403, "the cookie alone does not do: {without:?}");
    let sent = pages.ask("POST", "send.json", &[cookie, token], &one).await?;
    ensure!(sent.answer.status == 200, "{sent:?}");
    let begun = Instant::now();
    loop {
        let news = pages.ask("POST", "poll.json", &[cookie, token], POLL).await?;
        ensure!(news.answer.status == 200, "{news:?}");
        let news: Value = serde_json::from_str(&news.answer.body)?;
        let rows = news["conversations"][0]["rows"].as_array().into_iter().flatten();
        let texts: Vec<&str> = rows.filter_map(|row| row["text"].as_str()).collect();
        if texts == ["echo hello from the page", "hello from the page"] {
            break;
        }
        ensure!(begun.elapsed() < LIMIT, "no reply: {news}");
        sleep(std::time::Duration::from_millis(200)).await;
    }

    for nth in 1..5 {
        ensure!(
            pages.log_in("guess").await?.answer.status == 403,
            "wrong password {nth} of those that are free"
        );
    }
    // Each further wrong password makes the client wait longer: 2 s, 4 s … So one of these requests comes too soon,
    // however slow this machine is.
    let mut refused = None;
    for _ in 0..8 {
        let answer = pages.log_in("guess").await?;
        match answer.answer.status {
            403 => {}
            429 => refused = Some(answer),
            other => anyhow::bail!("{other}: {answer:?}"),
        }
    }
    let refused = refused.context("nobody was told to wait")?;
    ensure!(refused.headers.contains_key("retry-after"), "{refused:?}");
    let still = pages.ask("POST", "poll.json", &[cookie, token], POLL).await?;
    ensure!(still.answer.status == 200, "a session goes on: {still:?}");
    Ok(())
}
