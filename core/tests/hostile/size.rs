//! Large and deeply nested inputs. They are answered like others, and take little memory.

use bytes::Bytes;
use http::{Request, header};
use threadless::backend::Engines;
use threadless::broadcast::{self, Order};
use threadless::endpoint;
use threadless::project::Settings;
use threadless::queue::Job;
use threadless::settings::Surroundings;
use threadless::testing::Transcript;

use crate::{block_on, deadline, project};

/// A size that is close to the largest possible request or job.
const SIZE: usize = 256 << 10;

/// The maximum memory that this process may ever have used, in kilobytes.
const MEMORY: u64 = 600_000;

/// Returns texts in shapes that have crashed other parsers.
fn shapes() -> Vec<String> {
    let fill = |unit: &str| unit.repeat(SIZE / unit.len());
    let json = |value: String| format!(r#"{{"identity":"1","text":{value}}}"#);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let keys = (0..20_000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",");
    vec![
        fill("a"),
        fill("%00"),
        fill("&"),
        fill("a=b&"),
        fill("["),
        fill("{\"a\":"),
        fill("\\u1230"),
        fill("[a]\n"),
        fill("a = [\n"),
        fill("[[b]]\n"),
        fill("a.a."),
        fill("1 > x\n1 < x\n"),
        fill("9"),
        fill("<"),
        json(nested(100)),
        json(nested(SIZE / 2)),
        json(fill("9")),
        json(format!("\"{}\"", fill("x"))),
        json(format!("\"{}\"", fill("\\u0000"))),
        format!("{{{keys}}}"),
        format!(r#"{{"key":"k","text":"t","recipients":[{}]}}"#, vec!["\"k:1\""; 40_000].join(",")),
        format!(r#"{{"v":1,"type":"incoming","message":{}}}"#, nested(SIZE / 2)),
        format!(r#"{{"v":{}}}"#, "9".repeat(SIZE)),
        format!("a = {}", nested(SIZE / 2)),
        format!("a = \"{}\"", fill("x")),
    ]
}

/// Returns the maximum memory that this process has ever used, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

#[test]
fn large_and_deep_inputs_are_answered_and_take_little_memory() {
    for shape in shapes() {
        let start: String = shape.chars().take(40).collect();
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            let post = |path: &str| {
                let request = Request::post(path).header(header::CONTENT_TYPE, kind);
                request.body(Bytes::from(shape.clone())).unwrap()
            };
            let project = project();
            let status = block_on(endpoint::serve(&project, "http", post("/http/h/"), deadline())).status();
            assert_eq!(status == 413, shape.len() > endpoint::MAX_BODY, "{status}: {start}");
            assert!(status.is_client_error(), "{status}: {start}");
            let status = block_on(broadcast::endpoint::serve(&project, post("/send"))).status();
            assert!(status.is_client_error() || status == 202, "{status}: {start}");
        }
        // A text of the maximum length is read.
        let start_of_it: String = shape.chars().take(endpoint::MAX_BODY).collect();
        let request = Request::post("/http/h/").header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Bytes::from(start_of_it)).unwrap();
        let status = block_on(endpoint::serve(&project(), "http", request, deadline())).status();
        assert!(status == 400 || status == 413, "{status}: {start}");

        assert!(Job::from_json(&shape).is_err(), "{start}");
        let _ = Order::from_json(shape.as_bytes());
        let _ = shape.parse::<Transcript>();
        assert!(Settings::read(&shape, &Engines::standard(), &Surroundings::local(&[])).is_err(), "{start}");
    }
    assert!(peak() < MEMORY, "{} kB", peak());
}
