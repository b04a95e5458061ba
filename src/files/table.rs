//! One file as a table: its header matched against the columns a reader knows, each column looked
//! through once for how its numbers and dates are written, then its rows one by one (`row`).

use super::Source;
use super::dates::Order;
use super::dialect::{self, Raw, Records, squeeze};
use super::formula::unmarked;
use super::lookalikes;
use super::numbers::{Marks, Shares};
use super::row::Row;
use crate::domain::statement::{Place, Rejection, StatedFile, Statements};
use crate::domain::texts::Text;
use crate::language::vocabulary::quoted;

/// The name of a column is at most this long, in characters.
const LONGEST_NAME: usize = 200;

/// A column that a reader knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub name: &'static str,
    pub is_required: bool,
}

/// Declares the columns of a file: a struct with one [`Column`] each, and which of them it must have.
/// A column whose name is a keyword is written `kind = "type"`.
macro_rules! columns {
    ($name:ident { $($field:ident $(= $word:literal)? $($required:ident)?),+ $(,)? }) => {
        struct $name { $($field: crate::files::table::Column),+ }

        impl $name {
            const SPECS: &[crate::files::table::Spec] = &[$(crate::files::table::Spec {
                name: columns!(@name $field $($word)?),
                is_required: columns!(@required $($required)?),
            }),+];

            fn of(table: &crate::files::table::Table<'_>) -> Self {
                $name { $($field: table.column(columns!(@name $field $($word)?))),+ }
            }
        }
    };
    (@required required) => { true };
    (@required) => { false };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $word:literal) => { $word };
}
pub(super) use columns;

/// How the cells of a column are written, learnt from all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Format {
    pub marks: Marks,
    pub shares: Shares,
    pub order: Order,
}

/// What a column is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Amounts and other numbers.
    Number,
    /// Probabilities.
    Share,
    /// Dates and instants.
    Date,
}

impl Format {
    /// Learns from one cell.
    pub fn note(&mut self, cell: &str, look: Look) {
        match look {
            Look::Number => self.marks.note(cell),
            Look::Share => self.shares.note(cell),
            Look::Date => self.order.note(cell),
        }
    }
}

/// A known column as a file has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub name: &'static str,
    /// Its place in a row; `None` when the file does not have it.
    pub place: Option<usize>,
    pub format: Format,
}

/// A file whose header is understood.
pub(super) struct Table<'a> {
    source: &'a Source,
    file: u32,
    columns: Vec<Column>,
    /// The header as it stands.
    pub names: Vec<String>,
    /// Columns nobody knows: (place, name of the attribute).
    pub attributes: Vec<(usize, Text)>,
}

/// How many rows a file has.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub file: u32,
    /// Rows that say something.
    pub rows: u64,
    /// Rows without any cell filled.
    pub blank: u64,
}

impl<'a> Table<'a> {
    /// Reads the header and looks through the columns that `looks` names.
    pub fn open(
        source: &'a Source,
        specs: &'static [Spec],
        looks: &[(&str, Look)],
        statements: &mut Statements,
    ) -> Result<Self, Rejection> {
        let file = u32::try_from(statements.files.len()).unwrap_or(u32::MAX);
        statements.files.push(StatedFile {
            name: source.name.clone(),
            rows: 0,
        });
        let whole = |reason: String| Rejection {
            file: source.name.clone(),
            line: 1,
            column: String::new(),
            reason,
        };
        if let Some(trouble) = dialect::trouble(&source.bytes) {
            return Err(whole(trouble.to_owned()));
        }
        let mut records = Records::new(&source.bytes);
        let names = match records.next() {
            None => {
                return Err(whole(
                    "The file is empty; its first line must name the columns.".to_owned(),
                ));
            }
            Some(header) => header_names(&header).map_err(whole)?,
        };
        let squeezed: Vec<String> = names.iter().map(|name| squeeze(name)).collect();
        if let Some(twice) = squeezed.iter().enumerate().find_map(|(place, name)| {
            (!name.is_empty() && squeezed.iter().take(place).any(|other| other == name))
                .then(|| names.get(place))?
        }) {
            return Err(whole(format!("Two columns are called {}.", quoted(twice))));
        }
        let mut columns: Vec<Column> = specs
            .iter()
            .map(|spec| Column {
                name: spec.name,
                place: squeezed.iter().position(|name| *name == squeeze(spec.name)),
                format: Format::default(),
            })
            .collect();
        let missing = columns
            .iter()
            .zip(specs)
            .filter(|(column, spec)| spec.is_required && column.place.is_none());
        let missing: Vec<&str> = missing.map(|(column, _)| column.name).collect();
        if !missing.is_empty() {
            let hints = questions(&names, |ours| missing.contains(&ours));
            let hint = if hints.is_empty() {
                String::new()
            } else {
                format!(" Rename {} if that is it.", hints.join(", "))
            };
            return Err(whole(format!(
                "There is no column {}.{hint}",
                missing.join(", nor ")
            )));
        }
        let is_known = |place: usize| columns.iter().any(|column| column.place == Some(place));
        let unknown = names
            .iter()
            .enumerate()
            .filter(|(place, name)| !name.is_empty() && !is_known(*place));
        let attributes = unknown
            .map(|(place, name)| (place, statements.number(&attribute_name(name))))
            .collect();
        let look_of = |column: &Column| {
            looks
                .iter()
                .find(|(name, _)| *name == column.name)
                .map(|(_, look)| *look)
        };
        let mut looked_at: Vec<(&mut Column, Look)> = columns
            .iter_mut()
            .filter(|column| column.place.is_some())
            .filter_map(|column| look_of(column).map(|look| (column, look)))
            .collect();
        while !looked_at.is_empty()
            && let Some(raw) = records.next()
        {
            for (column, look) in &mut looked_at {
                if let Some(cell) = raw.cell(column) {
                    column.format.note(cell, *look);
                }
            }
        }
        Ok(Table {
            source,
            file,
            columns,
            names,
            attributes,
        })
    }

    /// A column that `open` was told of.
    pub fn column(&self, name: &'static str) -> Column {
        let missing = Column {
            name,
            place: None,
            format: Format::default(),
        };
        self.columns
            .iter()
            .find(|column| column.name == name)
            .copied()
            .unwrap_or(missing)
    }

    /// Columns nobody knows that may be ones of ours under another program's name, each as a question.
    pub fn questions(&self) -> Vec<String> {
        let is_missing = |ours: &str| {
            let column = self.columns.iter().find(|column| column.name == ours);
            column.is_some_and(|column| column.place.is_none())
        };
        let unknown = self.attributes.iter();
        let names: Vec<String> = unknown
            .filter_map(|(place, _)| self.names.get(*place).cloned())
            .collect();
        questions(&names, is_missing)
    }

    /// Looks at the rows without judging them.
    pub fn look(&self, mut look: impl FnMut(&Raw<'_>)) {
        let mut records = Records::new(&self.source.bytes);
        records.next();
        while let Some(raw) = records.next() {
            look(&raw);
        }
    }

    /// Reads every row. A row in which `read` finds a fault is rejected, and what it returned dropped.
    pub fn read<T>(
        &self,
        statements: &mut Statements,
        mut read: impl FnMut(&mut Row<'_>) -> Option<T>,
    ) -> (Vec<T>, Tally) {
        let (mut rows, mut tally) = (
            Vec::new(),
            Tally {
                file: self.file,
                ..Tally::default()
            },
        );
        let mut records = Records::new(&self.source.bytes);
        records.next();
        while let Some(raw) = records.next() {
            if raw.cells.iter().all(|cell| cell.trim_ascii().is_empty()) {
                tally.blank += 1;
                continue;
            }
            tally.rows += 1;
            let place = Place {
                file: self.file,
                line: raw.line,
            };
            let mut row = Row::new(self, &raw, place, statements);
            if row.is_damaged() {
                // What can be read of it still tells whose history has lost its opportunity.
                read(&mut row);
            } else if let Some(row) = read(&mut row).filter(|_| row.is_sound()) {
                rows.push(row);
            }
            if let Some(rejection) = row.rejection() {
                statements.rejections.push(rejection);
            }
        }
        (rows, tally)
    }
}

impl Raw<'_> {
    /// The text of a cell; `None` when it is empty, missing or no text.
    pub fn cell(&self, column: &Column) -> Option<&str> {
        let cell = str::from_utf8(self.cells.get(column.place?)?).ok()?.trim();
        (!cell.is_empty()).then(|| unmarked(cell))
    }
}

/// "Close Date (expected_close or actual_close)", for each name that may mean a missing column.
fn questions(names: &[String], is_missing: impl Fn(&str) -> bool) -> Vec<String> {
    let question = |name: &String| {
        let meant = lookalikes::meant(name, &is_missing);
        (!meant.is_empty()).then(|| format!("{} ({})", quoted(name), meant.join(" or ")))
    };
    names.iter().filter_map(question).collect()
}

fn header_names(header: &Raw<'_>) -> Result<Vec<String>, String> {
    let names = header
        .cells
        .iter()
        .map(|cell| str::from_utf8(cell).map(|name| unmarked(name.trim()).to_owned()));
    let names: Result<Vec<String>, _> = names.collect();
    let names = names.map_err(|_| {
        "The names of the columns are not UTF-8. Save the file as \"CSV UTF-8\".".to_owned()
    })?;
    // A spreadsheet may break a long name over two lines.
    let is_stray = |c: char| c.is_control() && !c.is_whitespace();
    match names
        .iter()
        .find(|name| name.chars().count() > LONGEST_NAME || name.chars().any(is_stray))
    {
        Some(name) => Err(format!("{} cannot be the name of a column.", quoted(name))),
        None => Ok(names),
    }
}

/// The name under which an unknown column is kept.
fn attribute_name(column: &str) -> String {
    column
        .trim()
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("_")
}
