//! What deals refer to: customers, people, signals, targets, recorded forecasts, rates and settings,
//! folded from their part of the log (the ledger). Small beside the deals, so it is refolded whole
//! when a look back or a back-dated entry asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::change::{Day, EMPTY, Logged, Millis, NO_DAY, Subject, field, voided};
use super::chunked::Chunked;
use super::name;
use super::rates::{Rate, RateKey, Rates};
use super::settings::Settings;
use super::texts::{NONE, Text, Texts};

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id in the system it comes from.
    pub id: Text,
    /// Its name; customers known only by id have none.
    pub name: Text,
    /// Its name as names are compared.
    pub folded: Box<str>,
    /// Its annual recurring revenue in minor units.
    pub arr: Option<i64>,
    /// Its segment.
    pub segment: Text,
    /// Its health score, in hundredths.
    pub health_score: Option<i64>,
    /// Its CSM.
    pub csm: u32,
    /// Its custom attributes: (name, value).
    pub attributes: Vec<(Text, Text)>,
}

/// A CSM or sales rep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: Text,
    /// Their name; people known only by id have none.
    pub name: Text,
    /// Their name as names are compared.
    pub folded: Box<str>,
    /// Their manager.
    pub manager: Text,
    /// Their custom attributes: (name, value).
    pub attributes: Vec<(Text, Text)>,
}

/// A signal: something noticed about a customer that leads, or may lead, to a deal. Which deal that is
/// stands with the deal (`field::SIGNAL`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Its id where it was detected.
    pub id: Text,
    /// What kind it is.
    pub kind: Text,
    /// The customer it is about; [`NONE`] when only its deal says so.
    pub customer: u32,
    /// The day it was detected.
    pub detected: Day,
    /// What it rests on (number of a note).
    pub evidence: u32,
}

/// Whose target it is: a month, and a CSM or a type or both; neither is the whole organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// The first day of the month.
    pub month: Day,
    /// The CSM, or [`NONE`].
    pub csm: u32,
    /// The code of the type, or [`u8::MAX`].
    pub kind: u8,
}

/// A forecast that was recorded elsewhere before its period began.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForecastKey {
    /// The first day of the period.
    pub start: Day,
    /// The last day of the period.
    pub end: Day,
    /// The measure, by name.
    pub measure: String,
    /// The CSM it is of, or [`NONE`] for the organisation.
    pub csm: u32,
    /// The day it was made.
    pub as_of: Day,
}

/// Everything deals refer to.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Customers by number.
    pub customers: Chunked<Customer>,
    /// People by number.
    pub people: Chunked<Person>,
    /// Signals by number.
    pub signals: Chunked<Signal>,
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// Targets in minor units.
    pub targets: Arc<BTreeMap<TargetKey, i64>>,
    /// Recorded forecasts in minor units.
    pub forecasts: Arc<BTreeMap<ForecastKey, i64>>,
    /// Exchange rates.
    pub rates: Arc<Rates>,
}

impl Reference {
    /// Folds a ledger up to an instant, in the order (at, seq). Only changes of signals, settings, targets,
    /// recorded forecasts and rates come and go with it; a customer or person is listed from the start,
    /// because deals refer to them by number.
    pub fn fold(ledger: &Chunked<Logged>, texts: &Texts, until: Millis) -> Self {
        let mut rows: Vec<&Logged> = counting(ledger.iter()).collect();
        rows.sort_by_key(|row| (row.change.at, row.change.seq));
        let mut reference = Reference::default();
        for row in &rows {
            if row.change.at <= until || matches!(row.change.field, field::ID | field::NAME) {
                reference.apply(row, texts);
            }
        }
        reference
    }

    /// Applies one entry of the ledger.
    pub fn apply(&mut self, row: &Logged, texts: &Texts) {
        let value = row.change.value;
        let number = if value == EMPTY {
            NONE
        } else {
            u32::try_from(value).unwrap_or(NONE)
        };
        let amount = (value != EMPTY).then_some(value);
        let attribute = row.change.field.checked_sub(field::ATTRIBUTES);
        match row.subject {
            Subject::Customer(customer) => {
                while self.customers.len() <= customer as usize {
                    self.customers.push(Customer::unknown());
                }
                let Some(known) = self.customers.get_mut(customer) else {
                    return;
                };
                match (row.change.field, attribute) {
                    (field::ID, _) => known.id = number,
                    (field::NAME, _) => {
                        known.name = number;
                        known.folded = name::fold(texts.get(number)).into();
                    }
                    (field::ARR, _) => known.arr = amount,
                    (field::SEGMENT, _) => known.segment = number,
                    (field::HEALTH_SCORE, _) => known.health_score = amount,
                    (field::CSM, _) => known.csm = number,
                    (_, Some(attribute)) => set_attribute(&mut known.attributes, attribute, number),
                    _ => {}
                }
            }
            Subject::Person(person) => {
                while self.people.len() <= person as usize {
                    self.people.push(Person::unknown());
                }
                let Some(known) = self.people.get_mut(person) else {
                    return;
                };
                match (row.change.field, attribute) {
                    (field::ID, _) => known.id = number,
                    (field::NAME, _) => {
                        known.name = number;
                        known.folded = name::fold(texts.get(number)).into();
                    }
                    (field::MANAGER, _) => known.manager = number,
                    (_, Some(attribute)) => set_attribute(&mut known.attributes, attribute, number),
                    _ => {}
                }
            }
            Subject::Signal(signal) => {
                while self.signals.len() <= signal as usize {
                    self.signals.push(Signal {
                        id: NONE,
                        kind: NONE,
                        customer: NONE,
                        detected: NO_DAY,
                        evidence: NONE,
                    });
                }
                let Some(known) = self.signals.get_mut(signal) else {
                    return;
                };
                match row.change.field {
                    field::ID => known.id = number,
                    field::SIGNAL_KIND => known.kind = number,
                    field::CUSTOMER => known.customer = number,
                    field::DETECTED => known.detected = Day::try_from(value).unwrap_or(NO_DAY),
                    field::EVIDENCE => known.evidence = number,
                    _ => {}
                }
            }
            Subject::Setting(setting) => {
                // A value was checked before it was logged; one this version cannot read changes nothing.
                let _ =
                    Arc::make_mut(&mut self.settings).set(texts.get(setting), texts.get(number));
            }
            Subject::Target(key) => {
                if let Some(key) = TargetKey::parse(texts.get(key)) {
                    set_amount(Arc::make_mut(&mut self.targets), key, amount);
                }
            }
            Subject::Forecast(key) => {
                if let Some(key) = ForecastKey::parse(texts.get(key)) {
                    set_amount(Arc::make_mut(&mut self.forecasts), key, amount);
                }
            }
            Subject::Rate(key) => {
                if let Some(key) = RateKey::parse(texts.get(key)) {
                    let rate = Rate::parse(texts.get(number));
                    Arc::make_mut(&mut self.rates).set(key, rate, texts);
                }
            }
            Subject::Deal(_) => {}
        }
    }
}

/// The rows of a ledger that count: neither void nor voiding.
pub fn counting<'a>(
    rows: impl Iterator<Item = &'a Logged> + Clone,
) -> impl Iterator<Item = &'a Logged> {
    // Positions are unique over all subjects, so the voids of all of them are found together.
    let void = voided(rows.clone().map(|row| &row.change));
    rows.filter(move |row| row.change.field != field::VOID && !void.contains(&row.change.seq))
}

fn set_attribute(attributes: &mut Vec<(Text, Text)>, name: Text, value: Text) {
    match attributes.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => attributes.push((name, value)),
    }
}

fn set_amount<K: Ord>(amounts: &mut BTreeMap<K, i64>, key: K, amount: Option<i64>) {
    match amount {
        Some(amount) => amounts.insert(key, amount),
        None => amounts.remove(&key),
    };
}

impl Customer {
    fn unknown() -> Self {
        Customer {
            id: NONE,
            name: NONE,
            folded: "".into(),
            arr: None,
            segment: NONE,
            health_score: None,
            csm: NONE,
            attributes: Vec::new(),
        }
    }
}

impl Person {
    fn unknown() -> Self {
        Person {
            id: NONE,
            name: NONE,
            folded: "".into(),
            manager: NONE,
            attributes: Vec::new(),
        }
    }
}

const NOBODY: &str = "-";

fn show(number: u32) -> String {
    if number == NONE {
        NOBODY.to_owned()
    } else {
        number.to_string()
    }
}

fn read(word: &str) -> Option<u32> {
    if word == NOBODY {
        Some(NONE)
    } else {
        word.parse().ok()
    }
}

impl TargetKey {
    /// The text under which the log keeps it: month, CSM and type.
    pub fn text(&self) -> String {
        let kind = if self.kind == u8::MAX {
            NOBODY.to_owned()
        } else {
            self.kind.to_string()
        };
        format!("{}|{}|{kind}", self.month, show(self.csm))
    }

    /// The key that a text of the log stands for.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let month = parts.next()?.parse().ok()?;
        let csm = read(parts.next()?)?;
        let kind = parts.next()?;
        Some(TargetKey {
            month,
            csm,
            kind: if kind == NOBODY {
                u8::MAX
            } else {
                kind.parse().ok()?
            },
        })
    }
}

impl ForecastKey {
    /// The text under which the log keeps it: first and last day, measure, CSM and the day it was made.
    pub fn text(&self) -> String {
        format!(
            "{}|{}|{}|{}|{}",
            self.start,
            self.end,
            self.measure,
            show(self.csm),
            self.as_of
        )
    }

    /// Reads that text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        Some(ForecastKey {
            start: parts.next()?.parse().ok()?,
            end: parts.next()?.parse().ok()?,
            measure: parts.next()?.to_owned(),
            csm: read(parts.next()?)?,
            as_of: parts.next()?.parse().ok()?,
        })
    }
}

/// Finds the number of a record by the number of its id text. Cut into parts so that adding one
/// copies one part only.
#[derive(Debug, Clone)]
pub struct Directory {
    parts: Vec<Arc<FxHashMap<Text, u32>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Directory {
            parts: vec![Arc::default(); 64],
        }
    }
}

impl Directory {
    /// The number of the record that has this id.
    pub fn get(&self, id: Text) -> Option<u32> {
        self.parts.get(id as usize % 64)?.get(&id).copied()
    }

    /// Adds a record.
    pub fn insert(&mut self, id: Text, number: u32) {
        if let Some(part) = self.parts.get_mut(id as usize % 64) {
            Arc::make_mut(part).insert(id, number);
        }
    }
}
