//! Reading the log into a portfolio: all of it when it is opened, and what is new after that.

use std::path::Path;

use rusqlite::OpenFlags;

use super::reading::UnderWay;
use super::{Error, Head, Reading, Result, Store, connect, rows, texts};
use crate::domain::change::Position;
use crate::domain::chunk::SIZE;
use crate::domain::origin::Origin;
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::Texts;

/// A log of more positions than this is read through two connections at once: of a shorter one, opening the
/// second takes about as long as it saves.
const LONG: Position = 10_000;

impl Store {
    /// Brings a portfolio to the head of the log; says whether there was anything new. The log only
    /// grows, so rows up to the head read first are all there, whoever writes meanwhile.
    pub fn bring_to_head(&self, portfolio: &mut Portfolio, reading: &Reading) -> Result<bool> {
        let head = self.head()?;
        let (after, deals, first_text) = (
            portfolio.position(),
            portfolio.len(),
            portfolio.texts().len(),
        );
        if head.position <= after {
            return Ok(false);
        }
        let under_way = reading.begin(head.position - after);
        let mut absorbing = portfolio.absorbing();
        absorbing.notes(head.notes);
        let org = self.org;
        let whole = self
            .path
            .as_deref()
            .filter(|_| after == 0 && head.position > LONG);
        std::thread::scope(|scope| {
            let rest = whole
                .map(|path| scope.spawn(|| TextsAndOrigins::read(path, org, &head, &under_way)));
            if rest.is_none() {
                rows::texts(&self.connection, org, first_text, head.texts, |text| {
                    absorbing.text(text)
                })?;
                rows::origins(&self.connection, org, deals, head.position, |origin| {
                    under_way.row();
                    absorbing.origin(origin);
                })?;
            }
            rows::entries(&self.connection, org, after, head.position, |entry| {
                absorbing.entry(entry)
            })?;
            rows::changes(&self.connection, org, after, head.position, |change| {
                under_way.row();
                absorbing.change(change);
            })?;
            if let Some(rest) = rest {
                let rest = rest
                    .join()
                    .map_err(|_| Error::Other(anyhow::anyhow!("reading the log panicked")))??;
                absorbing.texts(rest.texts);
                rest.origins
                    .into_iter()
                    .for_each(|origins| absorbing.origins(origins));
            }
            absorbing.finish();
            Ok::<_, Error>(())
        })?;
        if portfolio.position() != head.position {
            let (has, ends) = (portfolio.position(), head.position);
            return Err(Error::Damaged(format!(
                "the log ends at {ends}, but only {has} of its changes are there"
            )));
        }
        // One that is gone leaves no gap: its changes would be said to be of the entry before.
        let entries = portfolio.entries().len();
        if i64::try_from(entries) != Ok(head.entries) {
            let stated = head.entries;
            return Err(Error::Damaged(format!(
                "there should be {stated} entries, but {entries} are there"
            )));
        }
        Ok(true)
    }
}

/// What is read of a whole log through a second connection, while its entries and changes are read through
/// the first: about as much.
struct TextsAndOrigins {
    texts: Texts,
    /// Those of each chunk of deals.
    origins: Vec<Vec<Origin>>,
}

impl TextsAndOrigins {
    /// Reads it through a connection of its own.
    fn read(
        path: &Path,
        org: i64,
        head: &Head,
        under_way: &UnderWay<'_>,
    ) -> Result<TextsAndOrigins> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let texts = texts(&connection, org, head.texts)?;
        let mut origins: Vec<Vec<Origin>> = Vec::new();
        rows::origins(&connection, org, 0, head.position, |origin| {
            under_way.row();
            let chunk = origin.deal / SIZE;
            let of_chunk = origins.last_mut().filter(|origins| {
                let first = origins.first();
                first.is_some_and(|first| first.deal / SIZE == chunk)
            });
            if let Some(of_chunk) = of_chunk {
                of_chunk.push(origin);
            } else {
                let mut of_chunk = Vec::with_capacity(SIZE as usize);
                of_chunk.push(origin);
                origins.push(of_chunk);
            }
        })?;
        Ok(TextsAndOrigins { texts, origins })
    }
}
