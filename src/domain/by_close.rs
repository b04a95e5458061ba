//! Deals of a chunk in the order of their close, and what finds some of them without reading all:
//! a search reads days only, and days stand four to a deal's sixteen words.

use std::sync::{Arc, OnceLock};

use super::change::{Day, NO_DAY};
use super::deal::{DATED_LATE, Deal, REDATED, place_of};

/// Deals sorted by close, then by number, whatever order they came in. Those of a look back are often
/// the first of those of today, and share them.
#[derive(Debug, Clone, Default)]
pub struct ByClose {
    list: Arc<List>,
    /// How many of the list they are, from the first on.
    len: usize,
    /// Each by the latest day on which it was identified or entered its stage; those that know neither
    /// are missing. Sorted when first asked for, which of closed deals is seldom.
    by_latest: OnceLock<Vec<(Day, u16)>>,
}

#[derive(Debug, Clone, Default)]
struct List {
    deals: Vec<Deal>,
    /// The place of each in its chunk.
    places: Vec<u16>,
    /// The close of each.
    closes: Vec<Day>,
    /// How many are won before each, and before the end.
    won_before: Vec<u16>,
    /// Those whose expected close was changed at some time.
    redated: Vec<u16>,
    /// Those whose expected close came on record after they did.
    dated_late: Vec<u16>,
}

impl List {
    /// Looks over sorted deals.
    fn of(deals: Vec<Deal>) -> List {
        let mut won = 0;
        let mut won_before = Vec::with_capacity(deals.len() + 1);
        let mut closes = Vec::with_capacity(deals.len());
        let mut places = Vec::with_capacity(deals.len());
        let (mut redated, mut dated_late) = (Vec::new(), Vec::new());
        for (number, deal) in (0_u16..).zip(&deals) {
            places.push(place_of(deal.number));
            closes.push(deal.close);
            won_before.push(won);
            won += u16::from(deal.is_won());
            if deal.entered & REDATED != 0 {
                redated.push(number);
            }
            if deal.gaps & DATED_LATE != 0 {
                dated_late.push(number);
            }
        }
        won_before.push(won);
        List {
            deals,
            places,
            closes,
            won_before,
            redated,
            dated_late,
        }
    }
}

impl ByClose {
    fn of(deals: Vec<Deal>) -> ByClose {
        ByClose {
            len: deals.len(),
            list: Arc::new(List::of(deals)),
            by_latest: OnceLock::new(),
        }
    }

    /// These without the deals in some places, and with others.
    pub fn with(&self, mut others: Vec<Deal>, is_gone: impl Fn(u16) -> bool) -> ByClose {
        let places = self.places();
        let kept = places.iter().position(|place| is_gone(*place));
        let (kept, rest) = places.split_at(kept.unwrap_or(places.len()));
        if others.is_empty() && rest.iter().all(|place| is_gone(*place)) {
            return ByClose {
                list: Arc::clone(&self.list),
                len: kept.len(),
                by_latest: OnceLock::new(),
            };
        }
        others.sort_unstable_by_key(order);
        let is_kept = |deal: &Deal| !is_gone(place_of(deal.number));
        ByClose::of(merged(self.all(), is_kept, others, order))
    }

    /// All of them.
    pub fn all(&self) -> &[Deal] {
        self.list.deals.get(..self.len).unwrap_or_default()
    }

    /// Those in some places of their chunk.
    pub fn in_places(&self, is_in: impl Fn(u16) -> bool) -> impl Iterator<Item = &Deal> {
        let places = self.places().iter().zip(self.all());
        places
            .filter(move |(place, _)| is_in(**place))
            .map(|(_, deal)| deal)
    }

    fn places(&self) -> &[u16] {
        self.list.places.get(..self.len).unwrap_or_default()
    }

    /// Some of them by number in the list, as far as they are among them.
    fn numbered<'a>(&'a self, numbers: &'a [u16]) -> impl Iterator<Item = &'a Deal> {
        let deals = self.all();
        numbers
            .iter()
            .map_while(|number| deals.get(usize::from(*number)))
    }

    /// Those that close in some days, both included.
    pub fn between(&self, from: Day, to: Day) -> &[Deal] {
        let (start, end) = self.within(from, to);
        self.all().get(start..end).unwrap_or_default()
    }

    /// How many of those that close in some days are won, and how many there are.
    pub fn won_between(&self, from: Day, to: Day) -> (u64, u64) {
        let (start, end) = self.within(from, to);
        let before = |number: usize| self.list.won_before.get(number).copied();
        let before = |number| before(number).unwrap_or_default();
        let won = before(end).saturating_sub(before(start));
        (u64::from(won), (end - start) as u64)
    }

    /// Those whose expected close was changed at some time.
    pub fn redated(&self) -> impl Iterator<Item = &Deal> {
        self.numbered(&self.list.redated)
    }

    /// Those that close on a day or later and whose expected close came on record after they did.
    pub fn dated_late(&self, from: Day) -> impl Iterator<Item = &Deal> {
        let List {
            closes, dated_late, ..
        } = &*self.list;
        let close = |number: u16| closes.get(usize::from(number)).copied();
        let start =
            dated_late.partition_point(|number| close(*number).is_some_and(|close| close < from));
        self.numbered(dated_late.get(start..).unwrap_or_default())
    }

    /// Those that were identified or entered their stage on a day or later.
    pub fn since(&self, day: Day) -> impl Iterator<Item = &Deal> {
        let by_latest = self.by_latest.get_or_init(|| by_latest(self.all()));
        let start = by_latest.partition_point(|(latest, _)| *latest < day);
        by_latest
            .iter()
            .skip(start)
            .filter_map(|(_, number)| self.all().get(usize::from(*number)))
    }

    /// Changes what deals are worth, which moves none of them.
    pub(super) fn reprice(&mut self, price: impl Fn(&mut Deal)) {
        let mut deals = self.all().to_vec();
        deals.iter_mut().for_each(price);
        *self = ByClose::of(deals);
    }

    fn within(&self, from: Day, to: Day) -> (usize, usize) {
        let closes = self.list.closes.get(..self.len).unwrap_or_default();
        let start = closes.partition_point(|close| *close < from);
        let end = closes.partition_point(|close| *close <= to);
        (start, end.max(start))
    }
}

fn by_latest(deals: &[Deal]) -> Vec<(Day, u16)> {
    let latest = |deal: &Deal| {
        let days = [deal.identified, deal.stage_entered];
        days.into_iter().filter(|day| *day != NO_DAY).max()
    };
    let mut by_latest = Vec::with_capacity(deals.len());
    let numbered = (0_u16..).zip(deals);
    by_latest.extend(numbered.filter_map(|(number, deal)| Some((latest(deal)?, number))));
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
