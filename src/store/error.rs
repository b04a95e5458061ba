//! What can be wrong with a database, told apart by what its user can do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store could not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// There is no file.
    Missing(PathBuf),
    /// The file is something else.
    Foreign(PathBuf),
    /// The file was written by a newer version of this program.
    Newer {
        /// Its schema version.
        found: i64,
        /// The newest one this version knows.
        known: i64,
    },
    /// The file was written by an older version, and is not to be brought up to date.
    Older {
        /// Its schema version.
        found: i64,
        /// That of this version.
        known: i64,
    },
    /// The file is damaged.
    Damaged(String),
    /// The file or its folder cannot be written.
    ReadOnly(String),
    /// Another process held the file for too long.
    Locked,
    /// The disk is full.
    Full,
    /// Anything else: ours to mend.
    Other(anyhow::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked,
            Some(ErrorCode::DiskFull) => Error::Full,
            // A write that the system stops (a quota, a file size limit) ends as an I/O error on write.
            Some(ErrorCode::SystemIoFailure)
                if error
                    .sqlite_error()
                    .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE) =>
            {
                Error::Full
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Error::ReadOnly(text)
            }
            Some(ErrorCode::DatabaseCorrupt) => Error::Damaged(text),
            Some(ErrorCode::NotADatabase) => Error::Foreign(PathBuf::new()),
            // What is asked never changes, so it is the file that does not hold what it was made with.
            Some(ErrorCode::ConstraintViolation) => Error::Damaged(text),
            _ if is_not_as_made(&error, &text) => Error::Damaged(text),
            _ => Error::Other(anyhow::Error::new(error)),
        }
    }
}

/// Whether a table or a column is missing, or a value is not of the kind that its column was made for.
fn is_not_as_made(error: &rusqlite::Error, text: &str) -> bool {
    let is_missing = ["no such table", "no such column", "has no column"];
    is_missing.iter().any(|missing| text.contains(missing))
        || matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        )
}

/// The result of asking the store.
pub type Result<T> = std::result::Result<T, Error>;
