//! A comparison of `template.yaml` with the code and with the local stack: the deployed programs are the built ones,
//! and the local stack replaces the deployed resources.

mod permissions;
mod rules;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde_json::Value;
use serde_yaml_ng::Value as Yaml;
use tests::http::get;
use tests::services::items;
use tests::stack::TEMPLATE;
use threadless::aws::{Access, http_client};
use threadless::lambda::Function;
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{
    Commit, Committed, Connections as _, Direction, DueIndex as _, Entry, History as _, HistoryRow,
    Numbers as _, State, Unusable, Waiting,
};
use threadless::{ConnectionId, Contact, ContactChange, ContactId, MessageId};
use threadless_local::Stack;
use threadless_local::template::Template;

/// The only code that reads the environment of a Lambda function.
const ENVIRONMENT: &str = include_str!("../../../core/src/lambda/environment.rs");

/// The variables that `cargo lambda watch` gives to functions on the developer's machine.
const LOCAL_ENV: &str = include_str!("../../../events/local.env");

fn names<T: Into<String>>(all: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    all.into_iter().map(Into::into).collect()
}

/// Returns the variables that a Lambda function reads.
fn read() -> BTreeSet<String> {
    let quoted = ENVIRONMENT.split("var(\"").skip(1).chain(ENVIRONMENT.split("need(\"").skip(1));
    names(quoted.filter_map(|rest| rest.split('"').next()))
}

fn yaml() -> Result<Yaml> {
    Ok(serde_yaml_ng::from_str(TEMPLATE)?)
}

fn resources<'a>(yaml: &'a Yaml, kind: &str) -> Vec<&'a Yaml> {
    let all = yaml["Resources"].as_mapping().into_iter().flatten();
    let found: Vec<&Yaml> =
        all.map(|(_, one)| one).filter(|one| one["Type"].as_str() == Some(kind)).collect();
    assert!(!found.is_empty(), "{kind}");
    found
}

/// Returns the name of a function of the template: what its program is told to be.
fn function_name(function: &Yaml) -> Option<&str> {
    function["Properties"]["Environment"]["Variables"]["THREADLESS_FUNCTION"].as_str()
}

/// SAM builds one program, and each function says which part of it it is.
#[test]
fn the_functions_of_the_template_are_those_that_are_built() -> Result<()> {
    let template = Template::read(TEMPLATE)?;
    let known = names(functions::FUNCTIONS.map(|(name, _)| name));
    assert_eq!(names(template.timeouts.keys().cloned()), known, "template and FUNCTIONS");
    let yaml = yaml()?;
    for function in resources(&yaml, "AWS::Serverless::Function") {
        let built = function["Metadata"]["BuildProperties"]["Binary"].as_str();
        assert_eq!(built, Some("functions"), "{:?}", function_name(function));
    }

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/src/bin");
    let files = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let built = files.iter().filter_map(|file| Some(file.path().file_stem()?.to_string_lossy().into_owned()));
    assert_eq!(names(built), known, "binaries and FUNCTIONS");
    for file in files {
        let name = file.path().file_stem().context("no name")?.to_string_lossy().into_owned();
        let start = format!("functions::start(\"{name}\")");
        assert!(std::fs::read_to_string(file.path())?.contains(&start), "{name} starts another function");
    }
    Ok(())
}

/// The cost of an idle month is mostly the cost of the alarms.
#[test]
fn the_cost_table_counts_the_alarms_that_are_always_there() -> Result<()> {
    let yaml = yaml()?;
    let alarms = resources(&yaml, "AWS::CloudWatch::Alarm");
    let always = alarms.iter().filter(|alarm| alarm["Condition"].is_null()).count();
    let page = include_str!("../../../infra/README.md");
    let dollars = format!("{always} alarms {}.{:02}", always / 10, always % 10 * 10);
    assert!(page.contains(&dollars), "infra/README.md, What it costs: {dollars}");
    Ok(())
}

fn answers_http(function: Function) -> bool {
    matches!(function, Function::Http { .. } | Function::Tester { .. } | Function::Send)
}

#[test]
fn each_event_leads_to_a_function_of_its_kind() -> Result<()> {
    let template = Template::read(TEMPLATE)?;
    for route in &template.routes {
        let function = functions::PROJECT.function(&route.function).context("no such function")?;
        assert!(answers_http(function), "{route:?}");
        assert!(template.timeouts[&route.function] < Duration::from_secs(30), "an HTTP API waits no longer");
    }
    let http = functions::FUNCTIONS.iter().filter(|(_, function)| answers_http(*function));
    let routed = names(template.routes.iter().map(|route| route.function.clone()));
    assert_eq!(routed, names(http.map(|(name, _)| *name)), "each has a route");
    assert_eq!(functions::PROJECT.function(&template.worker.function), Some(Function::Responder));
    assert_eq!(template.scheduled.len(), 1);
    assert_eq!(functions::PROJECT.function(&template.scheduled[0]), Some(Function::Tick));
    Ok(())
}

/// The shipped template deploys no page through which strangers could write to the apps.
#[test]
fn the_tester_is_deployed_only_where_it_is_asked_for() -> Result<()> {
    let yaml = yaml()?;
    assert_eq!(yaml["Parameters"]["MessageTester"]["Default"].as_str(), Some("off"));
    let all = yaml["Resources"].as_mapping().context("no resources")?;
    let mut count = 0;
    for (id, resource) in all {
        let id = id.as_str().context("no name")?;
        let condition = resource["Condition"].as_str();
        assert_eq!(id.starts_with("Httptester"), condition == Some("HasTester"), "{id}: {condition:?}");
        count += usize::from(condition == Some("HasTester"));
        // A resource that always exists cannot depend on one that may not exist.
        let written = serde_yaml_ng::to_string(resource)?;
        assert!(condition == Some("HasTester") || !written.contains("Httptester"), "{id}");
    }
    assert_eq!(count, 10, "log group, role, function, integration, two routes and permissions, two alarms");
    Ok(())
}

#[test]
fn the_api_may_call_what_its_routes_lead_to() -> Result<()> {
    let yaml = yaml()?;
    let permissions = resources(&yaml, "AWS::Lambda::Permission");
    for route in Template::read(TEMPLATE)?.routes {
        let (_, path) = route.key.split_once(' ').context("no path")?;
        let allowed = permissions.iter().any(|permission| {
            let (properties, wanted) = (&permission["Properties"], format!("/*/*{path}"));
            let source = text(&properties["SourceArn"]).unwrap_or_default();
            let function = text(&properties["FunctionName"]).unwrap_or_default();
            let name = function_name(&yaml["Resources"][function]);
            source.ends_with(&wanted) && name == Some(&route.function)
        });
        assert!(allowed, "{route:?}");
    }
    Ok(())
}

/// Returns a text, whatever tag is before it.
fn text(yaml: &Yaml) -> Option<&str> {
    match yaml {
        Yaml::Tagged(tagged) => tagged.value.as_str(),
        other => other.as_str(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_stack_serves_the_routes_of_the_template() -> Result<()> {
    let stack = Stack::start(tests::stack::ephemeral("[project]\nname = \"Test\"")).await?;
    let routes = Template::read(TEMPLATE)?.routes;
    assert!(!routes.is_empty());
    for route in routes {
        let (_, path) = route.key.split_once(' ').context("no path")?;
        let answer = get(&format!("http://{}{}", stack.front, path.replace("{proxy+}", "nobody/"))).await?;
        let theirs = match functions::PROJECT.function(&route.function) {
            Some(Function::Send) if path == "/send" => r#"{"problem":"Use POST /send or GET /send/<key>."}"#,
            Some(Function::Send) => r#"{"problem":"No broadcast has this key."}"#,
            _ => "There is no such backend.\n",
        };
        assert_eq!(answer.body, theirs, "the function answers, not the front: {route:?}");
    }
    Ok(())
}

#[test]
fn functions_get_the_variables_that_they_read() -> Result<()> {
    let yaml = yaml()?;
    let variables = yaml["Globals"]["Function"]["Environment"]["Variables"].as_mapping().context("none")?;
    let given = names(variables.keys().filter_map(Yaml::as_str));
    let ours = |name: &String| name.starts_with("THREADLESS_");
    let mut expected: BTreeSet<String> = read().into_iter().filter(ours).collect();
    assert!(expected.remove("THREADLESS_SETTINGS"), "deployed functions have their settings in them");
    assert_eq!(given, expected);
    for function in resources(&yaml, "AWS::Serverless::Function") {
        let own = function["Properties"]["Environment"]["Variables"].as_mapping().context("no name")?;
        let own: Vec<&str> = own.keys().filter_map(Yaml::as_str).collect();
        assert_eq!(own, ["THREADLESS_FUNCTION"], "variables of one function alone");
    }
    Ok(())
}

#[test]
fn the_local_variables_are_those_that_functions_read() -> Result<()> {
    let pairs: Vec<(&str, &str)> = LOCAL_ENV.lines().filter_map(|line| line.split_once('=')).collect();
    let given = names(pairs.iter().map(|(name, _)| *name));
    let read = read();
    assert!(given.is_subset(&read), "{:?}", given.difference(&read));
    for needed in ENVIRONMENT.split("need(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(given.contains(needed), "{needed}");
    }
    let value = |wanted: &str| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let queue = value("THREADLESS_QUEUE_URL").context("no queue")?;
    let sqs = value("AWS_ENDPOINT_URL_SQS").context("no SQS")?;
    assert_eq!(queue.strip_prefix(sqs), Some("/000000000000/threadless.fifo"));
    Ok(())
}

#[test]
fn the_queue_suits_its_worker() -> Result<()> {
    let template = Template::read(TEMPLATE)?;
    let visibility: u64 = template.queue["VisibilityTimeout"].parse()?;
    let timeout = template.timeouts[&template.worker.function];
    assert!(Duration::from_secs(visibility) >= timeout * 6, "{visibility} s, and {timeout:?}");
    assert!((1..=10).contains(&template.worker.batch_size), "a FIFO queue hands out ten at most");
    for attributes in [&template.queue, &template.dead_letters] {
        assert_eq!(attributes["FifoQueue"], "true");
        assert_eq!(attributes["DeduplicationScope"], "messageGroup");
        assert_eq!(attributes["FifoThroughputLimit"], "perMessageGroupId");
    }
    let yaml = yaml()?;
    let worker = &yaml["Resources"]["ResponderFunction"]["Properties"]["Events"]["Queue"]["Properties"];
    assert_eq!(worker["FunctionResponseTypes"][0].as_str(), Some("ReportBatchItemFailures"));
    Ok(())
}

/// The store works on a table that was made from the template.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_has_the_keys_and_the_index_that_the_store_uses() -> Result<()> {
    let mut options = tests::stack::ephemeral("[project]\nname = \"Test\"");
    // Due entries stay due.
    options.tick = Duration::from_hours(1);
    let stack = Stack::start(options).await?;
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    let store = DynamoStore::new(&access, http_client()?, "threadless");
    let connection = ConnectionId::new("k".parse()?, "1112223333".parse()?);
    fill(&store, &connection).await?;
    let due = store.due(Timestamp::now(), 10).await?;
    assert_eq!(
        due.iter().map(|due| &due.waiting).collect::<Vec<_>>(),
        [&Waiting::Outbox(connection)],
        "by the index"
    );

    let template = Template::read(TEMPLATE)?;
    let items = items(stack.dynamodb).await?;
    assert_eq!(items.len(), 6, "backend, connection, contact, history, unusable, number: {items:?}");
    let attributes = template.table["AttributeDefinitions"].as_array().context("no attributes")?;
    for attribute in attributes {
        let name = attribute["AttributeName"].as_str().context("no name")?;
        let values: Vec<&Value> =
            items.iter().map(|item| &item[name]).filter(|value| !value.is_null()).collect();
        let kind = attribute["AttributeType"].as_str().context("no type")?;
        assert!(values.iter().all(|value| value[kind].is_string()), "{name}: {values:?}");
        // The table's own keys are in every item. Those of the sparse index are only in the due item.
        assert_eq!(values.len(), if name.starts_with("due_") { 1 } else { items.len() }, "{name}");
    }
    let lasting = items.iter().filter(|item| item[&template.ttl_attribute]["N"].is_null());
    let lasting = names(lasting.filter_map(|item| item["sk"]["S"].as_str()));
    assert_eq!(
        lasting,
        names(["backend", "connection", "contact"]),
        "history, unusable messages and numbers go by themselves"
    );
    Ok(())
}

/// Writes one item of each kind with the store.
async fn fill(store: &DynamoStore, connection: &ConnectionId) -> Result<()> {
    let (message, now) = (MessageId::random(), Timestamp::now());
    store.open_backend(&connection.backend, now).await?;
    let seen = store.load(connection, &message, now).await?.record;
    let reply = Entry::new(message.reply(1), "hello", Some(message.clone()), now);
    let (session, replies) = (&seen.session, vec![reply]);
    let (opted_out, reply_rate, lease) = (None, seen.reply_rate, None);
    let mut contact = Contact::new(ContactId::of(connection, 0), now);
    contact.set_name("Asha");
    let change = ContactChange { before: None, after: Some(contact) };
    let (seen, message_id, contact) = (&seen, &message, Some(&change));
    let commit = Commit {
        connection,
        seen,
        message: message_id,
        arrived: Some(now),
        session,
        contact,
        replies,
        opted_out,
        reply_rate,
        forms: None,
        lease,
        now,
    };
    let committed = store.commit(commit).await?;
    anyhow::ensure!(matches!(committed, Committed::Yes(_)), "{committed:?}");
    let row = HistoryRow {
        connection: connection.clone(),
        id: message,
        at: now,
        direction: Direction::In,
        state: State::Handled,
        text: "echo hello".to_owned(),
        in_reply_to: None,
        attempts: 0,
        uncertain: 0,
        detail: None,
    };
    store.record(&row).await?;
    let (raw, problems) = ("id=".to_owned(), vec!["id: an identity cannot be empty".to_owned()]);
    store.keep_unusable(&Unusable::new(connection.backend.clone(), now, raw, problems)).await?;
    store.note_number(connection, now).await?;
    Ok(())
}
