//! What the files say of an opportunity, as values of its fields: what a new deal comes on record with
//! (`fresh`) and what a deal on record is compared with (`known`).

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::order::Dated;
use super::parties::{Parties, add_attributes, value_of};
use super::values::{of_day, of_number};
use super::writing::Writing;
use crate::domain::change::{Day, EMPTY, Millis, field};
use crate::domain::days::day;
use crate::domain::money::Currency;
use crate::domain::settings::Settings;
use crate::domain::stage::Stage;
use crate::domain::statement::{Said, StatedDeal, StatedEdit, Value};
use crate::domain::texts::Text;

/// The opportunities of an import.
#[derive(Debug)]
pub(super) struct Deals<'w, 'a> {
    pub writing: &'w mut Writing<'a>,
    pub customers: Parties,
    people: Parties,
    /// Lost reasons by the number of the text the files give.
    reasons: FxHashMap<Text, i64>,
    /// Lost reasons that are not on the list.
    pub outside: BTreeSet<String>,
    /// The settings that were in force at one time or another.
    former: Vec<Settings>,
    /// The deals that come on record with these files, by id.
    pub fresh: FxHashMap<Text, Fresh>,
}

/// A deal that comes on record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    pub number: u32,
    pub customer: u32,
}

/// What a row says of a deal.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Fields every deal has.
    pub fields: Vec<(u32, i64)>,
    /// Fields that belong to its close.
    pub closing: Vec<(u32, i64)>,
    /// Attributes.
    pub attributes: Vec<(u32, i64)>,
}

/// A change that a field history tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub field: u32,
    pub from: i64,
    pub to: i64,
    pub day: Day,
    pub at: Millis,
}

/// The stages a deal stood in: since when, in order.
pub(super) type Stages = Vec<(Day, Stage)>;

impl<'w, 'a> Deals<'w, 'a> {
    pub fn new(writing: &'w mut Writing<'a>, customers: Parties, people: Parties) -> Self {
        let former = former(writing);
        let reasons = FxHashMap::default();
        Deals {
            writing,
            customers,
            people,
            reasons,
            outside: BTreeSet::new(),
            former,
            fresh: FxHashMap::default(),
        }
    }

    /// What a row says. `None` when it is rejected.
    pub fn spoken(&mut self, deal: &StatedDeal) -> Option<Spoken> {
        let place = deal.place;
        let customer = self
            .customers
            .value(self.writing, deal.customer, place, "customer_name");
        let csm = self.people.value(self.writing, deal.csm, place, "csm_name");
        let sales_rep = self
            .people
            .value(self.writing, deal.sales_rep, place, "sales_rep_name");
        let (customer, csm, sales_rep) = (customer?, csm?, sales_rep?);

        let mut spoken = Spoken::default();
        let mut say = |field: u32, value: Option<i64>| {
            spoken.fields.extend(value.map(|value| (field, value)))
        };
        say(field::KIND, Some(i64::from(deal.kind.code())));
        say(field::ESTIMATED_VALUE, Some(deal.estimated_value));
        say(field::CUSTOMER, customer);
        say(field::CSM, csm);
        say(field::SALES_REP, sales_rep);
        for (field, said) in [
            (field::NAME, deal.name),
            (field::PRODUCT_LINE, deal.product_line),
            (field::CHAMPION, deal.champion),
            (field::SOURCE, deal.source),
            (field::USE_CASE, deal.use_case),
        ] {
            say(
                field,
                value_of(said.map(|text| self.writing.text_value(text))),
            );
        }
        let own_currency = self.writing.settings.currency.code();
        let currency = deal.currency.map(|code| {
            if self.writing.stated.text(code) == own_currency {
                EMPTY
            } else {
                self.writing.text_value(code)
            }
        });
        say(field::CURRENCY, value_of(currency));
        say(
            field::IDENTIFIED,
            value_of(deal.identified.map(|date| of_day(day(date)))),
        );
        say(
            field::EXPECTED_CLOSE,
            value_of(deal.expected_close.map(|date| of_day(day(date)))),
        );
        say(
            field::TERM_MONTHS,
            value_of(deal.term_months.map(i64::from)),
        );
        if deal.stage.is_open() {
            // What equals the stage's own follows the stage from here on.
            let settings = &self.writing.settings;
            let (usual, category) = (
                settings.probability(deal.stage),
                settings.category(deal.stage),
            );
            let probability = deal.probability.map(|given| {
                if given == usual {
                    EMPTY
                } else {
                    i64::from(given)
                }
            });
            let category = deal.category.map(|given| {
                if given == category {
                    EMPTY
                } else {
                    i64::from(given.code())
                }
            });
            say(field::PROBABILITY, value_of(probability));
            say(field::CATEGORY, value_of(category));
        }
        let reason = deal.lost_reason.map(|reason| self.reason(reason));
        spoken.closing = [
            (
                field::ACTUAL_CLOSE,
                value_of(deal.actual_close.map(|date| of_day(day(date)))),
            ),
            (field::CLOSED_VALUE, value_of(deal.closed_value)),
            (field::LOST_REASON, value_of(reason)),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some((field, value?)))
        .collect();
        add_attributes(self.writing, &mut spoken.attributes, &deal.attributes);
        Some(spoken)
    }

    /// A lost reason: as the list spells it, or as it stands when it is not on the list.
    fn reason(&mut self, stated: Text) -> i64 {
        if let Some(known) = self.reasons.get(&stated) {
            return *known;
        }
        let given = self.writing.stated.text(stated);
        let letters = |word: &str| word.to_lowercase().replace([' ', '-', '_'], "");
        let listed = self
            .writing
            .settings
            .lost_reasons
            .iter()
            .find(|reason| letters(reason) == letters(given))
            .cloned();
        let value = match listed {
            Some(reason) => of_number(self.writing.draft.text(&reason)),
            None => {
                self.outside.insert(given.to_owned());
                self.writing.text_value(stated)
            }
        };
        self.reasons.insert(stated, value);
        value
    }

    /// Whether a probability or category was once that of a stage: a file that still says it is not
    /// news about the deal, only older than the setting.
    pub fn was_usual(&self, field: u32, stage: Stage, value: i64) -> bool {
        self.former.iter().any(|settings| match field {
            field::PROBABILITY => i64::from(settings.probability(stage)) == value,
            field::CATEGORY => i64::from(settings.category(stage).code()) == value,
            _ => false,
        })
    }

    /// A deal's field history: field by field, each in the order in which it happened. Rows that do
    /// not fit the deal are rejected.
    pub fn told(
        &mut self,
        edits: &[StatedEdit],
        currency: Currency,
        stages: &Stages,
    ) -> Vec<Vec<Told>> {
        let mut sorted = edits.to_vec();
        sorted.sort_by_key(|edit| edit.field);
        let mut of_fields = Vec::new();
        for rows in sorted.chunk_by(|one, other| one.field == other.field) {
            let ordered =
                self.writing
                    .clock
                    .in_order(rows, |row| row.at, |row, next| next.from == row.to);
            let told: Vec<Told> = ordered
                .iter()
                .filter_map(|row| self.edit(row, currency, stages))
                .collect();
            if !told.is_empty() {
                of_fields.push(told);
            }
        }
        of_fields
    }

    fn edit(
        &mut self,
        dated: &Dated<StatedEdit>,
        currency: Currency,
        stages: &Stages,
    ) -> Option<Told> {
        let row = &dated.row;
        // A field may have been empty before; an estimate that is emptied is 0.
        let from = match row.from {
            None => Ok(EMPTY),
            from => self.value(row.field, from, currency),
        };
        let to = self.value(row.field, row.to, currency);
        let (from, to) = match (from, to) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(reason), _) => {
                self.writing.reject(row.place, "from", reason);
                return None;
            }
            (_, Err(reason)) => {
                self.writing.reject(row.place, "to", reason);
                return None;
            }
        };
        // What a stage brings with it is no override; on the day of a move it may be either stage's.
        let until = stages.partition_point(|(since, _)| *since <= dated.day);
        let before = stages.partition_point(|(since, _)| *since < dated.day);
        let settings = &self.writing.settings;
        let follows = |value: i64, from: usize| {
            let brings = |stage: Stage| match row.field {
                field::PROBABILITY => i64::from(settings.probability(stage)),
                _ => i64::from(settings.category(stage).code()),
            };
            matches!(row.field, field::PROBABILITY | field::CATEGORY)
                && stages
                    .get(from..until)
                    .unwrap_or_default()
                    .iter()
                    .any(|(_, stage)| !stage.is_open() || brings(*stage) == value)
        };
        Some(Told {
            field: row.field,
            from: if follows(from, 0) { EMPTY } else { from },
            to: if follows(to, before.saturating_sub(1)) {
                EMPTY
            } else {
                to
            },
            day: dated.day,
            at: dated.at,
        })
    }

    /// One side of a row of field history as the value of its field.
    fn value(
        &mut self,
        field: u32,
        value: Option<Value>,
        currency: Currency,
    ) -> Result<i64, String> {
        Ok(match value {
            None if field == field::ESTIMATED_VALUE => 0,
            None => EMPTY,
            Some(Value::Hundredths(amount)) if currency.exponent() == 2 => amount,
            Some(Value::Hundredths(amount)) if amount % 100 == 0 => amount / 100,
            Some(Value::Hundredths(_)) => {
                return Err(format!("{} has no decimals", currency.code()));
            }
            Some(Value::Day(on)) => of_day(on),
            Some(Value::Share(share)) => i64::from(share),
            Some(Value::Category(category)) => i64::from(category.code()),
            Some(Value::Kind(kind)) => i64::from(kind.code()),
            Some(Value::Count(count)) => i64::from(count),
            Some(Value::Person(id)) => of_number(self.people.number(id)),
            Some(Value::Customer(id)) => of_number(self.customers.number(id)),
            Some(Value::Words(text)) => self.writing.text_value(text),
        })
    }

    /// The currency of a deal's amounts.
    pub fn currency(&self, deal: &StatedDeal) -> Currency {
        let code = match deal.currency {
            Said::Is(code) => self.writing.stated.text(code),
            Said::Empty | Said::Nothing => "",
        };
        Currency::from_code(code).unwrap_or(self.writing.settings.currency)
    }
}

/// A fingerprint of a long text, the same on every machine and in every version; of none, [`EMPTY`].
pub(super) fn fingerprint(text: &str) -> i64 {
    if text.is_empty() {
        return EMPTY;
    }
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .take(7)
        .fold(0, |number, byte| number << 8 | i64::from(*byte))
}

fn former(writing: &Writing<'_>) -> Vec<Settings> {
    use crate::domain::change::{BEGINNING, Subject};
    let before = writing.before;
    let mut settings = Settings::default();
    let mut all = vec![settings.clone()];
    for row in before.ledger().iter() {
        if let Subject::Setting(name) = row.subject
            && settings
                .set(
                    before.text(name),
                    before.text(super::values::number(row.change.value)),
                )
                .is_ok()
        {
            // What was set before the first deal leaves no time in which a deal followed the default.
            let is_first = before
                .origin(0)
                .is_none_or(|first| row.change.seq < first.seq);
            if row.change.at == BEGINNING && is_first {
                all.clear();
            }
            all.push(settings.clone());
        }
    }
    all
}
