//! Business days as plain numbers, and a table that finds the day of an instant fast. Folding a
//! million deals asks for the business date of millions of instants, so a zone look-up each is too
//! dear: the table holds one offset a UTC day and asks the zone only on days when clocks change.

use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};

use super::calendar::Calendar;
use super::change::{Day, Millis, NO_DAY};

const DAY: Millis = 86_400_000;
/// The table covers 1990 to 2060; other instants ask the zone.
const FIRST: Day = 7_305;
const DAYS: Day = 25_567;
/// No single offset holds all day.
const CHANGES: i32 = i32::MAX;

/// The number of a date.
pub fn day(date: NaiveDate) -> Day {
    date.to_epoch_days()
}

/// The date of a number; `None` for [`NO_DAY`].
pub fn date(day: Day) -> Option<NaiveDate> {
    if day == NO_DAY {
        None
    } else {
        NaiveDate::from_epoch_days(day)
    }
}

/// The number of a date that may be missing.
pub fn day_or_none(date: Option<NaiveDate>) -> Day {
    date.map_or(NO_DAY, day)
}

/// Finds the business day of an instant under one calendar.
#[derive(Debug, Clone, Default)]
pub struct DayTable {
    calendar: Calendar,
    /// Seconds east of UTC for each UTC day; empty when the zone is UTC itself.
    offsets: Vec<i32>,
}

impl DayTable {
    /// The table of a calendar's zone.
    pub fn new(calendar: Calendar) -> Self {
        if calendar.zone == chrono_tz::UTC {
            return DayTable {
                calendar,
                offsets: Vec::new(),
            };
        }
        let offset = |day: Day| {
            let midnight =
                DateTime::<Utc>::from_timestamp(i64::from(day) * 86_400, 0).unwrap_or_default();
            calendar
                .zone
                .offset_from_utc_datetime(&midnight.naive_utc())
                .fix()
                .local_minus_utc()
        };
        let mut offsets = Vec::with_capacity(DAYS as usize);
        let mut today = offset(FIRST);
        for day in FIRST..FIRST + DAYS {
            let tomorrow = offset(day + 1);
            offsets.push(if today == tomorrow { today } else { CHANGES });
            today = tomorrow;
        }
        DayTable { calendar, offsets }
    }

    /// The calendar the table is of.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The business day of an instant.
    pub fn of(&self, at: Millis) -> Day {
        let utc_day = Day::try_from(at.div_euclid(DAY)).unwrap_or(NO_DAY);
        if self.offsets.is_empty() {
            return utc_day;
        }
        let known = usize::try_from(utc_day.saturating_sub(FIRST))
            .ok()
            .and_then(|place| self.offsets.get(place));
        match known {
            Some(&seconds) if seconds != CHANGES => {
                Day::try_from((at + i64::from(seconds) * 1_000).div_euclid(DAY)).unwrap_or(NO_DAY)
            }
            _ => day(self.calendar.date_of(at)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_zone_at_every_hour() {
        for zone in [
            chrono_tz::America::New_York,
            chrono_tz::Australia::Lord_Howe,
            chrono_tz::Asia::Kolkata,
        ] {
            let calendar = Calendar {
                zone,
                ..Calendar::default()
            };
            let table = DayTable::new(calendar);
            for hour in 0..24 * 800 {
                let at = 1_735_689_600_000 + hour * 3_600_000 + 1_234;
                assert_eq!(
                    date(table.of(at)).unwrap(),
                    calendar.date_of(at),
                    "{zone} {at}"
                );
            }
        }
    }
}
