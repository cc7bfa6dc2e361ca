//! The inputs: committed files, random changes of them, and random bytes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

/// The time limit of one input. A machine may be slow, but an input that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Texts on which other parsers have failed.
const ODD: [&str; 34] = [
    "%",
    "%0",
    "%00",
    "%zz",
    "%25",
    "%FF",
    "%u1230",
    "+",
    "&",
    "=",
    "&&",
    ";",
    "#",
    "?",
    "\0",
    "\r\n",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "{",
    "}",
    "[",
    "[[[[[[[[",
    "]",
    "null",
    "-1",
    "1e999",
    "99999999999999999999",
    "9999-12-31T23:59:59Z",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "ሰላም",
];

fn cases() -> u32 {
    std::env::var("HOSTILE_CASES").map_or(200, |cases| cases.parse().expect("HOSTILE_CASES is a number"))
}

/// Returns the committed inputs of a kind, with the names of their files.
pub(crate) fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus").join(kind);
    let files =
        std::fs::read_dir(&folder).unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{kind} has no corpus");
    files.into_iter().map(|file| (file.display().to_string(), std::fs::read(file).unwrap())).collect()
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Cut(Index, usize),
    Repeat(Index, usize, usize),
    Insert(Index, &'static str),
    /// Copy bytes from another place in the input.
    Move(Index, usize, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<Index>(), 1..40_usize, 1..20_usize)
            .prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        (any::<Index>(), select(&ODD[..])).prop_map(|(at, odd)| Change::Insert(at, odd)),
        (any::<Index>(), 1..40_usize, any::<Index>())
            .prop_map(|(at, length, to)| Change::Move(at, length, to)),
    ]
}

impl Change {
    fn apply(&self, input: &mut Vec<u8>) {
        if input.is_empty() {
            input.push(b'a');
        }
        let span = |at: &Index, length: usize, input: &[u8]| {
            let at = at.index(input.len());
            at..(at + length).min(input.len())
        };
        match self {
            Self::Set(at, byte) => {
                let at = at.index(input.len());
                input[at] = *byte;
            }
            Self::Cut(at, length) => drop(input.drain(span(at, *length, input))),
            Self::Repeat(at, length, times) => {
                let span = span(at, *length, input);
                let again = input[span.clone()].repeat(*times);
                input.splice(span.end..span.end, again);
            }
            Self::Insert(at, odd) => {
                let at = at.index(input.len());
                input.splice(at..at, odd.bytes());
            }
            Self::Move(at, length, to) => {
                let moved = input[span(at, *length, input)].to_vec();
                let to = to.index(input.len());
                input.splice(to..to, moved);
            }
        }
    }
}

/// Makes random inputs of a kind.
fn inputs(kind: &str) -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<Vec<u8>> = corpus(kind).into_iter().map(|(_, input)| input).collect();
    let changed = (select(known), vec(change(), 0..6)).prop_map(|(mut input, changes)| {
        changes.iter().for_each(|change| change.apply(&mut input));
        input
    });
    prop_oneof![8 => changed, 1 => vec(any::<u8>(), 0..300), 1 => any::<String>().prop_map(String::into_bytes)]
}

/// A watch that ends the process if one input takes too long, because a hanging test reports nothing.
struct Watch(Arc<Mutex<Option<(Instant, String)>>>);

impl Watch {
    fn start() -> Self {
        let watched = Arc::new(Mutex::new(None::<(Instant, String)>));
        let seen = Arc::downgrade(&watched);
        std::thread::spawn(move || {
            while let Some(watched) = seen.upgrade() {
                if let Some((since, input)) = &*watched.lock().unwrap()
                    && since.elapsed() > LIMIT
                {
                    #[expect(clippy::print_stderr, reason = "the process ends here")]
                    {
                        eprintln!("hangs: {input}");
                    }
                    std::process::exit(101);
                }
                drop(watched);
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        Self(watched)
    }

    fn over(&self, input: &[u8], holds: impl FnOnce(&[u8])) {
        *self.0.lock().unwrap() = Some((Instant::now(), input.escape_ascii().to_string()));
        holds(input);
        *self.0.lock().unwrap() = None;
    }
}

/// Checks that a property holds for each committed input of a kind, and for many more.
pub(crate) fn hold(kind: &str, holds: impl Fn(&[u8])) {
    let watch = Watch::start();
    for (name, input) in corpus(kind) {
        // After a panic, this output shows the name of the input.
        println!("{name}");
        watch.over(&input, &holds);
    }
    let config = ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() };
    let ran = TestRunner::new(config).run(&inputs(kind), |input| {
        watch.over(&input, &holds);
        Ok(())
    });
    if let Err(problem) = ran {
        panic!("{kind}: {problem}");
    }
}

#[test]
fn a_property_that_does_not_hold_is_found_and_shown() {
    let found = std::panic::catch_unwind(|| hold("job", |input| assert!(input.is_ascii())));
    let words = *found.unwrap_err().downcast::<String>().unwrap();
    assert!(words.starts_with("job: "), "{words}");
}
