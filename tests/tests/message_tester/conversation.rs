//! Conversations with the apps.

use anyhow::Result;
use serde_json::json;
use tests::services::items;

use crate::browser::{Browser, ENTER, OPEN};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn what_one_types_is_answered_without_a_reload() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        browser.open("").await?;
        let url = browser.driver.current_url().await?;
        let number = url.path().split('/').nth(3).unwrap_or_default().to_owned();
        assert!(number.len() == 10 && number.starts_with("555"), "{url}");
        browser.script("window.stays = true").await?;
        browser.keys(format!("echo hello{ENTER}")).await?;
        browser.shows(".pane .in.handled .bubble", "echo hello").await?;
        browser.shows(".pane .out.sent .bubble", "hello").await?;
        assert_eq!(browser.script("return window.stays").await?, json!(true));
        assert_eq!(browser.texts(".pane h2").await?[0], number);
        browser.shows("#numbers .preview", "hello").await?;
        browser.shows("h1", "Message tester").await?;
        browser.shows(".bar .project", "Clinic <1>").await?;

        // The messages are there after a reload, and in the log of all numbers.
        browser.driver.refresh().await?;
        browser.shows(".pane .out.sent .bubble", "hello").await?;
        assert_eq!(browser.count(".pane .message").await?, 2);
        browser.click("#show-log").await?;
        browser.shows("#log td.text", "echo hello").await?;
        assert_eq!(browser.texts("#log td a").await?, [number.clone(), number]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn messages_are_data_whatever_is_in_them() -> Result<()> {
    const NASTY: &str =
        "<img src=x onerror=\"window.broken=1\"><b>bold</b>&amp;<script>window.broken=1</script>";
    Browser::run(OPEN, async |browser| {
        browser.open("tester/?identity=%3Cb%3Ex%3C%2Fb%3E%20%25%20%23").await?;
        let who = "<b>x</b> % #";
        assert_eq!(browser.texts(".pane h2").await?, [who]);
        let field = ".pane textarea";
        for text in [format!("echo {NASTY}"), "echo \u{202e}abc \u{1f469}\u{200d}\u{1f4bb} ሰላም".to_owned()] {
            // The driver cannot type emoji.
            let typed = format!(
                "const field = document.querySelector({}); field.value = {}; field.dispatchEvent(new Event('input'));",
                json!(field),
                json!(text)
            );
            browser.script(&typed).await?;
            browser.click(".pane .send").await?;
            browser.shows(".pane .in.handled .bubble", &text).await?;
            browser.shows(".pane .out.sent .bubble", text.trim_start_matches("echo ")).await?;
        }
        browser.shows("#numbers .who", who).await?;
        browser.click("#show-log").await?;
        browser.shows("#log td.text", NASTY).await?;
        browser.shows("#log td a", who).await?;
        assert_eq!(browser.script("return window.broken === undefined").await?, json!(true));
        assert_eq!(browser.count(".bubble *, td.text *, .preview *, #numbers b, h2 b").await?, 0);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn numbers_stand_side_by_side_and_what_is_unread_or_failed_shows() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        browser.open("tester/111/?also=MTN+INFO").await?;
        assert_eq!(browser.texts(".pane h2").await?, ["111", "MTN INFO"]);
        browser.say("111", "echo from one").await?;
        browser.say("MTN INFO", "echo from the other").await?;
        browser.shows(".pane[data-identity='111'] .out .bubble", "from one").await?;
        browser.shows(".pane[data-identity='MTN INFO'] .out .bubble", "from the other").await?;
        assert_eq!(browser.count(".pane[data-identity='111'] .out").await?, 1);

        // A script sends a third message. Its reply is unread until someone looks.
        assert_eq!(browser.post("tester", "identity=%2B251&text=ping").await?, (200, "OK".to_owned()));
        let marks = "#numbers li[data-identity='+251'] .badge";
        browser.shows(marks, "1 unread").await?;
        browser.until("the title counts", "return document.title.startsWith('(1) ')").await?;
        browser.click("#numbers li[data-identity='+251'] a").await?;
        browser.shows(".pane[data-identity='+251'] .out .bubble", "pong").await?;
        browser.until("it is read", &format!("return document.querySelector({}) === null", json!(marks))).await?;
        browser.until("the title says so", "return document.title.startsWith('Message tester')").await?;

        // A person who opted out gets nothing: the reply failed, and its detail gives the reason.
        browser.say("+251", "STOP").await?;
        browser.say("+251", "ping").await?;
        browser.until(
            "the failure shows",
            "return document.querySelector('.pane .out.failed .meta')?.textContent.includes('opted out') === true",
        )
        .await?;
        browser.until("in the list too", "return document.querySelector('#numbers .failed') !== null").await?;

        // The address contains both panes, so it can be shared, and the browser can go back to it.
        let url = browser.driver.current_url().await?;
        browser.driver.back().await?;
        browser.until("back", "return document.querySelectorAll('.pane h2')[1]?.textContent === 'MTN INFO'").await?;
        browser.driver.goto(url.as_str()).await?;
        browser.shows(".pane[data-identity='+251'] .in .bubble", "STOP").await?;
        assert_eq!(browser.count(".pane").await?, 2);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn what_comes_while_one_looks_elsewhere_is_marked_as_new() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        browser.open("tester/111/").await?;
        browser.say("111", "echo before").await?;
        browser.shows(".pane .out .bubble", "before").await?;
        // This acts as if another window were in front.
        browser.script("document.hasFocus = () => false; dispatchEvent(new Event('blur'));").await?;
        assert_eq!(browser.post("tester", "identity=111&text=echo+meanwhile").await?.0, 200);
        browser.shows("#numbers .badge", "1 unread").await?;
        browser.until("the title counts", "return document.title.startsWith('(1) ')").await?;
        assert_eq!(browser.count(".pane .new").await?, 0);
        browser.script("document.hasFocus = () => true; dispatchEvent(new Event('focus'));").await?;
        browser
            .until(
                "the mark stands before it",
                "return document.querySelector('.pane .new')?.nextElementSibling.textContent.includes('meanwhile') === true",
            )
            .await?;
        browser.until("it is read", "return document.querySelector('#numbers .badge') === null").await?;
        browser.say("111", "ping").await?;
        browser.until("what is answered is not new", "return document.querySelector('.pane .new') === null").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_conversation_is_cleared_when_one_says_so_twice() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        for number in ["111", "222", "333"] {
            assert_eq!(browser.post("tester", &format!("identity={number}&text=echo+{number}")).await?.0, 200);
        }
        browser.open("tester/111/").await?;
        browser.shows(".pane .out .bubble", "111").await?;
        browser.click(".pane [aria-label='Clear this conversation']").await?;
        browser.shows("dialog h2", "Clear the conversation of 111?").await?;
        browser.click("dialog [value=no]").await?;
        assert_eq!(browser.count(".pane .message").await?, 2);
        browser.click(".pane [aria-label='Clear this conversation']").await?;
        browser.click("dialog [value=yes]").await?;
        browser.until("it is empty", "return document.querySelector('.pane .message') === null").await?;
        browser.until("and says what to do", "return document.querySelector('.pane .empty').offsetParent !== null").await?;
        let rows = async || -> Result<usize> {
            let all = items(browser.stack.dynamodb).await?;
            Ok(all.iter().filter(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("M#"))).count())
        };
        assert_eq!(rows().await?, 4, "the others are there");

        // A message after that starts a new conversation.
        browser.say("111", "echo again").await?;
        browser.shows(".pane .out .bubble", "again").await?;
        browser.click("#clear-all").await?;
        browser.click("dialog [value=yes]").await?;
        browser.until("all are gone", "return document.querySelectorAll('#numbers li').length === 1 && document.querySelector('.message') === null").await?;
        assert_eq!(rows().await?, 0);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_queued_message_shows_where_it_is_and_a_lost_connection_is_made_up_for() -> Result<()> {
    let settings = format!("{OPEN}respond = \"queue\"\n");
    Browser::run(&settings, async |browser| {
        browser.open("tester/111/").await?;
        browser.say("111", "echo one").await?;
        browser.shows(".pane .in.handled .bubble", "echo one").await?;
        browser.shows(".pane .out.sent .bubble", "one").await?;

        // Without a network, the message stays at its place, is marked, and goes out when the user asks for it.
        let network = |offline: bool| {
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
        };
        browser.devtools("Network.enable", json!({})).await?;
        browser.devtools("Network.emulateNetworkConditions", network(true)).await?;
        browser.say("111", "echo two").await?;
        browser.shows(".pane .in.unsent .bubble", "echo two").await?;
        browser.until("it says so", "return !document.getElementById('notice').hidden").await?;
        browser.devtools("Network.emulateNetworkConditions", network(false)).await?;
        browser.click(".pane .retry").await?;
        browser.shows(".pane .out.sent .bubble", "two").await?;
        browser.until("all is well", "return document.getElementById('notice').hidden").await?;
        let said = browser.texts(".pane .bubble").await?;
        assert_eq!(said, ["echo one", "one", "echo two", "two"]);
        // The browser's messages about the lost connection are no complaint.
        browser.driver.browser_log().await?;
        Ok(())
    })
    .await
}
