//! The alarms of the shipped template, evaluated as CloudWatch evaluates them.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;
use tests::stack::TEMPLATE;

/// The stack's name in this test.
pub(crate) const STACK: &str = "clinic";

/// The name of a metric: namespace, name and dimensions.
type Name = (String, String, BTreeMap<String, String>);

/// The values of one minute.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    sum: f64,
    maximum: f64,
}

/// All values that were printed, by metric and minute.
#[derive(Default)]
pub(crate) struct Metrics(BTreeMap<Name, BTreeMap<i64, Minute>>);

impl Metrics {
    /// Adds a value of a metric of AWS, which AWS records itself.
    pub(crate) fn add(
        &mut self,
        (namespace, name): (&str, &str),
        dimension: (&str, &str),
        minute: i64,
        value: f64,
    ) {
        let dimensions = BTreeMap::from([(dimension.0.to_owned(), dimension.1.to_owned())]);
        self.put((namespace.to_owned(), name.to_owned(), dimensions), minute, value);
    }

    fn put(&mut self, name: Name, minute: i64, value: f64) {
        let minute = self.0.entry(name).or_default().entry(minute).or_default();
        minute.sum += value;
        minute.maximum = minute.maximum.max(value);
    }

    /// Takes the metrics out of a line of the log, as CloudWatch does.
    pub(crate) fn read(&mut self, line: &Value) {
        let minute = line["_aws"]["Timestamp"].as_i64().unwrap_or_default().div_euclid(60_000);
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for group in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
            for set in group["Dimensions"].as_array().unwrap() {
                let dimension = |name: &Value| (words(name), words(&line[words(name)]));
                let dimensions: BTreeMap<_, _> = set.as_array().unwrap().iter().map(dimension).collect();
                for metric in group["Metrics"].as_array().unwrap() {
                    let name = words(&metric["Name"]);
                    let values = match &line[&name] {
                        Value::Array(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
                        value => vec![value.as_f64().unwrap()],
                    };
                    for value in values {
                        self.put(
                            (words(&group["Namespace"]), name.clone(), dimensions.clone()),
                            minute,
                            value,
                        );
                    }
                }
            }
        }
    }

    /// Returns the number of metrics with these dimensions.
    pub(crate) fn count(&self, dimensions: &[(&str, &str)]) -> usize {
        let wanted =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.keys().filter(|(_, _, dimensions)| *dimensions == wanted).count()
    }
}

/// An alarm of the template.
pub(crate) struct Alarm {
    pub(crate) id: String,
    metric: Name,
    sum: bool,
    /// The minutes of a period.
    period: i64,
    periods: usize,
    to_alarm: usize,
    threshold: f64,
    below: bool,
    missing_is_breaching: bool,
}

/// Returns a text of the template; a reference is the name of what it refers to.
fn text(yaml: &Yaml) -> String {
    match yaml {
        Yaml::Tagged(tagged) => match tagged.value.as_str() {
            Some("AWS::StackName") => STACK.to_owned(),
            other => other.unwrap().to_owned(),
        },
        other => other.as_str().unwrap().to_owned(),
    }
}

/// Returns the alarms of the template, with the defaults of its parameters.
pub(crate) fn alarms() -> Vec<Alarm> {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_mapping().unwrap();
    let alarms = resources.iter().filter(|(_, one)| one["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    let alarms = alarms.map(|(id, alarm)| {
        let alarm = &alarm["Properties"];
        let dimensions = alarm["Dimensions"].as_sequence().unwrap().iter();
        let dimensions = dimensions.map(|one| (text(&one["Name"]), text(&one["Value"])));
        let threshold = match &alarm["Threshold"] {
            number @ Yaml::Number(_) => number.as_f64(),
            parameter => template["Parameters"][text(parameter).as_str()]["Default"].as_f64(),
        };
        let periods = alarm["EvaluationPeriods"].as_u64().unwrap();
        Alarm {
            id: id.as_str().unwrap().strip_suffix("Alarm").unwrap().to_owned(),
            metric: (text(&alarm["Namespace"]), text(&alarm["MetricName"]), dimensions.collect()),
            sum: match alarm["Statistic"].as_str().unwrap() {
                "Sum" => true,
                "Maximum" => false,
                other => panic!("{other}"),
            },
            period: alarm["Period"].as_i64().unwrap() / 60,
            periods: usize::try_from(periods).unwrap(),
            to_alarm: usize::try_from(alarm["DatapointsToAlarm"].as_u64().unwrap_or(periods)).unwrap(),
            threshold: threshold.unwrap(),
            below: match alarm["ComparisonOperator"].as_str().unwrap() {
                "GreaterThanThreshold" => false,
                "LessThanThreshold" => true,
                other => panic!("{other}"),
            },
            missing_is_breaching: match alarm["TreatMissingData"].as_str().unwrap() {
                "notBreaching" => false,
                "breaching" => true,
                other => panic!("{other}"),
            },
        }
    });
    alarms.collect()
}

impl Alarm {
    /// Returns whether the alarm is on at the end of the minutes before `end`.
    ///
    /// If data are missing, CloudWatch also looks at some older periods; this takes two. Only if there are still too few
    /// data, it treats the missing ones as the alarm says.
    fn is_on(&self, metrics: &Metrics, end: i64) -> bool {
        let Some(minutes) = metrics.0.get(&self.metric) else {
            return self.missing_is_breaching;
        };
        let datum = |back: usize| {
            let back = i64::try_from(back).unwrap();
            let (from, to) = (end - (back + 1) * self.period, end - back * self.period);
            let mut values = minutes.range(from..to).map(|(_, minute)| minute).peekable();
            values.peek()?;
            Some(if self.sum {
                values.map(|minute| minute.sum).sum::<f64>()
            } else {
                values.map(|minute| minute.maximum).fold(f64::MIN, f64::max)
            })
        };
        let known: Vec<f64> = (0..self.periods + 2).filter_map(datum).take(self.periods).collect();
        let breaches =
            |value: &&f64| if self.below { **value < self.threshold } else { **value > self.threshold };
        let filled = if self.missing_is_breaching { self.periods - known.len() } else { 0 };
        known.iter().filter(breaches).count() + filled >= self.to_alarm
    }
}

/// Returns the alarms that are on at the end of the minutes before `end`.
pub(crate) fn on(alarms: &[Alarm], metrics: &Metrics, end: i64) -> BTreeSet<String> {
    alarms.iter().filter(|alarm| alarm.is_on(metrics, end)).map(|alarm| alarm.id.clone()).collect()
}
