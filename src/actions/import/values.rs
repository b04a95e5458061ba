//! Values of a deal's fields as the log keeps them: one integer each, whatever the field. What a file
//! says of them is `deals`' business.

use crate::domain::change::{Day, EMPTY, NO_DAY};
use crate::domain::texts::NONE;

/// The number of a text, person or note as the value of a field.
pub(super) fn of_number(number: u32) -> i64 {
    if number == NONE {
        EMPTY
    } else {
        i64::from(number)
    }
}

/// A day as the value of a field.
pub(super) fn of_day(day: Day) -> i64 {
    if day == NO_DAY { EMPTY } else { i64::from(day) }
}

/// The number that a value stands for.
pub(super) fn number(value: i64) -> u32 {
    if value == EMPTY {
        NONE
    } else {
        u32::try_from(value).unwrap_or(NONE)
    }
}
