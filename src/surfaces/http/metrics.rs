//! What is counted for those who run the program, in Prometheus' text format: requests, calls of tools
//! and how long they took, refusals, and how the portfolio stands.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::engine::{Called, Ending, Engine, Error};
use crate::refusal::Code;
use crate::surfaces::problem::{Fault, Problem};
use crate::surfaces::waiting;

/// The bounds of the histogram, in seconds.
const BOUNDS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTool {
    tool: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRefusal {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    door: &'static str,
    status: u16,
}

/// The counters of this process.
pub struct Metrics {
    engine: Arc<Engine>,
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    opportunities: Gauge,
    position: Gauge,
    age: Gauge,
}

impl Metrics {
    /// Counts the calls of an engine from now on.
    pub fn new(engine: Arc<Engine>) -> Metrics {
        let mut registry = Registry::with_prefix("expansion_pipeline");
        let requests = Family::<OfRequest, Counter>::default();
        registry.register(
            "requests",
            "Requests over HTTP, by door and status",
            requests.clone(),
        );
        let calls = Family::<OfTool, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        registry.register_with_unit(
            "tool_call",
            "How long calls of tools took, refused ones too",
            Unit::Seconds,
            calls.clone(),
        );
        let refusals = Family::<OfRefusal, Counter>::default();
        registry.register(
            "refusals",
            "Calls that were refused, by code",
            refusals.clone(),
        );
        let failures = Counter::<u64>::default();
        registry.register(
            "failures",
            "Calls that failed on our side",
            failures.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::<i64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let opportunities = gauge("opportunities", "Opportunities on record");
        let position = gauge("log_position", "Where the log ends");
        let age = gauge(
            "portfolio_age_seconds",
            "How long ago the last change was recorded",
        );
        engine.observe(move |called: &Called| {
            calls
                .get_or_create(&OfTool { tool: called.tool })
                .observe(called.took.as_secs_f64());
            match called.ending {
                Ending::Answered => {}
                Ending::Refused(code) => {
                    refusals
                        .get_or_create(&OfRefusal { code: code.name() })
                        .inc();
                }
                Ending::Failed => {
                    failures.inc();
                }
            }
        });
        Metrics {
            engine,
            registry,
            requests,
            opportunities,
            position,
            age,
        }
    }

    /// Looks at the portfolio, and says everything.
    fn text(&self) -> Result<String, Problem> {
        // Without a database there still is something to say.
        if let Ok(vitals) = self.engine.vitals() {
            self.opportunities.set(i64::from(vitals.opportunities));
            self.position.set(i64::from(vitals.position));
            let age = vitals.age.unwrap_or_default().as_secs();
            self.age.set(i64::try_from(age).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| Problem::ours(error.to_string()))?;
        Ok(text)
    }
}

/// Says everything that was counted.
pub async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match waiting(move || metrics.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, KIND)], text).into_response(),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::ours("Something went wrong on our side.".to_owned()).into_response(),
    }
}

/// What those learn who look whether it is ready.
const UNREADABLE: &str = "The database cannot be read now; the log says why.";

/// Whether questions can be answered: the database opens and can be read.
pub async fn ready(State(metrics): State<Arc<Metrics>>) -> Response {
    let detail = match waiting(move || metrics.engine.vitals()).await {
        Ok(Ok(_)) => return "ready\n".into_response(),
        // Whoever looks needs no token, so what it names is for those who run the server.
        Ok(Err(Error::Refused(refusal))) => {
            tracing::warn!(%refusal, "not ready");
            match refusal.code {
                Code::NoDatabase => "There is no database yet: import one.",
                _ => UNREADABLE,
            }
        }
        // Failures of ours are in the log already.
        Ok(Err(Error::Ours(_))) | Err(_) => UNREADABLE,
    };
    Problem::new(Fault::NotReady, detail).into_response()
}

/// Counts a request.
pub async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let door = match request.uri().path() {
        path if path.starts_with("/mcp") => "mcp",
        path if path.starts_with("/api") => "rest",
        _ => "operations",
    };
    let response = next.run(request).await;
    let status = response.status().as_u16();
    metrics
        .requests
        .get_or_create(&OfRequest { door, status })
        .inc();
    response
}
