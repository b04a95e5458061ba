//! The expansion pipeline, asked and changed by typed tools.
//!
//! *The store keeps, the reports compute, the actions plan, the engine answers, the surfaces speak.*

pub mod actions;
pub mod asking;
pub mod domain;
pub mod engine;
pub mod files;
pub mod language;
pub mod refusal;
pub mod registry;
pub mod reports;
pub mod store;
pub mod surfaces;
