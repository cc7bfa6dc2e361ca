//! The project of this repository, as tests start it.

use threadless::Router;
use threadless_local::{LocalProject, StackOptions};

/// The text of `template.yaml`.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// The project of this repository.
pub const PROJECT: LocalProject = LocalProject { code: functions::PROJECT, template: TEMPLATE };

/// Returns options for a stack of this project with these settings: free ports, nothing on disk.
pub fn ephemeral(settings: &str) -> StackOptions {
    StackOptions::ephemeral(PROJECT, settings)
}

/// Returns the same options with other apps.
pub fn with_apps(apps: fn(Router) -> Router, settings: &str) -> StackOptions {
    StackOptions::ephemeral(PROJECT.with_apps(apps), settings)
}
