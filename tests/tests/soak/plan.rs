//! The plan of the faults: one seed decides which process is hit, and when.

use std::time::Duration;

use crate::LEASE;
use crate::chance::Chance;

/// A fault of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// SIGKILL to the stack: all functions, DynamoDB and SQS.
    KillStack,
    /// SIGKILL to smsbox.
    KillSmsbox,
    /// SIGKILL to bearerbox. smsbox ends with it.
    KillBearerbox,
    /// SIGSTOP to the stack for longer than a lease.
    FreezeStack,
}

/// One planned fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The time after the end of the fault before it.
    pub(crate) after: Duration,
    pub(crate) blow: Blow,
    /// The time for which the process is away.
    pub(crate) away: Duration,
}

/// The faults of one round. They come in random order, and then the next round begins.
const BAG: [Blow; 7] = [
    Blow::KillStack,
    Blow::KillStack,
    Blow::KillStack,
    Blow::KillStack,
    Blow::KillSmsbox,
    Blow::KillBearerbox,
    Blow::FreezeStack,
];

/// Returns an endless sequence of faults.
pub(crate) fn plan(seed: u64) -> impl Iterator<Item = Planned> {
    let (mut chance, mut bag) = (Chance::new(seed), Vec::new());
    std::iter::repeat_with(move || {
        if bag.is_empty() {
            bag = BAG.to_vec();
        }
        let blow = bag.swap_remove(chance.below(bag.len()));
        let away = match blow {
            Blow::FreezeStack => LEASE + chance.millis(1000, 4000),
            _ => chance.millis(0, 1500),
        };
        Planned { after: chance.millis(300, 3000), blow, away }
    })
}

#[test]
fn a_seed_decides_the_plan_and_every_kind_of_blow_comes() {
    let first = |seed| plan(seed).take(BAG.len()).collect::<Vec<_>>();
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
    let mut kinds: Vec<Blow> = first(7).into_iter().map(|planned| planned.blow).collect();
    kinds.sort();
    let mut expected = BAG.to_vec();
    expected.sort();
    assert_eq!(kinds, expected);
}
