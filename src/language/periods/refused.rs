//! What the caller is told when words name no period and no day: what is wrong with them, and other
//! words that work.

use chrono::{Datelike, NaiveDate};

use super::Direction;
use super::label::{dates, label};
use super::resolve::{Stretch, Trouble, in_range};
use crate::domain::calendar::{Calendar, add_days, add_months};
use crate::language::vocabulary::quoted;
use crate::refusal::{Code, Refusal};

/// Longer texts than this are no words for a time.
const LONGEST: usize = 200;

/// What is wrong with words.
#[derive(Debug, Clone, Copy)]
pub(super) enum Problem {
    /// They have no known shape.
    Shape,
    /// They have one, and it comes to nothing.
    Trouble(Trouble),
}

/// Words to be refused, and what they were read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused<'a> {
    pub words: &'a str,
    pub calendar: &'a Calendar,
    pub today: NaiveDate,
    pub direction: Direction,
}

impl Refused<'_> {
    /// They name no period.
    pub fn as_a_period(&self, problem: Problem) -> Refusal {
        let start = self.calendar.quarter_of(self.today);
        let end = add_days(add_months(start, 3), -1);
        let quarter = Stretch { start, end }.clipped();
        let examples = [
            label(quarter.start, quarter.end, self.calendar),
            "this month".to_owned(),
            dates(quarter.start, quarter.end),
        ];
        self.refuse(Code::PeriodNotUnderstood, "a period", problem, &examples)
    }

    /// They name no date.
    pub fn as_a_date(&self, problem: Problem) -> Refusal {
        let today = self.today;
        let (third, days) = match self.direction {
            Direction::Forward => ("next Friday", 7),
            Direction::Back => ("yesterday", -1),
        };
        let is_kept = in_range(add_days(today, days));
        let third = if is_kept { third } else { "today" };
        let examples = [
            today.to_string(),
            format!("{} {}", today.day(), today.format("%b %Y")),
            third.to_owned(),
        ];
        self.refuse(Code::DateNotUnderstood, "a date", problem, &examples)
    }

    /// They name no date, but perhaps a period that days lie in.
    pub fn as_a_day(&self, days: Option<Vec<String>>) -> Refusal {
        let Some(days) = days else {
            return self.as_a_date(Problem::Shape);
        };
        let message = format!("{} is a period, not a day.", quoted(self.words));
        let days: Vec<String> = days.iter().map(|day| format!("\"{day}\"")).collect();
        Refusal::new(Code::DateNotUnderstood, message)
            .hint(format!("Name a day of it, such as {}.", days.join(" or ")))
    }

    /// Nothing can be said of any words: today lies outside the years that are kept.
    pub fn for_today(&self, code: Code) -> Refusal {
        let message = format!(
            "Today is {}, which lies outside the years 1970 to 2199.",
            self.today
        );
        Refusal::new(code, message)
            .hint("Periods are reckoned from today: ask on a day of those years.")
    }

    fn refuse(
        &self,
        code: Code,
        wanted: &str,
        problem: Problem,
        examples: &[String; 3],
    ) -> Refusal {
        let said = quoted(self.words);
        let message = match problem {
            Problem::Shape if is_too_long(self.words) => {
                format!("{said} is too long to be {wanted}.")
            }
            Problem::Shape => format!("{said} is not understood as {wanted}."),
            Problem::Trouble(trouble) => match trouble {
                Trouble::Impossible => {
                    format!("{said} names a day, week or month that does not exist.")
                }
                Trouble::Reversed => format!("{said} ends before it starts."),
                Trouble::NotBegun(start) => format!("{said} starts on {start}, after today."),
                Trouble::Over(end) => format!("{said} ended on {end}, before today."),
                Trouble::Ahead => format!("{said} runs from today on, and this looks back."),
                Trouble::Endless => {
                    format!("{said} does not say where it ends, and this looks ahead.")
                }
                Trouble::OutOfRange => format!("{said} leaves the years 1970 to 2199."),
                Trouble::OtherWeekday(date) => {
                    format!("{said} would be {date}, which is a {}.", date.format("%A"))
                }
                Trouble::Ambiguous(one, other) => {
                    return Refusal::new(code, format!("{said} could be {one} or {other}."))
                        .hint("Write the year first, then the month, then the day.")
                        .candidates([one.to_string(), other.to_string()]);
                }
            },
        };
        let [first, second, third] = examples;
        Refusal::new(code, message).hint(format!("Try \"{first}\", \"{second}\" or \"{third}\"."))
    }
}

pub(super) fn is_too_long(words: &str) -> bool {
    words.chars().nth(LONGEST).is_some()
}
