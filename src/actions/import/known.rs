//! Opportunities that are on record: what a newer export changes of them. A field changes only where
//! the file differs from what the last import said of it; what was changed here since stays and counts
//! as a conflict. Its history goes first (`added`), because it may already say what the row says.

use super::added::{Going, Touched};
use super::deals::{Deals, Spoken, fingerprint};
use super::fresh::CONTRADICTED;
use super::path;
use super::record::{Held, Record, Verdict};
use super::summary::Fate;
use super::values::of_number;
use crate::domain::change::{EMPTY, Millis, Subject, field};
use crate::domain::money::Currency;
use crate::domain::statement::{Said, StatedDeal, StatedEdit, StatedMove};
use crate::domain::texts::{NONE, Text};

impl<'a> Deals<'_, 'a> {
    /// Goes over a deal on record. Its row may be missing: then only its history is new.
    pub fn known(
        &mut self,
        number: u32,
        id: Text,
        deal: Option<&StatedDeal>,
        moves: &[StatedMove],
        edits: &[StatedEdit],
    ) {
        let before = self.writing.before;
        let Some(origin) = before.origin(number) else {
            return;
        };
        let spoken = match deal.map(|deal| self.spoken(deal)) {
            Some(None) => {
                self.reject_history(moves, edits);
                return;
            }
            spoken => spoken.flatten(),
        };
        let mut going = Going {
            id,
            subject: Subject::Deal(number),
            origin,
            changes: before.changes(number),
            record: Record::of(before, number),
            touched: Vec::new(),
            left_out: Vec::new(),
            until: Millis::MIN,
            changed: false,
        };
        self.moves(&mut going, deal, moves);
        let is_at_stage = self.stage(&mut going, deal, moves);
        let currency = match deal {
            Some(deal) if deal.currency.is_said() => self.currency(deal),
            _ => self.currency_on_record(&mut going),
        };
        if !edits.is_empty() {
            let stages = self.stages(&going);
            for told in self.told(edits, currency, &stages) {
                self.edits(&mut going, &told);
            }
        }
        if let (Some(deal), Some(spoken)) = (deal, spoken) {
            self.fields(&mut going, deal, &spoken);
            if is_at_stage {
                self.closing(&mut going, deal, &spoken);
            }
            self.notes(&mut going, field::NOTES, &deal.notes);
            for (field, value) in &spoken.attributes {
                self.field(&mut going, *field, *value);
            }
            self.remark_future(deal);
            self.writing.summary.opportunities.add(if going.changed {
                Fate::Changed
            } else {
                Fate::Unchanged
            });
        } else if going.changed {
            self.writing.summary.opportunities.add(Fate::Changed);
        }
        self.keep_untold(&going);
    }

    /// Settles the stage itself. Says whether the deal is where the row says.
    fn stage(
        &mut self,
        going: &mut Going<'a>,
        deal: Option<&StatedDeal>,
        moves: &[StatedMove],
    ) -> bool {
        let Some(deal) = deal else { return false };
        let (before, mut stage) = going.held(field::STAGE);
        let new = i64::from(deal.stage.code());
        let verdict = stage.verdict(&before, new);
        match verdict {
            Verdict::Takes => {
                let step = self.step(going, deal, &stage);
                self.writing
                    .draft
                    .set(going.subject, step.field, step.at, new);
                self.keep_entered(going, deal, step.at);
                stage.add(step.at, new);
                going.changed = true;
                if !moves.is_empty() {
                    self.writing
                        .remarks
                        .add(path::CONTRADICTED, self.writing.stated.text(going.id));
                }
            }
            Verdict::Conflicts => self
                .writing
                .conflict(going.id, field::STAGE, new, stage.current),
            Verdict::Agrees if deal.stage.is_open() => self.since(going, deal, moves),
            Verdict::Agrees | Verdict::Stays => {}
        }
        self.keep_said(going, field::STAGE, &stage, new);
        stage.said = Some(new);
        going.touch(field::STAGE, before, stage, true);
        stage.current == new
    }

    /// Settles the fields every deal has.
    fn fields(&mut self, going: &mut Going<'a>, deal: &StatedDeal, spoken: &Spoken) {
        for (field, value) in &spoken.fields {
            let (_, held) = going.held(*field);
            let is_older_setting =
                held.said == Some(EMPTY) && self.was_usual(*field, deal.stage, *value);
            self.field(going, *field, if is_older_setting { EMPTY } else { *value });
        }
    }

    /// Settles a field; a change holds from now on.
    fn field(&mut self, going: &mut Going<'a>, field: u32, new: i64) {
        let (before, mut held) = going.held(field);
        match held.verdict(&before, new) {
            Verdict::Takes => {
                let at = self.writing.now().max(held.current_at);
                self.writing.draft.set(going.subject, field, at, new);
                if before != held {
                    self.writing
                        .remarks
                        .add(CONTRADICTED, self.writing.stated.text(going.id));
                }
                held.add(at, new);
                going.changed = true;
            }
            Verdict::Conflicts => self.writing.conflict(going.id, field, new, held.current),
            Verdict::Agrees | Verdict::Stays => {}
        }
        self.keep_said(going, field, &held, new);
        held.said = Some(new);
        going.touch(field, before, held, true);
    }

    /// Settles what belongs to a close. What this import closes or reopens changes with its stage.
    fn closing(&mut self, going: &mut Going<'a>, deal: &StatedDeal, spoken: &Spoken) {
        let (stage_before, stage) = going.held(field::STAGE);
        let has_moved = stage_before.current != stage.current;
        for (field, new) in &spoken.closing {
            let (before, mut held) = going.held(*field);
            let verdict = held.verdict(&before, *new);
            if verdict == Verdict::Takes && has_moved {
                self.writing.draft.set(
                    going.subject,
                    *field,
                    stage.current_at.max(held.current_at),
                    *new,
                );
                held.add(stage.current_at.max(held.current_at), *new);
                going.touch(*field, before, held, true);
                going.changed = true;
            } else if verdict == Verdict::Takes
                && *field == field::ACTUAL_CLOSE
                && self.close_again(going, deal, *new)
            {
                let (_, mut held) = going.held(*field);
                held.said = Some(*new);
                going.touch(*field, before, held, true);
            } else {
                self.field(going, *field, *new);
            }
        }
        self.notes(going, field::LOST_NOTE, &deal.lost_note);
    }

    /// Settles a long text, of which only the fingerprint that an import left is at hand.
    fn notes(&mut self, going: &mut Going<'a>, field: u32, said: &Said<Box<str>>) {
        let text = match said {
            Said::Nothing => return,
            Said::Empty => "",
            Said::Is(text) => text,
        };
        let (_, held) = going.held(field);
        let print = fingerprint(text);
        if held.said.unwrap_or(EMPTY) == print {
            return;
        }
        if held.is_ours() {
            self.writing.conflict(going.id, field, print, held.current);
        } else {
            let note = self.note(said).map_or(NONE, |(note, _)| note);
            self.writing.draft.set(
                going.subject,
                field,
                self.writing.clock.now,
                of_number(note),
            );
            going.changed = true;
        }
        self.writing.draft.set(
            going.subject,
            field::SAID + field,
            self.writing.clock.now,
            print,
        );
    }

    /// Where only a history spoke of a field, it said how the field stands, whichever row came last.
    fn keep_untold(&mut self, going: &Going<'a>) {
        for Touched {
            field, before, now, ..
        } in going.touched.iter().filter(|touched| !touched.is_settled)
        {
            let said = if before.differs() {
                before.said.unwrap_or(EMPTY)
            } else {
                now.current
            };
            self.keep_said(going, *field, now, said);
        }
    }

    /// Records what the import says of a field of the deal where the log would not show it, and that
    /// its history was gone over.
    fn keep_said(&mut self, going: &Going<'a>, field: u32, held: &Held, said: i64) {
        if held.said.unwrap_or(EMPTY) == said && !going.left_out.contains(&field) {
            return;
        }
        if field < field::ATTRIBUTES {
            let until = going.until.max(self.writing.now());
            self.writing
                .draft
                .set(going.subject, field::SAID + field, until, said);
        } else if held.current == said {
            // An attribute has no such field, but the same value once more does no harm.
            self.writing
                .draft
                .set(going.subject, field, self.writing.clock.now, said);
        }
    }

    fn currency_on_record(&self, going: &mut Going<'a>) -> Currency {
        let (_, held) = going.held(field::CURRENCY);
        let code = self
            .writing
            .before
            .text(super::values::number(held.current));
        Currency::from_code(code).unwrap_or(self.writing.settings.currency)
    }
}
