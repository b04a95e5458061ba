//! Writing everything out: the files that an import reads, and the log itself. All of it is of one
//! position of the log, whoever writes meanwhile, and the folder is there whole or not at all.

use std::io;
use std::path::PathBuf;

use super::reader::Reader;
use super::{Engine, Error, Result};
use crate::domain::log::{Row, Soundness};
use crate::domain::portfolio::Portfolio;
use crate::files::export::{Exported, FILES, Folder, Rows};
use crate::files::log::{LogWriter, NAME};

/// A file that was written, and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub file: String,
    /// Its rows; of the log its positions.
    pub rows: u64,
}

impl Engine {
    /// Writes everything into a new or empty folder.
    pub fn export(&self, place: PathBuf) -> Result<Vec<Written>> {
        self.guarded(|| {
            let portfolio = self.portfolio()?;
            let reader = self.reader()?;
            let folder = Folder::begin(&place)?;
            let mut written = plain(&portfolio, &reader, &folder)?;
            written.push(log(&portfolio, &reader, &folder)?);
            folder.finish()?;
            Ok(written)
        })
    }
}

fn plain(portfolio: &Portfolio, reader: &Reader, folder: &Folder) -> Result<Vec<Written>> {
    let note = |number| {
        let missing = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("note {number} is missing"),
            )
        };
        match reader.note(number) {
            Ok(note) => note.ok_or_else(missing),
            Err(Error::Refused(refusal)) => Err(io::Error::other(refusal.message)),
            Err(Error::Ours(error)) => Err(io::Error::other(error)),
        }
    };
    let exported = Exported {
        portfolio,
        note: &note,
    };
    let file = |(name, write): &(&str, crate::files::export::WriteRows)| {
        let rows = folder.file(name, |out| {
            let mut rows = Rows::new(out);
            write(&exported, &mut rows)
                .and_then(|()| rows.finish())
                .map_err(|error| Error::from(folder.fault(&error)))
        })?;
        Ok(Written {
            file: (*name).to_owned(),
            rows,
        })
    };
    FILES.iter().map(file).collect()
}

fn log(portfolio: &Portfolio, reader: &Reader, folder: &Folder) -> Result<Written> {
    let end = portfolio.position();
    folder.file(NAME, |out| {
        let fault = |error: io::Error| Error::from(folder.fault(&error));
        let damaged = |what: String| fault(io::Error::new(io::ErrorKind::InvalidData, what));
        let mut soundness = Soundness::new(portfolio.texts().len(), portfolio.notes());
        let mut writer = LogWriter::new(out, portfolio.texts()).map_err(fault)?;
        for number in 0..portfolio.notes() {
            let note = reader.note(number)?;
            let note = note.ok_or_else(|| damaged(format!("note {number} is missing")))?;
            writer.note(number, &note).map_err(fault)?;
        }
        reader.log((0, end), |row: Row| {
            match soundness.fault(&row, portfolio.texts()) {
                Some(fault) => Err(damaged(fault)),
                None => writer.row(&row).map_err(fault),
            }
        })?;
        match soundness.finish() {
            Some(fault) => return Err(damaged(fault)),
            None if soundness.last() != end => {
                return Err(damaged(format!("the log ends at {}", soundness.last())));
            }
            None => {}
        }
        writer.finish(end).map_err(fault)?;
        Ok(Written {
            file: NAME.to_owned(),
            rows: u64::from(end),
        })
    })
}
