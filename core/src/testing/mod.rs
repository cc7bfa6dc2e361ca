//! Tools to test your apps: a project in memory (the bench) and transcripts. The bench has a gateway with scripted
//! behaviour, a clock that a test can set, and a store and a queue that fail on demand. The feature `testing` switches
//! the tools on:
//!
//! ```toml
//! [dev-dependencies]
//! threadless = { workspace = true, features = ["testing"] }
//! ```
//!
//! # Transcripts
//!
//! A [`Transcript`] is a conversation in writing. It is strict: each reply must come in the written order, and no other
//! reply may come. If a transcript fails, the test fails. The error message marks the place in the transcript, and
//! shows the expected replies and the replies that came.
//!
//! ```
//! use threadless::testing::Bench;
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(apps::Echo));
//! bench
//!     .transcript(
//!         "
//!         ## Keywords ignore case.
//!         1112223333 > echo
//!         1112223333 < To echo some text, send: ECHO <ANYTHING>
//!         1112223333 > ECHO hello
//!         1112223333 < hello
//!         ",
//!     )
//!     .await;
//! # });
//! ```
//!
//! A transcript can also be a file: `bench.transcript_file("clinic.txt")`. You can also play a file outside the bench.
//! The project's tests play each file in the folder `tests/transcripts/` four times: on the bench and over HTTP, each
//! time once with `respond = "inline"` and once with `respond = "queue"`. `cargo run -- script FILE` plays the file
//! against a new local stack in memory; with `--url`, it plays the file against a deployed stack.
//!
//! # Stored data and sent messages
//!
//! ```
//! use threadless::testing::Bench;
//! use threadless::{App, AppError, Context, Handled, Router};
//!
//! struct Name;
//!
//! impl App for Name {
//!     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
//!         let text = cx.text().to_owned();
//!         cx.session_mut().set("name", &text)?;
//!         cx.reply(format!("Hello {text}!"));
//!         Ok(Handled::Yes)
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(Name));
//! bench.receive("1112223333", "Amina", None).await.unwrap();
//! assert_eq!(bench.session("1112223333").await.get::<String>("name").unwrap().as_deref(), Some("Amina"));
//! assert_eq!(bench.gateway.texts(), ["Hello Amina!"]);
//! assert_eq!(bench.history("1112223333").await.len(), 2);
//! # });
//! ```
//!
//! # Several backends, and the backends of your settings
//!
//! ```
//! use threadless::backend::Engines;
//! use threadless::project::Settings;
//! use threadless::settings::Surroundings;
//! use threadless::testing::Bench;
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::with(Router::new().app(apps::Echo)).backend("kannel-a").backend("kannel-b").build();
//! bench.transcript("1 > echo a\n1 < a\n[kannel-b] 1 > echo b\n[kannel-b] 1 < b").await;
//!
//! // In functions/, the constant SETTINGS has this text: pass SETTINGS to Settings::read.
//! let text = r#"
//!     [project]
//!     name = "Clinic"
//!     default_response = "This is %(project_name)s."
//!
//!     [backends.clinic]
//!     engine = "kannel"
//!     sendsms_url = "http://127.0.0.1:13013/"
//! "#;
//! let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
//! let bench = Bench::with(Router::new().app(apps::DefaultReply)).settings(settings).build();
//! bench.transcript("[clinic] 1 > hwllo\n[clinic] 1 < This is Clinic.").await;
//! # });
//! ```
//!
//! # Time
//!
//! The [clock](TestClock) stands still until a test moves it: with a time stamp in a transcript, or by a method.
//! [`Bench::minutes`] moves the clock and also does the work that becomes due, such as deliveries and scheduled jobs.
//!
//! ```
//! use std::time::Duration;
//! use threadless::testing::{Behaviour, Bench};
//! use threadless::{Clock as _, Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(apps::Echo));
//! // The gateway does not accept the first attempt. Threadless makes the next attempt a few seconds later.
//! bench.gateway.next([Behaviour::Defer]);
//! bench.transcript("1@202611250700 > echo hi\n1@202611250701 < hi").await;
//!
//! let before = bench.clock.now();
//! bench.clock.advance(Duration::from_secs(5));
//! assert_eq!(bench.clock.now().duration_since(before).as_secs(), 5);
//! # });
//! ```
//!
//! # A gateway that fails
//!
//! ```
//! use threadless::testing::{Behaviour, Bench};
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(apps::Echo));
//! bench.gateway.next([Behaviour::Refuse, Behaviour::LoseAnswer]);
//! bench.receive("1", "echo refused", None).await.unwrap();
//! bench.receive("1", "echo taken, but who knows", None).await.unwrap();
//! assert_eq!(bench.gateway.texts(), ["taken, but who knows"]);
//! // Threadless cannot know that the gateway took it. So it counts as uncertain, and goes out again.
//! assert_eq!(bench.outbox("1").await.entries[0].uncertain, 1);
//! bench.minutes(1).await;
//! assert_eq!(bench.gateway.texts().len(), 2);
//! # });
//! ```
//!
//! # A store that fails
//!
//! ```
//! use threadless::testing::{Bench, FaultKind, When};
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::new(Router::new().app(apps::Echo));
//! bench.receive("1", "echo first", Some("m1")).await.unwrap();
//! // For the next message, call 1 reads the connection and call 2 commits. A fault in call 2: the commit is done, but its
//! // answer is lost.
//! bench.faults.plan(2, FaultKind::Error, When::After);
//! assert!(bench.receive("1", "echo second", Some("m2")).await.is_err(), "503: the gateway keeps it");
//! // The gateway sends it again. The first delivery had its effect already, so there is one reply.
//! bench.receive("1", "echo second", Some("m2")).await.unwrap();
//! bench.minutes(2).await;
//! assert_eq!(bench.gateway.texts(), ["first", "second"]);
//! # });
//! ```
//!
//! # A queue that fails, or hands out twice
//!
//! ```
//! use threadless::testing::{Bench, FaultKind, When};
//! use threadless::{Router, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = Bench::with(Router::new().app(apps::Echo)).queued().build();
//! // The first call is a call of the queue, and it fails.
//! bench.faults.plan(1, FaultKind::Error, When::Before);
//! assert!(bench.receive("1", "echo hi", Some("m1")).await.is_err(), "503: the gateway keeps it");
//! bench.receive("1", "echo hi", Some("m1")).await.unwrap();
//!
//! // Now the first call is a call of the store, in the responder. It fails, so the job comes back.
//! bench.faults.plan(1, FaultKind::Error, When::Before);
//! assert_eq!(bench.work_off().await.len(), 1);
//! bench.minutes(1).await;
//! assert_eq!(bench.gateway.texts(), ["hi"]);
//!
//! // A queue may deliver a job twice. The job has its effect once.
//! bench.hand_out_again().await;
//! assert_eq!(bench.gateway.texts(), ["hi"]);
//! # });
//! ```
//!
//! # Tests without the bench
//!
//! Nothing in this module is global, and nothing reads the environment. So a test can also use single parts. A
//! [`Router`](crate::Router) takes a message through the phases, and stores and sends nothing:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use threadless::testing::TestClock;
//! use threadless::{About, Clock as _, ConnectionId, Deadline, Incoming, MessageId, Router, Session, apps};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let router = Router::new().app(apps::Ping).app(apps::Echo);
//! let now = TestClock::default().now();
//! let connection = ConnectionId::new("kannel-a".parse().unwrap(), "1112223333".parse().unwrap());
//! let message = Incoming::new(MessageId::random(), connection, "echo hello", now);
//! let about = About { name: "Clinic".to_owned(), ..About::default() };
//! let deadline = Deadline::within(Duration::from_secs(29));
//! let outcome = router.run(Arc::new(message), Session::default(), Arc::new(about), now, deadline).await;
//! assert_eq!(outcome.replies[0].text, "hello");
//! # });
//! ```
//!
//! A [`Project`](crate::Project) is a router with backends, a store, a queue and a clock. You can choose each of them:
//! for example, a backend of your own, whose requests the test reads.
//!
//! ```
//! # use std::time::Duration;
//! # use bytes::Bytes;
//! # use http::{Method, Request};
//! # use threadless::Outgoing;
//! # use threadless::backend::{Backend, Caller, Fault, Received, SendOutcome};
//! use std::sync::{Arc, Mutex};
//!
//! use threadless::backend::{AnyBackend, Fetched, Transport, TransportError};
//! use threadless::project::Settings;
//! use threadless::queue::MemoryQueue;
//! use threadless::store::MemoryStore;
//! use threadless::{Deadline, Ports, Project, Router, SystemClock, apps, endpoint};
//!
//! # struct Acme;
//! # impl Backend for Acme {
//! #     fn methods(&self) -> &[Method] { &[Method::GET] }
//! #     fn authenticate(&self, _: &Request<Bytes>) -> Caller { Caller::Anyone }
//! #     fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
//! #         let text = request.uri().query().unwrap_or_default().to_owned();
//! #         Ok(Received::new("1".parse().unwrap(), text))
//! #     }
//! #     fn send_timeout(&self) -> Duration { Duration::from_secs(5) }
//! #     async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
//! #         let request = Request::get(format!("http://acme.example/{}", message.text)).body(Bytes::new()).unwrap();
//! #         match transport.fetch(request, limit).await {
//! #             Ok(_) => SendOutcome::Accepted { detail: String::new() },
//! #             Err(problem) => problem.into(),
//! #         }
//! #     }
//! # }
//! /// A transport that records each request instead of sending it.
//! #[derive(Default)]
//! struct Sent(Mutex<Vec<String>>);
//!
//! #[async_trait::async_trait]
//! impl Transport for Sent {
//!     async fn fetch(&self, request: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
//!         self.0.lock().unwrap().push(request.uri().to_string());
//!         Ok(Fetched::new(200, Bytes::new()))
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let sent = Arc::new(Sent::default());
//! let settings = Settings::named("Clinic").with_backend("acme".parse().unwrap(), AnyBackend::new(Acme));
//! let queue = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
//! let ports = Ports::new(Arc::new(MemoryStore::new()), queue, sent.clone(), Arc::new(SystemClock));
//! let project = Project::new(settings, Router::new().app(apps::Ping), ports);
//!
//! let request = Request::get("/by-hand/acme/?ping").body(Bytes::new()).unwrap();
//! let answer = endpoint::serve(&project, "by hand", request, Deadline::within(Duration::from_secs(30))).await;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(*sent.0.lock().unwrap(), ["http://acme.example/pong"]);
//! # });
//! ```

mod bench;
mod clock;
mod faulty;
mod gateway;
mod transcript;

pub use crate::util::chance::Chance;
pub use bench::{Bench, BenchBuilder};
pub use clock::TestClock;
pub use faulty::{FaultKind, Faults, FaultyQueue, FaultyStore, When};
pub use gateway::{Behaviour, TestGateway};
pub use transcript::{Mismatch, OpenError, Problem, Said, Stage, StageError, Transcript, TranscriptError};
