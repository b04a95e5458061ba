//! The portfolio that answers are given from, shared by readers and replaced whole. No lock is held
//! while a report runs.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::error::Result;
use crate::domain::portfolio::Portfolio;
use crate::store::{Reading, Store, Token};

/// The latest portfolio.
#[derive(Debug, Default)]
pub struct Snapshot {
    latest: RwLock<Arc<Portfolio>>,
}

impl Snapshot {
    /// The latest portfolio.
    pub fn get(&self) -> Arc<Portfolio> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a portfolio the latest, unless a later one is already.
    pub fn publish(&self, portfolio: Arc<Portfolio>) {
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if portfolio.position() > latest.position() {
            *latest = portfolio;
        }
    }

    /// Absorbs what the log holds beyond the latest portfolio, and returns the one at the head.
    pub fn absorb(&self, store: &Store) -> Result<Arc<Portfolio>> {
        self.load(store, &Reading::default())
    }

    /// The same, told how far it is: the whole log takes a while.
    pub fn load(&self, store: &Store, reading: &Reading) -> Result<Arc<Portfolio>> {
        let latest = self.get();
        let mut portfolio = Portfolio::clone(&latest);
        if !store.bring_to_head(&mut portfolio, reading)? {
            return Ok(latest);
        }
        let portfolio = Arc::new(portfolio);
        self.publish(Arc::clone(&portfolio));
        Ok(portfolio)
    }
}

/// A connection that writes nothing: it looks whether another process has written, takes in what that was, and
/// reads single notes and tokens meanwhile.
#[derive(Debug)]
pub struct Watch {
    watched: Mutex<(Store, i64)>,
}

impl Watch {
    /// Watches through a connection of its own.
    pub fn new(store: Store) -> Result<Watch> {
        let version = store.data_version()?;
        Ok(Watch {
            watched: Mutex::new((store, version)),
        })
    }

    /// A long text by its number.
    pub fn note(&self, number: u32) -> Result<Option<String>> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(watched.0.note(number)?)
    }

    /// The token of a hash.
    pub fn token(&self, hash: &[u8]) -> Result<Option<Token>> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(watched.0.token_of(hash)?)
    }

    /// The latest portfolio, when it is at the head of the log and that can be told without waiting.
    pub fn current(&self, snapshot: &Snapshot) -> Option<Arc<Portfolio>> {
        let watched = self.watched.try_lock().ok()?;
        let version = watched.0.data_version().ok()?;
        (version == watched.1).then(|| snapshot.get())
    }

    /// The portfolio at the head of the log as of this call.
    pub fn refresh(&self, snapshot: &Snapshot) -> Result<Arc<Portfolio>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let version = watched.0.data_version()?;
        if version == watched.1 {
            return Ok(snapshot.get());
        }
        let portfolio = snapshot.absorb(&watched.0)?;
        watched.1 = version;
        Ok(portfolio)
    }
}
