//! What clients are told about whose tokens are taken here: the metadata of a protected resource
//! (RFC 9728) and the challenges that point to it.

use axum::http::HeaderValue;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{SCOPES, Trusted};

/// Where the metadata is; the resource's own path may follow.
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// This server, as a resource that a provider's tokens open.
#[derive(Debug, Clone)]
pub struct Resource {
    metadata: String,
    document: Value,
}

impl Resource {
    /// The server that clients know by a URL.
    pub fn new(url: &str, trusted: &Trusted) -> Resource {
        // What clients ask a token for must be what its audience is compared with.
        let is_address = trusted.audience.starts_with(url);
        let resource = if is_address {
            trusted.audience.clone()
        } else {
            format!("{url}/mcp")
        };
        Resource {
            metadata: format!("{url}{METADATA}/mcp"),
            document: json!({
                "resource": resource,
                "authorization_servers": [trusted.issuer],
                "scopes_supported": SCOPES.map(|(scope, _)| scope),
                "bearer_methods_supported": ["header"],
                "resource_name": "Expansion pipeline",
            }),
        }
    }

    /// The metadata, for everybody.
    pub fn routes(&self) -> Router {
        let answer = |document: Value| get(async move || Json(document.clone()));
        Router::new()
            .route(METADATA, answer(self.document.clone()))
            .route(&format!("{METADATA}/mcp"), answer(self.document.clone()))
    }

    /// The challenge to come with a token of this scope, and what was wrong with the one that came.
    pub fn challenge(&self, error: Option<&str>, scope: &str) -> Option<HeaderValue> {
        let error = error.map_or_else(String::new, |error| format!("error=\"{error}\", "));
        let metadata = &self.metadata;
        let text = format!("Bearer {error}resource_metadata=\"{metadata}\", scope=\"{scope}\"");
        HeaderValue::from_str(&text).ok()
    }
}
