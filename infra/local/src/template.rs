//! A reader of `template.yaml`. It makes sure that the local stack has the same routes, table and queues as the
//! template.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;

/// The parts of the template that the local stack uses.
#[derive(Debug)]
pub struct Template {
    /// The routes of the HTTP API.
    pub routes: Vec<Route>,
    /// The table, in the form of `CreateTable`, without a name.
    pub table: Value,
    /// The attribute that holds the time to live.
    pub ttl_attribute: String,
    /// The attributes of the queue, without its redrive policy.
    pub queue: BTreeMap<String, String>,
    /// The attributes of the dead-letter queue.
    pub dead_letters: BTreeMap<String, String>,
    /// The number of receives after which a message goes to the dead-letter queue.
    pub max_receive_count: u64,
    /// The function that works off the queue.
    pub worker: Worker,
    /// The functions that run on a schedule.
    pub scheduled: Vec<String>,
    /// The time-out of each function, by its name in the template.
    pub timeouts: BTreeMap<String, Duration>,
}

/// One route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The route key, as events contain it: `ANY /backend/{proxy+}`.
    pub key: String,
    /// The name of the function.
    pub function: String,
}

/// The event source that reads the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// The name of the function.
    pub function: String,
    /// The most messages of one batch.
    pub batch_size: i32,
}

/// A part that is missing in the template.
#[derive(Debug, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(String);

impl Template {
    /// Reads a template.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let yaml: Yaml =
            serde_yaml_ng::from_str(text).map_err(|problem| TemplateError(problem.to_string()))?;
        let resources = Resources(plain(yaml)["Resources"].take());
        let functions = resources.of_type("AWS::Serverless::Function");

        let mut timeouts = BTreeMap::new();
        let mut scheduled = Vec::new();
        let mut worker = None;
        for (id, function) in &functions {
            let name = resources.name(id)?;
            let seconds = function["Properties"]["Timeout"].as_u64().unwrap_or(3);
            timeouts.insert(name.clone(), Duration::from_secs(seconds));
            let events = function["Properties"]["Events"].as_object().into_iter().flatten();
            for (_, event) in events {
                match event["Type"].as_str() {
                    Some("Schedule" | "ScheduleV2") => scheduled.push(name.clone()),
                    Some("SQS") => {
                        let size = event["Properties"]["BatchSize"].as_i64().unwrap_or(10);
                        let batch_size = i32::try_from(size).unwrap_or(10);
                        worker = Some(Worker { function: name.clone(), batch_size });
                    }
                    _ => {}
                }
            }
        }

        let (queue, redrive) = resources.queue("Queue")?;
        let table = resources.only("AWS::DynamoDB::Table")?;
        let keep = ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];
        let kept = keep.iter().map(|key| ((*key).to_owned(), table[key].clone()));
        Ok(Self {
            routes: resources.routes()?,
            table: json!(kept.filter(|(_, value)| !value.is_null()).collect::<BTreeMap<_, _>>()),
            ttl_attribute: text_of(&table["TimeToLiveSpecification"]["AttributeName"], "the table's ttl")?,
            queue,
            dead_letters: resources.queue("DeadLetterQueue")?.0,
            max_receive_count: redrive
                .and_then(|policy| policy["maxReceiveCount"].as_u64())
                .ok_or_else(|| TemplateError("Queue has no RedrivePolicy with maxReceiveCount".to_owned()))?,
            worker: worker.ok_or_else(|| TemplateError("no function has an SQS event".to_owned()))?,
            scheduled,
            timeouts,
        })
    }
}

/// The resources, by their logical ids.
struct Resources(Value);

impl Resources {
    fn of_type(&self, wanted: &str) -> Vec<(&String, &Value)> {
        let all = self.0.as_object().into_iter().flatten();
        all.filter(|(_, resource)| resource["Type"].as_str() == Some(wanted)).collect()
    }

    fn only(&self, wanted: &str) -> Result<&Value, TemplateError> {
        match self.of_type(wanted)[..] {
            [(_, resource)] => Ok(&resource["Properties"]),
            ref found => Err(TemplateError(format!("{} resources of type {wanted}, not one", found.len()))),
        }
    }

    /// Returns the name of a function: the value of `THREADLESS_FUNCTION`, which says what the program does.
    fn name(&self, id: &str) -> Result<String, TemplateError> {
        let variables = &self.0[id]["Properties"]["Environment"]["Variables"];
        text_of(&variables["THREADLESS_FUNCTION"], &format!("the variable THREADLESS_FUNCTION of {id}"))
    }

    /// Returns a queue's attributes in the form of SQS, and its redrive policy.
    fn queue(&self, id: &str) -> Result<(BTreeMap<String, String>, Option<&Value>), TemplateError> {
        let properties = self.0[id]["Properties"].as_object();
        let properties = properties.ok_or_else(|| TemplateError(format!("there is no queue {id}")))?;
        let mut attributes = BTreeMap::new();
        for (name, value) in properties {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            if name != "QueueName" {
                attributes.insert(name.clone(), value);
            }
        }
        Ok((attributes, properties.get("RedrivePolicy")))
    }

    /// Returns the routes. It follows route → integration → function.
    fn routes(&self) -> Result<Vec<Route>, TemplateError> {
        let mut routes = Vec::new();
        for (id, route) in self.of_type("AWS::ApiGatewayV2::Route") {
            let key = text_of(&route["Properties"]["RouteKey"], &format!("the RouteKey of {id}"))?;
            let target = text_of(&route["Properties"]["Target"], &format!("the Target of {id}"))?;
            let integration = target.trim_start_matches("integrations/${").trim_end_matches('}');
            let uri = &self.0[integration]["Properties"]["IntegrationUri"];
            let uri = text_of(uri, &format!("the IntegrationUri of {integration}"))?;
            let function = self.name(uri.trim_end_matches(".Arn"))?;
            routes.push(Route { key, function });
        }
        Ok(routes)
    }
}

fn text_of(value: &Value, what: &str) -> Result<String, TemplateError> {
    value.as_str().map(str::to_owned).ok_or_else(|| TemplateError(format!("{what} is missing")))
}

/// Converts the document to JSON without CloudFormation's tags: `!Ref Table` becomes `Table`.
fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or_default(),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(list) => list.into_iter().map(plain).collect(),
        Yaml::Mapping(map) => {
            let pair = |(key, value): (Yaml, Yaml)| Some((key.as_str()?.to_owned(), plain(value)));
            Value::Object(map.into_iter().filter_map(pair).collect())
        }
        Yaml::Tagged(tagged) => plain(tagged.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let problem = Template::read("Resources: {}").unwrap_err().to_string();
        assert!(problem.contains("Queue"), "{problem}");
        let nameless = "Resources: { Tick: { Type: 'AWS::Serverless::Function', Properties: {} } }";
        let problem = Template::read(nameless).unwrap_err().to_string();
        assert_eq!(problem, "template.yaml: the variable THREADLESS_FUNCTION of Tick is missing");
    }
}
