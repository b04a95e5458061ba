//! Which rates made what deals in other currencies add to the figures (DEFINITIONS section 1,
//! "Currency"): said of every answer in which one took part.

use std::collections::BTreeMap;

use crate::domain::change::Day;
use crate::domain::days::date;
use crate::domain::deal::Deal;
use crate::domain::portfolio::Portfolio;
use crate::domain::rates::Rate;
use crate::domain::texts::NONE;

/// The rates of one currency that were used.
#[derive(Debug, Default)]
struct Used {
    /// Of open deals, or of all where one day's rates are taken throughout.
    open: Option<(Day, Rate)>,
    /// Of won and lost deals: by the day from which each holds.
    closed: BTreeMap<Day, Rate>,
}

/// A sentence for each currency that some deals of an answer were converted from.
pub fn assumptions(portfolio: &Portfolio, deals: &[&Deal]) -> Vec<String> {
    let mut used: BTreeMap<&str, Used> = BTreeMap::new();
    for deal in deals.iter().filter(|deal| !deal.foreign) {
        let currency = portfolio
            .detail(deal)
            .map_or(NONE, |detail| detail.currency);
        if currency == NONE {
            continue;
        }
        let Some((since, rate)) = portfolio.rate_of(deal) else {
            continue;
        };
        let of_currency = used.entry(portfolio.text(currency)).or_default();
        if deal.is_open() || portfolio.is_priced_throughout() {
            of_currency.open = Some((since, rate));
        } else {
            of_currency.closed.insert(since, rate);
        }
    }
    let own = portfolio.settings().currency.code();
    let sentence = |(code, used): (&str, Used)| {
        let parts = [used.open_text(), used.closed_text()];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("{code} is converted to {own} at {}.", parts.join(", "))
    };
    used.into_iter().map(sentence).collect()
}

impl Used {
    fn open_text(&self) -> Option<String> {
        self.open.map(|(since, rate)| of_day(since, rate))
    }

    fn closed_text(&self) -> Option<String> {
        let mut rates = self
            .closed
            .iter()
            .map(|(since, rate)| of_day(*since, *rate));
        let (first, last) = (rates.next()?, rates.next_back());
        let whose = if self.open.is_some() {
            "for closed deals "
        } else {
            ""
        };
        Some(match last {
            None => format!("{whose}{first}"),
            Some(last) => format!("{whose}the rates of their close, {first} to {last}"),
        })
    }
}

/// "1.08 (2026-01-15)".
fn of_day(since: Day, rate: Rate) -> String {
    let since = date(since).map_or_else(String::new, |date| date.to_string());
    format!("{} ({since})", rate.text())
}
