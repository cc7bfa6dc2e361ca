//! Transactions: several writes at once, all or none, and the reasons for which DynamoDB cancels them.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use tokio::time::sleep;

use super::{DynamoStore, StoreError};
use crate::aws::{classify, is_passing};
use crate::util::random;

/// The number of times that a transaction is tried if the reason for its cancellation is temporary.
const TRIES: u32 = 5;

/// The longest pause before the second try. It doubles with each further try.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The reason why a transaction was cancelled.
#[derive(Debug, PartialEq, Eq)]
enum Cancelled {
    /// A condition did not hold. Another try would find the same.
    Condition,
    /// Another transaction or another write was at one of the items.
    Conflict,
    /// DynamoDB could not take the writes at this moment.
    Throttled(String),
    /// One of the writes is invalid or not permitted.
    Refused(String),
}

impl DynamoStore {
    /// Writes several items, all or none. Returns `false` if a condition did not hold, or if other writes were at the
    /// same items at each try.
    pub(super) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<bool, StoreError> {
        let call = self.client.transact_write_items().set_transact_items(Some(actions));
        let call = call.set_return_consumed_capacity(self.metering());
        let mut pause = FIRST_PAUSE;
        for tries_left in (0..TRIES).rev() {
            let error = match call.clone().send().await {
                Ok(output) => {
                    output.consumed_capacity().iter().for_each(|used| self.meter_write(Some(used)));
                    return Ok(true);
                }
                Err(error) => error,
            };
            match cancelled(&error) {
                Some(Cancelled::Conflict | Cancelled::Throttled(_)) if tries_left > 0 => {
                    sleep(random::up_to(pause)).await;
                    pause *= 2;
                }
                Some(Cancelled::Condition | Cancelled::Conflict) => return Ok(false),
                Some(Cancelled::Throttled(reasons)) => return Err(StoreError::Unavailable(reasons)),
                Some(Cancelled::Refused(reasons)) => return Err(StoreError::Refused(reasons)),
                None => return Err(classify("TransactWriteItems", &error).into()),
            }
        }
        Ok(false)
    }
}

/// Returns the reason why a transaction was cancelled, or `None` for a call that failed in another way.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Cancelled> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            Some(sort_reasons(cancelled.cancellation_reasons()))
        }
        _ => None,
    }
}

/// Combines the reasons, one for each write. A write that can never succeed counts first, then a failed condition, then
/// a temporary reason.
fn sort_reasons(reasons: &[CancellationReason]) -> Cancelled {
    let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).collect();
    let has = |code: &str| codes.contains(&code);
    let harmless = |code: &str| matches!(code, "None" | "ConditionalCheckFailed") || is_passing(code);
    if codes.iter().any(|code| !harmless(code)) {
        Cancelled::Refused(told(reasons))
    } else if has("ConditionalCheckFailed") {
        Cancelled::Condition
    } else if codes.iter().any(|code| is_passing(code) && *code != "TransactionConflict") {
        Cancelled::Throttled(told(reasons))
    } else if has("TransactionConflict") {
        Cancelled::Conflict
    } else {
        // The transaction was cancelled without a reason, so another try may succeed.
        Cancelled::Throttled(told(reasons))
    }
}

/// Returns the reasons for an operator. If a condition did not hold, the item itself is never shown.
fn told(reasons: &[CancellationReason]) -> String {
    let one = |(at, reason): (usize, &CancellationReason)| {
        let code = reason.code().filter(|code| *code != "None")?;
        Some(format!("write {}: {code}: {}", at + 1, reason.message().unwrap_or("no message")))
    };
    let told: Vec<String> = reasons.iter().enumerate().filter_map(one).collect();
    let told = if told.is_empty() { "no reason given".to_owned() } else { told.join("; ") };
    format!("TransactWriteItems: cancelled: {told}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).message("words").build()).collect()
    }

    #[test]
    fn each_reason_has_its_consequence() {
        for passing in ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"] {
            let told = format!("TransactWriteItems: cancelled: write 2: {passing}: words");
            assert_eq!(sort_reasons(&reasons(&["None", passing])), Cancelled::Throttled(told), "{passing}");
        }
        assert_eq!(sort_reasons(&reasons(&["TransactionConflict", "None"])), Cancelled::Conflict);
        assert_eq!(sort_reasons(&reasons(&["ConditionalCheckFailed", "None"])), Cancelled::Condition);
        for lasting in ["ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied"] {
            assert!(matches!(sort_reasons(&reasons(&[lasting])), Cancelled::Refused(_)), "{lasting}");
        }
        assert!(matches!(sort_reasons(&[]), Cancelled::Throttled(_)), "no reason is no refusal");
    }

    #[test]
    fn the_graver_of_two_reasons_counts() {
        let of = |codes: &[&str]| sort_reasons(&reasons(codes));
        assert!(matches!(of(&["ThrottlingError", "ValidationError"]), Cancelled::Refused(_)));
        assert_eq!(of(&["ThrottlingError", "ConditionalCheckFailed"]), Cancelled::Condition);
        assert!(matches!(of(&["TransactionConflict", "ThrottlingError"]), Cancelled::Throttled(_)));
    }
}
