//! The program: parses its arguments, says how it fares, and opens one surface.

use std::process::ExitCode;

use clap::Parser as _;
use expansion_pipeline::surfaces::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
