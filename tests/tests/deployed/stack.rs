//! An AWS account in the emulator, and the stack that is deployed in it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tests::aws::sqs_client;
use tests::ministack::Ministack;
use tokio::time::{Instant, sleep};

use crate::checkout::{Turn, turn};
use crate::page::script;

/// The time limit of steps that take seconds on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// The stack name that `samconfig.toml` gives to `dev`.
pub(crate) const STACK: &str = "threadless-dev";

/// An empty account, and a shell that is logged in to it.
pub(crate) struct Account {
    checkout: Turn,
    variables: BTreeMap<String, String>,
    ministack: Ministack,
}

impl Account {
    /// Makes a new account. Functions in it use these settings instead of those with which they were built.
    pub(crate) async fn open(settings: &str) -> Result<Self> {
        let checkout = turn().await?;
        let ministack = Ministack::start_with(&[("THREADLESS_SETTINGS", settings)])?;
        let endpoint = ministack.endpoint();
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            // The values that an operator types when the page asks for them.
            ("KANNEL_PASSWORD", "change-me"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Ok(Self { checkout, variables, ministack })
    }

    /// Types a command.
    pub(crate) fn run(&self, line: &str) -> Result<String> {
        self.checkout.run(line, &self.variables)
    }

    /// Types all commands of a section of the page.
    pub(crate) fn follow(&self, section: &str) -> Result<String> {
        self.run(&script(section)?).with_context(|| format!("infra/README.md, {section}"))
    }

    /// Returns the outputs of the deployed stack.
    pub(crate) fn outputs(&self) -> Result<BTreeMap<String, String>> {
        let described = self.run(&format!("aws cloudformation describe-stacks --stack-name {STACK}"))?;
        let described: Value = serde_json::from_str(&described)?;
        let outputs = described["Stacks"][0]["Outputs"].as_array().context("no outputs")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let pairs = outputs.iter().map(|one| Some((text(&one["OutputKey"])?, text(&one["OutputValue"])?)));
        pairs.collect::<Option<_>>().context("outputs without values")
    }

    /// Returns a secret of the deployed stack, as the operator made it.
    pub(crate) fn secret(&self, name: &str) -> Result<String> {
        let ask = format!("aws secretsmanager get-secret-value --secret-id {STACK}");
        let found: Value = serde_json::from_str(&self.run(&ask)?)?;
        let secrets: Value = serde_json::from_str(found["SecretString"].as_str().context("no secret")?)?;
        secrets[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"))
    }

    /// Returns the URL of a path of the stack's HTTP API, for clients that cannot look up `*.localhost`.
    pub(crate) fn url(&self, api_url: &str, path: &str) -> Result<String> {
        let id = api_url.split("//").nth(1).and_then(|host| host.split('.').next()).context("no id")?;
        Ok(format!("{}/_aws/execute-api/{id}/$default{path}", self.ministack.endpoint()))
    }

    /// Returns the endpoint of the emulator.
    pub(crate) fn endpoint(&self) -> String {
        self.ministack.endpoint()
    }

    /// Makes a client for the queues of the account.
    pub(crate) fn sqs(&self) -> Result<Client> {
        sqs_client(&self.ministack.endpoint())
    }
}

/// Waits until a queue has this number of messages that nobody works on.
pub(crate) async fn wait_for_messages(sqs: &Client, url: &str, count: usize) -> Result<()> {
    let begun = Instant::now();
    loop {
        let asked = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        let found = asked.send().await?;
        let found =
            found.attributes().and_then(|all| all.get(&QueueAttributeName::ApproximateNumberOfMessages));
        if found.is_some_and(|found| *found == count.to_string()) {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "{url}: {found:?} messages, and not {count} within {LIMIT:?}");
        sleep(Duration::from_millis(200)).await;
    }
}
