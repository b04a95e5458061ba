//! FILES. The dialect of export files, rows in and rejected rows out. Belongs here: which file is
//! which, how spreadsheets and CRM exports write numbers and dates, and what makes a row impossible
//! by itself. Whether a row agrees with the portfolio is for `actions::import` to say; no SQL, no
//! business rule.
//!
//! `dialect` finds records, `table` columns, `row` cells; each of the other files reads one sort.

mod dates;
mod deals;
mod dialect;
pub mod export;
mod formula;
mod history;
pub mod log;
mod lookalikes;
mod numbers;
mod parties;
mod plans;
mod rates;
mod rejected;
mod row;
mod signals;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use self::table::{Format, Look, Spec, Table, Tally};
use crate::domain::settings::Settings;
use crate::domain::statement::{Rejection, Statements};
use crate::language::clean;
use crate::refusal::{Code, Refusal, Result};

pub use self::rejected::write_rejected;

/// One file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, as it is shown; the last part of a path decides what it holds.
    pub name: String,
    /// What it holds; empty when the file is none the importer knows.
    pub bytes: Vec<u8>,
}

/// The sorts of files, in the order they are read: what others depend on first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Settings,
    People,
    Customers,
    Deals,
    Moves,
    Edits,
    Targets,
    Forecasts,
    Rates,
    Signals,
    Log,
}

impl Sort {
    const NAMES: [(&str, Sort); 13] = [
        ("opportunities", Sort::Deals),
        ("customers", Sort::Customers),
        ("csms", Sort::People),
        ("people", Sort::People),
        ("sales_reps", Sort::People),
        ("stage_history", Sort::Moves),
        ("field_history", Sort::Edits),
        ("targets", Sort::Targets),
        ("forecasts", Sort::Forecasts),
        ("settings", Sort::Settings),
        ("rates", Sort::Rates),
        ("signals", Sort::Signals),
        ("log", Sort::Log),
    ];

    /// What a file holds, by its name. "Opportunities (2).csv" and "opportunities-2026-02-01.csv" are
    /// what browsers and export jobs make of a name.
    fn of(name: &str) -> Option<Sort> {
        let name = name
            .rsplit(['/', '\\'])
            .next()?
            .to_lowercase()
            .replace([' ', '-'], "_");
        let stem = name
            .strip_suffix(".csv")
            .or_else(|| name.strip_suffix(".tsv"))?;
        let is_copy = |rest: &str| !rest.chars().any(char::is_alphabetic);
        Self::NAMES
            .iter()
            .find(|(word, _)| stem.strip_prefix(word).is_some_and(is_copy))
            .map(|(_, sort)| *sort)
    }
}

/// Fetches the files of some paths: a folder stands for the files in it, not for those in its folders.
///
/// A file that is named itself must be one the importer knows; an unknown one found in a folder is
/// passed on without its contents, so that the reading can say it was skipped.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut named: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries =
                fs::read_dir(path).map_err(|error| not_readable(path, &error.to_string()))?;
            let mut inside: Vec<PathBuf> = entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            inside.retain(|file| file.is_file());
            inside.sort();
            found.append(&mut inside);
        } else if !path.exists() {
            return Err(not_readable(path, "there is no such file or folder"));
        } else if Sort::of(&path.to_string_lossy()).is_some()
            || rejected::is_rejected(&path.to_string_lossy())
        {
            named.push(path.clone());
            found.push(path.clone());
        } else {
            let names: Vec<String> = Sort::NAMES
                .iter()
                .map(|(name, _)| format!("{name}.csv"))
                .collect();
            return Err(not_readable(path, "its name does not say what it holds")
                .hint(format!("Call it one of {}.", names.join(", "))));
        }
    }
    // Rows that an import left out are taken up again only when they are asked for.
    let is_known =
        |file: &PathBuf| Sort::of(&file.to_string_lossy()).is_some() || named.contains(file);
    if !found.iter().any(is_known) {
        let all: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let there: Vec<String> = found.iter().take(5).map(|file| last(file)).collect();
        let there = if there.is_empty() {
            String::new()
        } else {
            format!(" ({} is there)", there.join(", "))
        };
        return Err(Refusal::new(
            Code::FileNotReadable,
            format!("There is nothing to import in {}{there}.", all.join(", ")),
        )
        .hint("Name a folder that holds an opportunities.csv, or the file itself."));
    }
    let is_twice = |name: &str| found.iter().filter(|file| last(file) == name).count() > 1;
    found
        .iter()
        .map(|file| {
            let name = last(file);
            let bytes = if is_known(file) {
                fs::read(file).map_err(|error| not_readable(file, &error.to_string()))?
            } else {
                Vec::new()
            };
            Ok(Source {
                name: if is_twice(&name) {
                    file.display().to_string()
                } else {
                    name
                },
                bytes,
            })
        })
        .collect()
}

/// The log among some files, when there is one: it says all that the others say.
pub fn log_of(sources: &[Source]) -> Result<Option<&Source>> {
    let mut logs = sources
        .iter()
        .filter(|source| Sort::of(&source.name) == Some(Sort::Log));
    match (logs.next(), logs.next()) {
        (Some(_), Some(other)) => Err(Refusal::new(
            Code::DamagedLog,
            format!("{} is a second log.", other.name),
        )
        .hint("Import one of them, into a database of its own.")),
        (log, _) => Ok(log),
    }
}

fn last(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn not_readable(path: &Path, why: &str) -> Refusal {
    Refusal::new(
        Code::FileNotReadable,
        format!("{} cannot be read: {why}.", path.display()),
    )
}

/// Reads a set of files. The settings are the organisation's; a `settings.csv` among the files goes
/// before them, because the zone and the currency decide what dates and amounts mean.
pub fn read(sources: &[Source], settings: &Settings) -> Statements {
    let mut stated = Statements::default();
    let mut settings = settings.clone();
    let mut sorted: Vec<(Sort, Cow<'_, Source>)> = Vec::new();
    for source in sources {
        let is_mended = rejected::is_rejected(&source.name) && !source.bytes.is_empty();
        match Sort::of(&source.name) {
            Some(sort) => sorted.push((sort, Cow::Borrowed(source))),
            None if is_mended => match rejected::taken_apart(source) {
                Some(parts) => sorted.extend(
                    parts
                        .into_iter()
                        .map(|(sort, part)| (sort, Cow::Owned(part))),
                ),
                None => stated.unreadable.push(Rejection {
                    file: source.name.clone(),
                    line: 1,
                    column: "rejected_file".to_owned(),
                    reason: "it does not say which file each row came from".to_owned(),
                }),
            },
            None => stated.notes.push(format!(
                "{} was skipped: it is none of the files an import knows.",
                source.name
            )),
        }
    }
    sorted.sort_by_key(|(sort, _)| *sort);
    for (sort, source) in &sorted {
        let source = source.as_ref();
        let read = match sort {
            Sort::Settings => plans::settings(source, &mut settings, &mut stated),
            Sort::People => parties::people(source, &mut stated),
            Sort::Customers => parties::customers(source, &settings, &mut stated),
            Sort::Deals => deals::deals(source, &settings, &mut stated),
            Sort::Moves => history::moves(source, &settings, &mut stated),
            Sort::Edits => history::edits(source, &settings, &mut stated),
            Sort::Targets => plans::targets(source, &settings, &mut stated),
            Sort::Forecasts => plans::forecasts(source, &settings, &mut stated),
            Sort::Rates => rates::rates(source, &settings, &mut stated),
            Sort::Signals => signals::signals(source, &settings, &mut stated),
            Sort::Log => Err(Rejection {
                file: source.name.clone(),
                line: 1,
                column: String::new(),
                reason: "a log is imported whole, from its own file".to_owned(),
            }),
        };
        if let Err(rejection) = read {
            stated.unreadable.push(rejection);
        }
    }
    stated.currency = settings.currency;
    stated
}

/// Opens a file and says what becomes of the columns nobody knows.
fn open<'a>(
    stated: &mut Statements,
    source: &'a Source,
    specs: &'static [Spec],
    looks: &[(&str, Look)],
    keeps_attributes: bool,
) -> std::result::Result<Table<'a>, Rejection> {
    let table = Table::open(source, specs, looks, stated)?;
    let names: Vec<String> = table
        .attributes
        .iter()
        .map(|(_, name)| clean(stated.text(*name), 60))
        .collect();
    if !names.is_empty() {
        let kept = if keeps_attributes {
            "kept as attributes"
        } else {
            "ignored"
        };
        let questions = table.questions();
        let question = if questions.is_empty() {
            String::new()
        } else {
            format!(
                " Rename and import again what is meant: {}.",
                questions.join(", ")
            )
        };
        stated.notes.push(format!(
            "{}: columns nobody knows are {kept}: {}.{question}",
            source.name,
            names.join(", ")
        ));
    }
    if table.names.iter().any(String::is_empty) {
        stated.notes.push(format!(
            "{}: a column without a name is ignored.",
            source.name
        ));
    }
    note_percent(stated, source, table.column("probability").format);
    Ok(table)
}

fn note_percent(stated: &mut Statements, source: &Source, probability: Format) {
    if !probability.shares.percent {
        return;
    }
    let small = match probability.shares.small {
        0 => String::new(),
        count => format!(" That goes for {count} of its values up to 1, too."),
    };
    stated.notes.push(format!(
        "{}: probability is read as percent throughout.{small}",
        source.name
    ));
}

/// Counts the rows of a file once they are read.
fn close(stated: &mut Statements, source: &Source, tally: &Tally) {
    if let Some(file) = stated.files.get_mut(tally.file as usize) {
        file.rows = tally.rows;
    }
    if tally.blank > 0 {
        stated.notes.push(format!(
            "{}: empty rows skipped: {}.",
            source.name, tally.blank
        ));
    }
}
