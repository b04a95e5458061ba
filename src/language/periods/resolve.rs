//! From what was said to days: the only place where the organisation's calendar, today and the
//! direction meet the words.
//!
//! An expression without a year ("March") may mean many stretches of time, one with a year only
//! one. So an expression first yields all its stretches in order of time, and one rule then picks:
//! forward the first that is not yet over, back the last that has begun. Spans follow the same
//! way, which is how "Nov-Feb" comes to cross the new year and "Nov to Feb 2026" to begin in 2025.

use chrono::{Datelike, NaiveDate};

use super::Direction;
use super::grammar::{Edge, Item, Year, Years};
use super::phrases::Phrase;
use super::words::Unit;
use crate::domain::calendar::{
    Calendar, add_days, add_months, first_of_month, month_of, months_between,
};

/// The first and last year that an answer may touch.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// Days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub start: NaiveDate,
    pub end: NaiveDate,
}

impl Stretch {
    /// What of it lies in the years that are kept.
    pub fn clipped(self) -> Stretch {
        Stretch {
            start: self.start.max(first_of_month(*YEARS.start(), 1)),
            end: self.end.min(last_day()),
        }
    }
}

/// Why words that have the right shape name no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No calendar has that day or month.
    Impossible,
    /// The numbers could be read as either of two dates.
    Ambiguous(NaiveDate, NaiveDate),
    /// It would end before it starts.
    Reversed,
    /// It runs up to today and begins on this later day.
    NotBegun(NaiveDate),
    /// It runs from today on and ended on this earlier day.
    Over(NaiveDate),
    /// It runs from today on, and the past is asked about.
    Ahead,
    /// It says where it begins and not where it ends, and the future is asked about.
    Endless,
    /// The date falls on another day of the week than was said.
    OtherWeekday(NaiveDate),
    /// It leaves the years that are kept.
    OutOfRange,
}

type Result<T> = std::result::Result<T, Trouble>;

/// Everything besides the words that decides what they mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub calendar: Calendar,
    pub today: NaiveDate,
    pub direction: Direction,
    /// Which years the words at hand speak of, when they say so.
    pub years: Option<Years>,
}

impl Resolver {
    /// The days of a phrase, and the whole unit when it was one "to date".
    pub fn phrase(&self, phrase: &Phrase) -> Result<(Stretch, Option<Stretch>)> {
        let (stretch, whole) = self.unlimited(phrase)?;
        Ok((within_range(stretch)?, whole.map(within_range).transpose()?))
    }

    /// The same, cut to the years that are kept.
    pub fn clipped(&self, phrase: &Phrase) -> Result<Stretch> {
        let (stretch, _) = self.unlimited(phrase)?;
        within_range(stretch.clipped())
    }

    fn unlimited(&self, phrase: &Phrase) -> Result<(Stretch, Option<Stretch>)> {
        let today = self.today;
        let mut whole = None;
        let stretch = match phrase {
            Phrase::One(item) => self.pick(self.all(item)?)?,
            Phrase::Span(from, to) => self.pick(spans(&self.all(from)?, &self.all(to)?)?)?,
            Phrase::From(_) if self.direction == Direction::Forward => {
                return Err(Trouble::Endless);
            }
            Phrase::Since(item) | Phrase::From(item) | Phrase::ToDate(item) => {
                if matches!(phrase, Phrase::ToDate(_)) {
                    whole = self.whole(item)?;
                }
                Stretch {
                    start: self.begun(item)?.start,
                    end: today,
                }
            }
            Phrase::Until(_) if self.direction == Direction::Back => return Err(Trouble::Ahead),
            Phrase::Until(item) => {
                let all = self.all(item)?;
                let over = all
                    .last()
                    .map_or(Trouble::Reversed, |it| Trouble::Over(it.end));
                let coming = all.into_iter().find(|it| it.end >= today).ok_or(over)?;
                Stretch {
                    start: today,
                    end: coming.end,
                }
            }
        };
        Ok((stretch, whole))
    }

    /// The last of all that an expression may mean to have begun by today.
    fn begun(&self, item: &Item) -> Result<Stretch> {
        let all = self.all(item)?;
        let ahead = all
            .first()
            .map_or(Trouble::Reversed, |it| Trouble::NotBegun(it.start));
        all.into_iter()
            .rfind(|it| it.start <= self.today)
            .ok_or(ahead)
    }

    /// The day of an expression that names one.
    pub fn day(&self, item: &Item) -> Result<NaiveDate> {
        let stretch = self.pick(self.all(item)?)?;
        within_range(stretch).map(|day| day.start)
    }

    /// All that an expression may mean, in order of time; never empty.
    fn all(&self, item: &Item) -> Result<Vec<Stretch>> {
        let today = self.today;
        let one = |start, end| Ok(vec![Stretch { start, end }]);
        match *item {
            Item::On { day, month, year } => self.every(year, |year| {
                let date = NaiveDate::from_ymd_opt(self.year_of_month(year, month), month, day)?;
                Some(Stretch {
                    start: date,
                    end: date,
                })
            }),
            Item::Month { month, year } => self.every(year, |year| {
                let start = NaiveDate::from_ymd_opt(self.year_of_month(year, month), month, 1)?;
                Some(whole(Unit::Month, start))
            }),
            Item::Part { unit, number, year } => self.every(year, |year| {
                let start = self.calendar.fiscal_year_called(self.number_of(year));
                Some(whole(unit, step(unit, start, number - 1)))
            }),
            Item::Ambiguous(one, other, year) => {
                let dates = (
                    NaiveDate::from_ymd_opt(year, one, other),
                    NaiveDate::from_ymd_opt(year, other, one),
                );
                let (Some(one), Some(other)) = dates else {
                    return Err(Trouble::Impossible);
                };
                Err(Trouble::Ambiguous(one, other))
            }
            Item::Year(number) if self.years == Some(Years::Fiscal) => Ok(vec![whole(
                Unit::Year,
                self.calendar.fiscal_year_called(number),
            )]),
            Item::Year(number) => Ok(vec![whole(Unit::Year, first_of_month(number, 1))]),
            Item::Weekday {
                day,
                week: Some(week),
            } => {
                let first = add_days(self.current(Unit::Week), 7 * i64::from(week));
                let days = i64::from(day.days_since(self.calendar.week_start));
                one(add_days(first, days), add_days(first, days))
            }
            Item::Weekday { day, week: None } => {
                // Half a year either way is more than anybody means by a bare "Friday".
                let first = today.week(day).first_day();
                let days = (-26..=26).map(|weeks| add_days(first, 7 * weeks));
                Ok(days
                    .map(|day| Stretch {
                        start: day,
                        end: day,
                    })
                    .collect())
            }
            Item::Dated(day, ref date) => {
                let date = self.pick(self.all(date)?)?;
                if date.start.weekday() == day {
                    Ok(vec![date])
                } else {
                    Err(Trouble::OtherWeekday(date.start))
                }
            }
            Item::Week { number, year } => self.every(year, |year| {
                let year = match year {
                    Year::Numbered(number) => number,
                    Year::Step(steps) => today.year() + steps,
                };
                // As ISO 8601 counts them: the first week is the one that holds 4 January.
                let first = self.calendar.week_of(add_days(first_of_month(year, 1), 3));
                let start = add_days(first, 7 * (i64::from(number) - 1));
                let is_of_year = add_days(start, 3).year() == year;
                is_of_year.then(|| whole(Unit::Week, start))
            }),
            Item::WeekOf(ref day) => {
                let days = self.all(day)?.into_iter();
                Ok(days
                    .map(|day| whole(Unit::Week, self.calendar.week_of(day.start)))
                    .collect())
            }
            Item::Edge(edge, ref of) => {
                let day = |of: Stretch| {
                    if edge == Edge::First {
                        of.start
                    } else {
                        of.end
                    }
                };
                Ok(self
                    .all(of)?
                    .into_iter()
                    .map(day)
                    .map(|day| Stretch {
                        start: day,
                        end: day,
                    })
                    .collect())
            }
            Item::Beside(step, ref of) => {
                let mut all = self.all(of)?.into_iter();
                let beside = if step < 0 {
                    all.rfind(|it| it.end < today)
                } else {
                    all.find(|it| it.start > today)
                };
                Ok(vec![beside.ok_or(Trouble::OutOfRange)?])
            }
            Item::Away { count, unit } => {
                let day = step(unit, today, count);
                one(day, day)
            }
            Item::Current { unit, step: steps } => {
                Ok(vec![whole(unit, step(unit, self.current(unit), steps))])
            }
            Item::Run {
                count,
                unit: Unit::Day,
            } if count < 0 => one(step(Unit::Day, today, count + 1), today),
            Item::Run {
                count,
                unit: Unit::Day,
            } => one(today, step(Unit::Day, today, count - 1)),
            Item::Run { count, unit } if count < 0 => {
                let current = self.current(unit);
                one(step(unit, current, count), add_days(current, -1))
            }
            Item::Run { count, unit } => {
                let next = step(unit, self.current(unit), 1);
                one(next, add_days(step(unit, next, count), -1))
            }
            Item::Trailing { count, unit } => one(add_days(step(unit, today, -count), 1), today),
            Item::Coming { count, unit } => one(today, add_days(step(unit, today, count), -1)),
            Item::Beyond { count, unit } => self.all(&match self.direction {
                Direction::Forward => Item::Run { count, unit },
                Direction::Back => Item::Trailing { count, unit },
            }),
            Item::Ever => one(
                first_of_month(*YEARS.start(), 1),
                match self.direction {
                    Direction::Forward => last_day(),
                    Direction::Back => today,
                },
            ),
            Item::Under(years, ref said) => self.under(years).all(said),
        }
    }

    /// A stretch of one year, or of every year when none was said.
    fn every(
        &self,
        year: Option<Year>,
        stretch: impl Fn(Year) -> Option<Stretch>,
    ) -> Result<Vec<Stretch>> {
        let all: Vec<Stretch> = match year {
            Some(year) => stretch(year).into_iter().collect(),
            // A fiscal year may be called by the number after the last year that is kept.
            None => (*YEARS.start()..=*YEARS.end() + 1)
                .filter_map(|year| stretch(Year::Numbered(year)))
                .collect(),
        };
        if all.is_empty() {
            Err(Trouble::Impossible)
        } else {
            Ok(all)
        }
    }

    /// The one that was meant.
    fn pick(&self, all: Vec<Stretch>) -> Result<Stretch> {
        if let [only] = *all {
            return Ok(only);
        }
        let mut all = all.into_iter();
        let meant = match self.direction {
            Direction::Forward => all.find(|it| it.end >= self.today),
            Direction::Back => all.rfind(|it| it.start <= self.today),
        };
        meant.ok_or(Trouble::OutOfRange)
    }

    /// The month, quarter, half or year that a "to date" belongs to, when it is not over.
    fn whole(&self, item: &Item) -> Result<Option<Stretch>> {
        match item {
            Item::Month { .. } | Item::Part { .. } | Item::Year(_) => {}
            Item::Current {
                unit: Unit::Month | Unit::Quarter | Unit::Half | Unit::Year,
                ..
            } => {}
            Item::Edge(Edge::First, of) => return self.whole(of),
            Item::Under(years, said) => return self.under(*years).whole(said),
            _ => return Ok(None),
        }
        let begun = self.begun(item)?;
        Ok(Some(begun).filter(|it| it.end >= self.today))
    }

    /// The same, for words that say which years they speak of.
    fn under(&self, years: Years) -> Resolver {
        let calendar = match years {
            Years::Civil => Calendar {
                fiscal_year_start: 1,
                ..self.calendar
            },
            Years::Fiscal => self.calendar,
        };
        Resolver {
            calendar,
            years: Some(years),
            ..*self
        }
    }

    /// The first day of the unit that holds today.
    fn current(&self, unit: Unit) -> NaiveDate {
        let year = self.calendar.fiscal_year_of(self.today);
        match unit {
            Unit::Day => self.today,
            Unit::Week => self.calendar.week_of(self.today),
            Unit::Month => month_of(self.today),
            Unit::Quarter => self.calendar.quarter_of(self.today),
            Unit::Half => add_months(year, months_between(year, self.today) / 6 * 6),
            Unit::Year => year,
        }
    }

    /// The number that a year of quarters and halves is called by.
    fn number_of(&self, year: Year) -> i32 {
        match year {
            Year::Numbered(number) => number,
            Year::Step(steps) => self.calendar.fiscal_year_number(self.current(Unit::Year)) + steps,
        }
    }

    /// The calendar year of a month. A month is the calendar's unless a fiscal year is named.
    fn year_of_month(&self, year: Year, month: u32) -> i32 {
        if self.years == Some(Years::Fiscal) {
            let start = self.calendar.fiscal_year_called(self.number_of(year));
            return start.year() + i32::from(month < start.month());
        }
        match year {
            Year::Numbered(number) => number,
            Year::Step(steps) => self.today.year() + steps,
        }
    }
}

/// All spans from one of the first to one of the second. Where a year is missing, several share an
/// end or a start; the shortest of those is the one that a person would mean.
fn spans(from: &[Stretch], to: &[Stretch]) -> Result<Vec<Stretch>> {
    let shortest = |end: NaiveDate| {
        let begun = from.partition_point(|it| it.start <= end);
        from.get(..begun)?.last().map(|first| Stretch {
            start: first.start,
            end,
        })
    };
    let mut spans: Vec<Stretch> = to.iter().filter_map(|last| shortest(last.end)).collect();
    spans.dedup_by_key(|span| span.start);
    if spans.is_empty() {
        Err(Trouble::Reversed)
    } else {
        Ok(spans)
    }
}

/// The whole unit that begins on a day.
fn whole(unit: Unit, start: NaiveDate) -> Stretch {
    Stretch {
        start,
        end: add_days(step(unit, start, 1), -1),
    }
}

/// The day that lies so many units away.
fn step(unit: Unit, from: NaiveDate, count: i32) -> NaiveDate {
    match unit {
        Unit::Day => add_days(from, i64::from(count)),
        Unit::Week => add_days(from, 7 * i64::from(count)),
        Unit::Month => add_months(from, count),
        Unit::Quarter => add_months(from, 3 * count),
        Unit::Half => add_months(from, 6 * count),
        Unit::Year => add_months(from, 12 * count),
    }
}

/// The last day that is kept.
fn last_day() -> NaiveDate {
    add_days(first_of_month(*YEARS.end() + 1, 1), -1)
}

/// Whether a day lies in the years that are kept.
pub(super) fn in_range(day: NaiveDate) -> bool {
    YEARS.contains(&day.year())
}

fn within_range(stretch: Stretch) -> Result<Stretch> {
    if in_range(stretch.start) && in_range(stretch.end) {
        Ok(stretch)
    } else {
        Err(Trouble::OutOfRange)
    }
}
