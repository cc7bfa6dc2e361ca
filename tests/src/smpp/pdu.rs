//! A whole PDU: the 16-byte header and the body, and the reading of a PDU from a stream.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Body;
use super::wire::{PduError, Reader};

const HEADER: usize = 16;
/// The maximum length of a PDU, far more than any PDU of these tests. It prevents a wrong length from asking for
/// gigabytes.
const LONGEST: usize = 64 * 1024;

/// Values of `command_status` (SMPP 3.4, section 5.1.3).
pub mod command_status {
    /// No error.
    pub const OK: u32 = 0;
    /// The command is not known.
    pub const INVALID_COMMAND: u32 = 0x03;
    /// The operator has an internal error: Kannel tries again later.
    pub const SYSTEM_ERROR: u32 = 0x08;
    /// The destination is not valid: final.
    pub const INVALID_DESTINATION: u32 = 0x0B;
    /// The password is wrong.
    pub const INVALID_PASSWORD: u32 = 0x0E;
    /// Too many messages at once: Kannel tries again later.
    pub const THROTTLED: u32 = 0x58;
}

/// A protocol data unit.
///
/// ```
/// use tests::smpp::{Body, Pdu};
/// let ping = Pdu { status: 0, sequence: 7, body: Body::EnquireLink };
/// let bytes = ping.encode()?;
/// assert_eq!(bytes, [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 7]);
/// assert_eq!(Pdu::decode(&bytes)?, ping);
/// # Ok::<(), tests::smpp::PduError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// 0, or the error in an answer: [`command_status`].
    pub status: u32,
    /// The number that links an answer to its request.
    pub sequence: u32,
    /// The body.
    pub body: Body,
}

impl Pdu {
    /// Reads the bytes of exactly one PDU.
    pub fn decode(bytes: &[u8]) -> Result<Self, PduError> {
        let mut from = Reader::new(bytes);
        if from.u32("command_length")? as usize != bytes.len() {
            return Err(PduError::Length(bytes.len()));
        }
        let command = from.u32("command_id")?;
        let status = from.u32("command_status")?;
        let sequence = from.u32("sequence_number")?;
        let body = Body::decode(command, bytes.get(HEADER..).unwrap_or_default())?;
        Ok(Self { status, sequence, body })
    }

    /// Returns the bytes on the wire.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        let mut body = Vec::new();
        self.body.encode(&mut body)?;
        let length = HEADER + body.len();
        let mut out = Vec::with_capacity(length);
        let length = u32::try_from(length).map_err(|_| PduError::Length(length))?;
        for field in [length, self.body.command(), self.status, self.sequence] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        out.append(&mut body);
        Ok(out)
    }
}

/// Reads the next PDU from a stream. Returns `None` at the end of the stream.
pub async fn read_pdu(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Pdu>> {
    let mut bytes = vec![0; 4];
    match from.read_exact(&mut bytes).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let length = Reader::new(&bytes).u32("command_length").map_err(invalid)? as usize;
    if !(HEADER..=LONGEST).contains(&length) {
        return Err(invalid(PduError::Length(length)));
    }
    bytes.resize(length, 0);
    from.read_exact(bytes.get_mut(4..).unwrap_or_default()).await?;
    Pdu::decode(&bytes).map(Some).map_err(invalid)
}

fn invalid(error: PduError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smpp::{Address, EsmClass, ShortMessage};

    fn message() -> ShortMessage {
        ShortMessage {
            source: Address::plain("1112223333"),
            destination: Address { ton: 5, npi: 0, number: "Clinic".into() },
            esm_class: EsmClass::WITH_HEADER,
            registered_delivery: 1,
            data_coding: 8,
            bytes: vec![5, 0, 3, 9, 2, 1, 0xFF, 0xFF, 0, 0],
        }
    }

    #[test]
    fn every_pdu_survives_the_wire() {
        let bodies = [
            Body::BindTransceiver { system_id: "A".into(), password: "secret".into() },
            Body::BindTransceiverResp { system_id: "operator".into() },
            Body::SubmitSm(message()),
            Body::SubmitSmResp { message_id: "17".into() },
            Body::DeliverSm(message()),
            Body::DeliverSmResp,
            Body::EnquireLink,
            Body::EnquireLinkResp,
            Body::Unbind,
            Body::UnbindResp,
            Body::GenericNack,
            Body::Unknown { command: 0x102, bytes: vec![1, 2] },
        ];
        for (sequence, body) in (1..).zip(bodies) {
            let pdu = Pdu { status: command_status::OK, sequence, body };
            assert_eq!(Pdu::decode(&pdu.encode().unwrap()).unwrap(), pdu);
        }
    }

    #[test]
    fn a_submit_sm_lies_on_the_wire_as_the_standard_has_it() {
        let pdu = Pdu { status: 0, sequence: 2, body: Body::SubmitSm(message()) };
        let expected = b"\0\0\0\x3b\0\0\0\x04\0\0\0\0\0\0\0\x02\
            \0\x00\x011112223333\0\x05\x00Clinic\0\x40\0\0\0\0\x01\0\x08\0\x0a\
            \x05\x00\x03\x09\x02\x01\xff\xff\x00\x00";
        assert_eq!(pdu.encode().unwrap(), expected);
    }

    #[test]
    fn a_payload_parameter_takes_the_place_of_the_short_message() {
        let empty = ShortMessage { bytes: Vec::new(), ..message() };
        let mut bytes = Pdu { status: 0, sequence: 2, body: Body::SubmitSm(empty) }.encode().unwrap();
        bytes.extend(b"\x04\x24\x00\x02hi");
        bytes[3] = u8::try_from(bytes.len()).unwrap();
        let Body::SubmitSm(read) = Pdu::decode(&bytes).unwrap().body else { panic!("another command") };
        assert_eq!(read.bytes, b"hi");
    }

    #[test]
    fn a_refusal_may_come_without_a_body() {
        let bytes = [0, 0, 0, 16, 0x80, 0, 0, 4, 0, 0, 0, 0x58, 0, 0, 0, 1];
        let body = Body::SubmitSmResp { message_id: String::new() };
        let expected = Pdu { status: command_status::THROTTLED, sequence: 1, body };
        assert_eq!(Pdu::decode(&bytes), Ok(expected));
    }

    #[test]
    fn a_cut_pdu_is_an_error_wherever_it_is_cut() {
        let whole = Pdu { status: 0, sequence: 2, body: Body::SubmitSm(message()) }.encode().unwrap();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            if length >= 4 {
                cut[..4].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            }
            assert!(Pdu::decode(&cut).is_err(), "{length} bytes of {}", whole.len());
        }
    }

    #[test]
    fn a_message_too_long_for_its_length_byte_is_refused() {
        let long = ShortMessage { bytes: vec![0; 256], ..message() };
        let pdu = Pdu { status: 0, sequence: 2, body: Body::SubmitSm(long) };
        assert_eq!(pdu.encode(), Err(PduError::MessageTooLong(256)));
    }

    #[tokio::test]
    async fn a_stream_gives_its_pdus_then_its_end() {
        let ping = Pdu { status: 0, sequence: 1, body: Body::EnquireLink }.encode().unwrap();
        let stream = [ping.clone(), ping].concat();
        let mut from = stream.as_slice();
        assert_eq!(read_pdu(&mut from).await.unwrap().unwrap().body, Body::EnquireLink);
        assert_eq!(read_pdu(&mut from).await.unwrap().unwrap().body, Body::EnquireLink);
        assert_eq!(read_pdu(&mut from).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_length_out_of_bounds_is_refused_before_it_is_read() {
        for length in [0, 15, 1 << 20] {
            let bytes = u32::to_be_bytes(length);
            assert!(read_pdu(&mut bytes.as_slice()).await.is_err(), "{length}");
        }
    }
}
