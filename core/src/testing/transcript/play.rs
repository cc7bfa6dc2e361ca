//! The player: plays a transcript turn by turn against a stage, which takes messages and sends replies.

use std::collections::VecDeque;

use async_trait::async_trait;
use jiff::Timestamp;

use super::mismatch::{Mismatch, Went};
use super::turn::{Said, StageError, Turn};
use super::{Act, Line, Step, Transcript};
use crate::model::message::{BackendName, ConnectionId};

/// A system that a transcript can be played against: the [`Bench`](crate::testing::Bench), a local stack or a deployed
/// stack.
#[async_trait]
pub trait Stage: Send {
    /// Returns the backend of lines that name none.
    fn default_backend(&self) -> BackendName;

    /// Returns a connection in the form in which [`heard`](Stage::heard) names it. A transcript may write a number in any
    /// form. The default changes nothing.
    fn normal(&self, connection: ConnectionId) -> ConnectionId {
        connection
    }

    /// Receives a message.
    async fn receive(&mut self, from: &ConnectionId, text: &str) -> Result<(), StageError>;

    /// Returns the replies that came since the last call, in order. It waits until no more replies can come. A stage
    /// that cannot know this waits for as many replies as are `expected`, and a little longer.
    async fn heard(&mut self, expected: usize) -> Result<Vec<Said>, StageError>;

    /// Returns the time that the clock shows, or an error if the clock cannot be moved.
    fn now(&self) -> Result<Timestamp, StageError>;

    /// Sets the clock to any time, before the first line. A stage that has already received something does not change
    /// its clock.
    async fn start_clock(&mut self, at: Timestamp) -> Result<(), StageError>;

    /// Sets the clock to a time that is not before [`now`](Stage::now), and runs the scheduled function.
    async fn tick(&mut self, at: Timestamp) -> Result<(), StageError>;

    /// Returns the time at which something is due next, if that is before `to`. A stage that does not know returns
    /// [`now`](Stage::now).
    async fn next_due(&self, to: Timestamp) -> Result<Option<Timestamp>, StageError>;
}

/// Returns the full minute at which the scheduled function finds the due work: after `now`, and not before `due`.
fn minute_of(due: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let minute = |minutes: i64| Timestamp::from_second(minutes.saturating_mul(60)).ok();
    let begun = due.as_second().div_euclid(60);
    let from_due = if minute(begun)? < due { begun + 1 } else { begun };
    minute(from_due.max(now.as_second().div_euclid(60) + 1))
}

impl Transcript {
    /// Plays the transcript. Stops at the first turn that fails.
    ///
    /// `Ok` means that every message was taken, that every reply came in its turn, and that no other reply came.
    pub async fn play(&self, stage: &mut dyn Stage) -> Result<(), Box<Mismatch>> {
        let default = stage.default_backend();
        let mut unstarted = self.steps.iter().find_map(|step| step.at);
        let mut turns = turns(&self.steps);
        // One more turn catches the replies that come after the end of the transcript.
        let last = turns.last().and_then(|turn| turn.replies.last().copied().or(turn.opening));
        turns.push(Turn { opening: last, ends: true, ..Turn::default() });
        for turn in turns {
            let mut went = Went::default();
            went.problem = self.take(&turn, stage, unstarted.take(), &mut went).await.err();
            let normal = |connection| stage.normal(connection);
            if let Some(mismatch) = Mismatch::of(self, &turn, &went, &default, &normal) {
                return Err(Box::new(mismatch));
            }
        }
        Ok(())
    }

    async fn take(
        &self,
        turn: &Turn,
        stage: &mut dyn Stage,
        start: Option<Timestamp>,
        went: &mut Went,
    ) -> Result<(), StageError> {
        if let Some(start) = start {
            stage.start_clock(start).await?;
        }
        let expected = turn.replies.len();
        if let Some(to) = turn.moves_to {
            let mut now = stage.now()?;
            if to < now {
                let words = format!("the clock is already at {now}, and cannot go back");
                return Err(StageError(words));
            }
            while let Some(due) = stage.next_due(to).await? {
                let Some(next) = minute_of(due, now).filter(|next| *next < to) else { break };
                stage.tick(next).await?;
                went.early.extend(stage.heard(0).await?.into_iter().map(|said| (next, said)));
                now = next;
            }
            stage.tick(to).await?;
        } else if let Some(Act::Says(line)) = turn.opening.map(|at| &self.steps[at].act)
            && !turn.ends
        {
            stage.receive(&line.connection(&stage.default_backend()), &line.text).await?;
        }
        went.said = VecDeque::from(stage.heard(expected).await?);
        Ok(())
    }
}

impl Line {
    /// Returns the connection that sends or gets the text.
    pub(super) fn connection(&self, default: &BackendName) -> ConnectionId {
        let backend = self.backend.as_ref().unwrap_or(default);
        ConnectionId::new(backend.clone(), self.number.clone())
    }
}

/// Returns the turns, in order. Each turn refers to its steps by index.
fn turns(steps: &[Step]) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut clock = None;
    for (at, step) in steps.iter().enumerate() {
        if let Some(time) = step.at.filter(|time| clock != Some(*time)) {
            clock = Some(time);
            turns.push(Turn { opening: Some(at), moves_to: Some(time), ..Turn::default() });
        }
        match &step.act {
            Act::Wait => {}
            Act::Says(_) => turns.push(Turn { opening: Some(at), ..Turn::default() }),
            Act::Hears(_) => {
                if let Some(turn) = turns.last_mut() {
                    turn.replies.push(at);
                }
            }
        }
    }
    turns
}
