//! What the log holds of a field: how it stands, what the last import said of it, and when it was
//! last changed here. From these follows what a newer file may do ("Importing a newer export
//! changes a field only where the file differs from what the last import said of it").

use rustc_hash::FxHashMap;

use crate::domain::change::{Change, Door, EMPTY, Millis, Position, Subject, field};
use crate::domain::portfolio::Portfolio;

/// A field on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// How it stands.
    pub current: i64,
    /// Since when.
    pub current_at: Millis,
    /// What the last import said of it; `None` when none did.
    pub said: Option<i64>,
    /// Until when that import spoke: when it was recorded, or the last instant of its history.
    said_at: Millis,
    /// Where in the log it did.
    said_in: Position,
    /// Since when the last change made here holds.
    local_at: Option<Millis>,
}

/// What a file may do to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands as the file says.
    Agrees,
    /// The file says what it said last time; what was changed here since stays.
    Stays,
    /// The file has news, and nobody changed the field here.
    Takes,
    /// The file has news, and the field was changed here since.
    Conflicts,
}

impl Held {
    /// A field that nothing is on record of.
    pub const NOTHING: Held = Held {
        current: EMPTY,
        current_at: Millis::MIN,
        said: None,
        said_at: Millis::MIN,
        said_in: 0,
        local_at: None,
    };

    /// Whether it was changed here since an import last spoke of it.
    pub fn differs(&self) -> bool {
        // What was changed here and undone again counts for nothing.
        self.local_at.is_some() && self.said.unwrap_or(EMPTY) != self.current
    }

    /// Whether the last to change it did so here.
    pub fn is_ours(&self) -> bool {
        self.local_at.is_some_and(|local| local >= self.current_at)
    }

    /// What an import said of it after a position of the log; `None` when none did.
    pub fn said_after(&self, position: Position) -> Option<i64> {
        self.said.filter(|_| self.said_in > position)
    }

    /// Whether a row of history may no longer be added at an instant: it would change what was decided
    /// here later, or an earlier import has already left it out for that reason.
    pub fn bars(&self, at: Millis) -> bool {
        self.local_at
            .is_some_and(|local| at >= local && (self.differs() || at <= self.said_at))
    }

    /// Whether an instant lies after all that imports spoke of.
    pub fn is_news(&self, at: Millis) -> bool {
        at > self.said_at
    }

    /// Takes in one change of it, in the order (at, seq).
    fn learn(&mut self, change: &Change, door: Door, recorded_at: Millis) {
        (self.current, self.current_at) = (change.value, change.at);
        if door == Door::Import {
            self.say(change, recorded_at);
        } else {
            self.local_at = Some(change.at);
        }
    }

    /// Takes in what an import said. Histories say things of long ago, so the last to be said is not
    /// the one that holds from the latest instant.
    fn say(&mut self, change: &Change, recorded_at: Millis) {
        self.said_at = self.said_at.max(recorded_at).max(change.at);
        if change.seq >= self.said_in {
            (self.said, self.said_in) = (Some(change.value), change.seq);
        }
    }

    /// Takes in a change that this import makes.
    pub fn add(&mut self, at: Millis, value: i64) {
        if at >= self.current_at {
            (self.current, self.current_at) = (value, at);
        }
        self.said = Some(value);
    }

    /// What a file may do that says `new`. `before` is the field before this import added history.
    pub fn verdict(&self, before: &Held, new: i64) -> Verdict {
        if new == self.current {
            Verdict::Agrees
        } else if !before.differs() {
            Verdict::Takes
        } else if before.said.unwrap_or(EMPTY) == new {
            Verdict::Stays
        } else {
            Verdict::Conflicts
        }
    }
}

/// The fields of one deal.
#[derive(Debug)]
pub(super) struct Record<'a> {
    portfolio: &'a Portfolio,
    pub deal: u32,
    fields: Vec<(u32, Held)>,
}

/// The three ways to say a stage count as one field.
pub(super) fn key_of(field: u32) -> u32 {
    if field::is_stage(field) {
        field::STAGE
    } else {
        field
    }
}

/// The field of which a change records what an import said, if it is such a change.
fn said_of(field: u32) -> Option<u32> {
    if field < field::ATTRIBUTES {
        field.checked_sub(field::SAID)
    } else {
        None
    }
}

impl<'a> Record<'a> {
    /// Reads the log of a deal.
    pub fn of(portfolio: &'a Portfolio, deal: u32) -> Self {
        let mut record = Record {
            portfolio,
            deal,
            fields: Vec::new(),
        };
        for change in portfolio.changes(deal) {
            let (door, recorded_at) = written(portfolio, change.seq);
            let said = said_of(change.field);
            let place = record.place(key_of(said.unwrap_or(change.field)));
            let Some((field, held)) = record.fields.get_mut(place) else {
                continue;
            };
            if said.is_some() {
                held.say(change, recorded_at);
            } else if is_note(*field) {
                // Its number says nothing about its text, so only the fingerprint counts as said.
                (held.current, held.current_at) = (change.value, change.at);
                held.local_at = (door != Door::Import).then_some(change.at);
            } else {
                held.learn(change, door, recorded_at);
            }
        }
        record
    }

    /// A field of it.
    pub fn held(&mut self, field: u32) -> Held {
        let place = self.place(field);
        self.fields
            .get(place)
            .map_or(Held::NOTHING, |(_, held)| *held)
    }

    /// The place of a field, which begins with what the deal came on record with.
    fn place(&mut self, field: u32) -> usize {
        if let Some(place) = self.fields.iter().position(|(known, _)| *known == field) {
            return place;
        }
        let mut held = Held::NOTHING;
        if let Some(origin) = self.portfolio.origin(self.deal) {
            let (door, recorded_at) = written(self.portfolio, origin.seq);
            (held.current, held.current_at) = (origin.value(field), origin.at);
            if door == Door::Import {
                let said = if is_note(field) { EMPTY } else { held.current };
                (held.said, held.said_at) = (Some(said), recorded_at);
            } else {
                held.local_at = (held.current != EMPTY).then_some(origin.at);
            }
        }
        self.fields.push((field, held));
        self.fields.len() - 1
    }
}

/// Whether a field holds the number of a long text.
pub(super) fn is_note(field: u32) -> bool {
    matches!(field, field::NOTES | field::LOST_NOTE)
}

/// The door through which a position of the log came, and when it was recorded.
pub(super) fn written(portfolio: &Portfolio, position: Position) -> (Door, Millis) {
    portfolio
        .entry_of(position)
        .map_or((Door::Cli, Millis::MIN), |entry| {
            (entry.door, entry.recorded_at)
        })
}

/// The fields of everything but deals, read from the ledger in one go.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    fields: FxHashMap<(Subject, u32), Held>,
}

impl Ledger {
    /// Reads the ledger.
    pub fn of(portfolio: &Portfolio) -> Self {
        let mut rows: Vec<_> = portfolio.ledger().iter().collect();
        rows.sort_by_key(|row| (row.change.at, row.change.seq));
        let mut ledger = Ledger::default();
        for row in rows {
            let (door, recorded_at) = written(portfolio, row.change.seq);
            let said = said_of(row.change.field);
            let key = (row.subject, said.unwrap_or(row.change.field));
            let held = ledger.fields.entry(key).or_insert(Held::NOTHING);
            match said {
                Some(_) => held.say(&row.change, recorded_at),
                None => held.learn(&row.change, door, recorded_at),
            }
        }
        ledger
    }

    /// A field on record, if anything is.
    pub fn held(&self, subject: Subject, field: u32) -> Option<Held> {
        self.fields.get(&(subject, field)).copied()
    }
}
