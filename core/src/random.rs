//! Chance, where it keeps processes apart: lease names and jitter.

use std::time::Duration;

use uuid::Uuid;

/// A name that nobody else has.
pub(crate) fn name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A span between nothing and `limit`.
pub(crate) fn up_to(limit: Duration) -> Duration {
    let fraction = Uuid::new_v4().as_u128() as u32;
    limit.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
}
