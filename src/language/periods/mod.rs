//! People's words for time: "Q1", "last 90 days", "Jan to Mar 2026", "end of quarter".
//!
//! A text becomes tokens (`words`), the tokens a shape (`grammar`), the shape days (`resolve`),
//! and the days get their name (`label`). Only this file speaks to the caller: it turns what went
//! wrong on the way into a refusal. What a tool does with a period is not decided here.

mod grammar;
mod label;
mod resolve;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

use self::label::{dates, label};
use self::resolve::{Resolver, Trouble, in_range};
use super::vocabulary::quoted;
use crate::domain::calendar::{Calendar, add_days, add_months};
use crate::domain::period::Period;
use crate::refusal::{Code, Refusal, Result};

/// Longer texts than this are no words for a time.
const LONGEST: usize = 200;

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
    let refused = |trouble| refuse_period(words, trouble, calendar, today);
    let resolver =
        resolver(calendar, today, direction).ok_or_else(|| refused(Some(Trouble::OutOfRange)))?;
    let phrase = tokens(words)
        .and_then(|tokens| grammar::phrase(&tokens))
        .ok_or_else(|| refused(None))?;
    let (stretch, whole) = resolver
        .phrase(&phrase)
        .map_err(|trouble| refused(Some(trouble)))?;
    let named =
        |it: resolve::Stretch| Period::new(it.start, it.end, label(it.start, it.end, calendar));
    Ok(Reading {
        period: named(stretch),
        whole: whole.map(named),
    })
}

/// Reads words for one business date, or a full RFC 3339 instant, which falls on one. A time
/// without a zone is the business's own, so its date stands.
pub fn date(
    words: &str,
    calendar: &Calendar,
    today: NaiveDate,
    direction: Direction,
) -> Result<NaiveDate> {
    let refused = |trouble| refuse_date(words, trouble, today, direction);
    let resolver =
        resolver(calendar, today, direction).ok_or_else(|| refused(Some(Trouble::OutOfRange)))?;
    let instant = DateTime::parse_from_rfc3339(words.trim()).ok();
    let of_instant = instant.map(|instant| calendar.date_of(instant.timestamp_millis()));
    if let Some(day) = of_instant.or_else(|| date_before_time(words.trim())) {
        return if in_range(day) {
            Ok(day)
        } else {
            Err(refused(Some(Trouble::OutOfRange)))
        };
    }
    let item = tokens(words)
        .and_then(|tokens| grammar::day(&tokens))
        .ok_or_else(|| refused(None))?;
    resolver
        .day(&item)
        .map_err(|trouble| refused(Some(trouble)))
}

/// The date of "2026-01-29T10:00".
fn date_before_time(words: &str) -> Option<NaiveDate> {
    let (date, time) = words.split_once(['T', 't', ' '])?;
    time.parse::<NaiveTime>().ok()?;
    date.parse().ok()
}

fn tokens(words: &str) -> Option<Vec<words::Token>> {
    if is_too_long(words) {
        None
    } else {
        words::tokens(words)
    }
}

/// `None` when today itself lies outside the years that are kept: then nothing can be reckoned.
fn resolver(calendar: &Calendar, today: NaiveDate, direction: Direction) -> Option<Resolver> {
    in_range(today).then_some(Resolver {
        calendar: *calendar,
        today,
        direction,
        years: None,
    })
}

fn refuse_period(
    words: &str,
    trouble: Option<Trouble>,
    calendar: &Calendar,
    today: NaiveDate,
) -> Refusal {
    let quarter = calendar.quarter_of(today);
    let end = add_days(add_months(quarter, 3), -1);
    let examples = [
        label(quarter, end, calendar),
        "this month".to_owned(),
        dates(quarter, end),
    ];
    refuse(
        Code::PeriodNotUnderstood,
        "a period",
        words,
        trouble,
        &examples,
    )
}

fn refuse_date(
    words: &str,
    trouble: Option<Trouble>,
    today: NaiveDate,
    direction: Direction,
) -> Refusal {
    let spoken = format!("{} {}", today.day(), today.format("%b %Y"));
    let third = match direction {
        Direction::Forward => "next Friday",
        Direction::Back => "yesterday",
    };
    let examples = [today.to_string(), spoken, third.to_owned()];
    refuse(Code::DateNotUnderstood, "a date", words, trouble, &examples)
}

/// Says what is wrong with the words; `None` is words that have no known shape.
fn refuse(
    code: Code,
    wanted: &str,
    words: &str,
    trouble: Option<Trouble>,
    examples: &[String; 3],
) -> Refusal {
    let said = quoted(words);
    let message = match trouble {
        None if is_too_long(words) => format!("{said} is too long to be {wanted}."),
        None => format!("{said} is not understood as {wanted}."),
        Some(Trouble::Impossible) => format!("{said} names a day or month that does not exist."),
        Some(Trouble::Reversed) => format!("{said} ends before it starts."),
        Some(Trouble::OutOfRange) => format!("{said} leaves the years 1970 to 2199."),
        Some(Trouble::Ambiguous(one, other)) => {
            return Refusal::new(code, format!("{said} could be {one} or {other}."))
                .hint("Write the year first, then the month, then the day.")
                .candidates([one.to_string(), other.to_string()]);
        }
    };
    let [first, second, third] = examples;
    Refusal::new(code, message).hint(format!("Try \"{first}\", \"{second}\" or \"{third}\"."))
}

fn is_too_long(words: &str) -> bool {
    words.chars().nth(LONGEST).is_some()
}
