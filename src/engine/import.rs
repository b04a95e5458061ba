//! Importing files: all of them in one write, or nothing.

use super::running::Running;
use super::{Caller, Clock, Door, Engine, Rejection, Result, Summary};
use crate::actions;
use crate::actions::import::Import;
use crate::domain::calendar::Calendar;
use crate::domain::change::Day;
use crate::domain::days::day;
use crate::domain::draft::{Author, Planned};
use crate::domain::portfolio::Portfolio;
use crate::domain::statement::Statements;
use crate::files::{self, Source};

/// What an import came to.
#[derive(Debug)]
pub struct Imported {
    /// What changed.
    pub summary: Summary,
    /// The rows that cannot be right.
    pub rejections: Vec<Rejection>,
    /// Whether anything was written, or would have had to be.
    pub written: bool,
}

/// Puts the rows that are left out in a safe place, before anything is written.
pub type KeepRejected = Box<dyn FnOnce(&[Rejection]) -> Result<()> + Send>;

impl Engine {
    /// Imports files: all of them in one write, or nothing when a row is bad. With `skipping`, the good
    /// rows are written once the bad ones are kept; a file that cannot be read at all still ends it.
    /// Makes the database when there is none. A `log.csv` among the files is the whole record.
    pub fn import(
        &self,
        sources: Vec<Source>,
        skipping: Option<KeepRejected>,
        caller: &Caller,
    ) -> Result<Imported> {
        self.guarded(|| {
            self.check_name()?;
            if let Some(log) = files::log_of(&sources)? {
                return self.restore(log, sources.len() - 1);
            }
            let exists = self
                .config
                .database
                .as_ref()
                .is_none_or(|path| path.exists());
            if exists {
                let running = self.running(true)?;
                let stated = files::read(&sources, running.snapshot.get().settings());
                return import(&running, self.clock(), stated, skipping, caller);
            }
            // A first import that fails leaves no empty database behind.
            let nothing = Portfolio::default();
            let stated = files::read(&sources, nothing.settings());
            let (author, today) = author(caller, self.clock(), &nothing, &stated);
            let Import {
                summary,
                rejections,
                ..
            } = actions::import::plan(&nothing, &stated, &author, today);
            let is_refused = !rejections.is_empty() && skipping.is_none();
            if is_refused || !stated.unreadable.is_empty() {
                return Ok(Imported {
                    summary,
                    rejections,
                    written: false,
                });
            }
            import(
                &*self.running(true)?,
                self.clock(),
                stated,
                skipping,
                caller,
            )
        })
    }
}

/// Imports what files state into a database that is open.
pub(super) fn import(
    running: &Running,
    clock: Clock,
    stated: Statements,
    skipping: Option<KeepRejected>,
    caller: &Caller,
) -> Result<Imported> {
    let caller = caller.clone();
    running.writer.write(move |portfolio, _| {
        let (author, today) = author(&caller, clock, portfolio, &stated);
        let Import {
            planned,
            summary,
            rejections,
        } = actions::import::plan(portfolio, &stated, &author, today);
        let written = match skipping {
            _ if !stated.unreadable.is_empty() => false,
            Some(keep) if !rejections.is_empty() => {
                keep(&rejections)?;
                true
            }
            _ => rejections.is_empty(),
        };
        let planned = if written {
            planned
        } else {
            Planned::nothing(portfolio)
        };
        Ok((
            planned,
            Imported {
                summary,
                rejections,
                written,
            },
        ))
    })
}

/// Who imports, and when: the instant, and the business date it lies in. A first import is dated in the
/// time zone that its own files say.
fn author(
    caller: &Caller,
    clock: Clock,
    portfolio: &Portfolio,
    stated: &Statements,
) -> (Author, Day) {
    let mut settings = portfolio.settings().clone();
    let is_open = portfolio.is_empty() && settings.calendar.zone == Calendar::default().zone;
    for row in stated.settings.iter().filter(|_| is_open) {
        if row.name == "time_zone" {
            // It was checked when it was read.
            let _ = settings.set(row.name, stated.text(row.value));
        }
    }
    let now = clock.within(&settings);
    let author = Author {
        actor: caller.actor.clone(),
        role: caller.role,
        client: caller.client.clone(),
        trace: caller.trace.clone(),
        door: Door::Import,
        reason: String::new(),
        now,
    };
    (author, day(settings.calendar.date_of(now)))
}
