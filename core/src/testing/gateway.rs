//! A gateway that does as it is told, and the backend that leads to it.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};

use crate::backend::{Backend, Caller, Received, ReportKey, Reported, Reports, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::{BackendName, FinalStatus, Outgoing};

/// What the gateway does with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it and says so.
    Accept,
    /// Refuses it for good.
    Refuse,
    /// Does not take it now.
    Defer,
    /// Takes it, and its answer is lost at once.
    LoseAnswer,
    /// Takes it, and never answers.
    TakeAndHang,
    /// Never answers, and does not take it.
    Hang,
}

/// A gateway that does as it is told. Clones are the same gateway.
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

    /// Has it do these things with the next messages, one each, and then what it always does.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.lock().next.extend(behaviours);
    }

    /// Has it do this from now on. It accepts unless told otherwise.
    pub fn always(&self, behaviour: Behaviour) {
        self.lock().always = Some(behaviour);
    }

    /// Has it do this from now on with what comes by this backend, whatever it does with the rest.
    pub fn always_at(&self, backend: &str, behaviour: Behaviour) {
        self.lock().always_at.insert(backend.to_owned(), behaviour);
    }

    /// The messages that it took, in order.
    pub fn taken(&self) -> Vec<Outgoing> {
        self.lock().taken.clone()
    }

    /// How many messages it took.
    pub(super) fn count(&self) -> usize {
        self.lock().taken.len()
    }

    /// The messages that it took after the first `count`.
    pub(super) fn taken_since(&self, count: usize) -> Vec<Outgoing> {
        self.lock().taken.get(count..).unwrap_or_default().to_vec()
    }

    /// The texts that it took, in order.
    pub fn texts(&self) -> Vec<String> {
        self.lock().taken.iter().map(|message| message.text.clone()).collect()
    }

    /// How often it was asked to take a message.
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    /// Forgets what it took.
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

/// The backend that leads to the gateway. Its requests are `?id=<sender>&text=<text>&mid=<gateway id>`, and its
/// delivery reports `report/?for=<reference>&fate=<delivered, failed or underway>`.
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
        let fate = match given("fate") {
            "delivered" => Some(FinalStatus::Delivered),
            "failed" => Some(FinalStatus::Failed),
            "underway" => None,
            _ => return Err(vec![Fault::new("fate", "is not known")]),
        };
        Ok(Reported {
            reference: reference.ok_or_else(|| vec![Fault::new("for", "is not signed")])?,
            fate,
            detail: fields.get("detail").cloned(),
            reported_at: None,
        })
    }
}

fn fields(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
