//! The message tester: a backend without a gateway, whose phones are in a browser. [`crate::tester`] has the pages.

mod quiet;

pub(crate) use quiet::Quiet;

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::http::{Inbound, check_token};
use super::{Backend, Caller, Exposure, OnUnusable, Received, SendOutcome, Transport, plain_text};
use crate::error::Fault;
use crate::model::message::Outgoing;
use crate::settings::{Fields, Place, Secret};

/// The message tester: `engine = "httptester"`, at `/httptester/<name>/`.
///
/// Its phones are in a browser: what one types there comes in like any other message, and what the apps reply is
/// shown there. Nothing is sent anywhere, so that replies are accepted at once, and there may be any number of them
/// unless `replies_per_hour` is given.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `password` | what the pages ask for. A deployed tester without one is off, and says so | none |
/// | `token` | what a script's POST must carry: as the field `token`, also in the query, as `Bearer`, or as the password of `Basic`. With a `password` and no token there is no posting but from the pages | none |
///
/// Both are secrets that may be missing: nobody else has to know them for the other functions to start.
///
/// A POST of the form fields `identity` and `text` to `/httptester/<name>/` is a message, and is answered `OK`. With
/// an `id` a second message of that id is the first one, come twice.
///
/// A file of messages has one on each line, blank lines left out, in UTF-8, UTF-16 or Windows-1252. Where every line is
/// `number > text`, `number < text` or a comment that `#` begins, it is taken for a transcript: each number says its own
/// lines, and what it should be told is left out. Whoever sends the file can choose otherwise.
///
/// A number is on the list of the pages once it has sent something. What apps send to one that has not is in its
/// conversation, which any page can open.
///
/// The original knew identities of digits alone, failed on every bulk upload, showed replies after a reload, lost
/// lines of its log where two wrote at once, and let everybody in.
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

/// Who may see the pages.
#[derive(Debug)]
pub(crate) enum Access {
    /// Everyone who can reach them: a run on one's own machine.
    Open,
    /// Who knows this.
    Login(Secret),
    /// Nobody: deployed, and without a password.
    Closed,
}

/// Shorter passwords are guessed too soon, slowed down as guessing is.
const SHORTEST_PASSWORD: usize = 12;

impl MessageTester {
    /// Reads its table in the settings; what is wrong is reported to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let access = match (fields.known_secret("password"), fields.place()) {
            (Some(password), place) => {
                if place == Place::Deployed && password.reveal().len() < SHORTEST_PASSWORD {
                    fields.warn("password", format!("is short: take {SHORTEST_PASSWORD} characters or more"));
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

    /// Who may see the pages.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// What this process knows of wrong passwords.
    pub(crate) fn quiet(&self) -> &Quiet {
        &self.quiet
    }

    /// Whether scripts may post at all.
    pub(crate) fn takes_scripts(&self) -> bool {
        self.token.is_some() || matches!(self.access, Access::Open)
    }
}

impl Backend for MessageTester {
    fn methods(&self) -> &[Method] {
        &[Method::POST]
    }

    /// Of scripts. The pages have their login.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        match (&self.token, &self.access) {
            (Some(token), _) => check_token(token, request),
            (None, Access::Open) => Caller::Anyone,
            (None, Access::Login(_) | Access::Closed) => Caller::NoCredentials,
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        self.inbound.decode(request)
    }

    /// Deployed without a password it is off.
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

    /// Any number: no phone rings, and a file of a thousand lines is to be answered a thousand times.
    fn replies_per_hour(&self) -> Option<NonZeroU32> {
        None
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// The history, which delivery writes by itself, is what the pages show.
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
