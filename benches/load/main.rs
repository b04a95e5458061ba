//! The program under load over HTTP, with 10 k opportunities.
//!
//! `cargo bench --bench load` asks `get_pipeline` over 1, 16 and 256 connections, beside a bare echo
//! tool on the same stack in the same run. `cargo bench --bench load -- soak 600` lets writers, readers
//! and subscribers work through two processes on one file for so many seconds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark is a program for developers: it prints, and stops at the first surprise"
)]

mod client;
mod echo;
#[path = "../portfolio/generate.rs"]
#[allow(dead_code, reason = "the other benchmark asks it more")]
mod generate;
mod server;
mod soak;
mod throughput;

use std::time::Duration;

/// Opportunities in the portfolio.
const SIZE: u32 = 10_000;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // What the throughput is measured against, in a process of its own.
        ["echo", ..] => echo::serve().await,
        ["soak", rest @ ..] => {
            let seconds = rest.first().and_then(|word| word.parse().ok());
            soak::soak(Duration::from_secs(seconds.unwrap_or(600))).await;
        }
        _ => throughput::measure().await,
    }
}
