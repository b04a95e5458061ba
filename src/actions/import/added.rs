//! History that is not on record yet: moves and field changes of a deal that is, added at their moment.
//! A row that is there already is recognised by deal, value and business date, so that none counts
//! twice; one that would undo what was decided here later is left out.

use rustc_hash::FxHashMap;

use super::deals::{Deals, Stages, Told};
use super::path;
use super::record::{Held, Record, key_of};
use super::values::of_day;
use crate::domain::change::{Change, Day, EMPTY, Millis, Subject, field};
use crate::domain::origin::{Origin, recorded_bit};
use crate::domain::stage::Stage;
use crate::domain::statement::{StatedDeal, StatedMove};
use crate::domain::texts::Text;

/// A deal on record while an import goes over it.
pub(super) struct Going<'a> {
    pub id: Text,
    pub subject: Subject,
    pub origin: &'a Origin,
    pub changes: &'a [Change],
    pub record: Record<'a>,
    /// Fields as they were and as they are with the history this import adds.
    pub touched: Vec<Touched>,
    /// Fields of which rows of history are left out for the first time.
    pub left_out: Vec<u32>,
    /// The last instant its history speaks of.
    pub until: Millis,
    pub changed: bool,
}

/// A field that this import speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touched {
    pub field: u32,
    pub before: Held,
    pub now: Held,
    /// Whether its column was gone over, rather than its history only.
    pub is_settled: bool,
}

impl Going<'_> {
    /// A field as it was before this import, and as it is now.
    pub fn held(&mut self, field: u32) -> (Held, Held) {
        match self.touched.iter().find(|touched| touched.field == field) {
            Some(touched) => (touched.before, touched.now),
            None => {
                let held = self.record.held(field);
                (held, held)
            }
        }
    }

    /// Whether a row of history must be left out, because what was decided here later would change.
    pub fn bars(&mut self, field: u32, before: &Held, at: Millis) -> bool {
        self.until = self.until.max(at);
        let bars = before.bars(at);
        if bars && before.is_news(at) && !self.left_out.contains(&field) {
            self.left_out.push(field);
        }
        bars
    }

    pub fn touch(&mut self, field: u32, before: Held, now: Held, is_settled: bool) {
        match self
            .touched
            .iter_mut()
            .find(|touched| touched.field == field)
        {
            Some(touched) => (touched.now, touched.is_settled) = (now, is_settled),
            None => self.touched.push(Touched {
                field,
                before,
                now,
                is_settled,
            }),
        }
    }
}

impl<'a> Deals<'_, 'a> {
    /// Adds the moves that are not on record.
    pub fn moves(
        &mut self,
        going: &mut Going<'a>,
        deal: Option<&StatedDeal>,
        moves: &[StatedMove],
    ) {
        let told = path::told(moves, deal, &self.writing.clock);
        let (before, mut stage) = going.held(field::STAGE);
        let (close_before, mut close) = going.held(field::ACTUAL_CLOSE);
        let mut on_record = self.entries_on_record(going);
        for entry in &told.entries {
            if entry.from.is_none() && entry.to.code() == going.origin.stage {
                // How it came on record, whenever that was said to be: no other row tells of it.
                take(&mut on_record, entry.to, going.origin.stage_entered);
                continue;
            }
            let field = match take(&mut on_record, entry.to, entry.day) {
                Some(true) => continue,
                // A move that was only asserted: the row that names its from-stage records it.
                Some(false) if entry.from.is_none() => continue,
                None if entry.from.is_none() => field::STAGE_ASSERTED,
                Some(false) | None => field::STAGE,
            };
            if going.bars(field::STAGE, &before, entry.at) {
                continue;
            }
            self.writing
                .draft
                .set(going.subject, field, entry.at, i64::from(entry.to.code()));
            stage.add(entry.at, i64::from(entry.to.code()));
            let was_closed = entry.from.is_some_and(|from| !from.is_open());
            if was_closed || !entry.to.is_open() {
                let on = if entry.to.is_open() {
                    EMPTY
                } else {
                    of_day(entry.day)
                };
                self.writing
                    .draft
                    .set(going.subject, field::ACTUAL_CLOSE, entry.at, on);
                close.add(entry.at, on);
                going.touch(field::ACTUAL_CLOSE, close_before, close, false);
            }
            going.touch(field::STAGE, before, stage, false);
            going.changed = true;
            self.writing.summary.stage_moves += 1;
        }
        if told.has_gap && going.changed {
            let id = self.writing.stated.text(going.id);
            self.writing.remarks.add(path::GAP, id);
        }
    }

    /// The stages a deal entered on record, by day: how often by a recorded move, and how often only
    /// asserted.
    fn entries_on_record(&self, going: &Going<'_>) -> FxHashMap<(u8, Day), [u32; 2]> {
        let days = &self.writing.clock.days;
        let mut entries: FxHashMap<(u8, Day), [u32; 2]> = FxHashMap::default();
        entries.insert((going.origin.stage, going.origin.stage_entered), [1, 0]);
        for change in going
            .changes
            .iter()
            .filter(|change| field::is_stage(change.field))
        {
            let stage = u8::try_from(change.value).unwrap_or(u8::MAX);
            let [moves, assertions] = entries.entry((stage, days.of(change.at))).or_default();
            *if change.field == field::STAGE {
                moves
            } else {
                assertions
            } += 1;
        }
        entries
    }

    /// Adds the field changes that are not on record, all of one field.
    pub fn edits(&mut self, going: &mut Going<'a>, told: &[Told]) {
        let Some(first) = told.first() else { return };
        let field = first.field;
        let (before, mut held) = going.held(field);
        let days = &self.writing.clock.days;
        let mut on_record: FxHashMap<(i64, Day), u32> = FxHashMap::default();
        for change in going.changes.iter().filter(|change| change.field == field) {
            *on_record
                .entry((change.value, days.of(change.at)))
                .or_default() += 1;
        }
        let since = going.origin.at.min(first.at);
        let is_recorded = going.origin.recorded & recorded_bit(field) != 0
            || going
                .changes
                .iter()
                .any(|change| change.field == field && change.at <= since);
        let mut added: Vec<(Millis, i64)> = Vec::new();
        if !is_recorded && !going.bars(field, &before, since) {
            added.push((since, first.from));
        }
        for change in told {
            match on_record.get_mut(&(change.to, change.day)) {
                Some(count) if *count > 0 => *count -= 1,
                _ if going.bars(field, &before, change.at) => {}
                _ => {
                    added.push((change.at, change.to));
                    self.writing.summary.field_changes += 1;
                }
            }
        }
        for (at, value) in added {
            self.writing.draft.set(going.subject, field, at, value);
            held.add(at, value);
            going.changed = true;
        }
        going.touch(field, before, held, false);
    }

    /// The stages of a deal with those this import adds left out: they only tell which probability was
    /// a stage's own.
    pub fn stages(&self, going: &Going<'_>) -> Stages {
        let days = &self.writing.clock.days;
        let start = Stage::from_code(going.origin.stage).unwrap_or(Stage::Identified);
        let moves = going
            .changes
            .iter()
            .filter(|change| key_of(change.field) == field::STAGE)
            .filter_map(|change| {
                Some((
                    days.of(change.at),
                    Stage::from_code(u8::try_from(change.value).ok()?)?,
                ))
            });
        std::iter::once((Day::MIN, start)).chain(moves).collect()
    }
}

/// Takes an entry off those on record, a recorded move before an asserted one. Says whether it was a
/// move; `None` when there is none.
fn take(on_record: &mut FxHashMap<(u8, Day), [u32; 2]>, stage: Stage, day: Day) -> Option<bool> {
    let [moves, assertions] = on_record.get_mut(&(stage.code(), day))?;
    if *moves > 0 {
        *moves -= 1;
        Some(true)
    } else if *assertions > 0 {
        *assertions -= 1;
        Some(false)
    } else {
        None
    }
}
