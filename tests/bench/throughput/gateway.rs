//! sendsms, as quick as it can be, or as slow as it is told to be. It only counts.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A gateway at work, as long as the process is.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    taken: Arc<AtomicUsize>,
    wait_ms: Arc<AtomicU64>,
}

impl Gateway {
    /// Listens on any port.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let gateway =
            Self { address: listener.local_addr()?, taken: Arc::default(), wait_ms: Arc::default() };
        let serving = gateway.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let gateway = serving.clone();
                let service = service_fn(move |_| {
                    let gateway = gateway.clone();
                    async move { Ok::<_, Infallible>(gateway.answer().await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(gateway)
    }

    /// The URL of sendsms.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/cgi-bin/sendsms", self.address)
    }

    /// How many messages it took since this was called last.
    pub(crate) fn take_count(&self) -> usize {
        self.taken.swap(0, Ordering::SeqCst)
    }

    /// How many messages it took.
    pub(crate) fn count(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Has each answer take this long.
    pub(crate) fn slow_down(&self, wait: Duration) {
        self.wait_ms.store(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    async fn answer(&self) -> Response<Full<Bytes>> {
        let wait = self.wait_ms.load(Ordering::SeqCst);
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
        // 200, since RapidSMS takes nothing else for a success; Kannel answers 202.
        Response::new(Full::new(Bytes::from_static(b"0: Accepted for delivery")))
    }
}
