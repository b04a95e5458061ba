//! What one deal adds to the measures of its period, before and after a change.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::actions::Commanded;
use crate::domain::calendar::{add_days, add_months};
use crate::domain::days::{date, day};
use crate::domain::deal::Deal;
use crate::domain::measure::{Measures, Span};
use crate::domain::portfolio::Portfolio;
use crate::language::figures::Amount;
use crate::language::periods::{self, Direction};

/// What a deal adds to each measure.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Added {
    closed: Amount,
    commit: Amount,
    best_case: Amount,
    upside: Amount,
    weighted: Amount,
}

/// What this deal alone adds to the measures of its period
#[derive(Debug, Serialize, JsonSchema)]
pub struct Effect {
    period: String,
    before: Added,
    after: Added,
}

impl Effect {
    /// Compares a deal before (if it was on record) and after in the quarter it closes in; `None` when
    /// it has no close date.
    pub fn of(
        commanded: &Commanded<'_>,
        before: Option<&Deal>,
        after: &Deal,
        portfolio: &Portfolio,
    ) -> Option<Effect> {
        let start = quarter_of(after, portfolio)?;
        Some(Effect::in_quarter(
            start, commanded, before, after, portfolio,
        ))
    }

    /// Compares it in the quarter that it leaves; `None` when it stays in its quarter.
    pub fn of_leaving(
        commanded: &Commanded<'_>,
        before: &Deal,
        after: &Deal,
        portfolio: &Portfolio,
    ) -> Option<Effect> {
        let left = quarter_of(before, portfolio)
            .filter(|start| quarter_of(after, portfolio) != Some(*start))?;
        Some(Effect::in_quarter(
            left,
            commanded,
            Some(before),
            after,
            portfolio,
        ))
    }

    fn in_quarter(
        start: NaiveDate,
        commanded: &Commanded<'_>,
        before: Option<&Deal>,
        after: &Deal,
        portfolio: &Portfolio,
    ) -> Effect {
        let settings = portfolio.settings();
        let end = add_days(add_months(start, 3), -1);
        let span = Span {
            start: day(start),
            end: day(end),
        };
        let label = periods::period(
            &format!("{start}..{end}"),
            &settings.calendar,
            commanded.today,
            Direction::Forward,
        )
        .map_or_else(
            |_| format!("{start}..{end}"),
            |reading| reading.period.label,
        );
        let added = |deal: Option<&Deal>| {
            let measures = deal
                .map(|deal| Measures::of(deal, settings, span, commanded.day()))
                .unwrap_or_default();
            let amount = |minor| Amount {
                minor,
                currency: settings.currency,
            };
            Added {
                closed: amount(measures.closed),
                commit: amount(measures.commit),
                best_case: amount(measures.best_case),
                upside: amount(measures.upside),
                weighted: amount(measures.weighted),
            }
        };
        Effect {
            period: label,
            before: added(before),
            after: added(Some(after)),
        }
    }

    /// "This deal in Q1 2026: weighted $8,000 → $12,000, …" with the measures that change. It says
    /// whose they are, because the quarter as a whole has figures of the same names.
    pub fn text(&self) -> String {
        let pairs = [
            ("closed", &self.before.closed, &self.after.closed),
            ("commit", &self.before.commit, &self.after.commit),
            ("best case", &self.before.best_case, &self.after.best_case),
            ("upside", &self.before.upside, &self.after.upside),
            ("weighted", &self.before.weighted, &self.after.weighted),
        ];
        let changed: Vec<String> = pairs
            .iter()
            .filter(|(_, before, after)| before != after)
            .map(|(name, before, after)| format!("{name} {before} → {after}"))
            .collect();
        if changed.is_empty() {
            return format!("This deal in {}: no measure changes.", self.period);
        }
        format!("This deal in {}: {}.", self.period, changed.join(", "))
    }
}

/// The first day of the fiscal quarter a deal closes in.
fn quarter_of(deal: &Deal, portfolio: &Portfolio) -> Option<NaiveDate> {
    let calendar = &portfolio.settings().calendar;
    date(deal.close).map(|close| calendar.quarter_of(close))
}
