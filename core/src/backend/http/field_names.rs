//! The names of fields, as the settings may give them: none empty, none twice.

use crate::settings::Fields;

/// Takes the names of one set of fields out of the settings, and reports those that clash.
pub(super) struct FieldNames<'f, 'a> {
    fields: &'f mut Fields<'a>,
    taken: Vec<String>,
}

impl<'f, 'a> FieldNames<'f, 'a> {
    /// For a set in which these names are taken already.
    pub(super) fn new(fields: &'f mut Fields<'a>, taken: &[&str]) -> Self {
        Self { fields, taken: taken.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// The name that the settings give under `key`, or its default.
    pub(super) fn take(&mut self, key: &str, default: &str) -> String {
        let name = self.fields.text(key).unwrap_or_else(|| default.to_owned());
        if name.is_empty() {
            self.fields.fault(key, "is empty");
        } else if self.taken.contains(&name) {
            self.fields.fault(key, format!("{name:?} is the name of another field"));
        }
        self.taken.push(name.clone());
        name
    }
}
