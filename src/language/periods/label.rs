//! What a stretch of days is called. A name depends on nothing but the days and the calendar, so
//! the same period has the same name however it was asked for, and reading the name back gives
//! the same days.

use chrono::{Datelike, NaiveDate};

use crate::domain::calendar::{Calendar, add_days, month_of, months_between};

/// The name of the days from `start` to `end`: a day, week, month, quarter, half or year if they
/// are exactly one, else the two dates.
pub fn label(start: NaiveDate, end: NaiveDate, calendar: &Calendar) -> String {
    if start == end {
        return start.to_string();
    }
    if start == calendar.week_of(start) && end == add_days(start, 6) {
        return format!("week of {start}");
    }
    whole_months(start, end)
        .and_then(|months| unit(start, months, calendar))
        .unwrap_or_else(|| dates(start, end))
}

/// The two dates, as this module's parser reads them.
pub(super) fn dates(start: NaiveDate, end: NaiveDate) -> String {
    format!("{start}..{end}")
}

/// How many whole months the days make; `None` when they do not.
fn whole_months(start: NaiveDate, end: NaiveDate) -> Option<i32> {
    let next = add_days(end, 1);
    (start.day() == 1 && next.day() == 1).then(|| months_between(start, next))
}

/// The name of so many months when they are a unit of the calendar or of the fiscal year.
fn unit(start: NaiveDate, months: i32, calendar: &Calendar) -> Option<String> {
    let into_year = months_between(calendar.fiscal_year_of(start), start);
    let begins_part = into_year % months == 0;
    let number = into_year / months + 1;
    match months {
        1 => Some(start.format("%B %Y").to_string()),
        3 if begins_part => Some(part('Q', number, start, calendar)),
        6 if begins_part => Some(part('H', number, start, calendar)),
        12 if start.month() == 1 => Some(start.year().to_string()),
        12 if begins_part => Some(fiscal_year(start, calendar)),
        _ => None,
    }
}

/// "Q1 2026", or "FY27 Q1" where the fiscal year is not the calendar's.
fn part(letter: char, number: i32, start: NaiveDate, calendar: &Calendar) -> String {
    if calendar.fiscal_year_start == 1 {
        format!("{letter}{number} {}", start.year())
    } else {
        format!("{} {letter}{number}", fiscal_year(start, calendar))
    }
}

/// "FY27"; in full where two digits would not be read as this century's.
fn fiscal_year(date: NaiveDate, calendar: &Calendar) -> String {
    match calendar.fiscal_year_number(calendar.fiscal_year_of(month_of(date))) {
        number @ 2010..=2099 => format!("FY{}", number - 2000),
        number => format!("FY{number}"),
    }
}
