//! The pages: HTML in which a few values are filled in. The page loads the messages later, as data.

use std::time::Duration;

use ::http::{Response, StatusCode};
use bytes::Bytes;

use super::login::Visitor;
use super::{Tester, answers, assets};
use crate::model::message::Identity;

const CONVERSATION: &str = include_str!("web/conversation.html");
const LOGIN: &str = include_str!("web/login.html");

/// Returns the page of all conversations. The page itself reads from its address which conversation it opens.
pub(super) fn conversation(tester: &Tester<'_>) -> Response<Bytes> {
    let token = match (tester.login(), &tester.visitor) {
        (Some(login), Visitor::Session(session)) => login.token(session),
        _ => String::new(),
    };
    let testers: Vec<&str> = tester
        .project
        .backends()
        .filter(|(_, engine)| *engine == tester.engine)
        .map(|(name, _)| name.as_str())
        .collect();
    let text = filled(CONVERSATION, |name| match name {
        "token" => token.clone(),
        "testers" => testers.join(" "),
        other => common(tester, other),
    });
    answers::html(StatusCode::OK, text)
}

/// The result of the password that the user gave before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// The user gave no password.
    Nothing,
    /// The password was wrong.
    Wrong,
    /// There were too many wrong passwords. The user may try again after this time.
    TooMany(Duration),
}

/// Returns the form that asks for the password and then leads to the page of an identity. The form also shows the
/// result of the previous password.
pub(super) fn login(tester: &Tester<'_>, identity: Option<&Identity>, before: Before) -> Response<Bytes> {
    let (status, problem) = match before {
        Before::Nothing => (StatusCode::OK, String::new()),
        Before::Wrong => (StatusCode::FORBIDDEN, "The password is wrong.".to_owned()),
        Before::TooMany(wait) => (StatusCode::TOO_MANY_REQUESTS, answers::too_many(wait)),
    };
    let text = filled(LOGIN, |name| match name {
        "identity" => identity.map_or("", Identity::as_str).to_owned(),
        "hidden" => if problem.is_empty() { "hidden" } else { "" }.to_owned(),
        "problem" => problem.clone(),
        other => common(tester, other),
    });
    let mut response = answers::html(status, text);
    if let Before::TooMany(wait) = before {
        answers::retry_after(&mut response, wait);
    }
    response
}

fn common(tester: &Tester<'_>, name: &str) -> String {
    match name {
        "project" => tester.project.about().name.clone(),
        "backend" => tester.name.as_str().to_owned(),
        "root" => tester.root(),
        "folder" => tester.folder.to_owned(),
        "assets" => assets::address(tester.folder),
        _ => String::new(),
    }
}

/// Replaces each `{{name}}` by its escaped value. A value is never searched for another `{{name}}`.
fn filled(page: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = page.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("}}") {
            Some((name, rest)) => {
                text.push_str(&escaped(&value(name)));
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}

/// Escapes a text for HTML, also for an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_never_looked_through() {
        let value = |name: &str| if name == "a" { "{{b}}<\"'&>".to_owned() } else { "b".to_owned() };
        assert_eq!(filled("x {{a}} {{b}} {{", value), "x {{b}}&lt;&quot;&#39;&amp;&gt; b ");
    }
}
