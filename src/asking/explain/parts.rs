//! The deals behind a figure, a page at a time.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::portfolio::Portfolio;
use crate::domain::texts::NONE;
use crate::language::behind::{Parts, Unit};
use crate::language::figures::Amount;
use crate::language::{cell, clean};
use crate::refusal::{Code, Refusal, Result};

/// What a deal adds to the figure.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Part {
    id: String,
    customer_name: String,
    name: String,
    stage: &'static str,
    #[schemars(with = "Option<f64>")]
    adds: Value,
    #[serde(skip)]
    said: String,
}

/// A page of the deals behind a figure, the largest part first.
pub fn page(
    parts: &Parts,
    portfolio: &Portfolio,
    limit: usize,
    cursor: Option<&str>,
) -> Result<(Vec<Part>, Option<String>)> {
    let skipped = match cursor.map(|cursor| cursor.trim().parse::<usize>()) {
        None => 0,
        Some(Ok(skipped)) if skipped < parts.of_deals.len() => skipped,
        Some(_) => {
            let message = "The cursor is damaged or belongs to another question.";
            return Err(Refusal::new(Code::InvalidCursor, message)
                .hint("Use next_cursor of the answer before, with the same other arguments."));
        }
    };
    let mut sorted: Vec<&(u32, i64)> = parts.of_deals.iter().collect();
    sorted.sort_unstable_by_key(|(deal, part)| (std::cmp::Reverse(part.unsigned_abs()), *deal));
    let rows = sorted.iter().skip(skipped).take(limit);
    let rows: Vec<Part> = rows
        .map(|(number, part)| {
            let found = portfolio.deal(*number);
            let text = |text| clean(portfolio.text(text), 200);
            Part {
                id: found.map_or_else(String::new, |found| text(found.detail.id)),
                customer_name: found.map_or_else(String::new, |found| {
                    let customer = found.deal.customer;
                    let name = (customer != NONE).then(|| portfolio.customer_name(customer));
                    clean(name.unwrap_or_default(), 200)
                }),
                name: found.map_or_else(String::new, |found| text(found.detail.name)),
                stage: found.map_or("", |found| found.deal.stage.word()),
                adds: shown(*part, parts.unit, portfolio),
                said: said(*part, parts.unit, portfolio),
            }
        })
        .collect();
    let end = skipped + rows.len();
    let next = (end < sorted.len()).then(|| end.to_string());
    Ok((rows, next))
}

/// What a deal adds, as it goes out.
pub fn shown(part: i64, unit: Unit, portfolio: &Portfolio) -> Value {
    match unit {
        Unit::Money => json!(Amount {
            minor: part,
            currency: portfolio.settings().currency,
        }),
        Unit::Number => json!(part),
    }
}

/// The same in text.
pub fn said(part: i64, unit: Unit, portfolio: &Portfolio) -> String {
    match unit {
        Unit::Money => portfolio.settings().currency.show(part),
        Unit::Number => part.to_string(),
    }
}

/// A page as a Markdown table.
pub fn table(deals: &[Part]) -> String {
    let header = "\n\n| id | customer | opportunity | stage | adds |\n|---|---|---|---|---|";
    let rows = deals.iter().map(|deal| {
        format!(
            "\n| {} | {} | {} | {} | {} |",
            cell(&deal.id),
            cell(&deal.customer_name),
            cell(&deal.name),
            deal.stage,
            deal.said
        )
    });
    let rows: String = rows.collect();
    format!("{header}{rows}\n")
}
