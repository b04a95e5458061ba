//! The program over HTTP: MCP at `/mcp` for clients of both revisions and the REST API below `/api`,
//! from one engine. Belongs here: listening, who may come in from where, stopping. What is said stands in
//! `mcp` and `rest`.

mod access;
mod bodies;
mod bounds;
mod connections;
mod limits;
mod metrics;
mod oidc;
mod plain;
mod requests;
mod sessions;
mod site;
mod streams;

use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::access::{Access, Vouching};
pub use self::bounds::Bounds;
use self::limits::Limits;
use self::metrics::Metrics;
pub use self::oidc::Trusted;
use self::oidc::{Provider, Resource};
use self::sessions::Sessions;
use self::site::Site;
use super::mcp::Server;
use super::rest;
use crate::engine::{Door, Engine, Role};

/// The largest request that is read, in bytes.
const LARGEST_REQUEST: usize = 1024 * 1024;

/// How long an answer that is there may take to leave before its stream is ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How the program listens, and to whom.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// The address that clients know it by, such as behind a proxy: `https://pipeline.example.com`.
    pub public_url: Option<String>,
    /// The web pages of other origins that may call it.
    pub origins: Vec<String>,
    /// Whether every caller must bring a token.
    pub needs_token: bool,
    /// The most requests a second of one caller; none, any number.
    pub rate_limit: Option<NonZeroU32>,
    /// The identity provider whose tokens are taken beside our own.
    pub trusted: Option<Trusted>,
    /// Who calls without one.
    pub actor: Option<String>,
    /// In which role.
    pub role: Role,
    /// How much and how long.
    pub bounds: Bounds,
}

/// Serves until `stop`, then lets what is under way finish.
pub async fn serve(
    engine: Arc<Engine>,
    listening: Listening,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let server = Server::new(Arc::clone(&engine), listening.actor.clone(), listening.role);
    serve_with(engine, listening, move || server.for_session(), stop).await
}

/// The same with an MCP server of its own for each session, or for each request where there are none.
pub async fn serve_with<S: ServerHandler>(
    engine: Arc<Engine>,
    listening: Listening,
    server: impl Fn() -> S + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listening.address;
    if !address.ip().is_loopback() && !listening.needs_token {
        bail!(
            "without --auth everybody who reaches {address} may do everything, so only this machine may: \
             serve --http 127.0.0.1:{}, or make tokens (`expansion-pipeline token create`) and add --auth",
            address.port()
        );
    }
    if let Some(trusted) = &listening.trusted {
        trusted.check()?;
        if address.ip().is_unspecified() && listening.public_url.is_none() {
            bail!(
                "--oidc-issuer sends clients to the address they know this server by, which {address} does not tell: \
                 add --public-url, such as https://pipeline.example.com"
            );
        }
    }
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let bound = listener.local_addr()?;
    let limits = Arc::new(Limits::new(listening.rate_limit, listening.bounds.requests));
    // First nothing new is begun; when nothing is under way any more, streams end too.
    let (stopping, ending) = (CancellationToken::new(), CancellationToken::new());
    let app = router(engine, &listening, server, bound, &limits, &ending)?;
    // Whoever started it with port 0 learns the port here.
    let _ = writeln!(
        std::io::stderr(),
        "Listening on http://{bound}, MCP at /mcp"
    );
    let told = stopping.clone();
    let told = async move {
        stop.await;
        told.cancel();
    };
    let finish = async {
        limits.idle().await;
        tokio::time::sleep(LAST_WORDS).await;
        ending.cancel();
    };
    tokio::join!(
        told,
        connections::serve(listener, app, &listening.bounds, &stopping, finish)
    );
    ending.cancel();
    Ok(())
}

/// Everything that is served.
fn router<S: ServerHandler>(
    engine: Arc<Engine>,
    listening: &Listening,
    server: impl Fn() -> S + Send + Sync + 'static,
    bound: SocketAddr,
    limits: &Arc<Limits>,
    ending: &CancellationToken,
) -> anyhow::Result<Router> {
    let site = Arc::new(Site::new(
        bound,
        listening.public_url.as_deref(),
        &listening.origins,
    )?);
    let vouching = listening.trusted.as_ref().map(|trusted| Vouching {
        provider: Arc::new(Provider::new(trusted.clone())),
        resource: Resource::new(site.url(), trusted),
    });
    let mut open = rest::description(listening.needs_token);
    if let Some(vouching) = &vouching {
        vouching.provider.warm_up();
        open = open.merge(vouching.resource.routes());
    }
    let bounds = &listening.bounds;
    let access = |door| {
        Arc::new(Access::new(
            Arc::clone(&engine),
            listening.needs_token,
            vouching.clone(),
            door,
        ))
    };
    let (over_mcp, over_rest) = (access(Door::Mcp), access(Door::Rest));
    let manager = Arc::new(LocalSessionManager::default());
    let sessions = Arc::new(Sessions::new(Arc::clone(&manager), bounds));

    let metrics = Arc::new(Metrics::new(Arc::clone(&engine)));
    let api = rest::router(engine, listening.actor.clone(), listening.role);
    // Hosts and origins are checked once, before all doors.
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(true)
        .with_max_request_body_bytes(LARGEST_REQUEST)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_cancellation_token(ending.child_token());
    let mcp = StreamableHttpService::new(move || Ok(server()), manager, config);

    // Layers that go together are put on at once: one that is put on alone boxes all below it, and each
    // request clones that box.
    let guarded = Router::new()
        .nest_service("/mcp", mcp)
        .layer((
            from_fn_with_state(over_mcp, access::identify),
            from_fn_with_state(Arc::clone(limits), limits::limit),
            from_fn_with_state(bounds.body, bodies::read),
            from_fn_with_state(sessions, sessions::bind),
        ))
        .merge(
            api.route(
                "/metrics",
                get(metrics::show).with_state(Arc::clone(&metrics)),
            )
            .layer((
                from_fn_with_state(over_rest, access::identify),
                from_fn_with_state(Arc::clone(limits), limits::limit),
                from_fn_with_state(bounds.body, bodies::read),
            )),
        )
        .merge(open)
        .layer((
            from_fn_with_state(Arc::clone(&site), site::check),
            cors(&site),
            CompressionLayer::new(),
        ));
    Ok(Router::new()
        .merge(guarded)
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(metrics::ready).with_state(Arc::clone(&metrics)),
        )
        .layer((
            from_fn(requests::log),
            from_fn(site::say_nothing_more),
            from_fn_with_state(metrics, metrics::count),
        )))
}

/// What pages of the origins that are allowed may send and read.
fn cors(site: &Site) -> CorsLayer {
    let named = [
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
        "traceparent",
        "idempotency-key",
    ]
    .map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(site.origins()))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(
            named
                .into_iter()
                .chain([
                    header::AUTHORIZATION,
                    header::CONTENT_TYPE,
                    header::ACCEPT,
                    header::IF_MATCH,
                    header::IF_NONE_MATCH,
                ])
                .collect::<Vec<_>>(),
        )
        .expose_headers([
            HeaderName::from_static("mcp-session-id"),
            header::WWW_AUTHENTICATE,
            header::ETAG,
            header::LINK,
            header::LOCATION,
        ])
}
