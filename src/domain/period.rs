//! A period: two business dates with both ends included, and the words it goes by.
//! Working out which period somebody means is `language::periods`.

use chrono::{Datelike, NaiveDate};

use super::calendar::{add_days, add_months, first_of_month, month_of, months_between};

/// A span of business dates, both ends included; `start` is never after `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub start: NaiveDate,
    /// The last day.
    pub end: NaiveDate,
    /// What people call it: "Q1 2026", "February 2026", "5 Jan 2026 to 20 Feb 2026".
    pub label: String,
}

impl Period {
    /// A period with the label it goes by.
    pub fn new(start: NaiveDate, end: NaiveDate, label: impl Into<String>) -> Self {
        Period {
            start,
            end,
            label: label.into(),
        }
    }

    /// The calendar month that holds a date, labelled "2026-02".
    pub fn month(date: NaiveDate) -> Self {
        let start = month_of(date);
        Period {
            start,
            end: add_days(add_months(start, 1), -1),
            label: start.format("%Y-%m").to_string(),
        }
    }

    /// Whether the date lies in the period.
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.start <= date && date <= self.end
    }

    /// The number of days in it.
    pub fn days(&self) -> i64 {
        (self.end - self.start).num_days() + 1
    }

    /// Whether it has ended by this day, that is, whether its last day lies before it.
    pub fn has_ended(&self, today: NaiveDate) -> bool {
        self.end < today
    }

    /// Whether it starts on the first and ends on the last day of a month.
    pub fn is_whole_months(&self) -> bool {
        self.start.day() == 1 && add_days(self.end, 1).day() == 1
    }

    /// The first days of the months it touches, in order.
    pub fn months(&self) -> Vec<NaiveDate> {
        let first = first_of_month(self.start.year(), self.start.month());
        (0..=months_between(self.start, self.end))
            .map(|n| add_months(first, n))
            .collect()
    }

    /// The part of a month that lies in the period.
    pub fn clip(&self, part: &Period) -> Period {
        Period {
            start: part.start.max(self.start),
            end: part.end.min(self.end),
            label: part.label.clone(),
        }
    }
}
