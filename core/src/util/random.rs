//! Random values that distinguish processes: lease names, ids and jitter.

use std::time::Duration;

use uuid::Uuid;

/// Returns a name that nobody else has.
pub(crate) fn unique_id() -> String {
    uuid().simple().to_string()
}

/// Returns a random time span between zero and `limit`.
pub(crate) fn up_to(limit: Duration) -> Duration {
    let (_, random, ..) = uuid().as_fields();
    limit.mul_f64(f64::from(random) / f64::from(u16::MAX))
}

/// Returns a version 4 UUID. It is the source of all randomness in this crate.
pub(crate) fn uuid() -> Uuid {
    #[cfg(feature = "testing")]
    if let Some(bits) = crate::util::chance::bits() {
        return uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
    }
    Uuid::new_v4()
}
