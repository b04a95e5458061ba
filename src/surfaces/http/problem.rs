//! What went wrong, as `application/problem+json` (RFC 9457): the same fields that a refusal has
//! everywhere else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::refusal::{Code, Kind, Refusal, Wanted};

/// Goes with the answer to a caller whose role may not do this: the roles that may.
#[derive(Debug, Clone)]
pub struct NeedsRole(pub Vec<String>);

/// A problem, to be answered with its status.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    kind: Option<&'static str>,
    detail: String,
    hint: String,
    candidates: Vec<String>,
    wants: Option<Box<Wanted>>,
}

impl Problem {
    /// A problem by its stable code, in a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            code,
            kind: None,
            detail: detail.into(),
            hint: String::new(),
            candidates: Vec::new(),
            wants: None,
        }
    }

    /// The same with a hint: what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Problem {
        let hint = hint.into();
        Problem { hint, ..self }
    }

    /// A failure of ours.
    pub fn ours(detail: String) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failure", detail)
    }

    /// The same with another status when it is this refusal.
    #[must_use]
    pub fn instead(self, code: Code, status: StatusCode) -> Problem {
        let status = if self.code == code.name() {
            status
        } else {
            self.status
        };
        Problem { status, ..self }
    }

    fn body(&self) -> Value {
        let mut body = Map::from_iter([
            ("type".to_owned(), "about:blank".into()),
            (
                "title".to_owned(),
                self.status.canonical_reason().unwrap_or("Error").into(),
            ),
            ("status".to_owned(), self.status.as_u16().into()),
            ("detail".to_owned(), self.detail.clone().into()),
            ("code".to_owned(), self.code.into()),
        ]);
        if let Some(kind) = self.kind {
            body.insert("kind".to_owned(), kind.into());
        }
        if !self.hint.is_empty() {
            body.insert("hint".to_owned(), self.hint.clone().into());
        }
        if !self.candidates.is_empty() {
            body.insert("candidates".to_owned(), self.candidates.clone().into());
        }
        if let Some(wants) = &self.wants {
            body.insert("wants".to_owned(), json!(wants));
        }
        Value::Object(body)
    }
}

/// The status that a kind of refusal is answered with.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Ambiguous | Kind::Conflict => StatusCode::CONFLICT,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let kind = refusal.code.kind();
        let status = match refusal.code {
            // As the draft of the Idempotency-Key header has it.
            Code::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
            _ => status(kind),
        };
        Problem {
            status,
            code: refusal.code.name(),
            kind: Some(kind.name()),
            detail: refusal.message,
            hint: refusal.hint,
            candidates: refusal.candidates,
            wants: refusal.wants,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body().to_string()).into_response();
        if self.code == Code::ForbiddenByRole.name() {
            response.extensions_mut().insert(NeedsRole(self.candidates));
        }
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
