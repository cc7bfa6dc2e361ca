//! The names of fields that the settings can change. No name may be empty, and no name may occur twice.

use crate::settings::Fields;

/// A reader for one set of field names. It takes the names out of the settings and reports names that clash.
pub(super) struct FieldNames<'f, 'a> {
    fields: &'f mut Fields<'a>,
    taken: Vec<String>,
}

impl<'f, 'a> FieldNames<'f, 'a> {
    /// Makes a reader for a set in which these names are already taken.
    pub(super) fn new(fields: &'f mut Fields<'a>, taken: &[&str]) -> Self {
        Self { fields, taken: taken.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Takes the name that the settings give under `key`, or else the default name.
    pub(super) fn take(&mut self, key: &str, default: &str) -> String {
        let name = self.fields.text(key).unwrap_or_else(|| default.to_owned());
        if name.is_empty() {
            self.fields.fault(key, "is empty");
        } else if self.taken.contains(&name) {
            self.fields.fault(key, format!("{name:?} is already the name of another field"));
        }
        self.taken.push(name.clone());
        name
    }
}
