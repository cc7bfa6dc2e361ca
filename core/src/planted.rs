//! Planted faults: small changes of this crate behind switches. They prove that the simulation finds such faults.
//!
//! Without the feature `planted`, a switch is a constant and compiles to nothing. With the feature, a switch is on for
//! as long as a [`Planted`] lives, and only on its thread.

/// Declares the plants, each with a description of its fault.
macro_rules! plants {
    ($($name:ident: $what:literal,)*) => {
        /// A fault that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(not(feature = "planted"), allow(dead_code, unreachable_pub))]
        pub enum Plant {
            $(#[doc = $what] $name,)*
        }

        #[cfg(feature = "planted")]
        impl Plant {
            /// All plants, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the name of the plant.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Returns the description of the fault.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }
        }
    };
}

plants! {
    CommitWithoutFence: "A commit does not notice that someone took the lease and gave it back, and uses the outbox as it was read.",
    TakeoverByOwnerAlone: "A commit takes over a lease that its holder has extended since.",
    CommitWithoutVersion: "A commit overwrites what another one wrote since.",
    CommitWithoutOwner: "A commit does not notice that someone else holds the lease now.",
    IdForgotten: "A commit does not remember the id of its message.",
    DuplicateHandled: "A message that was committed before is handled again.",
    TakenWhileHeld: "The sweep's delivery takes a lease that someone holds.",
    LeaseMistaken: "A process that finds its message committed takes the lease of another process for its own.",
    OptOutForgotten: "A commit loses the mark that a person has opted out.",
    OptOutUnseen: "A sender does not check whether the person has opted out in the meantime.",
    NoticeInSpiteOfStop: "A message that nobody asked for is queued for a person who has opted out.",
    ConfirmationHeldBack: "The confirmation of STOP is not marked as one.",
    StartIgnored: "START does not bring messages back.",
    RepliesReversed: "The replies to a message are queued in the wrong order.",
    ReplyDropped: "The last of several replies is not queued.",
    OutcomeKept: "The phases do not run again although the connection changed.",
    ContactUnchecked: "A commit overwrites a contact that changed since.",
    DoubtForgottenAtCommit: "A commit that takes over a lease does not count the doubt.",
    DoubtForgottenAtTake: "The sweep's delivery takes over a lease and does not count the doubt.",
    DoubtEndedTooSoon: "A message in doubt counts as sent although no report says so.",
    DoubtNotCounted: "A send without an answer is not counted as doubt.",
    LostAnswerIsSuccess: "A send without an answer counts as done.",
    DeferredIsSuccess: "A message that the gateway does not take now counts as sent.",
    SettleSkipped: "The result of a send is not recorded.",
    SettleByPosition: "A settlement removes the head without a check of which message it is.",
    SettleWithoutLease: "A settlement does not check who holds the lease.",
    LostLeaseIgnored: "A sender goes on although another process holds the lease.",
    LeaseNotExtended: "A lease is never extended.",
    LeaseTooShort: "A lease does not last as long as a send.",
    LeaseKept: "The lease is not given back with the last message.",
    HeadOvertaken: "The message behind a head that must wait is sent first.",
    PieceDropped: "A piece of an outbox that moved in loses its last message.",
    PiecesSwapped: "The newest piece of an outbox moves in first.",
    PieceOvertaken: "A reply goes into the record although earlier replies wait in pieces beside it.",
    RecipientDropped: "The last of several recipients is left out.",
    WithdrawnByPosition: "An entry for other recipients leaves the outbox by its position, without a check of which entry it is.",
    SendingForgotten: "An entry for other recipients leaves the outbox although the queue did not accept its notices.",
    NoticeRandom: "A message to others has another id each time.",
    AnsweredTooSoon: "A message counts as accepted although the queue did not accept it.",
    StoreErrorSwallowed: "A message counts as accepted although the store failed.",
    GatewayIdIgnored: "Each delivery of a message is a message of its own.",
    JobDropped: "A job that failed counts as done.",
    GroupGoesOn: "The jobs behind a failed job of a group are done before it.",
    GroupBackwards: "The jobs of a group are done from the last to the first.",
    SweepForgetsBroadcasts: "The sweep leaves out broadcasts.",
    SweepForgetsLeases: "The sweep leaves out outboxes whose holder died.",
    StartedBeforeQueued: "A scheduled job counts as started before it is on the queue.",
    JobDoneTwice: "A scheduled job does not look whether it was done.",
    JobUnchecked: "The record of a scheduled job overwrites what another run wrote.",
    JobDoneBeforeSent: "A scheduled job counts as done before its messages are kept.",
    PartDoneBeforeFanOut: "A part of a broadcast counts as fanned out before it is.",
    BroadcastUnchecked: "A broadcast is opened again under its key.",
    RowMovedBack: "A report moves a row back.",
    RowOverwritten: "A row of history is overwritten by an earlier state.",
    DoubtOverwritten: "The doubt in a row of history is overwritten by a lower one.",
    ReportToldOnce: "A repeated report is not passed on to the apps, although the first one never was.",
    ReportWithoutFinalStatus: "Two reports with different final statuses of one message have the same id, so the apps get only one of them.",
    ReportUnheard: "A report counts as accepted although the store failed.",
    FailureUntold: "A failed message leaves the outbox although its report to the apps is not on the queue.",
}

/// Returns whether this fault is planted on the present thread.
#[cfg(feature = "planted")]
pub(crate) fn is(plant: Plant) -> bool {
    switch::present() == Some(plant)
}

/// Returns whether this fault is planted. Without the feature it never is.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_plant: Plant) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use switch::Planted;

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;
    use std::marker::PhantomData;

    use super::Plant;

    thread_local! {
        static PRESENT: Cell<Option<Plant>> = const { Cell::new(None) };
    }

    pub(super) fn present() -> Option<Plant> {
        PRESENT.get()
    }

    /// A fault that is planted on this thread for as long as this value lives.
    #[must_use = "the fault is there only as long as this lives"]
    pub struct Planted {
        before: Option<Plant>,
        /// A marker that keeps the value on its thread.
        here: PhantomData<*const ()>,
    }

    impl Planted {
        /// Plants a fault, in place of the fault that was planted before.
        pub fn new(plant: Plant) -> Self {
            Self { before: PRESENT.replace(Some(plant)), here: PhantomData }
        }
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            PRESENT.set(self.before);
        }
    }
}
