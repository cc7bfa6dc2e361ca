//! Writes the request that gives one message to an HTTP gateway. The message is in the URL, in a form, or in JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde_json::{Map, Value};

use super::field_names::FieldNames;
use super::json_template::JsonTemplate;
use super::url_template::{LeadsElsewhere, Placeholder, TextTemplate, UrlTemplate};
use crate::model::message::Outgoing;
use crate::settings::{Fields, Param};

/// The headers that Threadless itself writes for each request.
const OURS: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
];

/// The way in which one backend sends its messages.
#[derive(Debug)]
pub(super) struct Outbound {
    url: UrlTemplate,
    form: Form,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The place of the message in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// The placeholders of the URL, and the parameters in its query.
    Url,
    /// A URL without placeholders, which gets the message in its query.
    Query,
    Form,
    Json,
}

/// The place of the message in the request, and its fields.
#[derive(Debug)]
struct Form {
    encoding: Encoding,
    /// The fields of the message and the further fields, in their order.
    fields: Vec<(String, TextTemplate)>,
    json: Option<JsonTemplate>,
}

/// The reason why no request can be made for a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    /// The request would go to another path.
    #[error(transparent)]
    Path(#[from] LeadsElsewhere),
    /// The HTTP library refuses the request, because it is too long.
    #[error("cannot make a request of this message: {0}")]
    Request(#[from] http::Error),
}

impl Outbound {
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let given = fields.required_text_or_secret("outgoing_url");
        let url = given.map(|url| UrlTemplate::read(url.reveal()));
        let url = url.and_then(|url| url.map_err(|problem| fields.fault("outgoing_url", problem)).ok());
        let form = Form::from_fields(fields, url.as_ref());
        let headers = headers(fields);
        Some(Self { url: url?, form, headers })
    }

    /// Returns the URL to which messages go, with `x` in the place of each value of a message.
    pub(super) fn url(&self) -> String {
        self.url.sample()
    }

    /// Returns whether the gateway receives the id of each message.
    pub(super) fn sends_id(&self) -> bool {
        let in_json = self.form.json.as_ref().is_some_and(|json| json.has(Placeholder::Id));
        let in_fields = self.form.fields.iter().any(|(_, value)| value.has(Placeholder::Id));
        in_json || in_fields || self.url.has(Placeholder::Id)
    }

    /// Returns the request for a message. `id` is the id of the message for the gateway.
    pub(super) fn request(&self, message: &Outgoing, id: &str) -> Result<Request<Bytes>, Unsendable> {
        let mut url = self.url.fill(message, id)?;
        let mut request = match self.form.encoding {
            Encoding::Url | Encoding::Query => {
                let query = self.form.encoded(message, id);
                if !query.is_empty() {
                    let between = match url.split_once('?') {
                        None => "?",
                        Some((_, "")) => "",
                        Some((_, query)) if query.ends_with('&') => "",
                        Some(_) => "&",
                    };
                    url = format!("{url}{between}{query}");
                }
                Request::get(url).body(Bytes::new())?
            }
            Encoding::Form | Encoding::Json => {
                let (kind, body) = self.form.body(message, id);
                Request::builder()
                    .method(Method::POST)
                    .uri(url)
                    .header(header::CONTENT_TYPE, kind)
                    .body(body)?
            }
        };
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(request)
    }
}

impl Form {
    fn from_fields(fields: &mut Fields<'_>, url: Option<&UrlTemplate>) -> Self {
        let method = fields.one_of("outgoing_method", &["GET", "form", "json"]);
        let json = JsonTemplate::from_fields(fields);
        let has_json = json.is_given();
        let has = |placeholder| url.is_some_and(|url| url.has(placeholder));
        let (in_url, is_bare) =
            (has(Placeholder::Text), !has(Placeholder::Text) && !has(Placeholder::Identity));
        let encoding = match method {
            Some("form") => Encoding::Form,
            Some("json") => Encoding::Json,
            None if has_json => Encoding::Json,
            _ if is_bare => Encoding::Query,
            _ => Encoding::Url,
        };
        if has_json && encoding != Encoding::Json {
            fields.fault("outgoing_json", "needs outgoing_method = \"json\"");
        }
        if encoding == Encoding::Url && url.is_some() && !in_url {
            let advice = "add it, or set outgoing_method to form or json";
            fields.fault("outgoing_url", format!("has %(identity)s but no %(text)s: {advice}"));
        }
        json.check(fields, url);
        let gives_id = fields.is_given("outgoing_id");
        let given =
            ["outgoing_identity", "outgoing_text", "outgoing_id"].map(|key| (key, fields.is_given(key)));
        let mut names = FieldNames::new(fields, &[]);
        let identity = (names.take("outgoing_identity", "identity"), "%(identity)s");
        let text = (names.take("outgoing_text", "text"), "%(text)s");
        let id = names.take_or_none("outgoing_id", "id").map(|name| (name, "%(id)s"));
        let own = match encoding {
            Encoding::Url => vec![],
            Encoding::Json if has_json => vec![],
            Encoding::Query if !gives_id => vec![identity, text],
            Encoding::Query | Encoding::Form | Encoding::Json => {
                [identity, text].into_iter().chain(id).collect()
            }
        };
        if own.is_empty() {
            for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
                fields.warn(key, "has no effect, because the place of each value is written elsewhere");
            }
        }
        let mut form = Self { encoding, fields: Vec::new(), json: json.finish() };
        let own = own.into_iter().filter_map(|(name, value)| Some((name, TextTemplate::read(value).ok()?)));
        form.fields.extend(own);
        form.add_params(fields);
        form
    }

    /// Reads `outgoing_params`: the fields that are the same for each message, or that contain values of the message.
    fn add_params(&mut self, fields: &mut Fields<'_>) {
        for (name, value) in fields.params("outgoing_params") {
            let key = format!("outgoing_params.{name}");
            let is_taken = self.fields.iter().any(|(known, _)| *known == name)
                || self.json.as_ref().is_some_and(|json| json.has_member(&name));
            if name.is_empty() || is_taken {
                fields.fault(&key, "is already the name of another field");
            }
            if self.json.as_ref().is_some_and(|json| !json.is_object()) {
                fields.fault(&key, "cannot be added, because outgoing_json is not an object");
            }
            let value = match value {
                // A secret may be a URL with the id. Any other secret stays as it is.
                Param::Secret(secret) => Ok(TextTemplate::read(secret.reveal())
                    .unwrap_or_else(|_| TextTemplate::literal(secret.reveal()))),
                Param::Plain(text) => TextTemplate::read(&text),
            };
            match value {
                Ok(value) => self.fields.push((name, value)),
                Err(problem) => fields.fault(&key, problem),
            }
        }
    }

    /// Returns the fields as a form or a query.
    fn encoded(&self, message: &Outgoing, id: &str) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            form.append_pair(name, &value.fill(message, id));
        }
        form.finish()
    }

    fn body(&self, message: &Outgoing, id: &str) -> (&'static str, Bytes) {
        if self.encoding != Encoding::Json {
            return ("application/x-www-form-urlencoded", self.encoded(message, id).into());
        }
        let template = self.json.as_ref().map(|json| json.fill(message, id));
        let mut body = template.unwrap_or_else(|| Value::Object(Map::new()));
        if let Some(object) = body.as_object_mut() {
            let fields = self.fields.iter();
            object.extend(fields.map(|(name, value)| (name.clone(), value.fill(message, id).into())));
        }
        ("application/json", body.to_string().into())
    }
}

/// Reads `headers` and `outgoing_basic`.
fn headers(fields: &mut Fields<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (name, value) in fields.params("headers") {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value.reveal())) {
            (Ok(header), _) if OURS.contains(&header) => {
                let problem = "is set by Threadless for each message: remove it";
                fields.fault(&format!("headers.{name}"), problem);
            }
            (Ok(header), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.push((header, value));
            }
            _ => fields.fault(&format!("headers.{name}"), "is not a valid HTTP header"),
        }
    }
    if let Some(secret) = fields.secret("outgoing_basic") {
        if !secret.reveal().contains(':') {
            fields.fault("outgoing_basic", "has no colon: the secret must be user:password");
        }
        if headers.iter().any(|(name, _)| *name == header::AUTHORIZATION) {
            fields.fault("outgoing_basic", "cannot stand beside headers.authorization: remove one of them");
        }
        let credentials = format!("Basic {}", BASE64_STANDARD.encode(secret.reveal()));
        if let Ok(mut value) = HeaderValue::from_str(&credentials) {
            value.set_sensitive(true);
            headers.push((header::AUTHORIZATION, value));
        }
    }
    headers
}
