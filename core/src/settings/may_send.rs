//! The permission to send broadcasts.

use crate::settings::{Fields, Place, Secret};

/// The callers that may use the [Lambda function `send`](crate::broadcast::endpoint) over HTTP: `[send]` in the
/// settings.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::{MaySend, Surroundings};
///
/// let read = |text: &str| Settings::read(text, &Engines::standard(), &Surroundings::local(&[("T", "secret")]));
/// let settings = read("[project]\nname = \"Clinic\"\n[send]\ntoken = { secret = \"T\" }")?;
/// assert!(matches!(settings.may_send, MaySend::Guarded(_)));
/// // On your own machine, no token is required.
/// assert!(matches!(read("[project]\nname = \"Clinic\"")?.may_send, MaySend::Open));
/// # Ok::<(), threadless::project::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MaySend {
    /// Nobody. This is a deployed project without `[send]`.
    #[default]
    Off,
    /// A caller that knows this token.
    Guarded(Secret),
    /// Anyone. This is a local run without a token.
    Open,
}

impl MaySend {
    /// Reads the table `[send]`. `given` says whether the settings have this table.
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
