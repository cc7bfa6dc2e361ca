//! The AWS SDK client for the queue work of this package itself.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
use threadless::aws::{Access, NoClient, http_client};

/// Creates a client with the given keys and the given endpoint. It reads nothing from the environment.
pub(crate) fn sqs_client(access: &Access) -> Result<Client, NoClient> {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(access.region.clone()))
        .credentials_provider(access.credentials.clone())
        .http_client(http_client()?);
    config.set_endpoint_url(access.endpoint_url.clone());
    Ok(Client::from_conf(config.build()))
}
