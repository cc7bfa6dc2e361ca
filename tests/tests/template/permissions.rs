//! The permissions of each Lambda function in the template. They are exactly the actions that the code uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_yaml_ng::Value as Yaml;
use threadless::lambda::Function;

use super::{names, text, yaml};

/// The form of each DynamoDB action in the code. A transaction needs the permissions of its writes.
const DYNAMODB: [(&str, &[&str]); 9] = [
    ("dynamodb:BatchGetItem", &[".batch_get_item()"]),
    ("dynamodb:BatchWriteItem", &[".batch_write_item()"]),
    ("dynamodb:ConditionCheckItem", &["TransactWriteItem::builder().condition_check("]),
    ("dynamodb:DeleteItem", &[".delete_item()", "TransactWriteItem::builder().delete("]),
    ("dynamodb:GetItem", &[".get_item()", ".transact_get_items()"]),
    ("dynamodb:PutItem", &[".put_item()", "TransactWriteItem::builder().put("]),
    ("dynamodb:Query", &[".query()"]),
    ("dynamodb:Scan", &[".scan()"]),
    ("dynamodb:UpdateItem", &[".update_item()", "TransactWriteItem::builder().update("]),
];

/// The form of each SQS action in the code.
const SQS: [(&str, &[&str]); 5] = [
    ("sqs:ChangeMessageVisibility", &[".change_message_visibility()"]),
    ("sqs:DeleteMessage", &[".delete_message()"]),
    ("sqs:GetQueueAttributes", &[".get_queue_attributes()"]),
    ("sqs:ReceiveMessage", &[".receive_message()"]),
    ("sqs:SendMessage", &[".send_message()", ".send_message_batch()"]),
];

/// The actions of Lambda itself for a function that a queue calls (AWS Lambda Developer Guide, "Configuring a queue to
/// use with Lambda").
const POLLING: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns the actions that a part of core uses.
fn asked_for(part: &str, actions: &[(&str, &[&str])]) -> Result<BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src").join(part);
    let mut code = String::new();
    for file in rust_files(&folder)? {
        code += &fs::read_to_string(file)?;
    }
    let used = actions.iter().filter(|(_, calls)| calls.iter().any(|call| code.contains(call)));
    let used = names(used.map(|(action, _)| *action));
    assert!(!used.is_empty(), "{part}: the code looks different from what this test knows");
    Ok(used)
}

/// Returns the actions that a managed policy of the template allows, and the resource.
fn allowed<'a>(yaml: &'a Yaml, policy: &str) -> Result<(BTreeSet<String>, &'a str)> {
    let statements = &yaml["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"];
    let [statement] = statements.as_sequence().context("no statements")?.as_slice() else {
        anyhow::bail!("{policy} has not one statement");
    };
    let action = &statement["Action"];
    let actions = match action.as_sequence() {
        Some(several) => names(several.iter().filter_map(Yaml::as_str)),
        None => names(action.as_str()),
    };
    Ok((actions, text(&statement["Resource"]).context("no resource")?))
}

/// Returns the managed policies of a function's role, without those for tracing.
fn policies(yaml: &Yaml, function: &str) -> Result<BTreeSet<String>> {
    let all = yaml["Resources"].as_mapping().context("no resources")?;
    let (_, found) = all
        .iter()
        .find(|(_, one)| super::function_name(one) == Some(function))
        .context("no such function")?;
    let role =
        text(&found["Properties"]["Role"]).and_then(|role| role.split('.').next()).context("no role")?;
    let managed = yaml["Resources"][role]["Properties"]["ManagedPolicyArns"].as_sequence();
    // `!If` holds a list, which is not the name of a policy.
    Ok(names(managed.context("no policies")?.iter().filter_map(text)))
}

#[test]
fn the_table_is_used_as_the_template_allows() -> Result<()> {
    let yaml = yaml()?;
    let (actions, resource) = allowed(&yaml, "RecordsPolicy")?;
    assert_eq!(actions, asked_for("store/dynamodb", &DYNAMODB)?);
    assert_eq!(resource, "Table.Arn");
    let (actions, resource) = allowed(&yaml, "DuePolicy")?;
    assert_eq!(actions, names(["dynamodb:Query"]));
    assert_eq!(resource, "${Table.Arn}/index/due");
    // These are the actions of the store's jobs, allowed only under their own keys.
    let (actions, resource) = allowed(&yaml, "JobsPolicy")?;
    assert_eq!((actions, resource), (names(["dynamodb:GetItem", "dynamodb:UpdateItem"]), "Table.Arn"));
    let statement = &yaml["Resources"]["JobsPolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
    let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(keys[0].as_str(), Some("J#*"));
    Ok(())
}

#[test]
fn the_queue_is_used_as_the_template_allows() -> Result<()> {
    let yaml = yaml()?;
    let (sending, resource) = allowed(&yaml, "EnqueuePolicy")?;
    assert_eq!(sending, names(["sqs:SendMessage"]));
    assert_eq!(resource, "Queue.Arn");
    let (working, resource) = allowed(&yaml, "WorkQueuePolicy")?;
    assert_eq!(resource, "Queue.Arn");
    let mut needed = asked_for("queue", &SQS)?;
    needed.extend(POLLING.map(str::to_owned));
    assert_eq!(&sending | &working, needed);
    Ok(())
}

#[test]
fn the_tick_may_ask_how_long_the_queue_is() -> Result<()> {
    let yaml = yaml()?;
    let (actions, resource) = allowed(&yaml, "QueueLengthPolicy")?;
    assert_eq!((actions, resource), (names(["sqs:GetQueueAttributes"]), "Queue.Arn"));
    assert_eq!(text(&yaml["Resources"]["QueueLengthPolicy"]["Properties"]["Roles"][0]), Some("TickRole"));
    Ok(())
}

#[test]
fn each_function_has_the_policies_of_its_kind() -> Result<()> {
    let yaml = yaml()?;
    for (name, function) in functions::FUNCTIONS {
        let expected: &[&str] = match function {
            Function::Http { .. } | Function::Tester { .. } | Function::Send => {
                &["EnqueuePolicy", "RecordsPolicy"]
            }
            Function::Responder => &["EnqueuePolicy", "RecordsPolicy", "WorkQueuePolicy"],
            Function::Tick => &["DuePolicy", "EnqueuePolicy", "JobsPolicy"],
            Function::Check => &[],
        };
        assert_eq!(policies(&yaml, name)?, names(expected.iter().copied()), "{name}");
    }
    Ok(())
}
