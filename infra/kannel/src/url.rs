//! A `get-url`: its target, its parameters, and the escape codes in it that Kannel fills in.

/// One escape code, such as `%p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    /// The letter of the code.
    pub(crate) letter: u8,
}

/// The codes that Kannel 1.4.5 fills in. Kannel leaves every other code as it is.
const FILLED: &[u8] = b"abcdefikmnopqrstuvABCDFIMOPQRSTV";

/// The longest payload of a message of ten parts, in bytes: 1,530 characters of GSM-7 with two bytes each in UTF-8.
const PAYLOAD: usize = 3060;

impl Code {
    /// Returns whether the code is the text, split at white space.
    pub(crate) fn splits_text(self) -> bool {
        b"akrsS".contains(&self.letter)
    }

    /// Returns the most bytes that Kannel may put in place of the code.
    fn longest(self) -> usize {
        match self.letter {
            b'e' => 2 * PAYLOAD,
            b'a' | b'b' | b'A' | b'r' => 3 * PAYLOAD,
            b'I' => 36,
            b'p' | b'P' | b'q' | b'Q' | b'i' | b'o' | b't' => 24,
            _ => 10,
        }
    }
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UrlParam {
    /// The name of the parameter.
    pub(crate) name: String,
    /// The value: everything after the `=`.
    pub(crate) value: String,
    /// The codes in the value.
    pub(crate) codes: Vec<Code>,
}

impl UrlParam {
    /// Returns whether the value contains this code.
    pub(crate) fn has(&self, letter: u8) -> bool {
        self.codes.iter().any(|code| code.letter == letter)
    }

    /// Returns whether the value contains a code that splits the text.
    pub(crate) fn splits_text(&self) -> bool {
        self.codes.iter().any(|code| code.splits_text())
    }
}

/// A `get-url` and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GetUrl {
    /// Whether the URL begins with `https://`.
    pub(crate) https: bool,
    /// The part `name:password` before the host.
    pub(crate) user: Option<String>,
    /// The host and the port.
    pub(crate) host: String,
    /// The path.
    pub(crate) path: String,
    /// The parameters in their order.
    pub(crate) params: Vec<UrlParam>,
    whole: String,
}

impl GetUrl {
    /// Reads a URL. Returns `None` if smsbox could not call it.
    pub(crate) fn read(url: &str) -> Option<Self> {
        let (https, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        if url.contains(|c: char| c.is_ascii_whitespace() || c.is_control()) {
            return None;
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return None;
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let param = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            UrlParam { name: name.to_owned(), value: value.to_owned(), codes: codes(value) }
        };
        Some(Self {
            https,
            user,
            host: host.to_owned(),
            path: path.to_owned(),
            params: query.split('&').filter(|pair| !pair.is_empty()).map(param).collect(),
            whole: url.to_owned(),
        })
    }

    /// Returns the first parameter of this name.
    pub(crate) fn param(&self, name: &str) -> Option<&UrlParam> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Returns the name in `/backend/NAME/`.
    pub(crate) fn backend(&self) -> Option<&str> {
        let mut segments = self.path.split('/').skip_while(|segment| *segment != "backend").skip(1);
        segments.next().filter(|name| !name.is_empty())
    }

    /// Returns whether the URL leads to this machine.
    pub(crate) fn is_here(&self) -> bool {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        name == "localhost"
            || name == "[::1]"
            || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Returns the escaped bytes, such as `%C3`, that Kannel reads as a code of its own.
    pub(crate) fn taken_escapes(&self) -> Vec<String> {
        let bytes = self.whole.as_bytes();
        let mut taken = Vec::new();
        let mut at = 0;
        while at + 1 < bytes.len() {
            if bytes[at] != b'%' {
                at += 1;
                continue;
            }
            // This is `%` and two hex digits, and Kannel knows the first digit as a code. A code that is really meant
            // and is followed by a hex digit looks the same, so it counts too.
            if let [letter, second, ..] = &bytes[at + 1..]
                && letter.is_ascii_hexdigit()
                && second.is_ascii_hexdigit()
                && FILLED.contains(letter)
            {
                taken.push(format!("%{}{}", char::from(*letter), char::from(*second)));
            }
            at += 2;
        }
        taken
    }

    /// Returns the longest possible length of the filled-in URL, in bytes, for a message of ten parts.
    pub(crate) fn longest(&self) -> usize {
        let codes = codes(&self.whole);
        self.whole.len() - 2 * codes.len() + codes.into_iter().map(Code::longest).sum::<usize>()
    }
}

/// Returns the codes that Kannel fills in. `%%` is not a code.
fn codes(text: &str) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%'
            && let Some(letter) = bytes.next()
            && FILLED.contains(&letter)
        {
            codes.push(Code { letter });
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = GetUrl::read("http://me:x%@127.0.0.1:8443/a/backend/clinic/?id=%p&text=%a%%b&&x").unwrap();
        assert_eq!((url.user.as_deref(), url.host.as_str()), (Some("me:x%"), "127.0.0.1:8443"));
        assert_eq!((url.backend(), url.is_here()), (Some("clinic"), true));
        let params: Vec<(&str, usize)> =
            url.params.iter().map(|param| (param.name.as_str(), param.codes.len())).collect();
        assert_eq!(params, [("id", 1), ("text", 1), ("x", 0)]);
        for bad in ["", "ftp://x/", "http://", "http:///x", "http://:80/", "http://x/a b", "\"http://x/"] {
            assert_eq!(GetUrl::read(bad), None, "{bad}");
        }
        assert!(!GetUrl::read("http://10.0.0.1/").unwrap().is_here());
        assert!(GetUrl::read("http://localhost/").unwrap().is_here());
    }

    #[test]
    fn escapes_that_kannel_takes_for_codes_are_found() {
        let table: [(&str, &[&str]); 5] = [
            ("t=a%C3%A9&x=%20%2F%e0", &["%C3", "%A9", "%e0"]),
            ("t=%%C3%%A9", &[]),
            ("id=%p&hex=%e&mid=%I", &[]),
            ("x=%c&y=%E9%9f%", &[]),
            ("x=%p12", &[]),
        ];
        for (query, expected) in table {
            let url = GetUrl::read(&format!("http://x/?{query}")).unwrap();
            assert_eq!(url.taken_escapes(), expected, "{query}");
        }
    }

    #[test]
    fn the_longest_request_counts_the_text_as_often_as_it_is_there() {
        let length = |query: &str| GetUrl::read(&format!("http://x/?{query}")).unwrap().longest();
        assert_eq!(length("hex=%e"), 10 + 4 + 6120);
        assert_eq!(length("hex=%e&text=%b"), 10 + 4 + 6120 + 6 + 9180);
    }
}
