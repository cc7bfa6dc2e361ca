//! Sending a file of messages.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::browser::{Browser, OPEN};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_file_of_500_lines_is_sent_in_order_with_progress() -> Result<()> {
    const LINES: usize = 500;
    let folder = TempDir::new()?;
    let file = folder.path().join("lines.txt");
    let mut text = String::new();
    for nth in 0..LINES {
        // The text has line ends as Windows writes them, with blank lines in between.
        let _ = write!(text, "echo {nth} ሰላም <b>\r\n{}", if nth % 100 == 0 { "\r\n" } else { "" });
    }
    std::fs::write(&file, text)?;
    Browser::run(OPEN, async |browser| {
        browser.open("tester/111/").await?;
        browser.click(".pane [aria-label='Send a file of messages']").await?;
        let field = browser.driver.find(By::Css("dialog input[type=file]")).await?;
        field.send_keys(file.display().to_string()).await?;
        browser.shows("dialog [role=status]", "500 messages of 1 number.").await?;
        browser
            .script("window.steps = new Set(); new MutationObserver(() => window.steps.add(document.querySelector('dialog [role=status]')?.textContent)).observe(document.body, { subtree: true, childList: true, characterData: true });")
            .await?;
        browser.click("dialog .primary").await?;
        browser.shows("dialog [role=status]", "All 500 messages sent.").await?;
        let steps = browser.script("return [...window.steps]").await?;
        for step in ["50 of 500 messages sent.", "450 of 500 messages sent."] {
            assert!(steps.as_array().is_some_and(|steps| steps.contains(&json!(step))), "{steps}");
        }
        browser.click("dialog .plain").await?;
        browser
            .until("every reply is there", "return document.querySelectorAll('.pane .out.sent').length === 500")
            .await?;
        let expected = |lead: &str| (0..LINES).map(|nth| format!("{lead}{nth} ሰላም <b>")).collect::<Vec<_>>();
        assert!(browser.texts(".pane .in .bubble").await? == expected("echo "), "in order");
        assert!(browser.texts(".pane .out .bubble").await? == expected(""), "in order");
        let calls = "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('send.json')).length";
        assert_eq!(browser.script(calls).await?, json!(10), "fifty with each call");

        // A person who opens the conversation later sees the newest messages, and the rest on request. "Later": the page
        // also shows older rows of the last ten seconds, since another function may have written them late.
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
        browser.driver.refresh().await?;
        browser.shows(".pane .out .bubble", "499 ሰላም <b>").await?;
        // Rows of the same millisecond as the oldest one may come too.
        let shown = browser.count(".pane .message").await?;
        assert!((200..250).contains(&shown), "{shown}");
        browser.click(".pane .earlier").await?;
        browser.until("all", "return document.querySelectorAll('.pane .message').length === 1000").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_transcript_is_said_by_its_numbers_unless_one_wants_it_said_as_it_is() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("transcript.txt");
    // The file is in Latin-1, which is not UTF-8.
    std::fs::write(&file, b"# a test\n111 > echo caf\xe9\n111 < caf\xe9\n+222 > ping\n".as_slice())?;
    Browser::run(OPEN, async |browser| {
        browser.open("tester/999/").await?;
        let choose = async || -> Result<()> {
            browser.click(".pane [aria-label='Send a file of messages']").await?;
            let field = browser.driver.find(By::Css("dialog input[type=file]")).await?;
            Ok(field.send_keys(file.display().to_string()).await?)
        };
        choose().await?;
        browser.shows("dialog [role=status]", "2 messages of 2 numbers.").await?;
        browser.click("dialog .primary").await?;
        browser.shows("dialog [role=status]", "All 2 messages sent.").await?;
        browser.click("dialog .plain").await?;
        browser.shows("#numbers li[data-identity='111'] .preview", "café").await?;
        browser.shows("#numbers li[data-identity='+222'] .preview", "pong").await?;

        choose().await?;
        browser.click("dialog [value=text]").await?;
        browser.shows("dialog [role=status]", "4 messages of 1 number.").await?;
        browser.click("dialog .primary").await?;
        browser.shows("dialog [role=status]", "All 4 messages sent.").await?;
        browser.click("dialog .plain").await?;
        browser.shows(".pane .in .bubble", "+222 > ping").await?;
        Ok(())
    })
    .await
}
