//! Answers that stay open as streams: which they are, and that they end with what they rest on.

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures::StreamExt as _;

/// Whether an answer is a stream of events.
pub fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The same answer; when it is a stream, that ends with `end` at the latest.
pub fn until(response: Response, end: impl Future<Output = ()> + Send + 'static) -> Response {
    if !is_stream(&response) {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(end)))
}
