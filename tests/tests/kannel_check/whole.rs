//! Faults that show only with the Lambda functions behind Kannel, in the messages that the phone gets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::apps::Counting;
use tests::kannel::{Kannel, KannelOptions, messages};
use tests::ports::free_port;
use threadless_local::kannel::check::with_settings;
use threadless_local::kannel::file::Conf;
use threadless_local::{Stack, StackOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::proof::{CODE, LIMIT, PHONE, SETTLED, recommended, replace};

/// The faults that these proofs show.
pub(crate) const SHOWN: &[&str] = &[
    "no-text",
    "no-sender",
    "no-id",
    "no-charset",
    "taken-escape",
    "too-long",
    "not-a-get",
    "unknown-backend",
    "wrong-token",
    "unknown-user",
    "not-routable",
    "no-from",
    "other-sendsms",
];

/// The settings of backend `k`, in addition to the URL to which it sends.
struct Backend {
    token: &'static str,
    params: &'static str,
    /// The port that is replaced by that of smsbox.
    port: Option<u16>,
}

const USUAL: &str = "smsc = \"A\", from = \"1234\", username = \"rapidsms\", password = \"change-me\"";

impl Default for Backend {
    fn default() -> Self {
        Self { token: "", params: USUAL, port: None }
    }
}

impl Backend {
    fn settings(&self, sendsms_port: u16) -> String {
        format!(
            "[project]\nname = \"Proof\"\ndefault_response = \"What?\"\n[backends.k]\nengine = \"kannel\"\n\
             token = \"{}\"\nsendsms_url = \"http://127.0.0.1:{}/cgi-bin/sendsms\"\nsendsms_params = {{ {} }}\n",
            self.token,
            self.port.unwrap_or(sendsms_port),
            self.params
        )
    }
}

/// A fault and its proof.
struct Proof {
    check: &'static str,
    fault: (fn(&mut KannelOptions), Backend),
    mend: (fn(&mut KannelOptions), Backend),
    says: String,
    faulty: &'static [&'static str],
    mended: &'static [&'static str],
}

fn url(options: &mut KannelOptions, from: &str, to: &str) {
    let url = options.services[0].get_url.replace(from, to);
    assert_ne!(url, options.services[0].get_url);
    options.services[0].get_url = url;
}

fn plain() -> Backend {
    Backend::default()
}

fn proofs() -> Vec<Proof> {
    let proof = |check, fault: fn(&mut KannelOptions), faulty| Proof {
        check,
        fault: (fault, plain()),
        mend: (|_| {}, plain()),
        says: "echo hello".to_owned(),
        faulty,
        mended: &["1234: hello"],
    };
    let settings = |check, params, port| Proof {
        fault: (|_| {}, Backend { params, port, ..plain() }),
        ..proof(check, |_| {}, &[])
    };
    let token = |token| Backend { token, ..plain() };
    vec![
        proof("no-text", |options| url(options, "hex=%e&", ""), &[]),
        proof("no-sender", |options| url(options, "id=%p&", ""), &[]),
        Proof {
            says: "echo ሰላም".to_owned(),
            mended: &["1234: ሰላም"],
            ..proof("no-charset", |options| url(options, "&charset=%C&coding=%c", ""), &["1234: What?"])
        },
        Proof {
            fault: (|options| url(options, "?", "?token=n%C3%A9&"), token("né")),
            mend: (|options| url(options, "?", "?token=n%%C3%%A9&"), token("né")),
            ..proof("taken-escape", |_| {}, &[])
        },
        Proof {
            says: format!("echo {}", "é".repeat(1500)),
            mended: &["1234: 1500 characters"],
            ..proof("too-long", |options| url(options, "hex=%e", "hex=%e&text=%b"), &[])
        },
        proof("not-a-get", |options| replace(options, "get-url = ", "post-url = "), &[]),
        proof("unknown-backend", |options| url(options, "/backend/k/", "/backend/other/"), &[]),
        Proof {
            fault: (|options| url(options, "?", "?token=wrong&"), token("right")),
            mend: (|options| url(options, "?", "?token=right&"), token("right")),
            ..proof("wrong-token", |_| {}, &[])
        },
        settings(
            "unknown-user",
            "smsc = \"A\", from = \"1234\", username = \"other\", password = \"change-me\"",
            None,
        ),
        settings(
            "unknown-user",
            "smsc = \"A\", from = \"1234\", username = \"rapidsms\", password = \"other\"",
            None,
        ),
        settings(
            "not-routable",
            "smsc = \"Z\", from = \"1234\", username = \"rapidsms\", password = \"change-me\"",
            None,
        ),
        settings("not-routable", "from = \"1234\", username = \"rapidsms\", password = \"change-me\"", None),
        settings("no-from", "smsc = \"A\", username = \"rapidsms\", password = \"change-me\"", None),
        settings("other-sendsms", USUAL, Some(1)),
    ]
}

/// Returns the messages that phones got. A long message is shown by its length.
fn got(kannel: &Kannel) -> Vec<String> {
    let text = |text: String| match text.chars().count() {
        count @ 100.. => format!("{count} characters"),
        _ => text,
    };
    // Some parts may not have arrived yet.
    let whole = messages(&kannel.smsc().mts()).unwrap_or_default();
    whole.into_iter().map(|message| format!("{}: {}", message.from, text(message.text))).collect()
}

fn named(options: &KannelOptions, backend: &Backend, check: &str) -> bool {
    let conf = Conf::parse("kannel.conf", options.file().as_bytes());
    let found = with_settings(&conf, &backend.settings(13013), &functions::engines()).unwrap();
    found.iter().any(|finding| finding.check.name == check)
}

async fn seen(kannel: &Kannel, count: usize) -> Vec<String> {
    let begun = Instant::now();
    while got(kannel).len() < count && begun.elapsed() < LIMIT {
        sleep(std::time::Duration::from_millis(20)).await;
    }
    sleep(SETTLED).await;
    got(kannel)
}

async fn start(backend: &Backend, kannel: &Kannel, port: u16) -> Stack {
    let sendsms: SocketAddr = kannel
        .sendsms_url()
        .trim_start_matches("http://")
        .trim_end_matches("/cgi-bin/sendsms")
        .parse()
        .unwrap();
    let settings = backend.settings(sendsms.port());
    let apps = |router: threadless::Router| functions::apps(router.app(Counting));
    Stack::start(StackOptions { port, ..tests::stack::with_apps(apps, &settings) }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_keeps_answers_from_phones_does() {
    let proofs = proofs();
    let shown: Vec<&str> = proofs.iter().map(|proof| proof.check).chain(["no-id"]).collect();
    assert!(SHOWN.iter().all(|name| shown.contains(name)));
    for Proof { check, fault, mend, says, faulty, mended } in &proofs {
        for ((change, backend), is_faulty, expected) in [(fault, true, faulty), (mend, false, mended)] {
            let port = free_port().unwrap();
            let mut options = recommended(&format!("http://127.0.0.1:{port}/backend/k/"));
            change(&mut options);
            assert_eq!(named(&options, backend, check), is_faulty, "{check}");
            let kannel = Kannel::start(options).await.unwrap();
            let _stack = start(backend, &kannel, port).await;
            kannel.smsc().text(PHONE, CODE, says).await.unwrap();
            assert_eq!(seen(&kannel, expected.len()).await, *expected, "{check}, faulty: {is_faulty}");
        }
    }
}

/// Passes requests on, and loses the answer to the first one.
async fn loses_an_answer(listener: TcpListener, to: SocketAddr) {
    let lost = Arc::new(AtomicBool::new(false));
    while let Ok((mut client, _)) = listener.accept().await {
        let lost = Arc::clone(&lost);
        tokio::spawn(async move {
            let mut server = TcpStream::connect(to).await?;
            if lost.swap(true, Ordering::SeqCst) {
                copy_bidirectional(&mut client, &mut server).await?;
            } else {
                let mut request = vec![0; 16 * 1024];
                let length = client.read(&mut request).await?;
                server.write_all(&request[..length]).await?;
                // The request is answered, and so it is done. Smsbox does not get the answer.
                server.read_exact(&mut [0]).await?;
            }
            Ok::<_, std::io::Error>(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn without_an_id_a_repeated_message_has_its_effect_twice() {
    for (is_faulty, expected) in [(true, &["1234: 1 x", "1234: 2 x"][..]), (false, &["1234: 1 x"])] {
        let port = free_port().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = recommended(&format!("http://{}/backend/k/", listener.local_addr().unwrap()));
        if is_faulty {
            url(&mut options, "&mid=%I", "");
        }
        assert_eq!(named(&options, &plain(), "no-id"), is_faulty);
        let kannel = Kannel::start(options).await.unwrap();
        let _stack = start(&plain(), &kannel, port).await;
        let proxy = tokio::spawn(loses_an_answer(listener, SocketAddr::from(([127, 0, 0, 1], port))));
        kannel.smsc().text(PHONE, CODE, "count x").await.unwrap();
        assert_eq!(seen(&kannel, expected.len()).await, expected);
        proxy.abort();
    }
}
