//! A period cut into months, quarters and the like, and what was won and lost in each (DEFINITIONS
//! section 4, "by_period").

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::segments::Dimension;
use crate::domain::calendar::{add_days, add_months, month_of, months_between};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::language::figures::Amount;
use crate::language::periods::label;
use crate::refusal::{Code, Refusal, Result};

/// How finely a period is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Weeks, from the day they start on.
    Week,
    /// Calendar months.
    Month,
    /// Fiscal quarters.
    Quarter,
    /// Fiscal halves.
    Half,
    /// Fiscal years.
    Year,
}

/// The grains by name.
pub const GRAINS: [(&str, Grain); 5] = [
    ("week", Grain::Week),
    ("month", Grain::Month),
    ("quarter", Grain::Quarter),
    ("half", Grain::Half),
    ("year", Grain::Year),
];

/// More months than these are shown as quarters, unless a grain is asked for.
const MOST_MONTHS: usize = 13;
/// More parts than these tell nobody anything; ten years of months are not more.
const MOST_PARTS: usize = 121;

/// A month, quarter or the like, as far as it lies in a period.
pub struct Part {
    /// Its days.
    pub period: Period,
    /// The same as numbers.
    pub span: Span,
    /// Whether some of it lies outside.
    pub is_partial: bool,
}

/// The parts of a period: in the grain asked for, else its months, or its quarters when there are
/// many months.
pub fn parts_of(period: &Period, grain: Option<Grain>, portfolio: &Portfolio) -> Vec<Part> {
    let grain = grain.unwrap_or(if period.months().len() <= MOST_MONTHS {
        Grain::Month
    } else {
        Grain::Quarter
    });
    let mut parts = Vec::new();
    let mut start = first_of(period.start, grain, portfolio);
    while start <= period.end {
        let next = next_after(start, grain);
        if next <= start {
            break; // The end of the calendar.
        }
        let whole = Period::new(
            start,
            add_days(next, -1),
            name(start, next, grain, portfolio),
        );
        let part = period.clip(&whole);
        parts.push(Part {
            span: Span::of(&part),
            is_partial: (part.start, part.end) != (whole.start, whole.end),
            period: part,
        });
        start = next;
    }
    parts
}

/// The same, refused when a grain cuts the period into more parts than anyone would read.
pub fn readable_parts_of(
    period: &Period,
    grain: Option<Grain>,
    portfolio: &Portfolio,
) -> Result<Vec<Part>> {
    let parts = parts_of(period, grain, portfolio);
    if grain.is_some() && parts.len() > MOST_PARTS {
        let message = format!("That cuts {} into {} parts.", period.label, parts.len());
        return Err(Refusal::new(Code::InvalidArgument, message)
            .hint("Ask for longer parts (week, month, quarter, half, year) or a shorter period."));
    }
    Ok(parts)
}

fn first_of(day: NaiveDate, grain: Grain, portfolio: &Portfolio) -> NaiveDate {
    let calendar = &portfolio.settings().calendar;
    let year = calendar.fiscal_year_of(day);
    match grain {
        Grain::Week => calendar.week_of(day),
        Grain::Month => month_of(day),
        Grain::Quarter => calendar.quarter_of(day),
        Grain::Half => add_months(year, months_between(year, day) / 6 * 6),
        Grain::Year => year,
    }
}

fn next_after(start: NaiveDate, grain: Grain) -> NaiveDate {
    match grain {
        Grain::Week => add_days(start, 7),
        Grain::Month => add_months(start, 1),
        Grain::Quarter => add_months(start, 3),
        Grain::Half => add_months(start, 6),
        Grain::Year => add_months(start, 12),
    }
}

/// Months and quarters go by the names that segments have; the others by those that periods have.
fn name(start: NaiveDate, next: NaiveDate, grain: Grain, portfolio: &Portfolio) -> String {
    let key = u64::try_from(day(start)).unwrap_or(0);
    match grain {
        Grain::Month => Dimension::Month.name(key, portfolio),
        Grain::Quarter => Dimension::Quarter.name(key, portfolio),
        _ => label(start, add_days(next, -1), &portfolio.settings().calendar),
    }
}

/// What was won and lost in a part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PeriodTotal {
    period: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    won: u64,
    value_won: Amount,
    lost: u64,
    value_lost: Amount,
}

/// Counts closed deals by the part they closed in. Deals without a rate count, and their money does not.
pub fn by_period(parts: &[Part], closed: &[&Deal], portfolio: &Portfolio) -> Vec<PeriodTotal> {
    // Won and lost: how many, and how much.
    let mut totals = vec![[(0_u64, 0_i64); 2]; parts.len()];
    for deal in closed {
        // Parts follow one another, so the first that does not end before the close holds it.
        let place = parts.partition_point(|part| part.span.end < deal.close);
        let of_state = totals.get_mut(place).and_then(|total| {
            let state = usize::from(!deal.is_won());
            total.get_mut(state)
        });
        if let Some((count, value)) = of_state {
            *count += 1;
            *value += if deal.foreign { 0 } else { deal.value };
        }
    }
    let currency = portfolio.settings().currency;
    let amount = |minor| Amount { minor, currency };
    parts
        .iter()
        .zip(totals)
        .map(
            |(part, [(won, value_won), (lost, value_lost)])| PeriodTotal {
                period: part.period.label.clone(),
                partial: part.is_partial,
                won,
                value_won: amount(value_won),
                lost,
                value_lost: amount(value_lost),
            },
        )
        .collect()
}

/// "2026-01 (partial) 4 won ($38,000), 1 lost; …".
pub fn text(totals: &[PeriodTotal]) -> String {
    let parts = totals.iter().map(|part| {
        let partial = if part.partial { " (partial)" } else { "" };
        format!(
            "{}{partial} {} won ({}), {} lost",
            part.period, part.won, part.value_won, part.lost
        )
    });
    parts.collect::<Vec<_>>().join("; ")
}
