//! The SMPP sessions of an operator. Kannel binds, and from then on both sides send.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use super::receipt::receipt;
use super::smsc::{PASSWORD, Shared, SubmitAnswer};
use crate::smpp::{Body, Pdu, ShortMessage, command_status, read_pdu};

/// Serves every client that connects, until this is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        sessions.spawn(session(stream, Arc::clone(&shared)));
    }
}

async fn session(stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let mut session = Session::new(shared);
    let mut state = session.shared.state.subscribe();
    let (from, to) = stream.into_split();
    let (client, outgoing) = mpsc::unbounded_channel();
    tokio::select! {
        // An error of either side means that the client went away or does not speak SMPP.
        _ = session.read(BufReader::new(from), client) => {}
        _ = write(to, outgoing) => {}
        _ = state.wait_for(|state| state.down) => {}
    }
}

async fn write(mut to: OwnedWriteHalf, mut outgoing: UnboundedReceiver<Pdu>) -> io::Result<()> {
    while let Some(pdu) = outgoing.recv().await {
        to.write_all(&pdu.encode().map_err(io::Error::other)?).await?;
    }
    Ok(())
}

struct Session {
    number: usize,
    shared: Arc<Shared>,
}

impl Session {
    fn new(shared: Arc<Shared>) -> Self {
        let mut number = 0;
        shared.state.send_modify(|state| {
            state.sessions += 1;
            number = state.sessions;
        });
        Self { number, shared }
    }

    async fn read(
        &mut self,
        mut from: BufReader<OwnedReadHalf>,
        client: UnboundedSender<Pdu>,
    ) -> io::Result<()> {
        while let Some(pdu) = read_pdu(&mut from).await? {
            let sequence = pdu.sequence;
            let answer = |status, body| client.send(Pdu { status, sequence, body }).ok();
            match pdu.body {
                Body::BindTransceiver { system_id, password } => {
                    let known = system_id == self.shared.id && password == PASSWORD;
                    let status = if known { command_status::OK } else { command_status::INVALID_PASSWORD };
                    answer(status, Body::BindTransceiverResp { system_id });
                    if known {
                        let bound = Some((self.number, client.clone()));
                        self.shared.state.send_modify(|state| state.bound = bound);
                    }
                }
                Body::SubmitSm(message) => self.submitted(message, answer),
                Body::EnquireLink => drop(answer(command_status::OK, Body::EnquireLinkResp)),
                Body::Unbind => drop(answer(command_status::OK, Body::UnbindResp)),
                body if body.is_answer() => self.answered(sequence, pdu.status),
                _ => drop(answer(command_status::INVALID_COMMAND, Body::GenericNack)),
            }
        }
        Ok(())
    }

    fn submitted(&self, message: ShortMessage, answer: impl Fn(u32, Body) -> Option<()>) {
        let mut receipts = None;
        self.shared.state.send_modify(|state| match state.answers.pop_front() {
            None | Some(SubmitAnswer::Accept) => {
                let mt = state.keep(message, &self.shared.id);
                answer(command_status::OK, Body::SubmitSmResp { message_id: mt.message_id.clone() });
                receipts = state.receipts.filter(|_| mt.receipt_wanted).map(|state| receipt(&mt, state));
            }
            Some(SubmitAnswer::Refuse(status)) => {
                answer(status, Body::SubmitSmResp { message_id: String::new() });
            }
            Some(SubmitAnswer::Silence) => {}
        });
        if let Some(receipt) = receipts {
            // Nobody needs Kannel's acknowledgement of a receipt.
            drop(self.shared.send(Body::DeliverSm(receipt)));
        }
    }

    fn answered(&self, sequence: u32, status: u32) {
        self.shared.state.send_if_modified(|state| {
            if let Some(waiting) = state.waiting.remove(&sequence) {
                waiting.send(status).ok();
            }
            false
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.state.send_modify(|state| {
            if state.bound.as_ref().is_some_and(|(number, _)| *number == self.number) {
                state.bound = None;
                state.waiting.clear();
            }
        });
    }
}
