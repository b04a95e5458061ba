//! What the protocol's library says in plain words, said as everything else is: of a body that is no message
//! of the protocol as an error of JSON-RPC, of anything else as a problem.

use axum::body::to_bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::engine::clean;
use crate::surfaces::problem::{Fault, Problem};

/// The most of what it says that is read, in bytes, and passed on, in characters.
const LONGEST: usize = 4_096;
const PASSED_ON: usize = 300;

/// The code of JSON-RPC for a body that cannot be read.
const PARSE_ERROR: i32 = -32_700;

/// Whether a body says that it is JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    begins(headers, "application/json")
}

fn begins(headers: &HeaderMap, with: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with(with))
}

/// The same answer, or what its plain words come to.
pub async fn explained(response: Response, was_json: bool) -> Response {
    let status = response.status();
    let is_said = begins(response.headers(), "application/");
    if !status.is_client_error() || is_said || status == StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let said = to_bytes(response.into_body(), LONGEST).await;
    let said = said.unwrap_or_default();
    let said = clean(&String::from_utf8_lossy(&said), PASSED_ON);
    let problem = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE if was_json => {
            let message = format!("The body is no message of JSON-RPC: {said}");
            let error = json!({ "code": PARSE_ERROR, "message": message });
            let body = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
            let kind = [(header::CONTENT_TYPE, "application/json")];
            return (StatusCode::BAD_REQUEST, kind, body).into_response();
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            Fault::UnsupportedMediaType,
            "The body is read as application/json only.",
        ),
        StatusCode::NOT_ACCEPTABLE => Problem::new(Fault::NotAcceptable, said)
            .hint("Accept application/json, text/event-stream."),
        StatusCode::NOT_FOUND => Problem::new(Fault::UnknownSession, "There is no such session.")
            .hint("Initialize a new one."),
        StatusCode::BAD_REQUEST => {
            let hint = mending(&said);
            Problem::new(Fault::MalformedRequest, said).hint(hint)
        }
        _ => return (status, said).into_response(),
    };
    problem.into_response()
}

/// What to do about a request that the library calls bad; nothing where that is not known.
fn mending(said: &str) -> &'static str {
    if said.contains("Session") {
        "Initialize first and send the Mcp-Session-Id of the answer, or speak MCP 2026-07-28, which has no sessions."
    } else if said.contains("MCP-Protocol-Version") {
        "This server speaks MCP 2026-07-28 and 2025-11-25."
    } else {
        ""
    }
}
