//! Conformance of the presets: requests and answers in the shapes that the documentation of each provider describes. The
//! numbers and ids are invented.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::signatures::{jwt, sha1, sha256};
use super::{Catcher, TIMEOUT, message, name};
use crate::backend::http::presets;
use crate::backend::{AnyBackend, Caller, Engines, SendOutcome};
use crate::model::message::FinalStatus;
use crate::project::{Settings, SettingsError};
use crate::settings::{Place, Surroundings};
use crate::util::hex::hex;

/// Returns the settings of a preset. Each secret has its own name as its text.
fn settings(preset: &str, further: &str, place: Place) -> Result<Settings, SettingsError> {
    let text =
        format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\npreset = \"{preset}\"\n{further}");
    let known = |name: &str| Some(format!("{}:{}", name.to_lowercase(), "x".repeat(16)));
    Settings::read(&text, &Engines::standard(), &Surroundings::new(place, known))
}

fn backend(preset: &str, further: &str) -> AnyBackend {
    let settings = settings(preset, further, Place::Deployed).unwrap();
    assert_eq!(settings.warnings, [], "{preset}");
    settings.backends.into_values().next().unwrap().backend
}

fn secret(name: &str) -> String {
    format!("{name}:{}", "x".repeat(16))
}

/// The pages of the presets. Each has a block of settings with the keys that a person must add.
const PAGES: [(&str, &str); 12] = [
    ("46elks", include_str!("../../../../../docs/providers/46elks.md")),
    ("africas-talking", include_str!("../../../../../docs/providers/africas-talking.md")),
    ("android-sms-gateway", include_str!("../../../../../docs/providers/android-sms-gateway.md")),
    ("clickatell", include_str!("../../../../../docs/providers/clickatell.md")),
    ("httpsms", include_str!("../../../../../docs/providers/httpsms.md")),
    ("infobip", include_str!("../../../../../docs/providers/infobip.md")),
    ("jasmin", include_str!("../../../../../docs/providers/jasmin.md")),
    ("rapidpro", include_str!("../../../../../docs/providers/rapidpro.md")),
    ("smssync", include_str!("../../../../../docs/providers/smssync.md")),
    ("telerivet", include_str!("../../../../../docs/providers/telerivet.md")),
    ("twilio", include_str!("../../../../../docs/providers/twilio.md")),
    ("vonage", include_str!("../../../../../docs/providers/vonage.md")),
];

/// Returns the keys that the page of a preset adds.
fn needed(preset: &str) -> String {
    let (_, page) = PAGES.iter().find(|(name, _)| *name == preset).unwrap();
    let block = page.split_once("```toml\n[backends.NAME]\nengine = \"http\"\n").unwrap().1;
    let block = block.split_once("```").unwrap().0;
    let keys = block.strip_prefix(&format!("preset = \"{preset}\"\n"));
    keys.unwrap_or_else(|| panic!("docs/providers/{preset}.md names another preset")).to_owned()
}

fn ready(preset: &str) -> AnyBackend {
    backend(preset, &needed(preset))
}

#[test]
fn every_preset_starts_with_what_its_page_says() {
    assert_eq!(presets::names(), PAGES.map(|(name, _)| name));
    for (preset, page) in PAGES {
        let _ = ready(preset);
        // The page names every secret of the preset.
        let text =
            format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\npreset = \"{preset}\"\n");
        let without = Surroundings::new(Place::Deployed, |_| None);
        let faults =
            Settings::read(&(text + &needed(preset)), &Engines::standard(), &without).err().unwrap().0;
        let missing = faults.iter().filter_map(|fault| fault.problem.split_once(" is neither"));
        let missing: Vec<&str> = missing.map(|(name, _)| name).collect();
        assert!(
            !missing.is_empty() && missing.iter().all(|name| page.contains(name)),
            "{preset}: {missing:?}"
        );
    }
    let faults =
        settings("nobody", "outgoing_url = \"https://x/\"\nopen = true", Place::Deployed).err().unwrap();
    assert_eq!(faults.0[0].field, "backends.h.preset");
    assert!(faults.0[0].problem.contains("twilio"));
}

#[test]
fn each_key_of_a_preset_can_be_replaced() {
    let needed = &needed("vonage");
    let own = "incoming_text = \"body\"\naccepted_when = { path = \"ok\", equals = \"1\" }\n\
               [backends.h.outgoing_params]\napi_key = \"mine\"\nfrom = \"Other\"";
    let text = |table: &str| {
        format!("[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\npreset = \"vonage\"\n{table}")
    };
    let known = |name: &str| Some(name.to_owned());
    let read = |table: &str| {
        let settings =
            Settings::read(&text(table), &Engines::standard(), &Surroundings::new(Place::Local, known));
        settings.unwrap().backends.into_values().next().unwrap().backend
    };
    let request = post("application/json", r#"{"msisdn":"447700900001","body":"hi"}"#, &[]);
    assert_eq!(read(own).0.decode_all(&request).unwrap()[0].text, "hi");
    assert!(read(needed).0.decode_all(&request).is_err());
}

fn post(kind: &str, body: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::post("/http/h/").header("content-type", kind).header("host", "sms.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_519_533).unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Returns `sender > recipient: text (id)` for each message of an authenticated request.
fn taken(backend: &AnyBackend, request: &Request<Bytes>) -> Vec<String> {
    assert_eq!(backend.0.authenticate_at(request, now()), Caller::Gateway, "{request:?}");
    let shown = |one: crate::backend::Received| {
        format!(
            "{} > {}: {} ({})",
            one.identity.as_str(),
            one.recipient.unwrap_or_default(),
            one.text,
            one.gateway_id.unwrap_or_default()
        )
    };
    backend.0.decode_all(request).unwrap().into_iter().map(shown).collect()
}

#[test]
fn inbound_messages_of_each_provider_are_read() {
    let table = [
        (
            "vonage",
            FORM,
            "msisdn=447700900001&to=447700900000&messageId=0A1&text=hi&type=text&keyword=HI&message-timestamp=2026-11-24+11%3A25%3A33&token={vonage_token}",
            "447700900001 > 447700900000: hi (0A1)",
        ),
        (
            "vonage",
            JSON,
            r#"{"msisdn":"447700900001","to":"447700900000","messageId":"0A1","text":"hi","type":"text","token":"{vonage_token}"}"#,
            "447700900001 > 447700900000: hi (0A1)",
        ),
        (
            "africas-talking",
            FORM,
            "from=%2B254711000222&to=20880&text=hi&date=2026-11-24T11%3A25%3A33Z&id=b7&linkId=l1&token={africas_talking_token}",
            "+254711000222 > 20880: hi (b7)",
        ),
        (
            "telerivet",
            FORM,
            "event=incoming_message&id=SM1&message_type=sms&content=hi&from_number=%2B254711000222&to_number=5550123&time_created=1795519533&secret={telerivet_webhook_secret}",
            "+254711000222 > 5550123: hi (SM1)",
        ),
        (
            "46elks",
            FORM,
            "direction=incoming&id=sf1&from=%2B46700000001&to=%2B46766860000&created=2026-11-24T11%3A25%3A33.741000&message=hi&token={elks_token}",
            "+46700000001 > +46766860000: hi (sf1)",
        ),
        (
            "jasmin",
            FORM,
            "id=j1&from=254711000222&to=1234&origin-connector=c1&priority=1&coding=8&validity=&content=%12%30&binary=1230&token={jasmin_token}",
            "254711000222 > 1234: ሰ (j1)",
        ),
        (
            "jasmin",
            FORM,
            "id=j1&from=254711000222&to=1234&origin-connector=c1&coding=0&content=hi&token={jasmin_token}",
            "254711000222 > 1234: hi (j1)",
        ),
        (
            "smssync",
            FORM,
            "from=%2B254711000222&message=hi&message_id=m1&sent_to=%2B254711000111&device_id=1&sent_timestamp=1795519533000&secret={smssync_secret}",
            "+254711000222 > +254711000111: hi (m1)",
        ),
        (
            "clickatell",
            JSON,
            r#"{"integrationId":"i1","messageId":"c1","replyMessageId":"r1","fromNumber":"27111111111","toNumber":"27222222222","timestamp":1795519533000,"text":"hi","charset":"UTF-8","token":"{clickatell_token}"}"#,
            "27111111111 > 27222222222: hi (c1)",
        ),
        (
            "rapidpro",
            FORM,
            "from=%2B250788000001&text=hi&date=2026-11-24T11%3A25%3A33.000Z&token={rapidpro_token}",
            "+250788000001 > : hi ()",
        ),
    ];
    for (preset, kind, body, expected) in table {
        let (before, rest) = body.split_once('{').filter(|_| kind == FORM).unwrap_or((body, ""));
        let name = rest.trim_end_matches('}');
        let body = if kind == FORM {
            format!("{before}{}", secret(name))
        } else {
            let name = preset.replace('-', "_") + "_token";
            body.replace(&format!("{{{name}}}"), &secret(&name))
        };
        assert_eq!(taken(&ready(preset), &post(kind, &body, &[])), [expected], "{preset}");
        let stolen = body.replace(&"x".repeat(16), "y");
        assert_eq!(
            ready(preset).0.authenticate_at(&post(kind, &stolen, &[]), now()),
            Caller::WrongCredentials
        );
    }
}

#[test]
fn lists_and_signed_messages_are_read() {
    let infobip = r#"{"results":[{"messageId":"i1","from":"385916242493","to":"385921004026","text":"hi","cleanText":"hi","keyword":"","receivedAt":"2026-11-24T11:25:33.000+0000","smsCount":1,"price":{"pricePerMessage":0,"currency":"EUR"}},{"messageId":"i2","from":"385916242494","to":"385921004026","text":"yo"}],"messageCount":2,"pendingMessageCount":0}"#;
    let bearer = format!("Bearer {}", secret("infobip_token"));
    let messages = taken(&ready("infobip"), &post(JSON, infobip, &[("authorization", &bearer)]));
    assert_eq!(messages, ["385916242493 > 385921004026: hi (i1)", "385916242494 > 385921004026: yo (i2)"]);

    let android = r#"{"deviceId":"d1","event":"sms:received","id":"e1","payload":{"messageId":"abc","message":"hi","phoneNumber":"+254711000222","simNumber":1,"receivedAt":"2026-11-24T11:25:33.000+03:00"},"webhookId":"w1"}"#;
    let key = secret("android_signing_key");
    let sign = |time: &str| hex(&sha256(key.as_bytes(), &format!("{android}{time}")));
    let headers = |time: &'static str, signature: &str| {
        post(JSON, android, &[("x-timestamp", time), ("x-signature", signature)])
    };
    let ready_android = ready("android-sms-gateway");
    assert_eq!(
        taken(&ready_android, &headers("1795519530", &sign("1795519530"))),
        ["+254711000222 > : hi (e1)"]
    );
    let old = headers("1795510000", &sign("1795510000"));
    assert_eq!(ready_android.0.authenticate_at(&old, now()), Caller::WrongCredentials);

    let httpsms = r#"{"data":{"contact":"+18005550100","content":"hi","message_id":"h1","owner":"+18005550199","sim":"SIM1","timestamp":"2026-11-24T11:25:33.814Z","user_id":"u"},"datacontenttype":"application/json","id":"v1","source":"/v1/messages/receive","specversion":"1.0","time":"2026-11-24T11:25:33.5Z","type":"message.phone.received"}"#;
    let token = jwt(
        secret("httpsms_signing_key").as_bytes(),
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"aud":"x","exp":1795519999,"iss":"api.httpsms.com","sub":"u"}"#,
    );
    let request = post(JSON, httpsms, &[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(taken(&ready("httpsms"), &request), ["+18005550100 > +18005550199: hi (h1)"]);

    let body =
        "ToCountry=US&MessageSid=SM1&AccountSid=AC1&From=%2B14155550100&To=%2B15005550006&Body=hi&NumMedia=0";
    let signed = "https://sms.example/http/h/AccountSidAC1BodyhiFrom+14155550100MessageSidSM1NumMedia0To+15005550006ToCountryUS";
    let signature = BASE64_STANDARD.encode(sha1(secret("twilio_auth_token").as_bytes(), signed));
    let request = post(FORM, body, &[("x-twilio-signature", &signature)]);
    assert_eq!(taken(&ready("twilio"), &request), ["+14155550100 > +15005550006: hi (SM1)"]);
}

#[test]
fn each_provider_gets_the_answer_that_it_needs() {
    let table = [
        ("twilio", ""),
        ("46elks", ""),
        ("vonage", ""),
        ("jasmin", "ACK/Jasmin"),
        ("smssync", r#"{"payload":{"success":true,"error":null}}"#),
        ("infobip", "OK"),
    ];
    for (preset, body) in table {
        let answer = ready(preset).0.acknowledge();
        assert_eq!((answer.status(), answer.body().as_ref()), (StatusCode::OK, body.as_bytes()), "{preset}");
    }
}

/// Returns the request that sends a message, and the outcome of an answer to it.
async fn reply(backend: &AnyBackend, status: u16, answer: &'static str) -> (Request<Bytes>, SendOutcome) {
    let catcher = Catcher(std::sync::Mutex::default(), StatusCode::from_u16(status).unwrap(), answer);
    let outcome = backend.0.send(&message("+254711000222", "hi & ሰ"), &catcher, TIMEOUT).await;
    (catcher.0.into_inner().unwrap().unwrap(), outcome)
}

#[tokio::test]
async fn replies_have_the_form_of_each_provider() {
    let text = "hi+%26+%E1%88%B0";
    let table = [
        ("twilio", format!("To=%2B254711000222&Body={text}&From=%2B15005550006")),
        ("africas-talking", format!("to=%2B254711000222&message={text}&from=20880&username=clinic")),
        ("46elks", format!("to=%2B254711000222&message={text}&from=Clinic")),
        ("rapidpro", format!("to=%2B254711000222&text={text}&id=m-1")),
        ("telerivet", r#"{"content":"hi & ሰ","to_number":"+254711000222"}"#.to_owned()),
        ("httpsms", r#"{"content":"hi & ሰ","from":"+18005550199","request_id":"m-1","to":"+254711000222"}"#.to_owned()),
        ("android-sms-gateway", r#"{"phoneNumbers":["+254711000222"],"textMessage":{"text":"hi & ሰ"},"withDeliveryReport":true}"#.to_owned()),
        ("infobip", r#"{"messages":[{"callbackData":"m-1","destinations":[{"to":"+254711000222"}],"text":"hi & ሰ"}]}"#.to_owned()),
        ("clickatell", r#"{"clientMessageId":"m-1","content":"hi & ሰ","to":["+254711000222"]}"#.to_owned()),
    ];
    for (preset, expected) in table {
        let (request, _) = reply(&ready(preset), 200, "").await;
        assert_eq!(request.method(), Method::POST);
        let body = std::str::from_utf8(request.body()).unwrap();
        // The order of the members of an object means nothing.
        match serde_json::from_str::<Value>(&expected) {
            Ok(expected) => assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected, "{preset}"),
            Err(_) => assert_eq!(body, expected, "{preset}"),
        }
    }
    let (request, _) = reply(&ready("vonage"), 200, "").await;
    let body = std::str::from_utf8(request.body()).unwrap();
    assert!(body.starts_with(&format!("to=%2B254711000222&text={text}&client-ref=m-1&")), "{body}");
    let header = |request: &Request<Bytes>, name: &str| {
        let headers: &HeaderMap = request.headers();
        headers[name].to_str().unwrap().to_owned()
    };
    let (request, _) = reply(&ready("twilio"), 201, "{}").await;
    let credentials = format!("Basic {}", BASE64_STANDARD.encode(secret("twilio_credentials")));
    assert_eq!(header(&request, "authorization"), credentials);
    let (request, _) = reply(&ready("infobip"), 200, "{}").await;
    assert_eq!(header(&request, "authorization"), secret("infobip_authorization"));
}

// Most lines are rows of the table.
#[allow(clippy::too_many_lines)]
#[tokio::test]
async fn the_answers_of_each_provider_are_understood() {
    let table = [
        ("twilio", 201, r#"{"sid":"SM2","status":"queued","error_code":null}"#, "accepted"),
        (
            "twilio",
            400,
            r#"{"code":21211,"message":"The 'To' number is not valid.","status":400}"#,
            "refused",
        ),
        ("twilio", 429, r#"{"code":20429,"status":429}"#, "deferred"),
        (
            "vonage",
            200,
            r#"{"message-count":"1","messages":[{"to":"254711000222","message-id":"0C1","status":"0"}]}"#,
            "accepted",
        ),
        (
            "vonage",
            200,
            r#"{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}"#,
            "refused",
        ),
        (
            "vonage",
            200,
            r#"{"message-count":"1","messages":[{"status":"1","error-text":"Throughput Rate Exceeded"}]}"#,
            "deferred",
        ),
        (
            "africas-talking",
            201,
            r#"{"SMSMessageData":{"Message":"Sent to 1/1 Total Cost: KES 0.8000","Recipients":[{"statusCode":101,"number":"+254711000222","status":"Success","cost":"KES 0.8000","messageId":"ATXid_1"}]}}"#,
            "accepted",
        ),
        (
            "africas-talking",
            201,
            r#"{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}"#,
            "refused",
        ),
        (
            "africas-talking",
            201,
            r#"{"SMSMessageData":{"Message":"Sent to 0/1","Recipients":[{"statusCode":403,"status":"InvalidPhoneNumber","messageId":"None"}]}}"#,
            "refused",
        ),
        (
            "africas-talking",
            201,
            r#"{"SMSMessageData":{"Message":"Sent to 0/1","Recipients":[{"statusCode":405,"status":"InsufficientBalance","messageId":"None"}]}}"#,
            "deferred",
        ),
        ("telerivet", 200, r#"{"id":"SM2","status":"queued"}"#, "accepted"),
        ("telerivet", 402, r#"{"error":{"code":"over_limit"}}"#, "refused"),
        ("46elks", 200, r#"{"status":"created","id":"s1","direction":"outgoing","parts":1}"#, "accepted"),
        ("46elks", 200, r#"{"status":"failed","id":"s1"}"#, "refused"),
        ("jasmin", 200, "Success \"07033084-5cfd-4812-90a4-e4d24ffb6e3d\"", "accepted"),
        ("jasmin", 412, "Error \"No route found\"", "refused"),
        ("jasmin", 200, "<html>Welcome</html>", "deferred"),
        (
            "httpsms",
            200,
            r#"{"data":{"id":"h2","status":"pending"},"message":"message added to queue","status":"success"}"#,
            "accepted",
        ),
        ("httpsms", 200, r#"{"message":"no","status":"error"}"#, "refused"),
        (
            "android-sms-gateway",
            202,
            r#"{"id":"g1","state":"Pending","isHashed":false,"recipients":[]}"#,
            "accepted",
        ),
        (
            "infobip",
            200,
            r#"{"messages":[{"messageId":"i9","status":{"groupId":1,"groupName":"PENDING"},"to":"254711000222"}]}"#,
            "accepted",
        ),
        (
            "infobip",
            200,
            r#"{"messages":[{"messageId":"i9","status":{"groupId":5,"groupName":"REJECTED"}}]}"#,
            "refused",
        ),
        (
            "clickatell",
            202,
            r#"{"messages":[{"apiMessageId":"c9","accepted":true,"to":"254711000222","error":null}],"error":null}"#,
            "accepted",
        ),
        (
            "clickatell",
            207,
            r#"{"messages":[{"apiMessageId":null,"accepted":false,"error":"Invalid"}]}"#,
            "refused",
        ),
    ];
    for (preset, status, answer, expected) in table {
        let (_, outcome) = reply(&ready(preset), status, answer).await;
        assert_eq!(name(&outcome), expected, "{preset}: {answer}");
    }
    let (_, outcome) = reply(&ready("twilio"), 201, r#"{"sid":"SM2"}"#).await;
    assert_eq!(outcome, SendOutcome::Accepted { detail: "201: JSON of 13 bytes, id SM2".to_owned() });
}

/// Returns the final statuses in a report on a message that the backend sent. `{}` stands for our id.
async fn reported(preset: &str, further: &str, body: &str) -> Vec<Option<FinalStatus>> {
    let backend = backend(preset, &format!("{}\ndelivery_reports = true\n{further}", needed(preset)));
    let (request, _) = reply(&backend, 200, "").await;
    let sent = String::from_utf8(request.body().to_vec()).unwrap();
    let reports = backend.0.reports().unwrap();
    let key = crate::backend::ReportKey::new(Some(&crate::settings::Secret::new(match preset {
        "httpsms" => secret("httpsms_signing_key"),
        other => secret(&format!("{other}_token")),
    })));
    let id = key.sign(&message("+254711000222", "hi & ሰ"));
    assert!(sent.contains(&id), "{preset}: {sent}");
    let request = post(JSON, &body.replace("ID", &id), &[]);
    let all = reports.decode_all(&"h".parse().unwrap(), &request).unwrap();
    all.into_iter().map(|one| one.final_status).collect()
}

#[tokio::test]
async fn reports_lead_to_the_message() {
    let infobip = r#"{"results":[{"messageId":"i9","callbackData":"ID","status":{"groupId":3,"groupName":"DELIVERED","name":"DELIVERED_TO_HANDSET"}},{"callbackData":"ID","status":{"groupName":"REJECTED"}}]}"#;
    let table = [
        ("infobip", infobip, vec![Some(FinalStatus::Delivered), Some(FinalStatus::Failed)]),
        (
            "clickatell",
            r#"{"messageId":"c9","clientMessageId":"ID","status":"RECEIVED_BY_RECIPIENT","statusCode":4}"#,
            vec![Some(FinalStatus::Delivered)],
        ),
        ("clickatell", r#"{"clientMessageId":"ID","status":"DELIVERED_TO_GATEWAY"}"#, vec![None]),
        (
            "httpsms",
            r#"{"data":{"id":"h2","request_id":"ID"},"type":"message.send.expired"}"#,
            vec![Some(FinalStatus::Failed)],
        ),
    ];
    for (preset, body, expected) in table {
        assert_eq!(reported(preset, "", body).await, expected, "{preset}");
    }
}
