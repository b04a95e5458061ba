//! What the official MCP conformance suite presupposes (`test_simple_text`, `test://static-text` …), in
//! front of the server that is shipped, over the same HTTP stack. `.ci/conformance` starts it and runs
//! the suite: `cargo run --example conformance -- 127.0.0.1:0`
//!
//! What it answers stands in `fixtures.json`, how it asks back in `asking.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(
    deprecated,
    reason = "sampling, roots, logging and what else the older revision has"
)]

mod asking;
mod fixtures;

use std::sync::Arc;

use expansion_pipeline::engine::{Config, Engine, Role};
use expansion_pipeline::surfaces::http::{self, Bounds, Listening};
use expansion_pipeline::surfaces::mcp::Server;

use self::fixtures::WithFixtures;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    // The demo portfolio.
    let engine = Arc::new(Engine::new(Config {
        database: None,
        organisation: "default".to_owned(),
        today: None,
        read_only: false,
    }));
    let listening = Listening {
        address,
        public_url: None,
        origins: Vec::new(),
        needs_token: false,
        rate_limit: None,
        trusted: None,
        actor: None,
        role: Role::Admin,
        bounds: Bounds::default(),
    };
    let server = Server::new(Arc::clone(&engine), None, Role::Admin);
    let server = move || WithFixtures::new(server.for_session());
    http::serve_with(engine, listening, server, std::future::pending()).await
}
