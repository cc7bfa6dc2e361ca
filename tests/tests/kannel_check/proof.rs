//! One proof: the same actions on a Kannel with the fault and on one without it, and the difference in what is seen.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tests::kannel::{Kannel, KannelOptions, Routing, messages};
use tests::recorder::Recorder;
use threadless_local::kannel::check::{Finding, Folders, check};
use threadless_local::kannel::file::Conf;
use tokio::time::{Instant, sleep};

/// The time limit of steps that take milliseconds on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);
/// The time to wait for further messages. A late message comes within milliseconds.
pub(crate) const SETTLED: Duration = Duration::from_millis(1500);
/// The short code.
pub(crate) const CODE: &str = "1234";
/// A phone.
pub(crate) const PHONE: &str = "1112223333";

/// The actions of a proof.
pub(crate) type Act = for<'a> fn(&'a mut Kannel, &'a mut Recorder) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The observations of a proof, each as a text.
pub(crate) type See = fn(&Kannel, &Recorder) -> Vec<String>;

/// A fault and its proof.
pub(crate) struct Proof {
    /// The name of the check.
    pub(crate) check: &'static str,
    /// The change that makes the recommended configuration faulty.
    pub(crate) fault: fn(&mut KannelOptions),
    /// The change that the corrected configuration has instead, mostly none.
    pub(crate) mend: fn(&mut KannelOptions),
    /// The actions.
    pub(crate) act: Act,
    /// The observations.
    pub(crate) see: See,
    /// The observations with the fault.
    pub(crate) faulty: &'static [&'static str],
    /// The observations without the fault.
    pub(crate) mended: &'static [&'static str],
}

/// Returns the configuration that the project recommends, except for the pause between retries.
pub(crate) fn recommended(base: &str) -> KannelOptions {
    let mut options = KannelOptions::new(base);
    options.retries = 4000;
    options.http_timeout = 60;
    options.routing = Routing::Named;
    options
}

/// Replaces a text of the file.
pub(crate) fn replace(options: &mut KannelOptions, from: &str, to: &str) {
    options.replace.push((from.to_owned(), to.to_owned()));
}

/// Returns the findings in the configuration of these options.
pub(crate) fn found(options: &KannelOptions) -> Vec<Finding> {
    check(&Conf::parse("kannel.conf", options.file().as_bytes()), Folders::Ignored)
}

impl Proof {
    /// Runs the proof.
    pub(crate) async fn show(&self) {
        for (change, is_faulty, expected) in
            [(self.fault, true, self.faulty), (self.mend, false, self.mended)]
        {
            let mut endpoint = Recorder::start().await.unwrap();
            let mut options = recommended(&endpoint.url("/backend/k/"));
            change(&mut options);
            let findings = found(&options);
            let named = findings.iter().any(|finding| finding.check.name == self.check);
            assert_eq!(named, is_faulty, "{}: {findings:#?}", self.check);
            let mut kannel = Kannel::start(options).await.unwrap();
            (self.act)(&mut kannel, &mut endpoint).await;
            let begun = Instant::now();
            while (self.see)(&kannel, &endpoint).len() < expected.len() && begun.elapsed() < LIMIT {
                sleep(Duration::from_millis(20)).await;
            }
            sleep(SETTLED).await;
            // The observations have no fixed order, because smsbox makes several requests at once.
            let mut seen = (self.see)(&kannel, &endpoint);
            seen.sort_unstable();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(seen, expected, "{}, {}", self.check, if is_faulty { "faulty" } else { "mended" });
        }
    }
}

/// The number of proofs that run side by side.
const AT_ONCE: usize = 4;

/// Runs all proofs of a family.
pub(crate) async fn show(proofs: &[Proof], shown: &[&str]) {
    let names: Vec<&str> = proofs.iter().map(|proof| proof.check).collect();
    assert!(shown.iter().all(|name| names.contains(name)), "{shown:?} {names:?}");
    let all = futures_util::stream::iter(proofs.iter().map(Proof::show));
    all.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// Returns the texts that arrived at the endpoint, as far as they are text.
pub(crate) fn heard(_: &Kannel, endpoint: &Recorder) -> Vec<String> {
    let text = |hex: String| {
        let bytes: Option<Vec<u8>> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(hex)
    };
    endpoint.requests().iter().filter_map(|request| request.text("hex").map(text)).collect()
}

/// Returns the sender and the text of each message that phones got.
pub(crate) fn got(kannel: &Kannel, _: &Recorder) -> Vec<String> {
    let all = kannel_lines(kannel);
    messages(&all).unwrap().into_iter().map(|message| format!("{}: {}", message.from, message.text)).collect()
}

fn kannel_lines(kannel: &Kannel) -> Vec<tests::kannel::Mt> {
    ["A", "B"].into_iter().filter_map(|line| kannel.line(line)).flat_map(|operator| operator.mts()).collect()
}

/// Returns the texts at the endpoint and the messages at the phones.
pub(crate) fn heard_and_got(kannel: &Kannel, endpoint: &Recorder) -> Vec<String> {
    [heard(kannel, endpoint), got(kannel, endpoint)].concat()
}

/// Sends `hello` from a phone.
pub(crate) fn hello<'a>(
    kannel: &'a mut Kannel,
    _: &'a mut Recorder,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move { kannel.smsc().text(PHONE, CODE, "hello").await.unwrap() })
}
