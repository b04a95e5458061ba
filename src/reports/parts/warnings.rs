//! What a reader should know about the deals behind a figure: counted, with their value, and where
//! to see them.

use crate::domain::filter::Tally;
use crate::domain::money::Currency;
use crate::domain::portfolio::Portfolio;
use crate::language::basis::Warning;
use crate::language::clean;
use crate::language::filters::Understood;

/// Warnings about how the filter was read.
pub fn of_filter(understood: &Understood) -> Vec<Warning> {
    understood
        .warnings
        .iter()
        .map(|message| Warning::new("name", message.clone()))
        .collect()
}

/// A warning about some deals, when there are any: "3 deals worth $1,200 (weighted $300) …".
pub fn about(kind: &'static str, tally: &Tally, currency: Currency, what: &str) -> Option<Warning> {
    (tally.count > 0).then(|| {
        let deals = if tally.count == 1 {
            "1 open deal".to_owned()
        } else {
            format!("{} open deals", tally.count)
        };
        let worth = format!(
            "worth {} (weighted {})",
            currency.show(tally.value),
            currency.show(tally.weighted)
        );
        Warning::new(kind, format!("{deals} {worth} {what}"))
    })
}

/// At most this many deals are named in a warning; all are counted.
const NAMED: usize = 5;

/// The warning about deals whose currency has no rate: how many, and which.
pub fn no_rate(deals: &[u32], portfolio: &Portfolio) -> Option<Warning> {
    let named: Vec<String> = deals
        .iter()
        .take(NAMED)
        .filter_map(|number| portfolio.deal(*number))
        .map(|found| {
            let currency = portfolio.text(found.detail.currency);
            format!(
                "{} ({})",
                clean(portfolio.text(found.detail.id), 60),
                clean(currency, 10)
            )
        })
        .collect();
    let more = deals.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let count = if deals.len() == 1 {
        "1 deal".to_owned()
    } else {
        format!("{} deals", deals.len())
    };
    (!deals.is_empty()).then(|| {
        let message = format!(
            "No rate for the currency of {count}, counted but in no sum of money: {}{more}.",
            named.join(", ")
        );
        Warning::new("no_rate", message)
    })
}
