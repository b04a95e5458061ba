//! One test binary, one module for each promise. What the modules share is in
//! `support`; fixtures are inputs, and expectations are found here and in `tests/answers` only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod analytics;
mod answers;
mod bounds;
mod contracts;
mod elicitation;
mod explained;
mod generate;
mod hostile;
mod house;
mod http;
mod imports;
mod laws;
mod money;
mod offers;
mod oidc;
mod operations;
mod oracles;
mod processes;
mod raw_logs;
mod replay;
mod rest;
mod round_trip;
#[allow(dead_code, reason = "not every module uses all of it")]
mod support;
mod surfaces;
mod traces;
mod turned_down;
mod waterfalls;
mod what_if;
