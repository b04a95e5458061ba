//! What a set of export files states, typed, before anyone has compared it with the portfolio.
//! `files` writes it and `actions::import` reads it, so what stands here is neither a row of CSV nor
//! a change of the log: a date may still lack its instant, a person may be a name only. Texts are
//! numbers of [`Statements::texts`], so that a million rows that name the same few people stay small.

use chrono::NaiveDate;
use rustc_hash::FxHashSet;

use super::change::{Day, Millis};
use super::money::{BasisPoints, Currency};
use super::period::Period;
use super::rates::Rate;
use super::stage::{Category, ExpansionType, Stage};
use super::texts::{NONE, Text, Texts};

/// What a file says of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said<T> {
    /// Nothing: it has no such column.
    #[default]
    Nothing,
    /// That it is empty.
    Empty,
    /// This.
    Is(T),
}

impl<T> Said<T> {
    /// What it says the field is, if anything.
    pub fn value(self) -> Option<T> {
        match self {
            Said::Is(value) => Some(value),
            Said::Nothing | Said::Empty => None,
        }
    }

    /// The same by reference.
    pub fn as_ref(&self) -> Said<&T> {
        match self {
            Said::Is(value) => Said::Is(value),
            Said::Empty => Said::Empty,
            Said::Nothing => Said::Nothing,
        }
    }

    /// The same of another kind of value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Said<U> {
        match self {
            Said::Is(value) => Said::Is(f(value)),
            Said::Empty => Said::Empty,
            Said::Nothing => Said::Nothing,
        }
    }

    /// Whether the file says anything of the field, be it that it is empty.
    pub fn is_said(&self) -> bool {
        !matches!(self, Said::Nothing)
    }
}

/// Where in the files a row begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file, by its place in [`Statements::files`].
    pub file: u32,
    /// The line of the file, counted from 1 as an editor does.
    pub line: u64,
}

/// When something happened, as precisely as the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// On a business date.
    Date(NaiveDate),
    /// At an instant.
    Instant(Millis),
}

/// A customer or person as a row refers to it: by id, by name, or by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Named {
    /// Its id.
    pub id: Said<Text>,
    /// Its name.
    pub name: Said<Text>,
}

/// The columns this program has no name for: (name of the attribute, value; [`NONE`] when empty).
pub type Attributes = Vec<(Text, Text)>;

/// A row of `opportunities.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedDeal {
    /// Where it stands.
    pub place: Place,
    /// Its id.
    pub id: Text,
    /// The customer.
    pub customer: Named,
    /// The name.
    pub name: Said<Text>,
    /// The type of expansion.
    pub kind: ExpansionType,
    /// The product line.
    pub product_line: Said<Text>,
    /// The estimate, in minor units of the row's currency.
    pub estimated_value: i64,
    /// The probability.
    pub probability: Said<BasisPoints>,
    /// The identified date.
    pub identified: Said<NaiveDate>,
    /// The expected close.
    pub expected_close: Said<NaiveDate>,
    /// The actual close; a closed deal always has one.
    pub actual_close: Said<NaiveDate>,
    /// The stage.
    pub stage: Stage,
    /// When it entered the stage.
    pub stage_entered: Said<Moment>,
    /// The CSM.
    pub csm: Named,
    /// The sales rep.
    pub sales_rep: Named,
    /// The champion.
    pub champion: Said<Text>,
    /// How it was found.
    pub source: Said<Text>,
    /// The use case.
    pub use_case: Said<Text>,
    /// Free notes.
    pub notes: Said<Box<str>>,
    /// The value it closed at, in minor units of the row's currency; a won deal always has one.
    pub closed_value: Said<i64>,
    /// The reason it was lost.
    pub lost_reason: Said<Text>,
    /// The detail of the loss.
    pub lost_note: Said<Box<str>>,
    /// The code of its currency; empty is the organisation's.
    pub currency: Said<Text>,
    /// The term in months.
    pub term_months: Said<u16>,
    /// The forecast category.
    pub category: Said<Category>,
    /// Everything else.
    pub attributes: Attributes,
}

/// A row of `customers.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedCustomer {
    /// Where it stands.
    pub place: Place,
    /// Its id.
    pub id: Text,
    /// Its name.
    pub name: Said<Text>,
    /// Its annual recurring revenue, in minor units of the organisation's currency.
    pub arr: Said<i64>,
    /// Its segment.
    pub segment: Said<Text>,
    /// Its health score, in hundredths.
    pub health_score: Said<i64>,
    /// Its CSM.
    pub csm: Named,
    /// Everything else.
    pub attributes: Attributes,
}

/// A row of `csms.csv`, `sales_reps.csv` or `people.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedPerson {
    /// Where it stands.
    pub place: Place,
    /// Their id.
    pub id: Text,
    /// Their name.
    pub name: Said<Text>,
    /// Their manager.
    pub manager: Said<Text>,
    /// Everything else.
    pub attributes: Attributes,
}

/// A row of `stage_history.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedMove {
    /// Where it stands.
    pub place: Place,
    /// The id of the deal.
    pub opportunity: Text,
    /// The stage it left, when the row names it.
    pub from: Option<Stage>,
    /// The stage it entered.
    pub to: Stage,
    /// When.
    pub at: Moment,
}

/// One side of a row of `field_history.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Money in hundredths of the deal's currency, whatever its minor unit.
    Hundredths(i64),
    /// A day.
    Day(Day),
    /// A probability.
    Share(BasisPoints),
    /// A forecast category.
    Category(Category),
    /// A type of expansion.
    Kind(ExpansionType),
    /// A count.
    Count(u16),
    /// The id of a person.
    Person(Text),
    /// The id of a customer.
    Customer(Text),
    /// Any other text.
    Words(Text),
}

/// A row of `field_history.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedEdit {
    /// Where it stands.
    pub place: Place,
    /// The id of the deal.
    pub opportunity: Text,
    /// The number of the field (`change::field`).
    pub field: u32,
    /// What it was; `None` when it was empty.
    pub from: Option<Value>,
    /// What it became; `None` when it was emptied.
    pub to: Option<Value>,
    /// When.
    pub at: Moment,
}

/// A row of `targets.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedTarget {
    /// Where it stands.
    pub place: Place,
    /// The first day of the month.
    pub month: NaiveDate,
    /// The target, in minor units of the organisation's currency.
    pub amount: i64,
    /// The CSM it is for; nobody is every CSM together.
    pub csm: Named,
    /// The type it is for; `None` is every type together.
    pub kind: Option<ExpansionType>,
}

/// A row of `forecasts.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedForecast {
    /// Where it stands.
    pub place: Place,
    /// The period it is of.
    pub period: Period,
    /// The name of the measure.
    pub measure: &'static str,
    /// The amount, in minor units of the organisation's currency.
    pub amount: i64,
    /// The day it was made.
    pub as_of: NaiveDate,
    /// The CSM it is of; nobody is the organisation.
    pub csm: Named,
}

/// A row of `rates.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedRate {
    /// Where it stands.
    pub place: Place,
    /// The currency.
    pub currency: Currency,
    /// The day from which it holds.
    pub date: NaiveDate,
    /// What one unit is worth in the organisation's currency.
    pub rate: Rate,
}

/// A row of `signals.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedSignal {
    /// Where it stands.
    pub place: Place,
    /// Its id.
    pub id: Text,
    /// The customer it is about; nobody when it only names an opportunity.
    pub customer: Named,
    /// What kind it is.
    pub kind: Text,
    /// When it was detected.
    pub detected: Moment,
    /// What it rests on; may be empty.
    pub evidence: Box<str>,
    /// The id of the opportunity that came of it, if one did.
    pub opportunity: Option<Text>,
}

/// A row of `settings.csv`; the value was read and is one the setting accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedSetting {
    /// Where it stands.
    pub place: Place,
    /// The name of the setting.
    pub name: &'static str,
    /// Its value, as the setting shows it.
    pub value: Text,
}

/// Everything a set of files states.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    /// The files, by number.
    pub files: Vec<StatedFile>,
    /// The texts, by number.
    pub texts: Texts,
    /// Opportunities; each id once.
    pub deals: Vec<StatedDeal>,
    /// Customers; each id once.
    pub customers: Vec<StatedCustomer>,
    /// CSMs and sales reps; each id once.
    pub people: Vec<StatedPerson>,
    /// Stage moves, in the order of the rows.
    pub moves: Vec<StatedMove>,
    /// Field changes, in the order of the rows.
    pub edits: Vec<StatedEdit>,
    /// Targets; each month and scope once.
    pub targets: Vec<StatedTarget>,
    /// Recorded forecasts; each period, measure, scope and day once.
    pub forecasts: Vec<StatedForecast>,
    /// Exchange rates; each currency and day once.
    pub rates: Vec<StatedRate>,
    /// Signals; each id once.
    pub signals: Vec<StatedSignal>,
    /// Settings; each name once.
    pub settings: Vec<StatedSetting>,
    /// The currency in which amounts without one were read.
    pub currency: Currency,
    /// The ids of opportunities whose row was rejected, so that their history can say why it is.
    pub rejected_deals: FxHashSet<Text>,
    /// Files no row of which can be read, so that nothing of the set is to be imported.
    pub unreadable: Vec<Rejection>,
    /// The rows that cannot be right by themselves.
    pub rejections: Vec<Rejection>,
    /// What the reader made of the files that one should know: percent columns, attributes, skipped files.
    pub notes: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedFile {
    /// Its name.
    pub name: String,
    /// How many rows it has, bad ones included, empty ones not.
    pub rows: u64,
}

impl Statements {
    /// The text of a number; empty for [`NONE`].
    pub fn text(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// The number of a text; the empty text has none.
    pub fn number(&mut self, text: &str) -> Text {
        if text.is_empty() {
            NONE
        } else {
            self.texts.intern(text)
        }
    }

    /// The rejection of a row.
    pub fn reject(&self, place: Place, column: &str, reason: String) -> Rejection {
        let file = self.files.get(place.file as usize);
        let file = file.map(|file| file.name.clone()).unwrap_or_default();
        Rejection {
            file,
            line: place.line,
            column: column.to_owned(),
            reason,
        }
    }
}

/// A row, or a whole file, that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The file.
    pub file: String,
    /// The line on which the row begins.
    pub line: u64,
    /// The column; empty when it is not about one.
    pub column: String,
    /// What is wrong, in a sentence.
    pub reason: String,
}

/// Things worth saying once about many rows: what, how often, and the first few it is about.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    remarks: Vec<(&'static str, u64, Vec<String>)>,
}

impl Remarks {
    /// Notes something about one row.
    pub fn add(&mut self, what: &'static str, about: &str) {
        const NAMED: usize = 3;
        let known = self.remarks.iter_mut().find(|(known, ..)| *known == what);
        match known {
            Some((_, count, named)) => {
                *count += 1;
                if named.len() < NAMED && !named.iter().any(|named| named == about) {
                    named.push(about.to_owned());
                }
            }
            None => self.remarks.push((what, 1, vec![about.to_owned()])),
        }
    }

    /// Each as a sentence.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.remarks.iter().map(|(what, count, named)| {
            let more = if *count > named.len() as u64 {
                ", …"
            } else {
                ""
            };
            format!("{what}: {count} ({}{more}).", named.join(", "))
        })
    }
}
