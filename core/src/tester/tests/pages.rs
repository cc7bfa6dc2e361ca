//! Tests of addresses, pages and assets.

use ::http::Request;
use bytes::Bytes;

use super::{Rig, body, location};

#[tokio::test]
async fn every_address_leads_to_a_page_or_says_why_not() {
    let rig = Rig::open();
    for target in ["/httptester", "/httptester/", "/httptester/t", "/httptester/t/"] {
        let answer = rig.get(target).await;
        let number =
            location(&answer).strip_prefix("/httptester/t/555").and_then(|rest| rest.strip_suffix('/'));
        assert!(
            answer.status() == 303 && number.is_some_and(|number| number.len() == 7),
            "{target}: {answer:?}"
        );
    }
    let table = [
        ("/httptester/t/+251", 303, "/httptester/t/+251/"),
        ("/httptester/t/?identity=MTN_1", 303, "/httptester/t/MTN_1/"),
        ("/httptester/t/?identity=+251", 303, "/httptester/t/+251/"),
        ("/httptester/t/50%25%20off%20%231/", 303, "/httptester/t/?identity=50%25%20off%20%231"),
        ("/httptester/t/a.b", 303, "/httptester/t/?identity=a.b"),
        ("/httptester/t/+251/", 200, ""),
        ("/httptester/t/?identity=50%25%20off%20%231", 200, ""),
        ("/httptester/t/?identity=poll.json&also=2", 200, ""),
        ("/httptester/t/?identity=", 400, ""),
        ("/httptester/t//", 400, ""),
        ("/httptester/t/1/2/", 404, ""),
        ("/httptester/none/", 404, ""),
        ("/httptester/t/poll.json", 405, ""),
        ("/httptester/t/login.html", 303, "/httptester/t/555"),
        ("/httptester/assets.x/page.css", 200, ""),
        ("/httptester/assets.x/../secret", 404, ""),
    ];
    for (target, status, to) in table {
        let answer = rig.get(target).await;
        assert_eq!(answer.status(), status, "{target}");
        if status == 303 {
            assert!(location(&answer).starts_with(to) && !to.is_empty(), "{target}: {answer:?}");
        }
    }
    let deleted = Request::delete("/httptester/t/1/").body(Bytes::new()).unwrap();
    let answer = rig.ask(deleted).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["allow"]),
        (405, &"GET, HEAD, POST".parse().unwrap())
    );
    let head = rig.ask(Request::head("/httptester/t/1/").body(Bytes::new()).unwrap()).await;
    assert!(head.status() == 200 && head.body().is_empty());
    for target in ["/httptester/t/1/", "/httptester/"] {
        assert_eq!(rig.post(target, &[], "identity=1&text=x").await.status(), 405, "{target}");
    }
    let long = "x".repeat(crate::endpoint::MAX_QUERY);
    assert_eq!(rig.get(&format!("/httptester/t/?identity=1&x={long}")).await.status(), 413);
}

#[tokio::test]
async fn pages_name_nothing_from_elsewhere_and_their_parts_are_kept_for_good() {
    let rig = Rig::open();
    let page = rig.get("/httptester/t/1/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = body(&page);
    assert!(html.contains("&lt;T&gt;") && !html.contains("<T>") && !html.contains("{{"), "{html}");
    for inline in ["style=", " onclick", "<style", "<script>", "http://", "https://"] {
        assert!(!html.contains(inline), "{inline}");
    }
    let parts: Vec<&str> = html.split('"').filter(|part| part.starts_with("/httptester/assets.")).collect();
    assert!(parts.len() >= 3, "{parts:?}");
    for part in parts {
        let answer = rig.get(part).await;
        assert_eq!(answer.status(), 200, "{part}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        let tag = answer.headers()["etag"].clone();
        let again = Request::get(part).header("if-none-match", tag).body(Bytes::new()).unwrap();
        let again = rig.ask(again).await;
        assert!(again.status() == 304 && again.body().is_empty());
        let name = part.rsplit('/').next().unwrap();
        let older = rig.get(&format!("/httptester/assets.0123/{name}")).await;
        assert_eq!(
            (older.status().as_u16(), &older.headers()["cache-control"]),
            (200, &"no-cache".parse().unwrap())
        );
    }
}
