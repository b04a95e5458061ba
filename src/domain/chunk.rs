//! A thousand deals: their log, and their present folded from it, laid out for scanning. Open and
//! closed deals stand apart, each sorted by close date, so a report about a period touches only the
//! deals of that period. A chunk is shared between snapshots and copied when one of its deals changes.

mod log;

use std::sync::Arc;

pub use self::log::Knowledge;
use self::log::Log;
use super::by_close::ByClose;
use super::change::{Change, Day, Millis, NO_DAY};
use super::days::DayTable;
use super::deal::{Attribute, Deal, Detail, Stay, place_of};
use super::fold::{Folded, fold};
use super::origin::Origin;
use super::pricing::{Own, Pricing};

/// Deals in a chunk.
pub const SIZE: u32 = 1_024;

/// Some deals with everything about them.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    /// Shared with the same chunk at earlier cuts.
    log: Arc<Log>,
    open: ByClose,
    closed: ByClose,
    /// What only answers about single deals show, by place; `None` when the deal lies after the cut.
    details: Vec<Option<Detail>>,
    stays: Vec<Stay>,
    attributes: Vec<Attribute>,
    /// What the deals in other currencies come to in their own, by place.
    own: Vec<Own>,
    facts: Facts,
}

/// What the deals of a chunk come to in figures over all deals: part of the fold, so that a report on
/// the whole portfolio need not look at each deal that closed years ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// How many deals are in each state (open, won, lost: 0, 1, 2) having entered each set of stages.
    pub fates: Vec<(u8, u8, u32)>,
    /// How many finished stays in each stage took how many days.
    pub stays: Vec<(u8, i32, u32)>,
    /// The latest identified date of a deal that closed before it; `Day::MIN` when there is none.
    pub latest_backwards: Day,
}

impl Facts {
    fn of(chunk: &Chunk) -> Facts {
        let mut fates: Vec<(u8, u8)> = chunk
            .deals()
            .map(|deal| (deal.state(), deal.entered))
            .collect();
        let mut lengths: Vec<(u8, i32)> = chunk
            .stays
            .iter()
            .map(|stay| (stay.stage, stay.days))
            .collect();
        fates.sort_unstable();
        lengths.sort_unstable();
        let backwards = chunk
            .closed
            .all()
            .iter()
            .filter(|deal| deal.identified != NO_DAY && deal.close < deal.identified);
        Facts {
            fates: runs(&fates)
                .map(|((state, entered), count)| (state, entered, count))
                .collect(),
            stays: runs(&lengths)
                .map(|((stage, days), count)| (stage, days, count))
                .collect(),
            latest_backwards: backwards
                .map(|deal| deal.identified)
                .max()
                .unwrap_or(Day::MIN),
        }
    }
}

/// The distinct items of a sorted list, each with how often it comes.
fn runs<T: Copy + PartialEq>(sorted: &[T]) -> impl Iterator<Item = (T, u32)> {
    sorted
        .chunk_by(PartialEq::eq)
        .filter_map(|run| Some((*run.first()?, run.len() as u32)))
}

impl Chunk {
    /// The open deals, by expected close, undated ones last.
    pub fn open(&self) -> &ByClose {
        &self.open
    }

    /// The closed deals, by actual close.
    pub fn closed(&self) -> &ByClose {
        &self.closed
    }

    /// All deals, the open ones first.
    pub fn deals(&self) -> impl Iterator<Item = &Deal> {
        self.open.all().iter().chain(self.closed.all())
    }

    /// The finished stays in open stages.
    pub fn stays(&self) -> &[Stay] {
        &self.stays
    }

    /// What its deals come to.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How many deals came on record in it.
    pub fn len(&self) -> usize {
        self.log.origins.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.log.origins.is_empty()
    }

    /// The origins of its deals, by place.
    pub fn origins(&self) -> &[Origin] {
        &self.log.origins
    }

    /// The rest of a deal; `None` when it is not on record (at this cut).
    pub fn detail(&self, place: u16) -> Option<&Detail> {
        self.details.get(usize::from(place))?.as_ref()
    }

    /// A deal by its place.
    pub fn deal(&self, place: u16) -> Option<&Deal> {
        self.details.get(usize::from(place))?.as_ref()?;
        self.deals().find(|deal| place_of(deal.number) == place)
    }

    /// A deal's custom attributes.
    pub fn attributes(&self, place: u16) -> impl Iterator<Item = &Attribute> {
        let start = self
            .attributes
            .partition_point(|attribute| attribute.place < place);
        self.attributes
            .iter()
            .skip(start)
            .take_while(move |attribute| attribute.place == place)
    }

    /// The custom attributes of all its deals.
    pub fn all_attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// What a deal in another currency comes to in its own.
    pub fn own(&self, place: u16) -> Option<&Own> {
        let found = self.own.binary_search_by_key(&place, |own| own.place);
        self.own.get(found.ok()?)
    }

    /// What its deals in other currencies come to in their own.
    pub fn all_own(&self) -> &[Own] {
        &self.own
    }

    /// A deal's changes that count, by (at, seq).
    pub fn changes(&self, place: u16) -> &[Change] {
        self.log.changes(place)
    }

    /// Everything that was ever logged of a deal, by (at, seq): what is void and what voids it, too.
    pub fn logged(&self, place: u16) -> &[Change] {
        self.log.rows.of(place)
    }

    /// Adds origins and changes (of deals of this chunk, in log order) and folds what they touch.
    pub fn absorb(
        &mut self,
        origins: Vec<Origin>,
        changes: &[(u16, Change)],
        days: &DayTable,
        pricing: Pricing<'_>,
    ) {
        let mut touched: Vec<u16> = origins.iter().map(|origin| place_of(origin.deal)).collect();
        touched.extend(changes.iter().map(|(place, _)| place));
        touched.sort_unstable();
        touched.dedup();
        Arc::make_mut(&mut self.log).extend(origins, changes);
        if touched.len() * 8 > self.len() {
            self.fold(days, Millis::MAX, pricing);
        } else {
            for place in touched {
                self.refold(place, days, pricing);
            }
        }
    }

    /// The same log folded up to a cut: the chunk as it stood then, or as it was thought to stand.
    pub fn at(
        &self,
        days: &DayTable,
        until: Millis,
        known: Option<&Knowledge<'_>>,
        pricing: Pricing<'_>,
    ) -> Chunk {
        let log = match known {
            Some(known) => Arc::new(self.log.known(known)),
            None => Arc::clone(&self.log),
        };
        let mut then = Chunk {
            log,
            ..Chunk::default()
        };
        then.fold(days, until, pricing);
        then
    }

    /// Converts the deals in other currencies anew.
    pub fn reprice(&mut self, pricing: Pricing<'_>) {
        let own = std::mem::take(&mut self.own);
        let price = |deal: &mut Deal| {
            let place = place_of(deal.number);
            let found = own.binary_search_by_key(&place, |own| own.place);
            if let Some(own) = found.ok().and_then(|found| own.get(found)) {
                pricing.price(deal, own);
            }
        };
        self.open.reprice(price);
        self.closed.reprice(price);
        self.own = own;
    }

    /// Folds every deal afresh, up to an instant.
    pub fn fold(&mut self, days: &DayTable, until: Millis, pricing: Pricing<'_>) {
        let log = Arc::clone(&self.log);
        let (mut stays, mut attributes, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let mut details = Vec::with_capacity(log.origins.len());
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for (place, origin) in (0_u16..).zip(&log.origins) {
            let mut folded = fold_one(
                &log,
                place,
                origin,
                days,
                until,
                &mut stays,
                &mut attributes,
            );
            if let Some(folded) = &mut folded {
                own.extend(pricing.settle(folded));
                if folded.deal.is_open() {
                    &mut open
                } else {
                    &mut closed
                }
                .push(folded.deal);
            }
            details.push(folded.map(|folded| folded.detail));
        }
        attributes.shrink_to_fit();
        stays.shrink_to_fit();
        (self.open, self.closed) = (ByClose::of(open), ByClose::of(closed));
        (self.details, self.stays, self.attributes) = (details, stays, attributes);
        self.own = own;
        self.facts = Facts::of(self);
    }

    /// Folds one deal afresh and puts it where it belongs.
    fn refold(&mut self, place: u16, days: &DayTable, pricing: Pricing<'_>) {
        if let Some(number) = self.deal(place).map(|deal| deal.number) {
            self.open = std::mem::take(&mut self.open).without(number);
            self.closed = std::mem::take(&mut self.closed).without(number);
        }
        self.stays.retain(|stay| stay.place != place);
        self.attributes.retain(|attribute| attribute.place != place);
        self.own.retain(|own| own.place != place);
        let (mut stays, mut attributes) = (Vec::new(), Vec::new());
        let mut folded = self.log.origins.get(usize::from(place)).and_then(|origin| {
            let (log, until) = (&self.log, Millis::MAX);
            fold_one(log, place, origin, days, until, &mut stays, &mut attributes)
        });
        if let Some(folded) = &mut folded {
            if let Some(own) = pricing.settle(folded) {
                let before = self.own.partition_point(|own| own.place < place);
                self.own.insert(before, own);
            }
            let list = if folded.deal.is_open() {
                &mut self.open
            } else {
                &mut self.closed
            };
            *list = std::mem::take(list).with(folded.deal);
        }
        self.details.resize(self.log.origins.len(), None);
        if let Some(detail) = self.details.get_mut(usize::from(place)) {
            *detail = folded.map(|folded| folded.detail);
        }
        let before = self.stays.partition_point(|stay| stay.place < place);
        self.stays.splice(before..before, stays);
        let before = self
            .attributes
            .partition_point(|attribute| attribute.place < place);
        self.attributes.splice(before..before, attributes);
        self.facts = Facts::of(self);
    }
}

/// Folds one deal of a log, unless it is withdrawn.
fn fold_one(
    log: &Log,
    place: u16,
    origin: &Origin,
    days: &DayTable,
    until: Millis,
    stays: &mut Vec<Stay>,
    attributes: &mut Vec<Attribute>,
) -> Option<Folded> {
    if !log.has(place) {
        return None;
    }
    let changes = log.changes(place);
    let mut folded = fold(origin, changes, days, until, stays, attributes)?;
    if log.counting.is_some() {
        // What is voided, and what voids it, changed the deal too.
        folded.detail.version = log.version(origin, until);
    }
    Some(folded)
}
