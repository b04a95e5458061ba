//! Showing the log: from a position on, and on as it grows.

use super::{Engine, Error, Result};
use crate::domain::change::Position;
use crate::language::journal::{Journal, Line};
use crate::refusal::{Code, Refusal};

impl Engine {
    /// Where the log ends now, with what other processes wrote.
    pub fn position(&self) -> Result<Position> {
        self.guarded(|| Ok(self.portfolio()?.position()))
    }

    /// Hands over what the log says after a position, in its order, and returns where it ends.
    pub fn log<E: From<Error>>(
        &self,
        since: Position,
        mut take: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<Position, E> {
        let (portfolio, reader) = self.guarded(|| Ok((self.portfolio()?, self.reader()?)))?;
        let end = portfolio.position();
        if since > end {
            let message = format!("Position {since} lies beyond the log.");
            let refusal = Refusal::new(Code::InvalidArgument, message);
            let refusal = refusal.hint(format!("The log ends at position {end}."));
            return Err(Error::from(refusal).into());
        }
        if since == end {
            return Ok(end);
        }
        let journal = Journal::of(&portfolio);
        reader.log((since, end), |row| {
            journal.line(&row).map_or(Ok(()), &mut take)
        })?;
        Ok(end)
    }
}
