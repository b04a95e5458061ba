//! `log.csv`: the whole log of an organisation as text, position by position, with both clocks. An
//! import of it into an empty database makes the same log again, so this file says everything that the
//! others say, and what they cannot: who changed what, when, through which door and why.
//!
//! First come the texts and the long texts with their numbers, then the entries, each with its changes
//! after it, and last a row that says where the log ends, how many entries it has and, by a checksum,
//! what all bytes before it come to, so that what was cut off or changed is noticed.
//! `write` and `read` are each other's inverse; `cells` is how both spell one cell.

mod cells;
mod read;
#[cfg(test)]
mod tests;
mod write;

use sha2::{Digest as _, Sha256};

pub(in crate::files) use self::cells::instant;
pub use self::read::read;
pub use self::write::LogWriter;

/// The name of the file.
pub const NAME: &str = "log.csv";

/// The columns. `subject` is the number of a deal, customer, person, signal, text or note, or the text
/// that a setting, target or forecast goes by; `at` is when a change was true and, of an entry, when it
/// was recorded.
const COLUMNS: [&str; 12] = [
    "position", "what", "subject", "field", "at", "value", "actor", "through", "reason", "role",
    "client", "trace",
];

/// What a row is when it is no change of a subject.
const TEXT: &str = "text";
const NOTE: &str = "note";
const ENTRY: &str = "entry";
const ORIGIN: &str = "origin";
const END: &str = "end";

/// What an origin holds beside the fields that changes have.
const ID: &str = "id";
const KNOWN_AT: &str = "known_at";
const RECORDED: &str = "recorded";
const HISTORY: &str = "history";
const STAGE_ENTERED: &str = "stage_entered";

/// How the last row writes the checksum of all before it.
fn seal(sum: Sha256) -> String {
    let digits: String = sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

/// The seal that belongs to a file: of all before its last line.
fn seal_of(bytes: &[u8]) -> String {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let end = text.iter().rposition(|byte| *byte == b'\n');
    let before = end.and_then(|end| bytes.get(..=end)).unwrap_or_default();
    seal(Sha256::new().chain_update(before))
}
