//! A thousand deals: their log, and their present folded from it, laid out for scanning. Open and
//! closed deals stand apart, each sorted by close date, so a report about a period touches only the
//! deals of that period. A chunk is shared between snapshots and copied when one of its deals changes.

use std::sync::Arc;

use super::by_close::ByClose;
use super::change::{Change, Cut, Day, NO_DAY, Origin, Position};
use super::days::DayTable;
use super::deal::{Attribute, Deal, Detail, Stay, fold, place_of};

/// Deals in a chunk.
pub const SIZE: u32 = 1_024;

/// What is on record about some deals.
#[derive(Debug, Clone, Default)]
struct Log {
    origins: Vec<Origin>,
    /// Where each deal's changes end in `changes`.
    ends: Vec<u32>,
    /// The changes of all deals, deal by deal, each deal's by (at, seq).
    changes: Vec<Change>,
}

impl Log {
    /// Adds origins, and changes to the deals they are of, keeping each deal's by (at, seq).
    fn extend(&mut self, origins: Vec<Origin>, added: &[(u16, Change)]) {
        self.origins.extend(origins);
        self.ends
            .resize(self.origins.len(), self.changes.len() as u32);
        if added.is_empty() {
            return;
        }
        let mut added = added.to_vec();
        added.sort_by_key(|(place, change)| (*place, change.at, change.seq));
        let mut merged = Vec::with_capacity(self.changes.len() + added.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        let mut added = added.into_iter().peekable();
        for place in 0..self.origins.len() as u16 {
            let from = merged.len();
            merged.extend_from_slice(self.changes(place));
            let mut in_order = true;
            while let Some((_, change)) = added.next_if(|(of, _)| *of == place) {
                in_order &= merged
                    .get(from..)
                    .and_then(<[Change]>::last)
                    .is_none_or(|before| (before.at, before.seq) < (change.at, change.seq));
                merged.push(change);
            }
            if !in_order && let Some(of_deal) = merged.get_mut(from..) {
                of_deal.sort_by_key(|change| (change.at, change.seq));
            }
            ends.push(merged.len() as u32);
        }
        self.changes = merged;
        self.ends = ends;
    }

    /// A deal's changes.
    fn changes(&self, place: u16) -> &[Change] {
        let place = usize::from(place);
        let end = self.ends.get(place).copied().unwrap_or(0) as usize;
        let before = place
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or(0) as usize;
        self.changes.get(start..end).unwrap_or_default()
    }
}

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

    /// A deal's changes, by (at, seq).
    pub fn changes(&self, place: u16) -> &[Change] {
        self.log.changes(place)
    }

    /// Adds origins and changes (of deals of this chunk, in log order) and folds what they touch.
    pub fn absorb(&mut self, origins: Vec<Origin>, changes: &[(u16, Change)], days: &DayTable) {
        let mut touched: Vec<u16> = origins.iter().map(|origin| place_of(origin.deal)).collect();
        touched.extend(changes.iter().map(|(place, _)| place));
        touched.sort_unstable();
        touched.dedup();
        Arc::make_mut(&mut self.log).extend(origins, changes);
        if touched.len() * 8 > self.len() {
            self.fold(days, &Cut::NOW, &|_| true);
        } else {
            for place in touched {
                self.refold(place, days);
            }
        }
    }

    /// The same log folded up to a cut: the chunk as it stood then.
    pub fn at(&self, days: &DayTable, cut: &Cut, is_recorded: &dyn Fn(Position) -> bool) -> Chunk {
        let mut then = Chunk {
            log: Arc::clone(&self.log),
            ..Chunk::default()
        };
        then.fold(days, cut, is_recorded);
        then
    }

    /// Folds every deal afresh.
    pub fn fold(&mut self, days: &DayTable, cut: &Cut, is_recorded: &dyn Fn(Position) -> bool) {
        let log = Arc::clone(&self.log);
        let (mut stays, mut attributes) = (Vec::new(), Vec::new());
        let mut details = Vec::with_capacity(log.origins.len());
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for (place, origin) in log.origins.iter().enumerate() {
            let folded = fold(
                origin,
                log.changes(place as u16),
                days,
                cut,
                is_recorded,
                &mut stays,
                &mut attributes,
            );
            if let Some(folded) = &folded {
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
        self.facts = Facts::of(self);
    }

    /// Folds one deal afresh and puts it where it belongs.
    fn refold(&mut self, place: u16, days: &DayTable) {
        if let Some(number) = self.deal(place).map(|deal| deal.number) {
            self.open = std::mem::take(&mut self.open).without(number);
            self.closed = std::mem::take(&mut self.closed).without(number);
        }
        self.stays.retain(|stay| stay.place != place);
        self.attributes.retain(|attribute| attribute.place != place);
        let (mut stays, mut attributes) = (Vec::new(), Vec::new());
        let folded = self.log.origins.get(usize::from(place)).and_then(|origin| {
            fold(
                origin,
                self.changes(place),
                days,
                &Cut::NOW,
                &|_| true,
                &mut stays,
                &mut attributes,
            )
        });
        if let Some(folded) = &folded {
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
