//! Values of a deal's fields as the log keeps them: one integer each, whatever the field. Here is how
//! an origin holds them and what they are called; what a file says of them is `deals`' business.

use chrono::NaiveDate;

use crate::domain::change::{Day, EMPTY, FOLLOWS, FOLLOWS_CATEGORY, NO_DAY, Origin, field};
use crate::domain::days::date;
use crate::domain::texts::NONE;

/// The columns of the fields a conflict may be about.
const NAMES: [(u32, &str); 26] = [
    (field::NAME, "name"),
    (field::KIND, "type"),
    (field::PRODUCT_LINE, "product_line"),
    (field::ESTIMATED_VALUE, "estimated_value"),
    (field::PROBABILITY, "probability"),
    (field::IDENTIFIED, "identified_date"),
    (field::EXPECTED_CLOSE, "expected_close"),
    (field::ACTUAL_CLOSE, "actual_close"),
    (field::STAGE, "stage"),
    (field::CLOSED_VALUE, "closed_value"),
    (field::LOST_REASON, "lost_reason"),
    (field::LOST_NOTE, "lost_note"),
    (field::CSM, "csm"),
    (field::SALES_REP, "sales_rep"),
    (field::CHAMPION, "champion_id"),
    (field::SOURCE, "source"),
    (field::USE_CASE, "use_case"),
    (field::NOTES, "notes"),
    (field::CUSTOMER, "customer"),
    (field::CURRENCY, "currency"),
    (field::TERM_MONTHS, "term_months"),
    (field::CATEGORY, "forecast_category"),
    (field::ARR, "arr"),
    (field::SEGMENT, "segment"),
    (field::HEALTH_SCORE, "health_score"),
    (field::MANAGER, "manager"),
];

/// What a field is called; `None` for attributes and for values of settings, targets and forecasts.
pub(super) fn name_of(field: u32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == field)
        .map(|(_, name)| *name)
}

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

/// The date that a value stands for.
pub(super) fn date_of(value: i64) -> Option<NaiveDate> {
    date(day(value))
}

/// The value an origin has of a field; [`EMPTY`] of those it does not have.
pub(super) fn origin_value(origin: &Origin, field: u32) -> i64 {
    match field {
        field::NAME => of_number(origin.name),
        field::KIND => i64::from(origin.kind),
        field::PRODUCT_LINE => of_number(origin.product_line),
        field::ESTIMATED_VALUE => origin.estimate,
        field::PROBABILITY if origin.probability != FOLLOWS => i64::from(origin.probability),
        field::IDENTIFIED => of_day(origin.identified),
        field::EXPECTED_CLOSE => of_day(origin.expected_close),
        field::STAGE => i64::from(origin.stage),
        field::CSM => of_number(origin.csm),
        field::SALES_REP => of_number(origin.sales_rep),
        field::CHAMPION => of_number(origin.champion),
        field::SOURCE => of_number(origin.source),
        field::USE_CASE => of_number(origin.use_case),
        field::NOTES => of_number(origin.notes),
        field::CUSTOMER => of_number(origin.customer),
        field::CURRENCY => of_number(origin.currency),
        field::TERM_MONTHS if origin.term_months != 0 => i64::from(origin.term_months),
        field::CATEGORY if origin.category != FOLLOWS_CATEGORY => i64::from(origin.category),
        _ => EMPTY,
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
