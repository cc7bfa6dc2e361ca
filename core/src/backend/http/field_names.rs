//! The names of fields that the settings can change. No name may be empty, and no name may occur twice.

use super::path::Path;
use crate::settings::Fields;

/// A reader for one set of field names. It takes the names out of the settings and reports names that clash.
pub(super) struct FieldNames<'f, 'a> {
    fields: &'f mut Fields<'a>,
    taken: Vec<String>,
    paths: Vec<(String, Path)>,
}

impl<'f, 'a> FieldNames<'f, 'a> {
    /// Makes a reader for a set in which these names are already taken.
    pub(super) fn new(fields: &'f mut Fields<'a>, taken: &[&str]) -> Self {
        let taken = taken.iter().map(|name| (*name).to_owned()).collect();
        Self { fields, taken, paths: Vec::new() }
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

    /// Takes a name like [`FieldNames::take`], but an empty text turns the field off.
    pub(super) fn take_or_none(&mut self, key: &str, default: &str) -> Option<String> {
        let is_given = self.fields.is_given(key);
        let name = self.fields.text(key).unwrap_or_else(|| default.to_owned());
        if is_given && name.is_empty() {
            return None;
        }
        if self.taken.contains(&name) {
            self.fields.fault(key, format!("{name:?} is already the name of another field"));
        }
        self.taken.push(name.clone());
        Some(name)
    }

    /// Takes the path of a field of a request, or else the default name.
    pub(super) fn path(&mut self, key: &str, default: &str) -> Path {
        let written = self.take(key, default);
        if written.is_empty() {
            return Path::name(default);
        }
        let path = Path::read(&written).unwrap_or_else(|problem| {
            self.fields.fault(key, problem);
            Path::name(&written)
        });
        if let Some((other, _)) =
            self.paths.iter().find(|(_, other)| !other.goes_with(&path) && !path.goes_with(other))
        {
            let problem = format!("leads to another list than {other}: a request has one list of messages");
            self.fields.fault(key, problem);
        } else {
            self.paths.push((key.to_owned(), path.clone()));
        }
        path
    }

    /// Takes the path of a field that need not exist. An empty text turns the field off. Without the key, the field has
    /// its default name, unless another field has this name. The second value says whether the settings give the key.
    pub(super) fn optional(&mut self, key: &str, default: &str) -> Option<(Path, bool)> {
        if !self.fields.is_given(key) {
            let _ = self.fields.text(key);
            return (!self.taken.iter().any(|name| name == default)).then(|| (Path::name(default), false));
        }
        match self.fields.text(key) {
            Some(written) if written.is_empty() => None,
            Some(written) => {
                let taken = self.taken.contains(&written);
                if taken {
                    self.fields.fault(key, format!("{written:?} is already the name of another field"));
                }
                self.taken.push(written.clone());
                let path = Path::read(&written).map_err(|problem| self.fields.fault(key, problem)).ok()?;
                Some((path, true))
            }
            None => None,
        }
    }
}
