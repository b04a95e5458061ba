//! Looking a database over: the file, its tables, its counters, and sums read by plain SQL that know
//! nothing of how a portfolio is folded.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::{Head, MIGRATIONS, Result, Store, connect};

/// How many deals stand in a stage, and what they are worth in minor units, whatever their currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StageSum {
    /// The code of the stage.
    pub stage: u8,
    /// How many deals.
    pub count: i64,
    /// Their value.
    pub value: i64,
}

/// What is wrong with the file by SQLite's own account; nothing when it is sound.
pub(super) fn integrity(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let found = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut faults: Vec<String> = found.into_iter().filter(|line| line != "ok").collect();
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let orphans = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    faults.extend(
        orphans
            .iter()
            .map(|table| format!("a row of {table} refers to none")),
    );
    Ok(faults)
}

/// What is wrong with a database file as a whole: its pages, and its tables and triggers.
pub fn file(path: &Path) -> Result<Vec<String>> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut faults = integrity(&connection)?;
    let intended = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        intended.execute_batch(migration)?;
    }
    let (found, intended) = (schema(&connection)?, schema(&intended)?);
    faults.extend(
        intended
            .iter()
            .filter(|object| !found.contains(object))
            .map(|(kind, name, _)| format!("the {kind} {name} is missing or not as it was made")),
    );
    Ok(faults)
}

/// The tables whose rows belong to an organisation.
const OWNED: [&str; 8] = [
    "text", "note", "entry", "origin", "change", "request", "token", "secret",
];

/// The names of the organisations that have a log or ought to, and what is wrong with the rest: every
/// organisation that a row belongs to has a name and a head.
pub fn organisations(path: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let faults = strays(&connection)?;
    let mut statement = connection.prepare(&format!(
        "SELECT name FROM organisation JOIN head USING (org) \
         WHERE position > 0 OR org IN ({}) ORDER BY name",
        owners()
    ))?;
    let names = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((names, faults))
}

/// The organisations that rows belong to which have no name or no head.
fn strays(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!(
        "SELECT org, org IN (SELECT org FROM organisation), org IN (SELECT org FROM head) \
         FROM (SELECT org FROM organisation UNION SELECT org FROM head UNION {}) ORDER BY org",
        owners()
    ))?;
    let found = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, bool, bool)>>>()?;
    Ok(found
        .iter()
        .filter_map(|(org, has_name, has_head)| {
            let missing = match (has_name, has_head) {
                (true, true) => return None,
                (false, true) => "no name",
                (true, false) => "no head of its log",
                (false, false) => "neither a name nor a head of its log",
            };
            Some(format!("organisation {org} has {missing}"))
        })
        .collect())
}

fn owners() -> String {
    OWNED
        .map(|table| format!("SELECT DISTINCT org FROM {table}"))
        .join(" UNION ")
}

fn schema(connection: &Connection) -> Result<Vec<(String, String, String)>> {
    let mut statement = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let objects = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(objects)
}

impl Store {
    /// Holds what is read from here on to one moment, whoever writes meanwhile.
    pub fn hold(&self) -> Result<Head> {
        self.connection.execute_batch("BEGIN")?;
        self.head()
    }

    /// What the counters of texts, notes and entries say that is not so.
    pub fn miscounted(&self, head: &Head) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for (table, stated) in [("text", head.texts), ("note", head.notes)] {
            let (count, below): (u32, u32) = self.connection.query_row(
                &format!(
                    "SELECT count(*), coalesce(sum(number BETWEEN 0 AND ?2 - 1), 0) FROM {table} WHERE org = ?1"
                ),
                params![self.org, stated],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            if (count, below) != (stated, stated) {
                faults.push(format!(
                    "there should be {stated} rows of {table}, but {count} are there"
                ));
            }
        }
        // Positions have no gaps; which of them begin entries only their number says.
        let entries: i64 = self.connection.query_row(
            "SELECT count(*) FROM entry WHERE org = ?1",
            [self.org],
            |row| row.get(0),
        )?;
        if entries != head.entries {
            faults.push(format!(
                "there should be {} rows of entry, but {entries} are there",
                head.entries
            ));
        }
        Ok(faults)
    }

    /// How the deals stand, by stage, read from the log by SQL alone: the last change of a field that
    /// is not void, else what the deal came on record with.
    pub fn sums(&self) -> Result<Vec<StageSum>> {
        self.find_void()?;
        self.connection.execute(LAST, [self.org])?;
        let mut statement = self.connection.prepare(SUMS)?;
        let sums = statement
            .query_map([self.org], |row| {
                Ok(StageSum {
                    stage: row.get(0)?,
                    count: row.get(1)?,
                    value: row.get(2)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(sums)
    }

    /// Lists the positions that are void. A void may be voided by a later one, so the last counts for
    /// sure, and each counts unless one that counts is against it.
    fn find_void(&self) -> Result<()> {
        self.connection.execute_batch(
            "DROP TABLE IF EXISTS temp.void; DROP TABLE IF EXISTS temp.last; \
             CREATE TEMP TABLE void (seq INTEGER PRIMARY KEY) STRICT; \
             CREATE TEMP TABLE last (number INTEGER PRIMARY KEY, stage INTEGER, estimated INTEGER, \
             estimate INTEGER, closed INTEGER) STRICT;",
        )?;
        let mut voids = self.connection.prepare(
            "SELECT seq, value FROM change WHERE org = ?1 AND field = 36 ORDER BY seq DESC",
        )?;
        let mut add = self.connection.prepare(
            "INSERT INTO temp.void (seq) SELECT ?2 WHERE NOT EXISTS (SELECT 1 FROM temp.void WHERE seq = ?1) \
             ON CONFLICT DO NOTHING",
        )?;
        let mut rows = voids.query([self.org])?;
        while let Some(row) = rows.next()? {
            add.execute(params![row.get::<_, i64>(0)?, row.get::<_, i64>(1)?])?;
        }
        Ok(())
    }
}

/// What each deal's last changes that count say. Fields 9 to 11 are the three ways to say a stage, 4 is
/// the estimate, 12 the value at the close. It is a table with a key, because a join with a million rows
/// that have none never ends.
const LAST: &str = "
INSERT INTO temp.last (number, stage, estimated, estimate, closed)
SELECT number,
       max(CASE WHEN field = 9 THEN value END),
       max(field = 4),
       max(CASE WHEN field = 4 THEN value END),
       max(CASE WHEN field = 12 THEN value END)
FROM (
  SELECT number, CASE WHEN field IN (10, 11) THEN 9 ELSE field END AS field, value,
         row_number() OVER (
           PARTITION BY number, CASE WHEN field IN (10, 11) THEN 9 ELSE field END ORDER BY at DESC, seq DESC
         ) AS nth
  FROM change
  WHERE org = ?1 AND kind = 1 AND field IN (4, 9, 10, 11, 12) AND seq NOT IN (SELECT seq FROM temp.void)
)
WHERE nth = 1 GROUP BY number";

/// Stage 4 is won. An estimate that was emptied is 0, and so is one that never was (-1).
const SUMS: &str = "
SELECT stage, count(*), sum(CASE WHEN stage = 4 THEN coalesce(closed, estimate) ELSE estimate END)
FROM (
  SELECT coalesce(last.stage, origin.stage) AS stage,
         CASE WHEN last.estimated = 1 THEN coalesce(last.estimate, 0) ELSE max(origin.estimate, 0) END AS estimate,
         last.closed AS closed
  FROM origin LEFT JOIN temp.last AS last ON last.number = origin.deal
  WHERE origin.org = ?1 AND origin.seq NOT IN (SELECT seq FROM temp.void)
)
GROUP BY stage ORDER BY stage";
