//! Importing a `log.csv`: the log of an organisation, made again in an empty database, every position
//! and both clocks as they were. Nothing is planned; what the log says is what there is.

use super::{Counts, Engine, Error, Imported, Result, Summary};
use crate::actions::import::FileRows;
use crate::domain::change::{Batch, Subject, field};
use crate::domain::draft::Planned;
use crate::files::{self, Source};
use crate::language::figures::count_of;
use crate::refusal::{Code, Refusal};

impl Engine {
    /// Makes the log of a file again. The database is made when there is none, and must hold nothing of
    /// the organisation yet.
    pub(super) fn restore(&self, log: &Source, others: usize) -> Result<Imported> {
        let batch = files::log::read(log).map_err(|rejection| {
            let column = match rejection.column.as_str() {
                "" => String::new(),
                column => format!(", {column}"),
            };
            let (file, line) = (&rejection.file, rejection.line);
            let message = format!("{file}, line {line}{column}: {}.", rejection.reason);
            Refusal::new(Code::DamagedLog, message).hint(
                "Nothing was written. Export again, or import the other files by name: they say how things \
                 stand, though not who changed what.",
            )
        })?;
        let summary = summary(&log.name, &batch, others);
        self.running(true)?.writer.write(move |portfolio, _| {
            if portfolio.position() > 0 {
                let message = format!(
                    "The database holds a log already, which ends at position {}.",
                    portfolio.position()
                );
                return Err(Error::Refused(Refusal::new(Code::NotEmpty, message).hint(
                    "A log.csv makes a database anew: give another --db or --org, or import the other files by \
                     name, without it.",
                )));
            }
            let mut after = portfolio.clone();
            after.absorb(batch.clone());
            let imported = Imported {
                summary,
                rejections: Vec::new(),
                written: true,
            };
            Ok((Planned {
                    after,
                    batch,
                    said: Vec::new(),
                }, imported))
        })
    }
}

/// What a log holds, counted as an import counts. Moves and changes of fields are not told apart from
/// what else was recorded, so of history only the positions are said.
fn summary(name: &str, batch: &Batch, others: usize) -> Summary {
    let new = |is: fn(&Subject) -> bool| {
        let mut subjects: Vec<Subject> = batch
            .changes
            .iter()
            .filter(|row| matches!(row.change.field, field::ID | field::VALUE))
            .map(|row| row.subject)
            .filter(is)
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        Counts {
            new: subjects.len() as u64,
            ..Counts::default()
        }
    };
    let positions = batch.len() as u64;
    let entries = count_of(batch.entries.len() as u64, "entry", "entries");
    let places = count_of(positions, "position", "positions");
    let mut notes = vec![format!(
        "The log was made again as it was: {places} in {entries}, with both clocks."
    )];
    if others > 0 {
        notes.push("It says all that the other files say, so they were not read.".to_owned());
    }
    Summary {
        files: vec![FileRows {
            file: name.to_owned(),
            rows: positions,
        }],
        opportunities: Counts {
            new: batch.deals.len() as u64,
            ..Counts::default()
        },
        customers: new(|subject| matches!(subject, Subject::Customer(_))),
        people: new(|subject| matches!(subject, Subject::Person(_))),
        targets: new(|subject| matches!(subject, Subject::Target(_))),
        forecasts: new(|subject| matches!(subject, Subject::Forecast(_))),
        settings: new(|subject| matches!(subject, Subject::Setting(_))),
        rates: new(|subject| matches!(subject, Subject::Rate(_))),
        signals: new(|subject| matches!(subject, Subject::Signal(_))),
        notes,
        ..Summary::default()
    }
}
