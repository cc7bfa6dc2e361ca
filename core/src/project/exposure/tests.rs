//! Tests of the rules of exposure, with the engines of the framework and with other engines.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};

use super::*;
use crate::backend::{AnyBackend, Backend, Caller, Engines, Received, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::Outgoing;
use crate::project::Settings;
use crate::settings::Surroundings;

/// Returns the fields of a backend that have faults.
fn faults(place: Place, backend: &str) -> Vec<String> {
    faults_with(&Engines::standard(), place, backend)
}

fn faults_with(engines: &Engines, place: Place, backend: &str) -> Vec<String> {
    let text = format!("[project]\nname = \"Test\"\n[backends.b]\n{backend}\n");
    let surroundings = Surroundings::new(place, |name| (name == "KNOWN").then(|| "t0ken".to_owned()));
    let faults = Settings::read(&text, engines, &surroundings).err().map(|faults| faults.0);
    let field = |fault: crate::error::Fault| fault.field.trim_start_matches("backends.b.").to_owned();
    faults.unwrap_or_default().into_iter().map(field).collect()
}

#[test]
fn a_deployed_backend_says_who_may_use_it_and_sends_nothing_in_the_clear() {
    let kannel = "engine = \"kannel\"\nsendsms_url = ";
    let http = "engine = \"http\"\noutgoing_url = ";
    let token = "\ntoken = { secret = \"KNOWN\" }";
    let table: [(String, &[&str]); 14] = [
        (format!("{kannel}'https://k.example/'"), &["token"]),
        (format!("{kannel}'https://k.example/'{token}"), &[]),
        (format!("{kannel}'https://k.example/'\nopen = true"), &[]),
        (format!("{kannel}'https://k.example/'\nopen = false"), &["token"]),
        (format!("{kannel}'https://k.example/'\ntoken = {{ secret = \"LOST\" }}"), &["token.secret"]),
        (format!("{kannel}'http://k.example/'"), &["sendsms_url", "token"]),
        (format!("{kannel}'http://k.example/'{token}\nplain_http = true"), &[]),
        (format!("{kannel}'http://10.1.2.3:13013/'{token}"), &[]),
        (format!("{kannel}'http://127.0.0.1:13013/'{token}"), &[]),
        (format!("{http}'https://g.example/?%(text)s'"), &["token"]),
        (format!("{http}'https://g.example/?%(text)s'{token}"), &[]),
        (format!("{http}'https://g.example/?%(text)s'\nsignature_secret = {{ secret = \"KNOWN\" }}"), &[]),
        (format!("{http}'http://g.example/%(identity)s?%(text)s'{token}"), &["outgoing_url"]),
        (format!("{http}'http://g.example/?%(text)s'{token}\nplain_http = true"), &[]),
    ];
    for (backend, expected) in table {
        assert_eq!(faults(Place::Deployed, &backend), *expected, "{backend}");
        if !backend.contains("LOST") {
            assert_eq!(faults(Place::Local, &backend), [""; 0], "{backend}");
        }
    }
}

/// A user's own engine: `quiet` says nothing about its exposure, `frank` says everything, and `faulty` makes no
/// backend.
struct Own(Exposure);

impl Backend for Own {
    fn methods(&self) -> &[Method] {
        &[Method::POST]
    }

    fn authenticate(&self, _: &Request<Bytes>) -> Caller {
        Caller::Anyone
    }

    fn decode(&self, _: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        Err(Vec::new())
    }

    fn exposure(&self) -> Exposure {
        self.0.clone()
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn send(&self, _: &Outgoing, _: &dyn Transport, _: Duration) -> SendOutcome {
        SendOutcome::Refused { detail: String::new() }
    }
}

fn own() -> Engines {
    Engines::standard()
        .with("quiet", |fields| {
            fields.text("send_url");
            fields.params("more");
            fields.secret("key");
            Some(AnyBackend::new(Own(Exposure::open())))
        })
        .with("frank", |fields| {
            fields.text("docs");
            let url = fields.text("send_url").unwrap_or_default();
            let key = fields.secret("key");
            let exposure = Exposure::open().guarded_by("key", key.is_some()).sends_to("send_url", url);
            Some(AnyBackend::new(Own(exposure)))
        })
        .with("faulty", |fields| {
            fields.secret("key");
            fields.required_text("send_url");
            None
        })
        .with("inward", |_| Some(AnyBackend::new(Own(Exposure::guarded().sends_nowhere()))))
}

#[test]
fn an_engine_of_ones_own_is_asked_as_any_other_and_says_nothing_at_its_own_risk() {
    let key = "key = { secret = \"KNOWN\" }";
    let table: [(&str, String, &[&str]); 17] = [
        ("quiet", String::new(), &["open"]),
        ("quiet", key.to_owned(), &["open"]),
        ("quiet", "open = true".to_owned(), &[]),
        ("quiet", "open = true\nsend_url = 'https://g.example/'".to_owned(), &[]),
        ("quiet", "open = true\nsend_url = 'http://g.example/'".to_owned(), &["send_url"]),
        ("quiet", "open = true\nsend_url = ' HTTP://g.example/?%(text)s'".to_owned(), &["send_url"]),
        ("quiet", "open = true\nmore = { a = 'http://g.example/' }".to_owned(), &["more.a"]),
        ("quiet", "open = true\nsend_url = 'http://g.example/'\nplain_http = true".to_owned(), &[]),
        ("quiet", "open = true\nsend_url = 'http://10.0.0.1/'".to_owned(), &[]),
        ("frank", String::new(), &["key"]),
        ("frank", key.to_owned(), &[]),
        ("frank", "key = { secret = \"LOST\" }".to_owned(), &["key.secret"]),
        ("frank", format!("{key}\nsend_url = 'http://g.example/'"), &["send_url"]),
        ("frank", format!("{key}\nsend_url = 'https://g.example/'\ndocs = 'http://d.example/'"), &[]),
        ("faulty", String::new(), &["key", "send_url"]),
        ("faulty", key.to_owned(), &["send_url"]),
        ("inward", String::new(), &[]),
    ];
    for (engine, lines, expected) in table {
        let backend = format!("engine = \"{engine}\"\n{lines}");
        assert_eq!(faults_with(&own(), Place::Deployed, &backend), *expected, "{backend}");
        let local: Vec<String> = faults_with(&own(), Place::Local, &backend);
        assert!(
            local.iter().all(|field| *field == "send_url" || *field == "key.secret"),
            "{backend}: {local:?}"
        );
    }
}
