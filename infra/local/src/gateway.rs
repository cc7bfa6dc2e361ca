//! A pretend gateway for a port on which no real gateway listens. It accepts the requests of Kannel's sendsms, shows
//! the messages, sends delivery reports if they are requested, and keeps the messages for callers of `/taken`.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use threadless::backend::{HttpTransport, Transport as _};
use threadless::text::{Charset, charset};
use tokio::net::TcpListener;
use url::{Host, Url};

use crate::serving::{self, Hosts, Room, Unread, is_of_another_site};

/// The path that lists the requests that the gateway took: `GET /taken?after=<number>`.
pub(crate) const TAKEN: &str = "/taken";

/// The number of requests that the gateway keeps.
const KEPT: usize = 10_000;

/// The largest body that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// The memory for the bodies of all requests together, in bytes.
const ROOM: usize = 16 << 20;

/// The longest time for request line and headers. It is longer than clients keep an unused connection open. So the
/// server closes no connection while its client sends.
const LONGEST_HEAD_WAIT: Duration = Duration::from_secs(180);

/// The longest time for a delivery report.
const LONGEST_REPORT: Duration = Duration::from_secs(30);

/// One request that the gateway took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GatewayRequest {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
}

/// The requests after a given number of requests, and the number for the next call.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct News {
    pub(crate) next: usize,
    pub(crate) taken: Vec<GatewayRequest>,
}

/// A gateway that accepts every message.
#[derive(Default)]
pub(crate) struct Gateway {
    show: Option<fn(&str, &str)>,
    transport: Arc<HttpTransport>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// The number of requests that the gateway no longer keeps.
    forgotten: usize,
    taken: VecDeque<GatewayRequest>,
}

impl Gateway {
    /// Creates a gateway that also passes each message to `show`, as recipient and text, and reports the message as
    /// delivered.
    pub(crate) fn showing(show: fn(&str, &str)) -> Self {
        Self { show: Some(show), ..Self::default() }
    }

    /// Returns the requests after the first `count` requests.
    pub(crate) fn after(&self, count: usize) -> News {
        let log = self.lock();
        let from = count.saturating_sub(log.forgotten);
        News { next: log.forgotten + log.taken.len(), taken: log.taken.iter().skip(from).cloned().collect() }
    }

    fn take(&self, taken: GatewayRequest) {
        if let Some(show) = self.show {
            let (to, text) = message(&taken.query);
            show(&to, &text);
            self.report(&taken.query);
        }
        let mut log = self.lock();
        log.taken.push_back(taken);
        if log.taken.len() > KEPT {
            log.taken.pop_front();
            log.forgotten += 1;
        }
    }

    /// Sends a delivery report like Kannel: independent of the answer, before it or after it.
    fn report(&self, query: &str) {
        let request = report_url(query).map(|url| Request::get(url).body(Bytes::new()));
        let Some(Ok(request)) = request else { return };
        let transport = Arc::clone(&self.transport);
        tokio::spawn(async move {
            if let Err(problem) = transport.fetch(request, LONGEST_REPORT).await {
                tracing::warn!(error = %problem, "the delivery report was not sent");
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>, room: &Room) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        // The kept requests are messages. A page of another site must not read them.
        if !Hosts::default().are_ours(&parts.uri, &parts.headers) || is_of_another_site(&parts.headers) {
            return status(StatusCode::FORBIDDEN);
        }
        let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
        if path == TAKEN {
            let after = query.strip_prefix("after=").and_then(|after| after.parse().ok()).unwrap_or(0);
            let news = serde_json::to_vec(&self.after(after)).unwrap_or_default();
            return Response::new(Full::new(Bytes::from(news)));
        }
        let body = match room.read(body, LARGEST).await {
            Ok(body) => String::from_utf8_lossy(&body.bytes).into_owned(),
            Err(Unread::TooLarge) => return status(StatusCode::PAYLOAD_TOO_LARGE),
            Err(Unread::BrokenOff) => return status(StatusCode::BAD_REQUEST),
            Err(Unread::TooSlow) => return status(StatusCode::REQUEST_TIMEOUT),
            Err(Unread::NoRoom) => return status(StatusCode::SERVICE_UNAVAILABLE),
        };
        self.take(GatewayRequest { path, query, body });
        let mut response = Response::new(Full::new(Bytes::from_static(b"0: Accepted for delivery")));
        *response.status_mut() = StatusCode::ACCEPTED;
        response
    }
}

/// Returns the ports on this machine that the settings send to, with the backends that send there.
pub(crate) fn ports(settings: &str) -> BTreeMap<u16, Vec<String>> {
    let mut ports: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    let table = settings.parse::<toml::Table>().unwrap_or_default();
    let backends = table.get("backends").and_then(toml::Value::as_table).into_iter().flatten();
    for (name, backend) in backends {
        let url = backend.get("sendsms_url").and_then(toml::Value::as_str);
        if let Some(port) = url.and_then(port_here) {
            ports.entry(port).or_default().push(name.clone());
        }
    }
    ports
}

/// Returns the port of a URL, if the URL leads to this machine.
pub(crate) fn port_here(url: &str) -> Option<u16> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(_) => false,
    };
    if here { url.port_or_known_default() } else { None }
}

/// Binds the port, if nobody else listens on it.
pub(crate) async fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()
}

/// Takes messages until this future is dropped.
pub(crate) async fn serve(listener: TcpListener, gateway: Arc<Gateway>) {
    let room = Room::new(ROOM);
    serving::serve(listener, LONGEST_HEAD_WAIT, move |request, _| {
        let (gateway, room) = (Arc::clone(&gateway), room.clone());
        async move { gateway.answer(request, &room).await }
    })
    .await;
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// Returns the value of a field in a query. If the field is there twice, the last one counts.
pub(crate) fn field(query: &str, wanted: &str) -> Option<Vec<u8>> {
    let mut pairs = query.split('&').rev().filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
    Some(percent_decode(value.replace('+', " ").as_bytes()).collect())
}

/// Returns the URL for the report that the phone has the message, if the sendsms query asks for one.
fn report_url(query: &str) -> Option<String> {
    let text = |wanted: &str| String::from_utf8(field(query, wanted)?).ok();
    let wants_it = text("dlr-mask")?.parse::<u8>().is_ok_and(|mask| mask & 1 == 1);
    let now = jiff::Timestamp::now().as_second().to_string();
    let url = text("dlr-url")?.replace("%d", "1").replace("%A", "").replace("%T", &now);
    wants_it.then_some(url)
}

/// Returns the recipient and the text of a sendsms query.
pub(crate) fn message(query: &str) -> (String, String) {
    let text = |wanted: &str| field(query, wanted).map(|bytes| charset::guess(&bytes).text);
    let payload = field(query, "text").unwrap_or_default();
    let decoded = match (text("charset").and_then(|name| Charset::named(&name)), text("coding").as_deref()) {
        (Some(charset), _) => charset.decode(&payload),
        (None, Some("2")) => Charset::Utf16Be.decode(&payload),
        (None, _) => charset::guess(&payload),
    };
    (text("to").unwrap_or_default(), decoded.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gateways_on_this_machine_can_be_stood_in_for() {
        let settings = "
            [backends.a]\nsendsms_url = \"http://127.0.0.1:13013/cgi-bin/sendsms\"
            [backends.b]\nsendsms_url = \"http://localhost:13013/x\"
            [backends.c]\nsendsms_url = \"http://kannel.example:13013/\"
            [backends.d]\nsendsms_url = \"https://127.0.0.1/\"";
        let expected = BTreeMap::from([(13013, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(ports(settings), expected);
    }

    #[test]
    fn a_report_is_what_kannel_would_call() {
        let url =
            "dlr-url=http%3A%2F%2F127.0.0.1%3A8000%2Fbackend%2Fk%2Fdlr%2F%3Fref%3Dx%26d%3D%25d%26a%3D%25A";
        let called = report_url(&format!("dlr-mask=19&{url}&to=1"));
        assert_eq!(called.as_deref(), Some("http://127.0.0.1:8000/backend/k/dlr/?ref=x&d=1&a="));
        for query in [format!("dlr-mask=18&{url}"), format!("{url}&to=1"), "dlr-mask=31&to=1".to_owned()] {
            assert_eq!(report_url(&query), None, "{query}");
        }
    }

    #[test]
    fn a_message_is_shown_as_the_phone_would_have_it() {
        assert_eq!(message("to=%2B1&charset=UTF-8&coding=0&text=a%20b"), ("+1".into(), "a b".into()));
        assert_eq!(message("to=1&coding=2&text=%120%12%0B%12%1D"), ("1".into(), "ሰላም".into()));
    }

    #[test]
    fn who_asks_again_gets_what_is_new_also_when_much_was_forgotten() {
        let gateway = Gateway::default();
        let taken =
            |at: usize| GatewayRequest { path: "/".into(), query: at.to_string(), body: String::new() };
        (0..KEPT + 2).for_each(|at| gateway.take(taken(at)));
        assert_eq!((gateway.after(0).taken.len(), gateway.after(0).taken[0].query.as_str()), (KEPT, "2"));
        let News { next, taken } = gateway.after(KEPT + 1);
        assert_eq!((next, taken.len(), taken[0].query.as_str()), (KEPT + 2, 1, "10001"));
        assert_eq!(gateway.after(next).taken, []);
    }
}
