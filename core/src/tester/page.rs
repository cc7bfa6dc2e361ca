//! The pages: HTML with a few values filled in. What people wrote comes later, as data.

use std::time::Duration;

use ::http::{Response, StatusCode};
use bytes::Bytes;

use super::login::Visitor;
use super::{Tester, answers, assets};
use crate::model::message::Identity;

const CONVERSATION: &str = include_str!("web/conversation.html");
const LOGIN: &str = include_str!("web/login.html");

/// The page of all conversations. Which one it opens it reads from its address.
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

/// What came of the password that was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// There was none.
    Nothing,
    /// It was wrong.
    Wrong,
    /// There were too many wrong ones: the next may come after this time.
    TooMany(Duration),
}

/// The form that asks for the password, and leads to the page of an identity; with a word about the last one.
pub(super) fn login(tester: &Tester<'_>, identity: Option<&Identity>, before: Before) -> Response<Bytes> {
    let (status, problem) = match before {
        Before::Nothing => (StatusCode::OK, String::new()),
        Before::Wrong => (StatusCode::FORBIDDEN, "That is not the password.".to_owned()),
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

/// Puts values in the place of `{{name}}`, escaped, each once: a value is never looked through for another.
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

/// A text as it stands in HTML, within the quotes of an attribute too.
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
