//! The only SQL. Opens and checks a database file, reads the log, appends to it. It knows rows and
//! transactions; what they mean is `domain`'s, and when to write is the engine's.

mod audit;
mod backup;
mod error;
mod rows;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::domain::change::{Batch, Position};
use crate::domain::log::Row;
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::Texts;

pub use audit::{StageSum, file};
pub use backup::backup;
pub use error::{Error, Result};

/// How every SQLite database begins.
const SIGNATURE: &[u8] = b"SQLite format 3\0";
/// "EXPP": says that a file is ours.
const APPLICATION_ID: i64 = 0x4558_5050;
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_log.sql")];
/// Below this SQLite may corrupt a WAL file that two processes write (the WAL-reset bug).
const OLDEST_SQLITE: i32 = 3_051_003;

/// With more texts than this, a second connection reads them.
const MANY_TEXTS: u32 = 20_000;

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
        let store = Store::open_even_empty(path, organisation)?;
        match store {
            Some(store) if store.head()?.position > 0 => Ok(Some(store)),
            _ => Ok(None),
        }
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
            "INSERT INTO organisation (org, name) SELECT coalesce(max(org), 0) + 1, ?1 FROM organisation WHERE true \
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING org",
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

    /// The names of the organisations in the file.
    pub fn organisations(path: &Path) -> Result<Vec<String>> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
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
            .prepare_cached("SELECT position, texts, notes FROM head WHERE org = ?1")?;
        Ok(statement.query_row([self.org], |row| {
            Ok(Head {
                position: row.get(0)?,
                texts: row.get(1)?,
                notes: row.get(2)?,
            })
        })?)
    }

    /// Brings a portfolio to the head of the log; says whether there was anything new. The log only
    /// grows, so rows up to the head read first are all there, whoever writes meanwhile.
    pub fn bring_to_head(&self, portfolio: &mut Portfolio) -> Result<bool> {
        let head = self.head()?;
        let (after, deals, first_text) = (
            portfolio.position(),
            portfolio.len(),
            portfolio.texts().len(),
        );
        if head.position <= after {
            return Ok(false);
        }
        let mut absorbing = portfolio.absorbing();
        absorbing.notes(head.notes);
        let org = self.org;
        let whole = self
            .path
            .as_deref()
            .filter(|_| first_text == 0 && head.texts > MANY_TEXTS);
        std::thread::scope(|scope| {
            // A whole portfolio is read through two connections at once: texts, and what refers to them.
            let reading = whole.map(|path| scope.spawn(move || all_texts(path, org, head.texts)));
            if reading.is_none() {
                rows::texts(&self.connection, self.org, first_text, head.texts, |text| {
                    absorbing.text(text)
                })?;
            }
            rows::entries(&self.connection, self.org, after, head.position, |entry| {
                absorbing.entry(entry)
            })?;
            rows::origins(&self.connection, self.org, deals, head.position, |origin| {
                absorbing.origin(origin)
            })?;
            rows::changes(&self.connection, self.org, after, head.position, |change| {
                absorbing.change(change)
            })?;
            if let Some(reading) = reading {
                let texts = reading
                    .join()
                    .map_err(|_| Error::Other(anyhow::anyhow!("reading the texts panicked")))?;
                absorbing.texts(texts?);
            }
            absorbing.finish();
            Ok::<_, Error>(())
        })?;
        if portfolio.position() != head.position {
            let (has, ends) = (portfolio.position(), head.position);
            return Err(Error::Damaged(format!(
                "the log ends at {ends}, but only {has} of its changes are there"
            )));
        }
        Ok(true)
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
                // A full disk has rolled everything back already; then there is no savepoint left.
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
            .execute(params![self.org, batch.len() as i64, batch.texts.len() as i64, notes])?;
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

/// All texts of an organisation, read through a connection of their own.
fn all_texts(path: &Path, org: i64, count: u32) -> Result<Texts> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut texts = Texts::default();
    rows::texts(&connection, org, 0, count, |text| {
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

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    if path.is_dir() {
        return Err(Error::Foreign(path.to_owned()));
    }
    // SQLite takes a file of a few bytes for an empty one, and would write over it.
    if std::fs::File::open(path).is_ok_and(starts_otherwise) {
        return Err(Error::Foreign(path.to_owned()));
    }
    let is_to_be_made = flags.contains(OpenFlags::SQLITE_OPEN_CREATE);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(connection, path, is_to_be_made)
}

/// Whether a file holds something, and that is not how an SQLite database begins.
fn starts_otherwise(file: std::fs::File) -> bool {
    let mut start = Vec::new();
    let read = file.take(SIGNATURE.len() as u64).read_to_end(&mut start);
    read.is_ok_and(|length| length > 0) && start != SIGNATURE
}

/// Checks that the file is ours and of a version we know, and sets the connection up. Of a file that
/// holds nothing a database is made only when that is asked for.
fn prepare(mut connection: Connection, path: &Path, is_to_be_made: bool) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Other(anyhow::anyhow!(
            "SQLite {} is too old to share a file safely",
            rusqlite::version()
        )));
    }
    connection.busy_handler(Some(wait_for_lock))?;
    let foreign = |_: rusqlite::Error| Error::Foreign(path.to_owned());
    let pragma = |name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
    };
    let application = pragma("application_id").map_err(|error| match Error::from(error) {
        Error::Foreign(_) => Error::Foreign(path.to_owned()),
        other => other,
    })?;
    let version = pragma("user_version")?;
    let tables = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })
        .map_err(foreign)?;
    if application != APPLICATION_ID && (tables > 0 || application != 0 || version != 0) {
        return Err(Error::Foreign(path.to_owned()));
    }
    if application == 0 && !is_to_be_made {
        return Err(Error::Missing(path.to_owned()));
    }
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(Error::Newer {
            found: version,
            known,
        });
    }
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF; \
         PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;",
    )?;
    if version < known {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        migrate(&connection)?;
    }
    Ok(connection)
}

/// Brings the schema up to date in one transaction, so a crash leaves the old one.
fn migrate(connection: &Connection) -> Result<()> {
    begin(connection)?;
    // Another process may have done it while we waited for the lock.
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (number, migration) in (1_i64..)
        .zip(MIGRATIONS)
        .filter(|(number, _)| *number > version)
    {
        connection.execute_batch(migration)?;
        connection.execute_batch(&format!("PRAGMA user_version = {number}"))?;
    }
    connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    Ok(connection.execute_batch("COMMIT")?)
}

/// Waits for another process's lock: short even sleeps, five seconds in all. SQLite's own handler
/// backs off unevenly, and a waiter behind busy writers may starve for longer than its timeout.
fn wait_for_lock(tries: i32) -> bool {
    const NAP: Duration = Duration::from_millis(1);
    if tries > 5_000 {
        return false;
    }
    std::thread::sleep(NAP);
    true
}
