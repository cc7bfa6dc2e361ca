//! The random calls of a history. A call picks its objects by counting back from the newest. So a history still makes
//! sense after proptest has removed some calls.

use proptest::prelude::*;

/// A pick among the existing objects, from the newest: 0 is the newest itself.
pub(crate) type Back = usize;

/// One call, or a wait between calls.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Wait(i64),
    OpenBackend,
    Load { who: usize, message: Pick },
    Commit { who: usize, draft: Draft },
    Burst { who: usize, messages: usize },
    Take { who: usize, seconds: i64, as_whom: Pick },
    Extend { who: usize, lease: Back, seconds: i64 },
    Settle { who: usize, lease: Back, outbox: Back, what: What },
    Withdraw { who: usize, lease: Back, outbox: Back, at: usize, other: bool },
    Refill { who: usize, lease: Back },
    Due { limit: usize },
    Contacts { who: usize },
    Record { who: usize, row: Pick, far: Far },
    Report { who: usize, row: Pick, far: Far },
    History { who: usize, limit: usize },
    HistoryFrom { who: usize, row: Back, limit: usize },
    Rows,
    Unusable { ago: i64 },
    UnusableList { limit: usize },
    Number { who: usize, ago: i64 },
    Numbers { limit: usize },
    Forget { who: usize },
    OpenBroadcast { key: usize, parts: Vec<usize> },
    Broadcast { key: usize },
    Spread { key: usize, part: u32 },
    Postpone { key: usize, seconds: Option<i64> },
    Job { job: usize },
    PutJob { job: usize, seen: Option<Back>, done: bool, state: Option<u8> },
}

/// A new object, or one of the existing ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick {
    New,
    Old(Back),
}

/// A future settlement, with the seconds until the next attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Done,
    Deferred(i64),
    Passed(i64),
}

/// A future commit.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The record on which it is based: loaded for it, or by an earlier load.
    pub(crate) seen: Pick,
    pub(crate) message: Pick,
    pub(crate) session: Option<u8>,
    pub(crate) contact: Change,
    pub(crate) replies: Vec<Reply>,
    pub(crate) lease: Option<i64>,
    pub(crate) opted_out: Option<bool>,
    pub(crate) reply_counted: bool,
}

/// The change of the contact.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Nothing,
    Name(u8),
    Language,
    Field(u8),
    Leave,
    Join(usize),
}

/// A future outbox entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: usize,
    pub(crate) confirms: bool,
    pub(crate) recipients: usize,
    pub(crate) otherwise: usize,
}

/// The state of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Far {
    pub(crate) step: usize,
    pub(crate) attempts: u32,
    pub(crate) uncertain: u32,
    pub(crate) detail: Option<u8>,
    /// The age of a new message, in seconds.
    pub(crate) ago: i64,
}

pub(crate) const PEOPLE: usize = 3;
const DAY: i64 = 86_400_000;

fn who() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)]
}

fn back() -> impl Strategy<Value = Back> + Clone {
    prop_oneof![5 => Just(0_usize), 2 => Just(1_usize), 1 => 2..40_usize]
}

fn pick() -> impl Strategy<Value = Pick> + Clone {
    prop_oneof![2 => Just(Pick::New), 3 => back().prop_map(Pick::Old)]
}

/// Returns a wait in milliseconds. Some waits are just before, at and just after the limits in the program.
fn wait() -> impl Strategy<Value = i64> {
    let edges = prop::sample::select(vec![DAY, 15 * DAY, 16 * DAY, 30 * DAY, 90 * DAY, DAY / 2]);
    prop_oneof![
        2 => 0..1000_i64,
        6 => 1000..60_000_i64,
        2 => 60_000..7_200_000_i64,
        1 => (edges, -2000..2000_i64).prop_map(|(edge, off)| edge + off),
    ]
}

fn seconds() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![4 => 1..90_i64, 1 => 3600..90_000_i64]
}

fn reply() -> impl Strategy<Value = Reply> {
    let bytes = prop_oneof![8 => 1..200_usize, 1 => 20_000..40_000_usize, 1 => Just(70_000_usize)];
    let few = || prop_oneof![6 => Just(0_usize), 1 => 1..4_usize];
    (bytes, prop::bool::weighted(0.1), few(), few())
        .prop_map(|(bytes, confirms, recipients, otherwise)| Reply { bytes, confirms, recipients, otherwise })
}

fn replies() -> impl Strategy<Value = Vec<Reply>> {
    let many = (25..45_usize)
        .prop_map(|count| vec![Reply { bytes: 3, confirms: false, recipients: 0, otherwise: 0 }; count]);
    prop_oneof![9 => prop::collection::vec(reply(), 0..4), 1 => many]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => Just(Change::Nothing),
        2 => (0..9_u8).prop_map(Change::Name),
        1 => Just(Change::Language),
        1 => (0..9_u8).prop_map(Change::Field),
        1 => Just(Change::Leave),
        2 => who().prop_map(Change::Join),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let seen = prop_oneof![3 => Just(Pick::New), 2 => back().prop_map(Pick::Old)];
    let message = prop_oneof![6 => Just(Pick::New), 1 => back().prop_map(Pick::Old)];
    let session = prop::option::of(0..9_u8);
    let lease = prop::option::of(seconds());
    let opted_out = prop::option::weighted(0.2, any::<bool>());
    (seen, message, session, change(), replies(), lease, opted_out, any::<bool>()).prop_map(
        |(seen, message, session, contact, replies, lease, opted_out, reply_counted)| Draft {
            seen,
            message,
            session,
            contact,
            replies,
            lease,
            opted_out,
            reply_counted,
        },
    )
}

fn far() -> impl Strategy<Value = Far> {
    let ago = prop_oneof![3 => Just(0_i64), 1 => 0..40 * 86_400_i64];
    (0..4_usize, 0..4_u32, 0..3_u32, prop::option::of(0..3_u8), ago)
        .prop_map(|(step, attempts, uncertain, detail, ago)| Far { step, attempts, uncertain, detail, ago })
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        4 => Just(What::Done),
        1 => (0..120_i64).prop_map(What::Deferred),
        1 => (0..120_i64).prop_map(What::Passed),
    ]
}

/// Returns one call of delivery, made by the lease holder or by a stranger.
fn delivery() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (who(), seconds(), prop_oneof![9 => Just(Pick::New), 1 => back().prop_map(Pick::Old)])
            .prop_map(|(who, seconds, as_whom)| Call::Take { who, seconds, as_whom }),
        1 => (who(), back(), seconds()).prop_map(|(who, lease, seconds)| Call::Extend { who, lease, seconds }),
        6 => (who(), back(), back(), what())
            .prop_map(|(who, lease, outbox, what)| Call::Settle { who, lease, outbox, what }),
        1 => (who(), back(), back(), 0..5_usize, prop::bool::weighted(0.1)).prop_map(
            |(who, lease, outbox, at, other)| Call::Withdraw { who, lease, outbox, at, other }
        ),
        2 => (who(), back()).prop_map(|(who, lease)| Call::Refill { who, lease }),
        1 => prop_oneof![Just(1000_usize), 1..4_usize].prop_map(|limit| Call::Due { limit }),
    ]
}

fn history() -> impl Strategy<Value = Call> {
    let limit = || prop_oneof![Just(1000_usize), 1..5_usize];
    prop_oneof![
        4 => (who(), pick(), far()).prop_map(|(who, row, far)| Call::Record { who, row, far }),
        4 => (who(), pick(), far()).prop_map(|(who, row, far)| Call::Report { who, row, far }),
        1 => (who(), limit()).prop_map(|(who, limit)| Call::History { who, limit }),
        1 => (who(), back(), limit()).prop_map(|(who, row, limit)| Call::HistoryFrom { who, row, limit }),
        1 => Just(Call::Rows),
    ]
}

fn rest() -> impl Strategy<Value = Call> {
    let limit = || prop_oneof![Just(1000_usize), 1..4_usize];
    let ago = || prop_oneof![Just(0_i64), 0..100 * 86_400_i64];
    prop_oneof![
        Just(Call::OpenBackend),
        who().prop_map(|who| Call::Contacts { who }),
        ago().prop_map(|ago| Call::Unusable { ago }),
        limit().prop_map(|limit| Call::UnusableList { limit }),
        (who(), ago()).prop_map(|(who, ago)| Call::Number { who, ago }),
        limit().prop_map(|limit| Call::Numbers { limit }),
        who().prop_map(|who| Call::Forget { who }),
        (0..2_usize, prop::collection::vec(0..4_usize, 0..4))
            .prop_map(|(key, parts)| Call::OpenBroadcast { key, parts }),
        (0..2_usize).prop_map(|key| Call::Broadcast { key }),
        (0..2_usize, 0..4_u32).prop_map(|(key, part)| Call::Spread { key, part }),
        (0..2_usize, prop::option::of(0..600_i64)).prop_map(|(key, seconds)| Call::Postpone { key, seconds }),
        (0..2_usize).prop_map(|job| Call::Job { job }),
        (0..2_usize, prop::option::of(back()), any::<bool>(), prop::option::of(0..9_u8))
            .prop_map(|(job, seen, done, state)| Call::PutJob { job, seen, done, state }),
    ]
}

/// Returns a whole history.
pub(crate) fn calls(most: usize) -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        8 => wait().prop_map(Call::Wait),
        2 => (who(), pick()).prop_map(|(who, message)| Call::Load { who, message }),
        12 => (who(), draft()).prop_map(|(who, draft)| Call::Commit { who, draft }),
        1 => (who(), 10..40_usize).prop_map(|(who, messages)| Call::Burst { who, messages }),
        16 => delivery(),
        8 => history(),
        8 => rest(),
    ];
    prop::collection::vec(call, 1..most)
}
