//! What is found by looking around: history, unusable messages.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::call::Written;
use super::item::{Item, Reader, is_expired, names as n, number, sort_key, text, time, to_row, to_unusable};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::clock::after;
use crate::message::{BackendName, ConnectionId};
use crate::random;
use crate::store::{Direction, Moved, Row, State, Step, Unusable};

impl DynamoStore {
    pub(super) async fn write_row(&self, row: &Row) -> Result<(), StoreError> {
        let (pk, sk) = (keys::of_connection(&row.connection), keys::of_row(row.at, &row.id));
        let direction = match row.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let mut update = Update::new();
        update
            .set(n::DIRECTION, text(direction))
            .set(n::STATE, text(row.state.as_str()))
            .set(n::RANK, number(row.state.rank()))
            .set(n::TEXT, text(&row.text))
            .set(n::TTL, number(Row::placed(row.at).as_second() + Row::KEPT.as_secs()));
        let optional = [
            (n::REPLY_TO, row.in_reply_to.as_ref().map(|id| text(id.as_str()))),
            (n::ATTEMPTS, (row.attempts > 0).then(|| number(row.attempts))),
            (n::UNCERTAIN, (row.uncertain > 0).then(|| number(row.uncertain))),
            (n::DETAIL, row.detail.as_ref().map(text)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                update.set(name, value);
            }
        }
        let (rank, here) = (update.name(n::RANK), update.value(number(row.state.rank())));
        let news = news_at_same_rank(&mut update, row, &format!("{rank} = {here}"));
        update.only_if(format!("(attribute_not_exists({rank}) OR {rank} < {here}{news})")).show_refusal();
        match self.update(&pk, &sk, update, ReturnValue::None).await? {
            Written::Yes(_) => Ok(()),
            Written::No(kept) => self.add_to_row(&pk, &sk, row, &kept).await,
        }
    }

    /// The row is as far already. A report may have taken it there before we wrote what only we know of it.
    async fn add_to_row(&self, pk: &str, sk: &str, row: &Row, kept: &Item) -> Result<(), StoreError> {
        let read = Reader::new(sk, kept);
        let mut update = Update::new();
        if !kept.contains_key(n::TEXT) {
            update.set(n::TEXT, text(&row.text));
            if let Some(id) = &row.in_reply_to {
                update.set(n::REPLY_TO, text(id.as_str()));
            }
        }
        for (name, count) in [(n::ATTEMPTS, row.attempts), (n::UNCERTAIN, row.uncertain)] {
            if read.number(name)?.unwrap_or(0) < count {
                update.set(name, number(count));
                let (name, value) = (update.name(name), update.value(number(count)));
                update.only_if(format!("(attribute_not_exists({name}) OR {name} < {value})"));
            }
        }
        if update.is_empty() {
            return Ok(());
        }
        // Not where it has expired since.
        let rank = update.name(n::RANK);
        update.only_if(format!("attribute_exists({rank})"));
        self.update(pk, sk, update, ReturnValue::None).await.map(drop)
    }

    pub(super) async fn move_row(&self, step: &Step, now: Timestamp) -> Result<Moved, StoreError> {
        if !step.is_kept(now) {
            return Ok(Moved::No);
        }
        let (pk, sk) = (keys::of_connection(&step.connection), keys::of_row(step.at, &step.id));
        let mut update = Update::new();
        update
            .set(n::STATE, text(step.state.as_str()))
            .set(n::RANK, number(step.state.rank()))
            .set(n::REPORTED_AT, time(now))
            .set_once(n::DIRECTION, text("out"))
            .set_once(n::TTL, number(Row::placed(step.at).as_second() + Row::KEPT.as_secs()));
        match &step.detail {
            Some(detail) => update.set(n::DETAIL, text(detail)),
            None => update.remove(&[n::DETAIL]),
        };
        let (rank, here) = (update.name(n::RANK), update.value(number(step.state.rank())));
        update.only_if(format!("(attribute_not_exists({rank}) OR {rank} < {here})")).show_refusal();
        let kept = match self.update(&pk, &sk, update, ReturnValue::None).await? {
            Written::Yes(_) => return Ok(Moved::Forward),
            Written::No(kept) => kept,
        };
        let read = Reader::new(&sk, &kept);
        let same = read.text(n::STATE)? == Some(step.state.as_str());
        let lately = read.time(n::REPORTED_AT)?.is_some_and(|at| after(at, Moved::LATELY) > now);
        Ok(if same && lately { Moved::Again } else { Moved::No })
    }

    pub(super) async fn query_history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let pk = keys::of_connection(connection);
        let items = self.query_led_by(&pk, keys::MESSAGE, false, limit).await?;
        let live = items.iter().filter(|item| !is_expired(item, now));
        live.map(|item| to_row(connection, sort_key(item), item)).collect()
    }

    pub(super) async fn put_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        let pk = keys::of_backend(&unusable.backend);
        let sk = format!("{}{:014}#{}", keys::UNUSABLE, Row::place(unusable.at), random::name());
        let problems = unusable.problems.iter().map(text).collect();
        let mut update = Update::new();
        update
            .set(n::CREATED_AT, time(unusable.at))
            .set(n::RAW, text(&unusable.raw))
            .set(n::PROBLEMS, AttributeValue::L(problems))
            .set(n::TTL, number(unusable.at.as_second() + Unusable::KEPT.as_secs()));
        self.update(&pk, &sk, update, ReturnValue::None).await.map(drop)
    }

    pub(super) async fn query_unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        let pk = keys::of_backend(backend);
        let items = self.query_led_by(&pk, keys::UNUSABLE, false, limit).await?;
        let live = items.iter().filter(|item| !is_expired(item, now));
        live.map(|item| to_unusable(backend, sort_key(item), item)).collect()
    }
}

/// When a row that is as far as the stored one replaces it all the same: where it has more doubt, or, while the message
/// waits, as much doubt and more attempts.
fn news_at_same_rank(update: &mut Update, row: &Row, same_rank: &str) -> String {
    let mut news = Vec::new();
    let doubt = (row.uncertain > 0).then(|| (update.name(n::UNCERTAIN), update.value(number(row.uncertain))));
    if let Some((uncertain, count)) = &doubt {
        news.push(format!(
            " OR ({same_rank} AND (attribute_not_exists({uncertain}) OR {uncertain} < {count}))"
        ));
    }
    if row.state == State::Queued && row.attempts > 0 {
        let as_doubtful = match doubt {
            Some((uncertain, count)) => format!("{uncertain} = {count}"),
            None => format!("attribute_not_exists({})", update.name(n::UNCERTAIN)),
        };
        let (attempts, count) = (update.name(n::ATTEMPTS), update.value(number(row.attempts)));
        let fewer = format!("(attribute_not_exists({attempts}) OR {attempts} < {count})");
        news.push(format!(" OR ({same_rank} AND {as_doubtful} AND {fewer})"));
    }
    news.concat()
}
