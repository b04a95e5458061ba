//! What an analysis counts: closed deals of the period, open deals, deals that were due when the period
//! opened, deals and signals found; each in the segment it belongs to, each read only where it is asked for.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::change::{Day, NO_DAY, field};
use crate::domain::deal::Deal;
use crate::domain::filter::{Filter, Tally};
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::texts::NONE;
use crate::reports::Asked;
use crate::reports::parts::by_period::{Grain, Part};
use crate::reports::parts::performance::{Account, Column};
use crate::reports::parts::segments::{Dating, Dimension, in_order};
use crate::reports::parts::slip::{Slips, due_in};

/// What is to be counted.
pub struct Analysis<'a> {
    pub asked: &'a Asked<'a>,
    pub filter: &'a Filter,
    pub period: &'a Period,
    /// In which days what is found must have been identified or detected; otherwise any will do.
    pub found_in: Option<Span>,
    pub columns: &'a [Column],
    pub dimension: Option<&'a Dimension>,
    /// The months or quarters of the period, where it is cut into such.
    pub parts: &'a [Part],
}

/// What was counted.
pub struct Counted {
    pub overall: Account,
    /// By the keys of the dimension; without one, nothing.
    pub segments: FxHashMap<u64, Account>,
    /// Deals of which nobody knows when they were found, where that is asked.
    pub unidentified: [Tally; 3],
    /// How many deals were read.
    pub read: u64,
}

impl<'a> Analysis<'a> {
    /// Counts, given the deals that closed in the period.
    pub fn count(&self, closed: &[&Deal]) -> Counted {
        let shows = |column| self.columns.contains(&column);
        let mut counting = Counting {
            analysis: self,
            segments: FxHashMap::default(),
            in_none: Account::default(),
            unidentified: [Tally::default(); 3],
            read: 0,
        };
        for part in self.parts {
            // Nothing may have happened in it, and it is a part of the period all the same.
            let key = self.key_of_day(part.span.start);
            counting.segments.entry(key).or_default();
        }
        counting.read_closed(closed);
        if shows(Column::Open) || shows(Column::Velocity) {
            counting.read_open();
        }
        if shows(Column::Found) {
            counting.read_found();
            if self.dimension == Some(&Dimension::Signal) {
                counting.read_signals();
            }
        }
        if shows(Column::SlipRate) {
            counting.read_due();
        }
        counting.finish()
    }

    /// Whether the segments are stretches of time.
    pub fn is_of_time(&self) -> bool {
        self.dimension.is_some_and(in_order)
    }

    pub(super) fn key_of_day(&self, day: Day) -> u64 {
        let portfolio = self.asked.portfolio;
        self.dimension
            .map_or(0, |dimension| dimension.key_of_day(day, portfolio))
    }

    pub(super) fn key(&self, deal: &Deal, dating: Dating) -> u64 {
        let portfolio = self.asked.portfolio;
        self.dimension
            .map_or(0, |dimension| dimension.key(deal, portfolio, dating))
    }

    pub(super) fn matches(&self, deal: &Deal) -> bool {
        self.filter.is_everything() || self.filter.matches(deal, self.asked.portfolio)
    }

    pub(super) fn due(&self, period: &Period) -> Vec<(&'a Deal, Slips)> {
        due_in(self.asked.portfolio, self.filter, period, self.asked.day())
    }
}

/// The stretches of time that the segments of a dimension are, where they are any.
pub fn grain_of(dimension: &Dimension) -> Option<Grain> {
    match dimension {
        Dimension::Month => Some(Grain::Month),
        Dimension::Quarter => Some(Grain::Quarter),
        _ => None,
    }
}

struct Counting<'a> {
    analysis: &'a Analysis<'a>,
    segments: FxHashMap<u64, Account>,
    /// What belongs to the whole and to no segment.
    in_none: Account,
    unidentified: [Tally; 3],
    read: u64,
}

impl Counting<'_> {
    fn of(&mut self, key: u64) -> &mut Account {
        self.segments.entry(key).or_default()
    }

    fn read_closed(&mut self, closed: &[&Deal]) {
        for deal in closed {
            let key = self.analysis.key(deal, Dating::Closed);
            self.of(key).outcomes.add(deal);
        }
        self.read += closed.len() as u64;
    }

    /// The open deals as they stand; they have closed in no month or quarter.
    fn read_open(&mut self) {
        let analysis = self.analysis;
        let portfolio = analysis.asked.portfolio;
        for deal in portfolio.open().filter(|deal| analysis.matches(deal)) {
            let account = if analysis.is_of_time() {
                &mut self.in_none
            } else {
                self.of(analysis.key(deal, Dating::Closed))
            };
            account.add_open(deal, portfolio);
            self.read += 1;
        }
    }

    /// The deals that came on record in the days asked for, by how they stand now.
    fn read_found(&mut self) {
        let (asked, filter) = (self.analysis.asked, self.analysis.filter);
        let portfolio = asked.portfolio;
        let is_by_signal = self.analysis.dimension == Some(&Dimension::Signal);
        for deal in asked.each(filter) {
            if let Some(days) = self.analysis.found_in
                && !days.contains(deal.identified)
            {
                if deal.identified == NO_DAY
                    && let Some(of_state) = self.unidentified.get_mut(usize::from(deal.state()))
                {
                    of_state.add(deal, portfolio);
                }
                continue;
            }
            let detected = || {
                let signal = portfolio.detail(deal).map_or(NONE, |detail| detail.signal);
                let signal = portfolio.reference().signals.get(signal);
                signal.map(|signal| signal.detected)
            };
            let seen = is_by_signal.then(detected).flatten();
            let key = self.analysis.key(deal, Dating::Identified);
            let seen = seen.unwrap_or(deal.identified);
            self.of(key).found.add(deal, seen);
        }
    }

    /// The signals themselves, each by its own kind: those of the deals asked about, and, unless some
    /// deals only are asked about, those that have led to none.
    fn read_signals(&mut self) {
        let (asked, filter) = (self.analysis.asked, self.analysis.filter);
        let portfolio = asked.portfolio;
        let signals = &portfolio.reference().signals;
        let with_signal = |deal: &&Deal| {
            let detail = portfolio.detail(deal);
            detail.is_some_and(|detail| detail.signal != NONE)
        };
        let mut led: FxHashSet<u32> = FxHashSet::default();
        let mut of_others: FxHashSet<u32> = FxHashSet::default();
        let all = portfolio.chunks().flat_map(|chunk| chunk.deals());
        for deal in all.filter(with_signal) {
            let is_asked = filter.is_everything() || filter.matches(deal, portfolio);
            let changes = portfolio.changes(deal.number).iter();
            let attached = changes
                .filter(|change| change.field == field::SIGNAL && change.at <= asked.until)
                .filter_map(|change| u32::try_from(change.value).ok());
            if is_asked {
                led.extend(attached);
            } else {
                of_others.extend(attached);
            }
        }
        // What led to no deal yet has a customer at most.
        let of_customers = filter.about_customers();
        let takes_waiting = |customer: u32| {
            let csm = portfolio.customer(customer).map_or(NONE, |known| known.csm);
            filter.is_everything()
                || filter.is_about_customers_only()
                    && customer != NONE
                    && of_customers.takes_customer(customer, csm)
        };
        for (number, signal) in (0_u32..).zip(signals.iter()) {
            // One that was not detected yet, as of a past day, is nothing but its number.
            let is_known = signal.kind != NONE || signal.detected != NO_DAY;
            let is_led = led.contains(&number);
            let is_free = !of_others.contains(&number) && takes_waiting(signal.customer);
            let days = self.analysis.found_in;
            let counts = days.is_none_or(|days| days.contains(signal.detected));
            if is_known && counts && (is_led || is_free) {
                let key = Dimension::key_of_number(signal.kind);
                self.of(key).found.add_signal(is_led);
            }
        }
    }

    /// The deals due when the period opened; of segments of time, those due when each of them did.
    fn read_due(&mut self) {
        let analysis = self.analysis;
        if !analysis.is_of_time() {
            for (deal, slips) in analysis.due(analysis.period) {
                let key = analysis.key(deal, Dating::Closed);
                self.of(key).slips.merge(&slips);
            }
            return;
        }
        for part in analysis.parts {
            let of_part = &mut self.of(analysis.key_of_day(part.span.start)).slips;
            of_part.is_ahead = part.period.start > analysis.asked.today;
            for (_, slips) in analysis.due(&part.period) {
                of_part.merge(&slips);
            }
        }
    }

    /// Adds the segments up.
    fn finish(mut self) -> Counted {
        let mut overall = std::mem::take(&mut self.in_none);
        self.segments.values().for_each(|it| overall.merge(it));
        let today = self.analysis.asked.today;
        if self.analysis.period.start > today {
            let all = self.segments.values_mut().chain([&mut overall]);
            all.for_each(|it| it.slips.is_ahead = true);
        }
        if self.analysis.is_of_time() && self.analysis.columns.contains(&Column::SlipRate) {
            // What was due when the period opened is not what was due when each of its parts did.
            overall.slips = Slips::default();
            for (_, slips) in self.analysis.due(self.analysis.period) {
                overall.slips.merge(&slips);
            }
        }
        if self.analysis.dimension.is_none() {
            self.segments.clear();
        }
        // Which deals are named must not hang on the order of segments.
        overall.outcomes.foreign.append(&mut overall.foreign);
        overall.outcomes.foreign.sort_unstable();
        overall.outcomes.foreign.dedup();
        Counted {
            overall,
            segments: self.segments,
            unidentified: self.unidentified,
            read: self.read,
        }
    }
}
