//! Rows ↔ domain values. Numbers that mean "none" in memory are NULL in the database.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::error::{Error, Result};
use crate::domain::change::{Batch, Change, Door, EMPTY, Entry, Logged, NO_DAY, Position, Subject};
use crate::domain::log;
use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY, Origin};
use crate::domain::role::Role;
use crate::domain::texts::NONE;

const ORIGIN: &str = "deal, seq, at, known_at, recorded, id, name, customer, kind, stage, history, probability, \
     category, term_months, estimate, product_line, identified, stage_entered, expected_close, csm, sales_rep, \
     champion, source, use_case, notes, currency";

/// An origin's estimate that is none: its column takes no NULL.
const NO_ESTIMATE: i64 = -1;

/// Appends a batch. The caller holds the transaction and has checked the head.
pub(super) fn append(connection: &Connection, org: i64, batch: &Batch) -> Result<()> {
    let mut text =
        connection.prepare_cached("INSERT INTO text (org, number, text) VALUES (?1, ?2, ?3)")?;
    for (number, new) in (batch.first_text..).zip(&batch.texts) {
        text.execute(params![org, number, new])?;
    }
    let mut note =
        connection.prepare_cached("INSERT INTO note (org, number, text) VALUES (?1, ?2, ?3)")?;
    for (number, new) in &batch.notes {
        note.execute(params![org, number, new])?;
    }
    let mut entry = connection.prepare_cached(
        "INSERT INTO entry (org, first, recorded_at, door, actor, reason, role, client, trace) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for new in &batch.entries {
        entry.execute(params![
            org,
            new.first,
            new.recorded_at,
            new.door.code(),
            some(new.actor),
            some(new.reason),
            new.role.map(Role::code),
            some(new.client),
            some(new.trace)
        ])?;
    }
    let mut origin = connection.prepare_cached(&format!(
        "INSERT INTO origin (org, {ORIGIN}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
         ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)"
    ))?;
    for new in &batch.deals {
        origin.execute(params![
            org,
            new.deal,
            new.seq,
            new.at,
            new.known_at,
            new.recorded,
            new.id,
            some(new.name),
            some(new.customer),
            new.kind,
            new.stage,
            new.history,
            (new.probability != FOLLOWS).then_some(new.probability),
            (new.category != FOLLOWS_CATEGORY).then_some(new.category),
            (new.term_months != 0).then_some(new.term_months),
            if new.estimate == EMPTY {
                NO_ESTIMATE
            } else {
                new.estimate
            },
            some(new.product_line),
            some_day(new.identified),
            some_day(new.stage_entered),
            some_day(new.expected_close),
            some(new.csm),
            some(new.sales_rep),
            some(new.champion),
            some(new.source),
            some(new.use_case),
            some(new.notes),
            some(new.currency),
        ])?;
    }
    let mut change = connection.prepare_cached(
        "INSERT INTO change (org, seq, kind, number, field, at, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for new in &batch.changes {
        let (kind, number) = new.subject.code();
        let Change {
            at,
            value,
            seq,
            field,
        } = new.change;
        change.execute(params![
            org,
            seq,
            kind,
            number,
            field,
            at,
            (value != EMPTY).then_some(value)
        ])?;
    }
    Ok(())
}

/// Hands over the texts from one number up to another. One that is missing would give its number to the next.
pub(super) fn texts(
    connection: &Connection,
    org: i64,
    from: u32,
    to: u32,
    mut take: impl FnMut(&str),
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT text, number FROM text WHERE org = ?1 AND number >= ?2 AND number < ?3 ORDER BY number",
    )?;
    let mut rows = statement.query(params![org, from, to])?;
    let missing = |number: u32| Error::Damaged(format!("text {number} is missing"));
    let mut next = from;
    while let Some(row) = rows.next()? {
        if row.get(1) != Ok(next) {
            return Err(missing(next));
        }
        take(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        next += 1;
    }
    if next < to {
        return Err(missing(next));
    }
    Ok(())
}

/// Hands over the entries whose first change lies in (after, up_to].
pub(super) fn entries(
    connection: &Connection,
    org: i64,
    after: Position,
    up_to: Position,
    mut take: impl FnMut(Entry),
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT first, recorded_at, door, actor, reason, role, client, trace FROM entry \
         WHERE org = ?1 AND first > ?2 AND first <= ?3 ORDER BY first",
    )?;
    let mut rows = statement.query(params![org, after, up_to])?;
    while let Some(row) = rows.next()? {
        take(entry(row)?);
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (first, door) = (row.get(0)?, row.get(2)?);
    let role: Option<u8> = row.get(5)?;
    Ok(Entry {
        first,
        recorded_at: row.get(1)?,
        door: Door::from_code(door).ok_or_else(|| {
            let what = format!(
                "the entry at position {first} came through door {door}, which does not exist"
            );
            rusqlite::Error::FromSqlConversionFailure(2, Type::Integer, what.into())
        })?,
        actor: number(row, 3)?,
        reason: number(row, 4)?,
        role: role
            .map(|code| {
                Role::from_code(code).ok_or_else(|| {
                    let what = format!(
                        "the entry at position {first} was made in role {code}, which does not exist"
                    );
                    rusqlite::Error::FromSqlConversionFailure(5, Type::Integer, what.into())
                })
            })
            .transpose()?,
        client: number(row, 6)?,
        trace: number(row, 7)?,
    })
}

/// Hands over the deals from a number on that came on record up to a position.
pub(super) fn origins(
    connection: &Connection,
    org: i64,
    from_deal: u32,
    up_to: Position,
    mut take: impl FnMut(Origin),
) -> Result<()> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ORIGIN} FROM origin WHERE org = ?1 AND deal >= ?2 AND seq <= ?3 ORDER BY deal"
    ))?;
    let mut rows = statement.query(params![org, from_deal, up_to])?;
    while let Some(row) = rows.next()? {
        take(origin(row)?);
    }
    Ok(())
}

fn origin(row: &Row<'_>) -> rusqlite::Result<Origin> {
    Ok(Origin {
        deal: row.get(0)?,
        seq: row.get(1)?,
        at: row.get(2)?,
        known_at: row.get(3)?,
        recorded: row.get(4)?,
        id: row.get(5)?,
        name: number(row, 6)?,
        customer: number(row, 7)?,
        kind: row.get(8)?,
        stage: row.get(9)?,
        history: row.get(10)?,
        probability: row.get::<_, Option<u16>>(11)?.unwrap_or(FOLLOWS),
        category: row.get::<_, Option<u8>>(12)?.unwrap_or(FOLLOWS_CATEGORY),
        term_months: row.get::<_, Option<u16>>(13)?.unwrap_or(0),
        estimate: match row.get(14)? {
            NO_ESTIMATE => EMPTY,
            estimate => estimate,
        },
        product_line: number(row, 15)?,
        identified: day(row, 16)?,
        stage_entered: day(row, 17)?,
        expected_close: day(row, 18)?,
        csm: number(row, 19)?,
        sales_rep: number(row, 20)?,
        champion: number(row, 21)?,
        source: number(row, 22)?,
        use_case: number(row, 23)?,
        notes: number(row, 24)?,
        currency: number(row, 25)?,
    })
}

/// Hands over the changes logged in (after, up_to], in log order.
pub(super) fn changes(
    connection: &Connection,
    org: i64,
    after: Position,
    up_to: Position,
    mut take: impl FnMut(Logged),
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, kind, number, field, at, value FROM change WHERE org = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![org, after, up_to])?;
    while let Some(row) = rows.next()? {
        // A kind of subject this version does not know cannot be in a file of its schema version.
        if let Some(logged) = change(row)? {
            take(logged);
        }
    }
    Ok(())
}

fn change(row: &Row<'_>) -> rusqlite::Result<Option<Logged>> {
    let change = Change {
        seq: row.get(0)?,
        field: row.get(3)?,
        at: row.get(4)?,
        value: row.get::<_, Option<i64>>(5)?.unwrap_or(EMPTY),
    };
    let subject = Subject::from_code(row.get(1)?, row.get(2)?);
    Ok(subject.map(|subject| Logged { subject, change }))
}

/// Hands over the whole log up to a position in its order, each entry before its changes, until `take`
/// has had enough: row by row, however long it is.
pub(super) fn log<E: From<super::Error>>(
    connection: &Connection,
    org: i64,
    (after, up_to): (Position, Position),
    mut take: impl FnMut(log::Row) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let sql = |error: rusqlite::Error| E::from(error.into());
    let prepare = |text: &str| connection.prepare(text).map_err(sql);
    let mut entries = prepare(
        "SELECT first, recorded_at, door, actor, reason, role, client, trace FROM entry \
         WHERE org = ?1 AND first > ?2 AND first <= ?3 ORDER BY first",
    )?;
    let mut origins = prepare(&format!(
        "SELECT {ORIGIN} FROM origin WHERE org = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY deal"
    ))?;
    let mut changes = prepare(
        "SELECT seq, kind, number, field, at, value FROM change WHERE org = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let range = params![org, after, up_to];
    let mut entries = entries.query(range).map_err(sql)?;
    let mut origins = origins.query(range).map_err(sql)?;
    let mut changes = changes.query(range).map_err(sql)?;
    let mut next_entry = || entries.next()?.map(entry).transpose();
    let mut next_origin = || origins.next()?.map(origin).transpose();
    let mut next_change = || {
        let Some(row) = changes.next()? else {
            return Ok(None);
        };
        let unknown = (row.get::<_, Position>(0)?, row.get::<_, u8>(1)?);
        Ok::<_, rusqlite::Error>(Some(change(row)?.ok_or(unknown)))
    };
    let mut entry = next_entry().map_err(sql)?;
    let mut origin = next_origin().map_err(sql)?;
    let mut change = next_change().map_err(sql)?;
    loop {
        let of_entry = entry.as_ref().map(|entry| entry.first);
        let of_origin = origin.as_ref().map(|origin| origin.seq);
        let of_change = change.as_ref().map(|change| match change {
            Ok(logged) => logged.change.seq,
            Err((position, _)) => *position,
        });
        let Some(first) = [of_entry, of_origin, of_change].into_iter().flatten().min() else {
            return Ok(());
        };
        if of_entry == Some(first) {
            entry
                .take()
                .map_or(Ok(()), |entry| take(log::Row::Entry(entry)))?;
            entry = next_entry().map_err(sql)?;
        } else if of_origin == Some(first) {
            origin
                .take()
                .map_or(Ok(()), |origin| take(log::Row::Origin(origin)))?;
            origin = next_origin().map_err(sql)?;
        } else {
            match change.take() {
                Some(Ok(logged)) => take(log::Row::Change(logged))?,
                Some(Err((position, kind))) => {
                    let detail = format!("position {position} is about something of kind {kind}");
                    return Err(super::Error::Damaged(detail).into());
                }
                None => {}
            }
            change = next_change().map_err(sql)?;
        }
    }
}

fn some(number: u32) -> Option<u32> {
    (number != NONE).then_some(number)
}

fn some_day(day: i32) -> Option<i32> {
    (day != NO_DAY).then_some(day)
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    Ok(row.get::<_, Option<u32>>(column)?.unwrap_or(NONE))
}

fn day(row: &Row<'_>, column: usize) -> rusqlite::Result<i32> {
    Ok(row.get::<_, Option<i32>>(column)?.unwrap_or(NO_DAY))
}
