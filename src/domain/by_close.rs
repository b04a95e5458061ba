//! Deals of a chunk in the order of their close, and what finds some of them without reading all:
//! a search reads days only, and days stand four to a deal's sixteen words.

use std::sync::OnceLock;

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
    /// Each by the latest day on which it was identified or entered its stage; those that know neither
    /// are missing. Sorted when first asked for, which of closed deals is seldom.
    by_latest: OnceLock<Vec<(Day, u16)>>,
}

impl ByClose {
    /// Those of the deals that are kept, and others.
    pub fn with(&self, mut others: Vec<Deal>, is_kept: impl Fn(&Deal) -> bool) -> ByClose {
        others.sort_unstable_by_key(order);
        ByClose::of(merged(&self.deals, is_kept, others, order))
    }

    /// Looks over sorted deals.
    fn of(deals: Vec<Deal>) -> ByClose {
        let mut won = 0;
        let mut won_before = Vec::with_capacity(deals.len() + 1);
        let mut closes = Vec::with_capacity(deals.len());
        let (mut redated, mut dated_late) = (Vec::new(), Vec::new());
        for (place, deal) in (0_u16..).zip(&deals) {
            closes.push(deal.close);
            won_before.push(won);
            won += u16::from(deal.is_won());
            if deal.entered & REDATED != 0 {
                redated.push(place);
            }
            if deal.dated_late {
                dated_late.push(place);
            }
        }
        won_before.push(won);
        ByClose {
            closes,
            redated,
            dated_late,
            won_before,
            by_latest: OnceLock::new(),
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
        let by_latest = self.by_latest.get_or_init(|| by_latest(&self.deals));
        let start = by_latest.partition_point(|(latest, _)| *latest < day);
        by_latest
            .iter()
            .skip(start)
            .filter_map(|(_, place)| self.deals.get(usize::from(*place)))
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

fn by_latest(deals: &[Deal]) -> Vec<(Day, u16)> {
    let latest = |deal: &Deal| {
        let days = [deal.identified, deal.stage_entered];
        days.into_iter().filter(|day| *day != NO_DAY).max()
    };
    let mut by_latest = Vec::with_capacity(deals.len());
    let placed = (0_u16..).zip(deals);
    by_latest.extend(placed.filter_map(|(place, deal)| Some((latest(deal)?, place))));
    by_latest.sort_unstable();
    by_latest
}

/// The items that are kept of a sorted list, and others, sorted likewise.
pub(super) fn merged<T: Copy, K: Ord>(
    items: &[T],
    is_kept: impl Fn(&T) -> bool,
    mut others: Vec<T>,
    order: impl Fn(&T) -> K,
) -> Vec<T> {
    if items.is_empty() {
        others.shrink_to_fit();
        return others;
    }
    let mut merged = Vec::with_capacity(items.len() + others.len());
    let mut rest = items;
    for other in &others {
        let key = order(other);
        let place = rest.iter().position(|item| order(item) > key);
        let (before, after) = rest.split_at(place.unwrap_or(rest.len()));
        merged.extend(before.iter().filter(|item| is_kept(item)));
        merged.push(*other);
        rest = after;
    }
    merged.extend(rest.iter().filter(|item| is_kept(item)));
    merged
}

fn order(deal: &Deal) -> (Day, u32) {
    (deal.close, deal.number)
}
