//! How one set of open deals became another (DEFINITIONS section 3, "waterfall"): each deal's part in
//! the difference, judged by how it stood at the two ends.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::change::{Change, Millis, NO_DAY, field};
use super::deal::Deal;
use super::filter::Filter;
use super::fold::{Record, fold};
use super::measure::Span;
use super::portfolio::Portfolio;
use super::pricing::Pricing;
use super::stage::Stage;

/// Why a deal counts at one end and not at the other, or at both with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// It did not exist at the start.
    New,
    /// It was closed at the start.
    Reopened,
    /// It was due later, or undated.
    PulledIn,
    /// It was due earlier.
    PushedIn,
    /// A field that the filter asks about changed, or an import put it on record without a date.
    MovedIn,
    /// Its value rose.
    ValueUp,
    /// Its value fell.
    ValueDown,
    /// It was won.
    Won,
    /// It was lost.
    Lost,
    /// It is due later, or undated.
    PushedOut,
    /// It is due earlier.
    PulledOut,
    /// A field that the filter asks about changed.
    MovedOut,
}

impl Bucket {
    /// All of them, entries first, exits last.
    pub const ALL: [Bucket; 12] = [
        Bucket::New,
        Bucket::Reopened,
        Bucket::PulledIn,
        Bucket::PushedIn,
        Bucket::MovedIn,
        Bucket::ValueUp,
        Bucket::ValueDown,
        Bucket::Won,
        Bucket::Lost,
        Bucket::PushedOut,
        Bucket::PulledOut,
        Bucket::MovedOut,
    ];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Bucket::New => "new",
            Bucket::Reopened => "reopened",
            Bucket::PulledIn => "pulled_in",
            Bucket::PushedIn => "pushed_in",
            Bucket::MovedIn => "moved_in",
            Bucket::ValueUp => "value_up",
            Bucket::ValueDown => "value_down",
            Bucket::Won => "won",
            Bucket::Lost => "lost",
            Bucket::PushedOut => "pushed_out",
            Bucket::PulledOut => "pulled_out",
            Bucket::MovedOut => "moved_out",
        }
    }

    /// Whether its values are added to the start rather than taken off.
    pub const fn adds(self) -> bool {
        matches!(
            self,
            Bucket::New
                | Bucket::Reopened
                | Bucket::PulledIn
                | Bucket::PushedIn
                | Bucket::MovedIn
                | Bucket::ValueUp
        )
    }
}

/// A deal's part in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The deal.
    pub deal: u32,
    /// What it adds or takes off, never negative.
    pub value: i64,
    /// The value it was won at.
    pub closed_value: Option<i64>,
    /// In a currency without a rate: counted, in no sum.
    pub foreign: bool,
}

/// A set of open deals at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct End {
    /// How many.
    pub count: u64,
    /// Their value.
    pub value: i64,
}

/// The whole way from one end to the other.
#[derive(Debug, Clone, Default)]
pub struct Waterfall {
    /// At the start.
    pub start: End,
    /// At the end.
    pub end: End,
    /// Every part, by bucket.
    pub buckets: FxHashMap<Bucket, Vec<Part>>,
}

/// Which deals count at either end: open, matching a filter, due in a window when there is one.
#[derive(Debug, Clone, Copy)]
pub struct Membership<'a> {
    /// The filter, resolved at the end.
    pub filter: &'a Filter,
    /// The window of expected close.
    pub window: Option<Span>,
}

impl Membership<'_> {
    fn is_due(&self, deal: &Deal) -> bool {
        self.window.is_none_or(|window| window.contains(deal.close))
    }

    /// Whether a deal counts, as it stands in a portfolio.
    pub fn takes(&self, deal: &Deal, portfolio: &Portfolio) -> bool {
        deal.is_open() && self.is_due(deal) && self.filter.matches(deal, portfolio)
    }
}

fn money(deal: &Deal) -> i64 {
    if deal.foreign { 0 } else { deal.value }
}

impl Waterfall {
    /// Compares an organisation at two moments, the first of which is an instant. Both are to be
    /// [`Waterfall::priced`] by the rates of the second, so that no rate that moved looks like a deal that
    /// did.
    pub fn between(
        start: &Portfolio,
        since: Millis,
        end: &Portfolio,
        membership: Membership<'_>,
    ) -> Waterfall {
        let mut waterfall = Waterfall::default();
        let mut before: FxHashMap<u32, &Deal> = FxHashMap::default();
        for deal in start.open().filter(|deal| membership.takes(deal, start)) {
            waterfall.start.add(deal);
            before.insert(deal.number, deal);
        }
        for deal in end.open().filter(|deal| membership.takes(deal, end)) {
            waterfall.end.add(deal);
            match before.remove(&deal.number) {
                Some(then) => waterfall.revalued(then, deal),
                None => {
                    let bucket = entry(start, deal, membership);
                    waterfall.put(bucket, deal, money(deal), None);
                }
            }
        }
        for (number, then) in before {
            let now = end.deal(number).map(|found| found.deal);
            let bucket = exit(now, membership);
            let won = now.filter(|now| now.is_won()).map(money);
            waterfall.put(bucket, then, money(then), won);
        }
        waterfall.came_and_went(since, end, membership);
        for parts in waterfall.buckets.values_mut() {
            parts.sort_unstable_by_key(|part| (std::cmp::Reverse(part.value), part.deal));
        }
        waterfall
    }

    /// One end with all deals converted by the rates that open deals of the other have, closed ones too.
    pub fn priced<'a>(end: &'a Portfolio, rates_of: &Portfolio) -> Cow<'a, Portfolio> {
        end.priced(rates_of, rates_of.by.throughout())
    }

    fn revalued(&mut self, then: &Deal, now: &Deal) {
        let (before, after) = (money(then), money(now));
        match after - before {
            0 => {}
            more if more > 0 => self.put(Bucket::ValueUp, now, more, None),
            less => self.put(Bucket::ValueDown, now, -less, None),
        }
    }

    /// Deals that first existed after the start and were closed by the end.
    fn came_and_went(&mut self, since: Millis, end: &Portfolio, membership: Membership<'_>) {
        let first = end.days().of(since);
        for deal in end.closed(first, NO_DAY) {
            let is_news = end
                .origin(deal.number)
                .is_some_and(|origin| origin.at > since && origin.identified != NO_DAY);
            if !is_news {
                continue;
            }
            let Some(then) = before_it_closed(end, deal) else {
                continue;
            };
            if !membership.takes(&then, end) {
                continue;
            }
            let bucket = if deal.is_won() {
                Bucket::Won
            } else {
                Bucket::Lost
            };
            self.put(Bucket::New, &then, money(&then), None);
            let won = deal.is_won().then(|| money(deal));
            self.put(bucket, &then, money(&then), won);
        }
    }

    fn put(&mut self, bucket: Bucket, deal: &Deal, value: i64, closed_value: Option<i64>) {
        self.buckets.entry(bucket).or_default().push(Part {
            deal: deal.number,
            value,
            closed_value,
            foreign: deal.foreign,
        });
    }

    /// The parts of a bucket, the largest first.
    pub fn parts(&self, bucket: Bucket) -> &[Part] {
        self.buckets.get(&bucket).map_or(&[], Vec::as_slice)
    }
}

impl End {
    fn add(&mut self, deal: &Deal) {
        self.count += 1;
        self.value += money(deal);
    }
}

/// Whether a deal exists only since its import, because nobody knows when it was identified.
fn is_undated(portfolio: &Portfolio, deal: &Deal) -> bool {
    let origin = portfolio.origin(deal.number);
    origin.is_some_and(|origin| origin.identified == NO_DAY)
}

/// Why a deal counts at the end and not at the start.
fn entry(start: &Portfolio, now: &Deal, membership: Membership<'_>) -> Bucket {
    let Some(then) = start.deal(now.number).map(|found| found.deal) else {
        return if is_undated(start, now) {
            Bucket::MovedIn
        } else {
            Bucket::New
        };
    };
    if !then.is_open() {
        return Bucket::Reopened;
    }
    match membership.window {
        Some(window) if then.close > window.end => Bucket::PulledIn,
        Some(window) if then.close < window.start => Bucket::PushedIn,
        _ => Bucket::MovedIn,
    }
}

/// Why a deal counted at the start and not at the end.
fn exit(now: Option<&Deal>, membership: Membership<'_>) -> Bucket {
    let Some(now) = now else {
        return Bucket::MovedOut;
    };
    match now.stage {
        Stage::ClosedWon => return Bucket::Won,
        Stage::ClosedLost => return Bucket::Lost,
        _ => {}
    }
    match membership.window {
        Some(window) if now.close > window.end => Bucket::PushedOut,
        Some(window) if now.close < window.start => Bucket::PulledOut,
        _ => Bucket::MovedOut,
    }
}

/// A closed deal as it stood when it closed, still open. What became of it on the day of the close
/// counts whatever its place in the log is (an import writes moves before edits), but no later move:
/// not from one closed stage to the other either.
fn before_it_closed(portfolio: &Portfolio, deal: &Deal) -> Option<Deal> {
    let origin = portfolio.origin(deal.number)?;
    let (changes, days) = (portfolio.changes(deal.number), portfolio.days());
    // What came of it after the end is no part of the way there.
    let until = portfolio.until.unwrap_or(Millis::MAX);
    let changes = || changes.iter().filter(|change| change.at <= until);
    let mut moves: Vec<&Change> = changes()
        .filter(|change| field::is_stage(change.field))
        .collect();
    moves.sort_unstable_by_key(|change| (change.at, change.seq));
    let closes = |change: &&Change| change.value >= i64::from(Stage::ClosedWon.code());
    let closing = moves
        .into_iter()
        .rev()
        .take_while(closes)
        .last()
        .filter(|closing| closing.at >= origin.at)?;
    let closed_on = days.of(closing.at);
    let is_before = |change: &&Change| {
        (change.at, change.seq) < (closing.at, closing.seq)
            || !field::is_stage(change.field) && days.of(change.at) <= closed_on
    };
    let before: Vec<Change> = changes().filter(is_before).copied().collect();
    let (mut stays, mut attributes) = (Vec::new(), Vec::new());
    let record = Record::whole(origin, &before);
    let mut then = fold(record, days, &mut stays, &mut attributes);
    Pricing::of(portfolio.reference(), portfolio.by.throughout()).settle(&mut then);
    Some(then.deal).filter(Deal::is_open)
}
