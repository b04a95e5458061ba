//! Slip rate (DEFINITIONS section 4): of the deals that were due in a period when it opened, those that
//! neither closed in it nor are still in time. Which were due is read from the log as it stood on the
//! eve of the period, never from what is known today.

use schemars::JsonSchema;
use serde::Serialize;

use super::unrecorded::Record;
use crate::domain::calendar::add_days;
use crate::domain::change::{Day, field};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::measure::Span;
use crate::domain::past::{self, Then};
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;
use crate::domain::statistics::Share;
use crate::language::figures::Fraction;

/// What became of a deal that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Closed,
    Slipped,
    /// Of a running period: it may still close in it.
    Pending,
}

impl Fate {
    /// The fate of a deal that was due in a span, by how it stands on a day.
    fn of(now: &Deal, span: Span, today: Day) -> Fate {
        if !now.is_open() && span.contains(now.close) {
            return Fate::Closed;
        }
        // An undated deal is due after every day.
        let is_pushed_out = now.close > span.end;
        let is_overdue = now.close < today && span.contains(now.close);
        if span.has_ended(today) || is_pushed_out || is_overdue {
            Fate::Slipped
        } else {
            Fate::Pending
        }
    }
}

/// Deals that were due in a period, by what became of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slips {
    due: u64,
    slipped: u64,
    pending: u64,
    record: Record,
    /// Of a period that has not begun: nothing can be said of it yet.
    pub is_ahead: bool,
}

impl Slips {
    /// Counts what others counted.
    pub fn merge(&mut self, other: &Slips) {
        self.due += other.due;
        self.slipped += other.slipped;
        self.pending += other.pending;
        self.record.merge(&other.record);
    }

    fn add(&mut self, fate: Fate) {
        self.due += 1;
        self.slipped += u64::from(fate == Fate::Slipped);
        self.pending += u64::from(fate == Fate::Pending);
    }

    /// The rate as it is ranked; `None` where there is none to show.
    pub fn rate(&self) -> Option<Ratio> {
        self.share().rate().filter(|_| !self.record.is_too_little())
    }

    /// How many deals were due.
    pub fn due(&self) -> u64 {
        self.due
    }

    /// Whether it is on record which deals were due.
    pub fn is_recorded(&self) -> bool {
        !self.record.is_too_little()
    }

    /// How many of them slipped.
    pub fn slipped(&self) -> u64 {
        self.slipped
    }

    /// The share of the value it rests on that was not on record, where a rate is shown all the same.
    pub fn unrecorded(&self) -> Option<Fraction> {
        let share = self.record.unknown_share();
        (self.rate().is_some() && share > Ratio::whole(0)).then_some(Fraction(share))
    }

    fn share(&self) -> Share {
        Share {
            part: self.slipped,
            whole: self.due,
        }
    }

    /// Why there is no rate.
    pub fn reason(&self) -> Option<&'static str> {
        if self.is_ahead {
            Some("period_not_begun")
        } else if self.record.is_too_little() {
            Some("not_recorded")
        } else {
            (self.due == 0).then_some("none_due")
        }
    }

    /// As an answer shows it: where too much was not on record, the counts would be hindsight, too.
    pub fn show(&self) -> SlipRate {
        let is_known = !self.record.is_too_little();
        let interval = self.share().interval().filter(|_| is_known);
        SlipRate {
            rate: self.rate().map(Fraction),
            part: is_known.then_some(self.slipped),
            of: is_known.then_some(self.due),
            interval: interval.map(|(low, high)| [Fraction(low), Fraction(high)]),
            pending: is_known.then_some(self.pending),
            unrecorded: self.unrecorded(),
        }
    }
}

/// A slip rate in figures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SlipRate {
    pub rate: Option<Fraction>,
    part: Option<u64>,
    /// Due when the period opened
    of: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<[Fraction; 2]>,
    /// May still close in it
    pending: Option<u64>,
    /// Share of value not on record then
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecorded: Option<Fraction>,
}

impl SlipRate {
    /// "25.0% (2 of 8, 1 pending)"; nothing where there is no rate.
    pub fn text(&self) -> Option<String> {
        let (rate, part, of, pending) = (self.rate?, self.part?, self.of?, self.pending?);
        Some(if pending > 0 {
            format!("{rate} ({part} of {of}, {pending} pending)")
        } else {
            format!("{rate} ({part} of {of})")
        })
    }
}

/// The deals that were due in a period when it opened, as they stand now, each with its part in the
/// slip rate. Filters and segments are of now, so that all figures of a segment are of the same deals.
/// A deal of which nobody knew when it was due is part of what is not known, wherever it was due
/// afterwards: to choose by that would be hindsight.
pub fn due_in<'a>(
    portfolio: &'a Portfolio,
    filter: &Filter,
    period: &Period,
    today: Day,
) -> Vec<(&'a Deal, Slips)> {
    let span = Span::of(period);
    if span.start > today {
        return Vec::new();
    }
    let eve = add_days(period.start, -1);
    let end = portfolio.settings().calendar.end_of(eve);
    let value = |deal: &Deal| if deal.foreign { 0 } else { deal.value };
    let everything = filter.is_everything();
    let asks = |then: &Then<'_>| everything || filter.matches(then.now, portfolio);
    let due = past::due_then(portfolio, day(eve), end, span);
    let due = due.into_iter().filter(asks).map(|Then { deal, now }| {
        let mut slips = Slips::default();
        slips.add(Fate::of(now, span, today));
        // Those without a date on record come with all the others of them.
        if portfolio.is_on_record(deal.number, field::EXPECTED_CLOSE, end) {
            slips.record.add_known(value(&deal));
        }
        (now, slips)
    });
    let undated = past::undated_then(portfolio, day(eve), end);
    let undated = undated.filter(asks).map(|Then { deal, now }| {
        let mut slips = Slips::default();
        slips.record.add_unknown(value(&deal));
        (now, slips)
    });
    due.chain(undated).collect()
}
