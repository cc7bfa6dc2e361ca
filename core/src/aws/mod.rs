//! The shared parts of the AWS clients: the address of AWS, the credentials, and the HTTP client. The HTTP client
//! trusts only Amazon's own root certificates.

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

/// The root certificates of AWS endpoints: Amazon Root CA 1 to 4 and Starfield Services Root CA G2.
///
/// To read the 140 other roots of a system would take most of the time of a cold start. Source:
/// <https://www.amazontrust.com/repository/>.
const ROOTS: &str = include_str!("roots.pem");

/// The longest time that one call may take, including repeated attempts. Each attempt gets at most a third of this
/// time.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// The address of AWS, and the credentials for it.
#[derive(Clone, Debug)]
pub struct Access {
    /// The region: `eu-west-1`.
    pub region: String,
    /// The keys that sign requests.
    pub credentials: Credentials,
    /// An endpoint that replaces the endpoint of the region, for example the endpoint of an emulator.
    pub endpoint_url: Option<String>,
}

/// The reason why no HTTPS client could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot create the HTTPS client for AWS: {0}")]
pub struct NoClient(String);

/// Makes the HTTP client that all AWS clients of a process share.
pub fn http_client() -> Result<SharedHttpClient, NoClient> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context = context.map_err(|problem| NoClient(problem.to_string()))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}

/// The reason why a call failed, as far as the caller must know.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There was no answer, AWS throttled the call, or AWS had an error. Another attempt may help.
    Unavailable(String),
    /// AWS gave another answer. Another attempt will not help.
    Refused(String),
}

/// Parts of error codes that describe a temporary state, with any status.
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

/// Classifies a failed call. The text names the operation, the code of the error and its message; the SDK errors
/// themselves show neither the code nor the message.
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

/// Makes the configuration of one service's client. It is a macro because every SDK crate has its own types for the
/// same things.
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

/// Returns how often and how long a call is tried.
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
