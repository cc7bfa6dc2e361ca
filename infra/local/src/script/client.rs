//! The client that hands messages to a stack, as the gateways would.

use std::time::Duration;

use threadless::{BackendName, ConnectionId};
use uuid::Uuid;

use super::ScriptError;
use super::backends::{Engine, Known};

/// The longest time for an answer. It is longer than the limit of an HTTP API.
const LIMIT: Duration = Duration::from_secs(35);

/// The front of a stack.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) http: reqwest::Client,
    /// The URL without a slash at its end.
    base: String,
    /// A token that replaces the token of the settings.
    token: Option<String>,
}

impl Front {
    pub(super) fn new(base: &str, token: Option<String>) -> Result<Self, ScriptError> {
        // This fails only if a provider is installed already, and that provider is good enough.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(LIMIT)
            .user_agent(concat!("threadless-script/", env!("CARGO_PKG_VERSION")));
        let http = client.build().map_err(|problem| ScriptError::new(problem.to_string()))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token })
    }

    /// Returns the URL of a backend.
    pub(super) fn url(&self, name: &BackendName, engine: Engine) -> String {
        let folder = match engine {
            Engine::Kannel => "backend",
            Engine::Http => "http",
            Engine::Tester => "httptester",
        };
        format!("{}/{folder}/{name}/", self.base)
    }

    /// Hands a message to the stack.
    pub(super) async fn send(
        &self,
        known: &Known,
        from: &ConnectionId,
        text: &str,
    ) -> Result<(), ScriptError> {
        let token = || self.token.clone().or_else(|| known.secret("token"));
        let url = self.url(&from.backend, known.engine);
        let (identity, id) = (from.identity.as_str(), Uuid::new_v4().to_string());
        let request = match known.engine {
            Engine::Kannel => {
                let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
                let mut query = vec![
                    ("id", identity.to_owned()),
                    ("hex", hex),
                    ("charset", "UTF-8".to_owned()),
                    ("coding", "0".to_owned()),
                    ("mid", id),
                ];
                query.extend(token().map(|token| ("token", token)));
                let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
                self.http.get(format!("{url}?{query}"))
            }
            Engine::Http | Engine::Tester => {
                let name = |key: &str, otherwise| known.text(key, otherwise).to_owned();
                let mut form = vec![
                    (name("incoming_identity", "identity"), identity.to_owned()),
                    (name("incoming_text", "text"), text.to_owned()),
                    (name("incoming_id", "id"), id),
                ];
                form.extend(token().map(|token| ("token".to_owned(), token)));
                let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
                self.http
                    .post(url.clone())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form)
            }
        };
        let answer = request.send().await.map_err(|problem| ScriptError::of_http(&url, &problem))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = answer.text().await.unwrap_or_default();
        Err(ScriptError::new(format!("{url} answered {status}: {}", body.trim())))
    }
}
