//! People's words for time: "Q1", "last 90 days", "Jan to Mar 2026", "end of quarter".
//!
//! A text becomes tokens (`words`), the tokens expressions (`grammar`) and those a whole answer
//! (`phrases`), which is given its days (`resolve`), and the days get their name (`label`). What went
//! wrong on the way is told the caller in `refused`. What a tool does with a period is not decided
//! here.

mod grammar;
mod label;
#[cfg(test)]
mod laws;
mod phrases;
mod refused;
mod resolve;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

pub use self::label::label;
use self::refused::{Problem, Refused, is_too_long};
use self::resolve::{Resolver, Stretch, Trouble, in_range};
use crate::domain::calendar::Calendar;
use crate::domain::change::Millis;
use crate::domain::period::Period;
use crate::language::vocabulary::quoted;
use crate::refusal::{Code, Result};

/// Which way a bare "Q1" or "March" is read when it carries no year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The first one that is not yet over.
    Forward,
    /// The last one that has begun.
    Back,
}

/// What words for a period were taken to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The days that were named.
    pub period: Period,
    /// The whole month, quarter, half or year when the words were MTD, QTD, "half to date" or YTD.
    pub whole: Option<Period>,
}

/// Reads words for a period.
///
/// The label of the answer is its canonical name and reads back to the same days on any day and
/// in either direction.
pub fn period(
    words: &str,
    calendar: &Calendar,
    today: NaiveDate,
    direction: Direction,
) -> Result<Reading> {
    let refused = Refused {
        words,
        calendar,
        today,
        direction,
    };
    let resolver = resolver(&refused, Code::PeriodNotUnderstood)?;
    let phrase = tokens(words).and_then(|tokens| phrases::phrase(&tokens));
    let (stretch, whole) = phrase
        .ok_or(Problem::Shape)
        .and_then(|phrase| resolver.phrase(&phrase).map_err(Problem::Trouble))
        .map_err(|problem| refused.as_a_period(problem))?;
    Ok(Reading {
        period: named(stretch, calendar),
        whole: whole.map(|whole| named(whole, calendar)),
    })
}

/// The period that a tool takes when none is said. Nobody said these words, so where they leave the
/// years that are kept they are cut, not refused.
pub fn unsaid(
    words: &str,
    calendar: &Calendar,
    today: NaiveDate,
    direction: Direction,
) -> Result<Reading> {
    let refused = Refused {
        words,
        calendar,
        today,
        direction,
    };
    let resolver = resolver(&refused, Code::PeriodNotUnderstood)?;
    let phrase = tokens(words).and_then(|tokens| phrases::phrase(&tokens));
    let stretch = phrase
        .ok_or(Problem::Shape)
        .and_then(|phrase| resolver.clipped(&phrase).map_err(Problem::Trouble))
        .map_err(|problem| refused.as_a_period(problem))?;
    Ok(Reading {
        period: named(stretch, calendar),
        whole: None,
    })
}

fn named(stretch: Stretch, calendar: &Calendar) -> Period {
    let label = label(stretch.start, stretch.end, calendar);
    Period::new(stretch.start, stretch.end, label)
}

/// Reads words for one business date, or an instant, which falls on one.
pub fn date(
    words: &str,
    calendar: &Calendar,
    today: NaiveDate,
    direction: Direction,
) -> Result<NaiveDate> {
    let refused = Refused {
        words,
        calendar,
        today,
        direction,
    };
    let resolver = resolver(&refused, Code::DateNotUnderstood)?;
    read_day(&resolver, words).map_err(|problem| match problem {
        Problem::Shape => refused.as_a_day(days_in(&resolver, words)),
        problem => refused.as_a_date(problem),
    })
}

/// Reads words for the day by which something ends: a date as [`date`] does, and the last day of a month
/// or a quarter that is named; beside it what is to be said of that reading.
pub fn last_day(
    words: &str,
    calendar: &Calendar,
    today: NaiveDate,
) -> Result<(NaiveDate, Option<String>)> {
    let direction = Direction::Forward;
    date(words, calendar, today, direction)
        .map(|day| (day, None))
        .or_else(|refusal| {
            // A longer stretch, or one that no calendar knows, says too little about its end.
            let named = period(words, calendar, today, direction).ok();
            let named = named.map(|reading| reading.period).filter(|period| {
                let is_quarter = period.start == calendar.quarter_of(period.start)
                    || period.start.month0().is_multiple_of(3);
                period.is_whole_months()
                    && match period.months().len() {
                        1 => true,
                        3 => is_quarter,
                        _ => false,
                    }
            });
            let end = named.ok_or(refusal)?.end;
            let note = format!("Read {} as {end}.", quoted(words));
            Ok((end, Some(note)))
        })
}

fn read_day(resolver: &Resolver, words: &str) -> Result<NaiveDate, Problem> {
    if let Some(instant) = instant(words, &resolver.calendar) {
        return if in_range(instant.date) {
            Ok(instant.date)
        } else {
            Err(Problem::Trouble(Trouble::OutOfRange))
        };
    }
    let item = tokens(words).and_then(|tokens| phrases::day(&tokens));
    resolver
        .day(&item.ok_or(Problem::Shape)?)
        .map_err(Problem::Trouble)
}

/// What somebody who named a period where a day is wanted could say instead: a day of it, and words
/// for that day where they are understood. `None` when it is no period either.
fn days_in(resolver: &Resolver, words: &str) -> Option<Vec<String>> {
    let phrase = phrases::phrase(&tokens(words)?)?;
    let (stretch, _) = resolver.phrase(&phrase).ok()?;
    if (stretch.end - stretch.start).num_days() > 366 {
        return None; // No day of "all time" is nearer to what was meant than another.
    }
    let latest = match resolver.direction {
        Direction::Forward => stretch.end,
        Direction::Back => stretch.end.min(resolver.today),
    };
    let bare = words.trim();
    let bare = bare
        .get(..3)
        .filter(|it| it.eq_ignore_ascii_case("in "))
        .map_or(bare, |_| bare.get(3..).unwrap_or(bare));
    let end = format!("end of {bare}");
    let is_end = read_day(resolver, &end).is_ok_and(|day| day == latest);
    let mut days = vec![latest.to_string()];
    days.extend(is_end.then_some(end));
    Some(days)
}

/// An instant, the business date it falls on, and how it is written with its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instant {
    /// Milliseconds since 1970 UTC.
    pub at: Millis,
    /// Its date where the business is.
    pub date: NaiveDate,
    /// RFC 3339.
    pub written: String,
}

/// Reads an instant: RFC 3339, or a date and a time without a zone, which are the business's own.
pub fn instant(words: &str, calendar: &Calendar) -> Option<Instant> {
    let words = words.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(words) {
        let at = instant.timestamp_millis();
        return Some(Instant {
            at,
            date: calendar.date_of(at),
            written: words.to_owned(),
        });
    }
    let (date, time) = words.split_once(['T', 't', ' '])?;
    let (date, time): (NaiveDate, NaiveTime) = (date.parse().ok()?, time.trim().parse().ok()?);
    let at = calendar.at(date, time);
    let local = DateTime::from_timestamp_millis(at)?.with_timezone(&calendar.zone);
    Some(Instant {
        at,
        date,
        written: local.to_rfc3339(),
    })
}

fn tokens(words: &str) -> Option<Vec<words::Token>> {
    if is_too_long(words) {
        None
    } else {
        words::tokens(words)
    }
}

/// Refused when today itself lies outside the years that are kept: then nothing can be reckoned.
fn resolver(refused: &Refused<'_>, code: Code) -> Result<Resolver> {
    if !in_range(refused.today) {
        return Err(refused.for_today(code));
    }
    Ok(Resolver {
        calendar: *refused.calendar,
        today: refused.today,
        direction: refused.direction,
        years: None,
    })
}
