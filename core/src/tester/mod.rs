//! The message tester in a browser: its pages, the calls of the pages, and POST requests of scripts.
//!
//! The pages show the history, which every backend has. In addition, the tester stores only the list of used numbers.
//! Its settings are those of [`MessageTester`].

mod address;
mod answers;
mod assets;
mod calls;
mod cursor;
mod gate;
mod login;
mod origin;
mod page;
mod poll;
mod take;

use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use tracing::{error, info};

use crate::backend::authorization::basic_password;
use crate::backend::httptester::{Access, MessageTester};
use crate::backend::{Backend as _, Caller, plain_text};
use crate::endpoint::{self, MAX_BODY, MAX_QUERY};
use crate::model::message::{BackendName, ConnectionId, Identity};
use crate::pipeline::errors::IncomingError;
use crate::project::Project;
use crate::util::clock::Deadline;
use address::{Rest, Target};
use gate::{Gate, Verdict};
use login::{Login, Visitor};

pub use gate::ClientAddress;

/// The answer of a tester that is off.
const OFF: &str = "The message tester is off: it has no password. Give a value to the secret that the settings name as \
                   the password, and deploy again.\n";

/// One tester of the project, and the visitor who sent the request.
struct Tester<'a> {
    project: &'a Project,
    engine: &'a str,
    /// The first segment of the path.
    folder: &'a str,
    name: BackendName,
    backend: &'a MessageTester,
    visitor: Visitor,
}

/// Answers one request to the testers of `engine`.
///
/// | path | answer |
/// |---|---|
/// | `/httptester/`, `/httptester/<backend>/` | 303 to the page of a new number |
/// | `/httptester/<backend>/<identity>/`, `/httptester/<backend>/?identity=<identity>` | the page |
/// | POST to `/httptester/<backend>/` | the same as [`endpoint::serve`], for scripts |
/// | POST to `/httptester/<backend>/<call>.json` | the answer to a call of the page |
/// | `/httptester/<backend>/login.html`, `logout.html` | the login, if there is a password |
/// | `/httptester/assets.<release>/<name>` | an asset of the pages |
///
/// An identity in a path has no dot, and the name of a backend has no dot. So these paths never clash with an identity
/// or a backend.
pub async fn serve(
    project: &Project,
    engine: &str,
    request: Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    let bare = request.method() == Method::HEAD;
    let response = answer(project, engine, request, deadline).await;
    let status = response.status().as_u16();
    if status >= 500 {
        error!(status, "tester");
    } else if status >= 400 {
        info!(status, "tester");
    }
    if bare { response.map(|_| Bytes::new()) } else { response }
}

async fn answer(
    project: &Project,
    engine: &str,
    request: Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    let taken = [Method::GET, Method::HEAD, Method::POST];
    if !taken.contains(request.method()) {
        return endpoint::wrong_method(&taken);
    }
    if request.uri().query().unwrap_or_default().len() > MAX_QUERY {
        return endpoint::too_large();
    }
    let path = request.uri().path().to_owned();
    let (folder, place) = address::read(&path);
    let (named, rest) = match place {
        Target::Asset { release, name } => return assets::serve(&request, release, name),
        Target::Front => (None, Rest::Root),
        Target::Backend { name, rest } => (Some(name), rest),
    };
    let Some((name, backend)) = find(project, engine, named) else {
        return plain_text(StatusCode::NOT_FOUND, "There is no such backend.\n");
    };
    if matches!(backend.access(), Access::Closed) {
        return plain_text(StatusCode::FORBIDDEN, OFF);
    }
    let visitor = login::visitor(backend.access(), &name, &request, project.ports.clock.now());
    let mut tester = Tester { project, engine, folder, name, backend, visitor };
    if tester.visitor == Visitor::Basic
        && let Err(refusal) = tester.let_in(&request).await
    {
        return refusal;
    }
    match (named, request.method()) {
        (None, &Method::POST) => endpoint::wrong_method(&[Method::GET, Method::HEAD]),
        (None, _) => tester.new_number(),
        (Some(_), &Method::POST) => tester.post(rest, &request, deadline).await,
        (Some(_), _) => tester.get(&rest, &request),
    }
}

/// Returns the tester of this name; without a name, returns the first tester.
fn find<'p>(
    project: &'p Project,
    engine: &str,
    named: Option<&str>,
) -> Option<(BackendName, &'p MessageTester)> {
    let wanted = |name: &BackendName| named.is_none_or(|named| named == name.as_str());
    let (name, _) = project.backends().find(|(name, kind)| *kind == engine && wanted(name))?;
    let backend = project.installed(name)?.backend.as_any().downcast_ref::<MessageTester>()?;
    Some((name.clone(), backend))
}

impl Tester<'_> {
    /// Returns the login of this tester, if it has one.
    fn login(&self) -> Option<Login<'_>> {
        match self.backend.access() {
            Access::Login(password) => Some(Login { password, backend: &self.name }),
            Access::Open | Access::Closed => None,
        }
    }

    /// Returns the connection of an identity that somebody entered, in its normal form.
    fn connection(&self, identity: &Identity) -> ConnectionId {
        self.project.normal(&ConnectionId::new(self.name.clone(), identity.clone()))
    }

    /// Returns whether the page of an identity has another address than the one with `?identity=`.
    fn has_own_path(&self, identity: &Identity) -> bool {
        let connection = self.connection(identity);
        address::is_plain(connection.identity.as_str()) || connection.identity != *identity
    }

    /// Returns whether the page of an identity is at the path of this text.
    fn is_own_path(&self, identity: &Identity) -> bool {
        address::is_plain(identity.as_str()) && self.connection(identity).identity == *identity
    }

    fn get(&self, rest: &Rest<'_>, request: &Request<Bytes>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let named = || address::identity_in(query).and_then(Result::ok);
        match rest {
            Rest::Root => match address::identity_in(query) {
                None => self.new_number(),
                Some(Ok(identity)) if self.has_own_path(&identity) => self.to_page(&identity),
                Some(Ok(identity)) => self.page(&identity),
                Some(Err(problem)) => answers::wrong_identity(&problem),
            },
            Rest::Named { segment, ended } => match address::unescaped(segment).parse::<Identity>() {
                Ok(identity) if *ended && self.is_own_path(&identity) => self.page(&identity),
                Ok(identity) => self.to_page(&identity),
                Err(problem) => answers::wrong_identity(&problem),
            },
            Rest::Call("login.html") => match (self.login(), &self.visitor) {
                (Some(_), Visitor::Nobody) => page::login(self, named().as_ref(), page::Before::Nothing),
                _ => answers::see_other(&self.address(named().as_ref())),
            },
            Rest::Call(_) => endpoint::wrong_method(&[Method::POST]),
            Rest::Nothing => answers::not_found(),
        }
    }

    async fn post(&self, rest: Rest<'_>, request: &Request<Bytes>, deadline: Deadline) -> Response<Bytes> {
        if origin::is_foreign(request) {
            return plain_text(StatusCode::FORBIDDEN, "This request came from a page of another site.\n");
        }
        match rest {
            Rest::Root if request.body().len() > MAX_BODY => endpoint::too_large(),
            Rest::Root => take::from_script(self, request, deadline).await,
            Rest::Call("login.html") => self.log_in(request).await,
            Rest::Call("logout.html") => self.log_out(request),
            Rest::Call(call) => calls::serve(self, call, request, deadline).await,
            Rest::Named { .. } => endpoint::wrong_method(&[Method::GET, Method::HEAD]),
            Rest::Nothing => answers::not_found(),
        }
    }

    /// Returns the gate before the login, if the tester has a login.
    fn gate(&self) -> Option<Gate<'_>> {
        let (project, quiet) = (self.project, self.backend.quiet());
        self.login().map(|login| Gate { project, login, quiet })
    }

    /// Judges the password of a visitor who sent one: after this, the visitor is let in or is nobody.
    async fn let_in(&mut self, request: &Request<Bytes>) -> Result<(), Response<Bytes>> {
        // A script may send its token in the same header. This is not a guess of the password.
        let is_script = self.backend.authenticate(request) == Caller::Gateway;
        let password = basic_password(request.headers()).filter(|_| !is_script);
        let verdict = match (self.gate(), password) {
            (Some(gate), Some(password)) => gate.judge(request, &password).await,
            _ => Ok(Verdict::Wrong),
        };
        self.visitor = match verdict {
            Ok(Verdict::Right) => Visitor::Basic,
            Ok(Verdict::Wrong) => Visitor::Nobody,
            Ok(Verdict::Wait(wait)) => return Err(answers::must_wait(wait)),
            Err(problem) => return Err(endpoint::unavailable(&IncomingError::Store(problem))),
        };
        Ok(())
    }

    async fn log_in(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let (Some(login), Some(gate)) = (self.login(), self.gate()) else { return answers::not_found() };
        let form = answers::form(request);
        let identity = form.get("identity").and_then(|identity| identity.parse().ok());
        let before =
            match gate.judge(request, form.get("password").map_or("", String::as_str).as_bytes()).await {
                Ok(Verdict::Right) => page::Before::Nothing,
                Ok(Verdict::Wrong) => page::Before::Wrong,
                Ok(Verdict::Wait(wait)) => page::Before::TooMany(wait),
                Err(problem) => return endpoint::unavailable(&IncomingError::Store(problem)),
            };
        if before != page::Before::Nothing {
            return page::login(self, identity.as_ref(), before);
        }
        info!(backend = self.name.as_str(), outcome = "logged_in", "login");
        let mut response = answers::see_other(&self.address(identity.as_ref()));
        answers::set_cookie(&mut response, &login.cookie(self.folder, self.project.ports.clock.now()));
        response
    }

    fn log_out(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(login) = self.login() else { return answers::not_found() };
        let token = answers::form(request).remove("token").unwrap_or_default();
        if !self.visitor.has_token(&login, &token) {
            return plain_text(StatusCode::FORBIDDEN, "This form is out of date. Load the page again.\n");
        }
        let mut response = answers::see_other(&format!("{}login.html", self.root()));
        answers::set_cookie(&mut response, &login.no_cookie(self.folder));
        response
    }

    /// Returns the page if the visitor may see it, and otherwise a redirect to the login.
    fn page(&self, identity: &Identity) -> Response<Bytes> {
        if matches!(self.visitor, Visitor::Nobody) {
            let identity = address::escaped(identity.as_str());
            return answers::see_other(&format!("{}login.html?identity={identity}", self.root()));
        }
        page::conversation(self)
    }

    fn new_number(&self) -> Response<Bytes> {
        answers::see_other(&self.address(None))
    }

    fn to_page(&self, identity: &Identity) -> Response<Bytes> {
        answers::see_other(&self.address(Some(identity)))
    }

    /// Returns the address that is the start of all addresses of this tester.
    fn root(&self) -> String {
        format!("/{}/{}/", self.folder, self.name)
    }

    /// Returns the address of an identity's page. Without an identity, returns the page of a new number.
    fn address(&self, identity: Option<&Identity>) -> String {
        match identity {
            Some(identity) => {
                let identity = self.connection(identity).identity;
                format!("{}{}", self.root(), address::of(identity.as_str()))
            }
            None => format!("{}{}", self.root(), address::of(&address::new_number())),
        }
    }
}

#[cfg(test)]
mod tests;
