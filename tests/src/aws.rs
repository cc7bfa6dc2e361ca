//! A client of the real SDK for an emulator. The key is given, and nothing is read from the environment.

use anyhow::Result;
use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
use threadless::aws::http_client;

/// Makes a client for the SQS at `endpoint`, for example `http://127.0.0.1:8002`.
///
/// # Errors
/// The HTTP client cannot be made.
pub fn sqs_client(endpoint: &str) -> Result<Client> {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(http_client()?)
        .endpoint_url(endpoint)
        .build();
    Ok(Client::from_conf(config))
}
