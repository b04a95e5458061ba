//! Since when a deal on record is where it is. A newer file may date anew what an import said before:
//! the entry it made is voided and made again at the new date, so that a look back at any day between
//! sees the deal where the file now says it was.

use super::added::Going;
use super::deals::Deals;
use super::path::{self, Step};
use super::record::{Held, written};
use super::values::of_day;
use crate::domain::change::{Change, Day, Door, EMPTY, Millis, NO_DAY, Position, field};
use crate::domain::statement::{StatedDeal, StatedMove};

/// What is said of a date that lies before a move that is on record.
const BEFORE_A_MOVE: &str =
    "stage_entered_at or actual_close lies before an earlier move, by which it is dated";

/// The fields that change with a close.
const OF_A_CLOSE: [u32; 4] = [
    field::ACTUAL_CLOSE,
    field::CLOSED_VALUE,
    field::LOST_REASON,
    field::LOST_NOTE,
];

/// A deal's last entry into a stage, unless that is how it came on record.
struct Entered {
    change: Change,
    /// When it entered the stage before; nothing is before how it came on record.
    not_before: Millis,
    is_ours: bool,
}

impl<'a> Deals<'_, 'a> {
    /// The step into the stage that a row names, from where the deal stands. A stage that an import
    /// found without a date is left when the row says, however late that import was.
    pub fn step(&mut self, going: &Going<'a>, deal: &StatedDeal, stage: &Held) -> Step {
        let entered = self.last_entered(going);
        let undated = entered.as_ref().filter(|entered| {
            entered.change.field == field::STAGE_UNDATED
                && !entered.is_ours
                && entered.change.at == stage.current_at
        });
        let Some(undated) = undated else {
            // How it came on record says nothing of when; any other entry does.
            let is_origin = entered.is_none() && stage.current_at == going.origin.at;
            let not_before = if is_origin {
                Millis::MIN
            } else {
                stage.current_at
            };
            return self.step_from(going, deal, not_before);
        };
        let step = self.step_from(going, deal, undated.not_before);
        if step.at < undated.change.at {
            self.void(going, &undated.change);
            let Change { field, value, .. } = undated.change;
            self.writing.draft.set(going.subject, field, step.at, value);
        }
        step
    }

    fn step_from(&mut self, going: &Going<'a>, deal: &StatedDeal, not_before: Millis) -> Step {
        let step = path::column_step(deal, &self.writing.clock, not_before);
        if path::entered(deal, &self.writing.clock).is_some_and(|(_, at)| at < step.at) {
            let id = self.writing.stated.text(going.id);
            self.writing.remarks.add(BEFORE_A_MOVE, id);
        }
        step
    }

    /// Settles since when an open deal is in the stage it is in.
    pub fn since(&mut self, going: &mut Going<'a>, deal: &StatedDeal, moves: &[StatedMove]) {
        let Some((on, at)) = path::entered(deal, &self.writing.clock) else {
            return;
        };
        let (_, told) = going.held(field::STAGE_ENTERED);
        let entered = self.last_entered(going);
        let position = entered
            .as_ref()
            .map_or(going.origin.seq, |entered| entered.change.seq);
        let is_ours = match &entered {
            Some(entered) => entered.is_ours,
            None => !self.is_imported(position),
        };
        let stands = self.entered_on(going, entered.as_ref().map(|entered| &entered.change));
        // What an import last said of it, be it of a stage the deal has left since and come back to.
        let imported = going
            .changes
            .iter()
            .rev()
            .find(|change| field::is_stage(change.field) && self.is_imported(change.seq));
        let spoke_in = imported.map_or(going.origin.seq, |change| change.seq);
        let said = told.said_after(spoke_in).or_else(|| {
            let spoken = self.is_imported(spoke_in);
            spoken.then(|| of_day(self.entered_on(going, imported)))
        });
        let new = of_day(on);
        if said == Some(new) {
            return;
        }
        // What was moved here, or what a stage history dates, keeps its date; so what the column says
        // of it is only kept in mind.
        if stands != on && !is_ours && moves.is_empty() {
            self.enter_again(going, entered.as_ref(), deal, at);
        } else {
            self.say_entered(going, new);
        }
    }

    fn is_imported(&self, position: Position) -> bool {
        written(self.writing.before, position).0 == Door::Import
    }

    /// The day of an entry into a stage, or of how the deal came on record.
    fn entered_on(&self, going: &Going<'a>, change: Option<&Change>) -> Day {
        match change {
            Some(change) if change.field == field::STAGE_UNDATED => NO_DAY,
            Some(change) => self.writing.clock.days.of(change.at),
            None => going.origin.stage_entered,
        }
    }

    /// Keeps in mind what the column says, where an entry made in its name has another date.
    pub fn keep_entered(&mut self, going: &Going<'a>, deal: &StatedDeal, at: Millis) {
        let said = path::entered(deal, &self.writing.clock);
        if let Some((on, _)) = said.filter(|(on, _)| *on != self.writing.clock.days.of(at)) {
            self.say_entered(going, of_day(on));
        }
    }

    fn say_entered(&mut self, going: &Going<'a>, day: i64) {
        let (field, now) = (field::SAID + field::STAGE_ENTERED, self.writing.now());
        self.writing.draft.set(going.subject, field, now, day);
    }

    fn enter_again(
        &mut self,
        going: &mut Going<'a>,
        entered: Option<&Entered>,
        deal: &StatedDeal,
        at: Millis,
    ) {
        let stage = i64::from(deal.stage.code());
        let (field, at) = match entered {
            None => (field::STAGE_ASSERTED, at),
            Some(entered) => {
                let field = match entered.change.field {
                    field::STAGE_UNDATED => field::STAGE_ASSERTED,
                    field => field,
                };
                (field, self.not_before(going, entered, at))
            }
        };
        if let Some(entered) = entered {
            self.void(going, &entered.change);
        }
        self.writing.draft.set(going.subject, field, at, stage);
        self.keep_entered(going, deal, at);
        going.changed = true;
    }

    /// Dates a close anew, with all that changed with it. Says whether an import had dated it.
    pub fn close_again(&mut self, going: &mut Going<'a>, deal: &StatedDeal, close: i64) -> bool {
        let dated = path::entered(deal, &self.writing.clock);
        let (Some(entered), Some((_, at))) = (self.last_entered(going), dated) else {
            return false;
        };
        if entered.is_ours || close == EMPTY {
            return false;
        }
        let at = self.not_before(going, &entered, at);
        self.void(going, &entered.change);
        let Change { field, value, .. } = entered.change;
        self.writing.draft.set(going.subject, field, at, value);
        for field in OF_A_CLOSE {
            // What was corrected since was so from the close on.
            let of_field = going
                .changes
                .iter()
                .filter(|change| change.field == field && change.at >= entered.change.at);
            let last = of_field.clone().next_back().map(|change| change.value);
            let value = match (field, last) {
                (field::ACTUAL_CLOSE, _) => close,
                (_, Some(last)) => last,
                (_, None) => continue,
            };
            for change in of_field {
                self.void(going, change);
            }
            self.writing.draft.set(going.subject, field, at, value);
            if field != field::LOST_NOTE {
                let (before, mut held) = going.held(field);
                (held.current, held.current_at) = (value, at);
                going.touch(field, before, held, false);
            }
        }
        going.changed = true;
        true
    }

    /// A date that is not before the move before, which stays where it is.
    fn not_before(&mut self, going: &Going<'a>, entered: &Entered, at: Millis) -> Millis {
        if at < entered.not_before {
            let id = self.writing.stated.text(going.id);
            self.writing.remarks.add(BEFORE_A_MOVE, id);
        }
        at.max(entered.not_before)
    }

    fn last_entered(&self, going: &Going<'_>) -> Option<Entered> {
        let mut entries = going
            .changes
            .iter()
            .rev()
            .filter(|change| field::is_stage(change.field));
        let change = *entries.next()?;
        Some(Entered {
            change,
            not_before: entries.next().map_or(Millis::MIN, |before| before.at),
            is_ours: written(self.writing.before, change.seq).0 != Door::Import,
        })
    }

    fn void(&mut self, going: &Going<'a>, change: &Change) {
        let position = i64::from(change.seq);
        self.writing
            .draft
            .set(going.subject, field::VOID, change.at, position);
    }
}

/// The day that a row says a new deal entered its stage, where a stage history says another.
pub(super) fn untold(deal: &StatedDeal, path: &path::Path, clock: &super::order::Clock) -> i64 {
    match path::entered(deal, clock) {
        Some((on, _)) if path.remark == Some(path::REDATED) => of_day(on),
        _ => EMPTY,
    }
}
