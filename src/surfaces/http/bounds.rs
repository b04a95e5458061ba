//! How much and how long: what one client may take from the others.

use std::time::Duration;

/// The bounds that a server keeps to.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// How long the head of a request may take, and how long a connection may wait for the next one.
    pub head: Duration,
    /// How long a body may take.
    pub body: Duration,
    /// The most requests that are answered at a time. One caller with a token may have half of them.
    pub requests: usize,
    /// The most connections at a time. More are left waiting until one closes.
    pub connections: usize,
    /// The most sessions at a time.
    pub sessions: usize,
    /// The longest a session may last, however busy; an idle one ends after five minutes anyway.
    pub session: Duration,
    /// How long requests that are under way when it is time to stop may still take.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            head: Duration::from_secs(15),
            body: Duration::from_secs(15),
            requests: 512,
            connections: 4_096,
            sessions: 1_000,
            session: Duration::from_secs(12 * 60 * 60),
            drain: Duration::from_secs(10),
        }
    }
}
