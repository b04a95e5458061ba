//! The program: parses its arguments, says how it fares, and opens one surface.

use std::process::ExitCode;

use clap::Parser as _;
use expansion_pipeline::surfaces::cli::{self, Cli};
use mimalloc::MiMalloc;

/// Answers are many small values, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
