//! Where the period is likely to close, and the chance that it meets its target.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::filter::Filter;
use crate::domain::landing::{self, Method};
use crate::domain::measure::{Span, in_play};
use crate::domain::portfolio::Portfolio;
use crate::language::figures::{Amount, Fraction};

/// The definition it follows.
pub const DEFINITION: &str = "landing: every open deal of weighted closes by itself at its probability or adds nothing; \
    p10 = the smallest amount that closing stays at or below in 10% of cases";

/// Where closed may end up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Landing {
    pub p10: Amount,
    pub p50: Amount,
    pub p90: Amount,
    /// Of meeting the target
    pub chance_of_target: Option<Fraction>,
    // Deals that may or may not close.
    deals: u64,
    /// exact, convolved, or matched moments
    method: &'static str,
    /// No chance is off by more
    #[serde(skip_serializing_if = "Option::is_none")]
    error_bound: Option<Fraction>,
}

impl Landing {
    /// Where a running period lands that has `closed` already.
    pub fn of(
        portfolio: &Portfolio,
        filter: &Filter,
        span: Span,
        closed: i64,
        target: Option<i64>,
    ) -> Landing {
        let settings = portfolio.settings();
        let deals = in_play(portfolio, filter, span);
        let bets = deals.map(|deal| (deal.value, deal.probability(settings)));
        let found = landing::landing(closed, bets, target);
        let amount = |minor| Amount {
            minor,
            currency: settings.currency,
        };
        let (method, error) = match found.method {
            Method::Exact => ("exact", None),
            Method::Convolved => ("convolved", None),
            Method::Matched(error) => ("matched_moments", Some(error)),
        };
        let fraction = |share: f64| landing::ratio(share).map(Fraction);
        Landing {
            p10: amount(found.p10),
            p50: amount(found.p50),
            p90: amount(found.p90),
            chance_of_target: found.chance.and_then(fraction),
            deals: found.deals as u64,
            method,
            error_bound: error.and_then(fraction),
        }
    }

    /// One line.
    pub fn text(&self) -> String {
        let chance = self
            .chance_of_target
            .map(|chance| format!("; chance of the target {chance}"));
        format!(
            "Lands at {} to {} (P10 to P90), P50 {}{}.",
            self.p10,
            self.p90,
            self.p50,
            chance.unwrap_or_default()
        )
    }
}
