//! The two stores, asked the same.

use std::fmt::Debug;

use threadless::store::dynamodb::DynamoStore;
use threadless::store::{MemoryStore, StoreError};

/// Both of them.
pub(crate) struct Twins {
    pub(crate) memory: MemoryStore,
    pub(crate) dynamodb: DynamoStore,
}

impl Twins {
    pub(crate) fn new(memory: MemoryStore, dynamodb: DynamoStore) -> Self {
        Self { memory, dynamodb }
    }
}

/// Asks both, and gives the answer that they agree on.
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

/// The answer of both, or how they differ.
pub(crate) fn agreed<T: PartialEq + Debug>(
    memory: Result<T, StoreError>,
    dynamodb: Result<T, StoreError>,
) -> Result<T, String> {
    match (memory, dynamodb) {
        (Ok(memory), Ok(dynamodb)) if memory == dynamodb => Ok(memory),
        (memory, dynamodb) => Err(format!("memory: {} dynamodb: {}", short(&memory), short(&dynamodb))),
    }
}

/// Long texts say nothing more than short ones.
fn short(answer: &impl Debug) -> String {
    let mut shown = format!("{answer:?}");
    for filler in ["xxxxxxxxxx", "x…x…"] {
        while shown.contains(filler) {
            shown = shown.replace(filler, "x…");
        }
    }
    shown
}
