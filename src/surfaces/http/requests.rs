//! Every request by an id of its own: in the log with how it ended, in the answer, and in whatever is
//! logged meanwhile. Neither tokens nor queries nor bodies are logged. Its span has the route, not the path,
//! which may name an opportunity.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::surfaces::trace::{self, TRACEPARENT};

/// The header that carries the id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The first revision of MCP whose headers say what a body asks.
const NEWER: &str = "2026-07-28";

/// Logs a request and gives it its id; one that a proxy in front has given is kept.
pub async fn log(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID);
    let given = given.and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
    let id = given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id);
    let parent = request.headers().get(TRACEPARENT);
    trace::adopt(&span, parent.and_then(|parent| parent.to_str().ok()));
    if !span.is_disabled() {
        let route = request.extensions().get::<MatchedPath>();
        let route = match (route, path.starts_with("/mcp")) {
            (_, true) => "/mcp".to_owned(),
            (Some(route), false) => route.as_str().to_owned(),
            (None, false) => String::new(),
        };
        span.set_attribute("http.request.method", method.to_string());
        span.set_attribute("http.route", route);
    }
    let asked = span.clone();
    let started = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let took = started.elapsed().as_micros();
        let status = response.status().as_u16();
        asked.set_attribute("http.response.status_code", i64::from(status));
        tracing::info!(%method, path, status, took, "answered");
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// What a request over MCP asks, by its headers. Those of the newer revision are believed, because they
/// are held against the body later; in the older they mean nothing.
pub fn method_of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let version = headers.get("mcp-protocol-version")?.to_str().ok()?;
    headers.get("mcp-method").filter(|_| version >= NEWER)
}

fn is_id(id: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&id.len()) && id.bytes().all(is_part)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_newer_revision_only_say_what_is_asked() {
        let asked = |version: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
            if let Some(version) = version {
                headers.insert("mcp-protocol-version", version.parse().unwrap());
            }
            method_of(&headers).cloned()
        };
        assert_eq!(asked(Some("2026-07-28")).unwrap(), "tools/call");
        for older in [None, Some("2025-11-25"), Some("")] {
            assert_eq!(asked(older), None, "{older:?}");
        }
        assert_eq!(method_of(&HeaderMap::new()), None);
    }
}
