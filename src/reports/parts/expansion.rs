//! PRD-155's ExpansionMetrics: how well expansion does over a period (DEFINITIONS section 4).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::by_period::{self, PeriodTotal, by_period, parts_of};
use super::metrics::{Cycle, LostReason, Outcomes};
use super::sources::{self, SourceTotal, top_sources};
use super::what_if::{Figure, Measured};
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;
use crate::language::basis::Warning;
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

/// Computes the metrics: of the period asked for, else of the trailing twelve months, with sources
/// then counted over all deals on record.
pub fn metrics(
    portfolio: &Portfolio,
    filter: &Filter,
    asked: Option<&Period>,
    year: &Period,
) -> Metrics {
    let period = asked.unwrap_or(year);
    let closed = closed_in(portfolio, filter, Span::of(period));
    let mut overall = Outcomes::default();
    closed.iter().for_each(|deal| overall.add(deal));
    let expansion = expansion(portfolio, filter, &closed);
    let (top_sources, unidentified) = top_sources(portfolio, filter, &closed, asked);
    let shown = overall.show(portfolio, false);
    let mut reasons = shown.reasons;
    reasons.extend(expansion.reason());
    if shown.cycle_days.won.mean.is_none() {
        let reason = if shown.won == 0 {
            "no_won_deals"
        } else {
            "no_identified_date"
        };
        reasons.insert("avg_sales_cycle_days", reason);
    }
    let warnings = unidentified.into_iter().chain(expansion.warning(portfolio));
    Metrics {
        period: period.label.clone(),
        win_rate: shown.win_rate,
        win_rate_by_value: shown.win_rate_by_value,
        avg_deal_size: shown.avg_deal_size,
        avg_sales_cycle_days: shown.cycle_days.won.mean,
        cycle_days: shown.cycle_days,
        expansion_rate: expansion.rate(),
        won_without_arr: Amount {
            minor: expansion.without_arr,
            currency: portfolio.settings().currency,
        },
        by_period: by_period(&parts_of(period, None, portfolio), &closed, portfolio),
        top_sources,
        lost_reasons: shown.lost_reasons,
        reasons,
        warnings: warnings.collect(),
    }
}

/// The deals that match and closed in a span.
pub fn closed_in<'a>(portfolio: &'a Portfolio, filter: &Filter, span: Span) -> Vec<&'a Deal> {
    let everything = filter.is_everything();
    let closed = portfolio.closed(span.start, span.end);
    closed
        .filter(|deal| everything || filter.matches(deal, portfolio))
        .collect()
}

/// What was won from customers, beside their ARR; in minor units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expansion {
    /// Won from customers with ARR on record.
    with_arr: i64,
    /// Won from others, or from nobody known.
    pub without_arr: i64,
    /// Won from customers that the filter does not take, though it takes the deal.
    of_others: i64,
    /// The ARR of the customers it takes.
    arr: i64,
}

/// Adds up what some won deals brought, and the ARR of the customers that match.
pub fn expansion(portfolio: &Portfolio, filter: &Filter, closed: &[&Deal]) -> Expansion {
    let of_customers = filter.about_customers();
    let mut sums = Expansion::default();
    for deal in closed.iter().filter(|deal| deal.is_won() && !deal.foreign) {
        let customer = portfolio.customer(deal.customer);
        let won = match customer.filter(|customer| customer.arr.is_some()) {
            None => &mut sums.without_arr,
            // What is divided by the ARR of some customers must be won from them.
            Some(known) if of_customers.takes_customer(deal.customer, known.csm) => {
                &mut sums.with_arr
            }
            Some(_) => &mut sums.of_others,
        };
        *won += deal.value;
    }
    let customers = (0_u32..).zip(portfolio.reference().customers.iter());
    sums.arr = customers
        .filter(|(number, customer)| of_customers.takes_customer(*number, customer.csm))
        .filter_map(|(_, customer)| customer.arr)
        .sum();
    sums
}

impl Expansion {
    /// The expansion rate; `None` without ARR.
    pub fn rate(&self) -> Option<Fraction> {
        Ratio::of(self.with_arr, self.arr).map(Fraction)
    }

    /// Why there is none.
    pub fn reason(&self) -> Option<(&'static str, &'static str)> {
        (self.arr <= 0).then_some(("expansion_rate", "no_arr"))
    }

    /// What is in no expansion rate.
    pub fn warning(&self, portfolio: &Portfolio) -> Option<Warning> {
        (self.of_others > 0).then(|| {
            let message = format!(
                "{} won from customers that the filter does not take is in no expansion rate.",
                portfolio.settings().currency.show(self.of_others)
            );
            Warning::new("other_customers", message)
        })
    }
}

impl Metrics {
    /// The metrics in a few lines.
    pub fn text(&self) -> String {
        let reasons: Vec<String> = self.lost_reasons.iter().map(LostReason::text).collect();
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
            by_period::text(&self.by_period),
            sources::text(&self.top_sources),
            reasons.join(", ")
        )
    }
}
