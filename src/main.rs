//! The program: parses its arguments, logs to standard error, and opens one surface.

use std::process::ExitCode;

use clap::Parser as _;
use expansion_pipeline::surfaces::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("EXPANSION_LOG")
        .unwrap_or_else(|_| "warn,rmcp=error".into());
    let is_json = std::env::var("EXPANSION_LOG_FORMAT").is_ok_and(|format| format == "json");
    // Standard output belongs to the protocol, and a client may close standard error at any time.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    match is_json {
        true => log.json().init(),
        false => log.init(),
    }
    cli::run(cli)
}
