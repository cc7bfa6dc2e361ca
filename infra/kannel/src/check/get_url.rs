//! Checks of the `get-url` of each service: the target of inbound messages, and the data that goes with them.

use super::{Check, Finding};
use crate::file::{Conf, Entry};
use crate::url::{GetUrl, UrlParam};

const WORDS: Check = Check::fault(
    "words-of-text",
    "texts arrive changed: ሰላም becomes another word, and spaces are lost",
    "Kannel splits these codes at white-space bytes, and characters of UTF-16 can contain such bytes",
);
const NO_TEXT: Check =
    Check::fault("no-text", "the texts of messages do not arrive", "no parameter carries the text");
const NO_SENDER: Check =
    Check::fault("no-sender", "no reply is possible", "no parameter `id` carries the sender");
const NO_ID: Check = Check::fault(
    "no-id",
    "a message that Kannel delivers twice takes effect twice",
    "if an answer is lost or late, Kannel repeats the request, and only %I shows that it is the same message",
);
const NO_CHARSET: Check = Check::fault(
    "no-charset",
    "text that is not GSM-7 arrives as control characters",
    "Kannel sends UTF-8 or UTF-16, and the get-url has neither %C nor %c to say which",
);
const TAKEN_ESCAPE: Check = Check::fault(
    "taken-escape",
    "the URL changes with each message, so its path and its token are wrong",
    "Kannel reads % and a letter as one of its own codes, also in %C3 or %d9",
);
const DIRECT_TLS: Check = Check::fault(
    "direct-https",
    "AWS refuses the connection; with another server, anybody in the network between can read the messages",
    "smsbox sends no host name in its TLS handshake (SNI), and checks no certificate",
);
const TOO_LONG: Check = Check::fault(
    "too-long",
    "a long message is refused at each attempt, and is lost in the end",
    "an HTTP API accepts at most 10,240 bytes of request line and headers",
);
const NOT_A_URL: Check = Check::fault(
    "not-a-url",
    "the service is never called",
    "smsbox calls only http:// and https://, and does not escape blanks",
);
const TOKEN_IN_URL: Check = Check::fault(
    "token-in-url",
    "the token is in the log of smsbox, at every log level",
    "smsbox logs the whole URL of each request that got no answer",
);
const NO_TIME: Check = Check::advice(
    "no-time",
    "a message that had to wait gets the time at which it arrived here",
    "no parameter `ts` carries %T",
);
const NO_RECEIVER: Check = Check::advice(
    "no-receiver",
    "apps do not know to which number the person wrote",
    "no parameter `to` carries %P",
);
const IN_THE_CLEAR: Check = Check::advice(
    "in-the-clear",
    "numbers and texts cross the network unencrypted",
    "it is http:// to another host",
);

pub(super) const ALL: &[Check] = &[
    WORDS,
    NO_TEXT,
    NO_SENDER,
    NO_ID,
    NO_CHARSET,
    TAKEN_ESCAPE,
    DIRECT_TLS,
    TOO_LONG,
    NOT_A_URL,
    TOKEN_IN_URL,
    NO_TIME,
    NO_RECEIVER,
    IN_THE_CLEAR,
];

/// The limit of an HTTP API for request line and headers, in bytes.
const LIMIT: usize = 10_240;
/// The bytes in addition to the URL: the method, the version, and the headers of Kannel and of the sidecar.
const AROUND: usize = 320;

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    conf.all("sms-service").filter_map(|service| service.get("get-url")).flat_map(of_url).collect()
}

fn of_url(entry: &Entry) -> Vec<Finding> {
    let place = &entry.place;
    let Some(url) = GetUrl::read(&entry.value) else {
        let mend = "write a URL such as http://127.0.0.1:8443/backend/NAME/?…, without blanks";
        return vec![NOT_A_URL.at(place, format!("get-url is {:?}", shortened(&entry.value)), mend)];
    };
    let mut findings = split_text(entry, &url);
    for taken in url.taken_escapes() {
        let mend = format!("write %{taken}: Kannel turns %% into %");
        findings.push(TAKEN_ESCAPE.at(place, format!("get-url contains {taken}"), mend));
    }
    if url.https {
        let mend = "call a TLS sidecar on this host: `cargo run -- kannel-conf --base-url …` writes one";
        findings.push(DIRECT_TLS.at(place, format!("get-url goes to https://{}", url.host), mend));
    } else if !url.is_here() {
        let mend = "call a TLS sidecar on this host, or let nobody else use this network";
        findings.push(IN_THE_CLEAR.at(place, format!("get-url goes to http://{}", url.host), mend));
    }
    if let Some(backend) = url.backend() {
        findings.extend(of_backend(entry, &url, backend));
    }
    findings
}

fn split_text(entry: &Entry, url: &GetUrl) -> Vec<Finding> {
    let split = url.params.iter().filter(|param| param.codes.iter().any(|code| code.splits_text()));
    let finding = |param: &UrlParam| {
        let mend = "hex=%e instead, or text=%b for a Kannel that does not know %e";
        WORDS.at(&entry.place, format!("get-url has {}={}", param.name, param.value), mend)
    };
    split.map(finding).collect()
}

/// Checks the rules that apply only to one of our backends.
fn of_backend(entry: &Entry, url: &GetUrl, backend: &str) -> Vec<Finding> {
    let place = &entry.place;
    let carries = |name: &str, codes: &[u8]| {
        url.param(name).is_some_and(|param| param.codes.iter().any(|code| codes.contains(&code.letter)))
    };
    let mut findings = Vec::new();
    let mut need = |has: bool, check: Check, found: &str, mend: &str| {
        if !has {
            findings.push(check.at(place, format!("get-url of {backend} {found}"), mend));
        }
    };
    let text = url.params.iter().any(|param| {
        (param.name == "hex" && param.has(b'e'))
            || (param.name == "text" && (param.has(b'b') || param.has(b'A') || param.splits_text()))
    });
    need(text, NO_TEXT, "carries no text", "hex=%e, or text=%b for a Kannel that does not know %e");
    need(carries("id", b"pq"), NO_SENDER, "has no id=%p", "id=%p");
    need(carries("mid", b"I"), NO_ID, "has no mid=%I", "mid=%I");
    let charset = carries("charset", b"C") || carries("coding", b"c");
    need(charset, NO_CHARSET, "has neither charset=%C nor coding=%c", "charset=%C&coding=%c");
    need(carries("ts", b"Tt"), NO_TIME, "has no ts=%T", "ts=%T");
    need(carries("to", b"PQ"), NO_RECEIVER, "has no to=%P", "to=%P");
    if url.user.is_some() || url.param("token").is_some_and(|param| !param.value.is_empty()) {
        let mend = "let the TLS sidecar add it as a header: `cargo run -- kannel-conf --base-url …`";
        findings.push(TOKEN_IN_URL.at(place, format!("get-url of {backend} contains the token"), mend));
    }
    let longest = url.longest() + AROUND;
    if longest > LIMIT {
        let found = format!("get-url of {backend} has up to {longest} bytes for a message of ten parts");
        findings.push(TOO_LONG.at(
            place,
            found,
            "write the text only once, as hex=%e, and fewer other parameters",
        ));
    }
    findings
}

/// Shortens a value, so that it fits a line on a terminal.
fn shortened(value: &str) -> String {
    if value.chars().count() <= 80 {
        value.to_owned()
    } else {
        value.chars().take(80).chain(['…']).collect()
    }
}
