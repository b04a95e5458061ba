//! Connecting to a database file: whether it is ours, of a version we know and sound enough to use, and
//! bringing its schema up to date.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Error, Result, begin};

/// How every SQLite database begins.
const SIGNATURE: &[u8] = b"SQLite format 3\0";
/// "EXPP": says that a file is ours.
const APPLICATION_ID: i64 = 0x4558_5050;
pub(super) const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_access.sql"),
    include_str!("migrations/0003_entries.sql"),
];
/// The schema version that they lead to.
const KNOWN: i64 = MIGRATIONS.len() as i64;
/// Below this SQLite may corrupt a WAL file that two processes write (the WAL-reset bug).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Connects to a database file and brings it up to date. One is made, of nothing or of an empty file, only
/// when the flags say so.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let is_to_be_made = flags.contains(OpenFlags::SQLITE_OPEN_CREATE);
    prepare(open(path, flags)?, path, is_to_be_made)
}

/// Refuses a file of an older version, which any other use would bring up to date. Where there is none, there
/// is nothing to refuse.
pub fn check_current(path: &Path) -> Result<()> {
    if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Ok(());
    }
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (found, known) = (version(&connection, path, false)?, KNOWN);
    if found < known {
        return Err(Error::Older { found, known });
    }
    Ok(())
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    if path.is_dir() {
        return Err(Error::Foreign(path.to_owned()));
    }
    // SQLite takes a file of a few bytes for an empty one, and would write over it.
    if std::fs::File::open(path).is_ok_and(starts_otherwise) {
        return Err(Error::Foreign(path.to_owned()));
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_for_lock))?;
    Ok(connection)
}

/// Whether a file holds something, and that is not how an SQLite database begins.
fn starts_otherwise(file: std::fs::File) -> bool {
    let mut start = Vec::new();
    let read = file.take(SIGNATURE.len() as u64).read_to_end(&mut start);
    read.is_ok_and(|length| length > 0) && start != SIGNATURE
}

/// Checks that the file is ours and of a version we know, and sets the connection up. Of a file that
/// holds nothing a database is made only when that is asked for.
pub(super) fn prepare(
    connection: Connection,
    path: &Path,
    is_to_be_made: bool,
) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Other(anyhow::anyhow!(
            "SQLite {} is too old to share a file safely",
            rusqlite::version()
        )));
    }
    let version = version(&connection, path, is_to_be_made)?;
    // A small cache: what reads the whole log reads each page once, and single rows lie close together.
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF; \
         PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;",
    )?;
    if version < KNOWN {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        migrate(&connection)?;
    }
    Ok(connection)
}

/// The schema version of a file that is ours and of a version we know; 0 of one that is to be made.
fn version(connection: &Connection, path: &Path, is_to_be_made: bool) -> Result<i64> {
    // What cannot be read of a file that says it is ours is damage.
    let unreadable = |error: rusqlite::Error, is_ours: bool| match is_ours {
        true => Error::from(error),
        false => Error::Foreign(path.to_owned()),
    };
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
        .map_err(|error| unreadable(error, application == APPLICATION_ID))?;
    if application != APPLICATION_ID && (tables > 0 || application != 0 || version != 0) {
        return Err(Error::Foreign(path.to_owned()));
    }
    if application == 0 && !is_to_be_made {
        return Err(Error::Missing(path.to_owned()));
    }
    if version > KNOWN {
        return Err(Error::Newer {
            found: version,
            known: KNOWN,
        });
    }
    Ok(version)
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
