//! A deal as it stands, folded from its origin and its changes (`fold`). What every report scans is
//! kept in one cache line ([`Deal`]); what only an answer about the deal shows is beside it
//! ([`Detail`]).

use super::change::{Day, Position};
use super::origin::FOLLOWS;
use super::settings::Settings;
use super::stage::{Category, ExpansionType, Stage};
use super::texts::Text;

/// The figures of a deal that reports scan: 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    /// Its value (DEFINITIONS section 1): the estimate while open or lost, the closed value once won;
    /// in the organisation's currency, unless it is `foreign` ([`Own`](super::pricing::Own)).
    pub value: i64,
    /// The last estimate, likewise.
    pub estimate: i64,
    /// Its number.
    pub number: u32,
    /// Its customer, or [`NONE`](super::texts::NONE).
    pub customer: u32,
    /// Its CSM, or [`NONE`](super::texts::NONE).
    pub csm: u32,
    /// Its sales rep, or [`NONE`](super::texts::NONE).
    pub sales_rep: u32,
    /// How it was found.
    pub source: Text,
    /// Its product line.
    pub product_line: Text,
    /// The day it was identified.
    pub identified: Day,
    /// The expected close of an open deal, the actual close of a closed one.
    pub close: Day,
    /// The day it entered its stage.
    pub stage_entered: Day,
    /// The reason it was lost.
    pub lost_reason: Text,
    /// A probability set by hand, or [`FOLLOWS`].
    pub probability: u16,
    /// The code of a category set by hand, or [`FOLLOWS_CATEGORY`](super::origin::FOLLOWS_CATEGORY).
    pub category: u8,
    /// Where it stands.
    pub stage: Stage,
    /// Its type.
    pub kind: ExpansionType,
    /// The open stages it entered (bits), and [`HISTORY`] when that is on record.
    pub entered: u8,
    /// Whether it is in another currency that has no rate, so that its money is in no sum.
    pub foreign: bool,
    /// What of it came on record later than it did (bits): [`DATED_LATE`], [`UNRECORDED`].
    pub gaps: u8,
}

// A scan reads one cache line a deal.
const _: () = assert!(size_of::<Deal>() == 64);

/// The bit of [`Deal::entered`] that says the deal's stage history is on record.
pub const HISTORY: u8 = 0b1000_0000;

/// The bit of [`Deal::entered`] that says the deal's expected close was changed at some time.
pub const REDATED: u8 = 0b0100_0000;

/// The bit of [`Deal::gaps`] that says the deal's expected close came on record after it did: there are
/// days on which it existed and nobody knows when it was due.
pub const DATED_LATE: u8 = 0b01;

/// The bit of [`Deal::gaps`] that says of something its figures rest on that no change up to the instant
/// it is folded to put it on record: it stands at its earliest known value, and was on record only if its
/// origin was. Of an open deal that is its value, its close, its stage, and its probability and category
/// where they were set by hand; of a closed one only its value, because when and how it closed is a
/// change of that day.
pub const UNRECORDED: u8 = 0b10;

impl Deal {
    /// Whether it is open.
    pub const fn is_open(&self) -> bool {
        self.stage.is_open()
    }

    /// Whether it is won.
    pub fn is_won(&self) -> bool {
        self.stage == Stage::ClosedWon
    }

    /// Its probability in basis points: by hand, or its stage's under these settings.
    pub fn probability(&self, settings: &Settings) -> u16 {
        if self.probability == FOLLOWS || !self.is_open() {
            settings.probability(self.stage)
        } else {
            self.probability
        }
    }

    /// Its forecast category: by hand, or its stage's under these settings.
    pub fn category(&self, settings: &Settings) -> Category {
        match Category::from_code(self.category) {
            Some(by_hand) if self.is_open() => by_hand,
            _ => settings.category(self.stage),
        }
    }

    /// Whether somebody set its probability.
    pub fn is_manual(&self) -> bool {
        self.is_open() && self.probability != FOLLOWS
    }

    /// Whether its probability was set by hand to what its stage contradicts: less than the stage before
    /// has, or more than the stage after.
    pub fn is_contradicted(&self, settings: &Settings) -> bool {
        let of = |place: Option<u8>| {
            let stage = place.and_then(Stage::from_code);
            stage.map(|stage| settings.probability(stage))
        };
        let place = self.stage.code();
        let before = of(place.checked_sub(1)).unwrap_or(0);
        let after = of(place.checked_add(1)).unwrap_or(u16::MAX);
        self.is_manual() && (self.probability < before || self.probability > after)
    }

    /// Its state as a small number: open, won, lost.
    pub fn state(&self) -> u8 {
        match self.stage {
            Stage::ClosedWon => 1,
            Stage::ClosedLost => 2,
            _ => 0,
        }
    }

    /// Whether its stage history is on record.
    pub const fn has_history(&self) -> bool {
        self.entered & HISTORY != 0
    }

    /// Days from its identified date to a day; `None` without one, and before it.
    pub fn age(&self, today: Day) -> Option<i32> {
        (self.identified <= today).then(|| today - self.identified)
    }

    /// Days in its stage up to a day; `None` when the date it entered is not known, and before it.
    pub fn days_in_stage(&self, today: Day) -> Option<i32> {
        (self.stage_entered <= today).then(|| today - self.stage_entered)
    }
}

/// What only an answer about the deal itself shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Its id.
    pub id: Text,
    /// Its name.
    pub name: Text,
    /// Its champion.
    pub champion: Text,
    /// Its use case.
    pub use_case: Text,
    /// Its notes (number of a note).
    pub notes: u32,
    /// The detail of its loss (number of a note).
    pub lost_note: u32,
    /// The earliest signal that led to it.
    pub signal: u32,
    /// Its currency, [`NONE`](super::texts::NONE) for the organisation's.
    pub currency: Text,
    /// The last expected close, also of a closed deal.
    pub expected_close: Day,
    /// The position of the last change to it: its version.
    pub version: Position,
    /// The term in months, 0 when not said.
    pub term_months: u16,
}

/// One finished stay of a deal in an open stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// The deal's place in its chunk.
    pub place: u16,
    /// The stage it left.
    pub stage: u8,
    /// The days it stayed.
    pub days: i32,
}

/// A custom attribute of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The deal's place in its chunk.
    pub place: u16,
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Text,
}

/// A deal's place in its chunk.
pub fn place_of(deal: u32) -> u16 {
    (deal % super::chunk::SIZE) as u16
}
