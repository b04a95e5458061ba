//! How deals were found, and what came of it (DEFINITIONS section 4, "top_sources").

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::Outcomes;
use super::segments::{Dating, Dimension, UNASSIGNED};
use super::warnings;
use crate::domain::change::NO_DAY;
use crate::domain::deal::Deal;
use crate::domain::filter::{Filter, Tally};
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::language::basis::Warning;
use crate::language::cell;
use crate::language::figures::{Amount, Fraction, or_dash};

/// One source.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceTotal {
    source: String,
    /// Identified in the period asked; else all on record
    count: u64,
    won: u64,
    lost: u64,
    won_value: Amount,
    win_rate: Option<Fraction>,
}

/// The sources by won value, then by count, then by name; deals without one last. Of those that are
/// counted by when they were identified, some may not say when: that is the warning.
pub fn top_sources(
    portfolio: &Portfolio,
    filter: &Filter,
    closed: &[&Deal],
    asked: Option<&Period>,
) -> (Vec<SourceTotal>, Option<Warning>) {
    let source = |deal: &Deal| Dimension::Source.key(deal, portfolio, Dating::Closed);
    let mut sources: BTreeMap<u64, (u64, Outcomes)> = BTreeMap::new();
    for deal in closed {
        sources.entry(source(deal)).or_default().1.add(deal);
    }
    let found_in = asked.map(Span::of);
    let mut unidentified = [Tally::default(); 3];
    for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
        let counts = found_in.is_none_or(|span| span.contains(deal.identified));
        let is_undated = found_in.is_some() && deal.identified == NO_DAY;
        if !(counts || is_undated) || !filter.matches(deal, portfolio) {
            continue;
        }
        if counts {
            sources.entry(source(deal)).or_default().0 += 1;
        } else if let Some(of_state) = unidentified.get_mut(usize::from(deal.state())) {
            of_state.add(deal, portfolio);
        }
    }
    let currency = portfolio.settings().currency;
    let what = "without identified date, in no count of sources.";
    let warning = warnings::about_all("unidentified", &unidentified, currency, what);
    (in_order(sources, portfolio), warning)
}

fn in_order(sources: BTreeMap<u64, (u64, Outcomes)>, portfolio: &Portfolio) -> Vec<SourceTotal> {
    let currency = portfolio.settings().currency;
    let named = sources.into_iter().map(|(source, (count, outcomes))| {
        let order = (
            source == UNASSIGNED,
            Reverse(outcomes.won_value()),
            Reverse(count),
        );
        let name = Dimension::Source.name(source, portfolio);
        (order, name, count, outcomes)
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
            won_value: Amount {
                minor: outcomes.won_value(),
                currency,
            },
            win_rate: outcomes.share(false).rate().map(Fraction),
        })
        .collect()
}

/// "qbr $24,000 (2 won, 2 lost, 50.0%); …".
pub fn text(sources: &[SourceTotal]) -> String {
    let sources = sources.iter().map(|source| {
        format!(
            "{} {} ({} won, {} lost, {})",
            cell(&source.source),
            source.won_value,
            source.won,
            source.lost,
            or_dash(source.win_rate)
        )
    });
    sources.collect::<Vec<_>>().join("; ")
}
