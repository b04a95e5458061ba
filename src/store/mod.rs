//! The only SQL. Opens and checks a database file, reads the log, appends to it. It knows rows and
//! transactions; what they mean is `domain`'s, and when to write is the engine's.

mod access;
mod audit;
mod backup;
mod connecting;
mod error;
mod loading;
mod reading;
mod rows;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::domain::change::{Batch, Position};
use crate::domain::log::Row;
use crate::domain::texts::Texts;

pub use access::Token;
pub use audit::{StageSum, file, organisations};
pub use backup::Original;
pub use connecting::check_current;
use connecting::{MIGRATIONS, connect, prepare};
pub use error::{Error, Result};
pub use reading::Reading;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// In memory, forgotten at the end.
    Memory,
}

/// Where the log of an organisation ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// The last position.
    pub position: Position,
    /// How many texts there are.
    pub texts: u32,
    /// How many notes there are.
    pub notes: u32,
    /// How many entries there are.
    pub entries: i64,
}

/// One connection to a database, for one organisation of it.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    org: i64,
    /// The file, when it is one.
    path: Option<PathBuf>,
}

impl Store {
    /// Opens a database that exists, for an organisation of which something was ever written; `Ok(None)`
    /// when there is none. An import that failed may leave an empty one behind.
    pub fn open(path: &Path, organisation: &str) -> Result<Option<Store>> {
        let Some(store) = Store::open_even_empty(path, organisation)? else {
            return Ok(None);
        };
        if store.head()?.position > 0 {
            return Ok(Some(store));
        }
        if store.has_rows()? {
            let lost = "the log should end at position 0, but goes on";
            return Err(Error::Damaged(lost.to_owned()));
        }
        Ok(None)
    }

    /// The same for an organisation that may be about to be written for the first time.
    pub fn open_even_empty(path: &Path, organisation: &str) -> Result<Option<Store>> {
        // An empty file is none yet: only an import makes a database of it.
        if std::fs::metadata(path).map_or(true, |file| file.is_file() && file.len() == 0) {
            return Err(Error::Missing(path.to_owned()));
        }
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let org = org_of(&connection, organisation)?;
        Ok(org.map(|org| Store {
            connection,
            org,
            path: Some(path.to_owned()),
        }))
    }

    /// Opens a database, making the file and the organisation when they are missing.
    pub fn create(location: &Location, organisation: &str) -> Result<Store> {
        let connection = match location {
            Location::Memory => prepare(Connection::open_in_memory()?, Path::new(""), true)?,
            Location::File(path) => {
                if let Some(folder) = path.parent()
                    && !folder.as_os_str().is_empty()
                {
                    std::fs::create_dir_all(folder).map_err(|error| {
                        Error::ReadOnly(format!("{}: {error}", folder.display()))
                    })?;
                }
                connect(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
                )?
            }
        };
        let path = match location {
            Location::File(path) => Some(path.clone()),
            Location::Memory => None,
        };
        if let Some(org) = org_of(&connection, organisation)? {
            return Ok(Store {
                connection,
                org,
                path,
            });
        }
        begin(&connection)?;
        let org = connection.query_row(
            "INSERT INTO organisation (org, name) SELECT coalesce(max(org), 0) + 1, ?1 \
             FROM (SELECT org FROM organisation UNION ALL SELECT org FROM head) WHERE true ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING org",
            [organisation],
            |row| row.get(0),
        )?;
        connection.execute(
            "INSERT INTO head (org, position, texts, notes) VALUES (?1, 0, 0, 0) ON CONFLICT (org) DO NOTHING",
            [org],
        )?;
        connection.execute_batch("COMMIT")?;
        Ok(Store {
            connection,
            org,
            path,
        })
    }

    /// Has this connection refuse to write from now on.
    pub fn read_only(&self) -> Result<()> {
        Ok(self.connection.execute_batch("PRAGMA query_only = ON")?)
    }

    fn has_rows(&self) -> Result<bool> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM origin WHERE org = ?1) OR EXISTS (SELECT 1 FROM change WHERE org = ?1)",
            [self.org],
            |row| row.get(0),
        )?)
    }

    /// The names of the organisations in the file.
    pub fn organisations(path: &Path) -> Result<Vec<String>> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let is_nameless: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM head WHERE org NOT IN (SELECT org FROM organisation))",
            [],
            |row| row.get(0),
        )?;
        if is_nameless {
            return Err(Error::Damaged(
                "an organisation has lost its name".to_owned(),
            ));
        }
        let mut statement = connection.prepare(
            "SELECT name FROM organisation JOIN head USING (org) WHERE position > 0 ORDER BY name",
        )?;
        let names = statement
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(names)
    }

    /// A number that moves when another connection has written: cheap to ask before every answer.
    pub fn data_version(&self) -> Result<i64> {
        Ok(self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?)
    }

    /// Where the log ends now.
    pub fn head(&self) -> Result<Head> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT position, texts, notes, entries FROM head WHERE org = ?1")?;
        let head = statement.query_row([self.org], |row| {
            Ok(Head {
                position: row.get(0)?,
                texts: row.get(1)?,
                notes: row.get(2)?,
                entries: row.get(3)?,
            })
        });
        head.optional()?
            .ok_or_else(|| Error::Damaged("the head of the log is missing".to_owned()))
    }

    /// Begins a write: no other process writes until it is committed or rolled back.
    pub fn begin(&self) -> Result<()> {
        begin(&self.connection)
    }

    /// Does one command of a write under a savepoint: when it fails, nothing of it stays, and the
    /// other commands of the same write do.
    pub fn savepoint<T, E: From<Error>>(
        &self,
        command: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        // A full disk rolls everything back by itself. A savepoint would then begin another write.
        if self.connection.is_autocommit() {
            let lost = "an earlier command of the same write has had it rolled back";
            return Err(Error::Other(anyhow::anyhow!(lost)).into());
        }
        self.connection
            .execute_batch("SAVEPOINT command")
            .map_err(Error::from)?;
        match command() {
            Ok(done) => {
                self.connection
                    .execute_batch("RELEASE command")
                    .map_err(Error::from)?;
                Ok(done)
            }
            Err(error) => {
                // When everything has been rolled back already, there is no savepoint left.
                let _ = self
                    .connection
                    .execute_batch("ROLLBACK TO command; RELEASE command");
                Err(error)
            }
        }
    }

    /// Appends a batch within a write.
    pub fn append(&self, batch: &Batch) -> Result<()> {
        rows::append(&self.connection, self.org, batch).and_then(|()| self.advance(batch))
    }

    fn advance(&self, batch: &Batch) -> Result<()> {
        let notes = batch.notes.len() as i64;
        self.connection
            .prepare_cached(
                "UPDATE head SET position = position + ?2, texts = texts + ?3, notes = notes + ?4 WHERE org = ?1",
            )?
            .execute(params![
                self.org,
                batch.len() as i64,
                batch.texts.len() as i64,
                notes,
            ])?;
        Ok(())
    }

    /// Commits the write: when this returns, it survives a power cut.
    pub fn commit(&self) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Gives the write up.
    pub fn rollback(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// All texts of the organisation, in the order of their numbers.
    pub fn texts(&self, head: &Head) -> Result<Texts> {
        texts(&self.connection, self.org, head.texts)
    }

    /// A long text by its number.
    pub fn note(&self, number: u32) -> Result<Option<String>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT text FROM note WHERE org = ?1 AND number = ?2")?;
        Ok(statement
            .query_row(params![self.org, number], |row| row.get(0))
            .optional()?)
    }

    /// Hands over the log after one position up to another in its order, each entry before its changes,
    /// until `take` has had enough. The log only grows, so up to a position it is the same for ever.
    pub fn log<E: From<Error>>(
        &self,
        after: Position,
        up_to: Position,
        take: impl FnMut(Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        rows::log(&self.connection, self.org, (after, up_to), take)
    }

    /// What was answered to the request that carried this idempotency key: its hash and the answer.
    pub fn request(&self, key: &str) -> Result<Option<(String, String)>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT hash, answer FROM request WHERE org = ?1 AND key = ?2")?;
        Ok(statement
            .query_row(params![self.org, key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// Keeps the answer to a request that carried an idempotency key, within its write.
    pub fn keep_request(&self, key: &str, hash: &str, answer: &str) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO request (org, key, hash, answer) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.org, key, hash, answer])?;
        Ok(())
    }
}

fn texts(connection: &Connection, org: i64, count: u32) -> Result<Texts> {
    let mut texts = Texts::default();
    rows::texts(connection, org, 0, count, |text| {
        texts.push(text);
    })?;
    Ok(texts)
}

fn org_of(connection: &Connection, name: &str) -> Result<Option<i64>> {
    Ok(connection
        .query_row(
            "SELECT org FROM organisation WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .optional()?)
}

fn begin(connection: &Connection) -> Result<()> {
    Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_in_a_write_that_was_rolled_back_is_not_written_by_itself() {
        let store = Store::create(&Location::Memory, "one").unwrap();
        store.begin().unwrap();
        let keep = |key: &str| store.savepoint(|| store.keep_request(key, "", ""));
        keep("before").unwrap();
        // As a full disk does.
        let failed = store.savepoint(|| {
            store.rollback();
            Err::<(), _>(Error::Full)
        });
        assert!(matches!(failed, Err(Error::Full)));
        assert!(keep("after").is_err());
        assert!(store.commit().is_err());
        for key in ["before", "after"] {
            assert_eq!(store.request(key).unwrap(), None, "{key}");
        }
    }
}
