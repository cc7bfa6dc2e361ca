//! The two stores, which get the same calls.

use std::fmt::Debug;

use threadless::store::dynamodb::DynamoStore;
use threadless::store::{MemoryStore, StoreError};

/// Both stores.
pub(crate) struct Twins {
    pub(crate) memory: MemoryStore,
    pub(crate) dynamodb: DynamoStore,
}

impl Twins {
    pub(crate) fn new(memory: MemoryStore, dynamodb: DynamoStore) -> Self {
        Self { memory, dynamodb }
    }
}

/// Makes a call of both stores, and returns the answer on which they agree.
macro_rules! both {
    ($twins:expr, $store:ident => $call:expr) => {{
        let memory = {
            let $store: &dyn threadless::store::Store = &$twins.memory;
            $call.await
        };
        let dynamodb = {
            let $store: &dyn threadless::store::Store = &$twins.dynamodb;
            $call.await
        };
        $crate::twins::agreed(memory, dynamodb)
    }};
}
pub(crate) use both;

/// Returns the answer of both, or their difference.
pub(crate) fn agreed<T: PartialEq + Debug>(
    memory: Result<T, StoreError>,
    dynamodb: Result<T, StoreError>,
) -> Result<T, String> {
    match (memory, dynamodb) {
        (Ok(memory), Ok(dynamodb)) if memory == dynamodb => Ok(memory),
        (memory, dynamodb) => Err(format!("memory: {} dynamodb: {}", short(&memory), short(&dynamodb))),
    }
}

/// Shortens an answer, since a long text shows no more than a short one.
fn short(answer: &impl Debug) -> String {
    let mut shown = format!("{answer:?}");
    for filler in ["xxxxxxxxxx", "x…x…"] {
        while shown.contains(filler) {
            shown = shown.replace(filler, "x…");
        }
    }
    shown
}
