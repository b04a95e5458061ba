//! Reading the log itself, row by row, beside the portfolio that was folded from it: for writing it
//! out and for showing it. A database in a file is read through a connection of its own, so that no
//! writer waits; one in memory through the only connection there is, the writer's.

use std::sync::Arc;

use super::running::Running;
use super::{Engine, Error, Result};
use crate::domain::change::Position;
use crate::domain::draft::Planned;
use crate::domain::log::Row;
use crate::store::Store;

/// Where rows of the log come from.
pub(super) enum Reader {
    /// A connection of its own.
    Own(Box<Store>),
    /// The writer's.
    Writers(Arc<Running>),
}

impl Engine {
    /// Something to read the log by.
    pub(super) fn reader(&self) -> Result<Reader> {
        let running = self.running(false)?;
        let Some(path) = &self.config.database else {
            return Ok(Reader::Writers(running));
        };
        match Store::open(path, &self.config.organisation)? {
            Some(store) => Ok(Reader::Own(Box::new(store))),
            None => Err(crate::store::Error::Missing(path.clone()).into()),
        }
    }
}

impl Reader {
    /// Hands over the rows after one position up to another.
    pub(super) fn log<E: From<Error>>(
        &self,
        (after, up_to): (Position, Position),
        mut take: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Reader::Own(store) => through(|take| store.log(after, up_to, take), take),
            Reader::Writers(running) => {
                let rows = running.writer.write(move |portfolio, store| {
                    let mut rows = Vec::new();
                    store.log(after, up_to, |row| {
                        rows.push(row);
                        Ok::<_, Error>(())
                    })?;
                    Ok((Planned::nothing(portfolio), rows))
                })?;
                rows.into_iter().try_for_each(&mut take)
            }
        }
    }

    /// A long text by its number.
    pub(super) fn note(&self, number: u32) -> Result<Option<String>> {
        match self {
            Reader::Own(store) => Ok(store.note(number)?),
            Reader::Writers(running) => running.note(number),
        }
    }
}

/// What stops a reading: the store, or whoever takes the rows.
enum Stopped<E> {
    Store(crate::store::Error),
    Taker(E),
}

impl<E> From<crate::store::Error> for Stopped<E> {
    fn from(error: crate::store::Error) -> Self {
        Stopped::Store(error)
    }
}

fn through<E: From<Error>>(
    read: impl FnOnce(&mut dyn FnMut(Row) -> Result<(), Stopped<E>>) -> Result<(), Stopped<E>>,
    mut take: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    read(&mut |row| take(row).map_err(Stopped::Taker)).map_err(|stopped| match stopped {
        Stopped::Store(error) => Error::from(error).into(),
        Stopped::Taker(error) => error,
    })
}
