//! What is on record about the deals of a chunk: how each began, everything that was logged since, and
//! what of it counts.

use crate::domain::change::{Change, Millis, Position, field, voided};
use crate::domain::fold::Record;
use crate::domain::origin::Origin;

/// What is on record about some deals.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub(super) origins: Vec<Origin>,
    /// Everything that was ever logged.
    pub(super) rows: Rows,
    /// What counts, when that is not everything.
    pub(super) counting: Option<Counting>,
    /// The highest position of anything in it.
    pub(super) last: Position,
    /// The latest instant of anything about each deal.
    latest: Vec<Millis>,
    /// The first and the last instant since when an origin is on record: mostly all came in one file, so a
    /// look back need not read each.
    known: Option<(Millis, Millis)>,
}

/// The changes of some deals, deal by deal, each deal's by (at, seq).
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    changes: Vec<Change>,
    /// Where each deal's changes end.
    ends: Vec<u32>,
}

/// What is left when something is voided.
#[derive(Debug, Clone)]
pub(super) struct Counting {
    rows: Rows,
    /// The deals that were not known at the cut; what is added later does not make them known.
    unknown: Vec<u16>,
    /// The deals whose coming on record is void.
    withdrawn: Vec<u16>,
}

impl Rows {
    /// The changes of one deal.
    pub(super) fn of(&self, place: u16) -> &[Change] {
        let place = usize::from(place);
        let end = self.ends.get(place).copied().unwrap_or(0) as usize;
        let before = place
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or(0) as usize;
        self.changes.get(start..end).unwrap_or_default()
    }

    /// Those of so many deals that are kept.
    fn filter(&self, deals: usize, keep: impl Fn(&Change) -> bool) -> Rows {
        let mut kept = Rows::default();
        for place in (0..deals).map(|place| place as u16) {
            let changes = self.of(place).iter();
            kept.changes
                .extend(changes.filter(|change| keep(change)).copied());
            kept.ends.push(kept.changes.len() as u32);
        }
        kept
    }
}

impl Log {
    /// Adds origins, and changes to the deals they are of, keeping each deal's by (at, seq).
    pub(super) fn extend(&mut self, origins: Vec<Origin>, mut added: Vec<(u16, Change)>) {
        let positions = origins.iter().map(|origin| origin.seq);
        let positions = positions.chain(added.iter().map(|(_, change)| change.seq));
        self.last = positions.fold(self.last, Position::max);
        self.latest.extend(origins.iter().map(|origin| origin.at));
        for known_at in origins.iter().map(|origin| origin.known_at) {
            let (first, last) = self.known.unwrap_or((known_at, known_at));
            self.known = Some((first.min(known_at), last.max(known_at)));
        }
        for (place, change) in &added {
            if let Some(latest) = self.latest.get_mut(usize::from(*place)) {
                *latest = change.at.max(*latest);
            }
        }
        if self.origins.is_empty() {
            self.origins = origins;
        } else {
            self.origins.extend(origins);
        }
        let Rows { changes, ends } = &mut self.rows;
        ends.resize(self.origins.len(), changes.len() as u32);
        if added.is_empty() {
            return;
        }
        added.sort_unstable_by_key(|(place, change)| (*place, change.at, change.seq));
        let voids = added.iter().any(|(_, change)| change.field == field::VOID);
        let mut merged = Rows {
            changes: Vec::with_capacity(self.rows.changes.len() + added.len()),
            ends: Vec::with_capacity(self.origins.len()),
        };
        let mut added = added.into_iter().peekable();
        for place in (0..self.origins.len()).map(|place| place as u16) {
            let from = merged.changes.len();
            merged.changes.extend_from_slice(self.rows.of(place));
            let mut in_order = true;
            while let Some((_, change)) = added.next_if(|(of, _)| *of == place) {
                in_order &= merged
                    .changes
                    .get(from..)
                    .and_then(<[Change]>::last)
                    .is_none_or(|before| (before.at, before.seq) < (change.at, change.seq));
                merged.changes.push(change);
            }
            if !in_order && let Some(of_deal) = merged.changes.get_mut(from..) {
                of_deal.sort_by_key(|change| (change.at, change.seq));
            }
            merged.ends.push(merged.changes.len() as u32);
        }
        self.rows = merged;
        if voids || self.counting.is_some() {
            let unknown = self.counting.take().map(|counting| counting.unknown);
            self.count(unknown.unwrap_or_default());
        }
    }

    /// Sets apart what counts, when some deals are not known and some changes are void.
    fn count(&mut self, unknown: Vec<u16>) {
        let mut withdrawn = Vec::new();
        let mut void: Vec<Position> = Vec::new();
        for (place, origin) in (0_u16..).zip(&self.origins) {
            let voided = voided(self.rows.of(place).iter());
            if voided.contains(&origin.seq) {
                withdrawn.push(place);
            }
            void.extend(voided);
        }
        let is_void = |change: &Change| change.field == field::VOID || void.contains(&change.seq);
        self.counting = Some(Counting {
            rows: self
                .rows
                .filter(self.origins.len(), |change| !is_void(change)),
            unknown,
            withdrawn,
        });
    }

    /// What of it was known at a cut.
    pub(super) fn known(&self, cut: &Knowledge<'_>) -> Log {
        let unknown = (0_u16..)
            .zip(&self.origins)
            .filter(|(_, origin)| !cut.holds(origin.seq))
            .map(|(place, _)| place)
            .collect();
        let mut known = Log {
            origins: self.origins.clone(),
            rows: self
                .rows
                .filter(self.origins.len(), |change| cut.holds(change.seq)),
            counting: None,
            last: self.last.min(cut.position),
            latest: self.latest.clone(),
            known: self.known,
        };
        known.count(unknown);
        known
    }

    /// The changes of a deal that count.
    pub(super) fn changes(&self, place: u16) -> &[Change] {
        self.counting
            .as_ref()
            .map_or(&self.rows, |counting| &counting.rows)
            .of(place)
    }

    /// The latest instant of anything about each deal, by place.
    pub(super) fn latest(&self) -> &[Millis] {
        &self.latest
    }

    /// Whether the origin of a deal was on record at an instant.
    pub(super) fn is_origin_known(&self, place: u16, at: Millis) -> bool {
        self.known.is_some_and(|(first, last)| {
            let origin = || self.origins.get(usize::from(place));
            last <= at || first <= at && origin().is_some_and(|origin| origin.known_at <= at)
        })
    }

    /// Whether everything of a deal lies in the log up to a position.
    pub(super) fn is_within(&self, place: u16, position: Position) -> bool {
        let origin = self.origins.get(usize::from(place));
        let is_within = |seq: Position| seq <= position;
        self.last <= position
            || origin.is_some_and(|origin| is_within(origin.seq))
                && self
                    .rows
                    .of(place)
                    .iter()
                    .all(|change| is_within(change.seq))
    }

    /// Whether a deal is on record at all.
    pub(super) fn has(&self, place: u16) -> bool {
        self.counting.as_ref().is_none_or(|counting| {
            let is_in = |places: &[u16]| places.binary_search(&place).is_ok();
            !is_in(&counting.withdrawn) && !is_in(&counting.unknown)
        })
    }

    /// What a deal is folded from; `None` when it is withdrawn or did not exist yet.
    pub(super) fn record<'a>(
        &'a self,
        place: u16,
        origin: &'a Origin,
        until: Millis,
    ) -> Option<Record<'a>> {
        let record = Record::up_to(origin, self.changes(place), until);
        record.filter(|_| self.has(place))
    }

    /// The last position at which something about a deal was logged up to an instant, where not all of it
    /// counts: what is voided, and what voids it, changed the deal too.
    pub(super) fn version(&self, place: u16, until: Millis) -> Option<Position> {
        self.counting.as_ref()?;
        let origin = self.origins.get(usize::from(place))?;
        let logged = self.rows.of(place).iter();
        let positions = logged
            .take_while(|change| change.at <= until)
            .map(|change| change.seq);
        Some(positions.fold(origin.seq, Position::max))
    }
}

/// What was known at a cut: which positions of the log.
pub struct Knowledge<'a> {
    /// Whether a position had been logged.
    pub is_recorded: &'a (dyn Fn(Position) -> bool + Sync),
    /// The last position.
    pub position: Position,
    /// The last position up to which every one was known.
    pub through: Position,
}

impl Knowledge<'_> {
    /// Whether a position was known.
    pub fn holds(&self, position: Position) -> bool {
        position <= self.position && (self.is_recorded)(position)
    }
}
