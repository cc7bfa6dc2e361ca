//! Writes the request that gives one message to an HTTP gateway. The message is in the URL, in a form, or in JSON.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde_json::{Map, Value};

use super::field_names::FieldNames;
use super::url_template::{LeadsElsewhere, Placeholder, UrlTemplate};
use crate::model::message::Outgoing;
use crate::settings::Fields;

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
    Url,
    Form,
    Json,
}

/// The place of the message in the request, and the names of its fields.
#[derive(Debug)]
struct Form {
    encoding: Encoding,
    identity: String,
    text: String,
    id: String,
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
        let given = fields.required_text("outgoing_url");
        let url = if given.is_empty() { None } else { Some(UrlTemplate::read(&given)) };
        let url = url.and_then(|url| url.map_err(|problem| fields.fault("outgoing_url", problem)).ok());
        let encoding = match fields.one_of("outgoing_method", &["GET", "form", "json"]) {
            Some("form") => Encoding::Form,
            Some("json") => Encoding::Json,
            _ => Encoding::Url,
        };
        if encoding == Encoding::Url && url.as_ref().is_some_and(|url| !url.has(Placeholder::Text)) {
            fields.fault("outgoing_url", "has no %(text)s: add it, or set outgoing_method to form or json");
        }
        let mut names = FieldNames::new(fields, &[]);
        let form = Form {
            encoding,
            identity: names.take("outgoing_identity", "identity"),
            text: names.take("outgoing_text", "text"),
            id: names.take("outgoing_id", "id"),
        };
        let mut headers = Vec::new();
        for (name, value) in fields.params("headers") {
            match (name.parse::<HeaderName>(), HeaderValue::from_str(value.reveal())) {
                (Ok(header), _) if OURS.contains(&header) => {
                    fields.fault(
                        &format!("headers.{name}"),
                        "is set by Threadless for each message: remove it",
                    );
                }
                (Ok(header), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((header, value));
                }
                _ => fields.fault(&format!("headers.{name}"), "is not a valid HTTP header"),
            }
        }
        Some(Self { url: url?, form, headers })
    }

    /// Returns the URL to which messages go, with `x` in the place of each value of a message.
    pub(super) fn url(&self) -> String {
        self.url.sample()
    }

    /// Returns whether the gateway receives the id of each message.
    pub(super) fn sends_id(&self) -> bool {
        self.form.encoding != Encoding::Url || self.url.has(Placeholder::Id)
    }

    /// Returns the request for a message. `id` is the id of the message for the gateway.
    pub(super) fn request(&self, message: &Outgoing, id: &str) -> Result<Request<Bytes>, Unsendable> {
        let url = self.url.fill(message, id)?;
        let mut request = match self.form.encoding {
            Encoding::Url => Request::get(url).body(Bytes::new())?,
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
    fn body(&self, message: &Outgoing, id: &str) -> (&'static str, Bytes) {
        let fields =
            [(&self.identity, message.to.as_str()), (&self.text, message.text.as_str()), (&self.id, id)];
        if self.encoding == Encoding::Json {
            let object: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.clone(), value.into())).collect();
            return ("application/json", Value::Object(object).to_string().into());
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        ("application/x-www-form-urlencoded", form.finish().into())
    }
}
