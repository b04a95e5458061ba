//! What the door over HTTP owes its callers: who may come in, from where and as what; sessions that
//! belong to whoever opened them; headers and bodies that are checked; an end without loss. The answers
//! themselves are held against those of the other doors in `surfaces`.

use std::process::Output;
use std::time::{Duration, Instant};

use expansion_pipeline::registry::tools;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Served, fixture, program};

/// A database of the demo's files, and the program run on it.
pub struct Database {
    folder: TempDir,
}

impl Database {
    pub fn new() -> Database {
        let database = Database {
            folder: TempDir::new().unwrap(),
        };
        let imported = database.run(&["import", fixture("demo").to_str().unwrap()]);
        assert!(imported.status.success());
        database
    }

    fn path(&self) -> String {
        let path = self.folder.path().join("pipeline.db");
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let path = self.path();
        let mut command = program();
        command.args(["--db", &path, "--today", "2026-01-29"]);
        command.args(arguments).output().unwrap()
    }

    pub fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn token(&self, actor: &str, role: &str) -> String {
        let token = self.printed(&["--actor", actor, "token", "create", "--role", role]);
        token.trim().to_owned()
    }

    pub fn serve(&self, after: &[&str]) -> Served {
        Served::start(&["--db", &self.path(), "--today", "2026-01-29"], after)
    }
}

/// A request of the newer revision.
fn request(served: &Served, method: &str, name: Option<&str>, params: Value) -> RequestBuilder {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut request = Client::new()
        .post(format!("{}/mcp", served.url))
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", method)
        .json(&body);
    if let Some(name) = name {
        request = request.header("Mcp-Name", name);
    }
    request
}

fn list(served: &Served) -> RequestBuilder {
    request(served, "tools/list", None, json!({}))
}

pub fn call(served: &Served, tool: &str, arguments: Value) -> RequestBuilder {
    let params = json!({"name": tool, "arguments": arguments});
    request(served, "tools/call", Some(tool), params)
}

pub async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Opens a session of the older revision, and returns its id.
pub async fn open(served: &Served, token: &str) -> String {
    open_with(served, token, json!({})).await
}

/// The same for a client that can do something.
async fn open_with(served: &Served, token: &str, capabilities: Value) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": capabilities,
        "clientInfo": {"name": "old", "version": "1"},
    });
    let response = Client::new()
        .post(format!("{}/mcp", served.url))
        .header("Accept", "application/json, text/event-stream")
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let session = response.headers()["mcp-session-id"].to_str().unwrap();
    session.to_owned()
}

pub async fn in_session(served: &Served, session: &str, token: &str) -> StatusCode {
    let sent = Client::new()
        .post(format!("{}/mcp", served.url))
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2025-11-25")
        .header("Mcp-Session-Id", session)
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .send();
    sent.await.unwrap().status()
}

#[tokio::test]
async fn without_tokens_this_machine_may_do_everything() {
    let served = Served::start(&["--demo"], &[]);
    let listed = body(list(&served).send().await.unwrap()).await;
    let listed = listed["result"]["tools"].as_array().unwrap().len();
    assert_eq!(listed, tools().len());
}

#[test]
fn nobody_else_may_without_tokens() {
    let mut command = program();
    let refused = command
        .args(["--demo", "serve", "--http", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("--auth"), "{words}");
    assert!(words.contains("token create"), "{words}");
}

#[test]
fn what_would_be_in_vain_or_is_no_day_is_refused_before_it_is_served() {
    let here = ["--http", "127.0.0.1:0"];
    let cases: [(&[&str], &str); 5] = [
        (
            &["--demo", "serve", "--auth"],
            "with --auth nobody could come in",
        ),
        (
            &[
                "--demo", "--actor", "Vera", "token", "create", "--role", "viewer",
            ],
            "no token would let anybody in",
        ),
        (
            &["--demo", "import", "exports"],
            "there is nothing to import into",
        ),
        (&["--today", "2026-13-45", "serve"], "such as 2026-02-12"),
        (
            &["--demo", "serve", "--rate-limit", "0"],
            "a whole number from 1 on",
        ),
    ];
    for (arguments, words) in cases {
        let mut command = program();
        command.args(arguments);
        if arguments.contains(&"serve") {
            command.args(here);
        }
        let refused = command.output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_token_says_who_calls_and_what_they_may() {
    let database = Database::new();
    let (reads, works) = (
        database.token("Vera", "viewer"),
        database.token("Exa", "expansion"),
    );
    let served = database.serve(&["--auth"]);

    let turned_away = list(&served).send().await.unwrap();
    assert_eq!(turned_away.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(turned_away.headers()["www-authenticate"], "Bearer");
    assert_eq!(
        turned_away.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(body(turned_away).await["code"], "token_required");

    for wrong in ["expl_nothing", "x", &reads[..reads.len() - 1]] {
        let response = list(&served).bearer_auth(wrong).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{wrong}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        let body = response.text().await.unwrap();
        assert!(!body.contains(wrong) || wrong.len() < 3, "{body}");
    }

    let listed = body(list(&served).bearer_auth(&reads).send().await.unwrap()).await;
    let listed = listed["result"]["tools"].as_array().unwrap();
    let writes = listed.iter().filter(|tool| tool["name"] == "update_stage");
    assert_eq!(writes.count(), 0);

    let won = json!({"opportunity": "OPP-1184", "stage": "closed_won", "closed_value": "85k"});
    let refused = call(&served, "update_stage", won.clone()).bearer_auth(&reads);
    let refused = body(refused.send().await.unwrap()).await;
    let fields = &refused["result"]["_meta"]["expansion-pipeline/refusal"];
    assert_eq!(fields["code"], "forbidden_by_role");
    assert_eq!(
        fields["candidates"],
        json!(["researcher", "expansion", "admin"])
    );

    let done = call(&served, "update_stage", won).bearer_auth(&works);
    let done = body(done.send().await.unwrap()).await;
    assert_eq!(
        done["result"]["structuredContent"]["changed"], true,
        "{done}"
    );
    let log = database.printed(&["log", "--json"]);
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["actor"], &last["role"], &last["through"]),
        (&json!("Exa"), &json!("expansion"), &json!("mcp"))
    );
    assert_eq!(last["trace"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_when_it_is_revoked() {
    let database = Database::new();
    let (kept, revoked) = (
        database.token("Kay", "viewer"),
        database.token("Ray", "viewer"),
    );
    let brief = ["--actor", "Bri", "token", "create", "--role", "viewer"];
    let brief = database.printed(&[&brief[..], &["--expires", "1ms"]].concat());
    let served = database.serve(&["--auth"]);
    let status = async |token: &str| {
        let response = list(&served).bearer_auth(token.trim()).send().await;
        response.unwrap().status()
    };
    assert_eq!(status(&brief).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&revoked).await, StatusCode::OK);
    database.printed(&["token", "revoke", "2"]);
    assert_eq!(status(&revoked).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&kept).await, StatusCode::OK);
    let listed = database.printed(&["token", "list"]);
    let states: Vec<&str> = listed
        .lines()
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    assert_eq!(states, ["in force", "revoked", "expired"]);
    for token in [&kept, &revoked, brief.trim()] {
        assert!(!listed.contains(token));
        // Nor does it stand in the file.
        let file = std::fs::read(database.path()).unwrap();
        let found = file
            .windows(token.len())
            .any(|part| part == token.as_bytes());
        assert!(!found, "a token is kept as it is");
    }
    let unknown = database.run(&["token", "revoke", "9"]);
    assert_eq!(unknown.status.code(), Some(3));
}

/// The pipeline, which every change touches.
const PIPELINE: &str = "pipeline://pipeline";

/// What is told of changes on a connection of its own, in the revision asked for.
pub async fn listen(served: &Served, older: bool, token: &str) -> Response {
    if !older {
        let params = json!({"notifications": {"resourceSubscriptions": [PIPELINE]}});
        let asked = request(served, "subscriptions/listen", None, params);
        return asked.bearer_auth(token).send().await.unwrap();
    }
    let session = open(served, token).await;
    assert_eq!(
        in_session(served, &session, token).await,
        StatusCode::ACCEPTED
    );
    let of_session = |request: RequestBuilder| {
        request
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-11-25")
            .header("Mcp-Session-Id", &session)
            .bearer_auth(token)
    };
    let url = format!("{}/mcp", served.url);
    let stream = of_session(Client::new().get(&url)).send().await.unwrap();
    let params = json!({"uri": PIPELINE});
    let body =
        json!({"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe", "params": params});
    let subscribed = of_session(Client::new().post(&url)).json(&body).send();
    let subscribed = subscribed.await.unwrap().text().await.unwrap();
    assert!(subscribed.contains("\"result\""), "{subscribed}");
    stream
}

/// What comes on a stream within a while, and whether that was its end.
async fn comes(stream: &mut Response, within: Duration) -> (String, bool) {
    let (mut heard, until) = (String::new(), Instant::now() + within);
    loop {
        match tokio::time::timeout_at(until.into(), stream.chunk()).await {
            Ok(Ok(Some(bytes))) => heard.push_str(&String::from_utf8_lossy(&bytes)),
            Ok(end) => return (heard, end.unwrap().is_none()),
            Err(_) => return (heard, false),
        }
    }
}

/// A revoked or expired token ends what was opened with it, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_token_it_was_opened_with() {
    // What a busy machine may need; the program looks twice a second.
    const SOON: Duration = Duration::from_secs(4);
    let database = Database::new();
    let (kept, revoked) = (
        database.token("Kay", "viewer"),
        database.token("Ray", "viewer"),
    );
    let served = database.serve(&["--auth"]);
    for older in [true, false] {
        let mut staying = listen(&served, older, &kept).await;
        assert_eq!(staying.status(), StatusCode::OK);
        let brief = ["--actor", "Bri", "token", "create", "--role", "viewer"];
        let brief = database.printed(&[&brief[..], &["--expires", "3s"]].concat());
        let mut expiring = listen(&served, older, brief.trim()).await;
        assert_eq!(expiring.status(), StatusCode::OK);
        assert!(!comes(&mut expiring, Duration::from_millis(500)).await.1);
        let (_, has_ended) = comes(&mut expiring, SOON + SOON).await;
        assert!(has_ended, "older {older}: it outlives a token that expired");

        let mut ending = match older {
            true => listen(&served, older, &revoked).await,
            false => listen(&served, older, &database.token("Roy", "viewer")).await,
        };
        assert_eq!(ending.status(), StatusCode::OK);
        assert!(!comes(&mut ending, Duration::from_millis(1_200)).await.1);
        let number = if older { "2" } else { "5" };
        let said = database.printed(&["token", "revoke", number]);
        assert!(said.contains(if older { "Ray" } else { "Roy" }), "{said}");
        let (_, has_ended) = comes(&mut ending, SOON).await;
        assert!(
            has_ended,
            "older {older}: it outlives a token that was revoked"
        );

        let value = format!("estimated_value={}", 71_000 + u32::from(older));
        database.printed(&["call", "update_opportunity", "opportunity=OPP-1184", &value]);
        let (heard, has_ended) = comes(&mut staying, Duration::from_secs(1)).await;
        assert!(!has_ended, "older {older}: a good token ends");
        assert!(heard.contains(PIPELINE), "older {older}: {heard}");
    }
}

/// A call that waits for a person is answered on a stream, and by nobody whose token was revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_ends_with_its_token() {
    let database = Database::new();
    let token = database.token("Exa", "expansion");
    let served = database.serve(&["--auth"]);
    let session = open_with(&served, &token, json!({"elicitation": {}})).await;
    let begun = in_session(&served, &session, &token).await;
    assert_eq!(begun, StatusCode::ACCEPTED);
    let params = json!({"name": "update_stage", "arguments": {
        "opportunity": "OPP-1184", "stage": "closed_won",
    }});
    let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params});
    let call = Client::new()
        .post(format!("{}/mcp", served.url))
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2025-11-25")
        .header("Mcp-Session-Id", &session)
        .bearer_auth(&token)
        .json(&body)
        .send();
    let mut call = call.await.unwrap();
    let (heard, has_ended) = comes(&mut call, Duration::from_millis(1_200)).await;
    assert!(heard.contains("elicitation/create"), "{heard}");
    assert!(!has_ended, "{heard}");
    let before = database.printed(&["log"]);
    database.printed(&["token", "revoke", "1"]);
    let (heard, has_ended) = comes(&mut call, Duration::from_secs(4)).await;
    assert!(has_ended, "it outlives its token: {heard}");
    let answer = in_session(&served, &session, &token).await;
    assert_eq!(answer, StatusCode::UNAUTHORIZED);
    assert_eq!(database.printed(&["log"]), before);
}

#[tokio::test]
async fn what_is_no_message_of_the_protocol_is_told_so() {
    let database = Database::new();
    let token = database.token("Ann", "viewer");
    let served = database.serve(&["--auth"]);
    let url = format!("{}/mcp", served.url);
    let post = async |kind: &str, session: Option<&str>, text: &str| {
        let mut request = Client::new()
            .post(&url)
            .bearer_auth(&token)
            .header("Content-Type", kind.to_owned())
            .header("Accept", "application/json, text/event-stream");
        if let Some(session) = session {
            request = request.header("Mcp-Session-Id", session);
        }
        let response = request.body(text.to_owned()).send().await.unwrap();
        (response.status(), body(response).await)
    };
    let json = "application/json";
    for text in ["{bad", "[]", "7", ""] {
        let (status, said) = post(json, None, text).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}: {said}");
        assert_eq!(said["error"]["code"], -32700, "{text}: {said}");
        assert_eq!(said["id"], Value::Null);
    }
    let (status, said) = post("text/plain", None, "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(said["code"], "unsupported_media_type");
    // A session that was ended is as one that never was.
    let session = open(&served, &token).await;
    let ended = Client::new()
        .delete(&url)
        .bearer_auth(&token)
        .header("Mcp-Session-Id", &session);
    let ended = ended.send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    let list = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
    let (status, said) = post(json, Some(&session), list).await;
    assert_eq!(
        (status, &said["code"]),
        (StatusCode::NOT_FOUND, &json!("unknown_session"))
    );
    // Without one, whoever speaks the older revision learns how to get one.
    let (status, said) = post(json, None, list).await;
    assert_eq!(
        (status, &said["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed_request"))
    );
    assert!(
        said["hint"].as_str().unwrap().contains("Initialize"),
        "{said}"
    );
    let unknown = Client::new()
        .post(&url)
        .bearer_auth(&token)
        .header("Content-Type", json)
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "1999-01-01")
        .body(list);
    let unknown = unknown.send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    let said = body(unknown).await;
    assert!(said.to_string().contains("2026-07-28"), "{said}");
    assert!(!said.to_string().contains("Initialize"), "{said}");
}

#[tokio::test]
async fn a_session_belongs_to_whoever_opened_it() {
    let database = Database::new();
    let (owner, thief) = (
        database.token("Owner", "viewer"),
        database.token("Thief", "viewer"),
    );
    let served = database.serve(&["--auth"]);
    let session = open(&served, &owner).await;
    assert_eq!(
        in_session(&served, &session, &owner).await,
        StatusCode::ACCEPTED
    );
    for (session, token) in [(session.as_str(), &thief), ("made-up", &owner)] {
        assert_eq!(
            in_session(&served, session, token).await,
            StatusCode::NOT_FOUND
        );
    }
    let ended = Client::new()
        .delete(format!("{}/mcp", served.url))
        .header("MCP-Protocol-Version", "2025-11-25")
        .header("Mcp-Session-Id", &session)
        .bearer_auth(&owner)
        .send();
    assert_eq!(ended.await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(
        in_session(&served, &session, &owner).await,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn pages_and_hosts_that_are_not_known_are_turned_away() {
    let served = Served::start(&["--demo"], &["--allow-origin", "https://app.example.com"]);
    let status = async |name: &'static str, value: &str| {
        let response = list(&served).header(name, value).send().await.unwrap();
        response.status()
    };
    let own = served.url.clone();
    assert_eq!(status("Origin", &own).await, StatusCode::OK);
    assert_eq!(
        status("Origin", "https://app.example.com").await,
        StatusCode::OK
    );
    for origin in ["null", "https://evil.example.com", "http://localhost:1"] {
        assert_eq!(status("Origin", origin).await, StatusCode::FORBIDDEN);
    }
    for host in ["evil.example.com", "evil.example.com:80"] {
        assert_eq!(status("Host", host).await, StatusCode::FORBIDDEN);
    }
    let preflight = Client::new()
        .request(reqwest::Method::OPTIONS, format!("{own}/mcp"))
        .header("Origin", "https://app.example.com")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "mcp-method")
        .send()
        .await
        .unwrap();
    assert_eq!(
        preflight.headers()["access-control-allow-origin"],
        "https://app.example.com"
    );
}

#[tokio::test]
async fn methods_of_the_older_revision_only_are_unknown_to_the_newer() {
    let served = Served::start(&["--demo"], &[]);
    for method in ["initialize", "resources/subscribe", "resources/unsubscribe"] {
        let response = request(&served, method, None, json!({})).send();
        let response = response.await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method}");
        assert_eq!(body(response).await["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn icons_stand_at_uris() {
    let served = Served::start(&["--demo"], &[]);
    let listed = request(&served, "prompts/list", None, json!({})).send();
    let listed = body(listed.await.unwrap()).await;
    let icon = &listed["result"]["prompts"][0]["icons"][0]["src"];
    let icon = icon.as_str().unwrap();
    // What RFC 3986 lets a URI be written with.
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    assert!(icon.starts_with("data:image/svg+xml,"), "{icon}");
    assert!(icon.bytes().all(allowed), "{icon}");
}

#[tokio::test]
async fn headers_and_bodies_are_checked() {
    let served = Served::start(&["--demo"], &[]);
    let other = list(&served).header("Mcp-Method", "tools/call");
    assert_eq!(
        other.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let large = json!({"period": "x".repeat(2_000_000)});
    let large = call(&served, "get_forecast", large).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let params = json!({"name": "get_forecast", "arguments": []});
    let malformed = request(&served, "tools/call", Some("get_forecast"), params);
    let malformed = body(malformed.send().await.unwrap()).await;
    assert_eq!(malformed["error"]["code"], -32602, "{malformed}");
    let answered = list(&served).send().await.unwrap();
    assert_eq!(answered.status(), StatusCode::OK);
}

#[derive(Clone, Default)]
struct Quiet;

impl ClientHandler for Quiet {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_kept_when_it_is_told_to_stop() {
    let database = Database::new();
    let token = database.token("Exa", "expansion");
    let served = database.serve(&["--auth"]);
    let mut clients = Vec::new();
    for lifecycle in [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
    ] {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", served.url))
            .auth_header(token.clone());
        let transport = StreamableHttpClientTransport::from_config(config);
        clients.push(
            Quiet
                .serve_with_lifecycle(transport, lifecycle)
                .await
                .unwrap(),
        );
    }
    for (value, client) in [(61_000, &clients[0]), (62_000, &clients[1])] {
        let arguments = json!({"opportunity": "OPP-1184", "estimated_value": value});
        let call = CallToolRequestParams::new("update_opportunity")
            .with_arguments(arguments.as_object().unwrap().clone());
        let answer = client.call_tool(call).await.unwrap();
        assert_eq!(answer.is_error, Some(false));
    }
    #[cfg(unix)]
    {
        let started = std::time::Instant::now();
        assert_eq!(served.stop().code(), Some(0));
        // A session that is open does not keep it.
        assert!(started.elapsed().as_secs() < 9);
    }
    let shown = database.printed(&["call", "get_opportunity", "opportunity=OPP-1184"]);
    assert!(shown.contains("$62,000"), "{shown}");
}

async fn fetch(served: &Served, path: &str) -> Response {
    let got = Client::new().get(format!("{}{path}", served.url)).send();
    got.await.unwrap()
}

#[tokio::test]
async fn what_is_counted_is_what_happened() {
    let served = Served::start(&["--demo"], &[]);
    assert_eq!(fetch(&served, "/healthz").await.status(), StatusCode::OK);
    assert_eq!(fetch(&served, "/readyz").await.status(), StatusCode::OK);
    for _ in 0..3 {
        let answered = call(&served, "get_forecast", json!({}))
            .send()
            .await
            .unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
    }
    let refused = call(&served, "get_forecast", json!({"period": "Q7"}));
    refused.send().await.unwrap();
    let metrics = fetch(&served, "/metrics").await.text().await.unwrap();
    for line in [
        "expansion_pipeline_tool_call_seconds_count{tool=\"get_forecast\"} 4",
        "expansion_pipeline_refusals_total{code=\"period_not_understood\"} 1",
        "expansion_pipeline_requests_total{door=\"mcp\",status=\"200\"} 4",
        "expansion_pipeline_failures_total 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in\n{metrics}"
        );
    }
    let value = |name: &str| -> u64 {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap()
            .split(' ')
            .next_back()
            .unwrap()
            .parse()
            .unwrap()
    };
    // The demo: 34 open opportunities and those closed before.
    assert!(value("expansion_pipeline_opportunities ") > 34);
    assert!(value("expansion_pipeline_log_position ") > 1_000);
}

#[tokio::test]
async fn without_a_database_it_lives_and_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let foreign = folder.path().join("foreign.db");
    std::fs::write(&foreign, "something else").unwrap();
    for (database, said, code) in [
        (
            folder.path().join("none.db"),
            "There is no database yet: import one.",
            "no_database",
        ),
        (
            foreign,
            "The database cannot be read now; the log says why.",
            "not_a_database",
        ),
    ] {
        let served = Served::start(&["--db", database.to_str().unwrap()], &[]);
        assert_eq!(fetch(&served, "/healthz").await.status(), StatusCode::OK);
        let ready = fetch(&served, "/readyz").await;
        assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        let said_to_anybody = body(ready).await;
        assert_eq!(said_to_anybody["code"], "not_ready");
        assert_eq!(said_to_anybody["detail"], said);
        let is_logged = || served.said.lock().unwrap().contains(code);
        for _ in 0..100 {
            if is_logged() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = served.said.lock().unwrap().clone();
        assert!(log.contains(code), "the log does not say why: {log}");
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_try_again() {
    let database = Database::new();
    let (hasty, patient) = (
        database.token("Hasty", "viewer"),
        database.token("Patient", "viewer"),
    );
    let served = database.serve(&["--auth", "--rate-limit", "1"]);
    let mut turned_away = None;
    for _ in 0..20 {
        let response = list(&served).bearer_auth(&hasty).send().await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            turned_away = Some(response);
            break;
        }
    }
    let turned_away = turned_away.expect("twenty at once are too many");
    assert_eq!(turned_away.headers()["retry-after"], "1");
    let error = body(turned_away).await["error"].take();
    assert_eq!(error["code"], -32000);
    assert!(error["data"]["retry_after_ms"].as_u64().unwrap() <= 1_000);
    let other = list(&served).bearer_auth(&patient).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn read_only_is_what_the_connection_sees_to() {
    let database = Database::new();
    let served = database.serve(&["--read-only"]);
    let listed = body(list(&served).send().await.unwrap()).await;
    let listed = listed["result"]["tools"].as_array().unwrap();
    assert!(
        listed
            .iter()
            .all(|tool| tool["annotations"]["readOnlyHint"] == true)
    );
    let before = database.printed(&["log"]);
    let won = json!({"opportunity": "OPP-1184", "stage": "closed_won", "closed_value": "85k"});
    let refused = body(
        call(&served, "update_stage", won.clone())
            .send()
            .await
            .unwrap(),
    )
    .await;
    let fields = &refused["result"]["_meta"]["expansion-pipeline/refusal"];
    assert_eq!(fields["code"], "read_only");
    let mut tried = won.clone();
    tried["dry_run"] = json!(true);
    let tried = body(call(&served, "update_stage", tried).send().await.unwrap()).await;
    assert_eq!(
        tried["result"]["structuredContent"]["dry_run"], true,
        "{tried}"
    );
    let asked = body(
        call(&served, "get_forecast", json!({}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(asked["result"]["isError"], false);
    assert_eq!(database.printed(&["log"]), before);
}

#[tokio::test]
async fn the_demo_may_be_for_reading_only() {
    let served = Served::start(&["--demo"], &["--read-only"]);
    let asked = call(&served, "get_forecast", json!({})).send().await;
    assert_eq!(body(asked.unwrap()).await["result"]["isError"], false);
    let won = json!({"opportunity": "OPP-1184", "stage": "closed_won", "closed_value": "85k"});
    let refused = body(call(&served, "update_stage", won).send().await.unwrap()).await;
    let fields = &refused["result"]["_meta"]["expansion-pipeline/refusal"];
    assert_eq!(fields["code"], "read_only");
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let served = Served::start(&["--demo"], &[]);
    let own = fetch(&served, "/healthz").await.headers()["x-request-id"].clone();
    assert_eq!(own.len(), 36);
    let kept = Client::new()
        .get(format!("{}/healthz", served.url))
        .header("x-request-id", "proxy-17")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.headers()["x-request-id"], "proxy-17");
    let odd = Client::new()
        .get(format!("{}/healthz", served.url))
        .header("x-request-id", "a b\"c")
        .send()
        .await
        .unwrap();
    assert_eq!(odd.headers()["x-request-id"].len(), 36);
}
