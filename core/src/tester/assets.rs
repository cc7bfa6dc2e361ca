//! The assets of the pages. Their address changes when one of them changes, so browsers may keep them for ever.

use std::sync::LazyLock;

use ::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{address, answers};
use crate::backend::plain_text;
use crate::util::hex::hex;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset { name: $name, kind: $kind, text: include_str!(concat!("web/", $name)) }
    };
}

const ASSETS: [Asset; 12] = [
    asset!("page.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("main.js", "text/javascript; charset=utf-8"),
    asset!("bulk.js", "text/javascript; charset=utf-8"),
    asset!("calls.js", "text/javascript; charset=utf-8"),
    asset!("conversations.js", "text/javascript; charset=utf-8"),
    asset!("dom.js", "text/javascript; charset=utf-8"),
    asset!("list.js", "text/javascript; charset=utf-8"),
    asset!("log.js", "text/javascript; charset=utf-8"),
    asset!("login.js", "text/javascript; charset=utf-8"),
    asset!("pane.js", "text/javascript; charset=utf-8"),
    asset!("segments.js", "text/javascript; charset=utf-8"),
];

/// The name of the current version of all assets: a digest of their content.
static RELEASE: LazyLock<String> = LazyLock::new(|| {
    let mut sha = Sha256::new();
    for asset in &ASSETS {
        sha.update((asset.text.len() as u64).to_be_bytes());
        sha.update(asset.text);
    }
    hex(&sha.finalize()[..8])
});

/// Returns the address of the assets.
pub(super) fn address(folder: &str) -> String {
    address::of_assets(folder, &RELEASE)
}

/// Answers a request for one asset.
pub(super) fn serve(request: &Request<Bytes>, release: &str, name: &str) -> Response<Bytes> {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else { return answers::not_found() };
    let current = release == RELEASE.as_str();
    let tag = format!("\"{}\"", RELEASE.as_str());
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let mut response = if known {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        plain_text(StatusCode::OK, asset.text)
    };
    // The address of another release also gives the files of this release, for pages that were loaded before a
    // deployment. But browsers must not keep these files for ever.
    let kept = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    for (name, value) in [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, kept),
        (header::ETAG, tag.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answers::set(&mut response, name, value);
    }
    response
}
