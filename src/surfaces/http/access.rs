//! Who is calling: the bearer token of a request, one of our own or of an identity provider, and what is
//! said to whoever brings none that is good. A token is never repeated, neither in an answer nor in the log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::oidc::{self, Provider, Resource, Term, Wrong};
use super::streams;
use crate::engine::{self, Caller, Door, Engine, Error};
use crate::surfaces::problem::{Fault, NeedsRole, Problem};
use crate::surfaces::waiting;

/// How often it is looked whether a token is still good, on which a stream is open.
const LOOK: Duration = Duration::from_millis(500);

/// An identity provider, and what is said of it.
#[derive(Clone)]
pub struct Vouching {
    /// Who vouches.
    pub provider: Arc<Provider>,
    /// What clients are told.
    pub resource: Resource,
}

/// How callers are identified.
pub struct Access {
    engine: Arc<Engine>,
    needs_token: bool,
    vouching: Option<Vouching>,
    door: Door,
}

/// What the `Authorization` of a request says.
enum Credentials<'a> {
    None,
    Bearer(&'a str),
    Unreadable,
}

/// What a caller came in with.
enum Pass {
    /// Nothing, where nobody needs anything.
    Nothing,
    /// A token of our own.
    Ours(String),
    /// A token of the provider, which ends when this does.
    Vouched(Term),
}

/// Who calls, and by what that is known.
struct Identified {
    caller: Option<Caller>,
    pass: Pass,
}

impl Access {
    /// Callers are identified by the tokens of this engine, which every one of them needs or not, and by
    /// those of a provider.
    pub fn new(
        engine: Arc<Engine>,
        needs_token: bool,
        vouching: Option<Vouching>,
        door: Door,
    ) -> Access {
        Access {
            engine,
            needs_token,
            vouching,
            door,
        }
    }

    /// Who calls, or none when nobody needs to say; else what is wrong.
    async fn caller(&self, headers: &HeaderMap) -> Result<Identified, Response> {
        let token = match credentials(headers) {
            Credentials::None if !self.needs_token => {
                return Ok(Identified {
                    caller: None,
                    pass: Pass::Nothing,
                });
            }
            Credentials::None => {
                let detail = "This server answers callers with a bearer token only.";
                return Err(self.turned_away(None, Fault::TokenRequired, detail));
            }
            Credentials::Unreadable => {
                let detail = "The Authorization header is no single bearer token.";
                return Err(self.turned_away(
                    Some("invalid_request"),
                    Fault::InvalidRequest,
                    detail,
                ));
            }
            Credentials::Bearer(token) => token,
        };
        let invalid =
            |detail: &str| self.turned_away(Some("invalid_token"), Fault::InvalidToken, detail);
        if let Some(vouching) = &self.vouching
            && !Engine::made(token)
        {
            return match vouching.provider.caller(token, self.door).await {
                Ok(vouched) => Ok(Identified {
                    caller: Some(vouched.caller),
                    pass: Pass::Vouched(vouched.term),
                }),
                Err(Wrong::Invalid(why)) => Err(invalid(&format!("The bearer token {why}."))),
                Err(Wrong::Powerless) => Err(powerless(vouching)),
                Err(Wrong::Unknown) => Err(unavailable()),
            };
        }
        match self.bearer(token).await {
            Ok(Some(caller)) => Ok(Identified {
                caller: Some(caller),
                pass: Pass::Ours(token.to_owned()),
            }),
            Ok(None) => Err(invalid("The bearer token is unknown, expired or revoked.")),
            Err(Error::Refused(refusal)) => Err(Problem::from(refusal).into_response()),
            Err(Error::Ours(_)) => {
                Err(Problem::ours("Something went wrong on our side.".to_owned()).into_response())
            }
        }
    }

    /// Whom a token of our own stands for now.
    async fn bearer(&self, token: &str) -> engine::Result<Option<Caller>> {
        let token = token.to_owned();
        let (engine, door) = (Arc::clone(&self.engine), self.door);
        let found = waiting(move || engine.bearer(&token, door)).await;
        found.map_err(|error| Error::Ours(error.into())).flatten()
    }

    /// Waits until a pass is good no longer, or that cannot be told.
    async fn ended(self: Arc<Self>, pass: Pass) {
        loop {
            tokio::time::sleep(LOOK).await;
            let is_good = match &pass {
                Pass::Nothing => true,
                Pass::Ours(token) => matches!(self.bearer(token).await, Ok(Some(_))),
                Pass::Vouched(term) => !term.is_over(),
            };
            if !is_good {
                return;
            }
        }
    }

    /// 401: bring a token, or another one.
    fn turned_away(&self, error: Option<&str>, fault: Fault, detail: &str) -> Response {
        let mut hint = "Send `Authorization: Bearer TOKEN`; an operator makes one with `expansion-pipeline token create`".to_owned();
        let challenge = if let Some(vouching) = &self.vouching {
            hint.push_str(
                ", and the identity provider named in the metadata of WWW-Authenticate does",
            );
            vouching.resource.challenge(error, LEAST)
        } else {
            let text = error.map_or_else(
                || "Bearer".to_owned(),
                |error| format!("Bearer error=\"{error}\""),
            );
            HeaderValue::from_str(&text).ok()
        };
        let problem = Problem::new(fault, detail).hint(hint + ".");
        challenged(problem.into_response(), challenge)
    }
}

/// The scope that is asked for first.
const LEAST: &str = "pipeline:read";

fn challenged(mut response: Response, challenge: Option<HeaderValue>) -> Response {
    if let Some(challenge) = challenge {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// 403: the token is good and holds none of our scopes.
fn powerless(vouching: &Vouching) -> Response {
    let problem = Problem::new(
        Fault::InsufficientScope,
        "The bearer token is good and holds none of the scopes pipeline:read, pipeline:write and pipeline:admin.",
    )
    .hint("Ask the identity provider for a token with one of them.");
    let challenge = vouching
        .resource
        .challenge(Some("insufficient_scope"), LEAST);
    challenged(problem.into_response(), challenge)
}

/// 503: the provider does not say which keys are its own.
fn unavailable() -> Response {
    let problem = Problem::new(
        Fault::ProviderUnavailable,
        "The identity provider does not answer, so the bearer token cannot be checked.",
    )
    .hint("Try again in a few seconds with the same token.");
    let mut response = problem.into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Whether a request carries a token where logs and histories keep it.
fn has_token_in_url(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
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

/// Finds out who calls, and hands it on with the request. A stream ends with the token it was opened with.
/// Whoever the provider vouches for learns which scope a refusal for the role asks for.
pub async fn identify(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    if has_token_in_url(&request) {
        return Problem::new(
            Fault::TokenInUrl,
            "A token does not belong into a URL, where logs keep it; this one should be revoked.",
        )
        .hint("Send `Authorization: Bearer TOKEN`.")
        .into_response();
    }
    let identified = match access.caller(request.headers()).await {
        Err(response) => return response,
        Ok(identified) => identified,
    };
    // Nobody behind this needs it, so nobody can say it on.
    request.headers_mut().remove(header::AUTHORIZATION);
    if let Some(caller) = identified.caller {
        request.extensions_mut().insert(caller);
    }
    let response = next.run(request).await;
    match (&access.vouching, response.extensions().get::<NeedsRole>()) {
        (Some(vouching), Some(NeedsRole(roles))) if matches!(identified.pass, Pass::Vouched(_)) => {
            let scope = oidc::scope_for(roles);
            let challenge = vouching
                .resource
                .challenge(Some("insufficient_scope"), scope);
            challenged(response, challenge)
        }
        _ if matches!(identified.pass, Pass::Nothing) => response,
        _ => streams::until(response, access.ended(identified.pass)),
    }
}
