//! The attributes of a queue: their names, their allowed values and their defaults.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::SqsError;

/// The attributes of a queue, by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// The attributes that are numbers, each with its least value, its greatest value and its default.
const NUMBERS: [(&str, i64, i64, i64); 5] = [
    ("VisibilityTimeout", 0, 43_200, 30),
    ("DelaySeconds", 0, 900, 0),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("MaximumMessageSize", 1024, 1_048_576, 1_048_576),
];

/// The attributes that are words, each with its allowed values. The first value is the default.
const WORDS: [(&str, &[&str]); 5] = [
    ("FifoQueue", &["true"]),
    ("ContentBasedDeduplication", &["false", "true"]),
    ("DeduplicationScope", &["queue", "messageGroup"]),
    ("FifoThroughputLimit", &["perQueue", "perMessageGroupId"]),
    ("SqsManagedSseEnabled", &["true", "false"]),
];

/// The attributes that are stored and returned, but have no effect here.
const KEPT: [&str; 4] = ["Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy"];

/// The rule for messages that were received too often.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedrivePolicy {
    pub(super) dead_letter_target_arn: String,
    #[serde(deserialize_with = "number_or_text")]
    pub(super) max_receive_count: i64,
}

fn number_or_text<'de, D: serde::Deserializer<'de>>(input: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(input)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

impl RedrivePolicy {
    /// Returns the name of the target queue, which is the last part of its ARN.
    pub(super) fn target(&self) -> &str {
        self.dead_letter_target_arn.rsplit(':').next().unwrap_or_default()
    }
}

/// Checks the given attributes, each by itself and in combination.
pub(super) fn check(given: &Attributes) -> Result<(), SqsError> {
    for (name, value) in given {
        let number = NUMBERS.iter().find(|(known, ..)| known == name);
        let words = WORDS.iter().find(|(known, _)| known == name);
        if let Some((_, least, most, _)) = number {
            if !value.parse::<i64>().is_ok_and(|value| (*least..=*most).contains(&value)) {
                return Err(SqsError::attribute_value(name, &format!("must be from {least} to {most}")));
            }
        } else if let Some((_, words)) = words {
            if !words.contains(&value.as_str()) {
                return Err(SqsError::attribute_value(name, &format!("must be {}", words.join(" or "))));
            }
        } else if name == "RedrivePolicy" {
            redrive(given)?;
        } else if !KEPT.contains(&name.as_str()) {
            return Err(SqsError::attribute_name(name));
        }
    }
    let by_group = is(given, "DeduplicationScope", "messageGroup");
    if is(given, "FifoThroughputLimit", "perMessageGroupId") && !by_group {
        let reason = "perMessageGroupId is allowed only with the DeduplicationScope messageGroup";
        return Err(SqsError::attribute_value("FifoThroughputLimit", reason));
    }
    Ok(())
}

/// Returns whether a queue can have an attribute of this name, even if it has none now.
pub(super) fn is_known(name: &str) -> bool {
    let numbers = NUMBERS.iter().map(|(known, ..)| *known);
    let words = WORDS.iter().map(|(known, _)| *known);
    numbers.chain(words).chain(KEPT).chain(["RedrivePolicy"]).any(|known| known == name)
}

/// Returns the redrive policy among the attributes, if there is one.
pub(super) fn redrive(attributes: &Attributes) -> Result<Option<RedrivePolicy>, SqsError> {
    let Some(json) = attributes.get("RedrivePolicy").filter(|json| !json.is_empty()) else { return Ok(None) };
    let policy: RedrivePolicy = serde_json::from_str(json)
        .map_err(|problem| SqsError::attribute_value("RedrivePolicy", &problem.to_string()))?;
    if (1..=1000).contains(&policy.max_receive_count) {
        Ok(Some(policy))
    } else {
        Err(SqsError::attribute_value("RedrivePolicy", "maxReceiveCount must be from 1 to 1000"))
    }
}

/// Returns a number among the attributes, or its default.
pub(super) fn number(attributes: &Attributes, name: &str) -> i64 {
    let given = attributes.get(name).and_then(|value| value.parse().ok());
    given.unwrap_or_else(|| {
        NUMBERS.iter().find(|(known, ..)| *known == name).map_or(0, |(_, _, _, default)| *default)
    })
}

/// Returns whether an attribute, or its default, is this word.
pub(super) fn is(attributes: &Attributes, name: &str, word: &str) -> bool {
    let default = || WORDS.iter().find(|(known, _)| *known == name).map_or("", |(_, words)| words[0]);
    attributes.get(name).map_or_else(default, String::as_str) == word
}

/// Returns all attributes: the given ones, and the defaults for the others.
pub(super) fn all(given: &Attributes) -> Attributes {
    let numbers = NUMBERS.iter().map(|(name, _, _, default)| ((*name).to_owned(), default.to_string()));
    let words = WORDS.iter().map(|(name, words)| ((*name).to_owned(), words[0].to_owned()));
    let mut all: Attributes = numbers.chain(words).collect();
    all.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}
