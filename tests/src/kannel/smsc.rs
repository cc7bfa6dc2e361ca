//! The operator behind a line of Kannel. It sends the phones' messages to Kannel, and keeps the messages that Kannel
//! sends to phones.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::mo::Mo;
use super::mt::Mt;
use super::receipt::{ReceiptState, receipt};
use super::session;
use crate::smpp::{Address, Body, EsmClass, Pdu, ShortMessage, command_status};

/// The password with which Kannel binds. Its name is that of the line.
pub(super) const PASSWORD: &str = "secret";
/// The time limit for Kannel to bind or to acknowledge a message.
const LIMIT: Duration = Duration::from_mins(1);

/// The operator's answer to a `submit_sm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmitAnswer {
    /// The operator takes the message.
    Accept,
    /// The operator refuses the message with a `command_status` (see [`command_status`]) and does not keep it.
    Refuse(u32),
    /// The operator does not answer and does not keep the message.
    Silence,
}

/// An SMPP server for one line. It serves as long as it lives. Kannel may connect and disconnect.
pub struct FakeSmsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

/// The data that the server and its sessions share.
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) state: watch::Sender<State>,
}

/// The past of the line, and the answers that are planned.
#[derive(Default)]
pub(super) struct State {
    /// The channel to the bound client, with the number of its session.
    pub(super) bound: Option<(usize, mpsc::UnboundedSender<Pdu>)>,
    /// The receivers of the answers to PDUs. They are dropped when the session ends.
    pub(super) waiting: HashMap<u32, oneshot::Sender<u32>>,
    pub(super) mts: Vec<Mt>,
    pub(super) answers: VecDeque<SubmitAnswer>,
    pub(super) receipts: Option<ReceiptState>,
    pub(super) sessions: usize,
    pub(super) down: bool,
    sequence: u32,
}

impl State {
    pub(super) fn next_sequence(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    /// Keeps a message that Kannel sent, and returns it with its new id.
    pub(super) fn keep(&mut self, message: ShortMessage, line: &str) -> Mt {
        let mt = Mt::new(message, line, (self.mts.len() + 1).to_string());
        self.mts.push(mt.clone());
        mt
    }
}

impl FakeSmsc {
    /// Listens on a free port of the loopback for the line with this id.
    pub(super) async fn start(id: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { id: id.into(), state: watch::Sender::default() });
        let serving = tokio::spawn(session::serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, serving })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the smsc-id of its line.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Waits until Kannel is bound.
    ///
    /// # Errors
    /// Kannel is not bound within the limit.
    pub async fn wait_until_bound(&self, limit: Duration) -> Result<()> {
        self.wait(limit, |state| state.bound.is_some())
            .await
            .with_context(|| format!("Kannel is not bound to line {}", self.id()))
    }

    /// Takes the line down: ends the session and every later one, until [`up`](Self::up).
    pub fn down(&self) {
        self.shared.state.send_modify(|state| state.down = true);
    }

    /// Takes the line up again. Kannel tries every second.
    pub fn up(&self) {
        self.shared.state.send_modify(|state| state.down = false);
    }

    /// Gives a message from a phone to Kannel, and waits until Kannel has stored it.
    ///
    /// # Errors
    /// Kannel is not bound, refuses the message, goes away, or does not answer within a minute.
    pub async fn mo(&self, mo: &Mo) -> Result<()> {
        let esm_class = if mo.udh.is_empty() { EsmClass::PLAIN } else { EsmClass::WITH_HEADER };
        self.deliver(ShortMessage {
            source: Address::plain(&mo.from),
            destination: Address::plain(&mo.to),
            esm_class,
            registered_delivery: 0,
            data_coding: mo.coding.data_coding(),
            bytes: [mo.udh.as_slice(), &mo.bytes].concat(),
        })
        .await
    }

    /// Gives a text to Kannel in the form that a phone would choose: see [`Mo::text`].
    ///
    /// # Errors
    /// The same as for [`mo`](Self::mo).
    pub async fn text(&self, from: &str, to: &str, text: &str) -> Result<()> {
        for part in Mo::text(from, to, text) {
            self.mo(&part).await?;
        }
        Ok(())
    }

    /// Sends Kannel the receipt of a message.
    ///
    /// # Errors
    /// The same as for [`mo`](Self::mo).
    pub async fn receipt(&self, mt: &Mt, state: ReceiptState) -> Result<()> {
        self.deliver(receipt(mt, state)).await
    }

    /// Sends this receipt right after the answer to each message for which Kannel wants a receipt. `None` ends that.
    pub fn receipts(&self, state: Option<ReceiptState>) {
        self.shared.state.send_modify(|shared| shared.receipts = state);
    }

    /// Sets the answers to the next messages from Kannel. Later messages are accepted.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = SubmitAnswer>) {
        self.shared.state.send_modify(|state| state.answers.extend(answers));
    }

    /// Returns the messages that were accepted so far, in their order.
    pub fn mts(&self) -> Vec<Mt> {
        self.shared.state.borrow().mts.clone()
    }

    /// Waits until `count` messages (each part counts) or more were accepted, and returns all of them.
    ///
    /// # Errors
    /// The messages do not come within the limit. The error shows those that came.
    pub async fn wait_for_mts(&self, count: usize, limit: Duration) -> Result<Vec<Mt>> {
        let reached = self.wait(limit, |state| state.mts.len() >= count).await;
        let mts = self.mts();
        ensure!(reached.is_ok(), "{} of {count} messages within {limit:?}: {mts:#?}", mts.len());
        Ok(mts)
    }

    async fn wait(&self, limit: Duration, condition: impl Fn(&State) -> bool) -> Result<()> {
        let mut state = self.shared.state.subscribe();
        timeout(limit, state.wait_for(condition)).await??;
        Ok(())
    }

    async fn deliver(&self, message: ShortMessage) -> Result<()> {
        self.wait_until_bound(LIMIT).await?;
        let answer = self.shared.send(Body::DeliverSm(message)).context("Kannel has gone")?;
        let status = timeout(LIMIT, answer).await.context("no answer to deliver_sm")?;
        let status = status.context("Kannel went away before it answered deliver_sm")?;
        ensure!(status == command_status::OK, "Kannel refused the message with status {status:#x}");
        Ok(())
    }
}

impl Shared {
    /// Sends a request to the bound client. The receiver gets the status of the answer, or an error if the session ends
    /// without an answer. Returns `None` if no client is bound.
    pub(super) fn send(&self, body: Body) -> Option<oneshot::Receiver<u32>> {
        let mut receiver = None;
        self.state.send_if_modified(|state| {
            let sequence = state.next_sequence();
            if let Some((_, client)) = &state.bound {
                let (sender, answer) = oneshot::channel();
                let pdu = Pdu { status: command_status::OK, sequence, body };
                if client.send(pdu).is_ok() {
                    state.waiting.insert(sequence, sender);
                    receiver = Some(answer);
                }
            }
            false
        });
        receiver
    }
}

impl Drop for FakeSmsc {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
