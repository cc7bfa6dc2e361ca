//! Every sample in `events/` goes through its Lambda function, with the shipped settings and apps and an http backend
//! in addition. This file has the expected result of each sample.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tests::recorder::{Recorded, Recorder, Reply};
use threadless::backend::{HttpTransport, ReportKey};
use threadless::lambda::{self, Function, Host};
use threadless::metrics::NoMeter;
use threadless::project::Settings;
use threadless::queue::{Job, MemoryQueue, Queue, Ticket};
use threadless::settings::{Secret, Surroundings};
use threadless::store::{Direction, History as _, HistoryRow, MemoryStore, State, Store};
use threadless::testing::TestClock;
use threadless::{Clock, ConnectionId, Deadline, Incoming, MessageId, Outgoing, Ports, Project, Router};

const BACKEND: &str = "my-kannel-backend";
const HTTP_BACKEND: &str = "my-http-backend";
const SENDER: &str = "1112223333";
const ODD: &str = "50% off #1";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The expected result of a sample.
enum Expected {
    /// For `kannel` and `http`: an answer, and perhaps a message on the queue.
    Answer { status: u16, headers: Value, body: &'static str, enqueued: Option<Enqueued> },
    /// For a delivery report to `kannel`: the answer's status and body, and the resulting row of history, if there is
    /// one.
    Report { status: u16, body: &'static str, row: Option<(State, Option<&'static str>)> },
    /// For `responder`: the numbers of the records that are not done, and the requests that reach sendsms.
    Batch { failed: &'static [usize], sent: &'static [(&'static str, &'static str)] },
    /// For `httptester`: an answer that includes these headers, the beginning of its body, and the resulting history of
    /// a number.
    Page { status: u16, headers: Value, begins: &'static str, said: &'static [(&'static str, &'static str)] },
    /// For `send`: an answer over HTTP, and the texts that finally reach sendsms.
    Sent { status: u16, body: Value, texts: &'static [(&'static str, &'static str)] },
    /// For `tick`, and for `send` by direct invocation: its result, and the texts that finally reach sendsms.
    Result(Value, &'static [(&'static str, &'static str)]),
    /// For `check`: the answer to `CloudFormation`.
    Told { status: &'static str, warnings: &'static str },
}

/// A message that must be on the queue.
struct Enqueued {
    backend: &'static str,
    text: &'static str,
    gateway_id: Option<&'static str>,
    received_at: Option<&'static str>,
    recipient: Option<&'static str>,
    details: &'static [&'static str],
}

/// A message with the parameters of `rapidsms-threadless-router` has fewer details.
const ORIGINAL: Enqueued = Enqueued {
    backend: BACKEND,
    text: "echo hello",
    gateway_id: None,
    received_at: None,
    recipient: None,
    details: &["charset=UTF-8", "coding=0"],
};

fn accepted(enqueued: Enqueued) -> Expected {
    let headers = json!({ "content-type": PLAIN });
    Expected::Answer { status: 200, headers, body: "", enqueued: Some(enqueued) }
}

fn ok(enqueued: Enqueued) -> Expected {
    let headers = json!({ "content-type": PLAIN });
    Expected::Answer { status: 200, headers, body: "OK", enqueued: Some(enqueued) }
}

fn refused(status: u16, headers: Value, body: &'static str) -> Expected {
    Expected::Answer { status, headers, body, enqueued: None }
}

fn page(
    (status, headers, begins): (u16, Value, &'static str),
    said: &'static [(&'static str, &'static str)],
) -> Expected {
    Expected::Page { status, headers, begins, said }
}

const PROGRESS: &str = "/send/flood-2026-11-24";

/// The messages of the samples' broadcast, as they arrive.
const FLOOD: &[(&str, &str)] = &[
    (SENDER, "coding=2&text=%12%C8%12%95%12%D9%00%20%12%1E%12%0D%12w%12%0D%13b"),
    ("%2B251911223344", "coding=2&text=%12%C8%12%95%12%D9%00%20%12%1E%12%0D%12w%12%0D%13b"),
];

/// Returns the answer to the broadcast of the samples.
fn flood(more: &Value) -> Value {
    let mut answer = json!({
        "key": "flood-2026-11-24",
        "created_at": "2026-11-24T11:26:00Z",
        "total": 2,
        "fanned_out": 0,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    answer
}

fn expectation(sample: &str) -> Option<Expected> {
    Some(match sample {
        "kannel-gsm7.json" | "kannel-function-url.json" => accepted(Enqueued {
            backend: BACKEND,
            text: "echo hello",
            gateway_id: Some("7cb6e7e1-f828-5d19-9549-10363171f969"),
            received_at: Some("2026-11-24T11:25:33Z"),
            recipient: Some("1234"),
            details: &["charset=UTF-8", "coding=0", "smsc=usb0-modem", "ts=1795519533"],
        }),
        "check-create.json" => Expected::Told { status: "SUCCESS", warnings: "none" },
        "kannel-amharic.json" => accepted(Enqueued {
            backend: BACKEND,
            text: "echo \u{1230}\u{120b}\u{121d} \u{1208}\u{12d3}\u{1208}\u{121d}",
            gateway_id: Some("b8f61866-2b63-59a0-9217-971121724e33"),
            received_at: Some("2026-11-24T11:25:34Z"),
            recipient: Some("1234"),
            details: &["charset=UTF-16BE", "coding=2", "smsc=usb0-modem", "ts=1795519534"],
        }),
        "kannel-emoji.json" => accepted(Enqueued {
            backend: BACKEND,
            text: "echo \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            gateway_id: Some("4ed93056-95d4-5268-ad86-17625dab6c30"),
            received_at: Some("2026-11-24T11:25:35Z"),
            recipient: Some("1234"),
            details: &["charset=UTF-16BE", "coding=2", "smsc=usb0-modem", "ts=1795519535"],
        }),
        "kannel-blank.json" => accepted(Enqueued {
            backend: BACKEND,
            text: "",
            gateway_id: Some("cfeb7fe4-1535-5e3e-a102-8ab174c32140"),
            received_at: Some("2026-11-24T11:25:36Z"),
            recipient: Some("1234"),
            details: &["charset=UTF-8", "coding=0", "smsc=usb0-modem", "ts=1795519536"],
        }),
        "kannel-original-url.json" => accepted(ORIGINAL),
        "http-form.json" => ok(Enqueued {
            backend: HTTP_BACKEND,
            text: "echo hello",
            gateway_id: Some("f-1"),
            received_at: Some("2026-11-24T11:25:33Z"),
            recipient: None,
            details: &[],
        }),
        "http-json.json" => ok(Enqueued {
            backend: HTTP_BACKEND,
            text: "echo \u{1230}\u{120b}\u{121d}",
            gateway_id: Some("j-1"),
            received_at: Some("2026-11-24T11:25:34Z"),
            recipient: Some("1234"),
            details: &["network=ethiotel"],
        }),
        "kannel-malformed.json" => refused(
            400,
            json!({ "content-type": PLAIN }),
            "id: an identity cannot be empty\nhex: must consist of pairs of hexadecimal digits\n",
        ),
        "kannel-wrong-method.json" => refused(
            405,
            json!({ "content-type": PLAIN, "allow": "GET" }),
            "This backend does not accept this HTTP method.\n",
        ),
        "kannel-report-delivered.json" => {
            Expected::Report { status: 200, body: "", row: Some((State::Delivered, None)) }
        }
        "kannel-report-failed.json" => {
            let words = "NACK/validity expired";
            Expected::Report { status: 200, body: "", row: Some((State::Failed, Some(words))) }
        }
        "kannel-report-unsigned.json" => {
            let body = "The report does not belong to a message of this backend.\n";
            Expected::Report { status: 403, body, row: None }
        }
        "responder-batch.json" => Expected::Batch {
            // The third record is cut off in its middle. It fails alone. The fourth record, behind it in its group, is
            // done.
            failed: &[2],
            sent: &[
                (SENDER, "charset=UTF-8&coding=0&text=one"),
                (SENDER, "charset=UTF-8&coding=0&text=two"),
                (
                    "%2B251911223344",
                    "coding=2&text=%120%12%0B%12%1D%00%20%D8%3D%DCi%20%0D%D8%3D%DCi%20%0D%D8%3D%DCg",
                ),
                (
                    "%2B251911223344",
                    "charset=UTF-8&coding=0&text=Sorry%2C%20Threadless%20could%20not%20understand%20your%20message.",
                ),
            ],
        },
        "tick.json" => Expected::Result(json!({ "due": 0, "enqueued": 0, "jobs": 0 }), &[]),
        other => return tester_expectation(other).or_else(|| send_expectation(other)),
    })
}

fn tester_expectation(sample: &str) -> Option<Expected> {
    Some(match sample {
        "httptester-script.json" => page(
            (200, json!({ "content-type": PLAIN }), "OK"),
            &[("+251911223344", "echo 100% of #1 & \u{1230}"), ("+251911223344", "100% of #1 & \u{1230}")],
        ),
        "httptester-page.json" => {
            let kept = json!({ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
            page((200, kept, "<!doctype html>"), &[])
        }
        "httptester-odd-path.json" => {
            let to = "/httptester/message_tester/?identity=50%25%20off%20%231";
            page((303, json!({ "location": to }), ""), &[])
        }
        "httptester-odd-query.json" => page((200, json!({}), "<!doctype html>"), &[]),
        "httptester-send.json" => page(
            (200, json!({ "content-type": "application/json" }), "{\"taken\":2,"),
            &[(ODD, "echo hello"), (ODD, "hello"), (ODD, "ping"), (ODD, "pong")],
        ),
        "httptester-bad-host.json" | "httptester-cross-site.json" => page(
            (403, json!({ "content-type": PLAIN }), "This request came from a page of another site.\n"),
            &[],
        ),
        "httptester-wrong-method.json" => page(
            (405, json!({ "allow": "GET, HEAD, POST" }), "This backend does not accept this HTTP method.\n"),
            &[],
        ),
        _ => return None,
    })
}

fn send_expectation(sample: &str) -> Option<Expected> {
    Some(match sample {
        "send-post.json" => {
            Expected::Sent { status: 202, body: flood(&json!({ "progress": PROGRESS })), texts: FLOOD }
        }
        "send-faulty.json" => Expected::Sent {
            status: 400,
            body: json!({
                "problem": "The call has faults. Nothing was sent.",
                "faults": [
                    { "field": "key", "problem": "is missing" },
                    { "field": "recipients[0]", "problem": "a recipient must have the form backend:identity" },
                ],
                "more_faults": 0,
            }),
            texts: &[],
        },
        "send-progress.json" => Expected::Sent {
            status: 404,
            body: json!({ "problem": "No broadcast has this key." }),
            texts: &[],
        },
        "send-invoked.json" => {
            Expected::Result(flood(&json!({ "progress": PROGRESS, "status": 202 })), FLOOD)
        }
        "send-invoked-progress.json" => {
            Expected::Result(json!({ "problem": "No broadcast has this key.", "status": 404 }), &[])
        }
        _ => return None,
    })
}

/// The shipped project with ports in memory, and a gateway that accepts every message.
struct Rig {
    host: Host,
    queue: Arc<MemoryQueue>,
    clock: TestClock,
    store: Arc<MemoryStore>,
    gateway: Recorder,
}

impl Rig {
    async fn start() -> Result<Self> {
        let gateway = Recorder::start().await?;
        gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
        let shipped = "http://127.0.0.1:13013/cgi-bin/sendsms";
        anyhow::ensure!(functions::SETTINGS.contains(shipped), "the shipped settings send elsewhere");
        let text = functions::SETTINGS.replace(shipped, &gateway.url("/cgi-bin/sendsms"));
        let http = format!(
            "[backends.{HTTP_BACKEND}]\nengine = \"http\"\nrespond = \"queue\"\noutgoing_url = \"{}?%(text)s\"\n",
            gateway.url("/send")
        );
        let asked = "\ndelivery_report_url = ";
        let text = text.replace("\n# delivery_report_url = ", asked);
        anyhow::ensure!(text.contains(asked), "the shipped settings do not show how to ask for reports");
        let text = format!("{text}\n{http}");
        let settings = Settings::read(&text, &functions::engines(), &Surroundings::local(&[]))?;
        // The clock shows the time of the samples, because a gateway's time counts only if it is close to ours.
        let clock = TestClock::at("2026-11-24T11:26:00Z".parse()?);
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let store = Arc::new(MemoryStore::new());
        let ports = Ports::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&queue) as Arc<dyn Queue>,
            Arc::new(HttpTransport::new()),
            Arc::new(clock.clone()),
        );
        let project = Arc::new(Project::new(settings, functions::apps(Router::new()), ports));
        Ok(Self {
            host: Host { project, queue: None, warnings: [].into(), meter: Arc::new(NoMeter) },
            queue,
            clock,
            store,
            gateway,
        })
    }

    /// Returns the history of a number of the message tester, in the order of the messages' ids.
    async fn said(&self, identity: &str) -> Result<Vec<String>> {
        let connection = ConnectionId::new("message_tester".parse()?, identity.parse()?);
        let rows = self.store.history(&connection, self.clock.now(), 100).await?;
        let is_of = |row: &HistoryRow, id: &MessageId| row.id == *id || row.in_reply_to.as_ref() == Some(id);
        let mut asked: Vec<&HistoryRow> = rows.iter().filter(|row| row.direction == Direction::In).collect();
        asked.sort_by(|a, b| a.text.cmp(&b.text));
        let with_replies = asked.iter().flat_map(|row| {
            let mut of_it: Vec<&HistoryRow> = rows.iter().filter(|other| is_of(other, &row.id)).collect();
            of_it.sort_by_key(|row| row.in_reply_to.is_some());
            of_it
        });
        Ok(with_replies.map(|row| row.text.clone()).collect())
    }

    async fn invoke(&self, function: &str, event: &str) -> Result<Value> {
        let function = functions::PROJECT.function(function).context("no such function")?;
        let result = lambda::invoke(function, &self.host, event, deadline()).await?;
        Ok(serde_json::from_str(&result)?)
    }

    /// Takes all tickets off the queue and returns them.
    fn queued(&self) -> Vec<Ticket> {
        std::iter::from_fn(|| self.queue.take()).collect()
    }
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(29))
}

fn samples() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn sample(name: &str) -> Result<String> {
    Ok(std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name))?)
}

fn sent(requests: &[Recorded], to: &str) -> Vec<String> {
    let lead = "/cgi-bin/sendsms?from=1234&password=change-me&smsc=usb0-modem&username=rapidsms&dlr-mask=19&dlr-url=";
    let to = format!("to={to}&");
    let theirs = |request: &Recorded| {
        let (_, message) = request.target.strip_prefix(lead)?.split_once('&')?;
        message.strip_prefix(&to).map(str::to_owned)
    };
    requests.iter().filter_map(theirs).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_comes_to_what_is_expected_of_it() -> Result<()> {
    let files = samples()?;
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let name = file.file_name().context("no name")?.to_string_lossy().into_owned();
        let expected = expectation(&name);
        let expected = expected.with_context(|| format!("events/{name}: nothing is expected of it"))?;
        let (rig, event) = (Rig::start().await?, std::fs::read_to_string(&file)?);
        match expected {
            Expected::Answer { status, headers, body, enqueued } => {
                let function = name.split('-').next().unwrap_or_default();
                let answer = rig.invoke(function, &event).await?;
                assert_eq!(answer["statusCode"], status, "{name}: {answer}");
                assert_eq!(answer["headers"], headers, "{name}");
                assert_eq!(answer["body"], body, "{name}");
                assert_eq!(answer["isBase64Encoded"], false, "{name}");
                assert_message(&rig, &name, enqueued)?;
                assert!(rig.gateway.requests().is_empty(), "{name}: nothing is sent before the responder");
            }
            Expected::Report { status, body, row } => {
                let answer = rig.invoke("kannel", &event).await?;
                assert_eq!(
                    (&answer["statusCode"], &answer["body"]),
                    (&json!(status), &json!(body)),
                    "{name}"
                );
                let who = ConnectionId::new(BACKEND.parse()?, SENDER.parse()?);
                let rows = rig.store.history(&who, rig.clock.now(), 9).await?;
                let found: Vec<_> = rows.iter().map(|row| (row.state, row.detail.as_deref())).collect();
                assert_eq!(found, row.into_iter().collect::<Vec<_>>(), "{name}");
                assert_eq!(rig.queued(), [], "{name}: no app of the project wants to know");
            }
            Expected::Batch { failed, sent: expected } => {
                let result = rig.invoke("responder", &event).await?;
                let event: Value = serde_json::from_str(&event)?;
                let id = |at: &usize| json!({ "itemIdentifier": event["Records"][*at]["messageId"] });
                let failures: Vec<Value> = failed.iter().map(id).collect();
                assert_eq!(result, json!({ "batchItemFailures": failures }), "{name}");
                let requests = rig.gateway.requests();
                assert_eq!(requests.len(), expected.len(), "{name}: {requests:#?}");
                // Each recipient gets the messages in order. The two recipients are served side by side.
                for to in [SENDER, "%2B251911223344"] {
                    let theirs = expected.iter().filter(|(recipient, _)| *recipient == to);
                    let theirs: Vec<&str> = theirs.map(|(_, request)| *request).collect();
                    assert_eq!(sent(&requests, to), theirs, "{name}: {to}");
                }
                assert!(rig.queued().is_empty(), "{name}: what was delivered is not due again");
            }
            Expected::Page { status, headers, begins, said } => {
                let answer = rig.invoke("httptester", &event).await?;
                assert_eq!(answer["statusCode"], status, "{name}: {answer}");
                for (header, value) in headers.as_object().context("no headers")? {
                    assert_eq!(answer["headers"][header], *value, "{name}");
                }
                let body = answer["body"].as_str().context("no body")?;
                assert!(body.starts_with(begins) && body.is_empty() == begins.is_empty(), "{name}: {body}");
                for identity in [SENDER, "+251911223344", ODD] {
                    let theirs = said.iter().filter(|(whose, _)| *whose == identity).map(|(_, text)| *text);
                    assert_eq!(rig.said(identity).await?, theirs.collect::<Vec<_>>(), "{name}: {identity}");
                }
                assert!(rig.queued().is_empty() && rig.gateway.requests().is_empty(), "{name}");
            }
            Expected::Sent { status, body, texts } => {
                let answer = rig.invoke("send", &event).await?;
                assert_eq!(answer["statusCode"], status, "{name}: {answer}");
                assert_eq!(answer["headers"]["content-type"], "application/json", "{name}");
                let given: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
                assert_eq!(given, body, "{name}");
                assert_texts(&rig, &name, texts).await?;
            }
            Expected::Result(result, texts) => {
                let function = name.split(['-', '.']).next().unwrap_or_default();
                assert_eq!(rig.invoke(function, &event).await?, result, "{name}");
                assert_texts(&rig, &name, texts).await?;
            }
            Expected::Told { status, warnings } => {
                let mut event: Value = serde_json::from_str(&event)?;
                event["ResponseURL"] = rig.gateway.url("/answer?signature=a%2Fb").into();
                let result = rig.invoke("check", &event.to_string()).await?;
                assert_eq!(result, json!({ "status": status }), "{name}");
                let told = rig.gateway.requests().pop().context("nothing was told")?;
                assert_eq!((told.method.as_str(), told.target.as_str()), ("PUT", "/answer?signature=a%2Fb"));
                assert_eq!(told.header("content-type"), None, "the URL is signed for none");
                let told: Value = serde_json::from_slice(&told.body)?;
                for same in ["StackId", "RequestId", "LogicalResourceId"] {
                    assert_eq!(told[same], event[same], "{name}");
                }
                assert_eq!((&told["Status"], &told["Data"]["Warnings"]), (&json!(status), &json!(warnings)));
            }
        }
    }
    Ok(())
}

/// Works off the queue, and compares the texts that reached sendsms with the expected ones.
async fn assert_texts(rig: &Rig, name: &str, texts: &[(&str, &str)]) -> Result<()> {
    let mut rounds = 0;
    while let Ok(result) = work_off(rig).await {
        assert_eq!(result, json!({ "batchItemFailures": [] }), "{name}");
        rounds += 1;
        anyhow::ensure!(rounds < 10, "{name}: it does not come to an end");
    }
    let requests = rig.gateway.requests();
    assert_eq!(requests.len(), texts.len(), "{name}: {requests:#?}");
    for (to, text) in texts {
        assert_eq!(sent(&requests, to), [*text], "{name}: {to}");
    }
    Ok(())
}

/// Compares the queue with its expected content.
fn assert_message(rig: &Rig, name: &str, expected: Option<Enqueued>) -> Result<()> {
    let tickets = rig.queued();
    let Some(expected) = expected else {
        assert_eq!(tickets, [], "{name}: nothing goes on the queue");
        return Ok(());
    };
    let [ticket] = &tickets[..] else { anyhow::bail!("{name}: not one job: {tickets:?}") };
    let Job::Incoming { message } = &ticket.job else { anyhow::bail!("{name}: {ticket:?}") };
    let Incoming { id, connection, text, received_at, recipient, raw, details, .. } = &**message;
    assert_eq!(text.as_bytes(), expected.text.as_bytes(), "{name}: {text:?}");
    assert_eq!(
        (connection.backend.as_str(), connection.identity.as_str()),
        (expected.backend, SENDER),
        "{name}"
    );
    let at = expected.received_at.map_or(Ok(rig.clock.now()), str::parse)?;
    assert_eq!(*received_at, at, "{name}");
    assert_eq!(recipient.as_deref(), expected.recipient, "{name}");
    assert_eq!(*raw, None, "{name}: the text holds all of it");
    let details: Vec<String> = details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(details, expected.details, "{name}");
    if let Some(gateway_id) = expected.gateway_id {
        assert_eq!(*id, MessageId::of_gateway(connection, gateway_id), "{name}");
    }
    assert_eq!(*ticket, Ticket::incoming((**message).clone()), "{name}: group and dedupe id");
    Ok(())
}

#[test]
fn the_batch_sample_is_as_the_queue_would_hand_it_out() -> Result<()> {
    let event: Value = serde_json::from_str(&sample("responder-batch.json")?)?;
    let records = event["Records"].as_array().context("no records")?;
    let mut groups = Vec::new();
    let mut poisonous = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        let body = text(&record["body"])?;
        let digest = format!("{:x}", Md5::digest(&body));
        assert_eq!(record["md5OfBody"], digest, "record {at}");
        groups.push(text(&record["attributes"]["MessageGroupId"])?);
        let Ok(job) = Job::from_json(&body) else {
            poisonous.push(at);
            continue;
        };
        assert_eq!(job.to_json(), body, "record {at}: as this program writes it");
        let Job::Incoming { message } = job else { anyhow::bail!("record {at}: not a message") };
        let ticket = Ticket::incoming(*message);
        assert_eq!(record["attributes"]["MessageGroupId"], ticket.group, "record {at}");
        assert_eq!(record["attributes"]["MessageDeduplicationId"], ticket.dedupe_id, "record {at}");
    }
    assert_eq!(poisonous, [2], "one poisonous record, in the middle");
    assert!(groups[0] == groups[2] && groups[2] == groups[3], "with another of its group behind it");
    assert!(groups[1] != groups[2] && groups[1] == groups[4], "and another group beside it");
    Ok(())
}

#[test]
fn the_reports_among_the_samples_bear_the_signature_of_the_shipped_settings() -> Result<()> {
    let message = Outgoing::new(
        MessageId::from("5b1e2a52c9d84f4b8d9d0f5f6f0c7a11-1"),
        ConnectionId::new(BACKEND.parse()?, SENDER.parse()?),
        "hello",
        "2026-11-24T11:25:33.120Z".parse()?,
    );
    let signed = ReportKey::new(Some(&Secret::new("change-me"))).sign(&message);
    for (name, is_signed) in [("delivered", true), ("failed", true), ("unsigned", false)] {
        let event: Value = serde_json::from_str(&sample(&format!("kannel-report-{name}.json"))?)?;
        let query = event["rawQueryString"].as_str().context("no query")?;
        assert_eq!(query.contains(&format!("ref={signed}&")), is_signed, "{name}: {signed}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_function_cannot_read_is_an_error_and_not_an_answer() -> Result<()> {
    let rig = Rig::start().await?;
    for (name, _) in functions::FUNCTIONS.iter().filter(|(_, function)| *function != Function::Tick) {
        for event in ["", "null", "[1]", "\"text\""] {
            let problem = rig.invoke(name, event).await.err().with_context(|| format!("{name}: {event}"))?;
            assert!(problem.to_string().starts_with("the event cannot be read: "), "{name}: {problem}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_that_the_gateway_deferred_is_what_tick_finds_and_the_responder_sends() -> Result<()> {
    let rig = Rig::start().await?;
    let tick = sample("tick.json")?;
    rig.invoke("kannel", &sample("kannel-gsm7.json")?).await?;
    rig.gateway.script([Reply::text("").with_status(503)]);
    assert_eq!(work_off(&rig).await?, json!({ "batchItemFailures": [] }));
    assert_eq!(rig.gateway.requests().len(), 1, "it was tried once");

    rig.clock.advance(Duration::from_hours(1));
    assert_eq!(rig.invoke("tick", &tick).await?, json!({ "due": 1, "enqueued": 1, "jobs": 0 }));
    assert_eq!(work_off(&rig).await?, json!({ "batchItemFailures": [] }));
    let expected = "charset=UTF-8&coding=0&text=hello";
    assert_eq!(sent(&rig.gateway.requests(), SENDER), [expected, expected]);
    assert_eq!(rig.invoke("tick", &tick).await?, json!({ "due": 0, "enqueued": 0, "jobs": 0 }));
    Ok(())
}

/// Makes the function `responder` work off the queue as one batch.
async fn work_off(rig: &Rig) -> Result<Value> {
    let record = |(at, ticket): (usize, Ticket)| {
        json!({
            "messageId": at.to_string(),
            "body": ticket.job.to_json(),
            "attributes": { "MessageGroupId": ticket.group, "ApproximateReceiveCount": "1" },
        })
    };
    let records: Vec<Value> = rig.queued().into_iter().enumerate().map(record).collect();
    anyhow::ensure!(!records.is_empty(), "the queue is empty");
    rig.invoke("responder", &json!({ "Records": records }).to_string()).await
}
