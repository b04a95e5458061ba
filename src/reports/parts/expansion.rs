//! PRD-155's ExpansionMetrics: how well expansion does over a period (DEFINITIONS section 4).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::{Cycle, LostReason, Outcomes};
use super::segments::{Dating, Dimension, UNASSIGNED};
use super::warnings;
use super::what_if::{Figure, Measured};
use crate::domain::calendar::{add_days, add_months};
use crate::domain::change::NO_DAY;
use crate::domain::days::day;
use crate::domain::filter::{Filter, Tally};
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;
use crate::language::basis::Warning;
use crate::language::cell;
use crate::language::figures::{Amount, Average, Days, Fraction, Rate, or_dash};

/// The metrics of a period.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Metrics {
    period: String,
    win_rate: Rate,
    win_rate_by_value: Option<Fraction>,
    avg_deal_size: Average<Amount>,
    /// Won deals
    avg_sales_cycle_days: Option<Days>,
    cycle_days: Cycle,
    /// Won value ÷ ARR, of customers with ARR
    expansion_rate: Option<Fraction>,
    won_without_arr: Amount,
    by_period: Vec<PeriodTotal>,
    top_sources: Vec<SourceTotal>,
    lost_reasons: Vec<LostReason>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<&'static str, &'static str>,
    // What the answer should warn of.
    #[serde(skip)]
    pub(crate) warnings: Vec<Warning>,
}

impl Metrics {
    /// The figures that a what-if compares.
    pub fn measures(&self) -> Vec<Measured> {
        let measured = |path: &'static str, figure: Option<Figure>| {
            let name = path.split('.').next().unwrap_or(path);
            Measured::new(path, figure).because(self.reasons.get(name).copied())
        };
        let by_value = self.win_rate_by_value.map(Figure::Fraction);
        let cycle = self.avg_sales_cycle_days.map(Figure::Days);
        vec![
            measured("win_rate.rate", self.win_rate.rate.map(Figure::Fraction)),
            measured("win_rate_by_value", by_value),
            measured(
                "avg_deal_size.mean",
                self.avg_deal_size.mean.map(Figure::Amount),
            ),
            measured("avg_sales_cycle_days", cycle),
            measured("expansion_rate", self.expansion_rate.map(Figure::Fraction)),
        ]
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct PeriodTotal {
    period: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    won: u64,
    value_won: Amount,
    lost: u64,
    value_lost: Amount,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SourceTotal {
    source: String,
    /// Identified in the period asked; else all on record
    count: u64,
    won: u64,
    lost: u64,
    won_value: Amount,
    win_rate: Option<Fraction>,
}

/// Computes the metrics: of the period asked for, else of the trailing twelve months, with sources
/// then counted over all deals on record.
pub fn metrics(
    portfolio: &Portfolio,
    filter: &Filter,
    asked: Option<&Period>,
    year: &Period,
) -> Metrics {
    let period = asked.unwrap_or(year);
    let amount = |minor| Amount {
        minor,
        currency: portfolio.settings().currency,
    };
    let parts = parts_of(period, portfolio);
    let mut by_period = vec![Outcomes::default(); parts.len()];
    let mut overall = Outcomes::default();
    let mut sources: BTreeMap<u64, (u64, Outcomes)> = BTreeMap::new();
    let of_customers = filter.about_customers();
    let (mut with_arr, mut without_arr, mut of_others) = (0_i64, 0_i64, 0_i64);
    let closed = portfolio.closed(day(period.start), day(period.end));
    for deal in closed.filter(|deal| filter.matches(deal, portfolio)) {
        overall.add(deal);
        let part = parts.iter().position(|part| part.span.contains(deal.close));
        if let Some(part) = part.and_then(|part| by_period.get_mut(part)) {
            part.add(deal);
        }
        sources
            .entry(Dimension::Source.key(deal, portfolio, Dating::Closed))
            .or_default()
            .1
            .add(deal);
        if deal.is_won() && !deal.foreign {
            let customer = portfolio.customer(deal.customer);
            let won = match customer.filter(|customer| customer.arr.is_some()) {
                None => &mut without_arr,
                // What is divided by the ARR of some customers must be won from them.
                Some(known) if of_customers.takes_customer(deal.customer, known.csm) => {
                    &mut with_arr
                }
                Some(_) => &mut of_others,
            };
            *won += deal.value;
        }
    }
    let found_in = asked.map(Span::of);
    let counts = |identified| found_in.is_none_or(|span| span.contains(identified));
    let is_undated = |identified| found_in.is_some() && identified == NO_DAY;
    let mut unidentified = [Tally::default(); 3];
    for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
        let (counts, is_undated) = (counts(deal.identified), is_undated(deal.identified));
        if !(counts || is_undated) || !filter.matches(deal, portfolio) {
            continue;
        }
        if counts {
            sources
                .entry(Dimension::Source.key(deal, portfolio, Dating::Closed))
                .or_default()
                .0 += 1;
        } else if let Some(of_state) = unidentified.get_mut(usize::from(deal.state())) {
            of_state.add(deal, portfolio);
        }
    }
    let customers = (0_u32..).zip(portfolio.reference().customers.iter());
    let arr: i64 = customers
        .filter(|(number, customer)| of_customers.takes_customer(*number, customer.csm))
        .filter_map(|(_, customer)| customer.arr)
        .sum();
    let shown = overall.show(portfolio, false);
    let mut reasons = shown.reasons;
    if arr <= 0 {
        reasons.insert("expansion_rate", "no_arr");
    }
    if shown.cycle_days.won.mean.is_none() {
        let reason = if shown.won == 0 {
            "no_won_deals"
        } else {
            "no_identified_date"
        };
        reasons.insert("avg_sales_cycle_days", reason);
    }
    let currency = portfolio.settings().currency;
    let what = "without identified date, in no count of sources.";
    let mut warnings: Vec<Warning> =
        warnings::about_all("unidentified", &unidentified, currency, what)
            .into_iter()
            .collect();
    if of_others > 0 {
        let message = format!(
            "{} won from customers that the filter does not take is in no expansion rate.",
            currency.show(of_others)
        );
        warnings.push(Warning::new("other_customers", message));
    }
    Metrics {
        period: period.label.clone(),
        win_rate: shown.win_rate,
        win_rate_by_value: shown.win_rate_by_value,
        avg_deal_size: shown.avg_deal_size,
        avg_sales_cycle_days: shown.cycle_days.won.mean,
        cycle_days: shown.cycle_days,
        expansion_rate: Ratio::of(with_arr, arr).map(Fraction),
        won_without_arr: amount(without_arr),
        by_period: parts
            .iter()
            .zip(&by_period)
            .map(|(part, outcomes)| period_total(part, outcomes, portfolio))
            .collect(),
        top_sources: top_sources(sources, portfolio),
        lost_reasons: shown.lost_reasons,
        reasons,
        warnings,
    }
}

fn period_total(part: &Part, outcomes: &Outcomes, portfolio: &Portfolio) -> PeriodTotal {
    let shown = outcomes.show(portfolio, false);
    PeriodTotal {
        period: part.label.clone(),
        partial: part.is_partial,
        won: shown.won,
        value_won: shown.won_value,
        lost: shown.lost,
        value_lost: shown.lost_value,
    }
}

/// Sources by won value, then by count, then by name; deals without one last.
fn top_sources(sources: BTreeMap<u64, (u64, Outcomes)>, portfolio: &Portfolio) -> Vec<SourceTotal> {
    let amount = |minor| Amount {
        minor,
        currency: portfolio.settings().currency,
    };
    let named = sources.into_iter().map(|(source, (count, outcomes))| {
        let order = (
            source == UNASSIGNED,
            std::cmp::Reverse(outcomes.won_value()),
            std::cmp::Reverse(count),
        );
        (
            order,
            Dimension::Source.name(source, portfolio),
            count,
            outcomes,
        )
    });
    let mut named: Vec<_> = named.collect();
    named.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    named
        .into_iter()
        .map(|(_, source, count, outcomes)| SourceTotal {
            source,
            count,
            won: outcomes.won,
            lost: outcomes.lost,
            won_value: amount(outcomes.won_value()),
            win_rate: outcomes.share(false).rate().map(Fraction),
        })
        .collect()
}

/// A month or quarter as far as it lies in a period.
struct Part {
    label: String,
    span: Span,
    /// Whether some of it lies outside.
    is_partial: bool,
}

impl Part {
    fn of(whole: &Period, period: &Period) -> Part {
        let part = period.clip(whole);
        Part {
            span: Span::of(&part),
            is_partial: (part.start, part.end) != (whole.start, whole.end),
            label: part.label,
        }
    }
}

/// The months of a period, or its quarters when it has more than thirteen.
fn parts_of(period: &Period, portfolio: &Portfolio) -> Vec<Part> {
    let months = period.months();
    if months.len() <= 13 {
        let months = months.into_iter().map(Period::month);
        return months.map(|month| Part::of(&month, period)).collect();
    }
    let calendar = &portfolio.settings().calendar;
    let mut quarters: Vec<NaiveDate> = months
        .into_iter()
        .map(|month| calendar.quarter_of(month))
        .collect();
    quarters.dedup();
    let quarter = |start: NaiveDate| {
        let key = u64::try_from(day(start)).unwrap_or(0);
        let label = Dimension::Quarter.name(key, portfolio);
        let end = add_days(add_months(start, 3), -1);
        Part::of(&Period::new(start, end, label), period)
    };
    quarters.into_iter().map(quarter).collect()
}

impl Metrics {
    /// The metrics in a few lines.
    pub fn text(&self) -> String {
        let sources: Vec<String> = self
            .top_sources
            .iter()
            .map(|source| {
                let rate = or_dash(source.win_rate);
                format!(
                    "{} {} ({} won, {} lost, {rate})",
                    cell(&source.source),
                    source.won_value,
                    source.won,
                    source.lost
                )
            })
            .collect();
        let reasons: Vec<String> = self.lost_reasons.iter().map(LostReason::text).collect();
        let by_period: Vec<String> = self
            .by_period
            .iter()
            .map(|part| {
                let partial = if part.partial { " (partial)" } else { "" };
                format!(
                    "{}{partial} {} won ({}), {} lost",
                    part.period, part.won, part.value_won, part.lost
                )
            })
            .collect();
        format!(
            "Metrics for {}: win rate {}, by value {}, average deal {}, cycle {} days won, {} all, expansion rate {}.\n\
             By period: {}.\nSources: {}.\nLost: {}.",
            self.period,
            self.win_rate,
            or_dash(self.win_rate_by_value),
            or_dash(self.avg_deal_size.mean),
            or_dash(self.avg_sales_cycle_days),
            or_dash(self.cycle_days.all.mean),
            or_dash(self.expansion_rate),
            by_period.join("; "),
            sources.join("; "),
            reasons.join(", ")
        )
    }
}
