//! Serving: which door is opened, and for whom.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::global::Maybe;
use super::{Command, role};
use crate::engine::{Engine, Role};
use crate::surfaces::http::{self, Bounds, Listening, Trusted};
use crate::surfaces::mcp;

/// Where to serve, and to whom.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Serve over HTTP at this address instead, such as 127.0.0.1:8931: MCP at /mcp
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// The role of whoever calls without a token: viewer, orchestrator, researcher, expansion or admin
    #[arg(long, value_name = "ROLE", default_value = "admin", value_parser = role)]
    role: Role,
    /// Answer questions and write nothing
    #[arg(long)]
    pub(super) read_only: bool,
    /// The most requests a second of one caller, twice as many at once [default: any number]
    #[arg(long, value_name = "NUMBER", requires = "http", value_parser = rate)]
    rate_limit: Option<NonZeroU32>,
    /// Answer only callers with a token (`expansion-pipeline token create`)
    #[arg(long, requires = "http")]
    auth: bool,
    /// The address that clients know the server by, such as https://pipeline.example.com behind a proxy
    #[arg(long, value_name = "URL", requires = "http")]
    public_url: Option<String>,
    /// Answer also callers with a token of this identity provider (OpenID Connect, OAuth 2.1); means --auth
    #[arg(
        long,
        value_name = "URL",
        requires = "http",
        requires = "oidc_audience"
    )]
    oidc_issuer: Option<String>,
    /// What the provider's tokens must be made out to, such as https://pipeline.example.com/mcp
    #[arg(long, value_name = "URI", requires = "oidc_issuer")]
    oidc_audience: Option<String>,
    /// Send spans of requests and calls to this collector (OTLP over HTTP), such as http://127.0.0.1:4318
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = Maybe::<String>::read)]
    otlp_endpoint: Option<Maybe<String>>,
    /// Let web pages of this origin call it, such as https://app.example.com; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN", requires = "http")]
    origins: Vec<String>,
}

impl Serve {
    /// Whether only callers with a token that the database keeps may come in.
    pub(super) const fn lets_in_our_tokens_only(&self) -> bool {
        self.auth && self.oidc_issuer.is_none()
    }
}

/// Where spans are sent to while this command runs; none when nowhere.
pub(super) fn collector(command: &Command) -> Option<&str> {
    match command {
        Command::Serve(asked) => asked.otlp_endpoint.as_ref()?.0.as_deref(),
        _ => None,
    }
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let rate = text.parse();
    rate.map_err(|_| "give a whole number from 1 on, or leave it out for any number".to_owned())
}

/// Serves until the client closes it or the process is told to stop.
pub(super) fn serve(engine: Engine, actor: Option<String>, asked: Serve) -> Result<()> {
    let engine = Arc::new(engine);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if asked.http.is_none() {
        // One client asks one thing at a time, or a few.
        runtime.worker_threads(2);
    }
    let runtime = runtime.enable_all().build()?;
    let loading = Arc::clone(&engine);
    // Tools are listed at once; the data loads meanwhile, and the first question waits for it.
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || loading.warm_up())?;
    let served = runtime.block_on(async {
        // Before anything is answered, so that whoever has an answer may ask to stop.
        let stop = told_to_stop()?;
        let Some(address) = asked.http else {
            return tokio::select! {
                served = mcp::serve_stdio(mcp::Server::new(engine, actor, asked.role)) => served,
                () = stop => Ok(()),
            };
        };
        let trusted = asked.oidc_issuer.zip(asked.oidc_audience);
        let trusted = trusted.map(|(issuer, audience)| Trusted { issuer, audience });
        let listening = Listening {
            address,
            public_url: asked.public_url,
            origins: asked.origins,
            needs_token: asked.auth || trusted.is_some(),
            rate_limit: asked.rate_limit,
            trusted,
            actor,
            role: asked.role,
            bounds: Bounds::default(),
        };
        http::serve(engine, listening, stop).await
    });
    // Whatever was answered is on disk; nothing else is worth waiting for.
    runtime.shutdown_background();
    served
}

/// Listens from now on for the request to stop, SIGTERM or Ctrl-C, and waits for it when polled. Within
/// a runtime.
pub(super) fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
