//! A page of opportunities and the exact totals over all that match, however many the page holds.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use super::forecast::Counted;
use crate::domain::change::{Day, NO_DAY};
use crate::domain::deal::Deal;
use crate::domain::filter::Tally;
use crate::domain::money::weighted;
use crate::domain::portfolio::Portfolio;
use crate::domain::stage::Stage;
use crate::domain::texts::NONE;
use crate::language::figures::Amount;
use crate::language::opportunity::{Form, Opportunity, show};
use crate::language::vocabulary::pick;
use crate::language::{cell, names};
use crate::refusal::{Code, Refusal, Result};
use crate::reports::Asked;

/// What a list may be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The deal's value.
    Value,
    /// Its weighted value.
    WeightedValue,
    /// Its probability.
    Probability,
    /// The expected (open) or actual (closed) close.
    Close,
    /// The identified date.
    Identified,
    /// The stage.
    Stage,
    /// Days in its stage.
    DaysInStage,
    /// The customer's name.
    Customer,
    /// The deal's name.
    Name,
}

const FIELDS: [(&str, Field); 14] = [
    ("value", Field::Value),
    ("estimated_value", Field::Value),
    ("closed_value", Field::Value),
    ("weighted_value", Field::WeightedValue),
    ("probability", Field::Probability),
    ("expected_close", Field::Close),
    ("actual_close", Field::Close),
    ("close", Field::Close),
    ("identified_date", Field::Identified),
    ("stage", Field::Stage),
    ("days_in_stage", Field::DaysInStage),
    ("customer", Field::Customer),
    ("customer_name", Field::Customer),
    ("name", Field::Name),
];

/// An order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub field: Field,
    /// The largest first.
    pub descending: bool,
}

impl Sort {
    /// Reads "-value" or "expected_close"; without words the largest value comes first.
    pub fn read(words: Option<&str>) -> Result<Sort> {
        let words = words.unwrap_or("-value").trim();
        let (descending, name) = words
            .strip_prefix('-')
            .map_or((false, words), |name| (true, name));
        Ok(Sort {
            field: pick("field to sort by", name, &FIELDS)?,
            descending,
        })
    }
}

/// What rows are compared by, before the deal's number: a number or a text, or nothing that could be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
    Missing,
}

fn key(deal: &Deal, sort: Sort, portfolio: &Portfolio) -> Key {
    let dated = |day: Day, key: Day| {
        if day == NO_DAY {
            Key::Missing
        } else {
            Key::Number(i64::from(key))
        }
    };
    let named = |name: &str| {
        if name.is_empty() {
            Key::Missing
        } else {
            Key::Text(names::fold(name))
        }
    };
    match sort.field {
        // A value without a rate cannot be compared with others.
        Field::Value | Field::WeightedValue if deal.foreign => Key::Missing,
        Field::Value => Key::Number(deal.value),
        Field::WeightedValue => {
            Key::Number(weighted(deal.value, deal.probability(portfolio.settings())))
        }
        Field::Probability => Key::Number(i64::from(deal.probability(portfolio.settings()))),
        Field::Close => dated(deal.close, deal.close),
        Field::Identified => dated(deal.identified, deal.identified),
        Field::Stage => Key::Number(i64::from(deal.stage.code())),
        Field::DaysInStage => dated(deal.stage_entered, deal.stage_entered.saturating_neg()),
        Field::Customer => named(portfolio.customer_name(deal.customer)),
        Field::Name => named(
            portfolio
                .detail(deal)
                .map_or("", |detail| portfolio.text(detail.name)),
        ),
    }
}

impl Sort {
    /// The order of two rows. What has nothing to be sorted by comes last either way.
    fn order(self, (a, number_a): &(Key, u32), (b, number_b): &(Key, u32)) -> Ordering {
        let by_key = if self.descending { b.cmp(a) } else { a.cmp(b) };
        (*a == Key::Missing)
            .cmp(&(*b == Key::Missing))
            .then(by_key)
            .then(number_a.cmp(number_b))
    }

    /// Keeps the first so many rows, in order.
    fn first(self, keyed: &mut Vec<(Key, u32)>, limit: usize) {
        if keyed.len() > limit {
            keyed.select_nth_unstable_by(limit, |a, b| self.order(a, b));
            keyed.truncate(limit);
        }
        keyed.sort_by(|a, b| self.order(a, b));
    }
}

/// Counts and values of one stage.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StageTotal {
    stage: &'static str,
    count: u64,
    value: Amount,
}

/// Totals over all matches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Totals {
    /// Matching deals
    pub total: u64,
    /// Their distinct customers
    pub customers: usize,
    pub open: Counted,
    pub won_count: u64,
    pub won_value: Amount,
    pub lost_count: u64,
    pub lost_value: Amount,
    by_stage: Vec<StageTotal>,
    #[serde(skip)]
    pub foreign: Vec<u32>,
}

impl Totals {
    /// Adds deals up.
    pub fn of(deals: &[&Deal], portfolio: &Portfolio) -> Totals {
        let currency = portfolio.settings().currency;
        let amount = |minor| Amount { minor, currency };
        let mut stages = [Tally::default(); 6];
        let mut customers = FxHashSet::default();
        let mut foreign = Vec::new();
        for deal in deals {
            if let Some(tally) = stages.get_mut(usize::from(deal.stage.code())) {
                tally.add(deal, portfolio);
            }
            if deal.customer != NONE {
                customers.insert(deal.customer);
            }
            foreign.extend(deal.foreign.then_some(deal.number));
        }
        let of = |stage: Stage| {
            stages
                .get(usize::from(stage.code()))
                .copied()
                .unwrap_or_default()
        };
        let mut open = Tally::default();
        Stage::OPEN.iter().for_each(|stage| open.merge(&of(*stage)));
        let (won, lost) = (of(Stage::ClosedWon), of(Stage::ClosedLost));
        Totals {
            total: deals.len() as u64,
            customers: customers.len(),
            open: Counted::new(&open, currency),
            won_count: won.count,
            won_value: amount(won.value),
            lost_count: lost.count,
            lost_value: amount(lost.value),
            by_stage: Stage::ALL
                .into_iter()
                .filter(|stage| of(*stage).count > 0)
                .map(|stage| StageTotal {
                    stage: stage.word(),
                    count: of(stage).count,
                    value: amount(of(stage).value),
                })
                .collect(),
            foreign,
        }
    }
}

/// One page of rows.
#[derive(Debug)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Opportunity>,
    /// The deals they show, by number.
    pub numbers: Vec<u32>,
    /// What asks for the next page; `None` on the last.
    pub next_cursor: Option<String>,
}

/// What deals are sorted by, each with its number.
fn keys(deals: &[&Deal], sort: Sort, portfolio: &Portfolio) -> Vec<(Key, u32)> {
    let keyed = |deal: &&Deal| (key(deal, sort, portfolio), deal.number);
    deals.iter().map(keyed).collect()
}

/// The numbers of the first so many deals in an order.
pub fn first(deals: &[&Deal], sort: Sort, limit: usize, portfolio: &Portfolio) -> Vec<u32> {
    let mut keyed = keys(deals, sort, portfolio);
    sort.first(&mut keyed, limit);
    keyed.into_iter().map(|(_, number)| number).collect()
}

/// Cuts a page out of all deals that match. The cursor says after which row it begins, so deals that
/// come or go between two pages shift nothing; it fits only the question it came from.
pub fn page(
    asked: &Asked<'_>,
    deals: &[&Deal],
    sort: Sort,
    form: Form,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page> {
    let portfolio = asked.portfolio;
    let after = cursor
        .map(|cursor| open_cursor(cursor, asked, sort, portfolio))
        .transpose()?;
    let mut keyed = keys(deals, sort, portfolio);
    keyed.retain(|row| {
        let follows = |after| sort.order(after, row).is_lt();
        after.as_ref().is_none_or(follows)
    });
    let more = keyed.len() > limit;
    sort.first(&mut keyed, limit);
    let rows = keyed
        .iter()
        .filter_map(|(_, number)| portfolio.deal(*number))
        .map(|found| show(found, portfolio, asked.day(), form))
        .collect();
    let next_cursor = keyed
        .last()
        .filter(|_| more)
        .map(|(key, number)| close_cursor(key, *number, asked));
    Ok(Page {
        rows,
        numbers: keyed.iter().map(|(_, number)| *number).collect(),
        next_cursor,
    })
}

fn close_cursor(key: &Key, number: u32, asked: &Asked<'_>) -> String {
    let key = match key {
        Key::Number(number) => format!("n{number}"),
        Key::Text(text) => format!("t{text}"),
        Key::Missing => "m".to_owned(),
    };
    URL_SAFE_NO_PAD.encode(format!("{:x}:{number}:{key}", asked.question))
}

/// The refusal of a cursor that is damaged or belongs to another question.
pub fn bad_cursor() -> Refusal {
    Refusal::new(
        Code::InvalidCursor,
        "The cursor is damaged or belongs to another question.",
    )
    .hint("Use next_cursor of the answer before, with the same other arguments.")
}

fn open_cursor(
    cursor: &str,
    asked: &Asked<'_>,
    sort: Sort,
    portfolio: &Portfolio,
) -> Result<(Key, u32)> {
    let refuse = bad_cursor;
    let text = URL_SAFE_NO_PAD
        .decode(cursor.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(refuse)?;
    let mut parts = text.splitn(3, ':');
    let (question, number, key) = (parts.next(), parts.next(), parts.next());
    if question != Some(format!("{:x}", asked.question).as_str()) {
        return Err(refuse());
    }
    let number = number
        .and_then(|number| number.parse().ok())
        .ok_or_else(refuse)?;
    let key = match key.map(|key| key.split_at_checked(1)) {
        Some(Some(("n", number))) => Key::Number(number.parse().map_err(|_| refuse())?),
        Some(Some(("t", text))) => Key::Text(text.to_owned()),
        Some(Some(("m", ""))) => Key::Missing,
        _ => return Err(refuse()),
    };
    // The key must fit the sort, or rows would be compared with what they are not.
    let is_text = matches!(sort.field, Field::Customer | Field::Name);
    let fits = match key {
        Key::Text(_) => is_text,
        Key::Number(_) => !is_text,
        Key::Missing => true,
    };
    if !fits || number >= portfolio.len() {
        return Err(refuse());
    }
    Ok((key, number))
}

/// The rows as a Markdown table.
pub fn table(rows: &[Opportunity]) -> String {
    let header =
        "\n\n| id | customer | opportunity | value | stage | close |\n|---|---|---|---|---|---|";
    let lines = rows.iter().map(|row| {
        format!(
            "\n| {} | {} | {} | {} | {} | {} |",
            cell(&row.id),
            cell(row.customer()),
            cell(&row.name),
            row.value_text(),
            row.stage,
            row.close()
        )
    });
    std::iter::once(header.to_owned()).chain(lines).collect()
}
