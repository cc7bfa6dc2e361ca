//! A gateway with scripted behaviour, and the backend that leads to it.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};

use crate::backend::{Backend, Caller, Received, ReportKey, Reported, Reports, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::{BackendName, FinalStatus, Outgoing};

/// The behaviour of the gateway for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// The gateway takes the message and says so.
    Accept,
    /// The gateway refuses the message for good.
    Refuse,
    /// The gateway does not take the message now.
    Defer,
    /// The gateway takes the message, and its answer is lost at once.
    LoseAnswer,
    /// The gateway takes the message and never answers.
    TakeAndHang,
    /// The gateway does not take the message and never answers.
    Hang,
}

/// A gateway with scripted behaviour. Clones are the same gateway.
#[derive(Clone, Default)]
pub struct TestGateway(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    always: Option<Behaviour>,
    always_at: BTreeMap<String, Behaviour>,
    next: VecDeque<Behaviour>,
    taken: Vec<Outgoing>,
    asked: usize,
}

impl TestGateway {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the behaviours for the next messages, one each. After them, the usual behaviour applies.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.lock().next.extend(behaviours);
    }

    /// Sets the usual behaviour. Without it, the gateway accepts every message.
    pub fn always(&self, behaviour: Behaviour) {
        self.lock().always = Some(behaviour);
    }

    /// Sets the usual behaviour for the messages of one backend. It replaces [`TestGateway::always`] for this backend.
    pub fn always_at(&self, backend: &str, behaviour: Behaviour) {
        self.lock().always_at.insert(backend.to_owned(), behaviour);
    }

    /// Returns the messages that the gateway took, in order.
    pub fn taken(&self) -> Vec<Outgoing> {
        self.lock().taken.clone()
    }

    /// Returns how many messages the gateway took.
    pub(super) fn count(&self) -> usize {
        self.lock().taken.len()
    }

    /// Returns the messages that the gateway took after the first `count`.
    pub(super) fn taken_since(&self, count: usize) -> Vec<Outgoing> {
        self.lock().taken.get(count..).unwrap_or_default().to_vec()
    }

    /// Returns the texts that the gateway took, in order.
    pub fn texts(&self) -> Vec<String> {
        self.lock().taken.iter().map(|message| message.text.clone()).collect()
    }

    /// Returns how often the gateway was asked to take a message.
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    /// Resets the gateway: it forgets the messages that it took, their count, and all behaviours.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    fn meet(&self, message: &Outgoing) -> Behaviour {
        let mut state = self.lock();
        state.asked += 1;
        let next = state.next.pop_front();
        let at_backend = state.always_at.get(message.connection.backend.as_str());
        let always = at_backend.or(state.always.as_ref()).cloned().unwrap_or(Behaviour::Accept);
        let behaviour = next.unwrap_or(always);
        if matches!(behaviour, Behaviour::Accept | Behaviour::LoseAnswer | Behaviour::TakeAndHang) {
            state.taken.push(message.clone());
        }
        behaviour
    }
}

/// A backend that leads to the test gateway. Its requests have the query `?id=<sender>&text=<text>&mid=<gateway id>`.
/// Its delivery reports are `report/?for=<reference>&status=<delivered, failed or underway>`.
pub(in crate::testing) struct TestBackend(pub(in crate::testing) TestGateway);

impl Backend for TestBackend {
    fn methods(&self) -> &[Method] {
        &[Method::GET]
    }

    fn authenticate(&self, _request: &Request<Bytes>) -> Caller {
        Caller::Anyone
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        let fields = fields(request);
        let given = |name: &str| fields.get(name).cloned();
        let identity = given("id").unwrap_or_default().parse();
        Ok(Received {
            identity: identity
                .map_err(|problem: crate::InvalidName| vec![Fault::new("id", problem.to_string())])?,
            text: given("text").ok_or_else(|| vec![Fault::new("text", "is missing")])?,
            gateway_id: given("mid"),
            received_at: None,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        })
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn send(&self, message: &Outgoing, _: &dyn Transport, limit: Duration) -> SendOutcome {
        let detail = String::new();
        match self.0.meet(message) {
            Behaviour::Accept => SendOutcome::Accepted { detail },
            Behaviour::Refuse => SendOutcome::Refused { detail },
            Behaviour::Defer => SendOutcome::Deferred { detail },
            Behaviour::LoseAnswer => SendOutcome::Uncertain { detail },
            Behaviour::TakeAndHang | Behaviour::Hang => {
                let _ = tokio::time::timeout(limit, pending::<()>()).await;
                SendOutcome::Uncertain { detail }
            }
        }
    }
}

impl Reports for TestBackend {
    fn path(&self) -> &'static str {
        "report"
    }

    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        let reference = fields(request).remove("for").unwrap_or_default();
        match ReportKey::new(None).open(backend, &reference) {
            Some(_) => Caller::Gateway,
            None => Caller::WrongCredentials,
        }
    }

    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
        let fields = fields(request);
        let given = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let reference = ReportKey::new(None).open(backend, given("for"));
        let final_status = match given("status") {
            "delivered" => Some(FinalStatus::Delivered),
            "failed" => Some(FinalStatus::Failed),
            "underway" => None,
            _ => return Err(vec![Fault::new("status", "is not known")]),
        };
        Ok(Reported {
            reference: reference.ok_or_else(|| vec![Fault::new("for", "is not signed")])?,
            final_status,
            detail: fields.get("detail").cloned(),
            reported_at: None,
        })
    }
}

fn fields(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
