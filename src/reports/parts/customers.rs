//! Matching deals by customer: one row each, a page at a time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::forecast::Counted;
use super::rows::{Field, Sort};
use crate::domain::change::{Day, NO_DAY};
use crate::domain::days::date;
use crate::domain::deal::Deal;
use crate::domain::filter::Tally;
use crate::domain::texts::NONE;
use crate::language::figures::Amount;
use crate::language::{cell, clean, names};
use crate::refusal::{Code, Refusal, Result};
use crate::reports::Asked;

/// One customer's matching deals.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerRow {
    customer_id: Option<String>,
    customer_name: String,
    /// Matching deals
    opportunities: u64,
    open: Counted,
    won_value: Amount,
    lost_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_close: Option<String>,
    /// When all are the same
    #[serde(skip_serializing_if = "Option::is_none")]
    csm_name: Option<String>,
    #[serde(skip)]
    number: u32,
    // Whether any of its matching deals is closed.
    #[serde(skip)]
    has_closed: bool,
}

/// What is added up for a customer.
struct Sum {
    open: Tally,
    won: Tally,
    lost: Tally,
    next_close: Day,
    csm: u32,
}

/// All customers of some deals, by open and then by won value or by name; deals without one last.
pub fn rows(asked: &Asked<'_>, deals: &[&Deal], sort: Sort) -> Result<Vec<CustomerRow>> {
    if !matches!(sort.field, Field::Value | Field::Customer) {
        return Err(
            Refusal::new(Code::InvalidArgument, "Customers cannot be sorted by that.")
                .hint("Sort by value or customer, or leave by: customer out."),
        );
    }
    let portfolio = asked.portfolio;
    let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
    for deal in deals {
        let sum = sums.entry(deal.customer).or_insert_with(|| Sum {
            open: Tally::default(),
            won: Tally::default(),
            lost: Tally::default(),
            next_close: NO_DAY,
            csm: deal.csm,
        });
        let of_state = match deal.state() {
            0 => &mut sum.open,
            1 => &mut sum.won,
            _ => &mut sum.lost,
        };
        of_state.add(deal, portfolio);
        if deal.is_open() {
            sum.next_close = sum.next_close.min(deal.close);
        }
        if sum.csm != deal.csm {
            sum.csm = NONE;
        }
    }
    let mut rows: Vec<CustomerRow> = sums
        .into_iter()
        .map(|(customer, sum)| row(asked, customer, &sum))
        .collect();
    match sort.field {
        Field::Customer => rows.sort_by_cached_key(|row| names::fold(&row.customer_name)),
        _ => rows.sort_by_key(|row| {
            (
                row.open.value.minor,
                row.won_value.minor,
                Reverse(row.number),
            )
        }),
    }
    if sort.descending {
        rows.reverse();
    }
    rows.sort_by_key(|row| row.number == NONE);
    Ok(rows)
}

fn row(asked: &Asked<'_>, customer: u32, sum: &Sum) -> CustomerRow {
    let portfolio = asked.portfolio;
    let currency = portfolio.settings().currency;
    let known = portfolio.customer(customer);
    CustomerRow {
        customer_id: known.map(|known| clean(portfolio.text(known.id), 200)),
        customer_name: known.map_or_else(
            || "Unassigned".to_owned(),
            |_| clean(portfolio.customer_name(customer), 200),
        ),
        opportunities: sum.open.count + sum.won.count + sum.lost.count,
        open: Counted::new(&sum.open, currency),
        won_value: Amount {
            minor: sum.won.value,
            currency,
        },
        lost_value: Amount {
            minor: sum.lost.value,
            currency,
        },
        next_close: date(sum.next_close).map(|date| date.to_string()),
        csm_name: (sum.csm != NONE).then(|| clean(portfolio.person_name(sum.csm), 200)),
        number: customer,
        has_closed: sum.won.count + sum.lost.count > 0,
    }
}

/// One page of them, and the cursor of the next.
pub fn page(
    rows: Vec<CustomerRow>,
    limit: usize,
    cursor: Option<&str>,
    asked: &Asked<'_>,
) -> Result<(Vec<CustomerRow>, Option<String>)> {
    let prefix = format!("{:x}-", asked.question);
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let last = cursor
                .strip_prefix(&prefix)
                .and_then(|customer| customer.parse::<u32>().ok());
            let place = last.and_then(|last| rows.iter().position(|row| row.number == last));
            place
                .map(|place| place + 1)
                .ok_or_else(super::rows::bad_cursor)?
        }
    };
    let more = rows.len() > start + limit;
    let page: Vec<CustomerRow> = rows.into_iter().skip(start).take(limit).collect();
    let next = page
        .last()
        .filter(|_| more)
        .map(|row| format!("{prefix}{}", row.number));
    Ok((page, next))
}

/// The rows as a Markdown table. Without a closed deal among the matching ones nothing is said of won
/// and lost: their noughts would read as if the customer had never closed any.
pub fn table(rows: &[CustomerRow]) -> String {
    let has_closed = rows.iter().any(|row| row.has_closed);
    let header = if has_closed {
        "\n\n| customer | deals | open value | weighted | won | lost | next close |\n|---|---|---|---|---|---|---|"
    } else {
        "\n\n| customer | deals | open value | weighted | next close |\n|---|---|---|---|---|"
    };
    let lines = rows.iter().map(|row| {
        let closed = if has_closed {
            format!(" {} | {} |", row.won_value, row.lost_value)
        } else {
            String::new()
        };
        format!(
            "\n| {} | {} | {} | {} |{closed} {} |",
            cell(&row.customer_name),
            row.opportunities,
            row.open.value,
            row.open.weighted,
            row.next_close.as_deref().unwrap_or("-")
        )
    });
    let open_only =
        (!has_closed && !rows.is_empty()).then(|| "\nNo closed deals are among these.".to_owned());
    std::iter::once(header.to_owned())
        .chain(lines)
        .chain(open_only)
        .collect()
}
