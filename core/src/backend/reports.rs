//! Delivery reports as backends read them, and the signed references that lead from a report to its message.

use ::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::digest::Key;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use super::Caller;
use crate::error::Fault;
use crate::model::message::{BackendName, ConnectionId, FinalStatus, Identity, MessageId, Outgoing};
use crate::settings::Secret;

/// A reader of the delivery reports of one gateway. The reports arrive at `/<anything>/<backend name>/<path>/`.
///
/// The gateway must be able to accept our [reference](ReportKey::sign) together with each message, and to return this
/// reference in its reports. Any other gateway cannot use this trait, because only the reference leads to the message.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use threadless::backend::{Caller, Fault, ReportKey, Reported, Reports};
/// use threadless::{BackendName, FinalStatus};
///
/// /// Its gateway calls `…/receipt/?for=<reference>&status=DELIVRD`.
/// struct Acme {
///     key: ReportKey,
/// }
///
/// fn field(request: &Request<Bytes>, name: &str) -> String {
///     let query = request.uri().query().unwrap_or_default().as_bytes();
///     let mut fields = url::form_urlencoded::parse(query);
///     fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
/// }
///
/// impl Reports for Acme {
///     fn path(&self) -> &'static str {
///         "receipt"
///     }
///
///     fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
///         match self.key.open(backend, &field(request, "for")) {
///             Some(_) => Caller::Gateway,
///             None => Caller::WrongCredentials,
///         }
///     }
///
///     fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
///         let reference = self.key.open(backend, &field(request, "for"));
///         let reference = reference.ok_or_else(|| vec![Fault::new("for", "is not signed")])?;
///         let final_status = match field(request, "status").as_str() {
///             "DELIVRD" => Some(FinalStatus::Delivered),
///             "UNDELIV" | "EXPIRED" | "REJECTD" => Some(FinalStatus::Failed),
///             "ACCEPTD" | "ENROUTE" => None,
///             other => return Err(vec![Fault::new("status", format!("{other:?} is not known"))]),
///         };
///         Ok(Reported::new(reference, final_status))
///     }
/// }
/// ```
pub trait Reports: Send + Sync {
    /// Returns the last segment of the path at which reports arrive. This segment follows the name of the backend.
    fn path(&self) -> &'static str;

    /// Returns whether the report comes from the gateway. A gateway must not report on a message of another backend;
    /// [`ReportKey::open`] checks this.
    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller;

    /// Returns whether the report comes from the gateway, at this time. The default calls [`Reports::authenticate`].
    fn authenticate_at(&self, backend: &BackendName, request: &Request<Bytes>, now: Timestamp) -> Caller {
        let _ = now;
        self.authenticate(backend, request)
    }

    /// Reads the report out of a request. An error holds all faults at once.
    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>>;

    /// Reads all reports out of a request, for a gateway that sends several reports at once. The default reads one
    /// report with [`Reports::decode`].
    fn decode_all(
        &self,
        backend: &BackendName,
        request: &Request<Bytes>,
    ) -> Result<Vec<Reported>, Vec<Fault>> {
        self.decode(backend, request).map(|reported| vec![reported])
    }
}

/// The report of a gateway on one message that the gateway accepted.
///
/// ```
/// use threadless::backend::{ReportKey, Reported};
/// use threadless::{ConnectionId, FinalStatus, MessageId, Outgoing};
///
/// # let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// # let created_at = "2026-11-24T11:25:33Z".parse().unwrap();
/// # let message = Outgoing::new(MessageId::random(), connection, "hello", created_at);
/// # let (key, clinic) = (ReportKey::new(None), "clinic".parse()?);
/// # let reference = key.open(&clinic, &key.sign(&message)).unwrap();
/// let mut reported = Reported::new(reference, Some(FinalStatus::Failed));
/// reported.detail = Some("EXPIRED".to_owned());
/// # assert_eq!(reported.reference.id, message.id);
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reported {
    /// The reference of the message.
    pub reference: Reference,
    /// The final status of the message, or `None` while the message is on its way.
    pub final_status: Option<FinalStatus>,
    /// The gateway's words about the message.
    pub detail: Option<String>,
    /// The time of the reported event, if the gateway gave this time.
    pub reported_at: Option<Timestamp>,
}

impl Reported {
    /// Creates a report without the words of the gateway and without a time. Set the fields that the gateway gave.
    pub fn new(reference: Reference, final_status: Option<FinalStatus>) -> Self {
        Self { reference, final_status, detail: None, reported_at: None }
    }
}

/// The facts that are needed to find a message in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// The connection of the recipient.
    pub connection: ConnectionId,
    /// The time when the message was written to the outbox, in whole milliseconds.
    pub at: Timestamp,
    /// The id of the message.
    pub id: MessageId,
}

impl Reference {
    /// Returns the reference of this message.
    pub fn of(message: &Outgoing) -> Self {
        Self { connection: message.connection.clone(), at: message.created_at, id: message.id.clone() }
    }
}

/// A key that signs references and recognises the references that it signed. So nobody but the gateway can report on a
/// message.
///
/// A reference is unpadded URL-safe Base64 (letters, digits, `-` and `_`). It consists of the time (6 bytes), the
/// length of the identity minus one (1 byte), the identity, the message id, and the first 16 bytes of an HMAC-SHA256
/// over all these parts and the name of the backend. For a phone number, a reference has about 100 characters. The key
/// of the HMAC is derived from the backend's secret: after a change of the secret, the old references are no longer
/// valid.
#[derive(Clone)]
pub struct ReportKey(Hmac<Sha256>);

impl std::fmt::Debug for ReportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportKey(…)")
    }
}

/// The number of bytes before the identity: the time, and the length of the identity.
const HEAD: usize = 7;

/// The number of bytes of the HMAC in a reference.
const TAG: usize = 16;

impl ReportKey {
    /// Makes a key from one of the backend's secrets. Without a secret, everyone who reads this code can sign; use that
    /// only for runs on your own machine.
    pub fn new(secret: Option<&Secret>) -> Self {
        let secret = secret.map_or("", Secret::reveal);
        let key = hmac(secret.as_bytes()).chain_update("threadless delivery reports 1").finalize();
        Self(hmac(&key.into_bytes()))
    }

    /// Returns the signed reference of a message. The reference is the same in each attempt to send the message.
    ///
    /// ```
    /// use threadless::backend::{Reference, ReportKey};
    /// use threadless::settings::Secret;
    /// # use threadless::{BackendName, ConnectionId, MessageId, Outgoing};
    /// # let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
    /// # let created_at = "2026-11-24T11:25:33Z".parse().unwrap();
    /// # let message = Outgoing::new(MessageId::random(), connection, "hello", created_at);
    /// let key = ReportKey::new(Some(&Secret::new("s3cret")));
    /// let reference = key.sign(&message);
    /// let clinic: BackendName = "clinic".parse()?;
    /// assert_eq!(key.open(&clinic, &reference), Some(Reference::of(&message)));
    /// assert_eq!(key.open(&"another".parse()?, &reference), None);
    /// assert_eq!(ReportKey::new(None).open(&clinic, &reference), None);
    /// # Ok::<(), threadless::InvalidName>(())
    /// ```
    pub fn sign(&self, message: &Outgoing) -> String {
        let ConnectionId { backend, identity } = &message.connection;
        let ms = u64::try_from(message.created_at.as_millisecond()).unwrap_or(0);
        let mut bytes = ms.to_be_bytes()[2..].to_vec();
        // An identity has 1 to 256 bytes.
        bytes.push(u8::try_from(identity.as_str().len() - 1).unwrap_or(u8::MAX));
        bytes.extend_from_slice(identity.as_str().as_bytes());
        bytes.extend_from_slice(message.id.as_str().as_bytes());
        let tag = self.mac(backend, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the facts in a reference of this backend, or `None` if this key did not sign the reference.
    pub fn open(&self, backend: &BackendName, reference: &str) -> Option<Reference> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(reference).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        // The comparison takes constant time.
        self.mac(backend, signed).verify_truncated_left(tag).ok()?;
        let (head, names) = signed.split_at_checked(HEAD)?;
        let ms = head[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte));
        let (identity, id) = names.split_at_checked(usize::from(head[6]) + 1)?;
        let identity = std::str::from_utf8(identity).ok()?.parse::<Identity>().ok()?;
        Some(Reference {
            connection: ConnectionId::new(backend.clone(), identity),
            at: Timestamp::from_millisecond(ms).ok()?,
            id: MessageId::from(std::str::from_utf8(id).ok()?),
        })
    }

    fn mac(&self, backend: &BackendName, signed: &[u8]) -> Hmac<Sha256> {
        // The zero byte marks the end of the backend's name, because a name contains no zero byte.
        self.0.clone().chain_update(backend.as_str()).chain_update([0]).chain_update(signed)
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Key::<Hmac<Sha256>>::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(identity: &str, ms: i64) -> Outgoing {
        let connection = ConnectionId::new("k".parse().unwrap(), identity.parse().unwrap());
        let at = Timestamp::from_millisecond(ms).unwrap();
        Outgoing::new(MessageId::random().reply(1), connection, "x", at)
    }

    #[test]
    fn a_reference_holds_every_identity_and_no_character_that_needs_an_escape() {
        let key = ReportKey::new(Some(&Secret::new("s3cret")));
        let backend = "k".parse().unwrap();
        let longest = "ሰ".repeat(85) + "x";
        for identity in ["1", "+251911223344", "MTN %41#&?", "ሰላም", longest.as_str()] {
            for ms in [0, 1_795_519_533_120, (1 << 47) - 1] {
                let message = message(identity, ms);
                let reference = key.sign(&message);
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                assert!(reference.bytes().all(plain), "{reference}");
                assert_eq!(key.open(&backend, &reference), Some(Reference::of(&message)));
            }
        }
        assert!(key.sign(&message("+251911223344", 1_795_519_533_120)).len() <= 100);
    }

    #[test]
    fn a_reference_that_anyone_changed_is_none() {
        let key = ReportKey::new(Some(&Secret::new("s3cret")));
        let backend: BackendName = "k".parse().unwrap();
        let reference = key.sign(&message("1112223333", 5));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&reference).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&backend, &BASE64_URL_SAFE_NO_PAD.encode(&changed)), None, "{at}");
            assert_eq!(key.open(&backend, &BASE64_URL_SAFE_NO_PAD.encode(&bytes[..at])), None, "{at}");
        }
        for garbage in
            ["", "x", "%41", &"A".repeat(10_000), &format!("{reference}="), &format!(" {reference}")]
        {
            assert_eq!(key.open(&backend, garbage), None, "{garbage}");
        }
    }
}
