//! A thousand deals: their log, and their present folded from it, laid out for scanning. Open and
//! closed deals stand apart, each sorted by close date, so a report about a period touches only the
//! deals of that period. A chunk is shared between snapshots and copied when one of its deals changes.

mod log;

use std::sync::Arc;

pub use self::log::Knowledge;
use self::log::Log;
use super::by_close::{ByClose, merged};
use super::change::{Change, Day, Millis, NO_DAY};
use super::days::DayTable;
use super::deal::{Attribute, Deal, Detail, Stay, place_of};
use super::fold::{Folded, fold};
use super::origin::Origin;
use super::pricing::{Own, Pricing};
use super::stage::OPEN_STAGES;

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
    /// What the deals without stage history are worth in each state.
    pub unrecorded: [i64; 3],
}

/// Stays shorter than this are counted in a table, the few longer ones sorted.
const SHORT: usize = 512;

impl Facts {
    fn of(open: &ByClose, closed: &ByClose, stays: &[Stay]) -> Facts {
        let mut latest_backwards = Day::MIN;
        for deal in closed.all() {
            if deal.identified != NO_DAY && deal.close < deal.identified {
                latest_backwards = latest_backwards.max(deal.identified);
            }
        }
        Facts {
            fates: fates(open.all(), closed.all()),
            stays: lengths(stays),
            latest_backwards,
            unrecorded: unrecorded(open, closed),
        }
    }
}

/// How many deals are in each state having entered each set of stages.
fn fates(open: &[Deal], closed: &[Deal]) -> Vec<(u8, u8, u32)> {
    let mut fates = [[0_u32; 256]; 3];
    // There are few kinds of fate, so they are noted rather than looked for in the table.
    let mut found = Vec::new();
    for deal in open.iter().chain(closed) {
        let sets = fates.get_mut(usize::from(deal.state()));
        if let Some(count) = sets.and_then(|sets| sets.get_mut(usize::from(deal.entered))) {
            if *count == 0 {
                found.push((deal.state(), deal.entered));
            }
            *count += 1;
        }
    }
    found.sort_unstable();
    let count = |(state, entered): (u8, u8)| {
        let sets = fates.get(usize::from(state))?;
        Some((state, entered, *sets.get(usize::from(entered))?))
    };
    found.into_iter().filter_map(count).collect()
}

/// What the deals without stage history are worth in each state; one without a rate adds nothing.
fn unrecorded(open: &ByClose, closed: &ByClose) -> [i64; 3] {
    let mut worth = [0; 3];
    let deals = open.all().iter().chain(closed.all());
    for deal in deals.filter(|deal| !deal.has_history() && !deal.foreign) {
        if let Some(worth) = worth.get_mut(usize::from(deal.state())) {
            *worth += deal.value;
        }
    }
    worth
}

/// How many stays in each stage took how many days.
fn lengths(stays: &[Stay]) -> Vec<(u8, i32, u32)> {
    let mut short = [[0_u32; SHORT]; OPEN_STAGES];
    let mut long = Vec::new();
    let mut longest = 0;
    for stay in stays {
        let of_stage = short.get_mut(usize::from(stay.stage));
        let days = usize::try_from(stay.days).unwrap_or(SHORT);
        match of_stage.and_then(|lengths| lengths.get_mut(days)) {
            Some(count) => {
                *count += 1;
                longest = longest.max(days);
            }
            None => long.push((stay.stage, stay.days)),
        }
    }
    let mut lengths = Vec::new();
    for (stage, counts) in (0..).zip(&short) {
        for (days, count) in (0..).zip(counts.iter().take(longest + 1)) {
            if *count > 0 {
                lengths.push((stage, days, *count));
            }
        }
    }
    long.sort_unstable();
    let long = long.chunk_by(PartialEq::eq).filter_map(|run| {
        let (stage, days) = run.first()?;
        Some((*stage, *days, run.len() as u32))
    });
    lengths.extend(long);
    lengths
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

    /// Since when the origin of a deal is on record.
    pub fn known_at(&self, place: u16) -> Option<Millis> {
        self.log.known_at(place)
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
    pub fn absorb(&mut self, origins: Vec<Origin>, changes: &[(u16, Change)], terms: Terms<'_>) {
        let mut is_touched = vec![false; self.len() + origins.len()];
        let added = origins.iter().map(|origin| place_of(origin.deal));
        for place in added.chain(changes.iter().map(|(place, _)| *place)) {
            if let Some(is_touched) = is_touched.get_mut(usize::from(place)) {
                *is_touched = true;
            }
        }
        Arc::make_mut(&mut self.log).extend(origins, changes);
        *self = self.folded(Arc::clone(&self.log), terms, &is_touched);
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
        self.facts.unrecorded = unrecorded(&self.open, &self.closed);
    }

    /// Folds every deal afresh.
    pub fn fold(&mut self, terms: Terms<'_>) {
        let is_touched = vec![true; self.len()];
        *self = self.folded(Arc::clone(&self.log), terms, &is_touched);
    }

    /// The deals of a log: those that are not touched as they stand here, the others folded afresh.
    fn folded(&self, log: Arc<Log>, terms: Terms<'_>, is_touched: &[bool]) -> Chunk {
        let is_touched = |place: u16| is_touched.get(usize::from(place)).copied().unwrap_or(true);
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        let (mut stays, mut attributes, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let mut details = self.details.clone();
        details.resize(log.origins.len(), None);
        for ((place, origin), detail) in (0_u16..).zip(&log.origins).zip(&mut details) {
            if !is_touched(place) {
                continue;
            }
            let mut folded = fold_one(&log, place, origin, terms, &mut stays, &mut attributes);
            if let Some(folded) = &mut folded {
                own.extend(terms.pricing.settle(folded));
                let list = if folded.deal.is_open() {
                    &mut open
                } else {
                    &mut closed
                };
                list.push(folded.deal);
            }
            *detail = folded.map(|folded| folded.detail);
        }
        let is_kept = |deal: &Deal| !is_touched(place_of(deal.number));
        let open = self.open.with(open, is_kept);
        let closed = self.closed.with(closed, is_kept);
        let stays = merged(
            &self.stays,
            |stay| !is_touched(stay.place),
            stays,
            |stay| stay.place,
        );
        let attributes = merged(
            &self.attributes,
            |known| !is_touched(known.place),
            attributes,
            |known| known.place,
        );
        let own = merged(
            &self.own,
            |own| !is_touched(own.place),
            own,
            |own| own.place,
        );
        let facts = Facts::of(&open, &closed, &stays);
        Chunk {
            log,
            open,
            closed,
            details,
            stays,
            attributes,
            own,
            facts,
        }
    }
}

/// Folds one deal of a log, unless it is withdrawn.
fn fold_one(
    log: &Log,
    place: u16,
    origin: &Origin,
    terms: Terms<'_>,
    stays: &mut Vec<Stay>,
    attributes: &mut Vec<Attribute>,
) -> Option<Folded> {
    if !log.has(place) {
        return None;
    }
    let (days, until) = (terms.days, terms.until);
    let changes = log.changes(place);
    let mut folded = fold(origin, changes, days, until, stays, attributes)?;
    if log.counting.is_some() {
        // What is voided, and what voids it, changed the deal too.
        folded.detail.version = log.version(origin, until);
    }
    Some(folded)
}
