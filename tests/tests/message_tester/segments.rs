//! The number of segments of a text. The page counts as the router does.

use anyhow::Result;
use serde_json::{Value, json};
use threadless::text::Coding;
use threadless::text::segments::segments;

use crate::browser::{Browser, OPEN};

/// Returns texts around every limit, and some random ones that are always the same.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = vec![
        String::new(),
        " ".into(),
        "\n\r\t".into(),
        "\u{1b}".into(),
        "\u{c}^{}\\[~]|€".into(),
        "it’s".into(),
        "ç Ç".into(),
        "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}".into(),
        "e\u{301}".into(),
        "\u{0}".into(),
        "\u{ffff}\u{10ffff}".into(),
    ];
    for c in ["a", "€", "ሰ", "🙂"] {
        for count in [
            33, 34, 35, 36, 66, 67, 68, 69, 70, 71, 76, 77, 80, 81, 134, 135, 152, 153, 154, 160, 161, 306,
            307, 459, 460,
        ] {
            texts.push(c.repeat(count));
            texts.push(format!("{}€{}", "a".repeat(count), c.repeat(count)));
            texts.push(format!("{}🙂{}", "a".repeat(count), c.repeat(count)));
        }
    }
    let alphabets = ["abc é@€{", "aሰ🙂", "🙂🙂ሰ", "€€a"];
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 40).unwrap_or_default()
    };
    for nth in 0..400 {
        let alphabet: Vec<char> = alphabets[nth % alphabets.len()].chars().collect();
        texts.push((0..next() % 500).map(|_| alphabet[next() % alphabet.len()]).collect());
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: tests/run"]
async fn the_page_counts_as_the_router_does() -> Result<()> {
    Browser::run(OPEN, async |browser| {
        browser.open("tester/111/").await?;
        let texts = texts();
        let count = "const [texts, done] = arguments; \
             const from = document.querySelector('script[type=module]').src.replace('main.js', 'segments.js'); \
             import(from).then(({ segments }) => done(texts.map((text) => { \
               const { coding, units, count } = segments(text); return [coding, units, count]; })));";
        let counted = browser.driver.execute_async(count, vec![json!(texts)]).await?;
        let counted: Vec<Value> = serde_json::from_value(counted.json().clone())?;
        assert_eq!(counted.len(), texts.len());
        for (text, counted) in texts.iter().zip(counted) {
            let ours = segments(text);
            let coding = match ours.coding {
                Coding::Gsm7 => "GSM-7",
                Coding::Ucs2 => "UCS-2",
            };
            assert_eq!(counted, json!([coding, ours.units, ours.count]), "{text:?}");
        }

        // The page shows the number while a person types.
        browser.keys("a".repeat(161)).await?;
        browser.shows(".pane .count", "GSM-7 · 161 of 306 · 2 SMS").await?;
        browser.keys("ሰ").await?;
        browser.shows(".pane .count", "UCS-2 because of ሰ (U+1230) · 162 of 201 · 3 SMS").await?;
        Ok(())
    })
    .await
}
