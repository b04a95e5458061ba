//! The doors: each renders what the engine answers in the manner of its callers. No sums, no SQL,
//! no code for a single tool, no second copy of a description.

mod arguments;
pub mod cli;
pub mod contracts;
pub mod http;
mod legible;
pub mod mcp;
mod rest;
mod trace;
