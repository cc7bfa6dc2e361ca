//! Secrets. The program looks them up by name and never shows them.

use std::fmt;

use sha2::{Digest, Sha256};

/// A text that must not be shown. Its `Debug` output hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret from a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns whether the secret is this text. The time of the comparison does not reveal how much of the text is
    /// right.
    pub fn is(&self, candidate: &[u8]) -> bool {
        let (ours, theirs) = (Sha256::digest(&self.0), Sha256::digest(candidate));
        ours.iter().zip(theirs.iter()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The endings of names that gateways and settings give to secrets.
const SECRET_NAMES: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pin",
    "key",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "cookie",
];

/// Returns whether the name of a field looks like the name of a secret: `token`, `api_key`, `X-Auth-Token`.
pub(crate) fn looks_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|end| plain.ends_with(end))
}

/// The place where the program runs, as far as the settings depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A developer's machine, or a test. The settings may contain secrets.
    Local,
    /// A deployment. The settings must not contain secrets.
    Deployed,
}

/// The surroundings in which the settings are read: the place, and the source of the secrets.
pub struct Surroundings<'a> {
    pub(crate) place: Place,
    lookup: Box<Lookup<'a>>,
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl<'a> Surroundings<'a> {
    /// Makes surroundings. `lookup` finds a secret by its name.
    pub fn new(place: Place, lookup: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { place, lookup: Box::new(lookup) }
    }

    /// Makes the surroundings of a local run with these secrets, as pairs of name and text.
    pub fn local(secrets: &'a [(&'a str, &'a str)]) -> Self {
        Self::new(Place::Local, |name| {
            secrets.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        })
    }

    pub(crate) fn secret(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_is_secret() {
        for name in
            ["token", "Token", "access_token", "api-key", "apikey", "X-Api-Key", "password", "user_pass"]
        {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["id", "text", "keyword", "tokens", "msisdn", "passenger", "", "phase_timeout_seconds"] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn a_secret_knows_itself_and_does_not_show() {
        let secret = Secret::new("hunter2");
        assert!(secret.is(b"hunter2") && !secret.is(b"hunter") && !secret.is(b""));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
