//! Sessions of clients of the older revision: each belongs to whoever opened it, and there are only so
//! many, for only so long. The newer revision has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tracing::Instrument as _;

use super::bounds::Bounds;
use super::requests::method_of;
use super::{plain, streams};
use crate::engine::{Caller, Role};
use crate::surfaces::problem::{Fault, Problem};

/// The header that names a session.
const SESSION: &str = "mcp-session-id";
/// Who opened a session, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opened {
    by: Option<(String, Role)>,
    at: Instant,
}

/// The sessions that are open, and how many are being made.
#[derive(Default)]
struct Open {
    sessions: HashMap<String, Opened>,
    being_made: usize,
}

/// A place for a session that is being made. It is given back when none is.
struct Place(Arc<Sessions>);

impl Place {
    /// The session was made.
    fn taken_by(self, session: &str, opened: Opened) {
        self.0.open().sessions.insert(session.to_owned(), opened);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open().being_made -= 1;
    }
}

/// The sessions that are open.
pub struct Sessions {
    manager: Arc<LocalSessionManager>,
    open: Mutex<Open>,
    /// The most at a time.
    most: usize,
    /// The longest one may last.
    longest: Duration,
}

impl Sessions {
    /// Those of a manager.
    pub fn new(manager: Arc<LocalSessionManager>, bounds: &Bounds) -> Sessions {
        Sessions {
            manager,
            open: Mutex::default(),
            most: bounds.sessions,
            longest: bounds.session,
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long a caller may go on with a session; not at all when it is another's, or too old.
    fn left(&self, session: &str, by: Option<&(String, Role)>) -> Option<Duration> {
        let open = self.open();
        let session = open.sessions.get(session)?;
        let left = self.longest.checked_sub(session.at.elapsed())?;
        (session.by.as_ref() == by).then_some(left)
    }

    /// Takes a place for one more session, when there is one.
    fn take(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open();
        if open.sessions.len() + open.being_made >= self.most {
            return None;
        }
        open.being_made += 1;
        Some(Place(Arc::clone(self)))
    }

    /// The same, once those that have ended have made room.
    async fn place(self: &Arc<Self>) -> Option<Place> {
        if let Some(place) = self.take() {
            return Some(place);
        }
        self.tidy().await;
        self.take()
    }

    /// Forgets those that have ended, and ends those that are too old.
    async fn tidy(&self) {
        let known: Vec<(String, bool)> = self
            .open()
            .sessions
            .iter()
            .map(|(session, opened)| (session.clone(), opened.at.elapsed() >= self.longest))
            .collect();
        for (session, is_too_old) in known {
            let id = session.as_str().into();
            if is_too_old && let Err(error) = self.manager.close_session(&id).await {
                tracing::debug!(%error, "a session did not close");
            }
            if !self.manager.has_session(&id).await.unwrap_or(false) {
                self.open().sessions.remove(&session);
            }
        }
    }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}

/// Whether a request may open a session.
fn may_open(request: &Request) -> bool {
    let asks_else = method_of(request.headers()).is_some_and(|method| method != "initialize");
    request.method() == Method::POST && !asks_else
}

/// Lets a request of a session through when it comes from whoever opened it, and keeps whose a new one is.
pub async fn bind(State(sessions): State<Arc<Sessions>>, request: Request, next: Next) -> Response {
    let was_json = plain::is_json(request.headers());
    plain::explained(bound(&sessions, request, next).await, was_json).await
}

async fn bound(sessions: &Arc<Sessions>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let by = caller.map(|caller| (caller.actor().to_owned(), caller.role()));
    if let Some(session) = session_of(request.headers()) {
        let Some(left) = sessions.left(session, by.as_ref()) else {
            // As of one that never was: whether it exists is nobody else's business.
            return Problem::new(Fault::UnknownSession, "There is no such session.")
                .hint("Initialize a new one.")
                .into_response();
        };
        let ends_it = request.method() == Method::DELETE;
        let listens = request.method() == Method::GET;
        let mut response = next.run(request).await;
        if ends_it && response.status() == StatusCode::ACCEPTED {
            // It has ended, and some clients warn of an end that is only accepted.
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        return match listens {
            true => streams::until(response, tokio::time::sleep(left)),
            false => response,
        };
    }
    if !may_open(&request) {
        return next.run(request).await;
    }
    let Some(place) = sessions.place().await else {
        return Problem::new(Fault::TooManySessions, "Too many sessions are open.")
            .hint("Try again in a few minutes, or use MCP 2026-07-28, which needs none.")
            .into_response();
    };
    let made = async move {
        let response = next.run(request).await;
        if let Some(session) = session_of(response.headers()) {
            let at = Instant::now();
            place.taken_by(session, Opened { by, at });
        }
        response
    };
    // It is counted also when the client does not wait for it.
    let made = tokio::spawn(made.in_current_span()).await;
    made.unwrap_or_else(|_| {
        Problem::ours("Something went wrong on our side.".to_owned()).into_response()
    })
}
