//! Deals of a chunk in the order of their close, and what finds some of them without reading all:
//! a search reads days only, and days stand four to a deal's sixteen words.

use super::change::{Day, NO_DAY};
use super::deal::{Deal, REDATED};

/// Deals sorted by close, then by number, whatever order they came in.
#[derive(Debug, Clone, Default)]
pub struct ByClose {
    deals: Vec<Deal>,
    /// The close of each.
    closes: Vec<Day>,
    /// How many are won before each, and before the end.
    won_before: Vec<u16>,
    /// Those whose expected close was changed at some time.
    redated: Vec<u16>,
    /// Those whose expected close came on record after they did.
    dated_late: Vec<u16>,
    /// Each by the latest day on which it was identified or entered its stage; those that know neither are missing.
    by_latest: Vec<(Day, u16)>,
}

impl ByClose {
    /// Sorts deals.
    pub fn of(mut deals: Vec<Deal>) -> ByClose {
        deals.sort_unstable_by_key(order);
        deals.shrink_to_fit();
        let mut won = 0;
        let mut won_before = vec![0];
        won_before.extend(deals.iter().map(|deal| {
            won += u16::from(deal.is_won());
            won
        }));
        let placed = || (0_u16..).zip(&deals);
        let places = |is_meant: fn(&Deal) -> bool| {
            let meant = placed().filter(|(_, deal)| is_meant(deal));
            meant.map(|(place, _)| place).collect()
        };
        let latest = |deal: &Deal| {
            let days = [deal.identified, deal.stage_entered];
            days.into_iter().filter(|day| *day != NO_DAY).max()
        };
        let mut by_latest: Vec<(Day, u16)> = placed()
            .filter_map(|(place, deal)| Some((latest(deal)?, place)))
            .collect();
        by_latest.sort_unstable();
        ByClose {
            closes: deals.iter().map(|deal| deal.close).collect(),
            redated: places(|deal| deal.entered & REDATED != 0),
            dated_late: places(|deal| deal.dated_late),
            won_before,
            by_latest,
            deals,
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Deal] {
        &self.deals
    }

    /// Those that close in some days, both included.
    pub fn between(&self, from: Day, to: Day) -> &[Deal] {
        let (start, end) = self.places(from, to);
        self.deals.get(start..end).unwrap_or_default()
    }

    /// How many of those that close in some days are won, and how many there are.
    pub fn won_between(&self, from: Day, to: Day) -> (u64, u64) {
        let (start, end) = self.places(from, to);
        let before = |place: usize| self.won_before.get(place).copied().unwrap_or_default();
        let won = before(end).saturating_sub(before(start));
        (u64::from(won), (end - start) as u64)
    }

    /// Those whose expected close was changed at some time.
    pub fn redated(&self) -> impl Iterator<Item = &Deal> {
        self.redated
            .iter()
            .filter_map(|place| self.deals.get(usize::from(*place)))
    }

    /// Those that close on a day or later and whose expected close came on record after they did.
    pub fn dated_late(&self, from: Day) -> impl Iterator<Item = &Deal> {
        let close = |place: u16| self.closes.get(usize::from(place)).copied();
        let start = self
            .dated_late
            .partition_point(|place| close(*place).is_some_and(|close| close < from));
        let late = self.dated_late.iter().skip(start);
        late.filter_map(|place| self.deals.get(usize::from(*place)))
    }

    /// Those that were identified or entered their stage on a day or later.
    pub fn since(&self, day: Day) -> impl Iterator<Item = &Deal> {
        let start = self.by_latest.partition_point(|(latest, _)| *latest < day);
        self.by_latest
            .iter()
            .skip(start)
            .filter_map(|(_, place)| self.deals.get(usize::from(*place)))
    }

    /// The deals with one more.
    #[must_use]
    pub fn with(mut self, deal: Deal) -> ByClose {
        self.deals.push(deal);
        ByClose::of(self.deals)
    }

    /// The deals without one, when it is among them.
    #[must_use]
    pub fn without(mut self, number: u32) -> ByClose {
        let place = self.deals.iter().position(|deal| deal.number == number);
        match place {
            Some(place) => {
                self.deals.remove(place);
                ByClose::of(self.deals)
            }
            None => self,
        }
    }

    /// Changes what deals are worth, which moves none of them.
    pub(super) fn reprice(&mut self, price: impl Fn(&mut Deal)) {
        self.deals.iter_mut().for_each(price);
    }

    fn places(&self, from: Day, to: Day) -> (usize, usize) {
        let start = self.closes.partition_point(|close| *close < from);
        let end = self.closes.partition_point(|close| *close <= to);
        (start, end.max(start))
    }
}

fn order(deal: &Deal) -> (Day, u32) {
    (deal.close, deal.number)
}
