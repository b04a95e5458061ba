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

use super::bounds::Bounds;
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

/// The sessions that are open.
pub struct Sessions {
    manager: Arc<LocalSessionManager>,
    opened: Mutex<HashMap<String, Opened>>,
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
            opened: Mutex::new(HashMap::new()),
            most: bounds.sessions,
            longest: bounds.session,
        }
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<String, Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a caller may go on with a session.
    fn belongs(&self, session: &str, by: Option<&(String, Role)>) -> bool {
        let opened = self.opened();
        let session = opened.get(session);
        session
            .is_some_and(|session| session.by.as_ref() == by && session.at.elapsed() < self.longest)
    }

    /// Forgets those that have ended, and ends those that are too old.
    async fn tidy(&self) {
        let known: Vec<(String, bool)> = self
            .opened()
            .iter()
            .map(|(session, opened)| (session.clone(), opened.at.elapsed() >= self.longest))
            .collect();
        for (session, is_too_old) in known {
            let id = session.as_str().into();
            if is_too_old && let Err(error) = self.manager.close_session(&id).await {
                tracing::debug!(%error, "a session did not close");
            }
            if !self.manager.has_session(&id).await.unwrap_or(false) {
                self.opened().remove(&session);
            }
        }
    }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}

/// Lets a request of a session through when it comes from whoever opened it, and keeps whose a new one is.
pub async fn bind(State(sessions): State<Arc<Sessions>>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let by = caller.map(|caller| (caller.actor().to_owned(), caller.role()));
    if let Some(session) = session_of(request.headers()) {
        if !sessions.belongs(session, by.as_ref()) {
            // As of one that never was: whether it exists is nobody else's business.
            return Problem::new(Fault::UnknownSession, "There is no such session.")
                .hint("Initialize a new one.")
                .into_response();
        }
        let ends_it = request.method() == Method::DELETE;
        let mut response = next.run(request).await;
        if ends_it && response.status() == StatusCode::ACCEPTED {
            // It has ended, and some clients warn of an end that is only accepted.
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        return response;
    }
    if sessions.opened().len() >= sessions.most {
        sessions.tidy().await;
        let may_open =
            request.method() == Method::POST && request.headers().get("mcp-method").is_none();
        if may_open && sessions.opened().len() >= sessions.most {
            return Problem::new(Fault::TooManySessions, "Too many sessions are open.")
                .hint("Try again in a few minutes, or use MCP 2026-07-28, which needs none.")
                .into_response();
        }
    }
    let response = next.run(request).await;
    if let Some(session) = session_of(response.headers()) {
        let opened = Opened {
            by,
            at: Instant::now(),
        };
        sessions.opened().insert(session.to_owned(), opened);
    }
    response
}
