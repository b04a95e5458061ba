//! Dates as files write them: ISO dates and instants, and dates in the order of one country, which
//! are read only when the whole column leaves no doubt which country it is.

use chrono::{Datelike, NaiveDate, NaiveTime};

use crate::domain::calendar::{Calendar, month_of};
use crate::domain::statement::Moment;
use crate::language::vocabulary::quoted;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// What the cells of a column give away about the order of day and month: the first date of either
/// order, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Order {
    day_first: Evidence,
    month_first: Evidence,
}

/// Dates that can only be of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Evidence {
    count: u32,
    /// The first of them: its two numbers and its year.
    first: (u32, u32, i32),
}

impl Evidence {
    fn note(&mut self, date: (u32, u32, i32)) {
        if self.count == 0 {
            self.first = date;
        }
        self.count = self.count.saturating_add(1);
    }

    fn shown(self) -> String {
        let (first, second, year) = self.first;
        format!("{first:02}/{second:02}/{year}")
    }
}

/// A date as written.
enum Written {
    /// Year first, which leaves no doubt; `None` when there is no such day.
    Iso(Option<NaiveDate>),
    /// Two numbers and a year. Only countries that put the day first part them with points.
    Local {
        first: u32,
        second: u32,
        year: i32,
        points: bool,
    },
}

/// A time of day as written, and the seconds east of UTC if it says.
struct Time {
    time: NaiveTime,
    offset: Option<i32>,
}

impl Order {
    /// Learns from one cell.
    pub fn note(&mut self, cell: &str) {
        if let Some((
            Written::Local {
                first,
                second,
                year,
                points: false,
            },
            _,
        )) = parts(cell)
        {
            if first > 12 {
                self.day_first.note((first, second, year));
            }
            if second > 12 {
                self.month_first.note((first, second, year));
            }
        }
    }

    fn date(self, cell: &str, written: &Written) -> Result<NaiveDate, String> {
        let (first, second, year, points) = match written {
            Written::Iso(date) => return in_range(date.ok_or_else(|| no_such_day(cell))?, cell),
            Written::Local {
                first,
                second,
                year,
                points,
            } => (*first, *second, *year, *points),
        };
        let day_first = match (self.day_first.count, self.month_first.count) {
            _ if points || first == second => true,
            (1.., 0) => true,
            (0, 1..) => false,
            // The column is of the order that most of its dates are of; only the others are wrong.
            (day_firsts, month_firsts) if first > 12 && day_firsts > month_firsts => true,
            (day_firsts, month_firsts) if second > 12 && month_firsts > day_firsts => false,
            (1.., 1..) => {
                return Err(format!(
                    "the column has dates of both orders, such as {} and {}; write dates as 2026-01-31",
                    self.day_first.shown(),
                    self.month_first.shown()
                ));
            }
            (0, 0) => {
                return Err(format!(
                    "{} could be day or month first, and no date of the column settles it; write dates as 2026-01-31",
                    quoted(cell)
                ));
            }
        };
        let (day, month) = if day_first {
            (first, second)
        } else {
            (second, first)
        };
        in_range(
            NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| no_such_day(cell))?,
            cell,
        )
    }
}

/// Reads a business date. A time of exactly midnight is how many programs write that there is none,
/// so it does not move the date to another zone's; any other instant falls on its business date.
pub(super) fn day(cell: &str, order: Order, calendar: &Calendar) -> Result<NaiveDate, String> {
    let (written, time) = parts(cell).ok_or_else(|| not_a_date(cell))?;
    let date = order.date(cell, &written)?;
    match time {
        Some(Time {
            time,
            offset: Some(offset),
        }) if time != NaiveTime::MIN => {
            in_range(calendar.date_of(instant(date, time, offset)), cell)
        }
        _ => Ok(date),
    }
}

/// Reads a date or an instant. A time without an offset is one of the organisation's own zone.
pub(super) fn moment(cell: &str, order: Order, calendar: &Calendar) -> Result<Moment, String> {
    let (written, time) = parts(cell).ok_or_else(|| not_a_date(cell))?;
    let date = order.date(cell, &written)?;
    Ok(match time {
        None => Moment::Date(date),
        Some(Time {
            time,
            offset: Some(offset),
        }) => Moment::Instant(instant(date, time, offset)),
        Some(Time { time, offset: None }) if time == NaiveTime::MIN => Moment::Date(date),
        Some(Time { time, offset: None }) => Moment::Instant(calendar.at(date, time)),
    })
}

/// Reads a month: "2026-01", any day of it, or what Excel makes of it ("Jan-26").
pub(super) fn month(cell: &str) -> Option<NaiveDate> {
    let cell = cell.trim();
    let (one, other) = cell.split_once(['-', '/', ' '])?;
    let number = |text: &str| -> Option<i32> {
        (text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let named = month_named;
    let year =
        |text: &str| number(text).map(|year| if text.len() == 2 { 2_000 + year } else { year });
    let (year, month) = match (named(one), named(other)) {
        (Some(month), None) => (year(other)?, month),
        (None, Some(month)) => (year(one)?, month),
        _ if one.len() == 4 && other.len() <= 2 => {
            (number(one)?, u32::try_from(number(other)?).ok()?)
        }
        _ => match parts(cell)? {
            (Written::Iso(date), _) => return date.map(month_of),
            (Written::Local { .. }, _) => return None,
        },
    };
    NaiveDate::from_ymd_opt(year, month, 1).filter(|date| in_range(*date, cell).is_ok())
}

/// A date whose month is named, so which number is the day is plain.
fn named_date(day: &str, month: u32, year: &str) -> Option<Written> {
    let century = if year.len() == 2 { 2_000 } else { 0 };
    let (day, year) = (day.parse().ok()?, century + year.parse::<i32>().ok()?);
    Some(Written::Iso(NaiveDate::from_ymd_opt(year, month, day)))
}

/// "Mar 31, 2026" and "31 March 2026".
fn spelt(cell: &str) -> Option<Written> {
    let mut words = cell.split([' ', ',']).filter(|word| !word.is_empty());
    let (one, two, year) = (words.next()?, words.next()?, words.next()?);
    let is_number = |text: &str, longest| {
        text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if words.next().is_some() || year.len() != 4 || !is_number(year, 4) {
        return None;
    }
    match (month_named(one), month_named(two)) {
        (Some(month), None) if is_number(two, 2) => named_date(two, month, year),
        (None, Some(month)) if is_number(one, 2) => named_date(one, month, year),
        _ => None,
    }
}

/// The number of a month by its name, of which three letters are enough.
fn month_named(text: &str) -> Option<u32> {
    let start = text.get(..3)?.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| *month == start)?;
    u32::try_from(place + 1).ok()
}

fn instant(date: NaiveDate, time: NaiveTime, offset: i32) -> i64 {
    date.and_time(time).and_utc().timestamp_millis() - i64::from(offset) * 1_000
}

fn parts(cell: &str) -> Option<(Written, Option<Time>)> {
    let cell = cell.trim();
    // Nearly every date is numbers; only others are looked at word by word.
    if cell.bytes().any(|byte| byte.is_ascii_alphabetic())
        && let Some(date) = spelt(cell)
    {
        return Some((date, None));
    }
    // A letter T parts date and time only between digits; elsewhere it belongs to a month's name.
    let is_digit = |place: Option<usize>| {
        let byte = place.and_then(|place| cell.as_bytes().get(place));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let parts_time = |(place, letter): &(usize, char)| match letter {
        ' ' | ',' => true,
        'T' | 't' => is_digit(place.checked_sub(1)) && is_digit(Some(place + 1)),
        _ => false,
    };
    let place = cell.char_indices().find(parts_time).map(|(place, _)| place);
    let (date, time) = match place {
        Some(place) => (cell.get(..place)?, cell.get(place + 1..)?.trim()),
        None => (cell, ""),
    };
    Some((
        written(date)?,
        if time.is_empty() {
            None
        } else {
            Some(self::time(time)?)
        },
    ))
}

fn written(date: &str) -> Option<Written> {
    let mark = date
        .chars()
        .find(|c| !c.is_ascii_digit())
        .filter(|c| matches!(c, '-' | '/' | '.'))?;
    let mut numbers = date.split(mark);
    let (one, two, three) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let is_number = |text: &&str| {
        !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let (Some(month), true) = (month_named(two), numbers.next().is_none()) {
        // "27-Feb-2026": which is the day is plain.
        let is_dated = [one, three].iter().all(is_number) && matches!(three.len(), 2 | 4);
        return is_dated.then(|| named_date(one, month, three))?;
    }
    if numbers.next().is_some() || ![one, two, three].iter().all(is_number) || two.len() > 2 {
        return None;
    }
    if one.len() == 4 && three.len() <= 2 {
        let (year, month, day) = (one.parse().ok()?, two.parse().ok()?, three.parse().ok()?);
        return Some(Written::Iso(NaiveDate::from_ymd_opt(year, month, day)));
    }
    // A year of two digits could as well be a day, so it is not read.
    (one.len() <= 2 && three.len() == 4).then_some(Written::Local {
        first: one.parse().ok()?,
        second: two.parse().ok()?,
        year: three.parse().ok()?,
        points: mark == '.',
    })
}

/// "10:30", "10:30:00.000+0000", "3:04 PM", "10:30:00Z", "10:30:00-05:00".
fn time(text: &str) -> Option<Time> {
    let clock = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
        .unwrap_or(text.len());
    let (clock, rest) = text.split_at(clock);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut numbers = clock.split(':').map(|part| {
        if part.len() <= 2 {
            part.parse::<u32>().ok()
        } else {
            None
        }
    });
    let (hour, minute, second) = (
        numbers.next()??,
        numbers.next()??,
        numbers.next().unwrap_or(Some(0))?,
    );
    let millis = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let rest = rest.trim();
    let hour = match rest.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("am") if (1..=12).contains(&hour) => hour % 12,
        Some("pm") if (1..=12).contains(&hour) => hour % 12 + 12,
        Some("am" | "pm") => return None,
        _ => hour,
    };
    let rest = rest
        .strip_prefix(['a', 'A', 'p', 'P'])
        .and_then(|rest| rest.strip_prefix(['m', 'M']))
        .unwrap_or(rest);
    let offset = if rest.is_empty() {
        None
    } else {
        Some(offset(rest.trim())?)
    };
    if numbers.next().is_some() {
        return None;
    }
    Some(Time {
        time: NaiveTime::from_hms_milli_opt(hour, minute, second, millis)?,
        offset,
    })
}

/// Seconds east of UTC: "Z", "+01:00", "+0100", "+01".
fn offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix(['-', '−'])?),
    };
    let digits = digits.replace(':', "");
    let number = |range| {
        digits
            .get(range)
            .and_then(|part: &str| part.parse::<i32>().ok())
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let (hours, minutes) = (
        number(0..2)?,
        if digits.len() == 4 { number(2..4)? } else { 0 },
    );
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn in_range(date: NaiveDate, cell: &str) -> Result<NaiveDate, String> {
    if (1_970..=2_199).contains(&date.year()) {
        Ok(date)
    } else {
        Err(format!(
            "{} lies outside the years 1970 to 2199",
            quoted(cell)
        ))
    }
}

fn no_such_day(cell: &str) -> String {
    format!("{} is a day that does not exist", quoted(cell))
}

fn not_a_date(cell: &str) -> String {
    format!("{} is not a date; write dates as 2026-01-31", quoted(cell))
}
