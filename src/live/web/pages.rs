//! The page's files, within the program: no path names a file of the machine.

use hyper::body::{Bytes, Incoming};
use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::{Request, StatusCode};
use sha2::{Digest as _, Sha256};

use super::reply::{Reply, reply};
use crate::units::hex;

/// A file of the page.
#[derive(Debug)]
pub(super) struct Page {
    path: &'static str,
    kind: &'static str,
    body: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const MANIFEST: &str = "application/manifest+json";
const PICTURE: &str = "image/svg+xml";

macro_rules! pages {
    ($($path:literal, $kind:expr, $file:literal;)*) => {
        &[$(Page { path: $path, kind: $kind, body: include_bytes!(concat!("page/", $file)) }),*]
    };
}

/// All files.
static PAGES: &[Page] = pages! {
    "/", HTML, "index.html";
    "/style.css", STYLE, "style.css";
    "/icon.svg", PICTURE, "icon.svg";
    "/icon-maskable.svg", PICTURE, "icon-maskable.svg";
    "/manifest.webmanifest", MANIFEST, "manifest.webmanifest";
    "/main.js", SCRIPT, "main.js";
    "/connection.js", SCRIPT, "connection.js";
    "/state.js", SCRIPT, "state.js";
    "/text.js", SCRIPT, "text.js";
    "/view-files.js", SCRIPT, "view-files.js";
    "/view-secrecy.js", SCRIPT, "view-secrecy.js";
    "/view.js", SCRIPT, "view.js";
    "/files.js", SCRIPT, "files.js";
    "/hints.js", SCRIPT, "hints.js";
    "/seal.js", SCRIPT, "seal.js";
    "/talks.js", SCRIPT, "talks.js";
    "/sha256.js", SCRIPT, "sha256.js";
    "/network.js", SCRIPT, "network.js";
    "/admin", HTML, "admin.html";
    "/admin.css", STYLE, "admin.css";
    "/admin.js", SCRIPT, "admin.js";
};

/// The file at a path.
pub(super) fn find(path: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.path == path)
}

impl Page {
    /// The file, unless the browser has it.
    pub fn reply(&self, request: &Request<Incoming>) -> Reply {
        let digest = hex(&Sha256::digest(self.body)[..12]);
        let tag = format!("\"{digest}\"");
        let is_known =
            request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let mut reply = if is_known {
            reply(StatusCode::NOT_MODIFIED, self.kind, Bytes::new())
        } else {
            reply(StatusCode::OK, self.kind, Bytes::from_static(self.body))
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            reply.headers_mut().insert(ETAG, tag);
        }
        reply
    }
}
