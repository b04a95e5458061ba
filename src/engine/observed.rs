//! What those who run the program watch: every call as it ends, and how the portfolio stands.

use std::time::Duration;

use super::{Engine, Error, Result};
use crate::domain::change::Position;
use crate::refusal::Code;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was answered.
    Answered,
    /// It was refused.
    Refused(Code),
    /// We failed.
    Failed,
}

impl Ending {
    pub(super) fn of<T>(result: &Result<T>) -> Ending {
        match result {
            Ok(_) => Ending::Answered,
            Err(Error::Refused(refusal)) => Ending::Refused(refusal.code),
            Err(Error::Ours(_)) => Ending::Failed,
        }
    }
}

/// A call that ended.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The tool.
    pub tool: &'static str,
    /// How it ended.
    pub ending: Ending,
    /// How long it took.
    pub took: Duration,
}

/// Who is told of every call.
pub(super) type Observer = Box<dyn Fn(&Called) + Send + Sync>;

/// How the portfolio stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// How many opportunities are on record.
    pub opportunities: u32,
    /// Where the log ends.
    pub position: Position,
    /// How long ago the last change was recorded; none when there is none.
    pub age: Option<Duration>,
}

impl Engine {
    /// Tells somebody of every call from now on. There is one such somebody: a second is not heard.
    pub fn observe(&self, observer: impl Fn(&Called) + Send + Sync + 'static) {
        if self.observer.set(Box::new(observer)).is_err() {
            tracing::debug!("calls are observed already");
        }
    }

    pub(super) fn tell(&self, called: &Called) {
        if let Some(observer) = self.observer.get() {
            observer(called);
        }
    }

    /// How the portfolio stands, which also says that the database can be read.
    pub fn vitals(&self) -> Result<Vitals> {
        self.guarded(|| {
            let portfolio = self.portfolio()?;
            let last = portfolio.entry_of(portfolio.position());
            let age = last.map(|entry| {
                let age = self.wall_clock().saturating_sub(entry.recorded_at);
                Duration::from_millis(u64::try_from(age).unwrap_or_default())
            });
            Ok(Vitals {
                opportunities: portfolio.len(),
                position: portfolio.position(),
                age,
            })
        })
    }
}
