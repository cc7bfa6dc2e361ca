//! Access to the tester, and the limits for pages of other sites.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::recorder::{Recorder, Reply};
use tests::services::items;

use crate::browser::{Browser, ENTER, OPEN};

const PASSWORD: &str = "correct horse battery";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_password_opens_the_page_and_a_script_needs_its_token() -> Result<()> {
    let settings = format!("{OPEN}password = \"{PASSWORD}\"\ntoken = \"s3cret\"\n");
    Browser::run(&settings, async |browser| {
        browser.driver.goto(browser.url("tester/?identity=50%25")).await?;
        browser.until("the form", "return location.pathname.endsWith('/login.html')").await?;
        browser.keys(format!("guess{ENTER}")).await?;
        browser.until("no", "return document.querySelector('#wrong:not([hidden])') !== null").await?;
        assert_eq!(browser.driver.get_all_cookies().await?.len(), 0);
        // A direct URL does not bypass the login form.
        browser.driver.goto(browser.url("tester/111/")).await?;
        browser.until("the form again", "return location.pathname.endsWith('/login.html')").await?;

        browser.driver.goto(browser.url("tester/?identity=50%25")).await?;
        browser.until("the form for it", "return document.querySelector('[name=identity]')?.value === '50%'").await?;
        browser.keys(format!("{PASSWORD}{ENTER}")).await?;
        browser.shows(".pane h2", "50%").await?;
        let [cookie] = &browser.driver.get_all_cookies().await?[..] else { anyhow::bail!("not one cookie") };
        let cookie = serde_json::to_value(cookie)?;
        assert_eq!((&cookie["httpOnly"], &cookie["secure"]), (&json!(true), &json!(true)), "{cookie}");
        assert_eq!((&cookie["sameSite"], &cookie["path"]), (&json!("Strict"), &json!("/httptester/tester/")));
        assert_eq!(browser.script("return document.cookie").await?, json!(""));
        browser.say("50%", "echo hello").await?;
        browser.shows(".pane .out.sent .bubble", "hello").await?;

        // With the cookie alone, as another page of this browser might send it, nothing is written.
        let forged = "const done = arguments[0]; fetch(document.documentElement.dataset.root + 'send.json', \
             { method: 'POST', body: JSON.stringify({ messages: [{ identity: 'x', text: 'x' }] }) }).then((answer) => done(answer.status))";
        let status = browser.driver.execute_async(forged, Vec::new()).await?;
        assert_eq!(*status.json(), json!(403));
        assert_eq!(browser.post("tester", "identity=1&text=ping").await?.0, 401);
        assert_eq!(browser.post("tester", "identity=1&text=ping&token=s3cret").await?, (200, "OK".to_owned()));
        let kept = items(browser.stack.dynamodb).await?;
        assert!(!kept.iter().any(|item| item["pk"]["S"] == "C#tester#x"), "{kept:?}");

        // A logged-in person may come by a link of another site. The request brings no cookie, but the person is let
        // through.
        let other = Recorder::start().await?;
        let link = format!("<a href=\"{}\">go</a>", browser.url("tester/222/"));
        other.otherwise(move |_| Reply::text(&link).with_header("content-type", "text/html").into());
        browser.driver.goto(other.url("/").replace("127.0.0.1", "localhost")).await?;
        browser.click("a").await?;
        browser.shows(".pane h2", "222").await?;

        browser.click("#log-out button").await?;
        browser.until("out", "return location.pathname.endsWith('/login.html')").await?;
        assert_eq!(browser.driver.get_all_cookies().await?.len(), 0);
        browser.driver.goto(browser.url("tester/222/")).await?;
        browser.until("the form", "return location.pathname.endsWith('/login.html')").await?;
        // The browser's messages about refused calls are no complaint.
        browser.driver.browser_log().await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_page_of_another_site_can_make_the_browser_post_but_not_write() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        let evil = Recorder::start().await?;
        let to = browser.url("tester/");
        let form = format!(
            "<form method=post action=\"{to}\"><input name=identity value=1><input name=text value=hi></form>\
             <script>document.forms[0].submit()</script>"
        );
        evil.otherwise(move |_| Reply::text(&form).with_header("content-type", "text/html").into());
        // Another port of this host is another origin, and another host name is another site.
        for url in [evil.url("/"), evil.url("/").replace("127.0.0.1", "localhost")] {
            browser.driver.goto(url).await?;
            browser.shows("pre", "This request came from a page of another site.\n").await?;
        }
        assert_eq!(items(browser.stack.dynamodb).await?, [] as [Value; 0]);

        // The page cannot be shown in a frame, so nobody can be tricked into clicking on it.
        let frame = format!("<iframe src=\"{to}111/\"></iframe>");
        evil.otherwise(move |_| Reply::text(&frame).with_header("content-type", "text/html").into());
        browser.driver.goto(evil.url("/")).await?;
        let frame = browser.driver.find(thirtyfour::By::Css("iframe")).await?;
        frame.enter_frame().await?;
        assert_eq!(browser.count(".pane").await.context("in the frame")?, 0);
        browser.driver.enter_default_frame().await?;
        browser.open("tester/111/").await?;
        browser.driver.browser_log().await?;
        Ok(())
    })
    .await
}
