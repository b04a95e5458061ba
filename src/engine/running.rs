//! A database that is open, and how it is opened.

use std::sync::{Arc, PoisonError};

use super::import::import;
use super::snapshot::{Snapshot, Watch};
use super::writer::Writer;
use super::{Caller, Door, Engine, Error, Result, demo};
use crate::domain::draft::Planned;
use crate::domain::settings::Settings;
use crate::files;
use crate::language::clean;
use crate::refusal::{Code, Refusal};
use crate::store::{Location, Store, check_current};

/// A database that is open: the latest portfolio, who watches for others' writes, who writes.
pub(super) struct Running {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) watch: Option<Watch>,
    pub(super) writer: Writer,
}

impl Running {
    /// A long text by its number.
    pub(super) fn note(&self, number: u32) -> Result<Option<String>> {
        match &self.watch {
            Some(watch) => watch.note(number),
            // A database in memory has one connection, which is the writer's.
            None => self.writer.write(move |portfolio, store| {
                Ok((Planned::nothing(portfolio), store.note(number)?))
            }),
        }
    }
}

impl Engine {
    /// The open database; opened, and made when it is missing and that is asked for.
    pub(super) fn running(&self, create: bool) -> Result<Arc<Running>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            return Ok(Arc::clone(running));
        }
        let opened = Arc::new(self.open(create)?);
        *running = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Refuses to make an organisation whose name nobody could type again.
    pub(super) fn check_name(&self) -> Result<()> {
        let name = &self.config.organisation;
        if is_name(name) {
            return Ok(());
        }
        let refusal = Refusal::new(
            Code::InvalidText,
            format!("An organisation cannot be called '{}'.", clean(name, 60)),
        );
        let hint = format!("Use 1 to {LONGEST_NAME} visible characters on one line.");
        Err(refusal.hint(hint).into())
    }

    fn open(&self, create: bool) -> Result<Running> {
        let snapshot = Arc::new(Snapshot::default());
        let name = &self.config.organisation;
        if create {
            self.check_name()?;
        }
        let Some(path) = &self.config.database else {
            let store = Store::create(&Location::Memory, name)?;
            let writer = start(store, &snapshot)?;
            let running = Running {
                snapshot,
                watch: None,
                writer,
            };
            let caller = Caller::new("demo", Door::Import);
            let stated = files::read(&demo::sources(), &Settings::default());
            import(&running, self.clock(), stated, None, &caller)?;
            return Ok(running);
        };
        if self.config.read_only {
            check_current(path)?;
        }
        let store = if create {
            Store::create(&Location::File(path.clone()), name)?
        } else {
            match Store::open(path, name)? {
                Some(store) => store,
                None => {
                    let known = Store::organisations(path)?;
                    if known.is_empty() {
                        return Err(crate::store::Error::Missing(path.clone()).into());
                    }
                    let refusal = Refusal::new(
                        Code::UnknownOrganisation,
                        format!("The database holds no organisation '{name}'."),
                    );
                    let hint = format!("Choose one with --org: {}.", known.join(", "));
                    return Err(refusal.hint(hint).candidates(known).into());
                }
            }
        };
        if self.config.read_only {
            store.read_only()?;
        }
        // Watching begins before loading, so nothing written meanwhile is missed.
        let watched = Store::open_even_empty(path, name)?
            .ok_or_else(|| Error::Ours(anyhow::anyhow!("the organisation vanished")))?;
        if self.config.read_only {
            watched.read_only()?;
        }
        let watch = Watch::new(watched)?;
        snapshot.load(&store, &self.reading)?;
        let writer = start(store, &snapshot)?;
        Ok(Running {
            snapshot,
            watch: Some(watch),
            writer,
        })
    }
}

/// An organisation's name is at most this long, in characters.
const LONGEST_NAME: usize = 100;

fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=LONGEST_NAME).contains(&length) && clean(name, LONGEST_NAME) == name.trim()
}

fn start(store: Store, snapshot: &Arc<Snapshot>) -> Result<Writer> {
    Writer::start(store, Arc::clone(snapshot)).map_err(|error| Error::Ours(error.into()))
}
