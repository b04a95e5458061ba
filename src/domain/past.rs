//! Open deals as they stood at the end of a past day, found without folding the whole portfolio:
//! only deals that can have been due then are looked at, and only those changed since are folded. And
//! the one figure of a closed deal that is asked for as it was before it closed.

use super::change::{Change, Day, Millis, field};
use super::chunk::Chunk;
use super::deal::{Deal, REDATED, place_of};
use super::fold::{Record, fold};
use super::measure::Span;
use super::portfolio::Portfolio;
use super::pricing::{By, Pricing};
use super::texts::NONE;

/// A deal that was open at the end of a past day.
#[derive(Debug, Clone, Copy)]
pub struct Then<'a> {
    /// As it stood then.
    pub deal: Deal,
    /// As it stands now.
    pub now: &'a Deal,
}

/// The deals that were open at the end of a day and due in a span, as they stood then; one whose
/// expected close was not on record yet by the earliest that is known.
pub fn due_then(portfolio: &Portfolio, day: Day, until: Millis, span: Span) -> Vec<Then<'_>> {
    let mut due = Vec::new();
    for chunk in portfolio.chunks() {
        // A deal due then is due now, or its expected close has changed, or it has closed since.
        let same_date = chunk.open().between(span.start, span.end).iter();
        let other_date = chunk
            .open()
            .redated()
            .filter(|deal| !span.contains(deal.close));
        let closed_since = chunk
            .closed()
            .between(day.saturating_add(1), Day::MAX)
            .iter()
            .filter(|deal| {
                let expected = chunk
                    .detail(place_of(deal.number))
                    .map(|detail| detail.expected_close);
                deal.entered & REDATED != 0
                    || expected.is_some_and(|expected| span.contains(expected))
            });
        for now in same_date.chain(other_date).chain(closed_since) {
            let then = as_it_stood(portfolio, chunk, now, day, until);
            let due_then = then.filter(|then| then.is_open() && span.contains(then.close));
            due.extend(due_then.map(|deal| Then { deal, now }));
        }
    }
    due
}

/// The deals that were open at the end of a day and of which nobody knows when they were due then,
/// because their expected close came on record later. They are folded one by one as they are asked for.
pub fn undated_then(
    portfolio: &Portfolio,
    day: Day,
    until: Millis,
) -> impl Iterator<Item = Then<'_>> + '_ {
    portfolio.chunks().flat_map(move |chunk| {
        let open = chunk.open().dated_late(Day::MIN);
        let closed_since = chunk.closed().dated_late(day.saturating_add(1));
        open.chain(closed_since)
            .filter(move |deal| !portfolio.is_on_record(deal.number, field::EXPECTED_CLOSE, until))
            .filter_map(move |now| {
                let deal = as_it_stood(portfolio, chunk, now, day, until).filter(Deal::is_open)?;
                Some(Then { deal, now })
            })
    })
}

/// The last estimate of a deal before it closed; of an open one the last there is. What an estimate
/// became on the day of the close still counts, what it became later does not. In the organisation's
/// currency, unless the deal is foreign.
pub fn last_estimate(portfolio: &Portfolio, deal: &Deal) -> i64 {
    let is_later = |change: &Change| portfolio.days().of(change.at) > deal.close;
    let changes = portfolio.changes(deal.number).iter();
    let mut estimates = changes.filter(|change| change.field == field::ESTIMATED_VALUE);
    if deal.is_open() || !estimates.clone().any(is_later) {
        return deal.estimate;
    }
    let before = estimates.rfind(|change| !is_later(change));
    let first = || {
        portfolio
            .origin(deal.number)
            .map(|origin| origin.estimate.max(0))
    };
    let own = before.map(|change| change.value.max(0)).or_else(first);
    let currency = portfolio
        .detail(deal)
        .map_or(NONE, |detail| detail.currency);
    let pricing = Pricing::of(portfolio.reference(), By::LATEST);
    match own {
        Some(own) if currency != NONE => pricing.convert(own, currency, deal.close),
        own => own,
    }
    .unwrap_or(deal.estimate)
}

/// A deal as it stood at the end of a day; what it came to in another currency by the rates of that day.
fn as_it_stood(
    portfolio: &Portfolio,
    chunk: &Chunk,
    deal: &Deal,
    day: Day,
    until: Millis,
) -> Option<Deal> {
    let place = place_of(deal.number);
    let origin = chunk.origins().get(usize::from(place))?;
    let changes = chunk.changes(place);
    if origin.at <= until
        && changes.last().is_none_or(|last| last.at <= until)
        && chunk.own(place).is_none()
    {
        return Some(*deal);
    }
    let record = Record::up_to(origin, changes, until)?;
    let mut folded = fold(record, portfolio.days(), &mut Vec::new(), &mut Vec::new());
    Pricing::of(portfolio.reference(), By::Close(day)).settle(&mut folded);
    Some(folded.deal)
}
