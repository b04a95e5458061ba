//! Values of a deal's fields as the log keeps them: one integer each, whatever the field. Here is how
//! an origin holds them; what a file says of them is `deals`' business.

use crate::domain::change::{Day, EMPTY, NO_DAY, field};
use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY, Origin};
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

/// The day that a value stands for.
pub(super) fn day(value: i64) -> Day {
    if value == EMPTY {
        NO_DAY
    } else {
        Day::try_from(value).unwrap_or(NO_DAY)
    }
}

/// Gives an origin the value of a field.
pub(super) fn set_origin(origin: &mut Origin, field: u32, value: i64) {
    match field {
        field::NAME => origin.name = number(value),
        field::KIND => origin.kind = u8::try_from(value).unwrap_or(origin.kind),
        field::PRODUCT_LINE => origin.product_line = number(value),
        field::ESTIMATED_VALUE => origin.estimate = value.max(0),
        field::PROBABILITY => origin.probability = u16::try_from(value).unwrap_or(FOLLOWS),
        field::IDENTIFIED => origin.identified = day(value),
        field::EXPECTED_CLOSE => origin.expected_close = day(value),
        field::CSM => origin.csm = number(value),
        field::SALES_REP => origin.sales_rep = number(value),
        field::CHAMPION => origin.champion = number(value),
        field::SOURCE => origin.source = number(value),
        field::USE_CASE => origin.use_case = number(value),
        field::NOTES => origin.notes = number(value),
        field::CUSTOMER => origin.customer = number(value),
        field::CURRENCY => origin.currency = number(value),
        field::TERM_MONTHS => origin.term_months = u16::try_from(value).unwrap_or(0),
        field::CATEGORY => origin.category = u8::try_from(value).unwrap_or(FOLLOWS_CATEGORY),
        _ => {}
    }
}
