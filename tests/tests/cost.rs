//! The cost of a message in DynamoDB, by the consumed capacity that the emulator reports. `core/ARCHITECTURE.md` quotes
//! these figures. `cargo test -p tests --test cost -- --nocapture` prints them.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use tests::recorder::{Recorder, Reply};
use threadless::aws::{Access, http_client};
use threadless::backend::{Engines, HttpTransport, Received};
use threadless::project::Settings;
use threadless::queue::{MemoryQueue, Queue};
use threadless::settings::Surroundings;
use threadless::store::dynamodb::{DynamoStore, Meter};
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Context, Deadline, Handled, Ports, Project, Report, Router, SystemClock, apps, endpoint,
    incoming, sweep,
};
use threadless_local::{Stack, StackOptions};

struct Metered {
    project: Arc<Project>,
    queue: Arc<MemoryQueue>,
    meter: Arc<Meter>,
    gateway: Recorder,
    _stack: Stack,
}

/// Returns options for a stack without sweeps, since a sweep would change the measured work.
fn quiet(settings: &str) -> StackOptions {
    StackOptions { tick: Duration::from_secs(3600), ..tests::stack::ephemeral(settings) }
}

async fn metered(router: Router) -> Metered {
    metered_in(router, "").await
}

async fn metered_in(router: Router, country: &str) -> Metered {
    let stack = Stack::start(quiet("[project]\nname = \"T\"")).await.unwrap();
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = format!(
        "[project]\nname = \"T\"\n{country}\n[backends.k]\nengine = \"kannel\"\nsendsms_url = \"{}\"\n\
         delivery_report_url = \"http://127.0.0.1:1\"",
        gateway.url("/cgi-bin/sendsms")
    );
    let settings = Settings::read(&settings, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    let meter = Arc::new(Meter::default());
    let store = DynamoStore::new(&access, http_client().unwrap(), "threadless").metered(Arc::clone(&meter));
    let queue = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
    let ports = Ports::new(
        Arc::new(store),
        Arc::clone(&queue) as Arc<dyn Queue>,
        Arc::new(HttpTransport::new()),
        Arc::new(SystemClock),
    );
    let project = Arc::new(Project::new(settings, router, ports));
    Metered { project, queue, meter, gateway, _stack: stack }
}

impl Metered {
    /// Processes one message, and returns the read and write units that it took.
    async fn message(&self, text: &str, mid: &str) -> (f64, f64) {
        self.message_from("1112223333", text, mid).await
    }

    async fn message_from(&self, from: &str, text: &str, mid: &str) -> (f64, f64) {
        let mut received = Received::new(from.parse().unwrap(), text);
        received.gateway_id = Some(mid.to_owned());
        let deadline = Deadline::within(Duration::from_secs(20));
        incoming(&self.project, &"k".parse().unwrap(), received, deadline).await.unwrap();
        (self.meter.take_read_units(), self.meter.take_write_units())
    }
}

#[tokio::test]
async fn a_message_with_one_reply_costs_six_write_units_and_seven_of_a_busy_sender() {
    let metered = metered(Router::new().app(apps::Echo)).await;
    let first = metered.message("echo hello", "m0").await;
    let known = metered.message("echo hello", "m1").await;
    let duplicate = metered.message("echo hello", "m1").await;
    let silent = metered.message("nothing to say", "m2").await;
    // The first messages fill the space for ids. Each later message pushes one id out.
    let mut written = 0.0;
    for nth in 0..96 {
        let cost = metered.message("echo hello", &format!("busy{nth}")).await.1;
        written += if nth < 32 { 0.0 } else { cost };
    }
    let busy = written / 64.0;
    assert!(sweep(&metered.project).await.is_ok());
    let idle = metered.meter.take_read_units();
    println!("first contact:         {} read, {} write units", first.0, first.1);
    println!("one reply:             {} read, {} write units", known.0, known.1);
    println!("no reply:              {} read, {} write units", silent.0, silent.1);
    println!("duplicate:             {} read, {} write units", duplicate.0, duplicate.1);
    println!("one reply, busy sender: {busy:.2} write units on average");
    println!("a sweep with nothing due: {idle} read units");
    assert_eq!((first, known, silent), ((3.0, 7.0), (2.0, 6.0), (2.0, 2.0)));
    assert!((busy - 7.0).abs() < 0.1, "{busy}");
    assert_eq!(metered.gateway.requests().len(), 98);
}

/// An app that receives reports on messages and does nothing with them.
struct Learns;

impl App for Learns {
    async fn report(&self, _: &mut Context, _: &Report) -> Result<(), AppError> {
        Ok(())
    }
}

impl Metered {
    /// Reports on the last message that the gateway took, as Kannel would, and returns the cost.
    async fn report(&self, kind: &str) -> (f64, f64) {
        let sent = self.gateway.requests().pop().unwrap();
        let url = sent.text("dlr-url").unwrap().replace("%d", kind).replace("%A", "").replace("%T", "1");
        let request = http::Request::get(url).body(bytes::Bytes::new()).unwrap();
        let deadline = Deadline::within(Duration::from_secs(20));
        let answer = endpoint::serve(&self.project, "kannel", request, deadline).await;
        assert_eq!(answer.status(), 200);
        // This runs the job for the apps, if there is one.
        while let Some(ticket) = self.queue.take() {
            let (id, group) = ("1".to_owned(), Some(ticket.group.clone()));
            let record = Record { id, group, body: ticket.job.to_json(), receive_count: 1, sent_at: None };
            assert_eq!(respond(&self.project, vec![record], deadline).await, []);
        }
        (self.meter.take_read_units(), self.meter.take_write_units())
    }
}

#[tokio::test]
async fn a_report_costs_one_write_unit_and_what_the_apps_make_of_it() {
    let alone = metered(Router::new().app(apps::Echo)).await;
    alone.message("echo hello", "m0").await;
    let delivered = alone.report("1").await;
    // The figure includes the cost of the job of the function `responder`.
    let learning = metered(Router::new().app(apps::Echo).app(Learns)).await;
    learning.message("echo hello", "m0").await;
    let learnt = learning.report("1").await;
    println!("a report:                    {} read, {} write units", delivered.0, delivered.1);
    println!("a report that an app learns: {} read, {} write units", learnt.0, learnt.1);
    assert_eq!(delivered, (0.0, 1.0));
    assert!(learnt.0 <= 2.0 && learnt.1 <= 2.0, "{learnt:?}");
}

/// An app that sets the name of the contact on `i am X`.
struct Name;

impl App for Name {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(name) = cx.text().strip_prefix("i am ").map(str::to_owned) else { return Ok(Handled::No) };
        cx.contact_mut().set_name(&name);
        cx.reply(format!("Hello, {name}"));
        Ok(Handled::Yes)
    }
}

#[tokio::test]
async fn a_contact_costs_one_read_unit_and_a_change_of_it_three_write_units() {
    let metered = metered(Router::new().app(Name).app(apps::Echo)).await;
    metered.message("echo hello", "m0").await;
    let without = metered.message("echo hello", "m1").await;
    let made = metered.message("i am Asha", "m2").await;
    let with = metered.message("echo hello", "m3").await;
    let changed = metered.message("i am Bekele", "m4").await;
    let unchanged = metered.message("i am Bekele", "m5").await;
    println!("without a contact:     {} read, {} write units", without.0, without.1);
    println!("a contact is made:     {} read, {} write units", made.0, made.1);
    println!("with a contact:        {} read, {} write units", with.0, with.1);
    println!("a contact is changed:  {} read, {} write units", changed.0, changed.1);
    assert_eq!(with, (without.0 + 1.0, without.1), "one more read, and the same single write");
    assert_eq!(unchanged, with, "what is set to what it was is no change");
    assert!(changed.1 <= without.1 + 3.0, "{changed:?}");
}

/// The first claim of a person under the present rules for numbers reads the records of the other forms.
#[tokio::test]
async fn the_other_forms_of_a_number_cost_up_to_seven_read_units_once() {
    for (country, from, others) in [
        ("", "+254711000222", 1.0),
        ("country = \"KE\"", "0711000222", 5.0),
        ("country = \"KE\"", "22384", 0.0),
    ] {
        let metered = metered_in(Router::new().app(apps::Echo), country).await;
        metered.message_from("100", "echo hello", "m0").await;
        let first = metered.message_from(from, "echo hello", "m1").await;
        let known = metered.message_from(from, "echo hello", "m2").await;
        println!("{country:16} {from:14} new: {} read, known: {} read units", first.0, known.0);
        assert_eq!(first, (known.0 + others, known.1), "{country} {from}");
    }
}
