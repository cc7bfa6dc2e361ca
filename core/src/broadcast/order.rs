//! The order of a caller: a key, a text, recipients.

use std::collections::HashSet;

use futures_util::future::try_join_all;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::app::context::Context;
use crate::broadcast::BroadcastError;
use crate::error::Fault;
use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;
use crate::model::recipient::Recipient;
use crate::pipeline::reach::connections_of;
use crate::project::Project;
use crate::util::hex::hex;

/// The number of contacts that are looked up at the same time.
const AT_ONCE: usize = 32;

/// The order of a caller for one broadcast.
///
/// ```
/// use threadless::broadcast::Order;
/// let order = Order::from_json(br#"{
///     "key": "flood-2026-11-25",
///     "text": "The river rises. Go to high ground.",
///     "recipients": ["my-kannel-backend:+251911223344", {"backend": "my-kannel-backend", "identity": "+251911223355"}]
/// }"#).unwrap();
/// assert_eq!(order.recipients.len(), 2);
///
/// let faults = Order::from_json(br#"{"text": "x", "recipients": ["my-kannel-backend:1", "+251911"]}"#).unwrap_err();
/// let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
/// assert_eq!(faults, ["key: is missing", "recipients[1]: a recipient must have the form backend:identity"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The key of the broadcast.
    pub key: BroadcastKey,
    /// The text: 1 to [`Context::MAX_REPLY_BYTES`] bytes.
    pub text: String,
    /// The recipients: 1 to [`Broadcast::MAX_RECIPIENTS`]. A recipient that is named several times gets one message.
    pub recipients: Vec<Recipient>,
}

impl Order {
    /// Reads an order. Returns all faults at once. A fault of a recipient has the recipient's place in the list, from
    /// 0.
    pub fn from_json(body: &[u8]) -> Result<Self, Vec<Fault>> {
        let mut object: Map<String, Value> = match serde_json::from_slice(body) {
            Ok(object) => object,
            Err(problem) => return Err(vec![Fault::new("body", format!("is not a JSON object: {problem}"))]),
        };
        let mut faults = Vec::new();
        let key = text_of(&mut object, "key", &mut faults);
        let key = key.and_then(|key| match key.parse::<BroadcastKey>() {
            Ok(key) => Some(key),
            Err(problem) => {
                faults.push(Fault::new("key", problem.to_string()));
                None
            }
        });
        let text = text_of(&mut object, "text", &mut faults).unwrap_or_default();
        if text.len() > Context::MAX_REPLY_BYTES {
            let most = Context::MAX_REPLY_BYTES;
            faults.push(Fault::new("text", format!("has at most {most} bytes, not {}", text.len())));
        }
        let recipients = recipients_of(&mut object, &mut faults);
        for unknown in object.keys() {
            // A key may be the empty text.
            let field = if unknown.is_empty() { "\"\"" } else { unknown };
            faults.push(Fault::new(field, "is unknown here (known are key, text, recipients)"));
        }
        match key {
            Some(key) if faults.is_empty() => Ok(Self { key, text, recipients }),
            _ => Err(faults),
        }
    }

    /// Returns the SHA-256 over text and recipients, each with its length before it.
    pub(super) fn digest(&self) -> String {
        let mut sha = Sha256::new();
        let mut part = |part: &str| {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        };
        part(&self.text);
        self.recipients.iter().for_each(|recipient| part(&recipient.to_string()));
        hex(&sha.finalize())
    }

    /// Returns a fault for each recipient that cannot be one, such as `2.54711E+11`.
    fn refused(&self, project: &Project) -> Vec<Fault> {
        let fault = |(at, recipient): (usize, &Recipient)| {
            let Recipient::Connection(connection) = recipient else { return None };
            let problem = project.recipient(connection).err()?;
            let written = connection.identity.as_str();
            Some(Fault::new(format!("recipients[{at}]"), format!("{written:?} {problem}")))
        };
        self.recipients.iter().enumerate().filter_map(fault).collect()
    }

    /// Returns the messages of the order, each to another recipient.
    pub(super) async fn messages(&self, project: &Project) -> Result<Vec<BroadcastMessage>, BroadcastError> {
        let refused = self.refused(project);
        if !refused.is_empty() {
            return Err(BroadcastError::Unusable(refused));
        }
        let mut found = Vec::with_capacity(self.recipients.len());
        for some in self.recipients.chunks(AT_ONCE) {
            let theirs: Vec<_> = some.iter().map(|recipient| connections_of(project, recipient)).collect();
            found.extend(try_join_all(theirs).await?);
        }
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        let mut messages = Vec::new();
        for (at, connections) in found.into_iter().enumerate() {
            let mut fault = |problem: String| faults.push(Fault::new(format!("recipients[{at}]"), problem));
            match connections.first() {
                Some(first) if project.installed(&first.backend).is_none() => {
                    fault(format!("there is no backend {}", first.backend));
                }
                Some(first) => {
                    if seen.insert(first.clone()) {
                        messages.push(BroadcastMessage { connections, send: 0, text: None });
                    }
                }
                None => fault("the contact does not exist, or has no connection".to_owned()),
            }
        }
        let bytes = messages.iter().map(BroadcastMessage::bytes).sum::<usize>();
        if bytes > Broadcast::MAX_BYTES {
            let most = Broadcast::MAX_BYTES;
            faults.push(Fault::new(
                "recipients",
                format!("take {bytes} bytes; at most {most} are allowed: split them into several calls"),
            ));
        }
        if faults.is_empty() { Ok(messages) } else { Err(BroadcastError::Unusable(faults)) }
    }
}

fn text_of(object: &mut Map<String, Value>, field: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let problem = match object.remove(field) {
        Some(Value::String(text)) if !text.is_empty() => return Some(text),
        Some(Value::String(_)) => "is empty",
        Some(_) => "is not a text",
        None => "is missing",
    };
    faults.push(Fault::new(field, problem));
    None
}

fn recipients_of(object: &mut Map<String, Value>, faults: &mut Vec<Fault>) -> Vec<Recipient> {
    let list = match object.remove("recipients") {
        Some(Value::Array(list)) => list,
        Some(_) => {
            faults.push(Fault::new("recipients", "is not a list"));
            return Vec::new();
        }
        None => {
            faults.push(Fault::new("recipients", "is missing"));
            return Vec::new();
        }
    };
    let most = Broadcast::MAX_RECIPIENTS;
    if list.is_empty() || list.len() > most {
        let problem = format!(
            "must have 1 to {most} entries, not {}: split a longer list into several calls",
            list.len()
        );
        faults.push(Fault::new("recipients", problem));
        return Vec::new();
    }
    let mut recipients = Vec::with_capacity(list.len());
    for (at, value) in list.into_iter().enumerate() {
        match serde_json::from_value::<Recipient>(value) {
            Ok(recipient) => recipients.push(recipient),
            Err(problem) => faults.push(Fault::new(format!("recipients[{at}]"), problem.to_string())),
        }
    }
    recipients
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<String> {
        Order::from_json(json.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        assert!(faults("").iter().all(|fault| fault.starts_with("body: is not a JSON object")));
        assert!(faults("[]").iter().all(|fault| fault.starts_with("body: is not a JSON object")));
        assert_eq!(faults("{}"), ["key: is missing", "text: is missing", "recipients: is missing"]);
        let json = r#"{"key":"a b","text":7,"recipients":[],"to":1}"#;
        let expected = [
            "key: a key has 1 to 64 of the characters A-Z a-z 0-9 . _ -, and is not . or ..",
            "text: is not a text",
            "recipients: must have 1 to 10000 entries, not 0: split a longer list into several calls",
            "to: is unknown here (known are key, text, recipients)",
        ];
        assert_eq!(faults(json), expected);
        let nameless = faults(r#"{"key":"k","text":"x","recipients":["k:1"],"":1}"#);
        assert_eq!(nameless, [r#""": is unknown here (known are key, text, recipients)"#]);
        let json = r#"{"key":"k","text":"x","recipients":["k:1","1",{"backend":"k"},"k:"]}"#;
        let expected = [
            "recipients[1]: a recipient must have the form backend:identity",
            "recipients[2]: a recipient is \"backend:identity\", {\"backend\": …, \"identity\": …} or {\"contact\": …}",
            "recipients[3]: an identity cannot be empty",
        ];
        assert_eq!(faults(json), expected);
    }

    #[test]
    fn the_digest_is_of_text_and_recipients() {
        let order = |text: &str, to: &[&str]| Order {
            key: "k".parse().unwrap(),
            text: text.to_owned(),
            recipients: to.iter().map(|to| to.parse().unwrap()).collect(),
        };
        let one = order("a", &["k:1", "k:2"]);
        assert_eq!(one.digest(), order("a", &["k:1", "k:2"]).digest());
        for other in [order("b", &["k:1", "k:2"]), order("a", &["k:2", "k:1"]), order("a", &["k:1"])] {
            assert_ne!(one.digest(), other.digest());
        }
    }
}
