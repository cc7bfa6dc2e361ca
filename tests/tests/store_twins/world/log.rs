//! History: rows written and reported in any order.

use threadless::store::{Direction, HistoryRow, State, StatusUpdate};

use super::*;
use crate::calls::Far;

const IN: [State; 2] = [State::Received, State::Handled];
const OUT: [State; 4] = [State::Queued, State::Sent, State::Failed, State::Delivered];

impl World {
    pub(super) async fn write_log(&mut self, call: &Call) -> Result<(), String> {
        let now = self.now;
        match *call {
            Call::Record { who, row, far } => {
                let row = self.row(who, row, far);
                both!(self.twins, store => store.record(&row))
            }
            Call::Report { who, row, far } => {
                let row = self.row(who, row, far);
                if row.direction == Direction::In || row.state == State::Queued {
                    return Ok(());
                }
                let HistoryRow { connection, at, id, state, detail, .. } = row;
                let mut step = StatusUpdate::new(connection, at, id, state);
                step.detail = detail;
                both!(self.twins, store => store.report(&step, now)).map(drop)
            }
            Call::History { who, limit } => {
                let who = &self.people[who].connection;
                both!(self.twins, store => store.history(who, now, limit)).map(drop)
            }
            Call::HistoryFrom { who, row, limit } => {
                let person = &self.people[who];
                let from = from_newest(&person.rows, row).map_or(now, |row| row.at);
                both!(self.twins, store => store.history_from(&person.connection, from, now, limit)).map(drop)
            }
            Call::Rows => {
                let wanted: Vec<_> = self.people.iter().flat_map(Person::row_keys).collect();
                both!(self.twins, store => store.rows(&wanted))?;
                both!(self.twins, store => store.states(&wanted)).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Returns a row of a new message, or a further row of a known message, with the given state.
    fn row(&mut self, who: usize, pick: Pick, far: Far) -> HistoryRow {
        let known = match pick {
            Pick::New => None,
            Pick::Old(back) => from_newest(&self.people[who].rows, back).cloned(),
        };
        let row = known.unwrap_or_else(|| {
            let nth = self.next();
            let row = HistoryRow {
                connection: self.people[who].connection.clone(),
                at: self.now - SignedDuration::from_secs(far.ago),
                id: MessageId::from(format!("row {nth}").as_str()),
                direction: if nth.is_multiple_of(3) { Direction::In } else { Direction::Out },
                state: State::Queued,
                text: format!("text {nth}"),
                in_reply_to: (nth % 3 == 1).then(|| MessageId::from("asked")),
                attempts: 0,
                uncertain: 0,
                detail: None,
            };
            self.people[who].rows.push(row.clone());
            row
        });
        let detail = far.detail.map(|detail| format!("detail {detail}"));
        match row.direction {
            Direction::In => HistoryRow { state: IN[far.step % IN.len()], detail, ..row },
            Direction::Out => {
                let (attempts, uncertain) = (far.attempts, far.uncertain);
                HistoryRow { state: OUT[far.step % OUT.len()], attempts, uncertain, detail, ..row }
            }
        }
    }
}
