//! Reads `settings.toml` into typed and validated settings. Reports all faults at once.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::exposure::Rules;
use super::numbers::{NumberRules, read_country};
use crate::app::context::About;
use crate::backend::{AnyBackend, Engines};
use crate::consent::Consent;
use crate::error::Fault;
use crate::limits::LONGEST_PHASE;
use crate::model::message::BackendName;
use crate::router::Router;
use crate::settings::{Fields, MaySend, Surroundings};
use crate::text::number::Country;
use crate::translate::Languages;

/// The settings of a project, as `settings.toml` gives them.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::Surroundings;
///
/// let text = r#"
///     [project]
///     name = "Clinic"
///
///     [backends.my-kannel-backend]
///     engine = "kannel"
///     sendsms_url = "127.0.0.1:13013"
///     respnd = "queue"
/// "#;
/// let faults = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).err().unwrap();
/// let fields: Vec<&str> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
/// assert_eq!(fields, ["backends.my-kannel-backend.respnd", "backends.my-kannel-backend.sendsms_url"]);
/// ```
pub struct Settings {
    /// The facts about the project that apps may know.
    pub about: About,
    /// The country whose numbers people write without a country code: `country`. A backend can have another one.
    pub country: Option<Country>,
    /// The longest time that one phase of one app may take: `phase_timeout_seconds`, from 1 to [`LONGEST_PHASE`] in
    /// seconds. The default is 5 seconds.
    pub phase_timeout: Duration,
    /// The way in which people opt out: `[opt_out]`.
    pub consent: Consent,
    /// The callers that may send broadcasts: `[send]`.
    pub may_send: MaySend,
    /// The backends by name.
    pub backends: BTreeMap<BackendName, BackendSettings>,
    /// The warnings: values that are allowed but look like a mistake.
    pub warnings: Vec<Fault>,
}

/// The settings of one backend, from its table.
pub struct BackendSettings {
    /// The kind of gateway.
    pub engine: &'static str,
    /// The time at which the messages of this backend are processed.
    pub respond: Respond,
    /// The maximum number of replies to one connection in an hour: `replies_per_hour`. Above this number, Threadless
    /// assumes that the other end is a machine that answers our answers, and sends no more replies until the hour is
    /// over. `None` (0 in the settings) means no limit. The default is the value of the
    /// [backend](crate::backend::Backend::replies_per_hour).
    pub replies_per_hour: Option<NonZeroU32>,
    /// How this backend writes numbers: `country`, `number_format` and `never_send`.
    pub numbers: NumberRules,
    /// The backend that the engine made from the other keys.
    pub backend: AnyBackend,
}

/// The time at which a backend's messages are processed: `respond` in its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Respond {
    /// The Lambda function that the gateway calls processes the message, and then answers the gateway.
    #[default]
    Inline,
    /// The Lambda function that the gateway calls queues the message, and then answers the gateway. The Lambda function
    /// `responder` processes the message later.
    Queue,
}

/// All faults of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Fault>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings have ")?;
        match self.0.len() {
            1 => f.write_str("a fault")?,
            count => write!(f, "{count} faults")?,
        }
        for (at, fault) in self.0.iter().enumerate() {
            write!(f, "{} {fault}", if at == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Returns the text of a settings file.
    ///
    /// # Errors
    /// The line and the key at which the file is not UTF-8.
    pub fn text(bytes: Vec<u8>) -> Result<String, SettingsError> {
        super::unreadable::text(bytes)
    }

    /// Reads settings. The secrets that the settings name are looked up in `surroundings`.
    pub fn read(
        text: &str,
        engines: &Engines,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, SettingsError> {
        let table = text.parse::<toml::Table>();
        let table = table.map_err(|problem| SettingsError(vec![super::unreadable::fault(text, &problem)]))?;
        let mut top = Fields::new("", table, surroundings);

        let mut project = top.table("project");
        let about = About {
            name: project.required_text("name"),
            default_response: project.text("default_response").unwrap_or_default(),
            languages: Languages::from_fields(&mut project),
        };
        let country = project.text("country").and_then(|given| read_country(&mut project, &given));
        let longest = i64::try_from(LONGEST_PHASE.as_secs()).unwrap_or(i64::MAX);
        let phase_timeout =
            project.seconds("phase_timeout_seconds", 1..=longest).unwrap_or(Router::PHASE_TIMEOUT);
        top.absorb(project);

        let mut opt_out = top.table("opt_out");
        let consent = Consent::from_fields(&mut opt_out);
        top.absorb(opt_out);

        let given = top.keys().iter().any(|key| key == "send");
        let mut send = top.table("send");
        let may_send = MaySend::from_fields(given, &mut send);
        top.absorb(send);

        let mut backends = BTreeMap::new();
        let mut tables = top.table("backends");
        for key in tables.keys() {
            let mut fields = tables.table(&key);
            let name = key.parse::<BackendName>();
            if let Err(problem) = &name {
                fields.fault_here(problem.to_string());
            }
            let made = backend(&mut fields, engines, country);
            tables.absorb(fields);
            if let (Ok(name), Some(made)) = (name, made) {
                backends.insert(name, made);
            }
        }
        top.absorb(tables);

        let (faults, warnings) = top.finish();
        if faults.is_empty() {
            Ok(Self { about, country, phase_timeout, consent, may_send, backends, warnings })
        } else {
            Err(SettingsError(faults))
        }
    }
}

fn backend(fields: &mut Fields<'_>, engines: &Engines, country: Option<Country>) -> Option<BackendSettings> {
    let respond = match fields.one_of("respond", &["inline", "queue"]) {
        Some("queue") => Respond::Queue,
        _ => Respond::Inline,
    };
    let limit = fields.number("replies_per_hour", 0..=1_000_000);
    let numbers = NumberRules::from_fields(fields, country);
    let named = fields.required_text("engine");
    let Some((engine, make)) = engines.get(&named) else {
        if !named.is_empty() {
            fields
                .fault("engine", format!("{named:?} is unknown (known are {})", engines.names().join(", ")));
        }
        fields.ignore_rest();
        return None;
    };
    let rules = Rules::read(fields);
    let backend = make(fields);
    rules.check(fields, engine, backend.as_ref().map(|backend| backend.0.exposure()));
    let mut backend = backend?;
    let mut secrets = std::mem::take(&mut fields.secrets.revealed);
    secrets.extend(rules.secrets_in_urls());
    backend.1 = secrets.into();
    let replies_per_hour = match limit {
        Some(limit) => u32::try_from(limit).ok().and_then(NonZeroU32::new),
        None => backend.0.replies_per_hour(),
    };
    Some(BackendSettings { engine, respond, replies_per_hour, numbers, backend })
}

#[cfg(test)]
mod tests;
