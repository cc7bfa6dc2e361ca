//! The message tester: a backend without a gateway. Its phones are in a browser; [`crate::tester`] has the pages.

mod quiet;

pub(crate) use quiet::Quiet;

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::http::{Inbound, QueryOfPost, check_token};
use super::{Backend, Caller, Exposure, OnUnusable, Received, SendOutcome, Transport, plain_text};
use crate::error::Fault;
use crate::model::message::Outgoing;
use crate::settings::{Fields, Place, Secret};

/// The message tester: `engine = "httptester"`, at `/httptester/<name>/`.
///
/// The phones of this backend are in a browser. A message that a user types there comes in like any other message, and
/// the pages show the replies of the apps. The backend sends nothing to a gateway, so each reply is accepted at once.
/// The number of replies has no limit, unless the settings give `replies_per_hour`.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `password` | the password that the pages ask for. A deployed tester without a password is off, and its pages say so | none |
/// | `token` | the token that a script's POST must carry: as the field `token` (in the body or in the query), as `Bearer`, or as the password of `Basic`. With a `password` and no token, only the pages can post messages | none |
///
/// Both secrets may be missing. So the other Lambda functions can start without them.
///
/// A POST of the form fields `identity` and `text` to `/httptester/<name>/` is a message. The answer is `OK`. With a
/// field `id`, a second message with the same id counts as the first message, delivered twice.
///
/// A user can upload a file of messages in UTF-8, UTF-16 or Windows-1252. Each line is one message; blank lines are
/// skipped. If every line is `number > text`, `number < text` or a comment that begins with `#`, the pages treat the
/// file as a transcript. Then each line `number > text` is sent as a message from this number. A line `number < text`
/// is an expected reply and is skipped. The user who uploads the file can choose the other treatment.
///
/// The pages list each number that has sent a message. If apps send a message to another number, the message is in the
/// conversation of that number, and any page can open this conversation.
///
/// The message tester of `rapidsms-threadless-router` was different: it accepted only identities of digits, it failed
/// on every bulk upload, it showed replies only after a reload, it lost lines of its log when two requests wrote at
/// once, and it let everybody in.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::Surroundings;
///
/// let text = r#"
///     [project]
///     name = "Clinic"
///
///     [backends.message_tester]
///     engine = "httptester"
///     password = { secret = "TESTER_PASSWORD", local = "" }
/// "#;
/// let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
/// assert_eq!(settings.backends[&"message_tester".parse().unwrap()].engine, "httptester");
/// ```
#[derive(Debug)]
pub struct MessageTester {
    access: Access,
    token: Option<Secret>,
    inbound: Inbound,
    quiet: Quiet,
}

/// The users who may see the pages.
#[derive(Debug)]
pub(crate) enum Access {
    /// Everyone who can reach the pages. This is for a run on your own machine.
    Open,
    /// A user who knows this password.
    Login(Secret),
    /// Nobody. This is a deployed tester without a password.
    Closed,
}

/// The minimum length of a good password. A shorter one can be guessed too soon, although the tester slows down wrong
/// guesses.
const SHORTEST_PASSWORD: usize = 12;

impl MessageTester {
    /// Reads the backend's table in the settings. Reports faults to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let access = match (fields.known_secret("password"), fields.place()) {
            (Some(password), place) => {
                if place == Place::Deployed && password.reveal().chars().count() < SHORTEST_PASSWORD {
                    fields.warn(
                        "password",
                        format!("has fewer than {SHORTEST_PASSWORD} characters: choose a longer one"),
                    );
                }
                Access::Login(password)
            }
            (None, Place::Local) => Access::Open,
            (None, Place::Deployed) => Access::Closed,
        };
        let token = fields.known_secret("token");
        fields.weigh_token("token", token.as_ref());
        Some(Self { access, token, inbound: Inbound::default(), quiet: Quiet::default() })
    }

    /// Returns who may see the pages.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Returns this process's knowledge about wrong passwords.
    pub(crate) fn quiet(&self) -> &Quiet {
        &self.quiet
    }

    /// Returns whether scripts may post messages at all.
    pub(crate) fn takes_scripts(&self) -> bool {
        self.token.is_some() || matches!(self.access, Access::Open)
    }
}

impl Backend for MessageTester {
    fn methods(&self) -> &[Method] {
        &[Method::POST]
    }

    /// Checks the requests of scripts. The pages have their own login.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        match (&self.token, &self.access) {
            (Some(token), _) => check_token(token, request),
            (None, Access::Open) => Caller::Anyone,
            (None, Access::Login(_) | Access::Closed) => Caller::NoCredentials,
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        self.inbound.decode(request, QueryOfPost::Ignored)
    }

    /// A deployed tester without a password is off, so it counts as guarded.
    fn exposure(&self) -> Exposure {
        match self.access {
            Access::Login(_) | Access::Closed => Exposure::guarded().sends_nowhere(),
            Access::Open => Exposure::open().sends_nowhere(),
        }
    }

    fn acknowledge(&self) -> Response<Bytes> {
        plain_text(StatusCode::OK, "OK")
    }

    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Refuse
    }

    /// No limit: no phone rings, and a file of a thousand messages must get a thousand answers.
    fn replies_per_hour(&self) -> Option<NonZeroU32> {
        None
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// The pages show the history, and the delivery writes the history anyway. So there is nothing to send.
    async fn send(&self, _: &Outgoing, _: &dyn Transport, _: Duration) -> SendOutcome {
        SendOutcome::Accepted { detail: "shown in the message tester".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Engines;
    use crate::project::{Settings, SettingsError};
    use crate::settings::Surroundings;

    fn read(table: &str, surroundings: &Surroundings<'_>) -> Result<Settings, SettingsError> {
        let text = format!("[project]\nname = \"T\"\n[backends.t]\nengine = \"httptester\"\n{table}");
        Settings::read(&text, &Engines::standard(), surroundings)
    }

    fn access(settings: &Settings) -> (&Access, bool) {
        let backend = &settings.backends[&"t".parse().unwrap()].backend;
        let tester = backend.0.as_any().downcast_ref::<MessageTester>().unwrap();
        (tester.access(), tester.takes_scripts())
    }

    const BOTH: &str =
        "password = { secret = \"P\", local = \"\" }\ntoken = { secret = \"T\", local = \"\" }";

    #[test]
    fn a_local_tester_is_open_unless_it_has_a_password() {
        let settings = read(BOTH, &Surroundings::local(&[])).unwrap();
        assert!(matches!(access(&settings), (Access::Open, true)));
        let settings = read(BOTH, &Surroundings::local(&[("P", "x")])).unwrap();
        assert!(matches!(access(&settings), (Access::Login(_), false)));
        let settings = read(BOTH, &Surroundings::local(&[("P", "x"), ("T", "y")])).unwrap();
        assert!(matches!(access(&settings), (Access::Login(_), true)));
    }

    #[test]
    fn a_deployed_tester_without_its_secret_is_off_and_no_fault() {
        let nobody = || Surroundings::new(Place::Deployed, |_| None);
        for table in [BOTH, "", "password = { secret = \"P\" }"] {
            let settings = read(table, &nobody()).unwrap();
            assert!(matches!(access(&settings), (Access::Closed, false)), "{table}");
            assert_eq!(settings.warnings, []);
        }
        let known = Surroundings::new(Place::Deployed, |name| (name == "P").then(|| "short".to_owned()));
        let settings = read(BOTH, &known).unwrap();
        assert!(matches!(access(&settings), (Access::Login(_), false)));
        assert_eq!(settings.warnings[0].field, "backends.t.password");
        let literal = read("password = \"x\"", &nobody()).err().unwrap();
        assert_eq!(literal.0[0].field, "backends.t.password", "in the settings it is a fault all the same");
        let nameless = read("password = { local = \"\" }", &nobody()).err().unwrap();
        assert_eq!(nameless.0[0].field, "backends.t.password.secret");
    }
}
