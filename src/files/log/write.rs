//! The log of an organisation into `log.csv`, row by row.

use std::io::{self, Write};

use csv::Writer;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    COLUMNS, END, ENTRY, HISTORY, ID, KNOWN_AT, NOTE, ORIGIN, RECORDED, STAGE_ENTERED, TEXT, cells,
};
use crate::domain::change::{EMPTY, Logged, NO_DAY, Position, Subject};
use crate::domain::days::date;
use crate::domain::holds;
use crate::domain::log::Row;
use crate::domain::origin::{Origin, recorded_bit};
use crate::domain::role::Role;
use crate::domain::texts::{NONE, Texts};
use crate::files::formula::marked;

/// Writes a log. Texts come first, then notes, then rows in their order, then the end. A row that does
/// not make sense ends it with `InvalidData`.
pub struct LogWriter<'a, W: Write> {
    csv: Writer<Summed<W>>,
    texts: &'a Texts,
    entries: u32,
}

impl<'a, W: Write> LogWriter<'a, W> {
    /// Begins with the columns and all texts.
    pub fn new(out: W, texts: &'a Texts) -> io::Result<Self> {
        let mut writer = LogWriter {
            csv: Writer::from_writer(Summed {
                out,
                sum: Sha256::new(),
            }),
            texts,
            entries: 0,
        };
        writer.csv.write_record(COLUMNS)?;
        for number in 0..texts.len() {
            writer.numbered(TEXT, number, texts.get(number))?;
        }
        Ok(writer)
    }

    /// The next long text.
    pub fn note(&mut self, number: u32, text: &str) -> io::Result<()> {
        self.numbered(NOTE, number, text)
    }

    /// The next row.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        match row {
            Row::Entry(entry) => {
                self.entries += 1;
                let actor = cells::text(entry.actor, self.texts);
                let reason = cells::text(entry.reason, self.texts);
                let client = cells::text(entry.client, self.texts);
                let trace = cells::text(entry.trace, self.texts);
                let (Some(actor), Some(reason), Some(client), Some(trace)) =
                    (actor, reason, client, trace)
                else {
                    return Err(senseless(entry.first));
                };
                self.write([
                    entry.first.to_string().as_str(),
                    ENTRY,
                    "",
                    "",
                    &cells::instant(entry.recorded_at),
                    "",
                    actor,
                    entry.door.word(),
                    reason,
                    entry.role.map_or("", Role::word),
                    client,
                    trace,
                ])?;
            }
            Row::Origin(origin) => {
                let held = self.origin(origin).ok_or_else(|| senseless(origin.seq))?;
                self.write([
                    origin.seq.to_string().as_str(),
                    ORIGIN,
                    &origin.deal.to_string(),
                    "",
                    &cells::instant(origin.at),
                    &Value::Object(held).to_string(),
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                ])?;
            }
            Row::Change(logged) => self.change(logged)?,
        }
        Ok(())
    }

    /// Ends the log at a position, and says how many entries it has and what all before comes to.
    pub fn finish(mut self, position: Position) -> io::Result<W> {
        let (position, entries) = (position.to_string(), self.entries.to_string());
        self.csv.flush()?;
        let seal = super::seal(self.csv.get_ref().sum.clone());
        self.csv.write_record([
            &position, END, &entries, "", "", &seal, "", "", "", "", "", "",
        ])?;
        self.csv.flush()?;
        let summed = self.csv.into_inner();
        Ok(summed.map_err(csv::IntoInnerError::into_error)?.out)
    }

    fn write(&mut self, cells: [&str; COLUMNS.len()]) -> io::Result<()> {
        let cells = cells.map(marked);
        Ok(self
            .csv
            .write_record(cells.iter().map(|cell| cell.as_bytes()))?)
    }

    fn numbered(&mut self, what: &str, number: u32, text: &str) -> io::Result<()> {
        let number = number.to_string();
        self.write(["", what, &number, "", "", text, "", "", "", "", "", ""])
    }

    fn change(&mut self, logged: &Logged) -> io::Result<()> {
        let Logged { subject, change } = logged;
        let (what, is_text) = holds::word(*subject);
        let (_, number) = subject.code();
        let goes_by = if is_text {
            cells::text(number, self.texts).map(str::to_owned)
        } else {
            Some(number.to_string())
        };
        let value = cells::value(*subject, change.field, change.value, self.texts);
        let (Some(goes_by), Some(value)) = (goes_by, value) else {
            return Err(senseless(change.seq));
        };
        self.write([
            change.seq.to_string().as_str(),
            what,
            &goes_by,
            &cells::field_name(change.field, self.texts),
            &cells::instant(change.at),
            &value,
            "",
            "",
            "",
            "",
            "",
            "",
        ])?;
        Ok(())
    }

    /// What a deal came on record with, by field; what it does not have is left out.
    fn origin(&self, origin: &Origin) -> Option<Map<String, Value>> {
        let subject = Subject::Deal(origin.deal);
        let mut held = Map::new();
        for (field, name, _) in holds::FIELDS {
            let value = origin.value(field);
            if value != EMPTY {
                let cell = cells::value(subject, field, value, self.texts)?;
                held.insert(name.to_owned(), cell.into());
            }
        }
        if origin.id != NONE {
            held.insert(ID.to_owned(), cells::text(origin.id, self.texts)?.into());
        }
        held.insert(KNOWN_AT.to_owned(), cells::instant(origin.known_at).into());
        if origin.history {
            held.insert(HISTORY.to_owned(), true.into());
        }
        if origin.stage_entered != NO_DAY {
            let entered = date(origin.stage_entered)?.to_string();
            held.insert(STAGE_ENTERED.to_owned(), entered.into());
        }
        if origin.recorded != 0 {
            held.insert(RECORDED.to_owned(), recorded(origin.recorded).into());
        }
        Some(held)
    }
}

/// What is written, and the checksum of it.
struct Summed<W> {
    out: W,
    sum: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The fields that are on record since a deal exists: all, or those named.
fn recorded(bits: u32) -> String {
    if bits == u32::MAX {
        return "all".to_owned();
    }
    let texts = Texts::default();
    let fields = (0..u32::BITS).filter(|field| bits & recorded_bit(*field) != 0);
    let names: Vec<String> = fields
        .map(|field| cells::field_name(field, &texts).into_owned())
        .collect();
    names.join(" ")
}

fn senseless(position: Position) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("position {position} of the log holds what stands for nothing"),
    )
}
