//! What the AWS clients share: where AWS is, who we are there, and the HTTP client, which trusts Amazon's own
//! root certificates and no others.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// The roots that AWS endpoints' certificates come from: Amazon Root CA 1 to 4 and Starfield Services Root CA G2.
///
/// Reading the 140 others of a system would be most of a cold start. Source: <https://www.amazontrust.com/repository/>.
const ROOTS: &str = include_str!("roots.pem");

/// The longest that one call may take, tries again included; the first try gets a third of it.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// Where AWS is, and who we are there.
#[derive(Clone, Debug)]
pub struct Access {
    /// The region: `eu-west-1`.
    pub region: String,
    /// The keys that requests are signed with.
    pub credentials: Credentials,
    /// Another endpoint than the region's own: an emulator's.
    pub endpoint_url: Option<String>,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client for AWS cannot be made: {0}")]
pub struct NoClient(String);

/// The HTTP client that all AWS clients of a process share.
pub fn http_client() -> Result<SharedHttpClient, NoClient> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context = context.map_err(|problem| NoClient(problem.to_string()))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}

/// Why a call failed, as far as its caller must know.
#[derive(Debug)]
pub(crate) enum CallError {
    /// No answer, throttled, or an error of theirs: trying again may help.
    Unavailable(String),
    /// Any other answer: trying again will not help.
    Refused(String),
}

/// Parts of the codes that stand for a passing state, whatever the status that they come with.
const PASSING: [&str; 7] = [
    "Throttl",
    "RequestLimitExceeded",
    "OverLimit",
    "ThroughputExceeded",
    "InProgress",
    "TransactionConflict",
    "ReplicatedWriteConflict",
];

/// Returns whether an error of this code may be gone when the call is made again.
pub(crate) fn is_passing(code: &str) -> bool {
    PASSING.iter().any(|part| code.contains(part))
}

/// Sorts a failed call. The text names the operation, the error's code and its message; SDK errors show neither
/// by themselves.
pub(crate) fn classify<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let SdkError::ServiceError(answer) = error else {
        return CallError::Unavailable(format!("{operation}: {}", DisplayErrorContext(error)));
    };
    let (status, error) = (answer.raw().status().as_u16(), answer.err());
    let code = error.code().unwrap_or("without a code");
    let text = format!("{operation}: {code} ({status}): {}", error.message().unwrap_or("no message"));
    if status >= 500 || is_passing(code) { CallError::Unavailable(text) } else { CallError::Refused(text) }
}

/// The configuration of one service's client: every SDK has types of its own for the same things.
macro_rules! sdk_config {
    ($sdk:ident, $access:expr, $http:expr) => {{
        let (retry, timeout) = crate::aws::patience();
        let mut config = $sdk::config::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new($access.region.clone()))
            .credentials_provider($access.credentials.clone())
            .http_client($http)
            .retry_config(retry)
            .timeout_config(timeout);
        config.set_endpoint_url($access.endpoint_url.clone());
        config.build()
    }};
}
pub(crate) use sdk_config;

/// How often and how long calls are tried.
pub(crate) fn patience() -> (RetryConfig, TimeoutConfig) {
    let retry = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50));
    let timeout = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(CALL_TIMEOUT / 3)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    (retry, timeout)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_trusted_roots_make_a_client() {
        assert_eq!(super::ROOTS.matches("BEGIN CERTIFICATE").count(), 5);
        super::http_client().unwrap();
    }
}
