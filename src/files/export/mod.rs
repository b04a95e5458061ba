//! The files that an import reads, written from a portfolio: what stands on record now, and the history
//! that led there. Here are the list of the files and how their cells are spelt; each of the other
//! files writes one sort. To write one more, add it to [`FILES`].
//!
//! What these files cannot say (who, when recorded, why, what was undone) is in `log.csv` (`log`).

mod copy;
mod deals;
mod folder;
mod history;
mod parties;
mod plans;
mod signals;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use csv::Writer;

use super::formula::marked;
use crate::domain::change::{Day, Millis};
use crate::domain::days::date;
use crate::domain::money::{BasisPoints, Currency};
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::{NONE, Text};

pub use self::copy::Copy;
pub use self::folder::Folder;

/// What is written out.
pub struct Exported<'a> {
    /// The portfolio as it stands.
    pub portfolio: &'a Portfolio,
    /// A long text by its number.
    pub note: &'a dyn Fn(u32) -> io::Result<String>,
}

/// Writes the rows of one file, the names of its columns first.
pub type WriteRows = fn(&Exported<'_>, &mut Rows<'_>) -> io::Result<()>;

/// Every file with what writes it, in the order they are listed.
pub const FILES: [(&str, WriteRows); 10] = [
    ("opportunities.csv", deals::deals),
    ("customers.csv", parties::customers),
    ("people.csv", parties::people),
    ("stage_history.csv", history::moves),
    ("field_history.csv", history::edits),
    ("targets.csv", plans::targets),
    ("forecasts.csv", plans::forecasts),
    ("rates.csv", plans::rates),
    ("signals.csv", signals::signals),
    ("settings.csv", plans::settings),
];

/// A file being written, row by row.
pub struct Rows<'a> {
    csv: Writer<&'a mut dyn Write>,
    rows: u64,
}

impl<'a> Rows<'a> {
    /// Begins a file.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Rows {
            csv: Writer::from_writer(out),
            rows: 0,
        }
    }

    fn header<T: AsRef<str>>(&mut self, names: impl IntoIterator<Item = T>) -> io::Result<()> {
        for name in names {
            self.csv.write_field(marked(name.as_ref()).as_bytes())?;
        }
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }

    fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
        self.rows += 1;
        self.header(cells)
    }

    /// Ends the file, and says how many rows it has.
    pub fn finish(mut self) -> io::Result<u64> {
        self.csv.flush()?;
        Ok(self.rows)
    }
}

impl Exported<'_> {
    fn text(&self, text: Text) -> &str {
        self.portfolio.text(text)
    }

    /// An amount with a point and, where it has cents, two decimals.
    fn amount(&self, minor: i64, currency: Currency) -> String {
        let per_major = currency.minor_per_major();
        match minor % per_major {
            0 => (minor / per_major).to_string(),
            _ => decimal(minor),
        }
    }

    fn currency(&self) -> Currency {
        self.portfolio.settings().currency
    }

    /// An instant: a business date when it is the first of one, else in UTC to the millisecond.
    fn instant(&self, at: Millis) -> String {
        let calendar = &self.portfolio.settings().calendar;
        let on = calendar.date_of(at);
        if calendar.start_of(on) == at {
            return on.to_string();
        }
        super::log::instant(at)
    }

    /// A long text; nothing for none.
    fn note(&self, number: u32) -> io::Result<String> {
        if number == NONE {
            return Ok(String::new());
        }
        (self.note)(number)
    }

    fn person_id(&self, number: u32) -> &str {
        let person = self.portfolio.person(number);
        self.text(person.map_or(NONE, |person| person.id))
    }

    fn person_name(&self, number: u32) -> &str {
        let person = self.portfolio.person(number);
        self.text(person.map_or(NONE, |person| person.name))
    }

    fn customer_id(&self, number: u32) -> &str {
        let customer = self.portfolio.customer(number);
        self.text(customer.map_or(NONE, |customer| customer.id))
    }
}

/// A day; nothing for none.
fn day(day: Day) -> String {
    date(day).map(|date| date.to_string()).unwrap_or_default()
}

/// A probability with its sign, so that it is read as percent whatever its neighbours are.
fn percent(share: BasisPoints) -> String {
    let text = decimal(i64::from(share));
    let text = match text.strip_suffix(".00") {
        Some(whole) => whole,
        None => text.trim_end_matches('0'),
    };
    format!("{text}%")
}

/// Hundredths with both decimals.
fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let hundredths = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The names of attributes as columns beside those a file has anyway. Two that would read as one name
/// get a number, because no file may call two columns the same.
fn attribute_columns(known: &[&str], attributes: &[&str]) -> Vec<String> {
    use super::dialect::squeeze;
    let mut taken: Vec<String> = known.iter().map(|name| squeeze(name)).collect();
    let mut columns = Vec::with_capacity(attributes.len());
    for name in attributes {
        let spelt = (1..)
            .map(|nth| match nth {
                1 => (*name).to_owned(),
                nth => format!("{name} ({nth})"),
            })
            .find(|name| !taken.contains(&squeeze(name)))
            .unwrap_or_default();
        taken.push(squeeze(&spelt));
        columns.push(spelt);
    }
    columns
}
