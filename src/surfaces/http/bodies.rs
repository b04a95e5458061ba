//! Bodies of requests: read whole before anything is done with them, and not waited for without end.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;

use super::LARGEST_REQUEST;
use crate::surfaces::problem::{Fault, Problem};

/// Passes a request on with its whole body, when that comes in time.
pub async fn read(State(patience): State<Duration>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(patience, whole(body)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, bytes.into())).await,
        Ok(Err(_)) => Problem::new(
            Fault::BodyBroken,
            "The body of the request did not arrive whole.",
        )
        .hint("Send it again.")
        .into_response(),
        Err(_) => Problem::new(
            Fault::BodyTooSlow,
            "The body of the request did not come in time.",
        )
        .hint("Send it again, at once.")
        .into_response(),
    }
}

/// All of a body, or so much of it that it is too large, which whoever takes it says.
async fn whole(body: Body) -> Result<Vec<u8>, axum::Error> {
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part?);
        if bytes.len() > LARGEST_REQUEST {
            break;
        }
    }
    Ok(bytes)
}
