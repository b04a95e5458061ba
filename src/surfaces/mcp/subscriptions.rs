//! Subscriptions: whoever listens to a resource is told when a change touches it, also when another
//! process made it. One watcher looks at the log for all who listen in this process; it ends when
//! nobody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{ResourceUpdatedNotificationParam, SubscriptionFilter};
use rmcp::service::{Peer, RoleServer, SubscriptionContext};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::task::AbortHandle;

use super::resources;
use crate::engine::{About, Engine, Touched};

/// How often the watcher looks. A change is told within a quarter of a second.
const EVERY: Duration = Duration::from_millis(100);
/// Changes that a slow listener may have before it; with more it is told that anything may have changed.
const BEHIND: usize = 64;
/// The most resources one session or one request listens to.
const MOST: usize = 256;

/// Who watches the log, for all who listen in this process.
#[derive(Clone)]
pub struct Watcher {
    engine: Arc<Engine>,
    /// Where changes are told; nothing while nobody listens.
    told: Arc<Mutex<Option<Sender<Arc<Touched>>>>>,
}

impl Watcher {
    /// A watcher that sleeps until somebody listens.
    pub fn new(engine: Arc<Engine>) -> Watcher {
        Watcher {
            engine,
            told: Arc::default(),
        }
    }

    /// Changes from now on. Wakes the watcher when it sleeps.
    fn changes(&self) -> Receiver<Arc<Touched>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = &*told {
            return told.subscribe();
        }
        let (sender, receiver) = channel(BEHIND);
        *told = Some(sender);
        // What was seen before somebody listens may be old, never too new: nothing is missed.
        let mut seen = self.engine.last_seen();
        let watcher = self.clone();
        tokio::spawn(async move {
            while watcher.is_listened_to() {
                let engine = Arc::clone(&watcher.engine);
                let since = seen.clone();
                let look = tokio::task::spawn_blocking(move || engine.touched(since.as_ref()));
                // While the database cannot be read there is nothing to tell; the next look may do better.
                if let Ok(Ok((now, touched))) = look.await {
                    seen = Some(now);
                    if let Some(touched) = touched {
                        watcher.tell(touched);
                    }
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        receiver
    }

    /// Whether somebody listens; when nobody does, the next who does wakes another watcher.
    fn is_listened_to(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_heard = told.as_ref().is_some_and(|told| told.receiver_count() > 0);
        if !is_heard {
            *told = None;
        }
        is_heard
    }

    fn tell(&self, touched: Touched) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = &*told {
            // Nobody may be listening any more; then nobody is told.
            let _ = told.send(Arc::new(touched));
        }
    }

    /// Tells one subscription of the newer revision, until it is cancelled.
    pub async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes();
        let uris = context.accepted().resource_subscriptions.clone();
        let watched: Vec<Watched> = uris.into_iter().flatten().filter_map(watched).collect();
        loop {
            let next = tokio::select! {
                next = next(&mut changes) => next,
                () = context.cancelled() => return Ok(()),
            };
            let Some(touched) = next else { return Ok(()) };
            for uri in touched_of(&watched, touched).await {
                if context.sink().notify_resource_updated(uri).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// Tells one subscription of the older revision, until the client goes or it is aborted.
    fn tell_peer(&self, peer: Peer<RoleServer>, watched: Watched) -> AbortHandle {
        let mut changes = self.changes();
        let watched = vec![watched];
        let telling = tokio::spawn(async move {
            while let Some(touched) = next(&mut changes).await {
                for uri in touched_of(&watched, touched).await {
                    let update = ResourceUpdatedNotificationParam::new(uri);
                    if peer.notify_resource_updated(update).await.is_err() {
                        return;
                    }
                }
            }
        });
        telling.abort_handle()
    }
}

/// A resource that is listened to, and which changes touch it.
#[derive(Clone)]
struct Watched {
    uri: String,
    about: About,
}

fn watched(uri: String) -> Option<Watched> {
    let about = resources::about(&uri)?;
    Some(Watched { uri, about })
}

/// The next change; a listener that missed some is told by `Some(None)`; `None` at the end.
async fn next(changes: &mut Receiver<Arc<Touched>>) -> Option<Option<Arc<Touched>>> {
    match changes.recv().await {
        Ok(touched) => Some(Some(touched)),
        Err(RecvError::Lagged(_)) => Some(None),
        Err(RecvError::Closed) => None,
    }
}

/// The URIs that a change touches. Finding names takes its time, so it is done where that may be.
async fn touched_of(watched: &[Watched], touched: Option<Arc<Touched>>) -> Vec<String> {
    let watched = watched.to_vec();
    let found = tokio::task::spawn_blocking(move || {
        let concerned = |it: &Watched| {
            touched
                .as_ref()
                .is_none_or(|change| change.touches(&it.about))
        };
        let those = watched.into_iter().filter(concerned);
        those.map(|it| it.uri).collect()
    });
    found.await.unwrap_or_default()
}

/// Of what is asked for, the resources that can change here, at most so many.
pub fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let uris = requested.resource_subscriptions.iter().flatten();
    let those = uris.filter(|uri| resources::about(uri).is_some());
    let those = those.take(MOST).cloned();
    SubscriptionFilter::builder()
        .resource_subscriptions(those)
        .build()
}

/// What one session of the older revision listens to.
#[derive(Default)]
pub struct Session {
    told: Mutex<HashMap<String, AbortHandle>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
        told.values().for_each(AbortHandle::abort);
    }
}

impl Session {
    /// Listens to a resource for a client.
    pub fn subscribe(
        &self,
        watcher: &Watcher,
        peer: Peer<RoleServer>,
        uri: String,
    ) -> Result<(), ErrorData> {
        let watched = watched(uri.clone()).ok_or_else(|| resources::unknown(&uri))?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains_key(&uri) {
            return Ok(());
        }
        if told.len() >= MOST {
            let message = format!("A session listens to at most {MOST} resources.");
            return Err(ErrorData::invalid_request(message, None));
        }
        told.insert(uri, watcher.tell_peer(peer, watched));
        Ok(())
    }

    /// Listens no longer; it is no fault when nobody did.
    pub fn unsubscribe(&self, uri: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(telling) = told.remove(uri) {
            telling.abort();
        }
    }
}
