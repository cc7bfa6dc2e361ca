//! Reads the path of a request, and writes the paths of pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use crate::model::message::{Identity, InvalidName};

/// The target of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// `/httptester/`
    Front,
    /// `/httptester/assets.<release>/<name>`
    Asset { release: &'a str, name: &'a str },
    /// `/httptester/<backend>/…`
    Backend { name: &'a str, rest: Rest<'a> },
}

/// The part of a path after the name of the backend.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest<'a> {
    /// There is no further part.
    Root,
    /// `<call>.json`, or `login.html`. Such a name has a dot; an identity in a path has no dot.
    Call(&'a str),
    /// An identity as it is written, and whether a slash follows it.
    Named { segment: &'a str, ended: bool },
    /// A path that does not exist.
    Nothing,
}

/// The calls that pages make, and the forms.
const CALLS: [&str; 6] = ["poll.json", "send.json", "clear.json", "log.json", "login.html", "logout.html"];

/// The beginning of the name of the folder with the assets of the pages.
const ASSETS: &str = "assets.";

/// Splits a path into its first segment and the target of the whole path.
pub(super) fn read(path: &str) -> (&str, Target<'_>) {
    let mut segments = path.split('/').skip(1);
    let folder = segments.next().unwrap_or_default();
    let rest: Vec<&str> = segments.collect();
    let place = match rest[..] {
        [] | [""] => Target::Front,
        [first, name] if first.starts_with(ASSETS) => Target::Asset { release: &first[ASSETS.len()..], name },
        [name] | [name, ""] => Target::Backend { name, rest: Rest::Root },
        [name, segment] if CALLS.contains(&segment) => Target::Backend { name, rest: Rest::Call(segment) },
        [name, segment] => Target::Backend { name, rest: Rest::Named { segment, ended: false } },
        [name, segment, ""] => Target::Backend { name, rest: Rest::Named { segment, ended: true } },
        [name, ..] => Target::Backend { name, rest: Rest::Nothing },
    };
    (folder, place)
}

/// Returns the address of the assets.
pub(super) fn of_assets(folder: &str, release: &str) -> String {
    format!("/{folder}/{ASSETS}{release}/")
}

/// Returns whether an identity can be written in a path unescaped: ASCII letters and digits, `_`, `+`, `-`.
pub(super) fn is_plain(identity: &str) -> bool {
    !identity.is_empty() && identity.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
}

/// Returns the address of an identity's page, relative to the address of its backend.
pub(super) fn of(identity: &str) -> String {
    if is_plain(identity) { format!("{identity}/") } else { format!("?identity={}", escaped(identity)) }
}

/// Escapes a text for a value in a query.
pub(super) fn escaped(text: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Unescapes a segment of a path.
pub(super) fn unescaped(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// Returns the identity in a query. If a client forgot to escape the `+`, it arrives as a space.
pub(super) fn identity_in(query: &str) -> Option<Result<Identity, InvalidName>> {
    let (_, identity) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "identity")?;
    let number = identity.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Some(number.map_or(identity.to_string(), |number| format!("+{number}")).parse())
}

/// Returns a number that nobody has: ten digits that begin with 555, like the phone numbers in films.
pub(super) fn new_number() -> String {
    format!("555{:07}", Uuid::new_v4().as_u128() % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_for_something() {
        let named = |segment, ended| Target::Backend { name: "b", rest: Rest::Named { segment, ended } };
        let backend = |rest| Target::Backend { name: "b", rest };
        let table = [
            ("/httptester", Target::Front),
            ("/httptester/", Target::Front),
            ("/httptester/b", backend(Rest::Root)),
            ("/httptester/b/", backend(Rest::Root)),
            ("/httptester//", Target::Backend { name: "", rest: Rest::Root }),
            ("/httptester/b/+251", named("+251", false)),
            ("/httptester/b/+251/", named("+251", true)),
            ("/httptester/b/a%20b/", named("a%20b", true)),
            ("/httptester/b/poll.json", backend(Rest::Call("poll.json"))),
            ("/httptester/b/poll.json/", named("poll.json", true)),
            ("/httptester/b/poll.jsonx", named("poll.jsonx", false)),
            ("/httptester/b/1/2/", backend(Rest::Nothing)),
            ("/httptester/assets.1f/page.css", Target::Asset { release: "1f", name: "page.css" }),
            ("/httptester/assets.1f/", Target::Asset { release: "1f", name: "" }),
        ];
        for (path, place) in table {
            assert_eq!(read(path), ("httptester", place), "{path}");
        }
        assert_eq!(read(""), ("", Target::Front));
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
