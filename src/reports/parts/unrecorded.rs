//! Asked about the past, some figures were not on record then and are shown with their earliest
//! known value (DEFINITIONS section 1, "Not on record"): for how many deals, and how much value.

use chrono::NaiveDate;

use crate::domain::change::{FOLLOWS, FOLLOWS_CATEGORY, field};
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::portfolio::Portfolio;

/// Whether what the figures of a deal rest on was on record at an instant: its value, its close, its
/// stage, and its probability and category where they were set by hand.
fn is_known(portfolio: &Portfolio, deal: &Deal, at: i64) -> bool {
    let on_record = |field| portfolio.is_on_record(deal.number, field, at);
    on_record(field::ESTIMATED_VALUE)
        && on_record(field::EXPECTED_CLOSE)
        && on_record(field::STAGE)
        && (deal.probability == FOLLOWS || on_record(field::PROBABILITY))
        && (deal.category == FOLLOWS_CATEGORY || on_record(field::CATEGORY))
}

/// The sentence that says so, when there is something to say.
pub fn assumption(portfolio: &Portfolio, as_of: NaiveDate, filter: &Filter) -> Option<String> {
    let then = portfolio.settings().calendar.end_of(as_of);
    let (mut count, mut value) = (0_u64, 0_i64);
    for deal in portfolio
        .open()
        .filter(|deal| filter.matches(deal, portfolio))
    {
        if !is_known(portfolio, deal, then) {
            count += 1;
            value += if deal.foreign { 0 } else { deal.value };
        }
    }
    (count > 0).then(|| {
        let value = portfolio.settings().currency.show(value);
        format!(
            "The value, close, stage or probability of {count} open deals ({value}) was not on record then; \
             their earliest known values are used."
        )
    })
}
