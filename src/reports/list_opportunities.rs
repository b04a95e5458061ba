//! "Show me opportunities closing this month." Which deals, a page at a time, with exact totals.

mod asks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::asks::{Asks, Selected, UNDATED};
use super::parts::behind;
use super::parts::contract::ContractValues;
use super::parts::customers::{self, CustomerRow};
use super::parts::rows::{Sort, Totals, first, page, table};
use super::parts::tail::tail;
use super::parts::warnings;
use super::{Asked, CURRENCY, Matching, Report};
use crate::domain::filter::Tally;
use crate::domain::portfolio::Portfolio;
use crate::language::arguments::{Elsewhere, Words};
use crate::language::basis::{Basis, Warning};
use crate::language::behind::Behind;
use crate::language::figures::count_of;
use crate::language::filters::{self, FilterWords};
use crate::language::opportunity::{Form, Opportunity};
use crate::language::schema;
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct ListOpportunities;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Period of expected close (open deals): "this month"
    #[serde(default)]
    #[schemars(with = "String")]
    closing: Option<String>,
    /// Period of actual close (closed deals)
    #[serde(default)]
    #[schemars(with = "String")]
    closed: Option<String>,
    /// Period of identified date
    #[serde(default)]
    #[schemars(with = "String")]
    identified: Option<String>,
    /// Any of overdue, stale, undated, unassigned, no_owner, off_norm (value far from the customer's others), odd_probability (by hand, contradicted by stage), no_history (of the closed, unless stage says); or any
    #[serde(default)]
    #[schemars(with = "Words")]
    attention: Option<Words>,
    /// In deal, customer or product names
    #[serde(default)]
    #[schemars(with = "String")]
    search: Option<String>,
    /// At least
    #[serde(default)]
    #[schemars(with = "u16")]
    min_days_in_stage: Option<u16>,
    /// At least
    #[serde(default)]
    #[schemars(with = "u16")]
    min_age_days: Option<u16>,
    /// opportunity (default) or customer: one row each
    #[serde(default)]
    #[schemars(with = "String")]
    by: Option<String>,
    /// value, weighted_value, probability, expected_close, actual_close, identified_date, stage, days_in_stage, customer, name; "-" in front: descending; default -value
    #[serde(default)]
    #[schemars(with = "String")]
    sort: Option<String>,
    /// 1 to 200, default 20
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = 200))]
    limit: Option<u16>,
    /// next_cursor of the page before
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
    /// details (every field), tcv
    #[serde(default)]
    #[schemars(with = "Words")]
    include: Option<Words>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    #[serde(flatten)]
    totals: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcv: Option<ContractValues>,
    /// This page
    opportunities: Vec<Opportunity>,
    /// With by: customer
    #[serde(skip_serializing_if = "Option::is_none")]
    by_customer: Option<Vec<CustomerRow>>,
    /// More rows than shown
    truncated: bool,
    next_cursor: Option<String>,
    warnings: Vec<Warning>,
    basis: Basis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Details,
    ContractValue,
}

const INCLUDE: [(&str, Include); 2] = [
    ("details", Include::Details),
    ("tcv", Include::ContractValue),
];
/// The arguments that choose deals, rather than say how they are shown.
pub(super) fn that_choose() -> Vec<String> {
    let shown = ["by", "cursor", "include"];
    let own = schema::properties(&schema::input::<Query>()).into_iter();
    own.filter(|name| !shown.contains(&name.as_str()))
        .chain(filters::names().iter().cloned())
        .collect()
}

/// The deals of a list, for whoever asks for deals by what they have in common.
pub(super) fn matching(
    asked: &Asked<'_>,
    filters: &FilterWords,
    query: &Query,
    most: usize,
) -> Result<Matching> {
    let portfolio = asked.portfolio;
    let understood = filters.resolve(portfolio)?;
    let asks = Asks::read(asked, query)?;
    let sort = Sort::read(query.sort.as_deref())?;
    let limit = match query.limit.map(usize::from) {
        Some(limit) if limit == 0 || limit > most => {
            return Err(
                Refusal::new(Code::InvalidArgument, format!("limit is {limit}."))
                    .hint(format!("Give a limit from 1 to {most}.")),
            );
        }
        limit => limit.unwrap_or(usize::MAX),
    };
    let filter = asks.narrow(&understood.filter)?;
    let Selected { deals, left_out } = asks.select(asked, &filter);
    let foreign = deals.iter().filter(|deal| deal.foreign);
    let foreign: Vec<u32> = foreign.map(|deal| deal.number).collect();
    let all = warnings::of_filter(&understood)
        .into_iter()
        .chain(warnings::no_rate(&foreign, portfolio))
        .chain(of_undated(&left_out, portfolio));
    Ok(Matching {
        warnings: all.map(|warning| warning.message).collect(),
        total: deals.len(),
        deals: first(&deals, sort, limit, portfolio),
    })
}

/// What is said of the deals that a list leaves out for want of a date.
fn of_undated<'a>(
    left_out: &'a [[Tally; 3]; 3],
    portfolio: &Portfolio,
) -> impl Iterator<Item = Warning> + use<'a> {
    let currency = portfolio.settings().currency;
    UNDATED
        .iter()
        .zip(left_out)
        .filter_map(move |((_, kind, date), tallies)| {
            let what = format!("without {date}, not listed.");
            warnings::about_all(kind, tallies, currency, &what)
        })
}

impl Report for ListOpportunities {
    const NAME: &'static str = "list_opportunities";
    const TITLE: &'static str = "List of opportunities";
    const DESCRIPTION: &'static str = "Which opportunities (or customers, with by: customer), with exact totals over \
        all matches. Open ones unless stage or closed says otherwise. Use for \"Show me opportunities closing this \
        month\", \"Which accounts have expansion opportunities?\", \"What needs attention?\" (attention: any).";
    const ELSEWHERE: Elsewhere = &[CURRENCY];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let understood = filters.resolve(portfolio)?;
        let asks = Asks::read(asked, &query)?;
        let by_customer = match &query.by {
            Some(word) => pick(
                "kind of row",
                word,
                &[("opportunity", false), ("customer", true)],
            )?,
            None => false,
        };
        let include: Vec<Include> = query
            .include
            .iter()
            .flat_map(|words| &words.0)
            .map(|word| pick("part to include", word, &INCLUDE))
            .collect::<Result<_>>()?;
        let form = if include.contains(&Include::Details) {
            Form::Full
        } else {
            Form::Short
        };
        let asks_tcv = include.contains(&Include::ContractValue);
        let limit = match query.limit {
            None => 20,
            Some(limit @ 1..=200) => usize::from(limit),
            Some(limit) => {
                return Err(
                    Refusal::new(Code::InvalidArgument, format!("limit is {limit}."))
                        .hint("Give a limit from 1 to 200; the cursor brings the rest."),
                );
            }
        };
        let sort = Sort::read(query.sort.as_deref())?;
        let filter = asks.narrow(&understood.filter)?;
        let Selected { deals, left_out } = asks.select(asked, &filter);
        let totals = Totals::of(&deals, portfolio);
        let cursor = query.cursor.as_deref();
        let (rows, customers, next_cursor) = if by_customer {
            if query.include.is_some() {
                return Err(Refusal::new(
                    Code::InvalidArgument,
                    "'include' does not go with by: customer.",
                )
                .hint("Leave one of them out."));
            }
            let all = customers::rows(asked, &deals, sort)?;
            let (page, next) = customers::page(all, limit, cursor, asked)?;
            (Vec::new(), Some(page), next)
        } else {
            let mut page = page(asked, &deals, sort, form, limit, cursor)?;
            for (row, number) in page.rows.iter_mut().zip(&page.numbers) {
                if let Some(found) = portfolio.deal(*number).filter(|_| asks_tcv) {
                    row.add_contract_value(found, portfolio);
                }
            }
            (page.rows, None, page.next_cursor)
        };
        let mut basis = asked.basis(
            &understood,
            &["value: estimate while open or lost, closed value once won"],
            totals.total,
            deals.iter().copied(),
        );
        basis.filters.extend(asks.said);
        basis.period = asks.period.as_ref().map(Into::into);
        let mut all = warnings::of_filter(&understood);
        all.extend(warnings::no_rate(&totals.foreign, portfolio));
        all.extend(of_undated(&left_out, portfolio));
        Ok(Answer {
            truncated: next_cursor.is_some(),
            totals,
            tcv: asks_tcv.then(|| ContractValues::of(&deals, portfolio)),
            opportunities: rows,
            by_customer: customers,
            next_cursor,
            warnings: all,
            basis,
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let asks = Asks::read(asked, &query)?;
        let filter = asks.narrow(&filters.resolve(asked.portfolio)?.filter)?;
        let found = asks.select(asked, &filter);
        Ok(behind::list(&found.deals, asked.portfolio))
    }

    fn text(answer: &Answer) -> String {
        let totals = &answer.totals;
        let mut text = format!(
            "{} of {}.",
            count_of(totals.total, "opportunity", "opportunities"),
            count_of(totals.customers, "customer", "customers")
        );
        if totals.open.count > 0 {
            text.push_str(&format!(
                " Open: {}, {} (weighted {}).",
                totals.open.count, totals.open.value, totals.open.weighted
            ));
        }
        if totals.won_count > 0 {
            text.push_str(&format!(
                " Won: {}, {}.",
                totals.won_count, totals.won_value
            ));
        }
        if totals.lost_count > 0 {
            text.push_str(&format!(
                " Lost: {}, {}.",
                totals.lost_count, totals.lost_value
            ));
        }
        if let Some(period) = &answer.basis.period {
            text.push_str(&format!(" Period {} to {}.", period.start, period.end));
        }
        if let Some(tcv) = &answer.tcv {
            text.push_str(&format!("\n{}", tcv.text()));
        }
        if let Some(rows) = &answer.by_customer {
            text.push_str(&customers::table(rows));
        } else if !answer.opportunities.is_empty() {
            text.push_str(&table(&answer.opportunities));
        }
        if answer.truncated {
            let shown = answer
                .by_customer
                .as_ref()
                .map_or(answer.opportunities.len(), Vec::len);
            text.push_str(&format!(
                "\nShown: {shown}; the rest with cursor {}.",
                answer.next_cursor.as_deref().unwrap_or("")
            ));
        }
        text.push_str(&tail(&answer.basis, &answer.warnings));
        text
    }
}
