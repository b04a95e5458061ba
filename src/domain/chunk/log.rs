//! What is on record about the deals of a chunk: how each began, everything that was logged since, and
//! what of it counts.

use std::sync::Arc;

use crate::domain::change::{Change, Millis, Position, field, voided};
use crate::domain::fold::Record;
use crate::domain::origin::Origin;

/// What is on record about some deals. Copies share all but what was changed since they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub(super) origins: Arc<Vec<Origin>>,
    /// Everything that was ever logged.
    pub(super) rows: Rows,
    /// What counts of the deals of which not everything does.
    counting: Apart,
    /// The deals that were not known at the cut, in order; what is added later does not make them known.
    unknown: Vec<u16>,
    /// The deals whose coming on record is void, in order.
    withdrawn: Vec<u16>,
    /// The highest position of anything in it.
    pub(super) last: Position,
    /// The latest instant of anything about each deal.
    latest: Vec<Millis>,
    /// The first and the last instant since when an origin is on record: mostly all came in one file, so a
    /// look back need not read each.
    origins_known: Option<(Millis, Millis)>,
}

/// The changes of some deals, each deal's by (at, seq).
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Those of all deals.
    joined: Arc<Joined>,
    /// Those of deals that were changed since, in place of what stands there.
    since: Apart,
}

/// The changes of deals one after another, by place.
#[derive(Debug, Clone, Default)]
struct Joined {
    changes: Vec<Change>,
    /// Where each deal's changes end.
    ends: Vec<u32>,
}

/// The changes of some deals, each deal's by itself: (place, changes), by place.
#[derive(Debug, Clone, Default)]
struct Apart(Vec<(u16, Arc<Vec<Change>>)>);

impl Joined {
    fn of(&self, place: u16) -> &[Change] {
        let place = usize::from(place);
        let end = self.ends.get(place).copied().unwrap_or(0) as usize;
        let before = place
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or(0) as usize;
        self.changes.get(start..end).unwrap_or_default()
    }

    /// Ends the changes of the next deal, of which those from a place in the list on are.
    fn end(&mut self, from: usize) {
        if let Some(of_deal) = self.changes.get_mut(from..) {
            in_order(of_deal);
        }
        self.ends.push(self.changes.len() as u32);
    }
}

impl Apart {
    fn find(&self, place: u16) -> Result<usize, usize> {
        self.0.binary_search_by_key(&place, |(place, _)| *place)
    }

    fn of(&self, place: u16) -> Option<&[Change]> {
        let (_, changes) = self.0.get(self.find(place).ok()?)?;
        Some(changes)
    }

    fn set(&mut self, place: u16, changes: Vec<Change>) {
        let changes = Arc::new(changes);
        match self.find(place) {
            Ok(found) => {
                if let Some((_, known)) = self.0.get_mut(found) {
                    *known = changes;
                }
            }
            Err(next) => self.0.insert(next, (place, changes)),
        }
    }
}

impl Rows {
    /// At most this many deals stand apart before all are joined: a write copies the changes of its deals
    /// and this many pointers, and joining copies all.
    const APART: usize = 64;

    /// The changes of one deal.
    pub(super) fn of(&self, place: u16) -> &[Change] {
        self.since
            .of(place)
            .unwrap_or_else(|| self.joined.of(place))
    }

    /// Adds changes, which are sorted by place, to those of so many deals.
    fn extend(&mut self, deals: usize, added: &[(u16, Change)]) {
        if self.since.0.len() + by_deal(added).count() > Rows::APART {
            self.join(deals, added);
            return;
        }
        for (place, of_deal) in by_deal(added) {
            let known = self.of(place);
            let mut changes = Vec::with_capacity(known.len() + of_deal.len());
            changes.extend_from_slice(known);
            changes.extend(of_deal.iter().map(|(_, change)| *change));
            in_order(&mut changes);
            self.since.set(place, changes);
        }
    }

    /// Joins all, with others, which are sorted by place.
    fn join(&mut self, deals: usize, added: &[(u16, Change)]) {
        let since: usize = self.since.0.iter().map(|(_, changes)| changes.len()).sum();
        let mut joined = Joined {
            changes: Vec::with_capacity(self.joined.changes.len() + since + added.len()),
            ends: Vec::with_capacity(deals),
        };
        let mut added = added.iter().peekable();
        for place in (0..deals).map(|place| place as u16) {
            let from = joined.changes.len();
            joined.changes.extend_from_slice(self.of(place));
            while let Some((_, change)) = added.next_if(|(of, _)| *of == place) {
                joined.changes.push(*change);
            }
            joined.end(from);
        }
        *self = Rows {
            joined: Arc::new(joined),
            since: Apart::default(),
        };
    }

    /// Those of so many deals that are kept.
    fn filter(&self, deals: usize, keep: impl Fn(&Change) -> bool) -> Rows {
        let mut kept = Joined::default();
        for place in (0..deals).map(|place| place as u16) {
            let changes = self.of(place).iter();
            kept.changes
                .extend(changes.filter(|change| keep(change)).copied());
            kept.ends.push(kept.changes.len() as u32);
        }
        Rows {
            joined: Arc::new(kept),
            since: Apart::default(),
        }
    }
}

/// Changes that are sorted by place, deal by deal.
fn by_deal(changes: &[(u16, Change)]) -> impl Iterator<Item = (u16, &[(u16, Change)])> {
    let deals = changes.chunk_by(|(one, _), (other, _)| one == other);
    deals.filter_map(|of_deal| Some((of_deal.first()?.0, of_deal)))
}

/// Sorts the changes of a deal, which mostly come in order.
fn in_order(changes: &mut [Change]) {
    let order = |change: &Change| (change.at, change.seq);
    if !changes.is_sorted_by_key(order) {
        changes.sort_by_key(order);
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
            let (first, last) = self.origins_known.unwrap_or((known_at, known_at));
            self.origins_known = Some((first.min(known_at), last.max(known_at)));
        }
        for (place, change) in &added {
            if let Some(latest) = self.latest.get_mut(usize::from(*place)) {
                *latest = change.at.max(*latest);
            }
        }
        if self.origins.is_empty() {
            self.origins = Arc::new(origins);
        } else if !origins.is_empty() {
            Arc::make_mut(&mut self.origins).extend(origins);
        }
        added.sort_unstable_by_key(|(place, change)| (*place, change.at, change.seq));
        self.rows.extend(self.origins.len(), &added);
        self.count(by_deal(&added).map(|(place, _)| place));
    }

    /// Sets apart what counts of these deals, where something is void.
    fn count(&mut self, places: impl IntoIterator<Item = u16>) {
        for place in places {
            let logged = self.rows.of(place);
            let voided = voided(logged.iter());
            if voided.is_empty() {
                continue;
            }
            let is_void =
                |change: &Change| change.field == field::VOID || voided.contains(&change.seq);
            let counting = logged.iter().filter(|change| !is_void(change));
            self.counting.set(place, counting.copied().collect());
            let origin = self.origins.get(usize::from(place));
            let is_withdrawn = origin.is_some_and(|origin| voided.contains(&origin.seq));
            match (self.withdrawn.binary_search(&place), is_withdrawn) {
                (Ok(found), false) => {
                    self.withdrawn.remove(found);
                }
                (Err(next), true) => self.withdrawn.insert(next, place),
                _ => {}
            }
        }
    }

    /// What of it was known at a cut.
    pub(super) fn known(&self, cut: &Knowledge<'_>) -> Log {
        let deals = self.origins.len();
        let origins = (0_u16..).zip(self.origins.iter());
        let unknown = origins.filter(|(_, origin)| !cut.holds(origin.seq));
        let mut known = Log {
            origins: Arc::clone(&self.origins),
            rows: self.rows.filter(deals, |change| cut.holds(change.seq)),
            counting: Apart::default(),
            unknown: unknown.map(|(place, _)| place).collect(),
            withdrawn: Vec::new(),
            last: self.last.min(cut.position),
            latest: self.latest.clone(),
            origins_known: self.origins_known,
        };
        known.count((0..deals).map(|place| place as u16));
        known
    }

    /// The changes of a deal that count.
    pub(super) fn changes(&self, place: u16) -> &[Change] {
        let counting = self.counting.of(place);
        counting.unwrap_or_else(|| self.rows.of(place))
    }

    /// The latest instant of anything about each deal, by place.
    pub(super) fn latest(&self) -> &[Millis] {
        &self.latest
    }

    /// Whether the origin of a deal was on record at an instant.
    pub(super) fn is_origin_known(&self, place: u16, at: Millis) -> bool {
        self.origins_known.is_some_and(|(first, last)| {
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
        let is_in = |places: &[u16]| places.binary_search(&place).is_ok();
        !is_in(&self.withdrawn) && !is_in(&self.unknown)
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
        self.counting.of(place)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is on record of a deal, kept simply.
    #[derive(Default)]
    struct Plain {
        logged: Vec<Change>,
    }

    impl Plain {
        fn counting(&self) -> Vec<Change> {
            let void = voided(self.logged.iter());
            let counts =
                |change: &&Change| change.field != field::VOID && !void.contains(&change.seq);
            self.logged.iter().filter(counts).copied().collect()
        }
    }

    /// More deals than stand apart, each changed several times, alone and many at once, forwards and back,
    /// with some of it taken back and the taking back taken back.
    #[test]
    fn deals_that_stand_apart_and_those_that_are_joined_are_as_they_were_logged() {
        const DEALS: u16 = 150;
        let mut seq = 0;
        let mut next = || {
            seq += 1;
            seq
        };
        let mut origins = Vec::new();
        for deal in 0..DEALS {
            origins.push(Origin {
                deal: deal.into(),
                seq: next(),
                ..Origin::default()
            });
        }
        let of_origins: Vec<Position> = origins.iter().map(|origin| origin.seq).collect();
        let mut plain: Vec<Plain> = (0..DEALS).map(|_| Plain::default()).collect();
        // Some come later.
        let late = origins.split_off(100);
        let mut log = Log::default();
        log.extend(origins, Vec::new());
        let mut late = Some(late);
        for step in 0_u32..900 {
            if step == 300 {
                log.extend(late.take().unwrap_or_default(), Vec::new());
            }
            let deals = if step < 300 { 100 } else { u32::from(DEALS) };
            let many = if step % 90 == 89 { 80 } else { 1 };
            let mut added = Vec::new();
            for n in 0..many {
                let place = ((step * 37 + n) % deals) as u16;
                let Some(of_deal) = plain.get_mut(usize::from(place)) else {
                    continue;
                };
                let back = match step % 7 {
                    3 => of_deal.logged.last().map(|change| change.seq),
                    5 if step % 5 == 0 => of_origins.get(usize::from(place)).copied(),
                    _ => None,
                };
                let change = Change {
                    at: i64::from(step / 3) - i64::from(step % 11),
                    value: back.map_or(i64::from(step), i64::from),
                    seq: next(),
                    field: if back.is_some() {
                        field::VOID
                    } else {
                        field::NAME
                    },
                };
                of_deal.logged.push(change);
                of_deal.logged.sort_by_key(|change| (change.at, change.seq));
                added.push((place, change));
            }
            log.extend(Vec::new(), added);
            for (place, of_deal) in (0_u16..).zip(&plain) {
                assert_eq!(log.rows.of(place), of_deal.logged, "{place} at {step}");
                assert_eq!(log.changes(place), of_deal.counting(), "{place} at {step}");
                let origin = of_origins.get(usize::from(place));
                let void = voided(of_deal.logged.iter());
                let is_withdrawn = origin.is_some_and(|origin| void.contains(origin));
                assert_eq!(log.has(place), !is_withdrawn, "{place} at {step}");
            }
        }
    }
}
