//! Spans go to the collector that is named: those of a request and of its calls, in the caller's trace,
//! with what they may say and nothing else. A collector that is not there is nobody's business.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::support::Served;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-{PARENT}-01")
}

type Delivered = Arc<Mutex<Vec<Bytes>>>;

/// A collector that keeps what is delivered: its address, and that.
async fn collector() -> (String, Delivered) {
    let delivered = Delivered::default();
    let keep = async |State(delivered): State<Delivered>, body: Bytes| {
        delivered.lock().unwrap().push(body);
    };
    let app = Router::new()
        .route("/v1/traces", post(keep))
        .with_state(Arc::clone(&delivered));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, delivered)
}

fn spans(delivered: &Delivered) -> Vec<Span> {
    let delivered = delivered.lock().unwrap();
    let requests = delivered
        .iter()
        .map(|body| ExportTraceServiceRequest::decode(body.as_ref()).unwrap());
    requests
        .flat_map(|request| request.resource_spans)
        .flat_map(|of_resource| of_resource.scope_spans)
        .flat_map(|of_scope| of_scope.spans)
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn said(span: &Span, name: &str) -> Value {
    let attribute = span.attributes.iter().find(|one| one.key == name);
    let value = attribute.and_then(|one| one.value.clone()?.value);
    match value {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(other) => panic!("{name} is {other:?}"),
        None => Value::Null,
    }
}

async fn by_rest(served: &Served, tool: &str, arguments: Value) -> StatusCode {
    let request = Client::new()
        .post(format!("{}/api/tools/{tool}", served.url))
        .header("traceparent", traceparent(TRACE))
        .json(&arguments);
    request.send().await.unwrap().status()
}

async fn by_mcp(served: &Served, tool: &str, arguments: Value) -> Value {
    let params = json!({
        "name": tool, "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "traceparent": traceparent(OTHER_TRACE),
        },
    });
    let request = Client::new()
        .post(format!("{}/mcp", served.url))
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", tool)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
    request.send().await.unwrap().json().await.unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_say_which_tool_and_how_it_ended_in_the_trace_of_the_caller() {
    let (address, delivered) = collector().await;
    let served = Served::start(
        &["--demo", "--actor", "Wilhelmina"],
        &["--otlp-endpoint", &address],
    );
    let edit = json!({"opportunity": "OPP-1184", "use_case": "Xylophones"});
    assert_eq!(
        by_rest(&served, "update_opportunity", edit).await,
        StatusCode::OK
    );
    let refused = by_rest(&served, "get_forecast", json!({"period": "Septober"})).await;
    assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY);
    let one = format!("{}/api/expansion-opportunities/OPP-1184", served.url);
    let one = Client::new().get(one).bearer_auth("a-secret").send().await;
    assert_eq!(one.unwrap().status(), StatusCode::UNAUTHORIZED);
    let answer = by_mcp(
        &served,
        "get_opportunity",
        json!({"opportunity": "OPP-1184"}),
    )
    .await;
    assert!(
        answer["result"]["structuredContent"].is_object(),
        "{answer}"
    );
    // What was not delivered yet is when it stops.
    assert!(served.stop().success());

    let spans = spans(&delivered);
    let of = |name: &str| {
        let named: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(named.len(), 1, "{name} among {spans:#?}");
        named[0]
    };
    let edited = of("tools/call update_opportunity");
    assert_eq!(said(edited, "tool"), "update_opportunity");
    assert_eq!(said(edited, "outcome"), "answered");
    let refused = of("tools/call get_forecast");
    assert_eq!(said(refused, "outcome"), "period_not_understood");
    for call in [edited, refused] {
        assert_eq!(hex(&call.trace_id), TRACE);
        let request = spans
            .iter()
            .find(|span| span.span_id == call.parent_span_id)
            .unwrap();
        assert_eq!(hex(&request.parent_span_id), PARENT);
        assert_eq!(said(request, "http.route"), "/api/tools/{tool}");
        assert!(request.end_time_unix_nano >= call.end_time_unix_nano);
    }
    // What is said with the call counts more than what is said with the request.
    let asked = of("tools/call get_opportunity");
    assert_eq!(hex(&asked.trace_id), OTHER_TRACE);
    assert_eq!(hex(&asked.parent_span_id), PARENT);
    let turned_away = spans
        .iter()
        .find(|span| said(span, "http.response.status_code") == 401)
        .unwrap();
    assert_eq!(
        said(turned_away, "http.route"),
        "/api/expansion-opportunities/{id}"
    );

    let whole = delivered.lock().unwrap().concat();
    let whole = String::from_utf8_lossy(&whole);
    assert!(whole.contains("expansion-pipeline"));
    for word in [
        "OPP-1184",
        "Xylophones",
        "Septober",
        "Wilhelmina",
        "a-secret",
    ] {
        assert!(!whole.contains(word), "{word} was sent");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_delays_nothing() {
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let served = Served::start(&["--demo"], &["--otlp-endpoint", &address]);
    // The first question waits for the demo to load.
    assert_eq!(
        by_rest(&served, "win_rate", json!({})).await,
        StatusCode::OK
    );
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(
            by_rest(&served, "win_rate", json!({})).await,
            StatusCode::OK
        );
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let stopping = Instant::now();
    assert!(served.stop().success());
    assert!(stopping.elapsed() < Duration::from_secs(8));
}

#[test]
fn what_is_no_collector_is_refused() {
    let run = |endpoint: &str| {
        let ended = crate::support::program()
            .args(["--demo", "serve", "--otlp-endpoint", endpoint])
            .stdin(std::process::Stdio::null())
            .output();
        let ended = ended.unwrap();
        (
            ended.status.code(),
            String::from_utf8(ended.stderr).unwrap(),
        )
    };
    for wrong in ["localhost:4318", "ftp://localhost", "not a URL"] {
        let (code, said) = run(wrong);
        assert_eq!(code, Some(2), "{wrong}: {said}");
        assert!(said.contains("--otlp-endpoint"), "{wrong}: {said}");
    }
    // A variable that is set to nothing says nothing.
    assert_eq!(run("").0, Some(0));
}
