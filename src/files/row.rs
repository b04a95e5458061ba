//! One row of a file, read cell by cell: every way a cell can be read, and what is wrong when it
//! cannot. What the cells mean for each other is the readers' business.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use super::dialect::Raw;
use super::formula::unmarked;
use super::table::{Column, Table};
use super::{dates, numbers};
use crate::domain::calendar::Calendar;
use crate::domain::money::{BasisPoints, Currency};
use crate::domain::rates::Rate;
use crate::domain::statement::{Attributes, Moment, Named, Place, Rejection, Said, Statements};
use crate::domain::texts::Text;
use crate::language::clean;
use crate::language::vocabulary::{pick, quoted};

/// A name or id is at most this long, in characters.
const NAME: usize = 200;
/// Notes are at most this long.
const NOTE: usize = 10_000;
/// Any other text is at most this long.
const TEXT: usize = 500;
/// What is said of a column is at most this long.
const REASON: usize = 400;

/// One row, read cell by cell. A cell that cannot be read is noted as a fault and reads as empty, so
/// that one pass finds all that is wrong with the row.
pub(super) struct Row<'a> {
    table: &'a Table<'a>,
    raw: &'a Raw<'a>,
    /// Where it stands.
    pub place: Place,
    /// What is wrong: (column, reason).
    faults: Vec<(String, String)>,
    /// What makes the row as a whole unreadable, in the same way.
    damage: Option<(String, String)>,
    /// Where its texts get their numbers.
    pub statements: &'a mut Statements,
}

impl<'a> Row<'a> {
    pub fn new(
        table: &'a Table<'a>,
        raw: &'a Raw<'a>,
        place: Place,
        statements: &'a mut Statements,
    ) -> Self {
        Row {
            table,
            raw,
            place,
            faults: Vec::new(),
            damage: damage(table, raw),
            statements,
        }
    }

    /// Whether it is no row of its table at all.
    pub fn is_damaged(&self) -> bool {
        self.damage.is_some()
    }

    /// Notes that something is wrong with a column, in words that may repeat what stands there.
    pub fn fault(&mut self, column: &Column, reason: impl Into<String>) {
        let reason = clean(&reason.into(), REASON);
        self.faults.push((column.name.to_owned(), reason));
    }

    /// Whether nothing was found wrong so far.
    pub fn is_sound(&self) -> bool {
        self.damage.is_none() && self.faults.is_empty()
    }

    /// What is wrong with it, if anything: the first fault in full, the others after it.
    pub fn rejection(self) -> Option<Rejection> {
        if let Some((column, reason)) = self.damage {
            return Some(self.statements.reject(self.place, &column, reason));
        }
        let mut faults = self.faults.into_iter();
        let (column, mut reason) = faults.next()?;
        for (column, also) in faults {
            reason.push_str(&format!("; {column}: {also}"));
        }
        Some(self.statements.reject(self.place, &column, reason))
    }

    /// The text of a cell.
    fn cell(&self, column: &Column) -> Said<&'a str> {
        match (column.place, self.raw.cell(column)) {
            (None, _) => Said::Nothing,
            (_, None) => Said::Empty,
            (_, Some(cell)) => Said::Is(cell),
        }
    }

    fn parse<T>(
        &mut self,
        column: &Column,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Said<T> {
        let cell = match self.cell(column) {
            Said::Is(cell) => cell,
            Said::Empty => return Said::Empty,
            Said::Nothing => return Said::Nothing,
        };
        match parse(cell) {
            Ok(value) => Said::Is(value),
            Err(reason) => {
                self.fault(column, reason);
                Said::Empty
            }
        }
    }

    /// Whether an earlier row already was about the same; then this one is faulty.
    pub fn is_repeated(&mut self, column: &Column, earlier: Option<Place>) -> bool {
        let Some(earlier) = earlier else { return false };
        let file = self
            .statements
            .files
            .get(earlier.file as usize)
            .filter(|_| earlier.file != self.place.file);
        let of_file = file
            .map(|file| format!(" of {}", file.name))
            .unwrap_or_default();
        let what = self.raw.cell(column).map(quoted).unwrap_or_default();
        self.fault(
            column,
            format!("{what} is already on line {}{of_file}", earlier.line),
        );
        true
    }

    /// A value the row cannot do without.
    pub fn required<T>(&mut self, column: &Column, said: Said<T>) -> Option<T> {
        let value = said.value();
        if value.is_none() && !self.faults.iter().any(|(faulty, _)| faulty == column.name) {
            self.fault(column, "it is empty");
        }
        value
    }

    /// A name or an id.
    pub fn name(&mut self, column: &Column) -> Said<Text> {
        self.parse(column, |cell| tidy(cell, NAME))
            .map(|name| self.statements.number(&name))
    }

    /// Any other short text.
    pub fn text(&mut self, column: &Column) -> Said<Text> {
        self.parse(column, |cell| tidy(cell, TEXT))
            .map(|text| self.statements.number(&text))
    }

    /// A long text.
    pub fn note(&mut self, column: &Column) -> Said<Box<str>> {
        self.parse(column, |cell| tidy(cell, NOTE)).map(Into::into)
    }

    /// A customer or person by id, name or both.
    pub fn named(&mut self, id: &Column, name: &Column) -> Named {
        Named {
            id: self.name(id),
            name: self.name(name),
        }
    }

    /// An amount of money in minor units.
    pub fn amount(&mut self, column: &Column, currency: Currency) -> Said<i64> {
        self.parse(column, |cell| {
            numbers::amount(cell, column.format.marks, currency)
        })
    }

    /// An amount of money of a column that is looked at but not kept.
    pub fn ignored_amount(&self, column: &Column, currency: Currency) -> Option<i64> {
        numbers::amount(self.raw.cell(column)?, column.format.marks, currency).ok()
    }

    /// An amount of money in hundredths of a currency that is not known yet.
    pub fn hundredths(&mut self, column: &Column) -> Said<i64> {
        self.parse(column, |cell| {
            numbers::hundredths(cell, column.format.marks)
        })
    }

    /// An exchange rate.
    pub fn rate(&mut self, column: &Column) -> Said<Rate> {
        self.parse(column, |cell| numbers::rate(cell, column.format.marks))
    }

    /// A plain number in hundredths.
    pub fn score(&mut self, column: &Column) -> Said<i64> {
        self.parse(column, |cell| numbers::score(cell, column.format.marks))
    }

    /// A probability.
    pub fn share(&mut self, column: &Column) -> Said<BasisPoints> {
        self.parse(column, |cell| column.format.shares.read(cell))
    }

    /// A whole number within bounds.
    pub fn count(&mut self, column: &Column, bounds: RangeInclusive<u16>) -> Said<u16> {
        self.parse(column, |cell| {
            let count = numbers::count(cell).and_then(|count| u16::try_from(count).ok());
            let (least, most) = (bounds.start(), bounds.end());
            count.filter(|count| bounds.contains(count)).ok_or_else(|| {
                format!(
                    "{} is not a whole number from {least} to {most}",
                    quoted(cell)
                )
            })
        })
    }

    /// A business date.
    pub fn day(&mut self, column: &Column, calendar: &Calendar) -> Said<NaiveDate> {
        self.parse(column, |cell| {
            dates::day(cell, column.format.order, calendar)
        })
    }

    /// A business date or an instant.
    pub fn moment(&mut self, column: &Column, calendar: &Calendar) -> Said<Moment> {
        self.parse(column, |cell| {
            dates::moment(cell, column.format.order, calendar)
        })
    }

    /// A month.
    pub fn month(&mut self, column: &Column) -> Said<NaiveDate> {
        self.parse(column, |cell| {
            dates::month(cell)
                .ok_or_else(|| format!("{} is not a month; write months as 2026-01", quoted(cell)))
        })
    }

    /// A word of a closed list.
    pub fn word<T: Copy>(&mut self, column: &Column, what: &str, list: &[(&str, T)]) -> Said<T> {
        self.parse(column, |cell| {
            match list.iter().find(|(word, _)| *word == cell) {
                Some((_, value)) => Ok(*value),
                None => pick(what, cell, list)
                    .map_err(|refusal| format!("{} {}", refusal.message, refusal.hint)),
            }
        })
    }

    /// The columns nobody knows.
    pub fn attributes(&mut self) -> Attributes {
        let (table, raw) = (self.table, self.raw);
        let mut read = |(place, name): &(usize, Text)| {
            let cell = raw
                .cells
                .get(*place)
                .and_then(|cell| str::from_utf8(cell).ok())
                .unwrap_or_default();
            let value = tidy(unmarked(cell.trim()), TEXT).unwrap_or_else(|reason| {
                self.faults
                    .push((table.names.get(*place).cloned().unwrap_or_default(), reason));
                Cow::default()
            });
            (*name, self.statements.number(&value))
        };
        table.attributes.iter().map(&mut read).collect()
    }
}

/// A text within its length, its line breaks as one sign each.
fn tidy(cell: &str, longest: usize) -> Result<Cow<'_, str>, String> {
    if cell.len() > longest && cell.chars().count() > longest {
        return Err(format!("it is longer than {longest} characters"));
    }
    Ok(if cell.contains('\r') {
        cell.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        cell.into()
    })
}

fn damage(table: &Table<'_>, raw: &Raw<'_>) -> Option<(String, String)> {
    let (width, cells) = (table.names.len(), raw.cells);
    if raw.is_torn {
        let reason = "a quotation mark is never closed, or stands undoubled in a quoted cell";
        return Some((String::new(), reason.to_owned()));
    }
    if cells.len() != width {
        let few = if cells.len() < width {
            "too few"
        } else {
            "too many"
        };
        return Some((
            String::new(),
            format!(
                "{few} columns: {} where the header has {width}",
                cells.len()
            ),
        ));
    }
    // Nearly every row is printable ASCII; only others are looked at letter by letter.
    if cells
        .as_slice()
        .iter()
        .all(|byte| (b' '..=b'~').contains(byte))
    {
        return None;
    }
    cells.iter().zip(&table.names).find_map(|(cell, name)| {
        let is_stray = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let reason = match str::from_utf8(cell) {
            Err(_) => "it is not UTF-8",
            Ok(cell) if cell.contains(is_stray) => "it holds a control character",
            Ok(_) => return None,
        };
        Some((name.clone(), reason.to_owned()))
    })
}
