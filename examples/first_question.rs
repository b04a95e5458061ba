//! "What's our forecast for Q1?", asked the way an agent asks it: an MCP client that starts the
//! server, shakes hands, lists the tools and calls one. `cargo run --example first_question`
//!
//! The server answers from its built-in demo portfolio. Leave `--demo` out to ask about your own.

#![expect(clippy::print_stdout, reason = "an example shows what it gets")]

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ContentBlock, Implementation,
    ProtocolVersion,
};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientLifecycleMode, ClientServiceExt as _};
use serde_json::json;
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut server = Command::new(server()?);
    server.args(["--demo", "serve"]);
    let server = TokioChildProcess::new(server).context("the server did not start")?;

    // What a client says of itself: its name stands in the audit trail of whatever it changes.
    let me = Implementation::new("first-question", env!("CARGO_PKG_VERSION"));
    let client = ClientConfig::new(ClientCapabilities::default(), me);

    // Revision 2026-07-28 opens with `server/discover`. The server speaks 2025-11-25 as well, to
    // clients that open with `ClientLifecycleMode::Initialize`.
    let handshake = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let client = client.serve_with_lifecycle(server, handshake).await?;
    let peer = client.peer_info().context("the server said nothing")?;
    let server = peer.server_info.as_ref().context("it gave no name")?;
    let (name, version, revision) = (&server.name, &server.version, &peer.protocol_version);
    println!("Connected to {name} {version}, MCP {revision}.");

    let tools = client.list_all_tools().await?;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    println!("Tools: {}.", names.join(", "));

    // One call and no arithmetic: the period is said as people say it.
    let arguments = serde_json::from_value(json!({ "period": "Q1" }))?;
    let question = CallToolRequestParams::new("get_forecast").with_arguments(arguments);
    let answer = client.call_tool(question).await?;
    ensure!(answer.is_error != Some(true), "refused: {answer:?}");

    // A short text for the model; for programs `answer.structured_content` has every figure, as the
    // tool's output schema says.
    println!("\nWhat's our forecast for Q1?\n");
    for text in answer.content.iter().filter_map(ContentBlock::as_text) {
        println!("{}", text.text);
    }
    client.cancel().await?;
    Ok(())
}

/// The server, built from this checkout. An installed one is found by its name alone.
fn server() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    // Naming this example too lets the server share the dependencies already built for it.
    let built = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--profile", profile])
        .args(["--bin", "expansion-pipeline", "--example", "first_question"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cargo did not start")?;
    ensure!(built.success(), "the server did not build");
    let mut server = env::current_exe()?;
    server.pop();
    server.set_file_name(format!("expansion-pipeline{}", env::consts::EXE_SUFFIX));
    Ok(server)
}
