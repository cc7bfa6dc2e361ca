//! The page at phone width, in dark and in light mode.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::browser::{Browser, OPEN};

/// A script that finds the text with the lowest contrast to its background (WCAG 2.2, 1.4.3), and returns both.
const LEAST_CONTRAST: &str = r"
    const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const painted = (colours) => {
      for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((value) => channel(value / 255));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let least = [99, ''];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement;
      if (node.data.trim() === '' || !element.checkVisibility() || element.closest('.unseen, noscript, script')) continue;
      const behind = [];
      for (let up = element; up !== null; up = up.parentElement) behind.unshift(getComputedStyle(up).backgroundColor);
      const ground = luminance(painted(['white', ...behind]));
      const text = luminance(painted(['white', ...behind, getComputedStyle(element).color]));
      const contrast = (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
      if (contrast < least[0]) least = [contrast, `${element.className || element.tagName}: ${node.data}`];
    }
    return least;";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn every_text_can_be_read_in_light_and_in_dark() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        for form in [
            "identity=222&text=STOP",
            "identity=222&text=ping",
            "identity=111&text=echo+a",
            "identity=333&text=ping",
        ] {
            assert_eq!(browser.post("tester", form).await?.0, 200);
        }
        browser.open("tester/111/?also=222&also=444").await?;
        browser.shows(".pane .out.failed .bubble", "pong").await?;
        browser.shows("#numbers .badge", "1 unread").await?;
        let mut grounds = Vec::new();
        // These are the conversations, the log, and a question in front of it.
        for next in [None, Some("#show-log"), Some("#clear-all")] {
            if let Some(next) = next {
                browser.click(next).await?;
            }
            if next == Some("#show-log") {
                browser.shows("#log td.text", "STOP").await?;
            }
            for scheme in ["light", "dark"] {
                browser.in_colours(scheme).await?;
                // Wait until the slow colour changes are over.
                browser.until("still", "return document.getAnimations().length === 0").await?;
                let least = browser.script(LEAST_CONTRAST).await?;
                assert!(least[0].as_f64().context("no contrast")? >= 4.5, "{scheme}, {next:?}: {least}");
                grounds.push(browser.script("return getComputedStyle(document.body).backgroundColor").await?);
            }
        }
        assert_ne!(grounds[0], grounds[1], "dark is another colour than light");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn a_phone_has_one_thing_at_a_time_and_all_of_its_width() -> Result<()> {
    let wide = "return document.documentElement.scrollWidth <= innerWidth && innerWidth === 390";
    let fills = "const pane = document.querySelector('.pane').getBoundingClientRect(); return pane.width === innerWidth && pane.height === innerHeight";
    let visible = |selector: &str| {
        format!(
            "return [...document.querySelectorAll({})].filter((one) => one.checkVisibility()).length",
            json!(selector)
        )
    };
    Browser::run(OPEN, async |browser| {
        browser.as_phone().await?;
        browser.post("tester", "identity=222&text=ping").await?;
        browser.open(&format!("tester/111/?also=222&also={}", "9".repeat(200))).await?;
        assert_eq!(browser.script(fills).await?, json!(true));
        assert_eq!(browser.script(&visible(".pane")).await?, json!(1), "the others are a step away");
        let long = format!("echo {}", "x".repeat(400));
        browser.say("111", &long).await?;
        browser.shows(".pane .out .bubble", &long[5..]).await?;
        browser.shows(".pane .out .parts", "3 SMS").await?;
        assert_eq!(browser.script(wide).await?, json!(true), "nothing is wider than the screen");
        let field = "const field = document.querySelector('.pane textarea').getBoundingClientRect(); return field.bottom <= innerHeight && field.height > 0";
        assert_eq!(browser.script(field).await?, json!(true), "the field is in reach");

        browser.click(".pane .back").await?;
        assert_eq!(browser.script(&visible("main, .pane")).await?, json!(0));
        browser.shows("#numbers li[data-identity='222'] .preview", "pong").await?;
        assert_eq!(browser.script(wide).await?, json!(true));
        browser.click("#numbers li[data-identity='222'] a").await?;
        browser.until("it is open", "return document.querySelector('.pane h2').textContent === '222'").await?;
        assert_eq!(browser.script(fills).await?, json!(true));
        browser.click(".pane .back").await?;
        browser.click("#show-log").await?;
        browser.shows("#log td.text", "ping").await?;
        assert_eq!(browser.script(wide).await?, json!(true));
        Ok(())
    })
    .await
}
