//! Deployments that would leave a backend open. They end with the reason, and change nothing.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tests::kannel::Kannel;

use crate::answers;
use crate::stack::{Account, STACK};

/// Deploys, and returns SAM's description of the failure. Joins the text of the table's columns.
fn refusal(account: &Account, deploy: &str) -> Result<String> {
    let problem = account.run(deploy).err().context("it was deployed")?;
    let said = format!("{problem:#}");
    anyhow::ensure!(said.contains("SettingsCheck"), "it failed for another reason: {said}");
    let asked = account.run(&format!("aws cloudformation describe-stack-events --stack-name {STACK}"))?;
    let events: Value = serde_json::from_str(&asked)?;
    let events = events["StackEvents"].as_array().context("no events")?;
    let failed = |event: &&Value| {
        let status = event["ResourceStatus"].as_str().unwrap_or_default();
        event["LogicalResourceId"] == "SettingsCheck" && status.ends_with("_FAILED")
    };
    let reason = events.iter().find(failed).and_then(|event| event["ResourceStatusReason"].as_str());
    reason.map(str::to_owned).context("no reason")
}

/// Returns the functions that exist in the deployed stack.
fn functions(account: &Account) -> Result<BTreeSet<String>> {
    let found: Value = serde_json::from_str(&account.run("aws lambda list-functions")?)?;
    let found = found["Functions"].as_array().context("no functions")?.iter();
    Ok(found.filter_map(|function| function["FunctionName"].as_str().map(str::to_owned)).collect())
}

/// Removes the token from a secret. The stack continues with its present settings.
pub(crate) async fn an_update_changes_nothing(account: &Account, kannel: &Kannel) -> Result<()> {
    let put = format!("aws secretsmanager put-secret-value --secret-id {STACK} --secret-string");
    let (token, before) = (account.secret("KANNEL_TOKEN")?, functions(account)?);
    account.run(&format!("{put} '{{\"KANNEL_PASSWORD\":\"change-me\"}}'"))?;
    let ask =
        format!("aws secretsmanager get-secret-value --secret-id {STACK} --query VersionId --output text");
    let update = format!("sam deploy --config-env dev --parameter-overrides SecretsVersion=$({ask})");
    let reason = refusal(account, &update)?;
    let missing =
        "backends.my-kannel-backend.token.secret: KANNEL_TOKEN is neither in the environment nor in the";
    assert!(reason.contains(missing), "{reason}");
    assert_eq!(functions(account)?, before);
    answers::transcript(kannel).await?;
    account.run(&format!("{put} '{{\"KANNEL_PASSWORD\":\"change-me\",\"KANNEL_TOKEN\":\"{token}\"}}'"))?;
    Ok(())
}

/// Settings in which a deployer forgot a token, and the s of https.
const OPEN: &str = "
    [project]
    name = \"Open\"
    [backends.tokenless]
    engine = \"kannel\"
    sendsms_url = \"https://kannel.example.org/cgi-bin/sendsms\"
    [backends.cleartext]
    engine = \"kannel\"
    sendsms_url = \"http://kannel.example.org:13013/cgi-bin/sendsms\"
    token = { secret = \"KANNEL_TOKEN\" }
    [backends.other]
    engine = \"http\"
    outgoing_url = \"http://203.0.113.7/send?to=%(identity)s&text=%(text)s\"
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SAM, cargo-lambda, ministack and the AWS CLI: tests/run"]
async fn a_deployment_that_leaves_something_open_is_refused_with_every_reason_and_leaves_nothing_behind()
-> Result<()> {
    let account = Account::open(OPEN).await?;
    account.follow("Secrets")?;
    let reason = refusal(&account, "sam deploy --config-env dev")?;
    for fault in [
        "the settings have 4 faults",
        "backends.tokenless.token: is missing: anyone who finds the URL could send messages to your apps",
        "backends.cleartext.sendsms_url: is http:// to a public host",
        "backends.other.outgoing_url: is http:// to a public host",
        "backends.other.token: is missing",
    ] {
        assert!(reason.contains(fault), "{fault}: {reason}");
    }
    assert_eq!(functions(&account)?, BTreeSet::new());
    let left = [
        account.run("aws dynamodb list-tables --query TableNames --output text")?,
        account.run("aws sqs list-queues --query QueueUrls --output text")?,
    ];
    assert!(left.iter().all(|left| ["", "None"].contains(&left.trim())), "{left:?}");
    Ok(())
}
