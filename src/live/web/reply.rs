//! Answers of the HTTP side.

use std::borrow::Cow;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde_json::json;

/// A whole answer.
pub(super) type Reply = Response<Full<Bytes>>;

/// The page takes scripts, styles and connections from its own server and nothing from anywhere else, is in
/// nobody's frame, and cannot make markup of a text (trusted types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer.
const GUARDS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Another version of the program has another page.
    (CACHE_CONTROL, "no-cache"),
];

/// An answer with a body of this type.
pub(super) fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
}

/// A request that is not done, and the reason.
pub(super) fn problem(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem { status, detail: detail.into() }
}

impl From<Problem> for Reply {
    /// The error as RFC 9457 has it, and the headers that belong to its status.
    fn from(Problem { status, detail }: Problem) -> Reply {
        let title = status.canonical_reason().unwrap_or_default();
        let body =
            json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
        let mut reply = reply(status, "application/problem+json", body.to_string());
        let more: &[(HeaderName, &str)] = match status {
            StatusCode::UNAUTHORIZED => &[(WWW_AUTHENTICATE, "Bearer")],
            StatusCode::UPGRADE_REQUIRED => &[(UPGRADE, "websocket"), (SEC_WEBSOCKET_VERSION, "13")],
            _ => &[],
        };
        for (name, value) in more {
            reply.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        reply
    }
}
