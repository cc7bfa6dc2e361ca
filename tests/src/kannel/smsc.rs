//! The operator behind a line of Kannel: phones' messages go in, and what Kannel sends to phones is kept.

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

/// With what Kannel binds; its name is the line's.
pub(super) const PASSWORD: &str = "secret";
/// How long Kannel may take to be bound or to acknowledge a message.
const LIMIT: Duration = Duration::from_mins(1);

/// How the operator answers a `submit_sm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmitAnswer {
    /// It takes the message.
    Accept,
    /// It refuses it with a `command_status` (see [`command_status`]); the message is not kept.
    Refuse(u32),
    /// It says nothing, and does not keep the message.
    Silence,
}

/// An SMPP server for one line. It serves as long as it lives; Kannel may come and go.
pub struct FakeSmsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

/// What the server and its sessions share.
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) state: watch::Sender<State>,
}

/// What has happened on the line and is to happen.
#[derive(Default)]
pub(super) struct State {
    /// The way to the bound client, with the number of its session.
    pub(super) bound: Option<(usize, mpsc::UnboundedSender<Pdu>)>,
    /// Who waits for the answer to which PDU; dropped when the session ends.
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

    /// Keeps a message that Kannel sent, and returns it with the id that it has now.
    pub(super) fn keep(&mut self, message: ShortMessage, line: &str) -> Mt {
        let mt = Mt::new(message, line, (self.mts.len() + 1).to_string());
        self.mts.push(mt.clone());
        mt
    }
}

impl FakeSmsc {
    /// Listens on a free port of the loopback for the line of that id.
    pub(super) async fn start(id: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { id: id.into(), state: watch::Sender::default() });
        let serving = tokio::spawn(session::serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The smsc-id of its line.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Waits until Kannel is bound.
    ///
    /// # Errors
    /// It is not within the limit.
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

    /// Hands a message from a phone to Kannel, and waits until Kannel has it (which is when it is in Kannel's store).
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

    /// Hands over a text as a phone would: see [`Mo::text`].
    ///
    /// # Errors
    /// As for [`mo`](Self::mo).
    pub async fn text(&self, from: &str, to: &str, text: &str) -> Result<()> {
        for part in Mo::text(from, to, text) {
            self.mo(&part).await?;
        }
        Ok(())
    }

    /// Tells Kannel what became of a message.
    ///
    /// # Errors
    /// As for [`mo`](Self::mo).
    pub async fn receipt(&self, mt: &Mt, state: ReceiptState) -> Result<()> {
        self.deliver(receipt(mt, state)).await
    }

    /// From now on, each message for which Kannel wants a receipt gets this one right after its answer; `None` ends
    /// that.
    pub fn receipts(&self, state: Option<ReceiptState>) {
        self.shared.state.send_modify(|shared| shared.receipts = state);
    }

    /// Sets the answers to the next messages from Kannel. What comes after them is accepted.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = SubmitAnswer>) {
        self.shared.state.send_modify(|state| state.answers.extend(answers));
    }

    /// The messages that were accepted so far, in their order.
    pub fn mts(&self) -> Vec<Mt> {
        self.shared.state.borrow().mts.clone()
    }

    /// Waits until `count` messages (parts count singly) or more were accepted, and returns all.
    ///
    /// # Errors
    /// They do not come within the limit; the error shows those that did.
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
    /// Sends a request to the bound client. The receiver gets the answer's status, or an error when the session ends
    /// without one. `None` if no client is bound.
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
