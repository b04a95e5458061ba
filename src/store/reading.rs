//! How far the log has been read, for whoever waits meanwhile.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::change::Position;

/// A reading of the log, told by the threads that read and looked at by any.
#[derive(Debug, Default)]
pub struct Reading {
    rows: AtomicU32,
    of: AtomicU32,
}

impl Reading {
    /// How many rows have been read, and how many there are; none when nothing is being read.
    pub fn progress(&self) -> Option<(u32, u32)> {
        let of = self.of.load(Ordering::Relaxed);
        (of > 0).then(|| (self.rows.load(Ordering::Relaxed).min(of), of))
    }

    /// Begins; what it returns ends it, however reading ends.
    pub(super) fn begin(&self, of: Position) -> UnderWay<'_> {
        self.rows.store(0, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
        UnderWay(self)
    }
}

/// A reading that has not ended yet.
pub(super) struct UnderWay<'a>(&'a Reading);

impl UnderWay<'_> {
    /// One more row.
    pub(super) fn row(&self) {
        self.0.rows.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.of.store(0, Ordering::Relaxed);
    }
}
