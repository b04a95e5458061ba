//! Who is calling: the bearer token of a request, and what is said to whoever brings none that is good.
//! A token is never repeated, neither in an answer nor in the log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::engine::{Caller, Door, Engine, Error};
use crate::surfaces::waiting;

/// How callers are identified.
pub struct Access {
    engine: Arc<Engine>,
    needs_token: bool,
    door: Door,
}

/// What the `Authorization` of a request says.
enum Credentials<'a> {
    None,
    Bearer(&'a str),
    Unreadable,
}

impl Access {
    /// Callers are identified by the tokens of this engine, which every one of them needs or not.
    pub fn new(engine: Arc<Engine>, needs_token: bool, door: Door) -> Access {
        Access {
            engine,
            needs_token,
            door,
        }
    }

    /// Who calls, or none when nobody needs to say; else what is wrong.
    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Response> {
        let token = match credentials(headers) {
            Credentials::None if !self.needs_token => return Ok(None),
            Credentials::None => return Err(challenge(None)),
            Credentials::Unreadable => return Err(challenge(Some("invalid_request"))),
            Credentials::Bearer(token) => token.to_owned(),
        };
        let (engine, door) = (Arc::clone(&self.engine), self.door);
        let found = waiting(move || engine.bearer(&token, door)).await;
        match found {
            Ok(Ok(Some(caller))) => Ok(Some(caller)),
            Ok(Ok(None)) => Err(challenge(Some("invalid_token"))),
            Ok(Err(Error::Refused(refusal))) => Err(Problem::from(refusal).into_response()),
            Ok(Err(Error::Ours(_))) | Err(_) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "failure",
                "Something went wrong on our side.",
            )
            .into_response()),
        }
    }
}

fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    match (first.map(HeaderValue::to_str), second) {
        (None, _) => Credentials::None,
        (Some(Ok(text)), None) => match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Credentials::Bearer(token.trim())
            }
            _ => Credentials::Unreadable,
        },
        _ => Credentials::Unreadable,
    }
}

/// 401: bring a token, or another one.
fn challenge(error: Option<&'static str>) -> Response {
    let problem = match error {
        None => Problem::new(
            StatusCode::UNAUTHORIZED,
            "token_required",
            "This server answers callers with a bearer token only.",
        ),
        Some("invalid_token") => Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "The bearer token is unknown, expired or revoked.",
        ),
        Some(_) => Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request",
            "The Authorization header is no single bearer token.",
        ),
    };
    let mut response = problem
        .hint("Send `Authorization: Bearer TOKEN`; an operator makes one with `expansion-pipeline token create`.")
        .into_response();
    let challenge = match error {
        None => "Bearer".to_owned(),
        Some(error) => format!("Bearer error=\"{error}\""),
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Finds out who calls, and hands it on with the request.
pub async fn identify(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    match access.caller(request.headers()).await {
        Err(response) => response,
        Ok(caller) => {
            // Nobody after this needs it, so nobody can say it on.
            request.headers_mut().remove(header::AUTHORIZATION);
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
    }
}
