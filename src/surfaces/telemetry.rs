//! What the program says of itself while it runs: logs on standard error, and where a collector is named,
//! spans of requests and calls of tools over OTLP/HTTP. Spans say which tool, how it ended and how long it
//! took; no argument, name or token is among what they say, and nothing of what is logged goes with them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use axum::http::Uri;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// How long a collector may take for one delivery.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of the program waits for the last delivery.
const LAST: Duration = Duration::from_secs(2);
/// The longest answer of a collector that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What is said, until it is dropped: then the last spans are delivered.
#[derive(Debug)]
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Logs from now on, and sends spans to a collector where there is one.
    pub fn start(collector: Option<&str>) -> anyhow::Result<Telemetry> {
        let provider = collector.map(provider).transpose()?;
        let filter =
            EnvFilter::try_from_env("EXPANSION_LOG").unwrap_or_else(|_| "warn,rmcp=error".into());
        let is_json = std::env::var("EXPANSION_LOG_FORMAT").is_ok_and(|format| format == "json");
        // Standard output belongs to the protocol, and a client may close standard error at any time.
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .log_internal_errors(false);
        let log = match is_json {
            true => log.json().boxed(),
            false => log.boxed(),
        };
        let spans = provider.as_ref().map(|provider| {
            let ours = filter_fn(|of| {
                of.is_span()
                    && *of.level() <= Level::INFO
                    && of.target().starts_with(env!("CARGO_CRATE_NAME"))
            });
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(ours)
        });
        tracing_subscriber::registry()
            .with(log.with_filter(filter))
            .with(spans)
            .try_init()?;
        Ok(Telemetry(provider))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST)
        {
            tracing::debug!(%error, "the last spans were not delivered");
        }
    }
}

/// Spans are kept and delivered in batches by a thread of their own; when it cannot keep up, the newest
/// are dropped.
fn provider(collector: &str) -> anyhow::Result<SdkTracerProvider> {
    let problem = || {
        format!(
            "--otlp-endpoint {collector} is no URL of a collector, such as http://127.0.0.1:4318"
        )
    };
    let url: Uri = collector.parse().with_context(problem)?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.query().is_some() {
        bail!(problem());
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(PATIENCE)
        .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
        .build()
        .with_context(problem)?;
    let resource = Resource::builder()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

/// What delivers spans. It may wait: only the thread that delivers them waits for it.
#[derive(Debug)]
struct Client {
    agent: Agent,
    /// Whether the last delivery failed, so that it is said once.
    fails: AtomicBool,
}

impl Client {
    fn new() -> Client {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(env!("CARGO_PKG_NAME"))
            .tls_config(tls);
        Client {
            agent: config.build().new_agent(),
            fails: AtomicBool::new(false),
        }
    }

    fn deliver(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let answer = self.agent.run(request.map(|body| body.to_vec()))?;
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(LARGEST).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let delivered = self.deliver(request);
        let why = match &delivered {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let failed_before = self.fails.swap(why.is_some(), Ordering::Relaxed);
        if let Some(why) = why.filter(|_| !failed_before) {
            tracing::warn!(
                why,
                "the collector takes no spans; they are dropped until it does"
            );
        }
        Ok(delivered?)
    }
}
