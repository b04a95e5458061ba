//! The organisation's calendar: when its year, half, quarter and week begin, and which business
//! date an instant falls on. Pure arithmetic on dates; people's words for them are `language`'s.

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, SecondsFormat, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

/// Whether the fiscal year carries the number of the calendar year it starts in or ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YearName {
    /// FY27 is the year that starts in 2027.
    Start,
    /// FY27 is the year that ends in 2027 (DEFINITIONS' default).
    End,
}

/// How this organisation counts its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The zone whose midnights part the business dates.
    pub zone: Tz,
    /// The first month of the fiscal year, 1 to 12; 1 means fiscal and calendar years agree.
    pub fiscal_year_start: u32,
    /// Which calendar year a fiscal year is named by.
    pub fiscal_year_named_by: YearName,
    /// The first day of the week.
    pub week_start: Weekday,
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar {
            zone: Tz::UTC,
            fiscal_year_start: 1,
            fiscal_year_named_by: YearName::End,
            week_start: Weekday::Mon,
        }
    }
}

impl Calendar {
    /// The business date of an instant, given in milliseconds since 1970 UTC.
    pub fn date_of(&self, millis: i64) -> NaiveDate {
        let instant = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
        instant.with_timezone(&self.zone).date_naive()
    }

    /// An instant for a reader: the business date when it is the first of one, else date and time with
    /// the offset of the zone.
    pub fn show(&self, millis: i64) -> String {
        let date = self.date_of(millis);
        if self.start_of(date) == millis {
            return date.to_string();
        }
        let instant = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
        instant
            .with_timezone(&self.zone)
            .to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// The first instant of a business date, in milliseconds since 1970 UTC.
    pub fn start_of(&self, date: NaiveDate) -> i64 {
        self.at(date, NaiveTime::MIN)
    }

    /// The last instant of a business date.
    pub fn end_of(&self, date: NaiveDate) -> i64 {
        self.start_of(date.checked_add_days(Days::new(1)).unwrap_or(date)) - 1
    }

    /// Noon of a business date: the clock that `--today` sets.
    pub fn noon_of(&self, date: NaiveDate) -> i64 {
        self.at(
            date,
            NaiveTime::from_hms_opt(12, 0, 0).unwrap_or(NaiveTime::MIN),
        )
    }

    /// A wall-clock time in the zone; a time that a clock change skips means the first one after it.
    pub fn at(&self, date: NaiveDate, time: NaiveTime) -> i64 {
        let wall = date.and_time(time);
        (0..8)
            .find_map(|quarters| {
                let wall = wall + chrono::Duration::minutes(15 * quarters);
                self.zone.from_local_datetime(&wall).earliest()
            })
            .map_or_else(
                || wall.and_utc().timestamp_millis(),
                |instant| instant.timestamp_millis(),
            )
    }

    /// The first day of the fiscal year that holds a date.
    pub fn fiscal_year_of(&self, date: NaiveDate) -> NaiveDate {
        let year = if date.month() >= self.fiscal_year_start {
            date.year()
        } else {
            date.year() - 1
        };
        first_of_month(year, self.fiscal_year_start)
    }

    /// The number a fiscal year that begins on `start` is called by: 2027 in "FY27".
    pub fn fiscal_year_number(&self, start: NaiveDate) -> i32 {
        match self.fiscal_year_named_by {
            YearName::End if self.fiscal_year_start > 1 => start.year() + 1,
            _ => start.year(),
        }
    }

    /// The first day of the fiscal year that is called by a number.
    pub fn fiscal_year_called(&self, number: i32) -> NaiveDate {
        let year = match self.fiscal_year_named_by {
            YearName::End if self.fiscal_year_start > 1 => number - 1,
            _ => number,
        };
        first_of_month(year, self.fiscal_year_start)
    }

    /// The first day of the fiscal quarter that holds a date.
    pub fn quarter_of(&self, date: NaiveDate) -> NaiveDate {
        let year = self.fiscal_year_of(date);
        let months = months_between(year, date) / 3 * 3;
        add_months(year, months)
    }

    /// Which fiscal quarter a date lies in, 1 to 4.
    pub fn quarter_number(&self, date: NaiveDate) -> u32 {
        u32::try_from(months_between(self.fiscal_year_of(date), date) / 3 + 1).unwrap_or(1)
    }

    /// The first day of the week that holds a date.
    pub fn week_of(&self, date: NaiveDate) -> NaiveDate {
        date.week(self.week_start).first_day()
    }
}

/// The first day of a month; years beyond chrono's range are clamped to it.
pub fn first_of_month(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(if year < 0 {
        NaiveDate::MIN
    } else {
        NaiveDate::MAX
    })
}

/// The first day of the month that holds a date.
pub fn month_of(date: NaiveDate) -> NaiveDate {
    first_of_month(date.year(), date.month())
}

/// Whole months from the month of `from` to the month of `to`; negative when `to` is earlier.
pub fn months_between(from: NaiveDate, to: NaiveDate) -> i32 {
    (to.year() - from.year()) * 12 + i32::try_from(to.month()).unwrap_or(0)
        - i32::try_from(from.month()).unwrap_or(0)
}

/// A date some months on (or back, when negative), clamped at month ends.
pub fn add_months(date: NaiveDate, months: i32) -> NaiveDate {
    let by = Months::new(months.unsigned_abs());
    let moved = if months < 0 {
        date.checked_sub_months(by)
    } else {
        date.checked_add_months(by)
    };
    moved.unwrap_or(date)
}

/// A date some days on (or back, when negative).
pub fn add_days(date: NaiveDate, days: i64) -> NaiveDate {
    let by = Days::new(days.unsigned_abs());
    let moved = if days < 0 {
        date.checked_sub_days(by)
    } else {
        date.checked_add_days(by)
    };
    moved.unwrap_or(date)
}
