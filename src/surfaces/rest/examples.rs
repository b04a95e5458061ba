//! Examples of requests for the document, which the page fills in. They are of the demo portfolio, and
//! those that change something change nothing as long as `dry_run` stays.

use serde_json::{Map, Value};

/// The id of an opportunity.
pub const ID: &str = "OPP-1184";

/// The arguments of a tool: (tool, arguments). A position of the log cannot be guessed, so what names
/// one has no example.
const EXAMPLES: [(&str, &str); 11] = [
    ("get_pipeline", r#"{"period": "Q1", "type": "upsell"}"#),
    ("get_forecast", r#"{"period": "Q1"}"#),
    (
        "list_opportunities",
        r#"{"closing": "this quarter", "sort": "-value", "limit": 5}"#,
    ),
    ("win_rate", r#"{"by": "csm"}"#),
    (
        "get_opportunity",
        r#"{"opportunity": "OPP-1184", "include": ["history"]}"#,
    ),
    ("get_changes", r#"{"period": "this month"}"#),
    (
        "get_analytics",
        r#"{"dimension": "source", "period": "last year"}"#,
    ),
    (
        "update_stage",
        r#"{"opportunity": "OPP-1184", "stage": "proposal", "dry_run": true}"#,
    ),
    (
        "create_opportunity",
        r#"{"customer": "Acme Corp", "name": "50 seats", "type": "seat_expansion", "estimated_value": 45000, "expected_close": "2026-03-31", "dry_run": true}"#,
    ),
    (
        "update_opportunity",
        r#"{"opportunity": "OPP-1184", "estimated_value": 61000, "dry_run": true}"#,
    ),
    (
        "set_target",
        r#"{"period": "Q2 2026", "amount": 900000, "dry_run": true}"#,
    ),
];

/// An example of a tool's arguments, without the one that stands in the path.
pub fn of(tool: &str, in_path: Option<&str>) -> Option<Map<String, Value>> {
    let (_, text) = EXAMPLES.iter().find(|(name, _)| *name == tool)?;
    let mut arguments: Map<String, Value> = serde_json::from_str(text).ok()?;
    if let Some(name) = in_path {
        arguments.remove(name);
    }
    Some(arguments)
}
