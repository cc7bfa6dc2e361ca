//! Tests of scripts, of logins, and of visitors who must be refused.

use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use serde_json::json;

use super::{FORM, PASSWORD, Rig, body, location};
use crate::settings::{Place, Surroundings};

#[tokio::test]
async fn scripts_are_answered_ok_or_told_what_is_wrong() {
    let rig = Rig::open();
    let form = [("content-type", FORM)];
    let answer = rig.post("/httptester/t/", &form, "identity=%2B251&text=echo+100%25").await;
    assert_eq!((answer.status().as_u16(), body(&answer)), (200, "OK"));
    assert_eq!(rig.texts("+251").await, ["handled echo 100%", "sent 100%"]);
    let table = [
        ("identity=&text=a", 400, "identity: an identity cannot be empty\n"),
        ("identity=1", 400, "text: is missing\n"),
        ("", 400, "identity: is missing\ntext: is missing\n"),
    ];
    for (sent, status, words) in table {
        let answer = rig.post("/httptester/t/", &form, sent).await;
        assert_eq!((answer.status().as_u16(), body(&answer)), (status, words), "{sent}");
    }
    let large = format!("identity=1&text={}", "x".repeat(crate::endpoint::MAX_BODY));
    assert_eq!(rig.post("/httptester/t/", &form, &large).await.status(), 413);
    assert_eq!(rig.post("/httptester/t/", &[("content-type", "text/xml")], "<x/>").await.status(), 415);
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn a_page_of_another_site_writes_nothing() {
    let rig = Rig::open();
    let foreign: [&[(&str, &str)]; 3] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("host", "127.0.0.1:8000"), ("origin", "https://evil.example")],
        &[("host", "127.0.0.1:8000"), ("origin", "null")],
    ];
    for headers in foreign {
        for (target, sent) in [
            ("/httptester/t/", "identity=1&text=echo+hi"),
            ("/httptester/t/send.json", r#"{"messages":[{"identity":"1","text":"hi"}]}"#),
            ("/httptester/t/clear.json", r#"{"identity":null}"#),
            ("/httptester/t/login.html", "password=x"),
        ] {
            let answer = rig.post(target, headers, sent).await;
            assert_eq!(answer.status(), 403, "{target} {headers:?}");
        }
    }
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn a_login_is_asked_for_once_and_guards_every_call() {
    let rig = Rig::locked("");
    let page = rig.get("/httptester/t/?identity=50%25").await;
    assert_eq!((page.status().as_u16(), location(&page)), (303, "/httptester/t/login.html?identity=50%25"));
    let form = rig.get("/httptester/t/login.html?identity=50%25").await;
    assert!(form.status() == 200 && body(&form).contains("type=\"password\""));
    assert!(body(&form).contains("value=\"50%\""), "it leads to what was asked for");
    for call in ["poll", "send", "clear", "log"] {
        assert_eq!(rig.call(call, &json!({})).await.0, 401, "{call}");
    }
    let wrong = rig
        .post("/httptester/t/login.html", &[("content-type", FORM)], "password=guess&identity=%3Cb%3E")
        .await;
    assert!(body(&wrong).contains("value=\"&lt;b&gt;\"") && !body(&wrong).contains("<b>"));
    assert!(wrong.status() == 403 && wrong.headers().get("set-cookie").is_none());
    assert!(body(&wrong).contains("The password is wrong."));

    let sent = format!("password={}&identity=50%25", PASSWORD.replace(' ', "+"));
    let entered = rig.post("/httptester/t/login.html", &[("content-type", FORM)], &sent).await;
    assert_eq!((entered.status().as_u16(), location(&entered)), (303, "/httptester/t/?identity=50%25"));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = Request::get("/httptester/t/1/").header("cookie", &cookie).body(Bytes::new()).unwrap();
    let page = rig.ask(page).await;
    let token = body(&page).split("data-token=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.status() == 200 && token.len() == 64);

    let one = r#"{"messages":[{"identity":"1","text":"echo hi"}]}"#;
    let without = rig.post("/httptester/t/send.json", &[("cookie", &cookie)], one).await;
    assert_eq!(without.status(), 403, "the cookie alone does not do");
    assert!(rig.history("1").await.is_empty());
    let both = [("cookie", cookie.as_str()), ("x-tester-token", token.as_str())];
    assert_eq!(rig.post("/httptester/t/send.json", &both, one).await.status(), 200);
    assert_eq!(rig.texts("1").await, ["handled echo hi", "sent hi"]);

    let out = rig.post("/httptester/t/logout.html", &[("cookie", &cookie)], "token=x").await;
    assert_eq!(out.status(), 403);
    let out = rig.post("/httptester/t/logout.html", &[("cookie", &cookie)], &format!("token={token}")).await;
    assert!(out.status() == 303 && out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));

    // Basic needs no cookie. The user name and password are `me:correct horse battery`.
    let basic = [("authorization", "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")];
    assert_eq!(rig.post("/httptester/t/send.json", &basic, one).await.status(), 200);
    let foreign = [basic[0], ("sec-fetch-site", "cross-site")];
    assert_eq!(rig.post("/httptester/t/send.json", &foreign, one).await.status(), 403);
    for _ in 0..12 * 3600 {
        rig.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(rig.post("/httptester/t/send.json", &both, one).await.status(), 401, "it has expired");
}

#[tokio::test]
async fn behind_a_login_scripts_need_a_token_of_their_own() {
    let sent = "identity=1&text=echo+hi";
    let rig = Rig::locked("");
    let basic = ("authorization", "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5");
    for headers in [&[("content-type", FORM)][..], &[("content-type", FORM), basic]] {
        assert_eq!(rig.post("/httptester/t/", headers, sent).await.status(), 403);
    }
    let rig = Rig::locked("token = \"s3cret\"");
    let form = [("content-type", FORM)];
    assert_eq!(rig.post("/httptester/t/", &form, sent).await.status(), 401);
    assert_eq!(rig.post("/httptester/t/", &form, &format!("{sent}&token=x")).await.status(), 403);
    assert_eq!(
        rig.post("/httptester/t/", &[form[0], basic], sent).await.status(),
        403,
        "not that of the login"
    );
    assert!(rig.nothing_is_kept().await);
    assert_eq!(rig.post("/httptester/t/", &form, &format!("{sent}&token=s3cret")).await.status(), 200);
    assert_eq!(rig.post("/httptester/t/?token=s3cret", &form, sent).await.status(), 200);
}

#[tokio::test]
async fn a_deployed_tester_without_a_password_is_off_and_says_so() {
    let keys = "password = { secret = \"P\", local = \"\" }\ntoken = { secret = \"T\", local = \"\" }";
    let rig = Rig::with(keys, &Surroundings::new(Place::Deployed, |_| None));
    for target in ["/httptester/", "/httptester/t/", "/httptester/t/1/", "/httptester/t/login.html"] {
        let answer = rig.get(target).await;
        assert_eq!(answer.status(), 403, "{target}");
        assert!(body(&answer).starts_with("The message tester is off"), "{target}");
    }
    for (target, sent) in [
        ("/httptester/t/", "identity=1&text=echo+hi"),
        ("/httptester/t/send.json", "{}"),
        ("/httptester/t/login.html", "password="),
    ] {
        assert_eq!(rig.post(target, &[("content-type", FORM)], sent).await.status(), 403, "{target}");
    }
    assert!(rig.nothing_is_kept().await);
}
