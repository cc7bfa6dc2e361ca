//! The tester used with the keyboard alone.

use anyhow::{Result, bail};
use serde_json::json;

use crate::browser::{Browser, CONTROL, DOWN, ENTER, ESCAPE, OPEN, SHIFT, TAB, UP};

/// Moves with Tab, or back with Shift and Tab, until the right element has the focus.
async fn tab_to(browser: &Browser, selector: &str, back: bool) -> Result<()> {
    let there = format!("return document.activeElement?.matches({}) === true", json!(selector));
    for _ in 0..80 {
        if browser.script(&there).await? == json!(true) {
            let visible = "return document.activeElement.matches(':focus-visible')";
            assert_eq!(browser.script(visible).await?, json!(true), "{selector}: the focus is to be seen");
            return Ok(());
        }
        let keys = browser.driver.action_chain();
        let keys = if back {
            keys.key_down(SHIFT).send_keys(TAB.to_string()).key_up(SHIFT)
        } else {
            keys.send_keys(TAB.to_string())
        };
        keys.perform().await?;
    }
    bail!("the focus never comes to {selector}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn everything_can_be_done_with_the_keyboard_alone() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        browser.open("tester/111/").await?;
        // The field has the focus from the beginning. Shift+Enter begins a line, Enter sends.
        browser.keys("echo one").await?;
        browser
            .driver
            .action_chain()
            .key_down(SHIFT)
            .send_keys(ENTER.to_string())
            .key_up(SHIFT)
            .send_keys("two")
            .send_keys(ENTER.to_string())
            .perform()
            .await?;
        browser.shows(".pane .out .bubble", "one\ntwo").await?;
        // Enter in an empty field sends nothing. Ctrl+Enter sends a blank message.
        browser.keys(ENTER).await?;
        let chain = browser.driver.action_chain().key_down(CONTROL).send_keys(ENTER.to_string());
        chain.key_up(CONTROL).perform().await?;
        browser
            .until("blank", "return document.querySelectorAll('.pane .in .bubble.blank').length === 1")
            .await?;
        browser
            .until("handled", "return document.querySelectorAll('.pane .in.handled').length === 2")
            .await?;
        // As in a shell, the up key shows earlier messages.
        browser.keys([UP, UP].iter().collect::<String>()).await?;
        assert_eq!(browser.script("return document.activeElement.value").await?, json!("echo one\ntwo"));
        browser.keys([DOWN, DOWN].iter().collect::<String>()).await?;
        assert_eq!(browser.script("return document.activeElement.value").await?, json!(""));

        // The user opens another number beside it, types the number, and goes back by the list.
        tab_to(browser, ".pane [aria-label='Another number beside this one']", true).await?;
        browser.keys(ENTER).await?;
        browser.until("two panes", "return document.querySelectorAll('.pane').length === 2").await?;
        tab_to(browser, "#open input", true).await?;
        browser.keys(format!("MTN INFO{ENTER}")).await?;
        browser.shows(".pane h2", "MTN INFO").await?;
        let focused = "return document.activeElement.closest('.pane')?.dataset.identity";
        assert_eq!(
            browser.script(focused).await?,
            json!("MTN INFO"),
            "the field of the new one has the focus"
        );
        browser.keys(format!("ping{ENTER}")).await?;
        browser.shows(".pane .out .bubble", "pong").await?;
        tab_to(browser, "#numbers li[data-identity='111'] a", true).await?;
        browser.keys(ENTER).await?;
        assert_eq!(browser.script(focused).await?, json!("111"));

        // The user clears the conversation: first answers no, then yes.
        tab_to(browser, ".pane[data-identity='111'] [aria-label='Clear this conversation']", true).await?;
        browser.keys(ENTER).await?;
        browser.until("it asks", "return document.querySelector('dialog[open]') !== null").await?;
        browser.keys(ESCAPE).await?;
        browser.until("no more", "return document.querySelector('dialog') === null").await?;
        assert_eq!(browser.script(focused).await?, json!("111"), "the focus is where it was");
        tab_to(browser, ".pane[data-identity='111'] [aria-label='Clear this conversation']", true).await?;
        browser.keys(ENTER).await?;
        tab_to(browser, "dialog [value=yes]", false).await?;
        browser.keys(ENTER).await?;
        browser
            .until(
                "cleared",
                "return document.querySelector(\".pane[data-identity='111'] .message\") === null",
            )
            .await?;
        tab_to(browser, "#show-log", true).await?;
        browser.keys(ENTER).await?;
        browser.shows("#log td.text", "pong").await?;
        Ok(())
    })
    .await
}
