//! One proof: the same is done to a Kannel with the fault and to one without, and what is seen differs.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use local::kannel::check::{Finding, Folders, check};
use local::kannel::file::Conf;
use tests::kannel::{Kannel, KannelOptions, Routing, messages};
use tests::recorder::Recorder;
use tokio::time::{Instant, sleep};

/// For what takes milliseconds on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);
/// How long it is looked on whether anything more comes. A loss that is none shows within milliseconds.
pub(crate) const SETTLED: Duration = Duration::from_millis(1500);
/// The short code.
pub(crate) const CODE: &str = "1234";
/// A phone.
pub(crate) const PHONE: &str = "1112223333";

/// What is done, and what came of it.
pub(crate) type Act = for<'a> fn(&'a mut Kannel, &'a mut Recorder) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What is looked at, each thing seen a text.
pub(crate) type See = fn(&Kannel, &Recorder) -> Vec<String>;

/// A fault, and what it does.
pub(crate) struct Proof {
    /// The check.
    pub(crate) check: &'static str,
    /// What makes the recommended configuration faulty.
    pub(crate) fault: fn(&mut KannelOptions),
    /// What the mended one has in its place; mostly nothing.
    pub(crate) mend: fn(&mut KannelOptions),
    /// What is done.
    pub(crate) act: Act,
    /// What is looked at.
    pub(crate) see: See,
    /// What is seen with the fault.
    pub(crate) faulty: &'static [&'static str],
    /// What is seen without it.
    pub(crate) mended: &'static [&'static str],
}

/// The configuration that the project recommends, but for the pause between retries.
pub(crate) fn recommended(base: &str) -> KannelOptions {
    let mut options = KannelOptions::new(base);
    options.retries = 4000;
    options.http_timeout = 60;
    options.routing = Routing::Named;
    options
}

/// Puts something in the place of what is in the file.
pub(crate) fn replace(options: &mut KannelOptions, from: &str, to: &str) {
    options.replace.push((from.to_owned(), to.to_owned()));
}

/// What is found in the configuration of these options.
pub(crate) fn found(options: &KannelOptions) -> Vec<Finding> {
    check(&Conf::parse("kannel.conf", options.file().as_bytes()), Folders::Ignored)
}

impl Proof {
    /// Shows it.
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
            // In no order: smsbox asks for several at once.
            let mut seen = (self.see)(&kannel, &endpoint);
            seen.sort_unstable();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(seen, expected, "{}, {}", self.check, if is_faulty { "faulty" } else { "mended" });
        }
    }
}

/// How many are shown side by side.
const AT_ONCE: usize = 4;

/// Shows all of a family.
pub(crate) async fn show(proofs: &[Proof], shown: &[&str]) {
    let names: Vec<&str> = proofs.iter().map(|proof| proof.check).collect();
    assert!(shown.iter().all(|name| names.contains(name)), "{shown:?} {names:?}");
    let all = futures_util::stream::iter(proofs.iter().map(Proof::show));
    all.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// The texts that arrived at the endpoint, as far as they are text.
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

/// What phones got: sender and text.
pub(crate) fn got(kannel: &Kannel, _: &Recorder) -> Vec<String> {
    let all = kannel_lines(kannel);
    messages(&all).unwrap().into_iter().map(|message| format!("{}: {}", message.from, message.text)).collect()
}

fn kannel_lines(kannel: &Kannel) -> Vec<tests::kannel::Mt> {
    ["A", "B"].into_iter().filter_map(|line| kannel.line(line)).flat_map(|operator| operator.mts()).collect()
}

/// Both.
pub(crate) fn heard_and_got(kannel: &Kannel, endpoint: &Recorder) -> Vec<String> {
    [heard(kannel, endpoint), got(kannel, endpoint)].concat()
}

/// A phone sends `hello`.
pub(crate) fn hello<'a>(
    kannel: &'a mut Kannel,
    _: &'a mut Recorder,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move { kannel.smsc().text(PHONE, CODE, "hello").await.unwrap() })
}
