//! The fields of a deal and of what it refers to, in words: what a field is called, and how a value of
//! it reads. The log keeps numbers; histories, conflicts and outcomes show words.

use chrono::NaiveDate;

use super::clean;
use crate::domain::change::{Day, EMPTY, field};
use crate::domain::days::date;
use crate::domain::money::Currency;
use crate::domain::portfolio::Portfolio;
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::texts::NONE;

/// What fields are called: the names of arguments and of columns.
const NAMES: [(u32, &str); 32] = [
    (field::NAME, "name"),
    (field::KIND, "type"),
    (field::PRODUCT_LINE, "product_line"),
    (field::ESTIMATED_VALUE, "estimated_value"),
    (field::PROBABILITY, "probability"),
    (field::IDENTIFIED, "identified_date"),
    (field::EXPECTED_CLOSE, "expected_close"),
    (field::ACTUAL_CLOSE, "actual_close"),
    (field::STAGE, "stage"),
    (field::STAGE_ASSERTED, "stage"),
    (field::STAGE_UNDATED, "stage"),
    (field::CLOSED_VALUE, "closed_value"),
    (field::LOST_REASON, "lost_reason"),
    (field::LOST_NOTE, "lost_note"),
    (field::CSM, "csm"),
    (field::SALES_REP, "sales_rep"),
    (field::CHAMPION, "champion"),
    (field::SOURCE, "source"),
    (field::USE_CASE, "use_case"),
    (field::NOTES, "notes"),
    (field::CUSTOMER, "customer"),
    (field::CURRENCY, "currency"),
    (field::TERM_MONTHS, "term_months"),
    (field::CATEGORY, "forecast_category"),
    (field::SIGNAL, "signal"),
    (field::ARR, "arr"),
    (field::SEGMENT, "segment"),
    (field::HEALTH_SCORE, "health_score"),
    (field::MANAGER, "manager"),
    (field::VALUE, "value"),
    (field::ID, "id"),
    (field::VOID, "undo"),
];

/// What a field is called; attributes by their own name, what an import only keeps in mind not at all.
pub fn name(field: u32, portfolio: &Portfolio) -> Option<String> {
    if let Some(attribute) = field.checked_sub(field::ATTRIBUTES) {
        return Some(clean(portfolio.text(attribute), 60));
    }
    let known = NAMES.iter().find(|(known, _)| *known == field);
    known.map(|(_, name)| (*name).to_owned())
}

/// A value of a field for a reader; `None` when the field is empty. Money is in the currency given.
pub fn value(field: u32, value: i64, portfolio: &Portfolio, currency: Currency) -> Option<String> {
    if value == EMPTY {
        return match field {
            field::PROBABILITY | field::CATEGORY => Some("as its stage".to_owned()),
            _ => None,
        };
    }
    let code = u8::try_from(value).ok();
    let number = u32::try_from(value).unwrap_or(NONE);
    let word = |word: Option<&'static str>| word.unwrap_or_default().to_owned();
    Some(match field {
        field::NOTES | field::LOST_NOTE | field::EVIDENCE => "a text".to_owned(),
        field::STAGE | field::STAGE_ASSERTED | field::STAGE_UNDATED => {
            word(code.and_then(Stage::from_code).map(Stage::word))
        }
        field::KIND => word(
            code.and_then(ExpansionType::from_code)
                .map(ExpansionType::word),
        ),
        field::CATEGORY => word(code.and_then(Category::from_code).map(Category::word)),
        field::ESTIMATED_VALUE | field::CLOSED_VALUE | field::ARR => currency.show(value),
        field::PROBABILITY => percent(value),
        field::HEALTH_SCORE => format!("{}.{:02}", value / 100, value % 100),
        field::IDENTIFIED | field::EXPECTED_CLOSE | field::ACTUAL_CLOSE | field::DETECTED => {
            day(value).map(|date| date.to_string()).unwrap_or_default()
        }
        field::TERM_MONTHS | field::VALUE | field::VOID => value.to_string(),
        field::CSM | field::SALES_REP => clean(portfolio.person_name(number), 200),
        field::CUSTOMER => clean(portfolio.customer_name(number), 200),
        field::SIGNAL => {
            let signal = portfolio.reference().signals.get(number);
            clean(
                portfolio.text(signal.map_or(NONE, |signal| signal.kind)),
                60,
            )
        }
        _ => clean(portfolio.text(number), 200),
    })
}

/// Basis points as percent: "45%", "12.5%".
fn percent(basis_points: i64) -> String {
    let text = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn day(value: i64) -> Option<NaiveDate> {
    date(Day::try_from(value).ok()?)
}
