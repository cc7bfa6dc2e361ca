//! Tests of delivery reports: the id that goes out, and the reports that return it.

use super::*;
use crate::backend::Reference;
use crate::model::message::{BackendName, FinalStatus};

const REPORTS: &str = "delivery_reports = true\n";
const TOKEN: &str = "token = { secret = \"TOKEN\" }\n";
const BY_URL: &str = "outgoing_url = \"http://g/?t=%(text)s&i=%(id)s\"\n";

fn name() -> BackendName {
    "h".parse().unwrap()
}

/// Returns the id that the gateway receives with a message to `+1`.
async fn told(table: &str) -> String {
    let request = sent(table, "+1", "x", 200).await.1.unwrap();
    let query = request.uri().query().unwrap().to_owned();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.into_iter().find(|(name, _)| name == "i").unwrap().1
}

#[tokio::test]
async fn the_gateway_is_told_a_reference_only_where_it_reports() {
    assert_eq!(told(&format!("{BY_URL}{TOKEN}")).await, "m-1");
    let reported = form("id=m-1&status=delivered&token=s3cret");
    let silent = backend(&format!("{URL}{TOKEN}"));
    assert_eq!(silent.0.reports().unwrap().authenticate(&name(), &reported), Caller::WrongCredentials);
    let table = format!("outgoing_url = \"http://g/\"\noutgoing_method = \"json\"\n{TOKEN}{REPORTS}");
    let request = sent(&table, "+1", "x", 200).await.1.unwrap();
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body["id"], told(&format!("{BY_URL}{TOKEN}{REPORTS}")).await, "by every way the same");
}

#[tokio::test]
async fn reports_come_as_forms_queries_or_json_in_the_words_of_many_gateways() {
    let table = format!("{BY_URL}{TOKEN}{REPORTS}");
    let (id, backend) = (told(&table).await, backend(&table));
    let reports = backend.0.reports().unwrap();
    assert_eq!(reports.path(), "status");
    let words = [
        ("delivered", Some(FinalStatus::Delivered)),
        ("DELIVRD", Some(FinalStatus::Delivered)),
        ("1", Some(FinalStatus::Delivered)),
        ("Undelivered", Some(FinalStatus::Failed)),
        ("failed", Some(FinalStatus::Failed)),
        (" Rejected ", Some(FinalStatus::Failed)),
        ("16", Some(FinalStatus::Failed)),
        ("sent", None),
        ("queued", None),
        ("8", None),
    ];
    for (word, final_status) in words {
        let escaped: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
        let get = format!("/http/h/status/?id={id}&status={escaped}&detail=err+7&token=s3cret");
        let json = serde_json::json!({ "id": id, "status": word, "detail": "err 7", "token": "s3cret" });
        let requests = [
            Request::get(get).body(Bytes::new()).unwrap(),
            form(&format!("id={id}&status={escaped}&detail=err+7&token=s3cret")),
            post("application/json", &json.to_string()),
            Request::post(format!("/http/h/status/?id={id}&token=s3cret"))
                .body(Bytes::from(format!("status={escaped}&detail=err+7")))
                .unwrap(),
        ];
        for request in requests {
            assert_eq!(reports.authenticate(&name(), &request), Caller::Gateway, "{request:?}");
            let reported = reports.decode(&name(), &request).unwrap();
            assert_eq!(reported.reference, Reference::of(&message("+1", "x")));
            assert_eq!(
                (reported.final_status, reported.detail.as_deref()),
                (final_status, Some("err 7")),
                "{request:?}"
            );
        }
    }
    let numeric = post("application/json", &format!(r#"{{"id":"{id}","status":2,"token":"s3cret"}}"#));
    assert_eq!(reports.decode(&name(), &numeric).unwrap().final_status, Some(FinalStatus::Failed));
}

#[tokio::test]
async fn fields_and_words_are_those_of_the_settings() {
    let table = format!(
        "{BY_URL}{TOKEN}{REPORTS}report_id = \"ref\"\nreport_status = \"MessageStatus\"\nreport_detail = \"why\"\n\
         report_delivered = [\"0\", \"Sent\"]\n"
    );
    let (id, backend) = (told(&table).await, backend(&table));
    let reports = backend.0.reports().unwrap();
    let final_status = |status: &str| {
        let request = form(&format!("ref={id}&MessageStatus={status}"));
        reports.decode(&name(), &request).map(|reported| reported.final_status)
    };
    assert_eq!(final_status("0"), Ok(Some(FinalStatus::Delivered)));
    assert_eq!(
        final_status("sent"),
        Ok(Some(FinalStatus::Delivered)),
        "what the settings say counts before what is usual"
    );
    assert_eq!(final_status("queued"), Ok(None));
    assert_eq!(
        final_status("delivered").unwrap_err()[0].field,
        "MessageStatus",
        "a list replaces the usual one"
    );
}

#[tokio::test]
async fn a_report_needs_the_token_and_an_id_of_ours() {
    let table = format!("{BY_URL}{TOKEN}{REPORTS}");
    let (id, backend) = (told(&table).await, backend(&table));
    let reports = backend.0.reports().unwrap();
    let requests = [
        (format!("id={id}&status=delivered"), Caller::NoCredentials),
        (format!("id={id}&status=delivered&token=wrong"), Caller::WrongCredentials),
        ("id=m-1&status=delivered&token=s3cret".to_owned(), Caller::WrongCredentials),
        (format!("id={}&status=delivered&token=s3cret", &id[1..]), Caller::WrongCredentials),
        (format!("id={id}&status=delivered&token=s3cret"), Caller::Gateway),
    ];
    for (body, caller) in requests {
        assert_eq!(reports.authenticate(&name(), &form(&body)), caller, "{body}");
    }
    assert_eq!(
        reports.authenticate(&"other".parse().unwrap(), &form(&format!("id={id}&token=s3cret"))),
        Caller::WrongCredentials
    );
    let faults = [
        (form("token=s3cret"), vec!["id", "status"]),
        (form(&format!("id={id}&status=lost&token=s3cret")), vec!["status"]),
        (post("application/json", &format!(r#"{{"id":"{id}","status":{{}}}}"#)), vec!["status"]),
        (post("text/xml", "<a/>"), vec!["content-type"]),
    ];
    for (request, fields) in faults {
        let found = reports.decode(&name(), &request).unwrap_err();
        let found: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(found, fields, "{request:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let table = [
        (format!("{URL}{TOKEN}{REPORTS}"), vec!["delivery_reports"]),
        (format!("{BY_URL}{TOKEN}{REPORTS}report_id = \"status\""), vec!["report_status"]),
        (format!("{BY_URL}{TOKEN}{REPORTS}report_id = \"token\""), vec!["report_id"]),
        (
            format!("{BY_URL}{TOKEN}{REPORTS}report_failed = [\"x\"]\nreport_sent = [\"X\", \"y\"]"),
            vec!["report_sent"],
        ),
    ];
    for (table, fields) in table {
        let faults = settings(&table).err().unwrap().0;
        let found: Vec<&str> =
            faults.iter().map(|fault| fault.field.trim_start_matches("backends.h.")).collect();
        assert_eq!(found, fields, "{table}");
    }
    let warnings = settings(&format!("{URL}{TOKEN}report_id = \"ref\"")).unwrap().warnings;
    assert_eq!(warnings[0].field, "backends.h.report_id");
    let warnings = settings(&format!("{BY_URL}{REPORTS}")).unwrap().warnings;
    assert_eq!(warnings[0].field, "backends.h.delivery_reports");
    let text = format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\n{BY_URL}{REPORTS}");
    let deployed = Surroundings::new(crate::settings::Place::Deployed, |_| None);
    let faults = Settings::read(&text, &Engines::standard(), &deployed).err().unwrap().0;
    assert_eq!(faults[0].field, "backends.h.delivery_reports");
}
