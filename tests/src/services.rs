//! Requests to the DynamoDB and the SQS of a local stack, in their own protocols and without any client of ours.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::http::exchange;

/// Requests one operation, for example `DynamoDB_20120810.Scan` or `AmazonSQS.GetQueueAttributes`.
///
/// # Errors
/// The answer is not 200 with JSON.
pub async fn ask(service: SocketAddr, operation: &str, input: &Value) -> Result<Value> {
    let body = input.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {service}\r\nX-Amz-Target: {operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\
         X-Amz-Date: 20261124T112533Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=local/20261124/us-east-1/any/aws4_request, \
         SignedHeaders=host, Signature=00\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(service, request.as_bytes()).await?.answer;
    ensure!(answer.status == 200, "{operation}: {answer:?}");
    Ok(serde_json::from_str(&answer.body)?)
}

/// Returns every item of the stack's table that messages left there, in DynamoDB's JSON. Leaves out the items of
/// scheduled jobs, which depend on the time.
///
/// # Errors
/// The same as for [`ask`].
pub async fn items(dynamodb: SocketAddr) -> Result<Vec<Value>> {
    let (mut items, mut from) = (Vec::<Value>::new(), json!(null));
    loop {
        let mut input = json!({ "TableName": "threadless" });
        if !from.is_null() {
            input["ExclusiveStartKey"] = from;
        }
        let mut found = ask(dynamodb, "DynamoDB_20120810.Scan", &input).await?;
        items.extend(serde_json::from_value::<Vec<Value>>(found["Items"].take()).context("no items")?);
        from = found["LastEvaluatedKey"].take();
        if from.is_null() {
            break;
        }
    }
    items.retain(|item| !item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("J#")));
    Ok(items)
}

/// Returns the number of messages on a queue. Includes those that were handed out and are not deleted yet.
///
/// # Errors
/// The same as for [`ask`].
pub async fn waiting(queue_url: &str) -> Result<u64> {
    let host = queue_url.split('/').nth(2).context("no host")?;
    let input = json!({ "QueueUrl": queue_url, "AttributeNames": ["All"] });
    let found = ask(host.parse()?, "AmazonSQS.GetQueueAttributes", &input).await?;
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let count = |name: &&str| found["Attributes"][name].as_str()?.parse::<u64>().ok();
    names.iter().map(count).sum::<Option<u64>>().context("no counts")
}
