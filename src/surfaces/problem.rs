//! What went wrong, as `application/problem+json` (RFC 9457): the same fields that a refusal has
//! everywhere else. Belongs here: the one list of what can be wrong with a request besides refusals.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::refusal::{Code, Kind, Refusal, Wanted};

/// Goes with the answer to a caller whose role may not do this: the roles that may.
#[derive(Debug, Clone)]
pub struct NeedsRole(pub Vec<String>);

macro_rules! faults {
    ($($variant:ident $name:literal $status:ident $doc:literal),+ $(,)?) => {
        /// What can be wrong with a request besides what a tool refuses. As of a refusal, a code never
        /// changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault { $(#[doc = $doc] $variant),+ }

        impl Fault {
            /// Every fault there is.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),+];

            /// The code as callers see it.
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name),+ }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Fault::$variant => StatusCode::$status),+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Fault::$variant => $doc.trim_ascii()),+ }
            }
        }
    };
}

faults! {
    MalformedRequest "malformed_request" BAD_REQUEST "The body, the query or a header cannot be read.",
    BodyBroken "body_broken" BAD_REQUEST "The body did not arrive whole.",
    TokenInUrl "token_in_url" BAD_REQUEST "A token stands in the URL, where logs keep it.",
    TokenRequired "token_required" UNAUTHORIZED "The server answers callers with a bearer token only.",
    InvalidRequest "invalid_request" UNAUTHORIZED "The `Authorization` header is no single bearer token.",
    InvalidToken "invalid_token" UNAUTHORIZED "The bearer token is not good, or no longer.",
    InsufficientScope "insufficient_scope" FORBIDDEN "The bearer token is good and holds no scope that counts here.",
    UnknownHost "unknown_host" FORBIDDEN "The request names a host that the server is not known by.",
    UnknownOrigin "unknown_origin" FORBIDDEN "Pages of this origin may not call the server.",
    NoSuchPath "no_such_path" NOT_FOUND "There is nothing at this path.",
    UnknownSession "unknown_session" NOT_FOUND "There is no such session.",
    NoSuchMethod "no_such_method" METHOD_NOT_ALLOWED "The path does not answer this method.",
    NotAcceptable "not_acceptable" NOT_ACCEPTABLE "The answer does not come in the type that is asked for.",
    BodyTooSlow "body_too_slow" REQUEST_TIMEOUT "The body did not come in time.",
    TooLarge "too_large" PAYLOAD_TOO_LARGE "The body is too large, or broke off.",
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is not JSON by its type.",
    PreconditionRequired "precondition_required" PRECONDITION_REQUIRED "The change does not say with `If-Match` which version it is meant for.",
    TooManyRequests "too_many_requests" TOO_MANY_REQUESTS "This caller asks too often, or too much at once.",
    Failure "failure" INTERNAL_SERVER_ERROR "Something went wrong on our side.",
    Busy "busy" SERVICE_UNAVAILABLE "Too many requests are being answered.",
    TooManySessions "too_many_sessions" SERVICE_UNAVAILABLE "Too many sessions are open.",
    ProviderUnavailable "provider_unavailable" SERVICE_UNAVAILABLE "The identity provider does not answer.",
    NotReady "not_ready" SERVICE_UNAVAILABLE "The database cannot be read now.",
}

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
    /// A fault, in a sentence.
    pub fn new(fault: Fault, detail: impl Into<String>) -> Problem {
        Problem {
            status: fault.status(),
            code: fault.name(),
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
        Problem::new(Fault::Failure, detail)
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

/// The status that a refusal is answered with.
pub const fn status_of(code: Code) -> StatusCode {
    match (code, code.kind()) {
        // As the draft of the Idempotency-Key header has it.
        (Code::IdempotencyConflict, _) | (_, Kind::Invalid) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Kind::NotFound) => StatusCode::NOT_FOUND,
        (_, Kind::Ambiguous | Kind::Conflict) => StatusCode::CONFLICT,
        (_, Kind::Forbidden) => StatusCode::FORBIDDEN,
        (_, Kind::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem {
            status: status_of(refusal.code),
            code: refusal.code.name(),
            kind: Some(refusal.code.kind().name()),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_means_two_things() {
        let faults = Fault::ALL.iter().map(|fault| fault.name());
        let names: Vec<&str> = faults
            .chain(Code::ALL.iter().map(|code| code.name()))
            .collect();
        let distinct: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
