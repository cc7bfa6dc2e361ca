//! The project that the local stack runs.

use std::path::Path;

use threadless::Router;
use threadless::lambda::ProjectCode;
use threadless::project::Settings;

/// A project, as the local stack runs it: its code, and the template that says how AWS would run it.
///
/// The local stack takes from the template the routes of the HTTP API, the table, the queues, and the time-out of each
/// function. So it cannot differ from a deployment.
#[derive(Clone, Copy)]
pub struct LocalProject {
    /// The code of the project.
    pub code: ProjectCode,
    /// The text of `template.yaml`.
    pub template: &'static str,
}

impl LocalProject {
    /// Returns the same project with other apps.
    pub fn with_apps(self, apps: fn(Router) -> Router) -> Self {
        Self { code: ProjectCode { apps, ..self.code }, ..self }
    }

    /// Returns the text of the settings in this file, or of the project's own settings. The error is one line.
    pub(crate) fn settings_text(&self, file: Option<&Path>) -> Result<String, String> {
        file.map_or_else(|| Ok(self.code.settings.to_owned()), read_settings)
    }
}

/// Returns the text of the settings in this file. The error is one line.
pub(crate) fn read_settings(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file)
        .map_err(|problem| format!("the settings in {} cannot be read: {problem}", file.display()))?;
    Settings::text(bytes).map_err(|problem| format!("{}: {problem}", file.display()))
}
