//! `log.csv` into the log of an organisation. The file is whole or it is nothing: the first thing that
//! is wrong with it ends the reading, with its line.

use serde_json::{Map, Value};

use super::{
    COLUMNS, END, ENTRY, HISTORY, ID, KNOWN_AT, NOTE, ORIGIN, RECORDED, STAGE_ENTERED, TEXT, cells,
    seal_of,
};
use crate::domain::change::{Batch, Change, EMPTY, Entry, Logged, Position, Subject, field};
use crate::domain::holds;
use crate::domain::log::{Row, Soundness};
use crate::domain::origin::{Origin, recorded_bit};
use crate::domain::role::Role;
use crate::domain::statement::Rejection;
use crate::domain::texts::Texts;
use crate::files::Source;
use crate::files::dialect::{self, Records};
use crate::files::formula::unmarked;
use crate::language::vocabulary::quoted;

/// What is wrong: in which column, and what.
type Fault = (&'static str, String);

/// Reads a whole log: everything, from the first position to the last.
pub fn read(source: &Source) -> Result<Batch, Rejection> {
    let mut line = 1;
    let mut log = Reading::default();
    let is_changed = is_changed(&source.bytes);
    let reject = |line, (column, reason): Fault| Rejection {
        file: source.name.clone(),
        line,
        column: column.to_owned(),
        reason: match is_changed {
            true => format!("{reason}; {CHANGED}"),
            false => reason,
        },
    };
    if let Some(trouble) = dialect::trouble(&source.bytes) {
        return Err(reject(line, ("", trouble.to_owned())));
    }
    let mut records = Records::new(&source.bytes);
    let is_ours = records
        .next()
        .is_some_and(|header| header.cells.iter().eq(COLUMNS.map(str::as_bytes)));
    if !is_ours {
        let reason = format!("the first line is not {}", COLUMNS.join(","));
        return Err(reject(line, ("", reason)));
    }
    while let Some(raw) = records.next() {
        line = raw.line;
        if raw.is_torn {
            return Err(reject(
                line,
                ("", "a quotation mark is never closed".to_owned()),
            ));
        }
        let mut row = [""; COLUMNS.len()];
        if raw.cells.len() != row.len() {
            let reason = format!("it has {} columns, not {}", raw.cells.len(), row.len());
            return Err(reject(line, ("", reason)));
        }
        for ((place, cell), column) in row.iter_mut().zip(raw.cells).zip(COLUMNS) {
            *place = str::from_utf8(cell)
                .map(unmarked)
                .map_err(|_| reject(line, (column, "it is not UTF-8".to_owned())))?;
        }
        log.row(row).map_err(|fault| reject(line, fault))?;
    }
    let batch = log.finish().map_err(|fault| reject(line + 1, fault))?;
    if is_changed {
        return Err(reject(
            line,
            ("", "something before this line was changed".to_owned()),
        ));
    }
    Ok(batch)
}

/// What to do about a file that was changed.
const CHANGED: &str = "the file is not as export wrote it, but cut off, saved anew by another program or with its \
    line ends converted: take the file of the export itself, or export again";

/// Whether a file is not as it was written: its last line says what all before it comes to. One that ends
/// without saying so is of before there were seals.
fn is_changed(bytes: &[u8]) -> bool {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let last = text
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut cells = last.split(|byte| *byte == b',');
    if cells.nth(1) != Some(END.as_bytes()) {
        return true;
    }
    let seal = cells.nth(3).unwrap_or_default();
    !seal.is_empty() && seal != seal_of(bytes).as_bytes()
}

#[derive(Default)]
struct Reading {
    texts: Texts,
    batch: Batch,
    /// Set with the first row after the texts and notes.
    soundness: Option<Soundness>,
    has_ended: bool,
}

impl Reading {
    fn row(&mut self, row: [&str; 12]) -> Result<(), Fault> {
        let [
            position,
            what,
            subject,
            field,
            at,
            value,
            actor,
            through,
            reason,
            role,
            client,
            trace,
        ] = row;
        if self.has_ended {
            return Err(("what", "it stands after the end of the log".to_owned()));
        }
        match what {
            TEXT => return self.text(subject, value),
            NOTE => return self.note(subject, value),
            _ => {}
        }
        let position = position.parse::<Position>();
        let position = position.map_err(|_| ("position", unreadable(row[0], "a position")))?;
        if what == END {
            return self.end(position, subject);
        }
        let instant =
            cells::read_instant(at).ok_or_else(|| ("at", unreadable(at, "an instant")))?;
        let text = |column, cell| {
            cells::read_text(cell, &self.texts).ok_or_else(|| (column, unlisted(cell)))
        };
        let next = match what {
            ENTRY => Row::Entry(Entry {
                first: position,
                recorded_at: instant,
                door: cells::read_door(through)
                    .ok_or_else(|| ("through", unreadable(through, "a door")))?,
                actor: text("actor", actor)?,
                reason: text("reason", reason)?,
                role: match role {
                    "" => None,
                    word => Some(
                        Role::from_word(word)
                            .ok_or_else(|| ("role", unreadable(word, "a role")))?,
                    ),
                },
                client: text("client", client)?,
                trace: text("trace", trace)?,
            }),
            ORIGIN => {
                let deal = number(subject)?;
                let origin = self.origin(value, deal)?;
                Row::Origin(Origin {
                    deal,
                    seq: position,
                    at: instant,
                    ..origin
                })
            }
            _ => {
                let subject = self.subject(what, subject)?;
                let number = cells::read_field(field, &self.texts)
                    .ok_or_else(|| ("field", unreadable(field, "a field")))?;
                let value = cells::read_value(subject, number, value, &self.texts)
                    .ok_or_else(|| ("value", unreadable(value, &format!("a value of {field}"))))?;
                Row::Change(Logged {
                    subject,
                    change: Change {
                        at: instant,
                        value,
                        seq: position,
                        field: number,
                    },
                })
            }
        };
        self.soundness();
        let soundness = self.soundness.as_mut();
        if let Some(fault) = soundness.and_then(|soundness| soundness.fault(&next, &self.texts)) {
            return Err(("position", fault));
        }
        next.add_to(&mut self.batch);
        Ok(())
    }

    fn soundness(&mut self) -> &mut Soundness {
        let (texts, notes) = (self.texts.len(), self.batch.notes.len() as u32);
        self.soundness
            .get_or_insert_with(|| Soundness::new(texts, notes))
    }

    fn text(&mut self, number: &str, text: &str) -> Result<(), Fault> {
        self.comes_in_order(number, self.texts.len())?;
        if text.is_empty() || self.texts.find(text).is_some() {
            return Err(("value", format!("{} is empty or comes again", quoted(text))));
        }
        self.texts.push(text);
        Ok(())
    }

    fn note(&mut self, number: &str, text: &str) -> Result<(), Fault> {
        let next = self.batch.notes.len() as u32;
        self.comes_in_order(number, next)?;
        self.batch.notes.push((next, text.to_owned()));
        Ok(())
    }

    fn comes_in_order(&self, cell: &str, next: u32) -> Result<(), Fault> {
        if self.soundness.is_some() {
            return Err((
                "what",
                "texts and notes stand before all entries".to_owned(),
            ));
        }
        if number(cell)? != next {
            return Err((
                "subject",
                format!("{} comes where {next} is expected", quoted(cell)),
            ));
        }
        Ok(())
    }

    fn subject(&self, what: &str, cell: &str) -> Result<Subject, Fault> {
        let subject = holds::subject(what, 0)
            .ok_or_else(|| ("what", unreadable(what, "what a row may be")))?;
        let (word, is_text) = holds::word(subject);
        let number = match is_text {
            true => self
                .texts
                .find(cell)
                .ok_or_else(|| ("subject", unlisted(cell)))?,
            false => number(cell)?,
        };
        holds::subject(word, number).ok_or_else(|| ("what", unreadable(what, "what a row may be")))
    }

    fn origin(&self, cell: &str, deal: u32) -> Result<Origin, Fault> {
        let no_object = || ("value", unreadable(cell, "what a deal came on record with"));
        let held: Map<String, Value> = serde_json::from_str(cell).map_err(|_| no_object())?;
        let mut origin = Origin {
            estimate: EMPTY,
            ..Origin::default()
        };
        for (name, value) in &held {
            let fault = || {
                (
                    "value",
                    unreadable(&value.to_string(), &format!("a value of {name}")),
                )
            };
            if name == HISTORY {
                origin.history = value.as_bool().ok_or_else(fault)?;
                continue;
            }
            let cell = value.as_str().ok_or_else(fault)?;
            match name.as_str() {
                ID => origin.id = self.texts.find(cell).ok_or_else(fault)?,
                KNOWN_AT => origin.known_at = cells::read_instant(cell).ok_or_else(fault)?,
                RECORDED => origin.recorded = recorded(cell).ok_or_else(fault)?,
                _ => {
                    let of = match name.as_str() {
                        STAGE_ENTERED => field::STAGE_ENTERED,
                        _ => cells::read_field(name, &self.texts)
                            .filter(|field| *field < field::SAID)
                            .ok_or_else(|| ("value", unreadable(name, "a field")))?,
                    };
                    let subject = Subject::Deal(deal);
                    let value = cells::read_value(subject, of, cell, &self.texts);
                    let value = value.filter(|value| *value != EMPTY).ok_or_else(fault)?;
                    origin.set(of, value);
                    // What does not fit where it belongs reads as something else there.
                    let kept = match of {
                        field::STAGE_ENTERED => i64::from(origin.stage_entered),
                        _ => origin.value(of),
                    };
                    if kept != value {
                        return Err(fault());
                    }
                }
            }
        }
        let is_complete = [ID, KNOWN_AT, "type", "stage"]
            .iter()
            .all(|name| held.contains_key(*name));
        if is_complete {
            Ok(origin)
        } else {
            Err(no_object())
        }
    }

    fn end(&mut self, position: Position, entries: &str) -> Result<(), Fault> {
        let soundness = self.soundness();
        let last = soundness.last();
        if position != last {
            let reason =
                format!("the log ends at {position}, but only {last} of its positions are there");
            return Err(("position", reason));
        }
        if let Some(fault) = soundness.finish() {
            return Err(("position", fault));
        }
        let (stated, found) = (number(entries)?, self.batch.entries.len());
        if stated as usize != found {
            let reason =
                format!("the log has {stated} entries, but only {found} of them are there");
            return Err(("subject", reason));
        }
        self.has_ended = true;
        Ok(())
    }

    fn finish(mut self) -> Result<Batch, Fault> {
        if !self.has_ended {
            let last = self.soundness().last();
            let reason = format!(
                "the file was cut off after position {last}: it does not say where the log ends"
            );
            return Err(("position", reason));
        }
        if self.batch.is_empty() {
            return Err(("position", "the log is empty".to_owned()));
        }
        self.batch.texts = (0..self.texts.len())
            .map(|number| self.texts.get(number).to_owned())
            .collect();
        Ok(self.batch)
    }
}

fn recorded(cell: &str) -> Option<u32> {
    if cell == "all" {
        return Some(u32::MAX);
    }
    let texts = Texts::default();
    cell.split(' ').try_fold(0, |bits, name| {
        let bit = recorded_bit(cells::read_field(name, &texts)?);
        (bit != 0).then_some(bits | bit)
    })
}

fn number(cell: &str) -> Result<u32, Fault> {
    cell.parse()
        .map_err(|_| ("subject", unreadable(cell, "a number")))
}

fn unreadable(cell: &str, what: &str) -> String {
    format!("{} is not {what}", quoted(cell))
}

fn unlisted(cell: &str) -> String {
    format!(
        "{} is none of the texts that the file begins with",
        quoted(cell)
    )
}
