//! The least that could answer: reads the text out of the query, hands it to the gateway, keeps nothing.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use threadless::backend::{HttpTransport, Transport as _};
use tokio::net::TcpListener;

/// Serves until the process is ended.
pub(crate) async fn serve(port: u16, gateway: String) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let shared = Arc::new((HttpTransport::new(), gateway));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request: Request<Incoming>| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(answer(&shared.0, &shared.1, request.uri().query()).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(transport: &HttpTransport, gateway: &str, query: Option<&str>) -> Response<Full<Bytes>> {
    let value = |wanted: &str| {
        let mut pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value).unwrap_or_default()
    };
    let text = value("text").trim_start_matches("echo+");
    let url = format!("{gateway}?to={}&text={text}&coding=0&charset=UTF-8", value("id"));
    let sent = match Request::get(url).body(Bytes::new()) {
        Ok(request) => transport.fetch(request, Duration::from_secs(15)).await.is_ok(),
        Err(_) => false,
    };
    let mut response = Response::new(Full::default());
    if !sent {
        *response.status_mut() = StatusCode::BAD_GATEWAY;
    }
    response
}
