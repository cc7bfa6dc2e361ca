//! `outgoing_json`: a JSON text with placeholders for the values of a message. A value never changes the JSON around it.

use serde_json::Value;

use super::url_template::{Placeholder, TextTemplate, UrlTemplate};
use crate::model::message::Outgoing;
use crate::settings::Fields;

/// A JSON value whose texts have placeholders.
#[derive(Clone, Debug)]
pub(super) enum JsonTemplate {
    Constant(Value),
    Text(TextTemplate),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
}

/// The key, while the settings are read.
pub(super) struct Given {
    is_given: bool,
    template: Option<JsonTemplate>,
}

const KEY: &str = "outgoing_json";

impl Given {
    /// Returns whether the settings give the key.
    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    /// Reports a template without the recipient or the text.
    pub(super) fn check(&self, fields: &mut Fields<'_>, url: Option<&UrlTemplate>) {
        let Some(template) = &self.template else { return };
        for (placeholder, name) in [(Placeholder::Identity, "%(identity)s"), (Placeholder::Text, "%(text)s")]
        {
            if !template.has(placeholder) && !url.is_some_and(|url| url.has(placeholder)) {
                fields.fault(KEY, format!("has no {name}"));
            }
        }
    }

    /// Returns the template, if it is valid.
    pub(super) fn finish(self) -> Option<JsonTemplate> {
        self.template
    }
}

impl JsonTemplate {
    /// Reads `outgoing_json`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Given {
        let given = fields.text(KEY);
        let is_given = given.is_some();
        let template = given.and_then(|given| {
            let value = serde_json::from_str(&given).map_err(|problem| format!("is not JSON: {problem}"));
            let template = value.and_then(|value| Self::read(value, 0));
            template.map_err(|problem| fields.fault(KEY, problem)).ok()
        });
        Given { is_given, template }
    }

    fn read(value: Value, depth: usize) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(TextTemplate::read(&text)?),
            Value::Array(list) => Self::List(
                list.into_iter().map(|value| Self::read(value, depth + 1)).collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => {
                let member = |(name, value): (String, Value)| {
                    if name.contains("%(") {
                        return Err(
                            "has a placeholder in a name: placeholders stand only in texts".to_owned()
                        );
                    }
                    Ok((name, Self::read(value, depth + 1)?))
                };
                Self::Object(object.into_iter().map(member).collect::<Result<_, _>>()?)
            }
            _ if depth == 0 => return Err("must be an object or a list".to_owned()),
            other => Self::Constant(other),
        })
    }

    /// Returns whether a text has this placeholder.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Text(text) => text.has(placeholder),
            Self::List(list) => list.iter().any(|value| value.has(placeholder)),
            Self::Object(members) => members.iter().any(|(_, value)| value.has(placeholder)),
        }
    }

    /// Returns whether the outermost value is an object.
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Returns whether the outermost object has a member with this name.
    pub(super) fn has_member(&self, name: &str) -> bool {
        matches!(self, Self::Object(members) if members.iter().any(|(known, _)| known == name))
    }

    /// Returns the JSON for this message.
    pub(super) fn fill(&self, message: &Outgoing, id: &str) -> Value {
        match self {
            Self::Constant(value) => value.clone(),
            Self::Text(text) => text.fill(message, id).into(),
            Self::List(list) => list.iter().map(|value| value.fill(message, id)).collect(),
            Self::Object(members) => {
                let filled = members.iter().map(|(name, value)| (name.clone(), value.fill(message, id)));
                Value::Object(filled.collect())
            }
        }
    }
}
