//! What a reader should know about the deals behind a figure: counted, with their value, and where
//! to see them.

use crate::domain::filter::Tally;
use crate::domain::money::Currency;
use crate::domain::period::Period;
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

/// A warning about some open deals, when there are any: "3 open deals worth $1,200 (weighted $300) …".
pub fn about(kind: &'static str, tally: &Tally, currency: Currency, what: &str) -> Option<Warning> {
    let none = Tally::default();
    about_all(kind, &[*tally, none, none], currency, what)
}

/// The call that lists the deals of a warning, of a period if it is about those due in one.
pub fn listed(attention: &str, closing: Option<&Period>) -> String {
    let closing = closing.map_or_else(String::new, |period| {
        format!(", \"closing\": \"{}..{}\"", period.start, period.end)
    });
    format!("list_opportunities {{\"attention\": [\"{attention}\"]{closing}}}")
}

/// A warning about deals of any state, when there are any; open, won and lost ones stand apart:
/// "2 open deals worth $1,200 (weighted $300), 1 won deal worth $500 …".
pub fn about_all(
    kind: &'static str,
    [open, won, lost]: &[Tally; 3],
    currency: Currency,
    what: &str,
) -> Option<Warning> {
    let count = |tally: &Tally, state: &str| {
        let deals = if tally.count == 1 { "deal" } else { "deals" };
        let value = currency.show(tally.value);
        format!("{} {state} {deals} worth {value}", tally.count)
    };
    let of_open = || {
        let weighted = currency.show(open.weighted);
        format!("{} (weighted {weighted})", count(open, "open"))
    };
    let parts = [
        (open.count > 0).then(of_open),
        (won.count > 0).then(|| count(won, "won")),
        (lost.count > 0).then(|| count(lost, "lost")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| Warning::new(kind, format!("{} {what}", parts.join(", "))))
}

/// "1 deal", "2 deals".
pub fn deals(count: u64) -> String {
    let deals = if count == 1 { "deal" } else { "deals" };
    format!("{count} {deals}")
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
    let count = self::deals(deals.len() as u64);
    (!deals.is_empty()).then(|| {
        let message = format!(
            "No rate for the currency of {count}, counted but in no sum of money: {}{more}.",
            named.join(", ")
        );
        Warning::new("no_rate", message)
    })
}
