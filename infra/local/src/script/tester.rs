//! Replies of the message tester, polled like its pages do.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::json;
use threadless::testing::Said;
use threadless::{BackendName, ConnectionId, Identity};

use super::ScriptError;
use super::backends::Engine;
use super::client::Front;

/// The most conversations in one poll.
const AT_ONCE: usize = 60;

/// The conversations that are followed at one tester.
pub(super) struct Tester {
    front: Front,
    name: BackendName,
    /// The conversations, each with the cursor of the last answer.
    conversations: BTreeMap<Identity, Option<String>>,
    seen: HashSet<String>,
    /// The login that the pages show with each call.
    visit: Option<Visit>,
}

struct Visit {
    cookie: String,
    token: String,
}

#[derive(Deserialize)]
struct News {
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    identity: Identity,
    cursor: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    at: i64,
    direction: String,
    state: String,
    text: String,
}

impl Row {
    /// Returns the sort key of a reply: the time, then its message, then its place among the replies to this message.
    fn place(&self) -> (i64, String, u32) {
        let (message, nth) = self.id.rsplit_once('-').unwrap_or((&self.id, "0"));
        (self.at, message.to_owned(), nth.parse().unwrap_or(0))
    }
}

impl Tester {
    /// Follows these numbers. Replies from before do not count.
    pub(super) async fn follow(
        front: &Front,
        name: &BackendName,
        numbers: impl IntoIterator<Item = Identity>,
        password: Option<&str>,
    ) -> Result<Self, ScriptError> {
        let conversations = numbers.into_iter().map(|number| (number, None)).collect();
        let (front, name) = (front.clone(), name.clone());
        let mut tester = Self { front, name, conversations, seen: HashSet::new(), visit: None };
        if let Some(password) = password {
            tester.visit = Some(tester.log_in(password).await?);
        }
        tester.heard().await?;
        Ok(tester)
    }

    /// Returns the replies that came since the last call.
    pub(super) async fn heard(&mut self) -> Result<Vec<Said>, ScriptError> {
        let mut rows: Vec<(Identity, Row)> = Vec::new();
        let all: Vec<_> = self.conversations.iter().map(|(a, b)| (a.clone(), b.clone())).collect();
        for some in all.chunks(AT_ONCE) {
            let asked = some.iter().map(|(number, cursor)| json!({ "identity": number, "cursor": cursor }));
            let news = self.poll(&json!({ "conversations": asked.collect::<Vec<_>>() })).await?;
            for conversation in news.conversations {
                let Conversation { identity, cursor, rows: found } = conversation;
                let arrived =
                    |row: &Row| row.direction == "out" && row.state != "queued" && row.state != "failed";
                for row in found.into_iter().filter(arrived) {
                    if self.seen.insert(row.id.clone()) {
                        rows.push((identity.clone(), row));
                    }
                }
                self.conversations.insert(identity, Some(cursor));
            }
        }
        rows.sort_by_key(|(_, row)| row.place());
        let said = rows.into_iter().map(|(identity, row)| Said {
            to: ConnectionId::new(self.name.clone(), identity),
            text: row.text,
        });
        Ok(said.collect())
    }

    async fn poll(&self, body: &serde_json::Value) -> Result<News, ScriptError> {
        let url = self.front.url(&self.name, Engine::Tester) + "poll.json";
        let mut request =
            self.front.http.post(&url).header("content-type", "application/json").body(body.to_string());
        if let Some(visit) = &self.visit {
            request = request.header("cookie", &visit.cookie).header("x-tester-token", &visit.token);
        }
        let answer = request.send().await.map_err(|problem| ScriptError::of_http(&url, &problem))?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        if !status.is_success() {
            return Err(ScriptError::new(format!("{url} answered {status}: {}", text.trim())));
        }
        serde_json::from_str(&text).map_err(|problem| ScriptError::new(format!("{url}: {problem}")))
    }

    /// Logs in like the form does. The page then has the token that calls must carry.
    async fn log_in(&self, password: &str) -> Result<Visit, ScriptError> {
        let root = self.front.url(&self.name, Engine::Tester);
        let url = format!("{root}login.html");
        let form =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("password", password).finish();
        let request = self.front.http.post(&url).header("content-type", "application/x-www-form-urlencoded");
        let answer =
            request.body(form).send().await.map_err(|problem| ScriptError::of_http(&url, &problem))?;
        let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let cookie = cookie.ok_or_else(|| ScriptError::new(format!("{url} does not accept the password")))?;
        let page = format!("{root}0/");
        let request = self.front.http.get(&page).header("cookie", &cookie).send().await;
        let answer = request.map_err(|problem| ScriptError::of_http(&page, &problem))?;
        let text = answer.text().await.unwrap_or_default();
        let token = text.split_once("data-token=\"").and_then(|(_, rest)| rest.split_once('"'));
        let token = token.map(|(token, _)| token.to_owned());
        let token = token.ok_or_else(|| ScriptError::new(format!("{page} has no token for its calls")))?;
        Ok(Visit { cookie, token })
    }
}
