//! Foreign items are refused with the name of the attribute. Our own items are read back unchanged.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Item, is_expired, names as n, of_entries, sort_key, to_contact, to_entries, to_outbox, to_record, to_row,
    to_unusable,
};
use crate::model::message::ConnectionId;
use crate::model::recipient::Recipient;
use crate::store::{Entry, StoreError};

/// The attributes that any of the readers reads.
const NAMES: [&str; 31] = [
    n::VERSION,
    n::CREATED_AT,
    n::SESSION,
    n::CONTACT,
    n::CONTACTS_MADE,
    n::NAME,
    n::LANGUAGE,
    n::FIELDS,
    n::CONNECTIONS,
    n::RECENT,
    n::OUTBOX,
    n::SPILLED,
    n::OPTED_OUT,
    n::PACE_SINCE,
    n::PACE,
    n::RECIPIENTS,
    n::OTHERWISE,
    n::LEASE_OWNER,
    n::LEASE_UNTIL,
    n::ID,
    n::NEXT,
    n::TEXT,
    n::REPLY_TO,
    n::ATTEMPTS,
    n::UNCERTAIN,
    n::DIRECTION,
    n::STATE,
    n::DETAIL,
    n::RAW,
    n::PROBLEMS,
    n::TTL,
];

/// Texts for attributes: some are valid in an attribute, others are valid in none.
const TEXTS: [&str; 14] = [
    "",
    "in",
    "out",
    "sent",
    "handled",
    "{}",
    "{\"a\":1}",
    "[]",
    "[{\"Contact\":\"a\"}]",
    "C#k#1",
    "C##",
    "en",
    "[[[[[[[[",
    "2026-11-24",
];

const NUMBERS: [&str; 10] =
    ["0", "1", "-1", "1795519533120", "253402300800000", "9223372036854775808", "1e300", "0.5", "", "NaN"];

fn value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        select(&TEXTS[..]).prop_map(|text| AttributeValue::S(text.to_owned())),
        any::<String>().prop_map(AttributeValue::S),
        select(&NUMBERS[..]).prop_map(|number| AttributeValue::N(number.to_owned())),
        any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
        vec(any::<u8>(), 0..40).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
    ];
    leaf.prop_recursive(3, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            btree_map(select(&NAMES[..]), inner, 0..8).prop_map(|map| AttributeValue::M(owned(map))),
        ]
    })
}

fn owned(map: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> HashMap<String, AttributeValue> {
    map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn item() -> impl Strategy<Value = Item> {
    btree_map(select(&NAMES[..]), value(), 0..20).prop_map(owned)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..253_402_207_200_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn connection() -> impl Strategy<Value = ConnectionId> {
    "[!-~]{1,20}".prop_map(|identity| ConnectionId::new("k".parse().unwrap(), identity.parse().unwrap()))
}

fn entry() -> impl Strategy<Value = Entry> {
    let recipient = prop_oneof![
        connection().prop_map(Recipient::Connection),
        "[0-9a-f]{32}".prop_map(|id| Recipient::Contact(id.as_str().into())),
    ];
    let counts = (0..1000_u32, 0..1000_u32, any::<bool>());
    let optional = (proptest::option::of("[0-9a-f]{1,32}"), proptest::option::of(time()));
    (
        "[0-9a-f-]{1,40}",
        any::<String>(),
        time(),
        optional,
        counts,
        vec(recipient, 0..3),
        vec(connection(), 0..3),
    )
        .prop_map(
            |(
                id,
                text,
                created_at,
                (answers, next_attempt),
                (attempts, uncertain, confirms),
                recipients,
                otherwise,
            )| {
                let reply_to = answers.map(|id| id.as_str().into());
                let new = Entry::new(id.as_str().into(), text, reply_to, created_at);
                Entry { attempts, uncertain, next_attempt, confirms, recipients, otherwise, ..new }
            },
        )
}

/// Checks that an error names the item and the attribute.
fn named<T>(read: Result<T, StoreError>) -> Result<(), TestCaseError> {
    match read {
        Ok(_) => Ok(()),
        Err(StoreError::Unreadable { what, problem }) => {
            prop_assert!(!what.is_empty() && problem.starts_with("bad or missing "), "{what}: {problem}");
            Ok(())
        }
        Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

proptest! {
    #[test]
    fn no_item_makes_a_reader_panic(item in item(), now in time()) {
        let connection = ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap());
        named(to_record("item", Some(&item), now))?;
        named(to_contact(&"0123456789abcdef".into(), &item))?;
        named(to_outbox("item", &item))?;
        named(to_entries("item", &item))?;
        named(to_unusable(&connection.backend, "U#1#a", &item))?;
        for sk in ["M#00000000000001#a", "M#", "M#x#a", "", "M#99999999999999999999#a", "O#1#0"] {
            let read = to_row(&connection, sk, &item);
            let unreadable = matches!(read, Err(StoreError::Unreadable { .. }));
            prop_assert!(read.is_ok() || unreadable);
        }
        is_expired(&item, now);
        prop_assert_eq!(sort_key(&item), "");
    }

    #[test]
    fn entries_come_back_as_they_were(entries in vec(entry(), 0..5)) {
        let item = owned([(n::OUTBOX, of_entries(&entries))]);
        prop_assert_eq!(to_entries("item", &item).unwrap(), entries);
    }
}
