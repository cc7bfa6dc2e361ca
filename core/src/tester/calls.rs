//! The calls of the page, with JSON in both directions. All calls are POST requests, so one check of the origin and of
//! the token guards every call.

use std::collections::BTreeSet;
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::poll::{CONVERSATIONS, Poll, Shown, news};
use super::{Tester, answers, take};
use crate::endpoint::MAX_BODY;
use crate::model::message::{ConnectionId, Identity};
use crate::store::StoreError;
use crate::util::clock::Deadline;

/// The header for the token that a page received for its calls.
const TOKEN: &str = "x-tester-token";

/// The maximum size of the body of a call, in bytes.
const LARGEST: usize = 1 << 20;

/// The maximum number of messages in one call.
const MESSAGES: usize = 50;

/// The time that must remain before a call starts with the next message, or clears the next conversation.
const RESERVE: Duration = Duration::from_secs(12);

/// The limits of the log: the number of numbers, the number of rows for each number, and the number of rows in total.
const LOG: (usize, usize, usize) = (60, 100, 500);

/// Answers a call.
pub(super) async fn serve(
    tester: &Tester<'_>,
    call: &str,
    request: &Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    if let Some(login) = tester.login() {
        let token = request.headers().get(TOKEN).and_then(|token| token.to_str().ok()).unwrap_or_default();
        if tester.visitor == super::Visitor::Nobody {
            return answers::error(StatusCode::UNAUTHORIZED, "Log in again.");
        }
        if !tester.visitor.has_token(&login, token) {
            return answers::error(StatusCode::FORBIDDEN, "This page is out of date. Load it again.");
        }
    }
    if request.body().len() > LARGEST {
        return answers::error(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.");
    }
    let answered = match call {
        "poll.json" => poll(tester, request).await,
        "send.json" => send(tester, request, deadline).await,
        "clear.json" => clear(tester, request, deadline).await,
        _ => log(tester).await,
    };
    answered.unwrap_or_else(|refusal| *refusal)
}

type Answered = Result<Response<Bytes>, Box<Response<Bytes>>>;

fn read<'r, T: Deserialize<'r>>(request: &'r Request<Bytes>) -> Result<T, Box<Response<Bytes>>> {
    serde_json::from_slice(request.body())
        .map_err(|problem| Box::new(answers::error(StatusCode::BAD_REQUEST, problem.to_string())))
}

fn refused(problem: impl Into<String>) -> Box<Response<Bytes>> {
    Box::new(answers::error(StatusCode::BAD_REQUEST, problem))
}

/// Returns the answer if the store failed.
fn failed(problem: &StoreError) -> Box<Response<Bytes>> {
    tracing::error!(outcome = "not_answered", error = %problem, "tester");
    Box::new(answers::error(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer. Try again."))
}

async fn poll(tester: &Tester<'_>, request: &Request<Bytes>) -> Answered {
    let poll: Poll = read(request)?;
    if poll.conversations.len() > CONVERSATIONS {
        return Err(refused(format!("One page can follow at most {CONVERSATIONS} conversations.")));
    }
    let news = news(tester, poll).await.map_err(|problem| failed(&problem))?;
    Ok(answers::json(StatusCode::OK, &news))
}

#[derive(Deserialize)]
struct Send {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    identity: Identity,
    text: String,
    /// The page's own name for the message. A message that the page sends again with the same name is the same message.
    id: Option<String>,
}

#[derive(Serialize)]
struct SendAnswer {
    /// The number of messages that were accepted, from the first on. The page must send the rest again.
    taken: usize,
    /// The ids of the accepted messages in the history.
    ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Accepts messages one after the other, so that they stay in order.
async fn send(tester: &Tester<'_>, request: &Request<Bytes>, deadline: Deadline) -> Answered {
    let Send { messages } = read(request)?;
    if messages.len() > MESSAGES {
        return Err(refused(format!("One call can send at most {MESSAGES} messages.")));
    }
    if messages.iter().any(|message| message.text.len() > MAX_BODY) {
        return Err(refused(format!("A message can have at most {MAX_BODY} bytes.")));
    }
    let (mut ids, mut used, mut error) = (Vec::new(), BTreeSet::new(), None);
    for Message { identity, text, id } in messages {
        if !ids.is_empty() && deadline.remaining() < RESERVE {
            break;
        }
        let received = take::received(identity.clone(), text, id.filter(|id| !id.is_empty()));
        match take::one(tester, received, deadline).await {
            Ok(id) => ids.push(id.as_str().to_owned()),
            Err(problem) => {
                tracing::error!(outcome = "not_stored", error = %problem, "tester");
                error = Some("The message was not stored. Send it again.");
                break;
            }
        }
        used.insert(identity);
    }
    take::note(tester, used).await;
    let status = if error.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok(answers::json(status, &SendAnswer { taken: ids.len(), ids, error }))
}

/// The body of `clear.json`: one identity, or `null` for all identities.
#[derive(Deserialize)]
struct Clear {
    identity: Option<Identity>,
}

#[derive(Serialize)]
struct Cleared {
    /// The number of conversations that are still to clear. The page must call again if it is not 0.
    left: usize,
}

/// Deletes one conversation, or all conversations in the list.
async fn clear(tester: &Tester<'_>, request: &Request<Bytes>, deadline: Deadline) -> Answered {
    let Clear { identity } = read(request)?;
    let ports = &tester.project.ports;
    let identities: Vec<Identity> = if let Some(identity) = identity {
        vec![identity]
    } else {
        let numbers = ports.store.numbers(&tester.name, ports.clock.now(), usize::MAX).await;
        let numbers = numbers.map_err(|problem| failed(&problem))?;
        numbers.into_iter().map(|number| number.identity).collect()
    };
    let mut left = identities.len();
    for identity in identities {
        if deadline.remaining() < RESERVE {
            break;
        }
        let connection = tester.connection(&identity);
        ports.store.forget(&connection).await.map_err(|problem| failed(&problem))?;
        left -= 1;
    }
    Ok(answers::json(StatusCode::OK, &Cleared { left }))
}

#[derive(Serialize)]
struct Log {
    /// The rows, the newest first.
    rows: Vec<LogRow>,
    /// Whether there are older rows or other numbers.
    more: bool,
}

#[derive(Serialize)]
struct LogRow {
    identity: Identity,
    #[serde(flatten)]
    row: Shown,
}

/// Returns the messages from and to all numbers, the newest first.
async fn log(tester: &Tester<'_>) -> Answered {
    let ports = &tester.project.ports;
    let (most_numbers, most_of_one, most) = LOG;
    let now = ports.clock.now();
    let found = async {
        let numbers = ports.store.numbers(&tester.name, now, most_numbers).await?;
        let histories = numbers.iter().map(|number| async {
            let connection = ConnectionId::new(tester.name.clone(), number.identity.clone());
            let rows = ports.store.history(&connection, now, most_of_one).await?;
            Ok::<_, StoreError>((number.identity.clone(), rows))
        });
        Ok::<_, StoreError>((numbers.len(), try_join_all(histories).await?))
    };
    let (numbers, histories) = found.await.map_err(|problem| failed(&problem))?;
    let mut more = numbers == most_numbers || histories.iter().any(|(_, rows)| rows.len() == most_of_one);
    let of_one = |(identity, rows): (Identity, Vec<crate::store::HistoryRow>)| {
        rows.into_iter().map(move |row| LogRow { identity: identity.clone(), row: row.into() })
    };
    let mut rows: Vec<LogRow> = histories.into_iter().flat_map(of_one).collect();
    rows.sort_by(|a, b| (b.row.at, &b.row.id).cmp(&(a.row.at, &a.row.id)));
    more |= rows.len() > most;
    rows.truncate(most);
    Ok(answers::json(StatusCode::OK, &Log { rows, more }))
}
