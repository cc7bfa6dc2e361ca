//! Lambda's side of a function: hands it events and takes its results, as the
//! [runtime API](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) has it. It adds no work of its own
//! to what is measured.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Longer than any invocation here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// The API of one function's environment.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    events: mpsc::Sender<String>,
    happened: mpsc::Receiver<Happened>,
}

/// What the function did, and when.
enum Happened {
    /// It asked for an event.
    Asked(Instant),
    /// It gave a result.
    Answered(Instant, Bytes),
    /// It reported an error.
    Failed(Bytes),
}

struct Shared {
    events: Mutex<mpsc::Receiver<String>>,
    happened: mpsc::Sender<Happened>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, received) = mpsc::channel(1);
        let (sender, happened) = mpsc::channel(8);
        let shared = Arc::new(Shared { events: Mutex::new(received), happened: sender });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, events, happened })
    }

    /// When the function asked for its next event.
    pub(crate) async fn asked(&mut self) -> Result<Instant> {
        match self.next().await? {
            Happened::Asked(at) => Ok(at),
            Happened::Answered(..) => bail!("a result without an event"),
            Happened::Failed(error) => bail!("{}", String::from_utf8_lossy(&error)),
        }
    }

    /// Hands over an event; the time until there is a result, and the result. The function asks for the next event
    /// before this returns.
    pub(crate) async fn invoke(&mut self, event: String) -> Result<(Duration, Bytes)> {
        let begun = Instant::now();
        self.events.send(event).await.context("the API has ended")?;
        let (ended, result) = match self.next().await? {
            Happened::Answered(at, result) => (at, result),
            Happened::Asked(_) => bail!("the function asked for another event"),
            Happened::Failed(error) => bail!("{}", String::from_utf8_lossy(&error)),
        };
        self.asked().await?;
        Ok((ended - begun, result))
    }

    async fn next(&mut self) -> Result<Happened> {
        timeout(LIMIT, self.happened.recv()).await.context("the function hangs")?.context("the API has ended")
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let arrived = Instant::now();
    if request.method() == Method::GET {
        let _ = shared.happened.send(Happened::Asked(arrived)).await;
        let event = shared.events.lock().await.recv().await.unwrap_or_default();
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + LIMIT;
        let mut response = Response::new(Full::from(event));
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:measured".to_owned();
        let headers = [
            ("lambda-runtime-aws-request-id", "1".to_owned()),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", arn),
        ];
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        return Ok(response);
    }
    let failed = request.uri().path().ends_with("/error");
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let happened = if failed { Happened::Failed(body) } else { Happened::Answered(arrived, body) };
    let _ = shared.happened.send(happened).await;
    Ok(Response::builder().status(202).body(Full::default()).unwrap_or_default())
}
