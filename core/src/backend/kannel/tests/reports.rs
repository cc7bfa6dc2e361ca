//! Tests of delivery reports: the parameters that ask Kannel for them, and the requests that Kannel then sends.

use super::*;
use crate::backend::Reference;
use crate::model::message::{BackendName, FinalStatus};

const BASE: &str = "delivery_report_url = \"http://127.0.0.1:8443\"\n";
const TOKEN: &str = "token = { secret = \"TOKEN\" }\n";

/// Returns the unescaped parameters of a sendsms URL.
fn params(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').unwrap();
    ::url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn param(url: &str, name: &str) -> Option<String> {
    let found: Vec<String> =
        params(url).into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect();
    assert!(found.len() < 2, "{url}");
    found.into_iter().next()
}

/// Replaces the escape codes in a dlr-url as Kannel does: a code is a percent sign and a letter.
fn expanded(dlr_url: &str, kind: &str, words: &str) -> Request<Bytes> {
    let url = dlr_url.replace("%d", kind).replace("%A", words).replace("%T", "1795519533");
    Request::get(url).body(Bytes::new()).unwrap()
}

fn name() -> BackendName {
    "k".parse().unwrap()
}

#[tokio::test]
async fn a_message_asks_for_reports_only_where_the_settings_do() {
    let url = sent(&kannel(TOKEN), "1", "x").await.unwrap();
    assert!(!url.contains("dlr"), "{url}");
    for (table, mask) in [("", "19"), ("delivery_report_mask = 31\n", "31")] {
        let url = sent(&kannel(&format!("{TOKEN}{BASE}{table}")), "+251911", "x").await.unwrap();
        assert_eq!(param(&url, "dlr-mask").as_deref(), Some(mask));
        let dlr_url = param(&url, "dlr-url").unwrap();
        let lead = "http://127.0.0.1:8443/backend/k/dlr/?ref=";
        let (reference, rest) = dlr_url.strip_prefix(lead).unwrap().split_once('&').unwrap();
        assert_eq!(rest, "d=%d&a=%A&t=%T");
        assert!(!reference.contains('%'), "Kannel would read it as a code: {reference}");
        assert_eq!(param(&url, "to").as_deref(), Some("+251911"));
    }
}

#[tokio::test]
async fn what_kannel_reports_is_read() {
    let table = [
        ("1", "", Some(FinalStatus::Delivered), None),
        ("1", "%A", Some(FinalStatus::Delivered), None),
        ("1", "DELIVRD", Some(FinalStatus::Delivered), Some("DELIVRD")),
        ("2", "stat%3AUNDELIV+err%3A001", Some(FinalStatus::Failed), Some("stat:UNDELIV err:001")),
        ("16", "NACK%2Fvalidity+expired", Some(FinalStatus::Failed), Some("NACK/validity expired")),
        ("4", "", None, None),
        ("8", "ACK%2F", None, Some("ACK/")),
        ("32", "", None, None),
        // Newer versions of Kannel send several bits at once.
        ("34", "", Some(FinalStatus::Failed), None),
        ("66", "", Some(FinalStatus::Failed), None),
        ("3", "", Some(FinalStatus::Failed), None),
        ("18", "", Some(FinalStatus::Failed), None),
        ("130", "", Some(FinalStatus::Failed), None),
        ("9", "", Some(FinalStatus::Delivered), None),
        ("12", "", None, None),
        ("96", "", None, None),
    ];
    let backend = kannel(&format!("{TOKEN}{BASE}"));
    let reports = backend.0.reports().unwrap();
    assert_eq!(reports.path(), "dlr");
    for identity in ["+251911223344", "MTN%41#&?", "ሰላም"] {
        let url = sent(&backend, identity, "x").await.unwrap();
        let dlr_url = param(&url, "dlr-url").unwrap();
        for (kind, words, final_status, detail) in table {
            let request = expanded(&dlr_url, kind, words);
            assert_eq!(reports.authenticate(&name(), &request), Caller::Gateway);
            let reported = reports.decode(&name(), &request).unwrap();
            let Reference { connection, at, .. } = reported.reference;
            assert_eq!(connection, ConnectionId::new(name(), identity.parse().unwrap()));
            assert_eq!(at, Timestamp::UNIX_EPOCH);
            assert_eq!(
                (reported.final_status, reported.detail.as_deref()),
                (final_status, detail),
                "{kind} {words}"
            );
            assert_eq!(reported.reported_at, Timestamp::from_second(1_795_519_533).ok());
        }
        for kind in ["", "0", "64", "128", "02", "-2", "2.0", "99999999999", "%d", "1x"] {
            let faults = reports.decode(&name(), &expanded(&dlr_url, kind, "")).unwrap_err();
            assert_eq!(faults[0].field, "d", "{kind}");
        }
    }
}

#[tokio::test]
async fn nobody_else_can_report() {
    let backend = kannel(&format!("{TOKEN}{BASE}"));
    let dlr_url = param(&sent(&backend, "1", "x").await.unwrap(), "dlr-url").unwrap();
    let request = expanded(&dlr_url, "1", "");
    let by_password = "sendsms_params = { password = { secret = \"PASSWORD\" } }\n";
    let others = [kannel(&format!("{BASE}{by_password}")), kannel(BASE)];
    for other in &others {
        assert_eq!(other.0.reports().unwrap().authenticate(&name(), &request), Caller::WrongCredentials);
    }
    let reports = backend.0.reports().unwrap();
    assert_eq!(reports.authenticate(&"other".parse().unwrap(), &request), Caller::WrongCredentials);
    for query in ["", "ref=", "ref=x&d=1", "token=s3cret&d=1", "ref=%41&d=1"] {
        let request = Request::get(format!("/backend/k/dlr/?{query}")).body(Bytes::new()).unwrap();
        assert_eq!(reports.authenticate(&name(), &request), Caller::WrongCredentials, "{query}");
        assert!(reports.decode(&name(), &request).is_err());
    }
    // Reports that still come after the backend stopped to ask for them.
    assert_eq!(kannel(TOKEN).0.reports().unwrap().authenticate(&name(), &request), Caller::Gateway);
    // Without a token, the password signs the reports.
    let dlr_url = param(&sent(&others[0], "1", "x").await.unwrap(), "dlr-url").unwrap();
    let request = expanded(&dlr_url, "1", "");
    assert_eq!(others[0].0.reports().unwrap().authenticate(&name(), &request), Caller::Gateway);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let url = "sendsms_url = \"http://g/?username=a&password=b\"\n";
    let table = [
        ("delivery_report_url = \"127.0.0.1\"", "delivery_report_url"),
        ("delivery_report_url = \"ftp://g\"", "delivery_report_url"),
        ("delivery_report_url = \"http://g/%41\"", "delivery_report_url"),
        ("delivery_report_url = \"http://g/?x=1\"", "delivery_report_url"),
        ("delivery_report_url = \"http://g\"\ndelivery_report_mask = 32", "delivery_report_mask"),
        ("delivery_report_url = \"http://g\"\nsendsms_params = { dlr-mask = 31 }", "sendsms_params.dlr-mask"),
    ];
    for (table, field) in table {
        let faults = settings(&format!("{url}{TOKEN}{table}")).err().unwrap().0;
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.k.")).collect();
        assert_eq!(found, [field], "{table}");
    }
    let warned = |table: &str| -> Vec<String> {
        let warnings = settings(&format!("{url}{table}")).unwrap().warnings;
        warnings
            .into_iter()
            .map(|warning| warning.field.trim_start_matches("backends.k.").to_owned())
            .collect()
    };
    assert_eq!(warned("delivery_report_mask = 31"), ["delivery_report_mask"]);
    assert_eq!(warned(BASE), ["delivery_report_url"], "locally it works without a secret");
    assert_eq!(warned("delivery_report_url = \"\""), [""; 0], "an empty one asks for nothing");
    let text = format!("[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\n{url}{BASE}");
    let deployed = Surroundings::new(crate::settings::Place::Deployed, |_| None);
    let faults = Settings::read(&text, &Engines::standard(), &deployed).err().unwrap().0;
    assert_eq!(faults[0].field, "backends.k.delivery_report_url");
}
