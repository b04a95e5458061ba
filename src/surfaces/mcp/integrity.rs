//! The label that says whether a result holds text of people or other systems, for clients that keep
//! such text from steering what they do. Its key and words are those of GitHub's MCP server, which
//! agent frameworks read already.

use rmcp::model::MetaObject;
use serde_json::{Map, json};

/// Where the label stands in `_meta`.
const LABEL: &str = "ifc";

/// The label of an answer about the portfolio.
pub(super) fn of_answer(is_untrusted: bool) -> MetaObject {
    label(is_untrusted, "private")
}

/// The label of what is built into the program.
pub(super) fn of_document() -> MetaObject {
    label(false, "public")
}

fn label(is_untrusted: bool, confidentiality: &str) -> MetaObject {
    let integrity = if is_untrusted { "untrusted" } else { "trusted" };
    let label = json!({ "integrity": integrity, "confidentiality": confidentiality });
    MetaObject::from(Map::from_iter([(LABEL.to_owned(), label)]))
}
