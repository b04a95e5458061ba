//! A deal's origin: how it first came on record, in the earliest values known. What was changed since
//! is in `change`; the two folded up are the deal (`fold`).

use super::change::{Change, Day, EMPTY, Millis, NO_DAY, Position, field};
use super::texts::{NONE, Text};

/// How a deal first came on record: its earliest known values. One row, one position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The number of the deal: 0, 1, 2 … in the order they came on record.
    pub deal: u32,
    /// Its place in the log.
    pub seq: Position,
    /// From when on the deal exists: its identified date, or its import when undated.
    pub at: Millis,
    /// When we learned of it; before this, only fields in `recorded` are known for sure.
    pub known_at: Millis,
    /// The fields (bits by number) whose values are on record since the deal exists.
    pub recorded: u32,
    /// Its id (text).
    pub id: Text,
    /// Its name (text).
    pub name: Text,
    /// Its customer.
    pub customer: u32,
    /// The code of its type.
    pub kind: u8,
    /// The code of the earliest stage on record.
    pub stage: u8,
    /// Whether that stage is known from recorded moves.
    pub history: bool,
    /// A probability set by hand, or [`FOLLOWS`].
    pub probability: u16,
    /// The code of a category set by hand, or [`FOLLOWS_CATEGORY`].
    pub category: u8,
    /// The term in months, 0 when not said.
    pub term_months: u16,
    /// The estimate, in minor units of its currency; [`EMPTY`] when it had none.
    pub estimate: i64,
    /// The product line (text).
    pub product_line: Text,
    /// The day it was identified.
    pub identified: Day,
    /// The day it entered its earliest stage.
    pub stage_entered: Day,
    /// The expected close.
    pub expected_close: Day,
    /// Its CSM (person).
    pub csm: u32,
    /// Its sales rep (person).
    pub sales_rep: u32,
    /// Its champion (text).
    pub champion: Text,
    /// How it was found (text).
    pub source: Text,
    /// Its use case (text).
    pub use_case: Text,
    /// Its notes (note).
    pub notes: u32,
    /// Its currency (text), [`NONE`] for the organisation's.
    pub currency: Text,
}

impl Origin {
    /// The value it has of a field, as a change would hold it; [`EMPTY`] of those it does not have.
    pub fn value(&self, field: u32) -> i64 {
        let number = |number: u32| {
            if number == NONE {
                EMPTY
            } else {
                i64::from(number)
            }
        };
        let day = |day: Day| if day == NO_DAY { EMPTY } else { i64::from(day) };
        match field {
            field::NAME => number(self.name),
            field::KIND => i64::from(self.kind),
            field::PRODUCT_LINE => number(self.product_line),
            field::ESTIMATED_VALUE => self.estimate,
            field::PROBABILITY if self.probability != FOLLOWS => i64::from(self.probability),
            field::IDENTIFIED => day(self.identified),
            field::EXPECTED_CLOSE => day(self.expected_close),
            field::STAGE => i64::from(self.stage),
            field::CSM => number(self.csm),
            field::SALES_REP => number(self.sales_rep),
            field::CHAMPION => number(self.champion),
            field::SOURCE => number(self.source),
            field::USE_CASE => number(self.use_case),
            field::NOTES => number(self.notes),
            field::CUSTOMER => number(self.customer),
            field::CURRENCY => number(self.currency),
            field::TERM_MONTHS if self.term_months != 0 => i64::from(self.term_months),
            field::CATEGORY if self.category != FOLLOWS_CATEGORY => i64::from(self.category),
            _ => EMPTY,
        }
    }
}

impl Origin {
    /// Gives it the value of a field, as a change would hold it; a field it does not have changes nothing.
    pub fn set(&mut self, field: u32, value: i64) {
        let number = || {
            if value == EMPTY {
                NONE
            } else {
                u32::try_from(value).unwrap_or(NONE)
            }
        };
        let day = || {
            if value == EMPTY {
                NO_DAY
            } else {
                Day::try_from(value).unwrap_or(NO_DAY)
            }
        };
        match field {
            field::NAME => self.name = number(),
            field::KIND => self.kind = u8::try_from(value).unwrap_or(self.kind),
            field::PRODUCT_LINE => self.product_line = number(),
            field::ESTIMATED_VALUE if value == EMPTY => self.estimate = EMPTY,
            field::ESTIMATED_VALUE => self.estimate = value.max(0),
            field::PROBABILITY => self.probability = u16::try_from(value).unwrap_or(FOLLOWS),
            field::IDENTIFIED => self.identified = day(),
            field::EXPECTED_CLOSE => self.expected_close = day(),
            field::STAGE => self.stage = u8::try_from(value).unwrap_or(self.stage),
            field::STAGE_ENTERED => self.stage_entered = day(),
            field::CSM => self.csm = number(),
            field::SALES_REP => self.sales_rep = number(),
            field::CHAMPION => self.champion = number(),
            field::SOURCE => self.source = number(),
            field::USE_CASE => self.use_case = number(),
            field::NOTES => self.notes = number(),
            field::CUSTOMER => self.customer = number(),
            field::CURRENCY => self.currency = number(),
            field::TERM_MONTHS => self.term_months = u16::try_from(value).unwrap_or(0),
            field::CATEGORY => self.category = u8::try_from(value).unwrap_or(FOLLOWS_CATEGORY),
            field::ID => self.id = number(),
            _ => {}
        }
    }
}

/// The probability of a deal that follows its stage.
pub const FOLLOWS: u16 = u16::MAX;

/// The category of a deal that follows its stage.
pub const FOLLOWS_CATEGORY: u8 = u8::MAX;

/// The bit of a field in [`Origin::recorded`]; attributes have none.
pub const fn recorded_bit(field: u32) -> u32 {
    if field < 32 { 1 << field } else { 0 }
}

impl Origin {
    /// Whether a field of the deal, which these changes changed, is on record at an instant rather than
    /// known only from later on.
    pub fn is_on_record(&self, field: u32, changes: &[Change], at: Millis) -> bool {
        at >= self.known_at
            || self.recorded & recorded_bit(field) != 0
            || changes
                .iter()
                .any(|change| change.field == field && change.at <= at)
    }
}

impl Default for Origin {
    fn default() -> Self {
        Origin {
            deal: 0,
            seq: 0,
            at: 0,
            known_at: 0,
            recorded: 0,
            id: NONE,
            name: NONE,
            customer: NONE,
            kind: 0,
            stage: 0,
            history: false,
            probability: FOLLOWS,
            category: FOLLOWS_CATEGORY,
            term_months: 0,
            estimate: 0,
            product_line: NONE,
            identified: NO_DAY,
            stage_entered: NO_DAY,
            expected_close: NO_DAY,
            csm: NONE,
            sales_rep: NONE,
            champion: NONE,
            source: NONE,
            use_case: NONE,
            notes: NONE,
            currency: NONE,
        }
    }
}
