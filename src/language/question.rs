//! A question as it was asked: what the `ref` of an answer holds, and from which it can be asked again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::change::Position;
use crate::refusal::{Code, Refusal, Result};

/// The argument that asks how things stood.
pub const AS_OF: &str = "as_of";
/// The argument that asks from what was on record by then only.
pub const KNOWN_AT: &str = "known_at";
/// The arguments that ask for the past.
pub const PAST: [&str; 2] = [AS_OF, KNOWN_AT];

/// A report with its arguments, the day it was asked on and how far the log had come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The arguments as they were given, `as_of` and `known_at` among them.
    pub arguments: Map<String, Value>,
    /// The last position of the log that was read.
    pub position: Position,
    /// The business date it was asked on.
    pub today: NaiveDate,
    /// The tool's name.
    pub tool: String,
}

impl Question {
    /// The text that stands for it.
    pub fn written(&self) -> String {
        // A map with text keys always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads what asks again: such a text, or the question itself as JSON from one who saw only the text of
    /// the answer; its arguments, position and day may then be left out and are those of now.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] when it is neither.
    pub fn read(basis: &str, today: NaiveDate, position: Position) -> Result<Question> {
        let bytes = URL_SAFE_NO_PAD.decode(basis.trim()).ok();
        if let Some(question) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(question);
        }
        let told = serde_json::from_str(basis).ok();
        let told: Told = told.ok_or_else(|| {
            Refusal::new(Code::InvalidArgument, "'basis' is no ref of an answer.").hint(
                "Give basis.ref of an earlier answer, whole and unchanged; or its tool, arguments and position, \
                 as {\"tool\": \"get_forecast\", \"arguments\": {\"period\": \"Q1\"}, \"position\": 120}.",
            )
        })?;
        if let Some(later) = told.today.filter(|told| *told > today) {
            let message = format!("'basis' was asked on {later}, and today is {today}.");
            return Err(Refusal::new(Code::InvalidArgument, message)
                .hint("Leave its today out, or give the day on which it was asked."));
        }
        Ok(Question {
            tool: told.tool,
            arguments: told.arguments,
            position: told.position.unwrap_or(position),
            today: told.today.unwrap_or(today),
        })
    }
}

/// A question as someone tells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    position: Option<Position>,
    today: Option<NaiveDate>,
}
