//! What a path asks for, and the paths of pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use crate::model::message::{Identity, InvalidName};

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// `/httptester/`
    Front,
    /// `/httptester/assets.<release>/<name>`
    Asset { release: &'a str, name: &'a str },
    /// `/httptester/<backend>/…`
    Backend { name: &'a str, rest: Rest<'a> },
}

/// What is behind a backend's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest<'a> {
    /// Nothing.
    Root,
    /// `<call>.json`, or `login.html`: has a dot, which no identity in a path has.
    Call(&'a str),
    /// An identity, as it is written; and whether a slash ends it.
    Named { segment: &'a str, ended: bool },
    /// More than there is.
    Nothing,
}

/// The calls that pages make, and the forms.
const CALLS: [&str; 6] = ["poll.json", "send.json", "clear.json", "log.json", "login.html", "logout.html"];

/// What leads the name of the folder with the parts of the pages.
const ASSETS: &str = "assets.";

/// Splits a path into its first segment and the place that the rest is.
pub(super) fn read(path: &str) -> (&str, Place<'_>) {
    let mut segments = path.split('/').skip(1);
    let folder = segments.next().unwrap_or_default();
    let rest: Vec<&str> = segments.collect();
    let place = match rest[..] {
        [] | [""] => Place::Front,
        [first, name] if first.starts_with(ASSETS) => Place::Asset { release: &first[ASSETS.len()..], name },
        [name] | [name, ""] => Place::Backend { name, rest: Rest::Root },
        [name, segment] if CALLS.contains(&segment) => Place::Backend { name, rest: Rest::Call(segment) },
        [name, segment] => Place::Backend { name, rest: Rest::Named { segment, ended: false } },
        [name, segment, ""] => Place::Backend { name, rest: Rest::Named { segment, ended: true } },
        [name, ..] => Place::Backend { name, rest: Rest::Nothing },
    };
    (folder, place)
}

/// Where the parts of the pages are.
pub(super) fn of_assets(folder: &str, release: &str) -> String {
    format!("/{folder}/{ASSETS}{release}/")
}

/// Whether an identity can stand in a path as it is: letters and digits of ASCII, `_`, `+`, `-`.
pub(super) fn is_plain(identity: &str) -> bool {
    !identity.is_empty() && identity.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
}

/// Where the page of an identity is, below its backend's address.
pub(super) fn of(identity: &str) -> String {
    if is_plain(identity) { format!("{identity}/") } else { format!("?identity={}", escaped(identity)) }
}

/// A text as a value in a query.
pub(super) fn escaped(text: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A segment of a path as the text that it stands for.
pub(super) fn unescaped(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The identity in a query. A `+` that somebody forgot to escape arrives as a space.
pub(super) fn identity_in(query: &str) -> Option<Result<Identity, InvalidName>> {
    let (_, identity) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "identity")?;
    let number = identity.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Some(number.map_or(identity.to_string(), |number| format!("+{number}")).parse())
}

/// A number that nobody has: ten digits that begin like one of a film.
pub(super) fn new_number() -> String {
    format!("555{:07}", Uuid::new_v4().as_u128() % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_for_something() {
        let named = |segment, ended| Place::Backend { name: "b", rest: Rest::Named { segment, ended } };
        let backend = |rest| Place::Backend { name: "b", rest };
        let table = [
            ("/httptester", Place::Front),
            ("/httptester/", Place::Front),
            ("/httptester/b", backend(Rest::Root)),
            ("/httptester/b/", backend(Rest::Root)),
            ("/httptester//", Place::Backend { name: "", rest: Rest::Root }),
            ("/httptester/b/+251", named("+251", false)),
            ("/httptester/b/+251/", named("+251", true)),
            ("/httptester/b/a%20b/", named("a%20b", true)),
            ("/httptester/b/poll.json", backend(Rest::Call("poll.json"))),
            ("/httptester/b/poll.json/", named("poll.json", true)),
            ("/httptester/b/poll.jsonx", named("poll.jsonx", false)),
            ("/httptester/b/1/2/", backend(Rest::Nothing)),
            ("/httptester/assets.1f/page.css", Place::Asset { release: "1f", name: "page.css" }),
            ("/httptester/assets.1f/", Place::Asset { release: "1f", name: "" }),
        ];
        for (path, place) in table {
            assert_eq!(read(path), ("httptester", place), "{path}");
        }
        assert_eq!(read(""), ("", Place::Front));
    }

    #[test]
    fn identities_travel_in_the_path_or_in_the_query() {
        let table = [
            ("+251911", "+251911/"),
            ("MTN_info-1", "MTN_info-1/"),
            ("a b", "?identity=a%20b"),
            ("50%", "?identity=50%25"),
            ("#1", "?identity=%231"),
            ("a.json", "?identity=a.json"),
            ("ሰ", "?identity=%E1%88%B0"),
        ];
        for (identity, address) in table {
            assert_eq!(of(identity), address, "{identity}");
            if let Some(query) = address.strip_prefix('?') {
                assert_eq!(identity_in(query), Some(identity.parse()), "{identity}");
            }
        }
        assert_eq!(identity_in("x=1&identity=+251"), Some("+251".parse()));
        assert_eq!(identity_in("identity="), Some(Err(InvalidName::EmptyIdentity)));
        assert_eq!(identity_in("x=identity"), None);
        assert!(is_plain(&new_number()) && new_number().len() == 10);
    }
}
