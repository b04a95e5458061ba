//! A thousand deals: their log, and their present folded from it, laid out for scanning. Open and
//! closed deals stand apart, each sorted by close date, so a report about a period touches only the
//! deals of that period. A chunk is shared between snapshots and copied when one of its deals changes.

mod beside;
mod facts;
mod log;

use std::sync::Arc;

use self::beside::{Beside, Layer, Layers};
pub use self::facts::Facts;
use self::facts::{Counting, unrecorded};
pub use self::log::Knowledge;
use self::log::Log;
use super::by_close::{ByClose, merged};
use super::change::{Change, Millis};
use super::days::DayTable;
use super::deal::{Attribute, Deal, Detail, Stay, place_of};
use super::fold::{Record, fold};
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
    beside: Layers,
    /// What the deals in other currencies come to in their own, by place.
    own: Vec<Own>,
    facts: Facts,
}

/// How deals are folded.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What finds the days of instants.
    pub days: &'a DayTable,
    /// The instant up to which changes count.
    pub until: Millis,
    /// How deals in other currencies are converted.
    pub pricing: Pricing<'a>,
}

/// A look back from a chunk to an earlier cut.
pub struct Back<'a> {
    /// How deals stood then.
    pub terms: Terms<'a>,
    /// What was known then, when that was not everything.
    pub known: Option<&'a Knowledge<'a>>,
    /// A deal of which nothing is later than this stands as it stood; `None` when every deal is folded.
    pub same: Option<Millis>,
    /// Whether deals in other currencies are converted otherwise.
    pub is_repriced: bool,
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

    /// The finished stays in open stages; each deal's stand together, in order.
    pub fn stays(&self) -> impl Iterator<Item = &Stay> {
        self.beside.stays()
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

    /// Whether the origin of a deal was on record at an instant.
    pub fn is_origin_known(&self, place: u16, at: Millis) -> bool {
        self.log.is_origin_known(place, at)
    }

    /// The rest of a deal; `None` when it is not on record (at this cut).
    pub fn detail(&self, place: u16) -> Option<&Detail> {
        self.beside.detail(place)
    }

    /// A deal by its place.
    pub fn deal(&self, place: u16) -> Option<&Deal> {
        self.detail(place)?;
        self.deals().find(|deal| place_of(deal.number) == place)
    }

    /// A deal's custom attributes.
    pub fn attributes(&self, place: u16) -> impl Iterator<Item = &Attribute> {
        self.beside.attributes_of(place)
    }

    /// The custom attributes of all its deals; each deal's stand together.
    pub fn all_attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.beside.attributes()
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
    pub fn absorb(&mut self, origins: Vec<Origin>, changes: Vec<(u16, Change)>, terms: Terms<'_>) {
        let mut is_touched = vec![false; self.len() + origins.len()];
        let added = origins.iter().map(|origin| place_of(origin.deal));
        for place in added.chain(changes.iter().map(|(place, _)| *place)) {
            if let Some(is_touched) = is_touched.get_mut(usize::from(place)) {
                *is_touched = true;
            }
        }
        Arc::make_mut(&mut self.log).extend(origins, changes);
        *self = self.folded(Arc::clone(&self.log), terms, &is_touched);
        self.beside = std::mem::take(&mut self.beside).flat(self.len());
    }

    /// The chunk as it stood at an earlier cut, or as it was thought to stand.
    pub fn at(self: &Arc<Chunk>, back: &Back<'_>) -> Arc<Chunk> {
        let log = match back.known {
            Some(known) if known.through < self.log.last => Arc::new(self.log.known(known)),
            _ => Arc::clone(&self.log),
        };
        let is_same = |place, latest: Millis| {
            back.same.is_some_and(|same| latest <= same)
                && back
                    .known
                    .is_none_or(|known| self.log.is_within(place, known.through))
        };
        let latest = (0..).zip(self.log.latest());
        let is_touched: Vec<bool> = latest
            .map(|(place, latest)| !is_same(place, *latest))
            .collect();
        let mut then = if is_touched.contains(&true) {
            Arc::new(self.folded(log, back.terms, &is_touched))
        } else {
            Arc::clone(self)
        };
        if back.is_repriced && !then.own.is_empty() {
            Arc::make_mut(&mut then).reprice(back.terms.pricing);
        }
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
        self.facts.unrecorded = unrecorded(self.deals());
    }

    /// Folds every deal afresh.
    pub fn fold(&mut self, terms: Terms<'_>) {
        let is_touched = vec![true; self.len()];
        *self = Chunk::default().folded(Arc::clone(&self.log), terms, &is_touched);
        self.beside = std::mem::take(&mut self.beside).flat(self.len());
    }

    /// The deals of a log: those that are not touched as they stand here, the others folded afresh.
    fn folded(&self, log: Arc<Log>, terms: Terms<'_>, is_touched: &[bool]) -> Chunk {
        let is_touched = |place: u16| is_touched.get(usize::from(place)).copied().unwrap_or(true);
        let mut facts = Counting::from(&self.facts);
        // All records are looked up before the first is folded: they lie far apart in memory, and looked
        // up one by one each would be waited for.
        let touched = (0_u16..).zip(log.origins.iter());
        let touched = touched.filter(|(place, _)| is_touched(*place));
        let records: Vec<(u16, Option<Record<'_>>)> = touched
            .map(|(place, origin)| (place, log.record(place, origin, terms.until)))
            .collect();
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        let mut own = Vec::new();
        let mut layer = Layer::with_room(records.len());
        for (place, record) in records {
            let detail = record.map(|record| {
                let Beside {
                    stays, attributes, ..
                } = &mut layer.beside;
                let mut folded = fold(record, terms.days, stays, attributes);
                if let Some(version) = log.version(place, terms.until) {
                    folded.detail.version = version;
                }
                own.extend(terms.pricing.settle(&mut folded));
                let list = if folded.deal.is_open() {
                    &mut open
                } else {
                    &mut closed
                };
                list.push(folded.deal);
                folded.detail
            });
            layer.places.push(place);
            layer.beside.details.push(detail);
        }
        let old = self.stays().filter(|stay| is_touched(stay.place));
        old.for_each(|stay| facts.take_stay(stay));
        let old = [&self.open, &self.closed].into_iter();
        let old = old.flat_map(|deals| deals.in_places(is_touched));
        old.for_each(|deal| facts.take(deal));
        open.iter().chain(&closed).for_each(|deal| facts.add(deal));
        layer
            .beside
            .stays
            .iter()
            .for_each(|stay| facts.add_stay(stay));
        let open = self.open.with(open, is_touched);
        let closed = self.closed.with(closed, is_touched);
        let own = merged(
            &self.own,
            |own| !is_touched(own.place),
            own,
            |own| own.place,
        );
        Chunk {
            log,
            facts: facts.done(&closed),
            open,
            closed,
            beside: self.beside.with(layer),
            own,
        }
    }
}
