//! The builder of one conditional update. It registers names and values only when they are used, since `DynamoDB`
//! refuses unused ones.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

/// An update expression with its condition.
#[derive(Default)]
pub(super) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    adds: Vec<String>,
    conditions: Vec<String>,
    names: BTreeSet<String>,
    values: HashMap<String, AttributeValue>,
    shows_refusal: bool,
}

impl Update {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Returns the name of an attribute in expressions.
    pub(super) fn name(&mut self, name: &str) -> String {
        self.names.insert(name.to_owned());
        format!("#{name}")
    }

    /// Returns the name of a value in expressions.
    pub(super) fn value(&mut self, value: AttributeValue) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }

    /// Sets an attribute.
    pub(super) fn set(&mut self, name: &str, value: AttributeValue) -> &mut Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name} = {value}"));
        self
    }

    /// Sets an attribute unless it exists.
    pub(super) fn set_once(&mut self, name: &str, value: AttributeValue) -> &mut Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name} = if_not_exists({name}, {value})"));
        self
    }

    /// Appends to a list. If the list does not exist, makes it.
    pub(super) fn append(&mut self, name: &str, list: AttributeValue) -> &mut Self {
        let name = self.name(name);
        let (empty, list) = (self.value(AttributeValue::L(Vec::new())), self.value(list));
        self.sets.push(format!("{name} = list_append(if_not_exists({name}, {empty}), {list})"));
        self
    }

    /// Replaces an entry of a list.
    pub(super) fn set_nth(&mut self, name: &str, at: usize, value: AttributeValue) -> &mut Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name}[{at}] = {value}"));
        self
    }

    /// Removes attributes.
    pub(super) fn remove(&mut self, names: &[&str]) -> &mut Self {
        for name in names {
            let name = self.name(name);
            self.removes.push(name);
        }
        self
    }

    /// Removes an entry of a list.
    pub(super) fn remove_nth(&mut self, name: &str, at: usize) -> &mut Self {
        let name = self.name(name);
        self.removes.push(format!("{name}[{at}]"));
        self
    }

    /// Adds one to a number. A number that does not exist counts as 0.
    pub(super) fn count_up(&mut self, name: &str) -> &mut Self {
        let (name, one) = (self.name(name), self.value(AttributeValue::N("1".to_owned())));
        self.adds.push(format!("{name} {one}"));
        self
    }

    /// Adds a number to a set of numbers.
    pub(super) fn add_to_set(&mut self, name: &str, member: u32) -> &mut Self {
        let (name, member) = (self.name(name), self.value(AttributeValue::Ns(vec![member.to_string()])));
        self.adds.push(format!("{name} {member}"));
        self
    }

    /// Adds the condition that the attribute exists.
    pub(super) fn only_if_there(&mut self, name: &str) -> &mut Self {
        let name = self.name(name);
        self.only_if(format!("attribute_exists({name})"))
    }

    /// Adds a condition, made of [`Update::name`]s and [`Update::value`]s. All conditions must hold.
    pub(super) fn only_if(&mut self, condition: String) -> &mut Self {
        self.conditions.push(condition);
        self
    }

    /// Adds the condition that the attribute has this value. Without a value, adds the condition that the attribute
    /// does not exist.
    pub(super) fn only_if_is(&mut self, name: &str, value: Option<AttributeValue>) -> &mut Self {
        let name = self.name(name);
        let condition = match value {
            Some(value) => format!("{name} = {}", self.value(value)),
            None => format!("attribute_not_exists({name})"),
        };
        self.only_if(condition)
    }

    /// Makes the call return the stored item if the conditions do not hold. This costs nothing.
    pub(super) fn show_refusal(&mut self) -> &mut Self {
        self.shows_refusal = true;
        self
    }

    pub(super) fn shows_refusal(&self) -> bool {
        self.shows_refusal
    }

    pub(super) fn expression(&self) -> String {
        let part = |word: &str, parts: &[String]| {
            if parts.is_empty() { String::new() } else { format!("{word} {} ", parts.join(", ")) }
        };
        let (sets, removes) = (part("SET", &self.sets), part("REMOVE", &self.removes));
        format!("{sets}{removes}{}", part("ADD", &self.adds)).trim_end().to_owned()
    }

    pub(super) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(super) fn names(&self) -> HashMap<String, String> {
        self.names.iter().map(|name| (format!("#{name}"), name.clone())).collect()
    }

    pub(super) fn values(self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then_some(self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_names_what_it_uses_and_nothing_else() {
        let mut update = Update::new();
        update.set("a", AttributeValue::Bool(true)).remove(&["b"]).remove_nth("c", 0).only_if_is("d", None);
        assert_eq!(update.expression(), "SET #a = :v0 REMOVE #b, #c[0]");
        assert_eq!(update.condition().as_deref(), Some("attribute_not_exists(#d)"));
        assert_eq!(update.names().len(), 4);
        assert_eq!(update.values().map(|values| values.len()), Some(1));
    }
}
