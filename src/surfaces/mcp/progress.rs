//! Progress of a call that has to wait while the log is read, which is the one thing that takes long
//! with many opportunities: told to clients that sent a token for it.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, RequestMetaObject};
use rmcp::service::{Peer, RoleServer};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::engine::Engine;

/// How long it is between two notices, and before the first.
const EVERY: Duration = Duration::from_millis(100);

/// What the call answers; meanwhile its client is told how far the log is read.
pub(super) async fn telling<T>(
    engine: &Engine,
    client: &Peer<RoleServer>,
    meta: &RequestMetaObject,
    call: impl Future<Output = T>,
) -> T {
    let Some(token) = meta.get_progress_token() else {
        return call.await;
    };
    let mut call = std::pin::pin!(call);
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = 0;
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            _ = ticks.tick() => {}
        }
        // Only what is more than before is progress.
        let Some((rows, of)) = engine.opening().filter(|(rows, _)| *rows > told) else {
            continue;
        };
        told = rows;
        let progress = ProgressNotificationParam::new(token.clone(), f64::from(rows));
        let progress = progress
            .with_total(f64::from(of))
            .with_message("Reading the log");
        if let Err(error) = client.notify_progress(progress).await {
            tracing::debug!(%error, "progress could not be told");
        }
    }
}
