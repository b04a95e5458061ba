//! The import at work: the draft it writes on, what it compares with, and how one field is settled.

use super::order::Clock;
use super::record::{Held, Ledger, Verdict};
use super::summary::{Conflict, Summary};
use crate::domain::change::{BEGINNING, Day, EMPTY, Millis, Subject, field};
use crate::domain::draft::{Author, Draft};
use crate::domain::portfolio::Portfolio;
use crate::domain::settings::Settings;
use crate::domain::statement::{Place, Rejection, Remarks, Statements};
use crate::domain::texts::{NONE, Text};
use crate::language::fields;

/// A text of the files that has no number in the draft yet.
const UNKNOWN: Text = NONE - 1;

/// Everything an import reads and writes.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub before: &'a Portfolio,
    pub stated: &'a Statements,
    pub ledger: Ledger,
    /// The settings that will be in force.
    pub settings: Settings,
    pub clock: Clock,
    pub today: Day,
    pub draft: Draft,
    pub summary: Summary,
    pub remarks: Remarks,
    pub rejections: Vec<Rejection>,
    texts: Vec<Text>,
}

impl<'a> Writing<'a> {
    pub fn new(before: &'a Portfolio, stated: &'a Statements, author: &Author, today: Day) -> Self {
        let settings = before.settings().clone();
        Writing {
            before,
            stated,
            ledger: Ledger::of(before),
            clock: Clock {
                calendar: settings.calendar,
                days: before.days().clone(),
                now: author.now,
            },
            today,
            settings,
            draft: Draft::new(before, author),
            summary: Summary::new(stated),
            remarks: Remarks::default(),
            rejections: Vec::new(),
            texts: vec![UNKNOWN; stated.texts.len() as usize],
        }
    }

    /// The number in the portfolio of a text of the files.
    pub fn text(&mut self, stated: Text) -> Text {
        match self.texts.get_mut(stated as usize) {
            None => NONE,
            Some(known) if *known != UNKNOWN => *known,
            Some(unknown) => {
                *unknown = self.draft.text(self.stated.text(stated));
                *unknown
            }
        }
    }

    /// The value of a field that holds a text of the files.
    pub fn text_value(&mut self, stated: Text) -> i64 {
        super::values::of_number(self.text(stated))
    }

    /// Rejects a row.
    pub fn reject(&mut self, place: Place, column: &str, reason: impl Into<String>) {
        self.rejections
            .push(self.stated.reject(place, column, reason.into()));
    }

    /// Settles a field of anything but a deal: what is first known of it holds from the beginning.
    /// Says whether it changes.
    pub fn settle(&mut self, subject: Subject, field: u32, new: i64, id: Text) -> bool {
        let held = self.ledger.held(subject, field);
        let Some(held) = held else {
            if new != EMPTY {
                self.draft.set(subject, field, BEGINNING, new);
            }
            return new != EMPTY;
        };
        let verdict = held.verdict(&held, new);
        match verdict {
            Verdict::Takes => self.draft.set(subject, field, self.clock.now, new),
            Verdict::Conflicts => self.conflict(id, field, new, held.current),
            Verdict::Agrees | Verdict::Stays => {}
        }
        if verdict != Verdict::Takes {
            self.keep_said(subject, field, &held, new);
        }
        verdict == Verdict::Takes
    }

    /// Records what the import says of a field, where the log would not show it.
    pub fn keep_said(&mut self, subject: Subject, field: u32, held: &Held, new: i64) {
        if held.said.unwrap_or(EMPTY) == new {
            return;
        }
        if field < field::ATTRIBUTES && matches!(subject, Subject::Customer(_) | Subject::Person(_))
        {
            self.draft
                .set(subject, field::SAID + field, self.clock.now, new);
        } else if held.current == new {
            // Others have no such field, but the same value once more does no harm.
            self.draft.set(subject, field, self.clock.now, new);
        }
    }

    /// Counts a conflict.
    pub fn conflict(&mut self, id: Text, field: u32, file: i64, here: i64) {
        let Writing {
            summary,
            draft,
            stated,
            settings,
            ..
        } = self;
        summary.conflicts.add(|| {
            let portfolio = draft.portfolio();
            let shown = |value| match field {
                field::NOTES | field::LOST_NOTE => "another text".to_owned(),
                _ => fields::value(field, value, portfolio, settings.currency)
                    .unwrap_or_else(|| "nothing".to_owned()),
            };
            Conflict {
                id: stated.text(id).to_owned(),
                field: fields::name(field, portfolio).unwrap_or_default(),
                file: shown(file),
                here: shown(here),
            }
        });
    }

    /// The instant from which a deal's fields that a file changes hold.
    pub fn now(&self) -> Millis {
        self.clock.now
    }
}
