//! How much one caller may ask, and all together: more is answered with when to try again.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::requests::method_of;
use super::streams::is_stream;
use crate::engine::Caller;
use crate::surfaces::problem::{Fault, Problem};

/// After how many requests callers who have not been heard of for a while are forgotten.
const TIDY_EVERY: usize = 10_000;

/// What there is to share.
pub struct Limits {
    each: Option<DefaultKeyedRateLimiter<String>>,
    places: Arc<Semaphore>,
    at_a_time: usize,
    /// How many of the places each caller with a token has, who has any.
    held: Arc<Mutex<HashMap<String, usize>>>,
    seen: std::sync::atomic::AtomicUsize,
}

/// A place of all, and of the caller's share. It is given back when it is dropped.
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_share: Option<Share>,
}

/// One of the places that a caller has.
struct Share {
    held: Arc<Mutex<HashMap<String, usize>>>,
    name: String,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.name);
            }
        }
    }
}

impl Limits {
    /// So many requests a second for each caller, twice as many at once; without a number, any. And so
    /// many of all callers at a time.
    pub fn new(each_second: Option<NonZeroU32>, at_a_time: usize) -> Limits {
        let quota =
            |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(TWICE));
        Limits {
            each: each_second.map(|rate| RateLimiter::keyed(quota(rate))),
            places: Arc::new(Semaphore::new(at_a_time)),
            at_a_time,
            held: Arc::default(),
            seen: 0.into(),
        }
    }

    /// One more place of a caller's share, which is half of all places, so that another finds one. Those
    /// without a token are not told apart by their address: behind a proxy, or on one machine, that is
    /// one for all of them.
    fn share(&self, request: &Request) -> Result<Option<Share>, TooMany> {
        if request.extensions().get::<Caller>().is_none() {
            return Ok(None);
        }
        let name = name_of(request);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(name.clone()).or_default();
        if *count >= (self.at_a_time / 2).max(1) {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Share {
            held: Arc::clone(&self.held),
            name,
        }))
    }

    /// Waits until nothing is under way any more. What comes meanwhile is told to come again.
    pub async fn idle(&self) {
        let all = u32::try_from(self.at_a_time).unwrap_or(u32::MAX);
        if let Err(error) = self.places.acquire_many(all).await {
            tracing::debug!(%error, "there are no places");
        }
    }

    /// How long the caller of a request has to wait; nothing when it need not.
    fn wait(&self, request: &Request) -> Option<Duration> {
        let each = self.each.as_ref()?;
        let seen = self.seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if seen % TIDY_EVERY == TIDY_EVERY - 1 {
            each.retain_recent();
        }
        let not_until = each.check_key(&name_of(request)).err()?;
        Some(not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// A caller has as many places as one may.
struct TooMany;

const TWICE: NonZeroU32 = match NonZeroU32::new(2) {
    Some(two) => two,
    None => NonZeroU32::MIN,
};

/// Who is limited: the person or agent of the token, else the address.
fn name_of(request: &Request) -> String {
    let extensions = request.extensions();
    if let Some(caller) = extensions.get::<Caller>() {
        return format!("{} {}", caller.role().word(), caller.actor());
    }
    let address = extensions.get::<ConnectInfo<SocketAddr>>();
    address.map_or_else(String::new, |ConnectInfo(address)| address.ip().to_string())
}

/// Lets a request through, or says when to try again.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let is_mcp = request.uri().path().starts_with("/mcp");
    if let Some(wait) = limits.wait(&request) {
        let words = "This caller asks too often.";
        return turned_away(Fault::TooManyRequests, words, wait, is_mcp);
    }
    let wait = Duration::from_secs(1);
    let Ok(of_share) = limits.share(&request) else {
        let words = "Too many requests of this caller are being answered.";
        return turned_away(Fault::TooManyRequests, words, wait, is_mcp);
    };
    let Ok(of_all) = Arc::clone(&limits.places).try_acquire_owned() else {
        let words = "Too many requests are being answered.";
        return turned_away(Fault::Busy, words, wait, is_mcp);
    };
    let place = Place {
        _of_all: of_all,
        _of_share: of_share,
    };
    let is_call = request.method() == Method::POST && !listens(&request);
    let response = next.run(request).await;
    // A call whose client hears of progress, or is of 2025-11-25, is answered on a stream, and under way
    // until that ends.
    match is_call && is_stream(&response) {
        true => response.map(|body| held(body, place)),
        false => response,
    }
}

/// Whether a request asks to hear of changes from now on, which may take days.
fn listens(request: &Request) -> bool {
    method_of(request.headers()).is_some_and(|method| method == "subscriptions/listen")
}

/// A body that keeps its place until it ends.
fn held(body: Body, place: Place) -> Body {
    let parts = body.into_data_stream();
    Body::from_stream(parts.inspect(move |_| {
        let _kept = &place;
    }))
}

fn turned_away(fault: Fault, words: &str, wait: Duration, is_mcp: bool) -> Response {
    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    let seconds = milliseconds.div_ceil(1_000);
    let hint = format!("Try again in {milliseconds} ms.");
    let mut response = if is_mcp {
        let error = json!({
            "code": -32_000,
            "message": format!("{words} {hint}"),
            "data": { "code": fault.name(), "retry_after_ms": milliseconds },
        });
        let body = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (fault.status(), kind, body).into_response()
    } else {
        Problem::new(fault, words).hint(hint).into_response()
    };
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
