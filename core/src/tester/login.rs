//! Checks who may see the pages. A user shows a cookie that is signed with the password, or the password itself.

use ::http::{Request, header};
use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::backend::authorization::basic_password;
use crate::backend::httptester::Access;
use crate::model::message::BackendName;
use crate::settings::Secret;
use crate::util::hex::{hex, unhex};

/// The length of a login, in seconds.
const LASTS: i64 = 12 * 3600;

/// The sender of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Visitor {
    /// Anyone: the tester has no password.
    Anyone,
    /// A user who has logged in, with the value of the cookie.
    Session(String),
    /// A client that sent a password with the request. The [gate](super::gate) decides whether the password is right.
    Basic,
    /// Any other client.
    Nobody,
}

/// The login of one tester.
pub(super) struct Login<'a> {
    pub(super) password: &'a Secret,
    pub(super) backend: &'a BackendName,
}

/// Returns the sender of a request.
pub(super) fn visitor(
    access: &Access,
    backend: &BackendName,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Visitor {
    let password = match access {
        Access::Open => return Visitor::Anyone,
        Access::Closed => return Visitor::Nobody,
        Access::Login(password) => password,
    };
    let login = Login { password, backend };
    let lead = format!("{}=", login.cookie_name());
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut sessions =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().strip_prefix(&lead));
    match sessions.find(|session| login.is_session(session, now)) {
        Some(session) => Visitor::Session(session.to_owned()),
        None if basic_password(request.headers()).is_some() => Visitor::Basic,
        None => Visitor::Nobody,
    }
}

impl Visitor {
    /// Returns whether one of our own pages made a form or a call for this visitor. The answer is always yes if the
    /// tester has no password, or if the request contains the password: then there is no cookie that another site could
    /// use.
    pub(super) fn has_token(&self, login: &Login<'_>, token: &str) -> bool {
        match self {
            Self::Anyone | Self::Basic => true,
            Self::Session(session) => login.is_token(session, token),
            Self::Nobody => false,
        }
    }
}

impl Login<'_> {
    fn cookie_name(&self) -> String {
        format!("__Secure-httptester-{}", self.backend)
    }

    /// Returns the cookie of a new session.
    pub(super) fn cookie(&self, folder: &str, now: Timestamp) -> String {
        let expires = now.as_second() + LASTS;
        let value = format!("{expires}.{}", hex(&self.sign("session", &expires.to_string())));
        self.set_cookie(folder, &value, LASTS)
    }

    /// Returns the cookie that ends a session.
    pub(super) fn no_cookie(&self, folder: &str) -> String {
        self.set_cookie(folder, "", 0)
    }

    fn set_cookie(&self, folder: &str, value: &str, seconds: i64) -> String {
        let (name, backend) = (self.cookie_name(), self.backend);
        format!(
            "{name}={value}; Path=/{folder}/{backend}/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"
        )
    }

    fn is_session(&self, value: &str, now: Timestamp) -> bool {
        let Some((expires, signature)) = value.split_once('.') else { return false };
        let lasts = expires.parse::<i64>().is_ok_and(|expires| expires > now.as_second());
        lasts && self.is_signed("session", expires, signature)
    }

    /// Returns the token that the pages of a session send with each call.
    pub(super) fn token(&self, session: &str) -> String {
        hex(&self.sign("page", session))
    }

    fn is_token(&self, session: &str, token: &str) -> bool {
        self.is_signed("page", session, token)
    }

    fn mac(&self, purpose: &str, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.password.reveal().as_bytes()).ok()?;
        mac.update(format!("httptester/{}/{purpose}/{text}", self.backend).as_bytes());
        Some(mac)
    }

    pub(super) fn sign(&self, purpose: &str, text: &str) -> Vec<u8> {
        self.mac(purpose, text).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// Returns whether a signature is right. The comparison takes constant time.
    fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let signature = unhex(signature).unwrap_or_default();
        self.mac(purpose, text).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn with(name: &str, value: &str) -> Request<Bytes> {
        Request::get("/").header(name, value).body(Bytes::new()).unwrap()
    }

    #[test]
    fn a_cookie_is_good_for_its_tester_its_password_and_its_time() {
        let (mine, other): (BackendName, BackendName) = ("mine".parse().unwrap(), "other".parse().unwrap());
        let access = Access::Login(Secret::new("correct horse"));
        let Access::Login(password) = &access else { unreachable!() };
        let login = Login { password, backend: &mine };
        let cookie = login.cookie("httptester", at(0));
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/httptester/mine/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict");

        let whose = |cookie: &str, now| visitor(&access, &mine, &with("cookie", cookie), now);
        let session = pair.split_once('=').unwrap().1.to_owned();
        assert_eq!(whose(pair, at(0)), Visitor::Session(session.clone()));
        assert_eq!(whose(&format!("a=b; {pair};c=d"), at(LASTS - 1)), Visitor::Session(session.clone()));
        assert_eq!(whose(pair, at(LASTS)), Visitor::Nobody, "it has expired");
        let later = pair.replacen(&session[..10], "1800000000", 1);
        for forged in [
            later.as_str(),
            &pair[..pair.len() - 1],
            &format!("{pair}0"),
            "x",
            "",
            &pair.replace("mine", "m"),
        ] {
            assert_eq!(whose(forged, at(0)), Visitor::Nobody, "{forged}");
        }
        let renamed = pair.replace("mine", "other");
        assert_eq!(visitor(&access, &other, &with("cookie", &renamed), at(0)), Visitor::Nobody);
        let changed = Access::Login(Secret::new("another horse"));
        assert_eq!(visitor(&changed, &mine, &with("cookie", pair), at(0)), Visitor::Nobody);

        let token = login.token(&session);
        let visitor = Visitor::Session(session.clone());
        assert!(visitor.has_token(&login, &token));
        for wrong in ["", &session, &token[1..], &login.token("other")] {
            assert!(!visitor.has_token(&login, wrong), "{wrong}");
        }
    }

    #[test]
    fn the_password_can_come_with_the_request() {
        let access = Access::Login(Secret::new("pass"));
        let name: BackendName = "mine".parse().unwrap();
        let whose = |value: &str| visitor(&access, &name, &with("authorization", value), at(0));
        // The user name and password are me:pass, then me:wrong.
        assert_eq!(whose("Basic bWU6cGFzcw=="), Visitor::Basic);
        assert_eq!(whose("Basic bWU6d3Jvbmc="), Visitor::Basic, "the gate looks at it");
        assert_eq!(whose("Bearer pass"), Visitor::Nobody);
        assert_eq!(visitor(&Access::Open, &name, &with("x", "y"), at(0)), Visitor::Anyone);
        assert_eq!(visitor(&Access::Closed, &name, &with("x", "y"), at(0)), Visitor::Nobody);
    }
}
