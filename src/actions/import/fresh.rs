//! Opportunities that come on record: one origin with the earliest values known, and the changes that
//! lead from there to what the row says.

use super::deals::{Deals, Fresh, Spoken, Stages, Told, fingerprint};
use super::path::{self, Path};
use super::redate;
use super::summary::Fate;
use super::values::{of_day, of_number};
use crate::domain::change::{Day, EMPTY, Millis, Subject, field};
use crate::domain::days::day;
use crate::domain::origin::{Origin, recorded_bit};
use crate::domain::statement::{Said, StatedDeal, StatedEdit, StatedMove};

/// What a field history that does not end as the row says is called.
pub(super) const CONTRADICTED: &str = "field_history contradicts the row, which wins";

impl Deals<'_, '_> {
    /// Puts a deal on record.
    pub fn fresh(&mut self, deal: &StatedDeal, moves: &[StatedMove], edits: &[StatedEdit]) {
        let Some(spoken) = self.spoken(deal) else {
            self.reject_history(moves, edits);
            return;
        };
        let id = self.writing.stated.text(deal.id);
        let path = path::of_new(deal, moves, &self.writing.clock);
        let gap = path.has_gap.then_some(path::GAP);
        for remark in path.remark.into_iter().chain(gap) {
            self.writing.remarks.add(remark, id);
        }
        let now = self.writing.now();
        let since = deal
            .identified
            .value()
            .map(|date| self.writing.clock.calendar.start_of(date));
        let mut origin = Origin {
            at: path.exists_at.or(since).unwrap_or(now),
            known_at: now,
            recorded: if path.has_history {
                recorded_bit(field::STAGE)
            } else {
                0
            },
            id: self.writing.text(deal.id),
            stage: path.start.code(),
            history: path.has_history,
            stage_entered: path.entered,
            ..Origin::default()
        };
        for (field, value) in &spoken.fields {
            origin.set(*field, *value);
        }
        let notes = self.note(&deal.notes);
        origin.notes = notes.map_or(origin.notes, |(note, _)| note);
        let stages = stages(&path, |at| self.writing.clock.days.of(at));
        let currency = self.currency(deal);
        let told = self.told(edits, currency, &stages);
        for first in told.iter().filter_map(|of_field| of_field.first()) {
            origin.set(first.field, first.from);
            origin.recorded |= recorded_bit(first.field);
        }
        let (origin_at, customer) = (origin.at, origin.customer);
        let number = self.writing.draft.deal(origin);
        self.fresh.insert(deal.id, Fresh { number, customer });
        let subject = Subject::Deal(number);
        for step in &path.steps {
            self.writing
                .draft
                .set(subject, step.field, step.at, i64::from(step.to.code()));
        }
        let entered = redate::untold(deal, &path, &self.writing.clock);
        if entered != EMPTY {
            let field = field::SAID + field::STAGE_ENTERED;
            self.writing.draft.set(subject, field, now, entered);
        }
        self.closings(subject, deal, &path, origin_at, &spoken);
        self.told_changes(subject, deal, &told, &spoken);
        for (field, value) in spoken
            .attributes
            .iter()
            .filter(|(_, value)| *value != EMPTY)
        {
            self.writing.draft.set(subject, *field, origin_at, *value);
        }
        if let Some((_, print)) = notes {
            self.writing
                .draft
                .set(subject, field::SAID + field::NOTES, now, print);
        }
        self.writing.summary.stage_moves += moves.len() as u64;
        self.writing.summary.opportunities.add(Fate::New);
        self.remark_future(deal);
    }

    /// The changes a field history tells of, and last what the row says where it says otherwise.
    fn told_changes(
        &mut self,
        subject: Subject,
        deal: &StatedDeal,
        told: &[Vec<Told>],
        spoken: &Spoken,
    ) {
        for of_field in told {
            for change in of_field {
                self.writing
                    .draft
                    .set(subject, change.field, change.at, change.to);
            }
            self.writing.summary.field_changes += of_field.len() as u64;
            let Some(last) = of_field.last() else {
                continue;
            };
            let said = spoken.fields.iter().find(|(field, _)| *field == last.field);
            if let Some((field, value)) = said.filter(|(_, value)| *value != last.to) {
                let at = self.writing.now().max(last.at);
                self.writing.draft.set(subject, *field, at, *value);
                self.writing
                    .remarks
                    .add(CONTRADICTED, self.writing.stated.text(deal.id));
            }
        }
    }

    /// Every close on the way with its date, and the last with all that belongs to it.
    fn closings(
        &mut self,
        subject: Subject,
        deal: &StatedDeal,
        path: &Path,
        origin_at: Millis,
        spoken: &Spoken,
    ) {
        // An undated deal exists from its import on, but what its history tells of lies before that.
        let begins = path
            .steps
            .first()
            .map_or(origin_at, |first| origin_at.min(first.at));
        let start = std::iter::once((path.start, begins));
        let mut entries = start
            .chain(path.steps.iter().map(|step| (step.to, step.at)))
            .peekable();
        let mut was_closed = false;
        while let Some((stage, at)) = entries.next() {
            if stage.is_open() {
                if was_closed {
                    self.writing
                        .draft
                        .set(subject, field::ACTUAL_CLOSE, at, EMPTY);
                }
            } else if entries.peek().is_some() {
                let on = of_day(self.writing.clock.days.of(at));
                self.writing.draft.set(subject, field::ACTUAL_CLOSE, at, on);
            } else {
                for (field, value) in spoken.closing.iter().filter(|(_, value)| *value != EMPTY) {
                    self.writing.draft.set(subject, *field, at, *value);
                }
                if let Some((note, print)) = self.note(&deal.lost_note) {
                    self.writing
                        .draft
                        .set(subject, field::LOST_NOTE, at, of_number(note));
                    self.writing.draft.set(
                        subject,
                        field::SAID + field::LOST_NOTE,
                        self.writing.clock.now,
                        print,
                    );
                }
            }
            was_closed = !stage.is_open();
        }
    }

    /// The number of a new long text and its fingerprint, when there is one.
    pub fn note(&mut self, said: &Said<Box<str>>) -> Option<(u32, i64)> {
        match said {
            Said::Is(text) => Some((self.writing.draft.note(text), fingerprint(text))),
            Said::Empty | Said::Nothing => None,
        }
    }

    /// Rejects the history of a deal whose own row is rejected.
    pub fn reject_history(&mut self, moves: &[StatedMove], edits: &[StatedEdit]) {
        let places = moves
            .iter()
            .map(|row| row.place)
            .chain(edits.iter().map(|row| row.place));
        for place in places {
            self.writing.reject(
                place,
                "opportunity_id",
                "the row of this opportunity was rejected",
            );
        }
    }

    /// Says that something lies in the future that cannot be known yet.
    pub fn remark_future(&mut self, deal: &StatedDeal) {
        let today = self.writing.today;
        let is_future =
            |said: Said<chrono::NaiveDate>| said.value().is_some_and(|date| day(date) > today);
        let id = self.writing.stated.text(deal.id);
        if is_future(deal.actual_close) {
            self.writing
                .remarks
                .add("actual_close lies in the future", id);
        }
        if is_future(deal.identified) {
            self.writing
                .remarks
                .add("identified_date lies in the future", id);
        }
    }
}

/// The stages of a deal on its way.
fn stages(path: &Path, day_of: impl Fn(Millis) -> Day) -> Stages {
    let steps = path.steps.iter().map(|step| (day_of(step.at), step.to));
    std::iter::once((Day::MIN, path.start))
        .chain(steps)
        .collect()
}
