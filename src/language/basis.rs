//! What an answer rests on, in words: the day, the period, the filters as understood, the
//! definitions used, what was read, and a self-contained reference from which it can be asked again.
//! Fields carry plain comments: a doc comment would go into every tool's output schema, and cost context.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::period::Period;

/// The version of the definitions the figures follow.
pub const DEFINITIONS_VERSION: &str = "1";

/// A period as an answer names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PeriodShown {
    // Its name.
    pub(crate) label: String,
    // First day.
    pub(crate) start: String,
    // Last day, included.
    pub(crate) end: String,
}

impl From<&Period> for PeriodShown {
    fn from(period: &Period) -> Self {
        PeriodShown {
            label: period.label.clone(),
            start: period.start.to_string(),
            end: period.end.to_string(),
        }
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Basis {
    // Today, or the day of as_of.
    pub(crate) today: String,
    // When the past was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<String>,
    // When only what was on record by then was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) known_at: Option<String>,
    // Period taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) period: Option<PeriodShown>,
    // Filters as understood.
    pub(crate) filters: Vec<String>,
    // Definitions used, with their version.
    pub(crate) definitions: Vec<String>,
    // Deals read.
    pub(crate) deals_read: u64,
    // Log position.
    pub(crate) position: u32,
    // ISO 4217.
    pub(crate) currency: String,
    // What was assumed or left out.
    pub(crate) assumptions: Vec<String>,
    // Asks the same again.
    #[serde(rename = "ref")]
    pub(crate) reference: String,
}

/// Something a reader should know before using the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    // Stable kind.
    pub(crate) kind: &'static str,
    // One sentence.
    pub(crate) message: String,
}

impl Warning {
    /// A warning of a kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Warning {
            kind,
            message: message.into(),
        }
    }
}

/// "29 Jan 2026", for a sentence.
pub fn spoken(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}
