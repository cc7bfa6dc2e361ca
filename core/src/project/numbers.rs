//! How a backend writes numbers: the country, the form for the gateway, and the numbers that get no message.

use std::collections::HashSet;

use crate::model::message::{BackendName, ConnectionId, Identity};
use crate::project::Project;
use crate::settings::Fields;
use crate::text::number::{Country, NoRecipient, Number, NumberFormat, normal, other_forms};

/// The most digits that `shorter_than` can ask for. A number has at most 15.
const MOST_DIGITS: i64 = 15;

/// How one backend writes numbers: `country`, `number_format` and `never_send` in its table.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::Surroundings;
///
/// let text = r#"
///     [project]
///     name = "Clinic"
///     country = "KE"
///
///     [backends.chat]
///     engine = "httptester"
///     country = ""
/// "#;
/// let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[]))?;
/// assert_eq!(settings.country.map(|country| country.code()), Some("KE"));
/// let chat = &settings.backends[&"chat".parse()?].numbers;
/// assert_eq!(chat.country, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NumberRules {
    /// The country whose numbers people write without a country code: `country` of the backend, or else of the project.
    pub country: Option<Country>,
    /// The form in which the gateway gets the number of a recipient: `number_format`.
    pub format: NumberFormat,
    /// The recipients that get no message: `never_send`.
    pub never: NeverSend,
}

/// The recipients that get no message: the table `never_send` of a backend.
///
/// ```
/// use threadless::project::NeverSend;
/// assert_eq!(NeverSend::default().reason("+254711000222", None), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeverSend {
    /// The normal forms of `numbers`.
    numbers: HashSet<String>,
    /// `shorter_than`: identities with fewer digits get no message.
    shorter_than: usize,
    /// `names`: identities with letters get no message.
    names: bool,
    /// `prefixes`, without blanks and dashes.
    prefixes: Vec<String>,
}

impl NumberRules {
    /// Reads `country`, `number_format` and `never_send` of a backend. `of_project` is the country of the project.
    pub(super) fn from_fields(fields: &mut Fields<'_>, of_project: Option<Country>) -> Self {
        let country = match fields.text("country") {
            // The identities of a chat may be plain digits that are no phone numbers.
            Some(empty) if empty.is_empty() => None,
            Some(given) => read_country(fields, &given),
            None => of_project,
        };
        let format = fields.one_of("number_format", &["e164", "international", "national"]);
        let format = format.and_then(|format| format.parse().ok()).unwrap_or_default();
        if format == NumberFormat::National && country.is_none() && !fields.is_faulty_at("country") {
            fields.fault("number_format", "\"national\" needs a country: set country here or in [project]");
        }
        let mut table = fields.table("never_send");
        let never = NeverSend::from_fields(&mut table, country);
        fields.absorb(table);
        Self { country, format, never }
    }

    /// Returns the normal form of an identity that a gateway or a person wrote, or the reason why it cannot be a
    /// recipient.
    fn recipient(&self, identity: &Identity) -> Result<Identity, NoRecipient> {
        let number = normal(identity.as_str(), self.country)?;
        Ok(number.as_str().parse().unwrap_or_else(|_| identity.clone()))
    }

    /// Returns the recipient as the gateway wants it.
    pub(crate) fn written(&self, identity: &Identity) -> String {
        self.format.write(identity.as_str(), self.country)
    }

    /// Returns the reason why this recipient gets no message. A recipient to whom we answer has written to us, so it
    /// exists, whatever it is.
    pub(crate) fn refused(&self, identity: &Identity, answers: bool) -> Option<String> {
        let problem = normal(identity.as_str(), self.country).err().filter(|_| !answers);
        let problem = problem.map(|problem| format!("the recipient {problem}"));
        problem.or_else(|| self.never.reason(identity.as_str(), self.country))
    }

    /// Returns the mark of these rules in the record of a connection: the code of the country, or `-` without one.
    pub(crate) fn mark(&self) -> &'static str {
        self.country.map_or("-", Country::code)
    }

    /// Returns the other forms under which an earlier version, or earlier settings, may have stored this identity.
    /// `mark` is the mark of the forms that were already looked up. The list is empty if nothing is left to look up.
    pub(crate) fn other_forms(&self, identity: &Identity, mark: Option<&str>) -> Vec<Identity> {
        if mark == Some(self.mark()) {
            return Vec::new();
        }
        let known = mark.map(|mark| other_forms(identity.as_str(), mark.parse().ok())).unwrap_or_default();
        let forms = other_forms(identity.as_str(), self.country).into_iter();
        forms.filter(|form| !known.contains(form)).filter_map(|form| form.parse().ok()).collect()
    }
}

/// Reads a country, and reports a text that is none.
pub(super) fn read_country(fields: &mut Fields<'_>, given: &str) -> Option<Country> {
    match given.parse() {
        Ok(country) => Some(country),
        Err(problem) => {
            fields.fault("country", format!("{problem}"));
            None
        }
    }
}

impl NeverSend {
    fn from_fields(fields: &mut Fields<'_>, country: Option<Country>) -> Self {
        let mut numbers = HashSet::new();
        for (at, given) in fields.texts("numbers").unwrap_or_default().iter().enumerate() {
            match normal(given, country) {
                Ok(number) => {
                    numbers.insert(number.as_str().to_lowercase());
                }
                Err(problem) => fields.fault(&format!("numbers[{at}]"), problem.to_string()),
            }
        }
        let shorter_than = fields.number("shorter_than", 1..=MOST_DIGITS).unwrap_or(0);
        let names = fields.flag("names").unwrap_or(false);
        let mut prefixes = Vec::new();
        for (at, given) in fields.texts("prefixes").unwrap_or_default().iter().enumerate() {
            match prefix(given) {
                Some(prefix) => prefixes.push(prefix),
                None => fields.fault(
                    &format!("prefixes[{at}]"),
                    "must begin as a number or a name begins, such as +25420, 0900 or PROMO",
                ),
            }
        }
        Self { numbers, shorter_than: usize::try_from(shorter_than).unwrap_or(0), names, prefixes }
    }

    /// Returns the reason why a recipient gets no message, or `None` if it may get messages. `identity` is a normal
    /// form. The reason stands in the history; it does not name the recipient.
    pub fn reason(&self, identity: &str, country: Option<Country>) -> Option<String> {
        if self.numbers.contains(&identity.to_lowercase()) {
            return Some("never_send: the recipient is in numbers".to_owned());
        }
        let kind = normal(identity, country).ok();
        let is_name = matches!(kind, Some(Number::Name(_)));
        if is_name && self.names {
            return Some("never_send: the recipient is a name".to_owned());
        }
        let digits = identity.chars().filter(char::is_ascii_digit).count();
        if !is_name && digits < self.shorter_than {
            return Some(format!("never_send: the recipient has fewer than {} digits", self.shorter_than));
        }
        let lower = identity.to_lowercase();
        let national = NumberFormat::National.write(identity, country);
        let forms = [lower.as_str(), lower.trim_start_matches('+'), national.as_str()];
        let begins = |prefix: &&String| forms.iter().any(|form| form.starts_with(prefix.as_str()));
        self.prefixes
            .iter()
            .find(begins)
            .map(|prefix| format!("never_send: the recipient begins with {prefix}"))
    }
}

/// Returns a prefix without blanks and dashes, in lower case, with `+` for `00`. Returns `None` for a text that every
/// number begins with, or none.
fn prefix(given: &str) -> Option<String> {
    let kept = |c: &char| c.is_alphanumeric() || *c == '+' || *c == '*' || *c == '#';
    let kept: String = given.chars().filter(kept).collect::<String>().to_lowercase();
    let kept = match kept.strip_prefix("00") {
        Some(rest) if !rest.is_empty() => format!("+{rest}"),
        _ => kept,
    };
    let has_more =
        !matches!(kept.as_str(), "" | "+" | "0" | "00") && !kept.trim_start_matches('+').is_empty();
    has_more.then_some(kept)
}

impl Project {
    /// Returns a connection in its normal form: the one identity of a person, however it was written. A text that cannot
    /// be a recipient stays as it is, and so does a connection of a backend that the project does not have.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use threadless::testing::Bench;
    /// use threadless::{ConnectionId, Router};
    ///
    /// let bench = Bench::with(Router::new()).country("KE").build();
    /// let written = ConnectionId::new(bench.default_backend().clone(), "0711 000 222".parse().unwrap());
    /// assert_eq!(bench.project.normal(&written).identity.as_str(), "+254711000222");
    /// # }
    /// ```
    pub fn normal(&self, connection: &ConnectionId) -> ConnectionId {
        self.recipient(connection).unwrap_or_else(|_| connection.clone())
    }

    /// Returns a connection in its normal form, or the reason why it cannot be a recipient.
    pub(crate) fn recipient(&self, connection: &ConnectionId) -> Result<ConnectionId, NoRecipient> {
        let ConnectionId { backend, identity } = connection;
        match self.installed(backend) {
            Some(installed) => Ok(ConnectionId::new(backend.clone(), installed.numbers.recipient(identity)?)),
            None => Ok(connection.clone()),
        }
    }

    /// Returns the text that the gateway of a connection gets as its recipient.
    pub fn written(&self, connection: &ConnectionId) -> String {
        match self.installed(&connection.backend) {
            Some(installed) => installed.numbers.written(&connection.identity),
            None => connection.identity.as_str().to_owned(),
        }
    }

    /// Returns the mark of the rules of a backend for numbers.
    pub(crate) fn mark_of(&self, backend: &BackendName) -> &'static str {
        self.installed(backend).map_or("-", |installed| installed.numbers.mark())
    }

    /// Returns the connections under which the record of this connection may be stored as well.
    pub(crate) fn other_connections(
        &self,
        connection: &ConnectionId,
        mark: Option<&str>,
    ) -> Vec<ConnectionId> {
        let Some(installed) = self.installed(&connection.backend) else { return Vec::new() };
        let forms = installed.numbers.other_forms(&connection.identity, mark);
        forms.into_iter().map(|form| ConnectionId::new(connection.backend.clone(), form)).collect()
    }
}
