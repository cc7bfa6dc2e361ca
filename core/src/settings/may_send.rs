//! Who may have broadcasts sent.

use crate::settings::{Fields, Place, Secret};

/// Who may call the [function `send`](crate::broadcast::endpoint) over HTTP: `[send]` in the settings.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::{MaySend, Surroundings};
///
/// let read = |text: &str| Settings::read(text, &Engines::standard(), &Surroundings::local(&[("T", "secret")]));
/// let settings = read("[project]\nname = \"Clinic\"\n[send]\ntoken = { secret = \"T\" }")?;
/// assert!(matches!(settings.may_send, MaySend::Guarded(_)));
/// // Nobody is asked on one's own machine.
/// assert!(matches!(read("[project]\nname = \"Clinic\"")?.may_send, MaySend::Open));
/// # Ok::<(), threadless::project::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MaySend {
    /// Nobody: what is deployed without `[send]`.
    #[default]
    Off,
    /// Who knows this token.
    Guarded(Secret),
    /// Anyone: a local run without a token.
    Open,
}

impl MaySend {
    /// Its table in the settings, if that is given at all.
    pub(crate) fn from_fields(given: bool, fields: &mut Fields<'_>) -> Self {
        let token = fields.secret("token");
        fields.weigh_token("token", token.as_ref());
        match (token, fields.place()) {
            (Some(token), _) => Self::Guarded(token),
            (None, Place::Local) => Self::Open,
            (None, Place::Deployed) => {
                if given && !fields.is_faulty() {
                    fields.fault("token", "is missing");
                }
                Self::Off
            }
        }
    }
}
