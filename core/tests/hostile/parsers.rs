//! The parsers of files, of queue jobs and of bytes of text.

use threadless::backend::Engines;
use threadless::broadcast::Order;
use threadless::project::Settings;
use threadless::queue::Job;
use threadless::settings::Surroundings;
use threadless::testing::Transcript;
use threadless::text::{Charset, EncodeErrors, Fidelity, charset, gsm7, segments};
use threadless::{BackendName, Identity};

use crate::inputs::hold;

fn lossy(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

#[test]
fn jobs() {
    hold("job", |body| match Job::from_json(&lossy(body)) {
        // A job that was read can be written and read again without change.
        Ok(job) => assert_eq!(Job::from_json(&job.to_json()).unwrap(), job),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    });
}

#[test]
fn settings() {
    hold("settings", |text| {
        let text = lossy(text);
        let read = Settings::read(&text, &Engines::standard(), &Surroundings::local(&[("NAME", "value")]));
        if let Err(problems) = read {
            assert!(!problems.0.is_empty());
            for fault in &problems.0 {
                assert!(!fault.field.is_empty() && !fault.problem.is_empty(), "{fault}");
                // No fault contains the value of a secret.
                assert!(!fault.problem.contains("hush-hush"), "{fault}");
            }
        }
    });
}

#[test]
fn transcripts() {
    hold("transcript", |source| match lossy(source).parse::<Transcript>() {
        Ok(transcript) => {
            let written = transcript.to_string();
            assert_eq!(written.parse::<Transcript>().unwrap().to_string(), written);
        }
        Err(problem) => assert!(problem.line >= 1 && problem.column >= 1, "{problem}"),
    });
}

#[test]
fn orders() {
    hold("send", |body| {
        if let Err(faults) = Order::from_json(body) {
            assert!(!faults.is_empty());
            assert!(
                faults.iter().all(|fault| !fault.field.is_empty() && !fault.problem.is_empty()),
                "{faults:?}"
            );
        }
    });
}

#[test]
fn charsets() {
    hold("text", |bytes| {
        let (name, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
        for name in [
            lossy(name).as_str(),
            "utf-8",
            "utf-16be",
            "utf-16",
            "gsm",
            "latin1",
            "windows-1252",
            "gb18030",
            "ascii",
        ] {
            let Some(charset) = Charset::named(name) else { continue };
            let decoded = charset.decode(rest);
            if decoded.fidelity == Fidelity::Exact {
                assert_eq!(charset.encode(&decoded.text, EncodeErrors::Strict).unwrap(), rest, "{name}");
            }
            assert!(
                decoded.text.len() <= 4 * rest.len() + 4,
                "{name}: {} of {}",
                decoded.text.len(),
                rest.len()
            );
        }
        let guessed = charset::guess(rest);
        assert!(guessed.text.len() <= 4 * rest.len() + 4);
    });
}

#[test]
fn gsm_and_segments() {
    hold("text", |bytes| {
        assert!(gsm7::decode(bytes).len() <= bytes.len());
        let text = lossy(bytes);
        match gsm7::encode(&text) {
            Ok(septets) => {
                let back: Option<String> = gsm7::decode(&septets).into_iter().collect();
                assert_eq!(back.as_deref(), Some(text.as_str()));
                assert!(gsm7::fits(&text));
            }
            Err(c) => assert!(text.contains(c) && !gsm7::fits(&text)),
        }
        assert!(segments::segments(&text).count <= text.len().max(1));
    });
}

#[test]
fn names() {
    hold("reference", |bytes| {
        let text = lossy(bytes);
        if let Ok(name) = text.parse::<BackendName>() {
            assert_eq!(name.as_str(), text);
        }
        if let Ok(identity) = text.parse::<Identity>() {
            assert!((1..=Identity::MAX_BYTES).contains(&identity.as_str().len()));
            let shown = identity.masked().chars().filter(|c| *c != '*').count();
            assert!(shown <= 6, "{}", identity.masked());
        }
    });
}
