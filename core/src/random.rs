//! Chance, where it keeps processes apart: lease names and jitter.

use std::time::Duration;

use uuid::Uuid;

/// A name that nobody else has.
pub(crate) fn name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A span between nothing and `limit`.
pub(crate) fn up_to(limit: Duration) -> Duration {
    let (_, random, ..) = Uuid::new_v4().as_fields();
    limit.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
