//! The same question through every door gives the same JSON: MCP over stdio and over HTTP in both
//! protocol revisions, the REST API, and the command line. Refusals, malformed requests and the end of a process are what
//! each door owes its callers. Everything here runs the built program as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use expansion_pipeline::registry::tools;
use rmcp::model::{CallToolRequestParams, CallToolResult, ProtocolVersion};
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Served, fixture, program};

/// One question for each tool. Writes only show what they would do.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "get_pipeline",
        r#"{"include": ["opportunities", "forecast", "metrics"]}"#,
    ),
    ("get_pipeline", r#"{"period": "Q1", "type": "upsell"}"#),
    ("get_forecast", r#"{"period": "Q1"}"#),
    ("get_forecast", r#"{"as_of": "2026-01-15"}"#),
    (
        "get_forecast",
        r#"{"what_if": [{"update_stage": {"where": {"limit": 3}, "stage": "closed_lost", "lost_reason": "budget"}}]}"#,
    ),
    (
        "list_opportunities",
        r#"{"closing": "this quarter", "limit": 5, "include": ["details"]}"#,
    ),
    ("win_rate", r#"{"by": "csm"}"#),
    (
        "update_stage",
        r#"{"opportunity": "Acme Premium Tier", "stage": "closed_won", "closed_value": "85k", "dry_run": true}"#,
    ),
    (
        "create_opportunity",
        r#"{"customer": "Acme Corp", "name": "50 seats", "type": "seat_expansion", "estimated_value": 45000,
            "expected_close": "2026-03-31", "dry_run": true}"#,
    ),
    ("list_opportunities", r#"{"by": "customer"}"#),
    (
        "get_opportunity",
        r#"{"opportunity": "OPP-1159", "include": ["history", "notes", "signals"]}"#,
    ),
    (
        "get_changes",
        r#"{"period": "this month", "window": "Q1", "limit": 2}"#,
    ),
    // get_forecast {"period": "Q1"}, asked at position 1900 of the log.
    (
        "explain",
        r#"{"figure": "weighted", "limit": 3, "basis": "eyJhcmd1bWVudHMiOnsicGVyaW9kIjoiUTEifSwicG9zaXRpb24iOjE5MDAsInRvZGF5IjoiMjAyNi0wMS0yOSIsInRvb2wiOiJnZXRfZm9yZWNhc3QifQ"}"#,
    ),
    (
        "get_analytics",
        r#"{"dimension": "source", "period": "last year", "sort": "-won_value"}"#,
    ),
    (
        "update_opportunity",
        r#"{"opportunity": "OPP-1159", "estimated_value": 90000, "dry_run": true}"#,
    ),
    (
        "set_target",
        r#"{"period": "Q2 2026", "amount": "900k", "dry_run": true}"#,
    ),
];

/// Questions that every door refuses, with their codes.
const REFUSED: [(&str, &str, &str); 2] = [
    (
        "get_forecast",
        r#"{"period": "Q7"}"#,
        "period_not_understood",
    ),
    ("undo_change", r#"{"change": 1}"#, "invalid_argument"),
];

/// How long anything here may take. It is generous because other tests run beside it; what hangs,
/// hangs for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn arguments(json: &str) -> serde_json::Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

#[derive(Clone, Default)]
pub(super) struct Client;

impl ClientHandler for Client {}

pub(super) type Connected = RunningService<RoleClient, Client>;

async fn connect(lifecycle: ClientLifecycleMode) -> Connected {
    let mut command = tokio::process::Command::from(program());
    command.args(["--demo", "serve"]);
    let child = TokioChildProcess::new(command).unwrap();
    Client.serve_with_lifecycle(child, lifecycle).await.unwrap()
}

pub(super) async fn connect_over_http(
    served: &Served,
    lifecycle: ClientLifecycleMode,
) -> Connected {
    let transport = StreamableHttpClientTransport::from_uri(format!("{}/mcp", served.url));
    Client
        .serve_with_lifecycle(transport, lifecycle)
        .await
        .unwrap()
}

pub(super) fn revisions() -> [ClientLifecycleMode; 2] {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover { preferred_versions },
    ]
}

pub(super) async fn ask(
    client: &Connected,
    tool: &'static str,
    json: &str,
) -> Result<CallToolResult, ServiceError> {
    client
        .call_tool(CallToolRequestParams::new(tool).with_arguments(arguments(json)))
        .await
}

/// Runs the program to its end.
fn run(arguments: &[&str]) -> Output {
    program()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn every_tool_is_asked_here() {
    for tool in tools() {
        assert!(
            QUESTIONS.iter().any(|(name, _)| *name == tool.name)
                || REFUSED.iter().any(|(name, ..)| *name == tool.name),
            "{} is not asked",
            tool.name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_gives_the_same_answer() {
    let [initialize, discover] = revisions();
    let served = Served::start(&["--demo"], &[]);
    let clients = [
        connect(initialize.clone()).await,
        connect(discover.clone()).await,
        connect_over_http(&served, initialize).await,
        connect_over_http(&served, discover).await,
    ];
    for (tool, question) in QUESTIONS {
        let printed = run(&[
            "--demo", "call", tool, "--json", question, "--format", "json",
        ]);
        let complaint = String::from_utf8_lossy(&printed.stderr);
        assert!(printed.status.success(), "{tool}: {complaint}");
        let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
        let text = run(&["--demo", "call", tool, "--json", question]);
        let text = String::from_utf8(text.stdout).unwrap();
        let posted = reqwest::Client::new()
            .post(format!("{}/api/tools/{tool}", served.url))
            .json(&arguments(question))
            .send()
            .await
            .unwrap();
        let posted: Value = posted.json().await.unwrap();
        assert_eq!(posted, printed, "{tool} over REST");
        for client in &clients {
            let revision = client
                .peer_info()
                .map(|info| format!("{:?}", info.protocol_version));
            let answer = ask(client, tool, question).await.unwrap();
            assert_eq!(answer.is_error, Some(false), "{tool} {revision:?}");
            assert_eq!(
                answer.structured_content.as_ref(),
                Some(&printed),
                "{tool} {revision:?}"
            );
            let [content] = answer.content.as_slice() else {
                panic!("{tool}: {:?}", answer.content)
            };
            assert_eq!(
                content.as_text().unwrap().text.trim_end(),
                text.trim_end(),
                "{tool} {revision:?}"
            );
        }
    }
    for client in clients {
        client.cancel().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_revision_lists_the_same_tools() {
    for lifecycle in revisions() {
        let client = connect(lifecycle).await;
        let listed = client.list_all_tools().await.unwrap();
        let names: Vec<&str> = listed.iter().map(|tool| &*tool.name).collect();
        let expected: Vec<&str> = tools().iter().map(|tool| tool.name).collect();
        assert_eq!(names, expected);
        for (sent, tool) in listed.iter().zip(tools()) {
            assert_eq!(sent.input_schema, tool.input, "{}", tool.name);
            assert_eq!(
                sent.output_schema.as_ref(),
                Some(&tool.output),
                "{}",
                tool.name
            );
        }
        client.cancel().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_words_for_the_model_and_fields_for_programs() {
    for (tool, question, code) in REFUSED {
        is_refused_everywhere(tool, question, code).await;
    }
}

async fn is_refused_everywhere(tool: &'static str, question: &str, code: &str) {
    let printed = run(&[
        "--demo", "call", tool, "--json", question, "--format", "json",
    ]);
    assert_eq!(printed.status.code(), Some(3));
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout),
        "",
        "a refusal is no answer"
    );
    let words = String::from_utf8(printed.stderr).unwrap();
    for lifecycle in revisions() {
        let client = connect(lifecycle).await;
        let refused = ask(&client, tool, question).await.unwrap();
        assert_eq!(refused.is_error, Some(true));
        // Clients check structured content against the output schema and would lose the words.
        assert_eq!(refused.structured_content, None);
        let [content] = refused.content.as_slice() else {
            panic!("{:?}", refused.content)
        };
        let text = &content.as_text().unwrap().text;
        assert_eq!(text, words.trim_end());
        let meta = serde_json::to_value(refused.meta.as_ref().unwrap()).unwrap();
        let fields = &meta["expansion-pipeline/refusal"];
        assert_eq!(fields["code"], code);
        assert_eq!(fields["kind"], "invalid");
        let sentence = format!(
            "{code}: {} {}",
            fields["message"].as_str().unwrap(),
            fields["hint"].as_str().unwrap()
        );
        assert_eq!(text, &sentence);
        assert!(fields["candidates"].is_array());
        client.cancel().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_tool_is_told_its_neighbour() {
    for lifecycle in revisions() {
        let client = connect(lifecycle).await;
        let Err(ServiceError::McpError(error)) = ask(&client, "get_forcast", "{}").await else {
            panic!("an unknown tool was called");
        };
        assert_eq!(error.code.0, -32602);
        assert!(error.message.contains("get_forecast"), "{}", error.message);
        // The server lives on.
        assert_eq!(
            ask(&client, "get_forecast", "{}").await.unwrap().is_error,
            Some(false)
        );
        client.cancel().await.unwrap();
    }
    let printed = run(&["--demo", "call", "get_forcast"]);
    assert_eq!(printed.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&printed.stderr).contains("get_forecast"));
}

#[test]
fn words_of_the_command_line_are_those_of_json() {
    let json = run(&[
        "--demo",
        "call",
        "get_pipeline",
        "--json",
        r#"{"type": ["upsell", "add_on"], "min_value": 20000}"#,
        "--format",
        "json",
    ]);
    let words = run(&[
        "--demo",
        "call",
        "get_pipeline",
        "type=upsell",
        "type=add_on",
        "min_value=20000",
        "--format",
        "json",
    ]);
    let report = |output: Output| {
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // `ref` repeats the arguments as they were given; all else is the same.
        report["basis"]["ref"].take();
        report
    };
    assert_eq!(report(json), report(words));
    let signal = run(&[
        "--demo",
        "call",
        "create_opportunity",
        "customer=Acme Corp",
        "name=Seats",
        "type=seat_expansion",
        "estimated_value=45k",
        "expected_close=2026-03-31",
        "signal.kind=usage",
        "signal.id=S-9",
        "dry_run=true",
        "--format",
        "json",
    ]);
    assert!(
        signal.status.success(),
        "{}",
        String::from_utf8_lossy(&signal.stderr)
    );
    let signal: Value = serde_json::from_slice(&signal.stdout).unwrap();
    assert_eq!(signal["opportunity"]["estimated_value"], 45_000);
    assert_eq!(signal["opportunity"]["source"], "usage");
}

#[test]
fn usage_errors_are_not_refusals() {
    for arguments in [
        &["--demo", "call", "get_pipeline", "--json", "[]"][..],
        &["--demo", "call", "get_pipeline", "period"],
        &["--demo", "frobnicate"],
        &["--today", "tomorrow", "--demo", "call"],
    ] {
        let ended = run(arguments);
        assert_eq!(
            ended.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
        assert!(ended.stdout.is_empty(), "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn without_a_tool_the_tools_are_listed() {
    let listed = run(&["call"]);
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    for tool in tools() {
        assert!(
            listed.contains(tool.name) && listed.contains(tool.description),
            "{}",
            tool.name
        );
    }
}

/// A server spoken to line by line, as any client of its own making would.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Server {
    fn start(arguments: &[&str]) -> Server {
        let mut command = program();
        let command = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Server {
            child,
            input,
            lines,
        }
    }

    /// A server that has shaken hands in the older revision.
    fn ready(arguments: &[&str]) -> Server {
        let mut server = Server::start(arguments);
        let client = json!({ "name": "test", "version": "1" });
        let hello =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let welcome = server.request(0, "initialize", &hello);
        assert_eq!(welcome["result"]["protocolVersion"], "2025-11-25");
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        server
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn request(&mut self, id: u32, method: &str, params: &Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.answer(id, &format!("{method} {params}"))
    }

    fn answer(&mut self, id: u32, asked: &str) -> Value {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("no answer to {asked}"));
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("not the protocol: {line}"));
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Waits for the process to end: its exit code, `None` when a signal ended it.
    fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the server did not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn malformed_parameters_are_told_apart_from_unknown_methods() {
    let mut server = Server::ready(&["--demo", "serve"]);
    for (id, params) in [
        (1, json!({ "arguments": {} })),
        (2, json!({ "name": "get_forecast", "arguments": [] })),
        (3, json!({ "name": 5 })),
        (5, json!({ "name": "get_forecast", "arguments": "Q1" })),
    ] {
        let answer = server.request(id, "tools/call", &params);
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
    }
    let answer = server.request(6, "tools/frobnicate", &json!({}));
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    // No arguments at all are none, and the server lives on.
    let answer = server.request(7, "tools/call", &json!({ "name": "get_forecast" }));
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

#[test]
fn noise_on_the_wire_ends_nothing() {
    let mut server = Server::ready(&["--demo", "serve"]);
    for noise in [
        "",
        "not json",
        "{}",
        "[]",
        "\"\"",
        "{\"jsonrpc\":\"2.0\"",
        "\u{0}\u{1}",
    ] {
        writeln!(server.input.as_mut().unwrap(), "{noise}").unwrap();
    }
    let answer = server.request(
        9,
        "tools/call",
        &json!({ "name": "get_forecast", "arguments": {} }),
    );
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

#[test]
fn what_is_no_json_is_answered_under_its_id_in_both_revisions() {
    let mut older = Server::ready(&["--demo", "serve"]);
    let mut newer = Server::start(&["--demo", "serve"]);
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let line = |meta: &str, id: u32, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{{meta}"name":"get_forecast","arguments":{arguments}}}}}"#
        )
    };
    for (server, meta) in [
        (&mut older, String::new()),
        (&mut newer, format!("{meta},")),
    ] {
        let deep = format!("{{\"exclude\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let asked = [
            ("{}", 0),
            (r#"{"assume_target":1e400}"#, -32700),
            (r#"{"period":"\ud800"}"#, -32700),
            (r#"{"assume_target":NaN}"#, -32700),
            (deep.as_str(), -32700),
            ("{}", 0),
        ];
        for (id, (arguments, code)) in (1..).zip(asked) {
            let line = line(&meta, id, arguments);
            writeln!(server.input.as_mut().unwrap(), "{line}").unwrap();
            let answer = server.answer(id, &line);
            if code == 0 {
                assert_eq!(answer["result"]["isError"], false, "{answer}");
            } else {
                assert_eq!(answer["error"]["code"], code, "{answer}");
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(message.contains("cannot be read"), "{message}");
            }
        }
    }
}

#[test]
fn tools_are_listed_without_any_data() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.db");
    let mut server = Server::ready(&["--db", missing.to_str().unwrap(), "serve"]);
    let listed = server.request(1, "tools/list", &json!({}));
    assert_eq!(
        listed["result"]["tools"].as_array().unwrap().len(),
        tools().len()
    );
    for (id, tool) in (2..).zip(tools()) {
        let arguments = QUESTIONS
            .iter()
            .find(|(name, _)| *name == tool.name)
            .map(|(_, json)| arguments(json));
        let answer = server.request(
            id,
            "tools/call",
            &json!({ "name": tool.name, "arguments": arguments }),
        );
        let fields = &answer["result"]["_meta"]["expansion-pipeline/refusal"];
        assert_eq!(fields["code"], "no_database", "{}: {answer}", tool.name);
        let hint = fields["hint"].as_str().unwrap();
        assert!(hint.contains("import") && hint.contains("--demo"), "{hint}");
    }
    assert!(!missing.exists(), "asking makes no database");
}

#[test]
fn a_database_that_comes_later_is_found() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("pipeline.db");
    let database = database.to_str().unwrap();
    let mut server = Server::ready(&["--today", "2026-01-29", "--db", database, "serve"]);
    let before = server.request(1, "tools/call", &json!({ "name": "get_pipeline" }));
    assert_eq!(before["result"]["isError"], true, "{before}");
    let imported = run(&[
        "--today",
        "2026-01-29",
        "--db",
        database,
        "import",
        fixture("small/pipeline").to_str().unwrap(),
    ]);
    assert!(
        imported.status.success(),
        "{}",
        String::from_utf8_lossy(&imported.stderr)
    );
    let after = server.request(2, "tools/call", &json!({ "name": "get_pipeline" }));
    assert_eq!(
        after["result"]["structuredContent"]["summary"]["total_opportunities"], 10,
        "{after}"
    );
}

#[test]
fn the_end_of_input_ends_the_server() {
    let mut silent = Server::start(&["--demo", "serve"]);
    silent.input.take();
    assert_eq!(silent.ended(), Some(0), "before a word was said");
    let mut server = Server::ready(&["--demo", "serve"]);
    server.input.take();
    assert_eq!(server.ended(), Some(0), "after a handshake");
    let mut asked = Server::ready(&["--demo", "serve"]);
    let question = json!({ "name": "get_forecast", "arguments": {} });
    asked.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": question }));
    asked.input.take();
    assert_eq!(asked.ended(), Some(0), "with a question under way");
    let answer: Value = serde_json::from_str(&asked.lines.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!(
        answer["result"]["isError"], false,
        "what was asked before the end is answered"
    );
}

#[cfg(unix)]
#[test]
fn a_request_to_stop_ends_the_server() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::ready(&["--demo", "serve"]);
        let killed = std::process::Command::new("kill")
            .args([signal, &server.child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        assert_eq!(server.ended(), Some(0), "{signal}");
    }
}

#[test]
fn nothing_but_the_protocol_is_written_to_the_output() {
    let mut child = program()
        .args(["--demo", "serve"])
        .env("EXPANSION_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let mut written = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut written)
        .unwrap();
    child.wait().unwrap();
    assert_eq!(written, "");
}
