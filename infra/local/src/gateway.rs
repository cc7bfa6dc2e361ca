//! A pretend gateway where no real one listens: it takes what Kannel's sendsms would, and shows it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode;
use threadless::text::{Charset, charset};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::{Host, Url};

/// The ports on this machine that the settings send to, with the backends that do.
pub(crate) fn ports(settings: &str) -> BTreeMap<u16, Vec<String>> {
    let mut ports: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    let table = settings.parse::<toml::Table>().unwrap_or_default();
    let backends = table.get("backends").and_then(toml::Value::as_table).into_iter().flatten();
    for (name, backend) in backends {
        let url =
            backend.get("sendsms_url").and_then(toml::Value::as_str).and_then(|url| Url::parse(url).ok());
        if let Some(url) = url.filter(|url| url.scheme() == "http" && is_here(url))
            && let Some(port) = url.port_or_known_default()
        {
            ports.entry(port).or_default().push(name.clone());
        }
    }
    ports
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Takes the port, if nobody listens on it.
pub(crate) async fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()
}

/// Takes messages and hands each to `show`, as recipient and text, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, show: fn(&str, &str)) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let service = service_fn(move |request: Request<Incoming>| async move {
            let (to, text) = message(request.uri().query().unwrap_or_default());
            show(&to, &text);
            Ok::<_, Infallible>(accepted())
        });
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn accepted() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"0: Accepted for delivery")));
    *response.status_mut() = http::StatusCode::ACCEPTED;
    response
}

/// The recipient and the text of a sendsms query.
fn message(query: &str) -> (String, String) {
    let value = |wanted: &str| -> Option<Vec<u8>> {
        let mut pairs = query.split('&').rev().filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
        Some(percent_decode(value.replace('+', " ").as_bytes()).collect())
    };
    let text = |wanted: &str| value(wanted).map(|bytes| charset::guess(&bytes).text);
    let payload = value("text").unwrap_or_default();
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
    fn a_message_is_shown_as_the_phone_would_have_it() {
        assert_eq!(message("to=%2B1&charset=UTF-8&coding=0&text=a%20b"), ("+1".into(), "a b".into()));
        assert_eq!(message("to=1&coding=2&text=%120%12%0B%12%1D"), ("1".into(), "ሰላም".into()));
    }
}
