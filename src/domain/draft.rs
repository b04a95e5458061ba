//! A change in the making: a copy of the portfolio that an action or an import writes on, and the
//! batch that the store would append. Throwing it away is a dry run; nothing outside ever saw it.

use super::change::{Batch, Change, Door, EMPTY, Entry, Logged, Millis, Subject};
use super::origin::Origin;
use super::portfolio::Portfolio;
use super::role::Role;
use super::texts::{NONE, Text};

/// Who writes, when, through which door, and why.
#[derive(Debug, Clone)]
pub struct Author {
    /// The name of the person or agent.
    pub actor: String,
    /// The role they act in.
    pub role: Role,
    /// The program they use; may be empty.
    pub client: String,
    /// The trace of the request; may be empty.
    pub trace: String,
    /// The door.
    pub door: Door,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// The engine's clock.
    pub now: Millis,
}

/// A batch being written on a copy of a portfolio. Numbers it hands out (texts, deals, positions)
/// are the final ones, because the engine plans every write at the head of the log.
#[derive(Debug)]
pub struct Draft {
    after: Portfolio,
    batch: Batch,
    next: u32,
    deals: u32,
    notes: u32,
    customers: u32,
    people: u32,
    signals: u32,
    said: Vec<Said>,
}

/// A field that a command names or puts out of force, and what it is to be, whether or not it is so
/// already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Of what.
    pub subject: Subject,
    /// The field.
    pub field: u32,
    /// The value.
    pub value: i64,
}

/// What a draft comes to: the portfolio after it, and the rows to append.
#[derive(Debug)]
pub struct Planned {
    /// The portfolio with the change applied.
    pub after: Portfolio,
    /// What the store is to append; empty when nothing changes.
    pub batch: Batch,
    /// What the command named, apart from what follows from it.
    pub said: Vec<Said>,
}

impl Planned {
    /// No change at all.
    pub fn nothing(portfolio: &Portfolio) -> Self {
        Planned {
            after: portfolio.clone(),
            batch: Batch::default(),
            said: Vec::new(),
        }
    }
}

impl Planned {
    /// This change and the one that was planned on what it leaves, as one.
    #[must_use]
    pub fn then(mut self, next: Planned) -> Self {
        let (batch, of_next) = (&mut self.batch, next.batch);
        batch.texts.extend(of_next.texts);
        batch.notes.extend(of_next.notes);
        batch.entries.extend(of_next.entries);
        batch.deals.extend(of_next.deals);
        batch.changes.extend(of_next.changes);
        self.said.extend(next.said);
        Planned {
            after: next.after,
            ..self
        }
    }
}

impl Draft {
    /// Starts one entry at the head of a portfolio.
    pub fn new(before: &Portfolio, author: &Author) -> Self {
        let mut draft = Draft {
            batch: Batch {
                first_text: before.texts().len(),
                ..Batch::default()
            },
            next: before.position() + 1,
            deals: before.len(),
            notes: before.notes(),
            customers: before.reference().customers.len() as u32,
            people: before.reference().people.len() as u32,
            signals: before.reference().signals.len() as u32,
            after: before.clone(),
            said: Vec::new(),
        };
        let actor = draft.text(&author.actor);
        let reason = draft.text(&author.reason);
        let (client, trace) = (draft.text(&author.client), draft.text(&author.trace));
        let first = draft.next;
        draft.batch.entries.push(Entry {
            first,
            recorded_at: author.now,
            door: author.door,
            actor,
            reason,
            role: Some(author.role),
            client,
            trace,
        });
        draft
    }

    /// The number of a text; the empty text has none.
    pub fn text(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return NONE;
        }
        let before = self.after.texts().len();
        let number = self.after.texts_mut().intern(text);
        if number == before {
            self.batch.texts.push(text.to_owned());
        }
        number
    }

    /// The number of a new long text; an empty one has none.
    pub fn note(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return NONE;
        }
        self.batch.notes.push((self.notes, text.to_owned()));
        self.notes += 1;
        self.notes - 1
    }

    /// The log position the next change gets. New ids derive from it.
    pub fn next_position(&self) -> u32 {
        self.next
    }

    /// The number the next new customer, person or signal gets.
    pub fn new_customer(&mut self) -> u32 {
        self.customers += 1;
        self.customers - 1
    }

    /// The number of a new person.
    pub fn new_person(&mut self) -> u32 {
        self.people += 1;
        self.people - 1
    }

    /// The number of a new signal.
    pub fn new_signal(&mut self) -> u32 {
        self.signals += 1;
        self.signals - 1
    }

    /// Puts a deal on record; its number and position are given here.
    pub fn deal(&mut self, origin: Origin) -> u32 {
        let number = self.deals;
        self.batch.deals.push(Origin {
            deal: number,
            seq: self.next,
            ..origin
        });
        self.next += 1;
        self.deals += 1;
        number
    }

    /// Sets a field.
    pub fn set(&mut self, subject: Subject, field: u32, at: Millis, value: i64) {
        let change = Change {
            at,
            value,
            seq: self.next,
            field,
        };
        self.batch.changes.push(Logged { subject, change });
        self.next += 1;
    }

    /// Sets a field to the number of a text, person or note, or empties it.
    pub fn set_number(&mut self, subject: Subject, field: u32, at: Millis, number: u32) {
        self.set(
            subject,
            field,
            at,
            if number == NONE {
                EMPTY
            } else {
                i64::from(number)
            },
        );
    }

    /// Notes that the command names a field, which need not change it.
    pub fn says(&mut self, subject: Subject, field: u32, value: i64) {
        self.said.push(Said {
            subject,
            field,
            value,
        });
    }

    /// The texts known so far, new ones included.
    pub fn portfolio(&self) -> &Portfolio {
        &self.after
    }

    /// Applies the batch to the copy.
    pub fn finish(mut self) -> Planned {
        if self.batch.is_empty() {
            return Planned {
                after: self.after,
                batch: Batch::default(),
                said: self.said,
            };
        }
        self.after.absorb(self.batch.clone());
        Planned {
            after: self.after,
            batch: self.batch,
            said: self.said,
        }
    }
}
