//! A real Chromium, controlled from outside, with its own stack.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;
use threadless_local::Stack;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// The time limit of each step.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

// The keys, as the driver has them (W3C WebDriver, 17.4.2).
pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const SHIFT: char = '\u{e008}';
pub(crate) const CONTROL: char = '\u{e009}';
pub(crate) const ESCAPE: char = '\u{e00c}';
pub(crate) const UP: char = '\u{e013}';
pub(crate) const DOWN: char = '\u{e015}';

/// The arguments of a browser on a machine without a screen. They also stop its own requests to other hosts.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
];

/// Settings with a tester that needs no password.
pub(crate) const OPEN: &str = "[project]\nname = \"Clinic <1>\"\n\
     default_response = \"Sorry, %(project_name)s could not understand your message.\"\n\
     [backends.tester]\nengine = \"httptester\"\n";

/// A stack, and a browser that shows it. Both end with this.
pub(crate) struct Browser {
    pub(crate) stack: Stack,
    pub(crate) driver: WebDriver,
    chromedriver: Child,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(settings: &str) -> Result<Self> {
        let stack = Stack::start(tests::stack::ephemeral(settings)).await?;
        let profile = TempDir::new()?;
        let mut chromedriver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver cannot be started: run tests/run")?;
        let port = port(&mut chromedriver).await?;
        // The driver's HTTP client needs a TLS provider. The call fails if one is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            capabilities.add_arg(argument)?;
        }
        capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), capabilities)
            .request_timeout(LIMIT)
            .connect()
            .await?;
        Ok(Self { stack, driver, chromedriver, _profile: profile })
    }

    /// Runs a test in a new browser, and ends the browser gracefully.
    pub(crate) async fn run(settings: &str, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let browser = Self::start(settings).await?;
        test(&browser).await?;
        browser.complains_of_nothing().await?;
        browser.driver.clone().quit().await?;
        Ok(())
    }

    /// Returns a URL below the tester's.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/httptester/{path}", self.stack.front)
    }

    /// Opens a page of the tester and waits until it is ready.
    pub(crate) async fn open(&self, path: &str) -> Result<()> {
        self.driver.goto(self.url(path)).await?;
        self.until("the page is there", "return document.querySelector('.pane textarea') !== null").await
    }

    /// Waits until a script returns `true`.
    pub(crate) async fn until(&self, what: &str, script: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            if self.script(script).await? == json!(true) {
                return Ok(());
            }
            if begun.elapsed() > LIMIT {
                let shown = self.script("return document.body.innerText").await?;
                bail!("{what}: not within {LIMIT:?}. The page: {shown}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the screen shows this text.
    pub(crate) async fn shows(&self, selector: &str, text: &str) -> Result<()> {
        let script = format!(
            "return [...document.querySelectorAll({})].some((one) => one.textContent === {})",
            json!(selector),
            json!(text)
        );
        self.until(&format!("{selector} says {text:?}"), &script).await
    }

    pub(crate) async fn script(&self, script: &str) -> Result<Value> {
        Ok(self.driver.execute(script, Vec::new()).await?.json().clone())
    }

    pub(crate) async fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let script = format!(
            "return [...document.querySelectorAll({})].map((one) => one.textContent)",
            json!(selector)
        );
        Ok(serde_json::from_value(self.script(&script).await?)?)
    }

    pub(crate) async fn count(&self, selector: &str) -> Result<u64> {
        let script = format!("return document.querySelectorAll({}).length", json!(selector));
        self.script(&script).await?.as_u64().context("no number")
    }

    pub(crate) async fn click(&self, selector: &str) -> Result<()> {
        self.driver.find(By::Css(selector)).await?.click().await.with_context(|| selector.to_owned())
    }

    /// Types into the element with the focus.
    pub(crate) async fn keys(&self, keys: impl Into<String>) -> Result<()> {
        let keys: String = keys.into();
        Ok(self.driver.action_chain().send_keys(keys).perform().await?)
    }

    /// Types a message into an identity's pane, and sends it with Enter.
    pub(crate) async fn say(&self, identity: &str, text: &str) -> Result<()> {
        let selector = format!(".pane[data-identity={}] textarea", json!(identity));
        let field = self.driver.find(By::Css(&selector)).await?;
        Ok(field.send_keys(format!("{text}{ENTER}")).await?)
    }

    /// Posts a message as a script does.
    pub(crate) async fn post(&self, backend: &str, form: &str) -> Result<(u16, String)> {
        let request = format!(
            "POST /httptester/{backend}/ HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            self.stack.front,
            form.len()
        );
        let answer = tests::http::exchange(self.stack.front, request.as_bytes()).await?.answer;
        Ok((answer.status, answer.body))
    }

    /// Sends a command of the developer tools.
    pub(crate) async fn devtools(&self, method: &str, parameters: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(method, parameters).await?)
    }

    /// Sets the size and the mode of a phone.
    pub(crate) async fn as_phone(&self) -> Result<()> {
        let phone = json!({ "width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", phone).await.map(drop)
    }

    pub(crate) async fn in_colours(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Checks that no script failed, nothing broke the page's policy, and nothing was requested from another host.
    async fn complains_of_nothing(&self) -> Result<()> {
        let log = self.driver.browser_log().await?;
        let ours = log.iter().filter(|entry| !entry.message.contains("/login.html"));
        let bad: Vec<_> = ours.filter(|entry| format!("{:?}", entry.level).contains("Severe")).collect();
        assert!(bad.is_empty(), "{bad:?}");
        let asked =
            self.script("return performance.getEntriesByType('resource').map((entry) => entry.name)").await?;
        let asked: Vec<String> = serde_json::from_value(asked)?;
        let home = format!("http://{}/", self.stack.front);
        assert!(asked.iter().all(|url| url.starts_with(&home)), "{asked:?}");
        Ok(())
    }
}

/// Returns the port that the driver prints.
async fn port(chromedriver: &mut Child) -> Result<u16> {
    let stdout = chromedriver.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let found = timeout(LIMIT, async {
        while let Some(line) = lines.next_line().await? {
            let port = line.split("on port ").nth(1).filter(|_| line.contains("success"));
            if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                return Ok(port);
            }
        }
        bail!("chromedriver ended")
    });
    let port = found.await.context("chromedriver does not start")??;
    // The rest of the output is read too, so that the driver never blocks.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(port)
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = self.chromedriver.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
