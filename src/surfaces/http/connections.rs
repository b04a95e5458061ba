//! Connections: taking so many in, and letting each finish when it is time to stop. Heads of requests that
//! do not come are not waited for, which axum's own server cannot be told.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::bounds::Bounds;

/// Serves connections until it is time to stop, and then until `finish` and until each has finished what is
/// under way, or that takes too long.
pub async fn serve(
    mut listener: TcpListener,
    app: Router,
    bounds: &Bounds,
    stopping: &CancellationToken,
    finish: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(bounds.head);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (Listener::accept(&mut listener).await, place)
        };
        let ((stream, address), place) = tokio::select! {
            accepted = accepted => accepted,
            () = stopping.cancelled() => break,
        };
        // Small answers on a stream must not wait for more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let app = TowerToHyperService::new(app.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let from: ConnectInfo<SocketAddr> = ConnectInfo(address);
            request.extensions_mut().insert(from);
            app.call(request)
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    let finished = async {
        finish.await;
        open.shutdown().await;
    };
    if tokio::time::timeout(bounds.drain, finished).await.is_err() {
        tracing::warn!("stopped while requests were still under way");
    }
}
