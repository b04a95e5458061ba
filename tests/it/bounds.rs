//! What one client over HTTP cannot do to the others or reach at all: be slow, ask for all places at
//! once, keep sessions, send too much, walk out of the paths there are. Served within the test, with
//! bounds that can be waited for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expansion_pipeline::engine::Role;
use expansion_pipeline::surfaces::http::{self, Bounds, Listening};
use reqwest::{Client, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Portfolio, TODAY, engine, portfolio};

/// What is bounded shortly in a test.
const SHORT: Duration = Duration::from_millis(400);
/// Nothing here takes this long, unless a bound is missing.
const PATIENCE: Duration = Duration::from_secs(9);

/// A server on the demo's deals.
struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
    portfolio: Portfolio,
}

impl Running {
    async fn start(bounds: Bounds, needs_token: bool) -> Running {
        let portfolio = portfolio("demo", TODAY);
        let engine = Arc::new(engine(&portfolio.database(), TODAY));
        // A port that is free now; the server says nothing of one that it finds itself.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let listening = Listening {
            address,
            public_url: None,
            origins: Vec::new(),
            needs_token,
            rate_limit: None,
            trusted: None,
            actor: None,
            role: Role::Admin,
            bounds,
        };
        let stop = CancellationToken::new();
        let told = stop.clone().cancelled_owned();
        let served = tokio::spawn(http::serve(engine, listening, told));
        let started = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "it does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Running {
            address,
            stop,
            served,
            portfolio,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection on which a request has begun and its body has not come.
    async fn begun(&self, path: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let head = self.head(path);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    fn head(&self, path: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
            self.address
        )
    }

    /// What is answered to bytes, until the connection closes.
    async fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may have heard enough before all is sent.
        let _ = stream.write_all(bytes).await;
        heard(&mut stream).await
    }

    async fn get(&self, path: &str) -> String {
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.answer(request.as_bytes()).await
    }

    async fn initialize(&self) -> reqwest::Response {
        self.initializing().send().await.unwrap()
    }

    /// A request for a session, not sent yet.
    fn initializing(&self) -> reqwest::RequestBuilder {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        Client::new()
            .post(self.url("/mcp"))
            .header("Accept", "application/json, text/event-stream")
            .json(&body)
    }

    async fn in_session(&self, session: &str) -> StatusCode {
        let posted = Client::new()
            .post(self.url("/mcp"))
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-11-25")
            .header("Mcp-Session-Id", session)
            .json(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .send();
        posted.await.unwrap().status()
    }
}

/// All that comes until the connection closes.
async fn heard(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let all = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let all = all.expect("the connection is still open");
    // Closed with bytes of ours unread is closed all the same.
    let _ = all;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1).unwrap_or_default();
    word.parse().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let running = Running::start(
        Bounds {
            head: SHORT,
            ..Bounds::default()
        },
        false,
    )
    .await;
    // Nothing at all, half a head, and one that comes letter by letter for ever.
    for begun in ["", "GET /healthz HTTP/1.1\r\nHost: 127"] {
        let started = Instant::now();
        let answer = running.answer(begun.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        assert!(started.elapsed() >= SHORT / 2, "cut at once");
    }
    let mut stream = running.connect().await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nX: ")
        .await
        .unwrap();
    let started = Instant::now();
    while stream.write_all(b"x").await.is_ok() {
        assert!(started.elapsed() < PATIENCE, "a trickle is read for ever");
        tokio::time::sleep(SHORT / 8).await;
    }
    assert_eq!(status(&running.get("/healthz").await), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let running = Running::start(
        Bounds {
            body: SHORT,
            ..Bounds::default()
        },
        false,
    )
    .await;
    for path in ["/api/tools/get_forecast", "/mcp"] {
        let mut stream = running.begun(path).await;
        stream.write_all(b"{").await.unwrap();
        let answer = heard(&mut stream).await;
        assert!((400..500).contains(&status(&answer)), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_at_once_than_there_are_places_are_told_to_come_again() {
    let running = Running::start(
        Bounds {
            requests: 2,
            ..Bounds::default()
        },
        false,
    )
    .await;
    let path = "/api/tools/get_forecast";
    let mut waiting = vec![running.begun(path).await, running.begun(path).await];
    let tools = running.url("/api/tools/get_pipeline");
    let ask = async || {
        let posted = Client::new().post(&tools).json(&json!({})).send();
        posted.await.unwrap()
    };
    let started = Instant::now();
    let mut busy = ask().await;
    while busy.status() != StatusCode::SERVICE_UNAVAILABLE {
        assert!(started.elapsed() < PATIENCE, "there is no end of places");
        // One that came while this was asked was turned away and waits no longer.
        waiting.push(running.begun(path).await);
        busy = ask().await;
    }
    assert_eq!(busy.headers()["retry-after"], "1");
    let problem: Value = busy.json().await.unwrap();
    assert_eq!(problem["code"], "busy");
    let over_mcp = running.initialize().await;
    assert_eq!(over_mcp.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(over_mcp.headers()["retry-after"], "1");
    let error: Value = over_mcp.json().await.unwrap();
    assert_eq!(error["error"]["code"], -32000);
    // Whether it lives can be asked all the same.
    assert_eq!(status(&running.get("/healthz").await), 200);
    drop(waiting);
    let started = Instant::now();
    while ask().await.status() != StatusCode::OK {
        assert!(started.elapsed() < PATIENCE, "places do not come free");
        tokio::time::sleep(SHORT / 8).await;
    }
}

/// Half of all places are the most of one caller, by however many tokens; without tokens (above) all
/// callers are one, who may have all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_leaves_places_to_the_others() {
    let bounds = Bounds {
        requests: 4,
        ..Bounds::default()
    };
    let running = Running::start(bounds, true).await;
    let engine = engine(&running.portfolio.database(), TODAY);
    let token = |actor: &str| {
        let made = engine.make_token(actor, Role::Viewer, None).unwrap();
        made.token
    };
    let (slow, again, other) = (token("Slow"), token("Slow"), token("Other"));
    let begun = async |token: &str| {
        let mut stream = running.connect().await;
        let head = running.head("/api/tools/get_forecast");
        let authorization = format!("\r\nAuthorization: Bearer {token}\r\n\r\n");
        let head = head.replace("\r\n\r\n", &authorization);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let tools = running.url("/api/tools/get_pipeline");
    let ask = async |token: &str| {
        let asked = Client::new().post(&tools).bearer_auth(token);
        asked.json(&json!({})).send().await.unwrap()
    };
    let mut waiting = vec![begun(&slow).await, begun(&slow).await];
    let started = Instant::now();
    let mut refused = ask(&again).await;
    while refused.status() != StatusCode::TOO_MANY_REQUESTS {
        assert!(started.elapsed() < PATIENCE, "one caller takes all places");
        waiting.push(begun(&slow).await);
        refused = ask(&again).await;
    }
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_requests");
    let over_mcp = running.initializing().bearer_auth(&slow);
    let over_mcp = over_mcp.send().await.unwrap();
    assert_eq!(over_mcp.status(), StatusCode::TOO_MANY_REQUESTS);
    let error: Value = over_mcp.json().await.unwrap();
    assert_eq!(error["error"]["code"], -32000);
    assert_eq!(ask(&other).await.status(), StatusCode::OK);
    drop(waiting);
    let started = Instant::now();
    while ask(&slow).await.status() != StatusCode::OK {
        assert!(started.elapsed() < PATIENCE, "places do not come free");
        tokio::time::sleep(SHORT / 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_there_may_be_wait_for_one_to_close() {
    let bounds = Bounds {
        connections: 2,
        ..Bounds::default()
    };
    let running = Running::start(bounds, false).await;
    let mut idle = vec![running.connect().await, running.connect().await];
    tokio::time::sleep(SHORT).await;
    let mut third = running.connect().await;
    let host = running.address;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    third.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 1];
    let answered = tokio::time::timeout(SHORT, third.read(&mut first)).await;
    assert!(answered.is_err(), "a third connection is taken");
    idle.pop();
    assert_eq!(status(&heard(&mut third).await), 200);
    // Nor do connections that wait keep it from stopping.
    let _fourth = (running.connect().await, running.connect().await);
    running.stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, running.served).await;
    ended.expect("it ends").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_only_so_many_for_only_so_long() {
    let age = Duration::from_secs(2);
    let running = Running::start(
        Bounds {
            sessions: 2,
            session: age,
            ..Bounds::default()
        },
        false,
    )
    .await;
    let started = Instant::now();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let opened = running.initialize().await;
        assert_eq!(opened.status(), StatusCode::OK);
        let session = opened.headers()["mcp-session-id"].to_str().unwrap();
        sessions.push(session.to_owned());
    }
    let third = running.initialize().await;
    assert!(started.elapsed() < age, "too slow a machine for this");
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem: Value = third.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_sessions");
    assert_eq!(running.in_session(&sessions[0]).await, StatusCode::ACCEPTED);
    let mut stream = Client::new()
        .get(running.url("/mcp"))
        .header("Accept", "text/event-stream")
        .header("MCP-Protocol-Version", "2025-11-25")
        .header("Mcp-Session-Id", &sessions[0])
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    tokio::time::sleep(age).await;
    // What was told on a session of that age is told no longer.
    let end = async { while let Ok(Some(_)) = stream.chunk().await {} };
    let ended = tokio::time::timeout(PATIENCE, end).await;
    ended.expect("the stream outlives its session");
    assert_eq!(
        running.in_session(&sessions[0]).await,
        StatusCode::NOT_FOUND
    );
    // Those that are too old make room.
    assert_eq!(running.initialize().await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_asked_for_at_once_are_no_more_than_there_may_be() {
    let sessions = 5;
    let bounds = Bounds {
        sessions,
        ..Bounds::default()
    };
    let running = Running::start(bounds, false).await;
    // What asks for none gives its place back.
    for _ in 0..=sessions {
        let other = running
            .initializing()
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
        let status = other.send().await.unwrap().status();
        assert!(status.is_client_error(), "{status}");
    }
    let asked: Vec<_> = (0..8 * sessions)
        .map(|place| match place % 2 {
            0 => running.initializing(),
            // A header of the newer revision, which is not read in this one.
            _ => running.initializing().header("Mcp-Method", "tools/call"),
        })
        .map(|request| tokio::spawn(request.send()))
        .collect();
    let mut opened = Vec::new();
    for answer in asked {
        let answer = answer.await.unwrap().unwrap();
        match answer.status() {
            StatusCode::OK => opened.push(answer.headers()["mcp-session-id"].clone()),
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
    }
    assert_eq!(opened.len(), sessions);
    for session in opened {
        let status = running.in_session(session.to_str().unwrap()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_finished_and_nothing_new_begun() {
    let running = Running::start(Bounds::default(), false).await;
    let mut idle = running.connect().await;
    let path = "/api/tools/get_forecast";
    let mut under_way = running.begun(path).await;
    under_way.write_all(b"{").await.unwrap();
    tokio::time::sleep(SHORT).await;
    running.stop.cancel();
    let started = Instant::now();
    while TcpStream::connect(running.address).await.is_ok() {
        assert!(started.elapsed() < PATIENCE, "it still listens");
        tokio::time::sleep(SHORT / 8).await;
    }
    assert!(!running.served.is_finished());
    under_way.write_all(b"}").await.unwrap();
    let answer = heard(&mut under_way).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("\"weighted\""), "{answer}");
    let ended = tokio::time::timeout(PATIENCE / 2, running.served).await;
    ended
        .expect("idle connections do not keep it")
        .unwrap()
        .unwrap();
    assert_eq!(heard(&mut idle).await, "");
}

/// A change waits for another process's write when it is time to stop: it is made, and its client told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_is_answered_in_both_revisions() {
    let call = json!({"name": "update_opportunity", "arguments": {
        "opportunity": "OPP-1184", "estimated_value": 61_000,
    }});
    for older in [true, false] {
        let running = Running::start(Bounds::default(), false).await;
        let mut params = call.clone();
        let mut posted = Client::new()
            .post(running.url("/mcp"))
            .header("Accept", "application/json, text/event-stream");
        if older {
            let opened = running.initialize().await;
            let session = opened.headers()["mcp-session-id"].to_str().unwrap();
            assert_eq!(running.in_session(session).await, StatusCode::ACCEPTED);
            posted = posted
                .header("MCP-Protocol-Version", "2025-11-25")
                .header("Mcp-Session-Id", session);
        } else {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            posted = posted
                .header("MCP-Protocol-Version", "2026-07-28")
                .header("Mcp-Method", "tools/call")
                .header("Mcp-Name", "update_opportunity");
        }
        let other = Connection::open(running.portfolio.database()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params});
        let answered = tokio::spawn(async move {
            let response = posted.json(&body).send().await.unwrap();
            response.text().await.unwrap()
        });
        tokio::time::sleep(SHORT).await;
        running.stop.cancel();
        tokio::time::sleep(SHORT).await;
        assert!(!running.served.is_finished() && !answered.is_finished());
        other.execute_batch("COMMIT").unwrap();
        let answer = answered.await.unwrap();
        assert!(answer.contains("61000"), "older {older}: {answer}");
        let ended = tokio::time::timeout(PATIENCE / 2, running.served).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_finish_is_not_waited_for() {
    let running = Running::start(
        Bounds {
            drain: SHORT,
            ..Bounds::default()
        },
        false,
    )
    .await;
    let _under_way = running.begun("/api/tools/get_forecast").await;
    tokio::time::sleep(SHORT).await;
    running.stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, running.served).await;
    ended.expect("it ends").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_compressed_for_those_who_take_it() {
    let running = Running::start(Bounds::default(), false).await;
    let document = running.url("/api/openapi.json");
    let plain = Client::new().get(&document).send().await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    let plain = plain.bytes().await.unwrap();
    let small = Client::new()
        .get(&document)
        .header("Accept-Encoding", "gzip");
    let small = small.send().await.unwrap();
    assert_eq!(small.headers()["content-encoding"], "gzip");
    let small = small.bytes().await.unwrap();
    assert_eq!(small[..2], [0x1f, 0x8b]);
    assert!(small.len() * 2 < plain.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_large_a_body_is_turned_away() {
    let running = Running::start(Bounds::default(), false).await;
    let large = format!("{{\"period\": \"{}\"}}", "x".repeat(2_000_000));
    for path in ["/api/tools/get_forecast", "/mcp"] {
        let posted = Client::new()
            .post(running.url(path))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .body(large.clone());
        let answer = posted.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        // Nor is it believed that a body without its length is small.
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\n\r\n",
            running.address
        );
        for chunk in large.as_bytes().chunks(100_000) {
            let chunk = String::from_utf8_lossy(chunk);
            request.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        }
        request.push_str("0\r\n\r\n");
        let answer = running.answer(request.as_bytes()).await;
        // It may close before it is heard, but never takes it.
        assert!(matches!(status(&answer), 0 | 413), "{path}: {answer:.300}");
    }
    let head = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(500_000));
    let answer = running.answer(head.as_bytes()).await;
    assert!(matches!(status(&answer), 0 | 414 | 431), "{answer:.300}");
}

/// Paths that mean another one where they are tidied up or read twice.
const PATHS: [&str; 16] = [
    "/api/tools/../../metrics",
    "/healthz/../metrics",
    "/mcp/../metrics",
    "//metrics",
    "/./metrics",
    "/%2e/metrics",
    "/%6detrics",
    "/metrics/",
    "/metrics%00",
    "/healthz%2f..%2fmetrics",
    "/api/%2e%2e/metrics",
    "/api/docs/../../../../etc/passwd",
    "/api/docs/..%2f..%2f..%2fetc%2fpasswd",
    "/api/expansion-opportunities/..%2f..%2fmetrics",
    "/METRICS",
    "http://127.0.0.1/metrics",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_round_the_token_or_out_of_what_is_served() {
    let guarded = Running::start(Bounds::default(), true).await;
    assert_eq!(status(&guarded.get("/healthz").await), 200);
    for path in PATHS.into_iter().chain(["/metrics"]) {
        let answer = guarded.get(path).await;
        assert!(matches!(status(&answer), 400..=499), "{path}: {answer}");
        assert!(!answer.contains("expansion_pipeline_"), "{path}: {answer}");
    }
    let open = Running::start(Bounds::default(), false).await;
    for path in PATHS {
        let answer = open.get(path).await;
        assert!(!answer.contains("root:"), "{path}: {answer}");
        assert!(status(&answer) < 500, "{path}: {answer}");
    }
    for id in [
        "a%2fb",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%ff",
        "OPP-1184%2fhistory",
    ] {
        let answer = open
            .get(&format!("/api/expansion-opportunities/{id}"))
            .await;
        assert!(matches!(status(&answer), 400..=499), "{id}: {answer}");
    }
    for uri in [
        "file:///etc/passwd",
        "pipeline://opportunity/../definition/win_rate",
        "pipeline://opportunity/..%2f..%2fetc%2fpasswd",
        "pipeline://definition/..%2f..%2fCargo.toml",
        "pipeline://definition/%00",
        "pipeline://requirements/../pipeline",
        "pipeline://opportunity/%ff%fe",
        "PIPELINE://pipeline",
        "skill://../../../etc/passwd",
        "pipeline://opportunity/{opportunity}",
    ] {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"uri": uri, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params});
        let read = Client::new()
            .post(open.url("/mcp"))
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "resources/read")
            .header("Mcp-Name", uri)
            .json(&body);
        let read: Value = read.send().await.unwrap().json().await.unwrap();
        assert!(read["error"]["code"].is_i64(), "{uri}: {read}");
        assert!(read.get("result").is_none(), "{uri}: {read}");
    }
}
