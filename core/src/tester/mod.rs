//! The message tester in a browser: pages, the calls that they make, and posts of scripts.
//!
//! What it shows is the history that every backend has; of its own it keeps the numbers that were used. Its settings
//! are those of [`MessageTester`].

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
use crate::model::message::{BackendName, Identity};
use crate::pipeline::errors::IncomingError;
use crate::project::Project;
use crate::util::clock::Deadline;
use address::{Place, Rest};
use gate::{Gate, Verdict};
use login::{Login, Visitor};

pub use gate::ClientAddress;

/// What a tester says that is off.
const OFF: &str = "The message tester is off: it has no password. The settings name the secret that holds it; give the \
                   secret a value and deploy again.\n";

/// One of the project's testers, and who asks for it.
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
/// | POST to `/httptester/<backend>/` | as [`endpoint::serve`], for scripts |
/// | POST to `/httptester/<backend>/<call>.json` | what the page asks for |
/// | `/httptester/<backend>/login.html`, `logout.html` | the login, where there is a password |
/// | `/httptester/assets.<release>/<name>` | what the pages are made of |
///
/// No identity that stands in a path has a dot, and no backend's name has one: so nothing here is in the way of either.
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
        Place::Asset { release, name } => return assets::serve(&request, release, name),
        Place::Front => (None, Rest::Root),
        Place::Backend { name, rest } => (Some(name), rest),
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

/// The tester of this name, or the first of all.
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
    /// The login of this tester, if it has one.
    fn login(&self) -> Option<Login<'_>> {
        match self.backend.access() {
            Access::Login(password) => Some(Login { password, backend: &self.name }),
            Access::Open | Access::Closed => None,
        }
    }

    fn get(&self, rest: &Rest<'_>, request: &Request<Bytes>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let named = || address::identity_in(query).and_then(Result::ok);
        match rest {
            Rest::Root => match address::identity_in(query) {
                None => self.new_number(),
                Some(Ok(identity)) if address::is_plain(identity.as_str()) => self.to_page(&identity),
                Some(Ok(identity)) => self.page(&identity),
                Some(Err(problem)) => answers::wrong_identity(&problem),
            },
            Rest::Named { segment, ended } => match address::unescaped(segment).parse::<Identity>() {
                Ok(identity) if *ended && address::is_plain(identity.as_str()) => self.page(&identity),
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
            return plain_text(StatusCode::FORBIDDEN, "That came from a page of another site.\n");
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

    /// The gate before the login, where there is one.
    fn gate(&self) -> Option<Gate<'_>> {
        let (project, quiet) = (self.project, self.backend.quiet());
        self.login().map(|login| Gate { project, login, quiet })
    }

    /// Makes of someone who sent a password someone who knows it, or nobody.
    async fn let_in(&mut self, request: &Request<Bytes>) -> Result<(), Response<Bytes>> {
        // A script may bring its token like this, which is no guess.
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
            return plain_text(StatusCode::FORBIDDEN, "That form is out of date. Load the page again.\n");
        }
        let mut response = answers::see_other(&format!("{}login.html", self.root()));
        answers::set_cookie(&mut response, &login.no_cookie(self.folder));
        response
    }

    /// The page, for who may see it.
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

    /// Where everything of this tester is.
    fn root(&self) -> String {
        format!("/{}/{}/", self.folder, self.name)
    }

    /// Where the page of an identity is; without one, of a new number.
    fn address(&self, identity: Option<&Identity>) -> String {
        match identity {
            Some(identity) => format!("{}{}", self.root(), address::of(identity.as_str())),
            None => format!("{}{}", self.root(), address::of(&address::new_number())),
        }
    }
}

#[cfg(test)]
mod tests;
