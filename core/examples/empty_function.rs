//! The smallest function that answers an HTTP request: what `cargo bench -p tests` measures ours against.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_request: Request| async { Ok::<_, Error>(Response::new(Body::Empty)) })).await
}
