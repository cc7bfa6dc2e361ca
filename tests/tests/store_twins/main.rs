//! A comparison of the memory store and the DynamoDB store. Random histories of calls are played on both. Every answer
//! is compared, and at the end the whole content. `THREADLESS_TWINS=1000 cargo test -p tests --test store_twins` plays
//! a thousand histories. A failing history is shrunk and printed.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod content;
mod person;
mod twins;
mod world;

use std::cell::Cell;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tests::dynamodb::DynamoDb;
use threadless::store::MemoryStore;

use crate::twins::Twins;
use crate::world::World;

/// The number of histories, unless `THREADLESS_TWINS` sets it.
const HISTORIES: u32 = 32;

/// The maximum number of calls in one history.
const CALLS: usize = 70;

#[test]
fn the_memory_store_and_dynamodb_answer_alike() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asked = std::env::var("THREADLESS_TWINS").ok().map(|count| count.parse().expect("a number"));
    let config = Config {
        cases: asked.unwrap_or(HISTORIES),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let dynamodb = runtime.block_on(DynamoDb::start()).unwrap();
    let tables = Cell::new(0);
    let played = TestRunner::new(config).run(&calls::calls(CALLS), |history| {
        tables.set(tables.get() + 1);
        let table = format!("twin{}", tables.get());
        runtime.block_on(async {
            let store = dynamodb.store(&table).await.unwrap();
            let mut world = World::new(Twins::new(MemoryStore::new(), store));
            let mut played = Ok(());
            for (at, call) in history.iter().enumerate() {
                played = world.play(call).await.map_err(|problem| format!("call {at}, {call:?}: {problem}"));
                if played.is_err() {
                    break;
                }
            }
            if played.is_ok() {
                played =
                    content::compare(&mut world).await.map_err(|problem| format!("at the end: {problem}"));
            }
            dynamodb.drop_table(&table).await.unwrap();
            played.map_err(TestCaseError::fail)
        })
    });
    if let Err(difference) = played {
        panic!("{difference}");
    }
}
