//! `log.csv`: the whole log of an organisation as text, position by position, with both clocks. An
//! import of it into an empty database makes the same log again, so this file says everything that the
//! others say, and what they cannot: who changed what, when, through which door and why.
//!
//! First come the texts and the long texts with their numbers, then the entries, each with its changes
//! after it, and last a row that says where the log ends and how many entries it has, so that what was
//! cut off is noticed.
//! `write` and `read` are each other's inverse; `cells` is how both spell one cell.

mod cells;
mod read;
#[cfg(test)]
mod tests;
mod write;

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
