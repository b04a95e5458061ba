//! What can go wrong when the engine is asked: a refusal the caller can mend, or a failure of ours.

use crate::refusal::{Code, Refusal};
use crate::store;

/// Why the engine did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// The caller's to mend.
    Refused(Refusal),
    /// Ours. It is logged where it is caught, and the caller learns a reference only.
    Ours(anyhow::Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(refusal)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let refuse = |code, message: String, hint: &str| {
            Error::Refused(Refusal::new(code, message).hint(hint))
        };
        match error {
            store::Error::Missing(_) => refuse(
                Code::NoDatabase,
                "There is no database yet.".to_owned(),
                "Import one with `expansion-pipeline import PATH`, or start the server with --demo to try the built-in \
                 demo portfolio.",
            ),
            // Which file it is, who asks a tool need not know; the command line says it.
            store::Error::Foreign(_) => refuse(
                Code::NotADatabase,
                "The file is not a database of this program.".to_owned(),
                "Check --db or EXPANSION_DB; nothing in the file was changed.",
            ),
            store::Error::Newer { found, known } => refuse(
                Code::NewerDatabase,
                format!(
                    "The database has schema version {found}; this program knows up to {known}."
                ),
                "Use a newer version of the program; nothing in the file was changed.",
            ),
            store::Error::Older { found, known } => refuse(
                Code::OlderDatabase,
                format!(
                    "The database has schema version {found}; this program works with {known}, and --read-only keeps it \
                     from bringing the file up to date."
                ),
                "Open it once without --read-only; nothing in the file was changed.",
            ),
            store::Error::Damaged(detail) => refuse(
                Code::DamagedDatabase,
                format!("The database is damaged ({detail})."),
                "Restore it from a backup.",
            ),
            store::Error::ReadOnly(detail) => refuse(
                Code::DatabaseReadOnly,
                format!("The database cannot be written ({detail})."),
                "Check the permissions of the file and its folder; nothing was written.",
            ),
            store::Error::Locked => refuse(
                Code::DatabaseLocked,
                "Another process has held the database for five seconds.".to_owned(),
                "Try again; nothing was written.",
            ),
            store::Error::Full => refuse(
                Code::DiskFull,
                "The disk is full.".to_owned(),
                "Free some space and try again; nothing was written.",
            ),
            store::Error::Other(error) => Error::Ours(error),
        }
    }
}

/// The result of asking the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;
