//! The code of a language.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The code of a language: `en`, `am`, `pt-br`.
///
/// The syntax is that of IETF BCP 47: a subtag of 2 or 3 letters, then further subtags of 1 to 8 letters or digits,
/// each after a `-` or `_`. The code has at most 35 characters. Case and the kind of separator do not matter.
///
/// ```
/// use threadless::Language;
/// let brazil: Language = "pt_BR".parse()?;
/// assert_eq!(brazil.as_str(), "pt-br");
/// assert_eq!(brazil.base().as_str(), "pt");
/// assert!("Portuguese".parse::<Language>().is_err());
/// # Ok::<(), threadless::InvalidLanguage>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Arc<str>);

/// A text that is not a [`Language`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a language is a code such as en, am or pt-br, not {0:?}")]
pub struct InvalidLanguage(String);

impl Language {
    /// Returns the code, in lower case and with `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the language without script, region and the like: `pt` for `pt-br`.
    pub fn base(&self) -> Self {
        match self.0.split_once('-') {
            Some((base, _)) => Self(base.into()),
            None => self.clone(),
        }
    }

    /// Returns English, the language of the texts in the program.
    pub(crate) fn english() -> Self {
        Self("en".into())
    }

    pub(crate) fn is_english(&self) -> bool {
        self.base().as_str() == "en"
    }
}

impl FromStr for Language {
    type Err = InvalidLanguage;

    fn from_str(text: &str) -> Result<Self, InvalidLanguage> {
        let code = text.replace('_', "-").to_ascii_lowercase();
        let mut subtags = code.split('-');
        let base = subtags.next().unwrap_or_default();
        let ok = code.len() <= 35
            && (2..=3).contains(&base.len())
            && base.bytes().all(|b| b.is_ascii_lowercase())
            && subtags
                .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
        if ok { Ok(Self(code.into())) } else { Err(InvalidLanguage(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for Language {
    type Error = InvalidLanguage;
    fn try_from(text: String) -> Result<Self, InvalidLanguage> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> String {
        language.0.as_ref().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_code() {
        let table = [
            ("en", Some("en")),
            ("AM", Some("am")),
            ("swa", Some("swa")),
            ("zh_Hant-TW", Some("zh-hant-tw")),
            ("en-", None),
            ("e", None),
            ("english", None),
            ("አማ", None),
            ("e1", None),
            ("en us", None),
            ("en-123456789", None),
            ("", None),
        ];
        for (text, code) in table {
            assert_eq!(text.parse::<Language>().ok().as_ref().map(Language::as_str), code, "{text:?}");
        }
        assert!(format!("en{}", "-abcdefgh".repeat(4)).parse::<Language>().is_err(), "38 characters");
    }
}
