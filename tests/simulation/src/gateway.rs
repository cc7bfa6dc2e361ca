//! The gateway: the backend that calls it, and its delivery reports.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use threadless::backend::{
    Backend, Caller, Fault, Received, ReportKey, Reported, Reports, SendOutcome, Transport,
};
use threadless::{BackendName, FinalStatus, InvalidName, Outgoing};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use crate::plan::{Answer, Call, Fault as Wrong, Manner, ReportOf, ReportedStatus};
use crate::port::Port;

/// The time-out of a send.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The planned behaviour of the gateways for their next messages, by backend.
pub(crate) type Scripts = BTreeMap<BackendName, VecDeque<Manner>>;

/// A report that the gateway has to make.
pub(crate) struct ReportDue {
    pub(crate) backend: BackendName,
    pub(crate) reference: String,
    pub(crate) report: ReportOf,
}

/// The backend of one environment.
pub(crate) struct SimBackend {
    pub(crate) port: Port,
    pub(crate) reports: UnboundedSender<ReportDue>,
}

impl SimBackend {
    /// Gives a message to the gateway, which acts as its script says.
    async fn meet(&self, message: &Outgoing, limit: Duration) -> SendOutcome {
        let (port, world) = (&self.port, &self.port.world);
        let backend = &message.connection.backend;
        let manner = world.lock().scripts.get_mut(backend).and_then(VecDeque::pop_front);
        let manner = manner.unwrap_or(Manner { answer: Answer::Accept, report: None });
        port.log(|| format!("send {:?}: {:?}", message.text, manner.answer));
        let take = || {
            port.saw_at_gateway(message, true);
            self.report(message, manner);
        };
        let detail = String::from("as the gateway says");
        let hang = async || {
            let _ = timeout(limit, pending::<()>()).await;
            SendOutcome::Uncertain { detail: detail.clone() }
        };
        match manner.answer {
            Answer::Accept => take(),
            Answer::Refuse => {
                port.saw_at_gateway(message, false);
                return SendOutcome::Refused { detail };
            }
            Answer::Defer => return SendOutcome::Deferred { detail },
            Answer::Lose => {
                take();
                return SendOutcome::Uncertain { detail };
            }
            Answer::TakeAndHang => {
                take();
                return hang().await;
            }
            Answer::Hang => return hang().await,
            Answer::Slow(ms) => {
                take();
                let ms = Duration::from_millis(u64::from(ms));
                if ms > limit {
                    return hang().await;
                }
                sleep(ms).await;
            }
            Answer::TakeLate(ms) => {
                let (late_port, late) = (port.clone(), message.clone());
                let late = tokio::spawn(async move {
                    sleep(Duration::from_millis(u64::from(ms))).await;
                    late_port.log(|| format!("{:?} is taken late", late.text));
                    late_port.saw_at_gateway(&late, true);
                });
                if timeout(limit, late).await.is_err() {
                    return SendOutcome::Uncertain { detail };
                }
                self.report(message, manner);
            }
        }
        SendOutcome::Accepted { detail }
    }

    fn report(&self, message: &Outgoing, manner: Manner) {
        if let Some(report) = manner.report.filter(|_| self.port.world.shape.reports) {
            let reference = ReportKey::new(None).sign(message);
            self.port.world.lock().busy += 1;
            let due = ReportDue { backend: message.connection.backend.clone(), reference, report };
            let _ = self.reports.send(due);
        }
    }
}

impl Backend for SimBackend {
    fn methods(&self) -> &[Method] {
        &[Method::GET]
    }

    fn authenticate(&self, _: &Request<Bytes>) -> Caller {
        Caller::Anyone
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        let mut fields = fields(request);
        let identity = fields.remove("id").unwrap_or_default().parse();
        let identity =
            identity.map_err(|problem: InvalidName| vec![Fault::new("id", problem.to_string())])?;
        let mut received = Received::new(identity, fields.remove("text").unwrap_or_default());
        received.gateway_id = fields.remove("mid");
        Ok(received)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }

    fn send_timeout(&self) -> Duration {
        SEND_TIMEOUT
    }

    async fn send(&self, message: &Outgoing, _: &dyn Transport, limit: Duration) -> SendOutcome {
        let port = &self.port;
        port.sees_sending(message, limit).await;
        if let Some(turns) = &port.world.turns {
            turns.wait(port, Call::Send).await;
            return self.meet(message, limit).await;
        }
        let fault = port.fault(Call::Send);
        sleep(port.world.span(1, 12)).await;
        port.before(fault).await;
        if matches!(fault, Some(Wrong::ErrorBefore | Wrong::Throttle(_))) {
            return SendOutcome::Deferred { detail: "not reached".to_owned() };
        }
        let outcome = self.meet(message, limit).await;
        port.after(fault).await;
        if fault == Some(Wrong::ErrorAfter) {
            return SendOutcome::Uncertain { detail: "the connection broke".to_owned() };
        }
        sleep(port.world.span(1, 8)).await;
        port.awake().await;
        outcome
    }
}

impl Reports for SimBackend {
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
        let mut fields = fields(request);
        let reference = ReportKey::new(None).open(backend, &fields.remove("for").unwrap_or_default());
        let final_status = match fields.remove("status").as_deref() {
            Some("delivered") => Some(FinalStatus::Delivered),
            Some("failed") => Some(FinalStatus::Failed),
            _ => None,
        };
        Ok(Reported::new(reference.ok_or_else(|| vec![Fault::new("for", "is not signed")])?, final_status))
    }
}

/// Returns the paths at which a report arrives, each with the milliseconds to wait before it.
pub(crate) fn report_calls(due: &ReportDue) -> Vec<(u64, String)> {
    let path = |status: &str| format!("/sim/{}/report/?for={}&status={status}", due.backend, due.reference);
    let statuses = match due.report.status {
        ReportedStatus::Delivered => vec!["delivered"],
        ReportedStatus::Failed => vec!["failed"],
        ReportedStatus::FailedThenDelivered => vec!["failed", "delivered"],
        ReportedStatus::DeliveredThenUnderway => vec!["delivered", "underway"],
    };
    let times = statuses.into_iter().flat_map(|status| (0..due.report.times).map(move |_| status));
    times
        .enumerate()
        .map(|(at, status)| (if at == 0 { u64::from(due.report.delay) } else { 300 }, path(status)))
        .collect()
}

fn fields(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
