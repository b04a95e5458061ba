//! A copy of a whole database file, made while others read and write it.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Error, Result, audit, connect};

/// The database that is copied.
#[derive(Debug)]
pub struct Original(Connection);

impl Original {
    /// Opens it.
    pub fn open(from: &Path) -> Result<Original> {
        Ok(Original(connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?))
    }

    /// Copies it into a file that holds nothing yet, looks the copy over, and returns how many positions
    /// it holds. What fails leaves a partial file for the caller to remove.
    pub fn copy(&self, to: &Path) -> Result<i64> {
        let mut copy = Connection::open(to)?;
        {
            let copying = Backup::new(&self.0, &mut copy)?;
            // All pages in one step are of one moment, and in a WAL file they keep no writer waiting; step
            // by step, every write of another process would begin the copy anew.
            if copying.step(-1)? != StepResult::Done {
                return Err(Error::Locked);
            }
        }
        close(copy)?;
        look_over(to)
    }
}

fn look_over(to: &Path) -> Result<i64> {
    let copy = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let faults = audit::integrity(&copy)?;
    if let Some(fault) = faults.first() {
        return Err(Error::Damaged(fault.clone()));
    }
    let (stated, found): (i64, i64) = copy.query_row(
        "SELECT (SELECT coalesce(sum(position), 0) FROM head), \
         (SELECT count(*) FROM origin) + (SELECT count(*) FROM change)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if stated != found {
        return Err(Error::Damaged(format!(
            "the log has {stated} positions, but {found} are there"
        )));
    }
    close(copy)?;
    Ok(found)
}

fn close(connection: Connection) -> Result<()> {
    connection.close().map_err(|(_, error)| error.into())
}
