//! Reads the environment variables of a deployed Lambda function, and makes the project that they describe.

use std::env;
use std::sync::Arc;

use aws_credential_types::Credentials;
use serde_json::Value;

use super::Host;
use crate::aws::{Access, NoClient, http_client};
use crate::backend::{Engines, HttpTransport};
use crate::metrics::EmfLines;
use crate::project::{Ports, Project, Settings, SettingsError};
use crate::queue::Queue;
use crate::queue::sqs::SqsQueue;
use crate::router::{FaultyApps, Router};
use crate::settings::{Place, Surroundings};
use crate::store::dynamodb::DynamoStore;
use crate::util::clock::{Clock, SystemClock};

/// The values of the environment variables. No other place in this library reads them.
#[derive(Clone)]
pub struct Environment {
    /// `THREADLESS_TABLE`: the `DynamoDB` table.
    pub table: String,
    /// `THREADLESS_QUEUE_URL`: the SQS queue.
    pub queue_url: String,
    /// `THREADLESS_SETTINGS`: the text of settings that replace the embedded settings.
    pub settings: Option<String>,
    /// `THREADLESS_SECRETS`: a JSON object of secrets by name.
    pub secrets: Option<String>,
    /// `THREADLESS_STACK`: the value of the dimension `Stack` of the metrics. The default is `threadless`.
    pub stack: String,
    /// `THREADLESS_LOG`: the filter of the log. The default is `info`.
    pub log: String,
    /// `AWS_REGION`, and the access keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    pub access: Access,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, or `AWS_ENDPOINT_URL`: the URL of an emulator.
    pub dynamodb_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`, or `AWS_ENDPOINT_URL`: the URL of an emulator.
    pub sqs_url: Option<String>,
    /// `THREADLESS_PLACE`: `deployed` (the template sets this) or `local`. The default is `deployed`, or `local` if one
    /// of the two endpoints is on this machine.
    pub place: Place,
    /// The clock: the clock of the machine, or another one in tests.
    pub clock: Arc<dyn Clock>,
}

/// The reason why a Lambda function cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A variable is missing.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable is no text.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    /// `THREADLESS_SECRETS` is not a JSON object of texts.
    #[error("THREADLESS_SECRETS must be a JSON object whose values are strings")]
    Secrets,
    /// `THREADLESS_PLACE` is neither `deployed` nor `local`.
    #[error("THREADLESS_PLACE must be deployed or local")]
    Place,
    /// The settings are faulty.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An app is built wrongly.
    #[error(transparent)]
    Apps(#[from] FaultyApps),
    /// No HTTPS client could be made.
    #[error(transparent)]
    Client(#[from] NoClient),
}

/// Returns the value of a variable; `None` if the variable is absent or empty.
fn var(name: &'static str) -> Result<Option<String>, EnvironmentError> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let value = value.into_string().map_err(|_| EnvironmentError::NotUtf8(name))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// Returns the value of a variable that must be there.
pub(super) fn need(name: &'static str) -> Result<String, EnvironmentError> {
    var(name)?.ok_or(EnvironmentError::Missing(name))
}

impl Environment {
    /// Reads the environment of this process.
    pub fn read() -> Result<Self, EnvironmentError> {
        let credentials = Credentials::new(
            need("AWS_ACCESS_KEY_ID")?,
            need("AWS_SECRET_ACCESS_KEY")?,
            var("AWS_SESSION_TOKEN")?,
            None,
            "environment",
        );
        let dynamodb_url = var("AWS_ENDPOINT_URL_DYNAMODB")?.or(var("AWS_ENDPOINT_URL")?);
        let sqs_url = var("AWS_ENDPOINT_URL_SQS")?.or(var("AWS_ENDPOINT_URL")?);
        let local = [&dynamodb_url, &sqs_url].into_iter().flatten().any(|url| is_loopback(url));
        let place = match var("THREADLESS_PLACE")?.as_deref() {
            Some("deployed") => Place::Deployed,
            Some("local") => Place::Local,
            Some(_) => return Err(EnvironmentError::Place),
            None if local => Place::Local,
            None => Place::Deployed,
        };
        Ok(Self {
            table: need("THREADLESS_TABLE")?,
            queue_url: need("THREADLESS_QUEUE_URL")?,
            settings: var("THREADLESS_SETTINGS")?,
            secrets: var("THREADLESS_SECRETS")?,
            stack: var("THREADLESS_STACK")?.unwrap_or_else(|| "threadless".to_owned()),
            log: var("THREADLESS_LOG")?.unwrap_or_else(|| "info".to_owned()),
            access: Access { region: need("AWS_REGION")?, credentials, endpoint_url: None },
            dynamodb_url,
            sqs_url,
            place,
            clock: Arc::new(SystemClock),
        })
    }

    /// Makes the project from the `embedded` settings, or from the settings in the environment if there are any.
    pub fn host(
        &self,
        embedded: &str,
        engines: &Engines,
        apps: impl FnOnce(Router) -> Router,
    ) -> Result<Host, EnvironmentError> {
        let secrets = match &self.secrets {
            Some(json) => serde_json::from_str(json).map_err(|_| EnvironmentError::Secrets)?,
            None => serde_json::Map::new(),
        };
        let lookup = |name: &str| {
            let deployed = || secrets.get(name).and_then(Value::as_str).map(str::to_owned);
            env::var(name).ok().or_else(deployed)
        };
        let surroundings = Surroundings::new(self.place, lookup);
        let text = self.settings.as_deref().unwrap_or(embedded);
        let mut settings = Settings::read(text, engines, &surroundings)?;
        for warning in &settings.warnings {
            tracing::warn!(outcome = "settings_warning", "{warning}");
        }
        let warnings = std::mem::take(&mut settings.warnings).into();

        let router = apps(Router::new());
        router.check()?;
        for line in router.untranslated(&settings.about) {
            tracing::warn!(outcome = "untranslated", "{line}");
        }

        let http = http_client()?;
        let at = |endpoint_url: &Option<String>| Access {
            endpoint_url: endpoint_url.clone(),
            ..self.access.clone()
        };
        let store = DynamoStore::new(&at(&self.dynamodb_url), http.clone(), &self.table);
        let queue = Arc::new(SqsQueue::new(&at(&self.sqs_url), http, &self.queue_url));
        let ports = Ports {
            store: Arc::new(store),
            queue: Arc::clone(&queue) as Arc<dyn Queue>,
            transport: Arc::new(HttpTransport::new()),
            clock: Arc::clone(&self.clock),
        };
        let project = Arc::new(Project::new(settings, router, ports));
        let meter = Arc::new(EmfLines::new(&self.stack, std::io::stdout()));
        Ok(Host { project, queue: Some(queue), warnings, meter })
    }
}

/// Returns whether a URL leads to this machine.
fn is_loopback(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}
