//! A gateway that the test plays, beside a stack as a process. It brings messages one by one as Kannel would, and takes
//! replies. A proxy in each direction records the requests.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tests::http::{escape, get};
use tests::ports::free_port;
use tests::proxy::Proxy;
use tests::recorder::{Recorder, Reply};
use threadless::store::dynamodb::DynamoStore;
use tokio::time::{Instant, sleep};

use crate::count::{self, Seen};
use crate::judge::{Figures, Texted};
use crate::{LIMIT, MODES};

/// The gateway. Each of [`MODES`] is a backend of that name.
pub(crate) struct Gateway {
    pub(crate) ports: [u16; 3],
    /// The server that takes replies.
    pub(crate) sendsms: Recorder,
    way_in: Proxy,
    pub(crate) way_out: Proxy,
    /// The messages of each backend.
    texted: [Mutex<Vec<Texted>>; 2],
}

impl Gateway {
    /// Starts the gateway, and writes settings for a stack that serves it.
    pub(crate) async fn start(data: &Path) -> Self {
        let ports = [free_port().unwrap(), free_port().unwrap(), free_port().unwrap()];
        let sendsms = Recorder::start().await.unwrap();
        sendsms.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
        let (way_in, way_out) = (Proxy::start().await.unwrap(), Proxy::start().await.unwrap());
        way_in.leads_to(([127, 0, 0, 1], ports[0]).into());
        way_out.leads_to(sendsms.address());
        let table = |mode: &str| {
            format!(
                "[backends.{mode}]\nengine = \"kannel\"\nrespond = \"{mode}\"\ntimeout_seconds = 2\n\
                 sendsms_url = \"http://{}/cgi-bin/sendsms?smsc={mode}\"\n",
                way_out.address()
            )
        };
        let settings = format!("[project]\nname = \"Soak\"\n{}{}", table(MODES[0]), table(MODES[1]));
        std::fs::write(data.join("settings.toml"), settings).unwrap();
        Self { ports, sendsms, way_in, way_out, texted: Default::default() }
    }

    /// Makes a phone send a message, and brings it once. Returns the status of the answer, or `None` if there is none.
    pub(crate) async fn text(&self, mode: usize, number: &str, text: &str) -> Option<u16> {
        let texted = Texted { number: number.to_owned(), text: text.to_owned(), acknowledged: true };
        self.texted[mode].lock().unwrap().push(texted);
        self.bring(mode, number, text).await
    }

    /// Brings a message once more.
    pub(crate) async fn bring(&self, mode: usize, number: &str, text: &str) -> Option<u16> {
        let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
        let (mid, backend) = (escape(format!("{number} {text}")), MODES[mode]);
        let query = format!("id={number}&hex={hex}&charset=UTF-8&coding=0&mid={mid}");
        let url = format!("http://{}/backend/{backend}/?{query}", self.way_in.address());
        get(&url).await.ok().map(|answer| answer.status)
    }

    /// Brings a message again and again, until it is accepted.
    pub(crate) async fn bring_until_taken(&self, mode: usize, number: &str, text: &str) {
        let begun = Instant::now();
        while self.bring(mode, number, text).await != Some(200) {
            assert!(begun.elapsed() < LIMIT, "{number} {text}: not taken within {LIMIT:?}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Returns the messages that the phones of a backend got so far, in order: number and text.
    pub(crate) fn phones(&self, mode: usize) -> Vec<(String, String)> {
        let passed = self.way_out.passed().into_iter();
        let passed = passed.filter(|passed| passed.text("smsc").as_deref() == Some(MODES[mode]));
        let taken = passed.filter(|passed| passed.answered.is_some_and(|(_, status)| status == 202));
        taken.filter_map(|passed| Some((passed.text("to")?, passed.text("text")?))).collect()
    }

    pub(crate) fn store(&self) -> DynamoStore {
        count::dynamodb_store(&format!("http://127.0.0.1:{}", self.ports[1]))
    }

    /// Waits until no work is left, counts, and compares the counts with the promises.
    pub(crate) async fn judge(&self) -> [Figures; 2] {
        crate::until("all is at rest", || async { count::at_rest(self.ports).await.unwrap_or(false) }).await;
        let mut figures = [Figures::default(), Figures::default()];
        for (mode, name) in MODES.iter().enumerate() {
            let seen = Seen {
                backend: name,
                line: name,
                ways: [self.way_in.passed(), self.way_out.passed()],
                phones: self.phones(mode),
                texted: self.texted[mode].lock().unwrap().clone(),
            };
            figures[mode] = Figures::of(&count::evidence(seen, &self.store()).await);
            println!("respond = {name:?}:\n{}", figures[mode]);
            assert_eq!(figures[mode].faults, Vec::<String>::new(), "respond = {name:?}");
        }
        assert_eq!(count::left_behind(self.ports).await, Vec::<String>::new());
        figures
    }
}
