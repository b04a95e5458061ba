//! When the rows of a history happened, and in which order: a date without a time is the start of that
//! business date, and rows of the same date follow each other as their values do.

use crate::domain::calendar::Calendar;
use crate::domain::change::{Day, Millis};
use crate::domain::days::{DayTable, day};
use crate::domain::statement::Moment;

/// Rows of one deal on one date beyond this many keep the order of the file.
const LINKED: usize = 64;

/// The organisation's calendar and the engine's clock.
#[derive(Debug)]
pub(super) struct Clock {
    pub calendar: Calendar,
    pub days: DayTable,
    pub now: Millis,
}

/// A row of a history with its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dated<T> {
    pub row: T,
    pub day: Day,
    pub at: Millis,
    is_instant: bool,
}

impl Clock {
    /// The business day and the instant of a moment.
    pub fn of(&self, moment: Moment) -> (Day, Millis) {
        match moment {
            Moment::Date(date) => (day(date), self.calendar.start_of(date)),
            Moment::Instant(at) => (self.days.of(at), at),
        }
    }

    /// Rows in the order in which they happened, none before the one it follows. `links` says whether
    /// a row goes on from where another ended; rows of one date without times are put in that order,
    /// and where it says nothing, in that of the file.
    pub fn in_order<T: Copy>(
        &self,
        rows: &[T],
        moment: impl Fn(&T) -> Moment,
        links: impl Fn(&T, &T) -> bool,
    ) -> Vec<Dated<T>> {
        let mut dated: Vec<Dated<T>> = rows
            .iter()
            .map(|row| {
                let moment = moment(row);
                let (day, at) = self.of(moment);
                Dated {
                    row: *row,
                    day,
                    at,
                    is_instant: matches!(moment, Moment::Instant(_)),
                }
            })
            .collect();
        dated.sort_by_key(|row| row.day);
        let mut last: Option<T> = None;
        for of_day in dated.chunk_by_mut(|one, other| one.day == other.day) {
            if of_day.iter().all(|row| row.is_instant) {
                of_day.sort_by_key(|row| row.at);
            } else if (2..=LINKED).contains(&of_day.len()) {
                link(of_day, last, &links);
            }
            last = of_day.last().map(|row| row.row);
        }
        let mut earliest = Millis::MIN;
        for row in &mut dated {
            row.at = row.at.max(earliest);
            earliest = row.at;
        }
        dated
    }
}

/// Puts rows in the order in which each goes on from the one before.
fn link<T: Copy>(rows: &mut [Dated<T>], mut last: Option<T>, links: &impl Fn(&T, &T) -> bool) {
    for place in 0..rows.len() {
        let Some(rest) = rows.get_mut(place..) else {
            return;
        };
        let follows = |row: &Dated<T>| match &last {
            Some(last) => links(last, &row.row),
            None => false,
        };
        let starts = |row: &Dated<T>| !rest.iter().any(|other| links(&other.row, &row.row));
        let next = rest
            .iter()
            .position(follows)
            .or_else(|| rest.iter().position(starts))
            .unwrap_or(0);
        if let Some(moved) = rest.get_mut(..=next) {
            moved.rotate_right(1);
        }
        last = rest.first().map(|row| row.row);
    }
}
