//! Asked about the past, some figures were not on record then and are shown with their earliest
//! known value (DEFINITIONS section 1, "Not on record"): for how many deals, and how much value. A
//! figure that judges the past is null where too much of what it rests on was not.

use crate::domain::change::Millis;
use crate::domain::deal::{Deal, UNRECORDED};
use crate::domain::filter::Tally;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;

/// Whether what the figures of a deal rest on was on record at an instant, which the portfolio is a look
/// back to.
fn is_known(portfolio: &Portfolio, deal: &Deal, at: Millis) -> bool {
    deal.gaps & UNRECORDED == 0 || portfolio.is_origin_known(deal.number, at)
}

/// The sentences that say so about the deals of an answer about an instant, as far as there is something to
/// say.
pub fn assumptions<'a>(
    portfolio: &Portfolio,
    at: Millis,
    deals: impl Iterator<Item = &'a Deal>,
) -> Vec<String> {
    let mut unknown = [Tally::default(); 3];
    for deal in deals.filter(|deal| !is_known(portfolio, deal, at)) {
        if let Some(of_state) = unknown.get_mut(usize::from(deal.state())) {
            of_state.add(deal, portfolio);
        }
    }
    let [open, won, lost] = unknown;
    let say = |tally: Tally, what: &str, state: &str, instead: &str| {
        let deals = if tally.count == 1 { "deal" } else { "deals" };
        let value = portfolio.settings().currency.show(tally.value);
        (tally.count > 0).then(|| {
            format!(
                "The {what} of {} {state} {deals} ({value}) was not on record then; {instead}.",
                tally.count
            )
        })
    };
    let earliest = "the earliest known is used";
    let estimate = "the earliest known is used, or the estimate where none ever was";
    [
        say(open, "value, close, stage or probability", "open", earliest),
        say(won, "closed value", "won", estimate),
        say(lost, "value", "lost", earliest),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The value of the deals that a figure about the past rests on, in minor units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    known: i64,
    unknown: i64,
    /// Whether there is any deal that is not known, were it worth nothing.
    is_any_unknown: bool,
}

impl Record {
    /// Adds the value of a deal of which everything the figure rests on was on record.
    pub fn add_known(&mut self, value: i64) {
        self.known += value;
    }

    /// Adds the value of a deal of which something was not.
    pub fn add_unknown(&mut self, value: i64) {
        self.unknown += value;
        self.is_any_unknown = true;
    }

    /// Adds what another one holds.
    pub fn merge(&mut self, other: &Record) {
        self.known += other.known;
        self.unknown += other.unknown;
        self.is_any_unknown |= other.is_any_unknown;
    }

    /// The share of the value that was not on record.
    pub fn unknown_share(&self) -> Ratio {
        Ratio::of(self.unknown, self.known + self.unknown).unwrap_or(Ratio::whole(0))
    }

    /// Whether more than 10 % of it was not on record, or none of it was. Once so, more unknown deals
    /// cannot mend it.
    pub fn is_too_little(&self) -> bool {
        let all = i128::from(self.known) + i128::from(self.unknown);
        i128::from(self.unknown) * 10 > all || (all == 0 && self.is_any_unknown)
    }
}
