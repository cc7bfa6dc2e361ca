//! Randomness from a seed: values that otherwise differ from run to run are then the same in every run.

use std::cell::RefCell;
use std::marker::PhantomData;

type Source = Box<dyn FnMut() -> u128>;

thread_local! {
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// A source of all randomness that this crate uses on the present thread: names of leases, random message ids and
/// jitter. The source counts while this value lives. A simulation on a current-thread runtime sets a source, so that
/// one seed decides everything.
///
/// ```
/// use threadless::MessageId;
/// use threadless::testing::Chance;
///
/// let ids = || {
///     let mut next = 0;
///     let _chance = Chance::from_source(move || {
///         next += 1;
///         next
///     });
///     (MessageId::random(), MessageId::random())
/// };
/// assert_eq!(ids(), ids());
/// assert_ne!(ids().0, ids().1);
/// assert_ne!(MessageId::random(), MessageId::random());
/// ```
#[must_use = "the source counts only as long as this lives"]
pub struct Chance {
    before: Option<Source>,
    /// A marker that keeps this value on its thread.
    here: PhantomData<*const ()>,
}

impl Chance {
    /// Takes all randomness on this thread from `source`, and replaces the source before it.
    pub fn from_source(source: impl FnMut() -> u128 + 'static) -> Self {
        let before = SOURCE.with_borrow_mut(|present| present.replace(Box::new(source)));
        Self { before, here: PhantomData }
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        SOURCE.with_borrow_mut(|present| *present = self.before.take());
    }
}

/// Returns the next random bits from the source of this thread; `None` if it has no source.
pub(crate) fn bits() -> Option<u128> {
    SOURCE.with_borrow_mut(|source| source.as_mut().map(|source| source()))
}
