//! Rules for the templates from AWS and from experience, beyond those of a linter.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_yaml_ng::Value as Yaml;
use threadless::testing::Bench;
use threadless::worker::{Record, respond};
use threadless::{Deadline, Router};

use super::{names, resources, text, yaml};

const DATA: &str = include_str!("../../../infra/data.yaml");
const NETWORK: &str = include_str!("../../../infra/network.yaml");

/// Fourteen days, in seconds: the longest time that SQS keeps a message.
const LONGEST: u64 = 14 * 24 * 3600;

/// The policies that name every resource, because AWS accepts nothing else there.
const UNNAMED: [&str; 2] = ["NetworkPolicy", "TracingPolicy"];

fn read(template: &str) -> Result<Yaml> {
    Ok(serde_yaml_ng::from_str(template)?)
}

fn all(yaml: &Yaml) -> Vec<(&str, &Yaml)> {
    let pairs = yaml["Resources"].as_mapping().into_iter().flatten();
    pairs.filter_map(|(name, resource)| Some((name.as_str()?, resource))).collect()
}

/// Returns the statements of every policy in a resource, at any depth.
fn statements(yaml: &Yaml) -> Vec<&Yaml> {
    match yaml {
        Yaml::Mapping(map) => {
            let own = yaml["Statement"].as_sequence().into_iter().flatten();
            own.chain(map.iter().flat_map(|(_, inner)| statements(inner))).collect()
        }
        Yaml::Sequence(list) => list.iter().flat_map(statements).collect(),
        Yaml::Tagged(tagged) => statements(&tagged.value),
        _ => Vec::new(),
    }
}

/// Returns one text or several.
fn texts(yaml: &Yaml) -> Vec<&str> {
    match yaml {
        Yaml::Sequence(list) => list.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

#[test]
fn every_parameter_is_described_and_bounded() -> Result<()> {
    for template in [super::TEMPLATE, NETWORK] {
        let yaml = read(template)?;
        let parameters = yaml["Parameters"].as_mapping().context("no parameters")?;
        for (name, parameter) in parameters {
            assert!(parameter["Description"].as_str().is_some_and(|words| words.ends_with('.')), "{name:?}");
            let bounds = ["AllowedValues", "AllowedPattern", "MinValue"];
            let list = parameter["Type"].as_str() == Some("CommaDelimitedList");
            assert!(
                list || bounds.iter().any(|bound| !parameter[*bound].is_null()),
                "{name:?}: anything goes"
            );
        }
        let groups = yaml["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].as_sequence();
        let shown = groups.context("no groups")?.iter().flat_map(|group| texts(&group["Parameters"]));
        let known = names(parameters.keys().filter_map(Yaml::as_str));
        assert_eq!(names(shown), known, "the console shows each in a group");
    }
    Ok(())
}

#[test]
fn queues_keep_messages_as_long_as_they_can_and_their_dead_letters_in_order() -> Result<()> {
    let yaml = yaml()?;
    let (queue, dead) = (&yaml["Resources"]["Queue"], &yaml["Resources"]["DeadLetterQueue"]);
    for one in [queue, dead] {
        assert_eq!(one["Properties"]["MessageRetentionPeriod"].as_u64(), Some(LONGEST));
        assert_eq!(
            one["Properties"]["FifoQueue"].as_bool(),
            Some(true),
            "a FIFO queue's dead letters are one too"
        );
        assert!(one["Properties"]["QueueName"].is_null(), "a name of its own could not be made twice");
    }
    let redrive = &queue["Properties"]["RedrivePolicy"];
    assert_eq!(text(&redrive["deadLetterTargetArn"]), Some("DeadLetterQueue.Arn"));
    assert!(redrive["maxReceiveCount"].as_u64().is_some_and(|count| count >= 5), "AWS advises five or more");
    Ok(())
}

#[tokio::test]
async fn a_job_of_a_later_program_outlasts_a_deployment_of_an_hour() -> Result<()> {
    let bench = Bench::new(Router::new());
    let count = yaml()?["Resources"]["Queue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"].as_u64();
    let mut waited = Duration::ZERO;
    // Before its last receive, the job has waited after all the other receives.
    for receive_count in 1..u32::try_from(count.context("no count")?)? {
        let body = r#"{"v":1,"type":"postcard"}"#.to_owned();
        let record = Record { id: "1".to_owned(), group: None, body, receive_count, sent_at: None };
        let failures = respond(&bench.project, vec![record], Deadline::within(Duration::from_secs(30))).await;
        waited += failures.first().context("it was taken for done")?.retry_after;
    }
    assert!(waited >= Duration::from_hours(1), "{waited:?}");
    Ok(())
}

#[test]
fn the_responder_gets_small_batches_at_once_and_reports_what_failed() -> Result<()> {
    let yaml = yaml()?;
    let source = &yaml["Resources"]["ResponderFunction"]["Properties"]["Events"]["Queue"]["Properties"];
    assert!(source["BatchSize"].as_u64().is_some_and(|size| size <= 10), "of a FIFO queue");
    assert!(source["MaximumBatchingWindowInSeconds"].is_null(), "a FIFO queue has none");
    assert_eq!(texts(&source["FunctionResponseTypes"]), ["ReportBatchItemFailures"]);
    assert_eq!(
        text(&source["ScalingConfig"]["MaximumConcurrency"]),
        Some("MaximumResponders"),
        "a parameter"
    );
    Ok(())
}

#[test]
fn what_was_taken_in_outlives_the_stack() -> Result<()> {
    let yaml = yaml()?;
    for name in ["Table", "Queue", "DeadLetterQueue"] {
        let resource = &yaml["Resources"][name];
        assert_eq!(resource["DeletionPolicy"].as_str(), Some("RetainExceptOnCreate"), "{name}");
        assert_eq!(resource["UpdateReplacePolicy"].as_str(), Some("Retain"), "{name}");
    }
    let table = &yaml["Resources"]["Table"]["Properties"];
    assert_eq!(table["BillingMode"].as_str(), Some("PAY_PER_REQUEST"));
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool(), Some(true));
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true));
    assert!(table["TableName"].is_null(), "a name of its own could not be made twice");
    Ok(())
}

#[test]
fn no_policy_allows_more_than_it_names() -> Result<()> {
    for template in [super::TEMPLATE, DATA, NETWORK] {
        let yaml = read(template)?;
        for (name, resource) in all(&yaml) {
            for statement in statements(resource) {
                let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
                assert!(!actions.is_empty(), "{name}: {statement:?}");
                if statement["Effect"].as_str() == Some("Deny") {
                    continue;
                }
                assert!(actions.iter().all(|action| !action.contains('*')), "{name}: {actions:?}");
                if resources.contains(&"*") {
                    assert!(UNNAMED.contains(&name), "{name}: every resource");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_function_waits_for_the_check_and_logs_to_a_group_of_its_own_that_forgets() -> Result<()> {
    let yaml = yaml()?;
    let mut groups = BTreeSet::new();
    for (id, function) in all(&yaml) {
        if function["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let waits = function["DependsOn"].as_str() == Some("SettingsCheck");
        assert!(waits != (id == "CheckFunction"), "{id}");
        let group =
            text(&function["Properties"]["LoggingConfig"]["LogGroup"]).with_context(|| id.to_owned())?;
        assert!(groups.insert(group), "{id}: {group} is another's");
        let retention = &yaml["Resources"][group]["Properties"]["RetentionInDays"];
        assert_eq!(text(retention), Some("LogRetentionDays"), "{id}");
        let role = text(&function["Properties"]["Role"]).and_then(|role| role.split('.').next());
        let role = &yaml["Resources"][role.with_context(|| id.to_owned())?];
        let own = statements(&role["Properties"]["Policies"]);
        let [logs] = &own[..] else { anyhow::bail!("{id}: not one statement beside its policies: {own:?}") };
        assert_eq!(texts(&logs["Action"]), ["logs:CreateLogStream", "logs:PutLogEvents"], "{id}");
        assert_eq!(text(&logs["Resource"]), Some(format!("{group}.Arn").as_str()), "{id}");
    }
    for group in resources(&yaml, "AWS::Logs::LogGroup") {
        assert_eq!(text(&group["Properties"]["RetentionInDays"]), Some("LogRetentionDays"));
    }
    Ok(())
}

#[test]
fn the_check_is_asked_again_where_code_or_secrets_are_others() -> Result<()> {
    let yaml = yaml()?;
    let check = &yaml["Resources"]["SettingsCheck"]["Properties"];
    let asked = ["ServiceToken", "Code", "SecretsId", "SecretsVersion"].map(|name| text(&check[name]));
    let expected = ["CheckFunction.Arn", "CheckFunction.Version", "SecretsId", "SecretsVersion"];
    assert_eq!(asked, expected.map(Some));
    let function = &yaml["Resources"]["CheckFunction"]["Properties"];
    assert!(function["AutoPublishAlias"].as_str().is_some(), "a version for each code");
    assert_eq!(function["VersionDeletionPolicy"].as_str(), Some("Delete"), "no old secrets in old versions");
    Ok(())
}

#[test]
fn no_secret_stands_in_a_template() -> Result<()> {
    let yaml = yaml()?;
    let variables = &yaml["Globals"]["Function"]["Environment"]["Variables"];
    let Yaml::Tagged(secrets) = &variables["THREADLESS_SECRETS"] else { anyhow::bail!("{variables:?}") };
    let choice = texts(&secrets.value);
    assert_eq!(
        choice,
        ["HasSecretsVersion", "{{resolve:secretsmanager:${SecretsId}:SecretString:::${SecretsVersion}}}"]
    );
    let Some(Yaml::Tagged(newest)) = secrets.value.get(2) else { anyhow::bail!("{secrets:?}") };
    assert_eq!(texts(&newest.value), ["HasSecrets", "{{resolve:secretsmanager:${SecretsId}}}", "{}"]);
    Ok(())
}

#[test]
fn functions_that_talk_to_gateways_can_live_in_a_network() -> Result<()> {
    let yaml = yaml()?;
    let placed = all(&yaml).into_iter().filter(|(_, one)| !one["Properties"]["VpcConfig"].is_null());
    let placed = names(placed.map(|(_, one)| super::function_name(one).unwrap_or("?")));
    for name in ["kannel", "http", "responder"] {
        assert!(placed.contains(name), "{name}: {placed:?}");
    }
    // The function answers CloudFormation at a URL on the Internet.
    assert!(!placed.contains("check"));
    for (id, function) in all(&yaml) {
        let Some(role) = text(&function["Properties"]["Role"]).and_then(|role| role.split('.').next()) else {
            continue;
        };
        let policies = format!("{:?}", yaml["Resources"][role]["Properties"]["ManagedPolicyArns"]);
        let placed = !function["Properties"]["VpcConfig"].is_null();
        assert_eq!(policies.contains("NetworkPolicy"), placed, "{id}");
    }
    Ok(())
}

#[test]
fn table_and_queues_are_the_same_without_sam() -> Result<()> {
    let (template, data) = (yaml()?, read(DATA)?);
    for name in ["Table", "Queue", "DeadLetterQueue", "QueuePolicy"] {
        assert!(!data["Resources"][name].is_null(), "{name}");
        assert_eq!(data["Resources"][name], template["Resources"][name], "{name}");
    }
    let allowed = |yaml: &Yaml, resource: &str| {
        let found =
            statements(&yaml["Resources"][resource]).into_iter().flat_map(|one| texts(&one["Action"]));
        names(found.filter(|action| action.starts_with("dynamodb:") || action.starts_with("sqs:")))
    };
    let policies = ["RecordsPolicy", "DuePolicy", "JobsPolicy", "EnqueuePolicy", "WorkQueuePolicy"];
    let together: BTreeSet<String> = policies.iter().flat_map(|policy| allowed(&template, policy)).collect();
    assert_eq!(allowed(&data, "FunctionRole"), together);
    Ok(())
}

#[test]
fn the_network_has_no_way_out_but_to_sendsms_and_two_services() -> Result<()> {
    let yaml = read(NETWORK)?;
    let out = yaml["Resources"]["FunctionsGroup"]["Properties"]["SecurityGroupEgress"].as_sequence();
    let way = |rule: &Yaml| {
        let to = ["CidrIp", "DestinationPrefixListId", "DestinationSecurityGroupId"]
            .map(|key| text(&rule[key]).map(str::to_owned));
        let port = rule["ToPort"]
            .as_u64()
            .map_or_else(|| text(&rule["ToPort"]).map(str::to_owned), |port| Some(port.to_string()));
        (to.into_iter().flatten().collect::<String>(), port.unwrap_or_default())
    };
    let ways: Vec<(String, String)> = out.context("no rules")?.iter().map(way).collect();
    let expected =
        [("SendsmsCidr", "SendsmsPort"), ("DynamoDbPrefixList", "443"), ("EndpointGroup.GroupId", "443")];
    assert_eq!(ways, expected.map(|(to, port)| (to.to_owned(), port.to_owned())));
    assert!(
        yaml["Resources"]["FunctionsGroup"]["Properties"]["SecurityGroupIngress"].is_null(),
        "nothing in"
    );
    for kind in ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"] {
        assert!(all(&yaml).iter().all(|(_, one)| one["Type"].as_str() != Some(kind)), "{kind}");
    }
    let services = resources(&yaml, "AWS::EC2::VPCEndpoint");
    let services = names(services.iter().filter_map(|one| text(&one["Properties"]["ServiceName"])));
    assert_eq!(
        services,
        names(["com.amazonaws.${AWS::Region}.dynamodb", "com.amazonaws.${AWS::Region}.sqs"])
    );
    Ok(())
}
