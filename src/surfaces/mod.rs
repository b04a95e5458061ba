//! The doors: each renders what the engine answers in the manner of its callers. No sums, no SQL,
//! no code for a single tool, no second copy of a description.

mod arguments;
pub mod cli;
pub mod contracts;
pub mod http;
mod legible;
pub mod mcp;
mod problem;
mod rest;
pub mod telemetry;
mod trace;

/// Runs what waits for disks and locks on a thread that may; what it logs belongs to the request.
async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await
}
