//! The embedded DynamoDB of a local stack, with as many tables as a test needs, and its calls as HTTP requests.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use serde_json::{Value, json};
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless_local::{Stack, StackOptions};

use crate::http::exchange;

/// A stack of which only the DynamoDB is used. It ends when this is dropped.
pub struct DynamoDb {
    stack: Stack,
}

impl DynamoDb {
    /// Starts a stack that sweeps nothing during a test.
    ///
    /// # Errors
    /// The stack does not start.
    pub async fn start() -> Result<Self> {
        let settings = "[project]\nname = \"T\"";
        let options = StackOptions { tick: Duration::from_secs(3600), ..crate::stack::ephemeral(settings) };
        Ok(Self { stack: Stack::start(options).await? })
    }

    /// Makes a store in a new table. DynamoDB deletes no item of it when the item's time to live is over.
    ///
    /// # Errors
    /// The table or the client cannot be made.
    pub async fn store(&self, table: &str) -> Result<DynamoStore> {
        let attributes = [("pk", "S"), ("sk", "S"), ("due_shard", "S"), ("due_at", "N")];
        let definitions =
            attributes.map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }));
        let keys = |hash: &str, range: &str| {
            let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
            json!([key(hash, "HASH"), key(range, "RANGE")])
        };
        let due = json!({
            "IndexName": "due",
            "KeySchema": keys("due_shard", "due_at"),
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        });
        let request = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": definitions,
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [due],
        });
        self.call("CreateTable", &request).await?;
        store_at(&format!("http://{}", self.stack.dynamodb), table)
    }

    /// Deletes a table.
    ///
    /// # Errors
    /// The same as for [`DynamoDb::call`].
    pub async fn drop_table(&self, table: &str) -> Result<()> {
        self.call("DeleteTable", &json!({ "TableName": table })).await.map(drop)
    }

    /// Makes one call and returns its answer.
    ///
    /// # Errors
    /// There is no answer, or its status is not 200.
    pub async fn call(&self, operation: &str, request: &Value) -> Result<Value> {
        let body = request.to_string();
        let authorization = "AWS4-HMAC-SHA256 Credential=local/20990101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host, Signature=0";
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: DynamoDB_20120810.{operation}\r\nAuthorization: {authorization}\r\n\
             X-Amz-Date: 20990101T000000Z\r\nContent-Length: {}\r\n\r\n",
            self.stack.dynamodb,
            body.len()
        );
        let whole = exchange(self.stack.dynamodb, (head + &body).as_bytes()).await?;
        let answer = whole.answer;
        ensure!(answer.status == 200, "{operation}: {} {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).context("the answer is not JSON")
    }

    /// Returns all items of a table, in DynamoDB's own JSON.
    ///
    /// # Errors
    /// The same as for [`DynamoDb::call`].
    pub async fn items(&self, table: &str) -> Result<Vec<Value>> {
        let (mut items, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "TableName": table, "ConsistentRead": true });
            if !from.is_null() {
                request["ExclusiveStartKey"] = from;
            }
            let mut answer = self.call("Scan", &request).await?;
            items.extend(answer["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            from = answer["LastEvaluatedKey"].take();
            if from.is_null() {
                return Ok(items);
            }
        }
    }

    /// Writes one item unchanged.
    ///
    /// # Errors
    /// The same as for [`DynamoDb::call`].
    pub async fn put(&self, table: &str, item: &Value) -> Result<()> {
        self.call("PutItem", &json!({ "TableName": table, "Item": item })).await.map(drop)
    }
}

/// Makes a store whose DynamoDB answers at this URL.
///
/// # Errors
/// The client cannot be made.
pub fn store_at(url: &str, table: &str) -> Result<DynamoStore> {
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(url.to_owned()),
    };
    Ok(DynamoStore::new(&access, http_client()?, table))
}
