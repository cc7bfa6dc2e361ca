//! Proofs that every fault that `kannel-check` names is real. A real Kannel runs with the faulty line, and loses or
//! garbles messages. The same Kannel with the corrected line does not. `kannel-check` checks the same configuration
//! that runs.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod inbound;
mod kept;
mod outbound;
mod proof;
mod unreadable;
mod whole;

use std::collections::BTreeSet;

use threadless_local::kannel::check::{Severity, all};

/// The faults that the sidecar's tests show: `tests/tests/kannel_conf/`.
const ELSEWHERE: [&str; 1] = ["direct-https"];

#[test]
fn every_fault_has_its_proof() {
    let mut shown: BTreeSet<&str> = ELSEWHERE.into();
    for family in [inbound::SHOWN, kept::SHOWN, outbound::SHOWN, unreadable::SHOWN, whole::SHOWN] {
        for name in family {
            assert!(shown.insert(name), "{name} is shown twice");
        }
    }
    let checks = all();
    let faults: BTreeSet<&str> =
        checks.iter().filter(|check| check.severity == Severity::Fault).map(|check| check.name).collect();
    assert_eq!(shown, faults);
}
