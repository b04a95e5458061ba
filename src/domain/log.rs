//! The log row by row, as it is written out, read back and looked over. Belongs here: what a row is,
//! and what makes a row impossible after those before it. The store and the files hand rows over;
//! folding them into a portfolio is `absorb`'s business.

use super::change::{
    BEGINNING, Batch, Change, EMPTY, Entry, Logged, Millis, Position, Subject, field,
};
use super::holds::{self, Holds, said_of};
use super::meaning::Meaning;
use super::money::LARGEST;
use super::origin::{FOLLOWS_CATEGORY, Origin};
use super::stage::{Category, ExpansionType, Stage};
use super::texts::{NONE, Texts};

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Who wrote the positions that follow, when, and why. It takes no position itself.
    Entry(Entry),
    /// A deal that came on record.
    Origin(Origin),
    /// Any other change.
    Change(Logged),
}

impl Row {
    /// Its position; of an entry that of its first change.
    pub fn position(&self) -> Position {
        match self {
            Row::Entry(entry) => entry.first,
            Row::Origin(origin) => origin.seq,
            Row::Change(logged) => logged.change.seq,
        }
    }

    /// Adds it to a batch.
    pub fn add_to(self, batch: &mut Batch) {
        match self {
            Row::Entry(entry) => batch.entries.push(entry),
            Row::Origin(origin) => batch.deals.push(origin),
            Row::Change(logged) => batch.changes.push(logged),
        }
    }
}

/// Looks a log over, row by row from the first: whether its positions have gaps, and whether every
/// number in it stands for something.
#[derive(Debug, Default)]
pub struct Soundness {
    texts: u32,
    notes: u32,
    last: Position,
    entry: Position,
    deals: u32,
    customers: Numbers,
    people: Numbers,
    signals: Numbers,
    meaning: Meaning,
}

/// How many there are of something, and the highest number that was referred to, with where.
#[derive(Debug, Default)]
struct Numbers {
    count: u32,
    highest: Option<(u32, Position)>,
}

impl Numbers {
    fn is_described(&mut self, number: u32) {
        self.count = self.count.max(number.saturating_add(1));
    }

    fn is_referred_to(&mut self, number: u32, position: Position) {
        if self.highest.is_none_or(|(highest, _)| number > highest) {
            self.highest = Some((number, position));
        }
    }

    fn fault(&self, what: &str) -> Option<String> {
        let (number, position) = self.highest?;
        (number >= self.count).then(|| {
            format!("position {position} names {what} {number}, of which nothing is on record")
        })
    }
}

impl Soundness {
    /// Begins before the first row of a log with so many texts and notes.
    pub fn new(texts: u32, notes: u32) -> Self {
        Soundness {
            texts,
            notes,
            ..Soundness::default()
        }
    }

    /// The last position so far.
    pub fn last(&self) -> Position {
        self.last
    }

    /// How many deals came on record so far.
    pub fn deals(&self) -> u32 {
        self.deals
    }

    /// What is wrong with the next row; it counts as seen all the same. `texts` are those that the log
    /// refers to.
    pub fn fault(&mut self, row: &Row, texts: &Texts) -> Option<String> {
        match row {
            Row::Entry(entry) => self.entry(entry),
            Row::Origin(origin) => {
                self.meaning.origin(origin);
                self.step(origin.seq).or_else(|| self.origin(origin))
            }
            Row::Change(logged) => {
                let meaning = self.meaning.change(logged, texts);
                let by_itself = self.step(logged.change.seq).or_else(|| self.change(logged));
                by_itself.or_else(|| match meaning {
                    Ok(NONE) => None,
                    Ok(person) => {
                        self.people.is_referred_to(person, logged.change.seq);
                        None
                    }
                    Err(fault) => Some(fault),
                })
            }
        }
    }

    /// What is wrong with the log as a whole, once all rows were seen.
    pub fn finish(&self) -> Option<String> {
        if self.entry > self.last {
            return Some(format!(
                "the entry at position {} has no change",
                self.entry
            ));
        }
        self.customers
            .fault("customer")
            .or_else(|| self.people.fault("person"))
            .or_else(|| self.signals.fault("signal"))
            .or_else(|| self.meaning.finish())
    }

    fn step(&mut self, position: Position) -> Option<String> {
        let expected = self.last + 1;
        let fault = if position > expected {
            let missing = if position == expected + 1 {
                format!("position {expected} is missing")
            } else {
                format!("positions {expected} to {} are missing", position - 1)
            };
            Some(format!("{missing} before position {position}"))
        } else if position < expected {
            Some(format!("position {position} comes again or too late"))
        } else if self.entry == 0 {
            Some(format!("position {position} belongs to no entry"))
        } else {
            None
        };
        self.last = self.last.max(position);
        fault
    }

    fn entry(&mut self, entry: &Entry) -> Option<String> {
        let fault = if entry.first <= self.entry {
            Some(format!(
                "the entry at position {} comes again or too late",
                entry.first
            ))
        } else if self.entry > self.last {
            Some(format!(
                "the entry at position {} has no change",
                self.entry
            ))
        } else if entry.first != self.last + 1 {
            Some(format!(
                "the entry at position {} follows position {}",
                entry.first, self.last
            ))
        } else {
            None
        };
        self.entry = entry.first;
        fault
            .or_else(|| instant(entry.recorded_at, entry.first))
            .or_else(|| self.text(entry.actor, entry.first))
            .or_else(|| self.text(entry.reason, entry.first))
            .or_else(|| self.text(entry.client, entry.first))
            .or_else(|| self.text(entry.trace, entry.first))
    }

    fn origin(&mut self, origin: &Origin) -> Option<String> {
        let position = origin.seq;
        let is_next = origin.deal == self.deals;
        self.deals = self.deals.max(origin.deal.saturating_add(1));
        if !is_next {
            return Some(format!("deal {} is out of order", origin.deal));
        }
        if origin.id == NONE {
            return Some(format!("the deal at position {position} has no id"));
        }
        let subject = Subject::Deal(origin.deal);
        let known = holds::FIELDS
            .iter()
            .find_map(|(field, ..)| self.value(subject, *field, origin.value(*field), position));
        let category =
            origin.category == FOLLOWS_CATEGORY || Category::from_code(origin.category).is_some();
        known
            .or_else(|| instant(origin.at, position))
            .or_else(|| instant(origin.known_at, position))
            .or_else(|| self.text(origin.id, position))
            .or_else(|| (!category).then(|| unknown(position, "category", origin.category.into())))
    }

    fn change(&mut self, logged: &Logged) -> Option<String> {
        let Change {
            at,
            value,
            seq,
            field,
        } = logged.change;
        let subject = match logged.subject {
            Subject::Deal(deal) if deal >= self.deals => Some(format!(
                "position {seq} is about deal {deal}, which is not on record"
            )),
            Subject::Deal(_) => None,
            Subject::Customer(number) => {
                self.customers.is_described(number);
                too_high(number, seq)
            }
            Subject::Person(number) => {
                self.people.is_described(number);
                too_high(number, seq)
            }
            Subject::Signal(number) => {
                self.signals.is_described(number);
                too_high(number, seq)
            }
            Subject::Setting(text)
            | Subject::Target(text)
            | Subject::Forecast(text)
            | Subject::Rate(text) => self.text(text, seq),
        };
        let attribute = field.checked_sub(field::ATTRIBUTES);
        let is_known = attribute.is_some() || holds::is_known(said_of(field).unwrap_or(field));
        subject
            .or_else(|| (!is_known).then(|| unknown(seq, "field", field.into())))
            .or_else(|| instant(at, seq))
            .or_else(|| self.text(attribute.unwrap_or(NONE), seq))
            .or_else(|| self.value(logged.subject, field, value, seq))
    }

    fn text(&self, text: u32, position: Position) -> Option<String> {
        (text != NONE && text >= self.texts).then(|| unknown(position, "text", text.into()))
    }

    /// What is wrong with a value.
    fn value(
        &mut self,
        subject: Subject,
        field: u32,
        value: i64,
        position: Position,
    ) -> Option<String> {
        if value == EMPTY {
            return None;
        }
        let number = u32::try_from(value).unwrap_or(NONE);
        let code = u8::try_from(value).ok();
        let (is_known, what) = match holds::of(subject, field) {
            Holds::Text => (number < self.texts, "text"),
            Holds::Note => (number < self.notes, "note"),
            Holds::Person => {
                self.people.is_referred_to(number, position);
                (true, "")
            }
            Holds::Customer => {
                self.customers.is_referred_to(number, position);
                (true, "")
            }
            Holds::Signal => {
                self.signals.is_referred_to(number, position);
                (true, "")
            }
            Holds::Day => (super::days::date(number_of_day(value)).is_some(), "day"),
            Holds::Stage => (code.and_then(Stage::from_code).is_some(), "stage"),
            Holds::Kind => (code.and_then(ExpansionType::from_code).is_some(), "type"),
            Holds::Category => (code.and_then(Category::from_code).is_some(), "category"),
            Holds::Position => ((1..i64::from(position)).contains(&value), "position"),
            Holds::Number => (may_be(said_of(field).unwrap_or(field), value), "number"),
        };
        (!is_known).then(|| unknown(position, what, value))
    }
}

/// Whether a number may be what a field is: sums over a million of the largest amounts still fit.
fn may_be(number: u32, value: i64) -> bool {
    match number {
        field::ESTIMATED_VALUE | field::CLOSED_VALUE | field::ARR | field::VALUE => {
            (0..=LARGEST).contains(&value)
        }
        field::PROBABILITY => (0..=10_000).contains(&value),
        field::TERM_MONTHS => (0..=i64::from(u16::MAX)).contains(&value),
        field::HEALTH_SCORE => (-LARGEST..=LARGEST).contains(&value),
        _ => true,
    }
}

/// What is wrong with an instant: none lies before the beginning or after the year 9999.
fn instant(at: Millis, position: Position) -> Option<String> {
    const LAST: Millis = 253_402_300_799_999;
    (!(BEGINNING..=LAST).contains(&at))
        .then(|| format!("position {position} is of an instant beyond the calendar"))
}

fn number_of_day(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(super::change::NO_DAY)
}

fn unknown(position: Position, what: &str, value: i64) -> String {
    format!("position {position} holds {what} {value}, which does not exist")
}

/// Every record takes at least one position, so none has a higher number than its own.
fn too_high(number: u32, position: Position) -> Option<String> {
    (number >= position)
        .then(|| format!("position {position} is about record {number}, which is too high"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Door;

    fn entry(first: Position) -> Row {
        Row::Entry(Entry {
            first,
            recorded_at: 0,
            door: Door::Cli,
            actor: NONE,
            reason: NONE,
            role: None,
            client: NONE,
            trace: NONE,
        })
    }

    fn change(seq: Position, subject: Subject, field: u32, value: i64) -> Row {
        let change = Change {
            at: 0,
            value,
            seq,
            field,
        };
        Row::Change(Logged { subject, change })
    }

    fn faults(rows: &[Row]) -> Vec<String> {
        let mut texts = Texts::default();
        texts.push("20454|-|-");
        let mut soundness = Soundness::new(1, 0);
        let mut faults: Vec<String> = rows
            .iter()
            .filter_map(|row| soundness.fault(row, &texts))
            .collect();
        faults.extend(soundness.finish());
        faults
    }

    #[test]
    fn gaps_doubles_and_numbers_that_stand_for_nothing_are_found() {
        let person = |seq, value| change(seq, Subject::Person(0), field::ID, value);
        assert!(faults(&[entry(1), person(1, 0), person(2, 0), entry(3), person(3, 0)]).is_empty());
        let amount = |value| change(2, Subject::Target(0), field::VALUE, value);
        let cases: [(&[Row], &str); 10] = [
            (&[entry(1), person(1, 0), amount(-1)], "holds number -1"),
            (
                &[entry(1), person(1, 0), amount(LARGEST + 1)],
                "holds number 1000000000001",
            ),
            (&[person(1, 0)], "belongs to no entry"),
            (
                &[entry(1), person(1, 0), person(3, 0)],
                "position 2 is missing",
            ),
            (
                &[entry(1), person(1, 0), person(1, 0)],
                "position 1 comes again",
            ),
            (
                &[entry(1), person(1, 1)],
                "holds text 1, which does not exist",
            ),
            (
                &[entry(1), change(1, Subject::Deal(0), field::NAME, 0)],
                "deal 0, which is not on record",
            ),
            (
                &[entry(1), change(1, Subject::Customer(0), field::CSM, 4)],
                "names person 4",
            ),
            (
                &[entry(1), person(1, 0), entry(2)],
                "the entry at position 2 has no change",
            ),
            (
                &[entry(1), change(1, Subject::Person(0), field::VOID, 1)],
                "holds position 1",
            ),
        ];
        for (rows, expected) in cases {
            let found = faults(rows);
            assert!(
                found.iter().any(|fault| fault.contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn an_id_is_given_once_unless_it_was_taken_back_and_only_what_is_ones_own_is_taken_back() {
        let set = |seq, subject, field, value| change(seq, subject, field, value);
        let (one, other) = (Subject::Person(0), Subject::Person(1));
        let id = |seq, subject| set(seq, subject, field::ID, 0);
        let twice = faults(&[entry(1), id(1, one), id(2, other)]);
        assert_eq!(twice, ["position 2 gives the id of position 1 to another"]);
        let back = set(3, other, field::VOID, 2);
        assert!(faults(&[entry(1), id(1, one), id(2, other), back]).is_empty());
        let anothers = set(2, other, field::VOID, 1);
        assert_eq!(
            faults(&[
                entry(1),
                id(1, one),
                anothers,
                set(3, other, field::NAME, 0)
            ]),
            ["position 2 takes back position 1, which is about something else"]
        );
    }
}
