//! The one way in. Picks the portfolio a question is asked of, applies what an action planned, and
//! is the only place that reads the wall clock. It knows no tool by name and no transport.

mod access;
mod backup;
mod caller;
mod check;
mod commands;
mod completing;
mod demo;
mod error;
mod export;
mod import;
mod journal;
mod observed;
mod questions;
mod reader;
mod remembered;
mod request;
mod restore;
mod running;
mod snapshot;
mod touched;
mod what_if;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::domain::change::{BEGINNING, Millis, Subject, field};
use crate::domain::draft::{Author, Draft};
use crate::domain::portfolio::Portfolio;
use crate::domain::settings::{self, NAMES, Settings};
use crate::registry::{Does, Tool};
use crate::store::Reading;

pub use self::import::{Imported, KeepRejected};
pub use crate::actions::import::{Conflict, Counts, Summary};
pub use crate::domain::change::Door;
pub use crate::domain::role::Role;
pub use crate::domain::statement::Rejection;
pub use crate::language::clean;
pub use crate::language::journal::Line;
pub use access::{Listed, Made};
pub use backup::BackedUp;
pub use caller::Caller;
pub use check::Finding;
pub use completing::Completed;
pub use error::{Error, Result};
pub use export::Written;
use observed::Observer;
pub use observed::{Called, Ending, Vitals};
use remembered::Remembered;
pub use request::Conversation;
use running::Running;
pub use touched::{About, Seen, Touched};

/// Which database, for whom, and on which day.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database; `None` for the built-in demo portfolio, kept in memory.
    pub database: Option<PathBuf>,
    /// The organisation.
    pub organisation: String,
    /// The business date to take as today: its noon is now. Without it the wall clock.
    pub today: Option<NaiveDate>,
    /// Whether nothing may be written, which the connections to the database see to.
    pub read_only: bool,
}

/// An answer: the structured one, and the text of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What validates against the tool's output schema.
    pub structured: Value,
    /// A few lines with every essential figure.
    pub text: String,
    /// Whether it may hold text that came from people or other systems.
    pub is_untrusted: bool,
}

/// Answers questions about one organisation and carries out commands on it.
pub struct Engine {
    config: Config,
    running: Mutex<Option<Arc<Running>>>,
    reading: Reading,
    remembered: Remembered,
    is_forgetful: bool,
    failures: AtomicU32,
    observer: OnceLock<Observer>,
}

impl Engine {
    /// An engine that opens its database when it is first asked.
    pub fn new(config: Config) -> Engine {
        Engine {
            config,
            running: Mutex::new(None),
            reading: Reading::default(),
            remembered: Remembered::default(),
            is_forgetful: false,
            failures: AtomicU32::new(0),
            observer: OnceLock::new(),
        }
    }

    /// The same, working every answer out afresh, also one that it has just given: to measure what that
    /// costs.
    #[must_use]
    pub fn forgetful(self) -> Engine {
        Engine {
            is_forgetful: true,
            ..self
        }
    }

    /// Opens and loads the database now, so that the first question need not wait. What goes wrong
    /// here is told to whoever asks first.
    pub fn warm_up(&self) {
        if let Err(Error::Ours(error)) = self.running(false) {
            tracing::warn!(error = format!("{error:#}"), "the database did not open");
        }
    }

    /// How far the database is read while it is being opened: changes read, and how many there are.
    /// None once it is open; asking never waits.
    pub fn opening(&self) -> Option<(u32, u32)> {
        self.reading.progress()
    }

    /// The answer of a tool, when it was given before, still holds and waits for nothing: then no thread
    /// need be found that may wait.
    pub fn at_once(
        &self,
        tool: &Tool,
        arguments: &Map<String, Value>,
        caller: &Caller,
    ) -> Option<Answer> {
        let started = Instant::now();
        let Does::Report(entry) = tool.does else {
            return None;
        };
        tool.check_role(caller.role).ok()?;
        let answer = self.recall(entry, arguments)?;
        self.tell(&Called {
            tool: tool.name,
            ending: Ending::Answered,
            took: started.elapsed(),
        });
        Some(answer)
    }

    /// Calls a tool. A panic or a failure of ours is logged here, once, and answered with a reference.
    pub fn call(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Answer> {
        self.call_in(tool, arguments, None, caller)
    }

    /// Calls a tool about which a person was asked, with what they said among the arguments.
    pub fn call_in(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        conversation: Option<&Conversation>,
        caller: &Caller,
    ) -> Result<Answer> {
        let started = Instant::now();
        let answered = self.guarded(|| {
            tool.check_role(caller.role)?;
            match tool.does {
                Does::Report(entry) => self.ask(tool, entry, arguments, caller),
                Does::Asking(entry) => self.ask_about(tool, entry, arguments, caller),
                Does::Action(entry) => self.command(tool, entry, arguments, conversation, caller),
            }
        });
        self.tell(&Called {
            tool: tool.name,
            ending: Ending::of(&answered),
            took: started.elapsed(),
        });
        answered
    }

    fn guarded<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let failure = match catch_unwind(AssertUnwindSafe(ask)) {
            Ok(Err(Error::Ours(failure))) => failure,
            Ok(answer) => return answer,
            Err(_) => anyhow::anyhow!("a handler panicked"),
        };
        let reference = format!(
            "{:x}-{}",
            self.wall_clock(),
            self.failures.fetch_add(1, Ordering::Relaxed)
        );
        tracing::error!(
            reference,
            error = format!("{failure:#}"),
            "could not answer"
        );
        Err(Error::Ours(anyhow::anyhow!(
            "Something went wrong on our side (reference {reference})."
        )))
    }

    /// The settings in force: (name, value), in order.
    pub fn settings(&self) -> Result<Vec<(&'static str, String)>> {
        self.guarded(|| {
            let portfolio = self.portfolio()?;
            Ok(shown(portfolio.settings()))
        })
    }

    /// The settings of an organisation that has set none.
    pub fn default_settings() -> Vec<(&'static str, String)> {
        shown(&Settings::default())
    }

    /// Changes settings, all or none, and returns those in force. Makes the database when there is none.
    pub fn change_settings(
        &self,
        changes: Vec<(String, String)>,
        caller: &Caller,
    ) -> Result<Vec<(&'static str, String)>> {
        self.guarded(|| {
            let (caller, clock) = (caller.clone(), self.clock());
            // What is refused anyway makes no database.
            let mut settings = Settings::default();
            for (name, value) in &changes {
                settings.set(name, value)?;
            }
            self.running(true)?.writer.write(move |portfolio, _| {
                let now = clock.at(portfolio);
                let author = author(caller, now);
                let mut draft = Draft::new(portfolio, &author);
                // What is set before there are deals holds for all of them, whenever they were identified.
                let at = if portfolio.is_empty() { BEGINNING } else { now };
                let mut settings = portfolio.settings().clone();
                for (name, value) in &changes {
                    let before = settings.get(name);
                    settings.set(name, value)?;
                    let after = settings.get(name);
                    if before != after {
                        settings::may_change(name, !portfolio.is_empty())?;
                        let (name, value) =
                            (draft.text(name), draft.text(&after.unwrap_or_default()));
                        draft.set_number(Subject::Setting(name), field::VALUE, at, value);
                    }
                }
                Ok((draft.finish(), shown(&settings)))
            })
        })
    }

    /// The portfolio at the head of the log.
    pub fn portfolio(&self) -> Result<Arc<Portfolio>> {
        let running = self.running(false)?;
        match &running.watch {
            Some(watch) => watch.refresh(&running.snapshot),
            None => Ok(running.snapshot.get()),
        }
    }

    fn clock(&self) -> Clock {
        match (self.config.today, &self.config.database) {
            (Some(today), _) => Clock::Day(today),
            (None, None) => Clock::Day(demo::today()),
            (None, Some(_)) => Clock::Wall(self.wall_clock()),
        }
    }

    fn now(&self, portfolio: &Portfolio) -> Millis {
        self.clock().at(portfolio)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn wall_clock(&self) -> Millis {
        chrono::Utc::now().timestamp_millis()
    }
}

/// The engine's clock, read once for each request.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// Noon of a day in the organisation's zone.
    Day(NaiveDate),
    /// An instant.
    Wall(Millis),
}

impl Clock {
    fn at(self, portfolio: &Portfolio) -> Millis {
        self.within(portfolio.settings())
    }

    fn within(self, settings: &Settings) -> Millis {
        match self {
            Clock::Day(today) => settings.calendar.noon_of(today),
            Clock::Wall(now) => now,
        }
    }
}

/// Who writes, as long as no reason is given.
fn author(caller: Caller, now: Millis) -> Author {
    Author {
        actor: caller.actor,
        role: caller.role,
        client: caller.client,
        trace: caller.trace,
        door: caller.door,
        reason: String::new(),
        now,
    }
}

fn shown(settings: &Settings) -> Vec<(&'static str, String)> {
    NAMES
        .iter()
        .map(|name| (*name, settings.get(name).unwrap_or_default()))
        .collect()
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_with_a_reference_and_the_engine_lives_on() {
        let engine = Engine::new(Config {
            database: None,
            organisation: "default".to_owned(),
            today: None,
            read_only: false,
        });
        let answered = engine.guarded::<()>(|| panic!("on purpose"));
        assert!(
            matches!(answered, Err(Error::Ours(error)) if error.to_string().contains("reference"))
        );
        let running = engine.running(false);
        let written =
            running.map(|running| running.writer.write::<()>(|_, _| panic!("on purpose")));
        assert!(matches!(written, Ok(Err(Error::Ours(_)))));
        assert!(engine.settings().is_ok_and(|settings| !settings.is_empty()));
    }
}
