//! Tests of the gate: it slows down a client that guesses the password, and disturbs no other client.

use std::net::IpAddr;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use serde_json::json;

use super::{FORM, PASSWORD, Rig, body};
use crate::model::message::BackendName;
use crate::store::Guesses;
use crate::tester::ClientAddress;
use crate::testing::{FaultKind, When};
use crate::util::clock::Clock as _;

const OWNER: &str = "192.0.2.1";
const GUESSER: &str = "192.0.2.2";
/// The user name `me` with the right password, with a wrong password, and with the token of scripts.
const RIGHT: &str = "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";
const WRONG: &str = "Basic bWU6d3Jvbmc=";
const TOKEN: &str = "Basic bWU6czNjcmV0";

fn from(address: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    request.extensions_mut().insert(ClientAddress(address.parse::<IpAddr>().unwrap()));
    request
}

async fn log_in(rig: &Rig, address: &str, password: &str) -> Response<Bytes> {
    let form = format!("password={}", password.replace(' ', "+"));
    let request = Request::post("/httptester/t/login.html").header("content-type", FORM);
    rig.ask(from(address, request.body(Bytes::from(form)).unwrap())).await
}

async fn basic(rig: &Rig, address: &str, method: &str, target: &str, value: &str) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(target).header("authorization", value);
    let request = request.header("content-type", FORM).body(Bytes::from("identity=1&text=echo+hi")).unwrap();
    rig.ask(from(address, request)).await
}

fn wait(answer: &Response<Bytes>) -> Option<u64> {
    answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap())
}

async fn counted(rig: &Rig) -> u32 {
    let backend: BackendName = "t".parse().unwrap();
    rig.store.guesses(&backend, "nobody", rig.clock.now()).await.unwrap().by_all
}

/// Advances the clock to the beginning of the next hour.
fn next_hour(rig: &Rig) {
    let second = u64::try_from(rig.clock.now().as_second().rem_euclid(3600)).unwrap();
    rig.clock.advance(Duration::from_secs(3600 - second));
}

#[tokio::test]
async fn a_client_that_guesses_waits_longer_each_time_and_learns_nothing_meanwhile() {
    let rig = Rig::locked("");
    next_hour(&rig);
    for nth in 0..5 {
        let answer = log_in(&rig, GUESSER, "guess").await;
        assert_eq!((answer.status().as_u16(), wait(&answer)), (403, None), "{nth}");
    }
    // Each request takes one second.
    for expected in [1, 3, 7, 15, 31] {
        let wrong = log_in(&rig, GUESSER, "guess").await;
        assert_eq!((wrong.status().as_u16(), wait(&wrong)), (429, Some(expected)), "{}", body(&wrong));
        if expected > 1 {
            let right = log_in(&rig, GUESSER, PASSWORD).await;
            assert_eq!((right.status().as_u16(), wait(&right)), (429, Some(expected - 1)));
            assert!(right.headers().get("set-cookie").is_none());
            // Not the digits alone: the names of the assets have digits too.
            let said = |answer: &Response<Bytes>, wait: u64| {
                body(answer).replace(&format!("in {wait} seconds"), "in N seconds")
            };
            assert_eq!(
                said(&wrong, expected),
                said(&right, expected - 1),
                "the right one is told by nothing"
            );
        }
        let before = counted(&rig).await;
        rig.clock.advance(Duration::from_secs(expected));
        assert_eq!(log_in(&rig, GUESSER, "guess").await.status(), 403, "{expected}");
        assert_eq!(counted(&rig).await, before + 1, "one that had to wait is not counted");
    }
    rig.clock.advance(Duration::from_secs(64));
    assert_eq!(log_in(&rig, GUESSER, PASSWORD).await.status(), 303, "who waited may come in");
}

#[tokio::test]
async fn who_comes_from_elsewhere_does_not_notice() {
    let rig = Rig::locked("");
    next_hour(&rig);
    for _ in 0..20 {
        log_in(&rig, GUESSER, "guess").await;
    }
    assert_eq!(log_in(&rig, GUESSER, PASSWORD).await.status(), 429);
    assert_eq!(log_in(&rig, OWNER, PASSWORD).await.status(), 303);
    assert_eq!(basic(&rig, OWNER, "GET", "/httptester/t/1/", RIGHT).await.status(), 200);
    // All addresses of a network are one client. The next network is another client.
    for _ in 0..20 {
        log_in(&rig, "2001:db8:0:1::1", "guess").await;
    }
    assert_eq!(log_in(&rig, "2001:db8:0:1:ffff::2", PASSWORD).await.status(), 429);
    assert_eq!(log_in(&rig, "2001:db8:0:2::1", PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn many_clients_together_have_so_many_guesses_an_hour_and_a_session_goes_on() {
    let rig = Rig::locked("");
    next_hour(&rig);
    let entered = log_in(&rig, OWNER, PASSWORD).await;
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let backend: BackendName = "t".parse().unwrap();
    for nth in 0..999 {
        rig.store.note_guess(&backend, &nth.to_string(), rig.clock.now()).await.unwrap();
    }
    assert_eq!(log_in(&rig, OWNER, PASSWORD).await.status(), 303);
    assert_eq!(log_in(&rig, GUESSER, "guess").await.status(), 403);
    let closed = log_in(&rig, OWNER, PASSWORD).await;
    assert_eq!(closed.status(), 429);
    assert!(wait(&closed).unwrap() > 3_000 && body(&closed).contains(" minutes."), "{}", body(&closed));
    assert_eq!(log_in(&rig, GUESSER, "guess").await.status(), 429);
    assert_eq!(counted(&rig).await, 1_000);
    let page = Request::get("/httptester/t/1/").header("cookie", cookie).body(Bytes::new()).unwrap();
    assert_eq!(rig.ask(from(OWNER, page)).await.status(), 200);
    next_hour(&rig);
    assert_eq!(log_in(&rig, OWNER, PASSWORD).await.status(), 303, "by the next hour at the latest");
}

#[tokio::test]
async fn a_password_that_comes_with_a_request_is_a_guess_too_wherever_it_goes() {
    for (method, target) in [
        ("GET", "/httptester/"),
        ("GET", "/httptester/t/1/"),
        ("HEAD", "/httptester/t/login.html"),
        ("POST", "/httptester/t/"),
        ("POST", "/httptester/t/poll.json"),
        ("POST", "/httptester/t/logout.html"),
    ] {
        let rig = Rig::locked("token = \"s3cret\"");
        next_hour(&rig);
        for _ in 0..5 {
            let status = basic(&rig, GUESSER, method, target, WRONG).await.status();
            assert!(
                status != 429 && (status != 200 || target.ends_with("login.html")),
                "{method} {target}: {status}"
            );
        }
        for password in [WRONG, RIGHT] {
            let answer = basic(&rig, GUESSER, method, target, password).await;
            // Each request takes one second.
            let waits = if password == WRONG { Some(1) } else { None };
            assert_eq!(
                (answer.status() == 429, wait(&answer)),
                (waits.is_some(), waits),
                "{method} {target}"
            );
        }
        assert_eq!(counted(&rig).await, 5, "{method} {target}");
    }
    let rig = Rig::locked("token = \"s3cret\"");
    for _ in 0..10 {
        assert_eq!(basic(&rig, OWNER, "POST", "/httptester/t/", TOKEN).await.status(), 200);
    }
    assert_eq!(counted(&rig).await, 0, "a script's token is no guess");
}

#[tokio::test]
async fn nobody_pays_while_nobody_guesses() {
    let rig = Rig::locked("");
    let backend: BackendName = "t".parse().unwrap();
    let before = rig.faults.calls();
    assert_eq!(log_in(&rig, OWNER, PASSWORD).await.status(), 303);
    assert_eq!(rig.faults.calls(), before + 1, "a login is one read");
    for _ in 0..9 {
        assert_eq!(basic(&rig, OWNER, "GET", "/httptester/t/1/", RIGHT).await.status(), 200);
    }
    assert_eq!(rig.faults.calls(), before + 1, "and so it stays for the calls of the next seconds");
    assert_eq!(rig.store.guesses(&backend, "x", rig.clock.now()).await.unwrap(), Guesses::default());
}

#[tokio::test]
async fn nobody_comes_in_while_guesses_cannot_be_counted() {
    let rig = Rig::locked("");
    for password in [PASSWORD, "guess"] {
        rig.faults.plan(1, FaultKind::Error, When::Before);
        let answer = log_in(&rig, OWNER, password).await;
        assert!(answer.status() == 503 && answer.headers().get("set-cookie").is_none(), "{password}");
    }
    rig.faults.plan(2, FaultKind::Error, When::Before);
    assert_eq!(log_in(&rig, OWNER, "guess").await.status(), 503);
    rig.faults.plan(1, FaultKind::Error, When::Before);
    assert_eq!(basic(&rig, OWNER, "GET", "/httptester/t/1/", RIGHT).await.status(), 503);
    let call = rig.call("poll", &json!({})).await;
    assert_eq!(call.0, 401);
}
