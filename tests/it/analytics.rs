//! What must hold of an analysis: it agrees with plain SQL on generated portfolios, its segments add up to
//! the whole (or it says why not), and what it says of a segment is what it says of a question that is
//! narrowed to that segment.
//!
//! The exports that others are asked about say nothing of when deals were due in the past. Here they do: of
//! most deals, every expected close since the deal was found is on record, and of some none is.

use chrono::{Datelike, Days, Months, NaiveDate};
use expansion_pipeline::files::Source;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use super::generate::{self, Export, FilterSeed, prove};
use super::oracles::{
    PORTFOLIOS, Span, ask, compare, ends, figures, maybe_span, put, tables, text,
};
use super::support::{Portfolio, caller, empty};

const ANALYTICS: &str = include_str!("../oracles/get_analytics.sql");

const DIMENSIONS: [&str; 11] = [
    "type",
    "csm",
    "sales_rep",
    "source",
    "product_line",
    "customer",
    "customer_segment",
    "attribute:region",
    "stage_reached",
    "size_band",
    "month",
];

/// How one deal was due: whether that is on record, on which day from today it was due at first, and
/// after how many days that changed to what the export says.
type Due = (bool, Option<i64>, i64);

fn dues() -> impl Strategy<Value = Vec<Due>> {
    // One deal of which nothing is on record may be enough to leave a slip rate out.
    let share_on_record = prop_oneof![3 => Just(1.0), 1 => Just(0.9)];
    share_on_record.prop_flat_map(|share| {
        let due = (
            proptest::bool::weighted(share),
            weighted(0.98, -250..200_i64),
            1..200_i64,
        );
        vec(due, 40)
    })
}

/// A question: its filter, often none, and its period, often one that has begun a few months ago, so
/// that deals were due in it.
fn question() -> impl Strategy<Value = (FilterSeed, Span)> {
    let filters = prop_oneof![1 => generate::filters(), 1 => Just(FilterSeed::default())];
    let lately = (-14..=1_i64, 0..130_i64, 0..5_u8).prop_map(Some);
    (filters, prop_oneof![1 => maybe_span(), 1 => lately])
}

/// The changes of expected closes: (deal, day, before, after).
type Changes = Vec<(String, NaiveDate, Option<NaiveDate>, Option<NaiveDate>)>;

fn changes(export: &Export, dues: &[Due]) -> Changes {
    let day = |ahead: i64| {
        let days = Days::new(ahead.unsigned_abs());
        if ahead < 0 {
            export.today - days
        } else {
            export.today + days
        }
    };
    let mut changes = Changes::new();
    for (deal, (is_on_record, first, after)) in export.deals.iter().zip(dues) {
        let Some(found) = deal.identified.filter(|_| *is_on_record) else {
            continue;
        };
        let first = first.map(day);
        let age = (export.today - found).num_days();
        let changed = found + Days::new(age.min(*after).unsigned_abs());
        if changed == found || first == deal.expected {
            if deal.expected.is_some() {
                changes.push((deal.id.clone(), found, None, deal.expected));
            }
            continue;
        }
        if first.is_some() {
            changes.push((deal.id.clone(), found, None, first));
        }
        changes.push((deal.id.clone(), changed, first, deal.expected));
    }
    changes
}

/// Imports an export with what is on record about its expected closes.
fn imported(export: &Export, changes: &Changes) -> Portfolio {
    let shown = |date: &Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let mut history = "opportunity_id,field,from,to,at\n".to_owned();
    for (deal, at, from, to) in changes {
        let (from, to) = (shown(from), shown(to));
        history.push_str(&format!("{deal},expected_close,{from},{to},{at}\n"));
    }
    let mut sources = export.sources();
    if !changes.is_empty() {
        sources.push(Source {
            name: "field_history.csv".to_owned(),
            bytes: history.into_bytes(),
        });
    }
    let portfolio = empty(&export.today.to_string());
    let done = portfolio.import(sources, None, &caller()).unwrap();
    assert!(done.written, "{:#?}\n{export:?}", done.rejections);
    portfolio
}

/// A dimension that this export has: an attribute that nothing on record has is none.
fn known(export: &Export, dimension: Option<&'static str>) -> Option<&'static str> {
    let has_regions = || {
        let filter = export.filter(&(vec![(8, vec![])], vec![]), false);
        !filter.only.is_empty()
    };
    dimension.filter(|dimension| *dimension != "attribute:region" || has_regions())
}

#[test]
fn get_analytics_agrees_with_sql() {
    let dimension = weighted(0.85, select(DIMENSIONS.to_vec()));
    let question = (question(), dimension);
    prove(
        "get_analytics",
        PORTFOLIOS,
        (generate::export(40), dues(), vec(question, 2)),
        |(export, dues, questions)| {
            let changes = changes(&export, &dues);
            let portfolio = imported(&export, &changes);
            for ((seed, span), dimension) in questions {
                let filters = export.filter(&seed, false);
                let period = ends(&export, span);
                let dimension = known(&export, dimension);
                let mut arguments = filters.arguments();
                put(&mut arguments, "period", &period);
                arguments.insert("metrics".to_owned(), json!("all"));
                dimension.map(|it| arguments.insert("dimension".to_owned(), json!(it)));
                let asked = [
                    ("today", text(export.today)),
                    ("period_from", period.0),
                    ("period_to", period.1),
                    ("dimension", dimension.map(str::to_owned)),
                ];
                let sql = tables(&export, &filters, &asked);
                sql.execute_batch("CREATE TABLE due_history (deal TEXT, at TEXT, due TEXT)")
                    .unwrap();
                for (deal, at, _, to) in &changes {
                    let to = to.map(|to| to.to_string());
                    sql.execute(
                        "INSERT INTO due_history VALUES (?1, ?2, ?3)",
                        (deal, at.to_string(), to),
                    )
                    .unwrap();
                }
                let oracle = figures(&sql, ANALYTICS);
                let answer = ask(&portfolio, "get_analytics", &arguments)?;
                compare("get_analytics", &Value::Object(arguments), &answer, &oracle)?;
            }
            Ok(())
        },
    );
}

/// Figures that add up over segments; those of open deals and of slips do not over months and quarters.
const SUMS: [&str; 8] = [
    "/won",
    "/lost",
    "/won_value",
    "/lost_value",
    "/found/deals",
    "/found/won",
    "/found/lost",
    "/found/open",
];
const SUMS_OF_NOW: [&str; 4] = [
    "/open/count",
    "/open/value",
    "/open/weighted_value",
    "/open/qualified",
];
const SLIPS: [&str; 3] = ["/slip_rate/part", "/slip_rate/of", "/slip_rate/pending"];

/// An amount or a count in hundredths, so that sums are exact.
fn cents(figures: &Value, place: &str) -> i64 {
    let value = figures.pointer(place).unwrap_or(&Value::Null);
    let value = value
        .as_f64()
        .unwrap_or_else(|| panic!("{place} is {value} in {figures}"));
    (value * 100.0).round() as i64
}

#[test]
fn segments_add_up_to_the_whole_or_it_says_why_not() {
    let dimensions = [&DIMENSIONS[..], &["quarter", "signal"]].concat();
    let question = (question(), select(dimensions), weighted(0.3, 1..4_u16));
    prove(
        "segments add up",
        PORTFOLIOS,
        (generate::export(40), dues(), vec(question, 2)),
        |(export, dues, questions)| {
            let portfolio = imported(&export, &changes(&export, &dues));
            for ((seed, span), dimension, limit) in questions {
                let Some(dimension) = known(&export, Some(dimension)) else {
                    continue;
                };
                let mut arguments = export.filter(&seed, false).arguments();
                put(&mut arguments, "period", &ends(&export, span));
                arguments.insert("metrics".to_owned(), json!("all"));
                arguments.insert("dimension".to_owned(), json!(dimension));
                limit.map(|limit| arguments.insert("limit".to_owned(), json!(limit)));
                let answer = ask(&portfolio, "get_analytics", &arguments)?;
                let is_of_time = matches!(dimension, "month" | "quarter");
                let rows = answer["segments"].as_array().unwrap();
                let total = answer["segments_total"].as_u64().unwrap();
                let is_cut = rows.len() < total as usize;
                prop_assert_eq!(&answer["truncated"], &json!(is_cut));
                prop_assert_eq!(answer["others"].is_object(), is_cut);
                let mut parts: Vec<&Value> = rows.iter().collect();
                parts.extend(answer.get("others"));

                let mut places = SUMS.to_vec();
                if is_of_time {
                    // What was due when a month opened is not what was due when the period did, and
                    // open deals have closed in no month: said, and shown of the whole only.
                    prop_assert!(parts.iter().all(|part| part.get("open").is_none()));
                    prop_assert!(parts.iter().all(|part| part["velocity"].is_null()
                        && part["reasons"]["open"] == "open_deals_have_not_closed"));
                    let says = answer["basis"]["definitions"].to_string();
                    prop_assert!(says.contains("when it opened"), "{}", says);
                } else {
                    places.extend(SUMS_OF_NOW);
                    let is_known = |figures: &Value| {
                        let reason = &figures["reasons"]["slip_rate"];
                        reason != "not_recorded"
                    };
                    if is_known(&answer) && parts.iter().all(|part| is_known(part)) {
                        places.extend(SLIPS);
                    }
                }
                for place in places {
                    let sum: i64 = parts.iter().map(|part| cents(part, place)).sum();
                    prop_assert_eq!(sum, cents(&answer, place), "{} by {}", place, dimension);
                }
                for rates in parts.iter().chain([&&answer]) {
                    in_bounds(rates)?;
                }
            }
            Ok(())
        },
    );
}

/// A rate lies between nothing and everything and inside its interval, and is there unless a reason says why.
fn in_bounds(figures: &Value) -> Result<(), TestCaseError> {
    for name in ["win_rate", "slip_rate"] {
        let rate = &figures[name];
        if let Some(value) = rate["rate"].as_f64() {
            let bound = |place: usize| rate["interval"][place].as_f64().unwrap();
            prop_assert!((0.0..=1.0).contains(&value), "{}", rate);
            prop_assert!(bound(0) <= value && value <= bound(1), "{}", rate);
        } else {
            prop_assert!(figures["reasons"][name].is_string(), "{}", figures);
        }
    }
    for name in ["win_rate_by_value", "avg_sales_cycle_days", "velocity"] {
        let is_explained = figures["reasons"][name].is_string();
        prop_assert_eq!(figures[name].is_null(), is_explained, "{}", name);
    }
    Ok(())
}

#[test]
fn a_segment_is_what_a_question_narrowed_to_it_answers() {
    // By id, so that nobody is taken for somebody of a like name.
    let dimension = select(vec!["type", "csm", "sales_rep", "source", "product_line"]);
    prove(
        "segments are filters",
        PORTFOLIOS / 2,
        (generate::export(40), dues(), question(), dimension),
        |(export, dues, (_, span), dimension)| {
            let portfolio = imported(&export, &changes(&export, &dues));
            let mut arguments = Map::new();
            put(&mut arguments, "period", &ends(&export, span));
            arguments.insert("metrics".to_owned(), json!("all"));
            let mut by = arguments.clone();
            by.insert("dimension".to_owned(), json!(dimension));
            let by = ask(&portfolio, "get_analytics", &by)?;
            for row in by["segments"].as_array().unwrap() {
                if row["segment"] == "Unassigned" {
                    continue; // No filter asks for deals without something.
                }
                let mut narrowed = arguments.clone();
                narrowed.insert(dimension.to_owned(), row["segment"].clone());
                let narrowed = ask(&portfolio, "get_analytics", &narrowed)?;
                if narrowed["warnings"].to_string().contains("\"name\"") {
                    continue; // A name that several have, or that is the beginning of another.
                }
                for place in SUMS.iter().chain(&SUMS_OF_NOW) {
                    prop_assert_eq!(cents(row, place), cents(&narrowed, place), "{}", place);
                }
                for name in [
                    "win_rate",
                    "avg_deal_size",
                    "cycle_days",
                    "velocity",
                    "slip_rate",
                ] {
                    prop_assert_eq!(&row[name], &narrowed[name], "{} of {}", name, row);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn what_was_due_when_a_period_opened_does_not_hang_on_what_came_after() {
    let period = (0..12_u32, select(vec![1_u32, 3]));
    prove(
        "no hindsight in slips",
        PORTFOLIOS,
        (generate::export(40), dues(), period),
        |(export, dues, (back, months))| {
            let portfolio = imported(&export, &changes(&export, &dues));
            let first = export.today.with_day(1).unwrap() - Months::new(back);
            let last = (first + Months::new(months)).pred_opt().unwrap();
            let mut arguments = Map::new();
            arguments.insert("period".to_owned(), json!(format!("{first}..{last}")));
            arguments.insert("metrics".to_owned(), json!("slip_rate"));
            let now = ask(&portfolio, "get_analytics", &arguments)?;
            arguments.insert("as_of".to_owned(), json!(first.to_string()));
            let then = ask(&portfolio, "get_analytics", &arguments)?;
            let (now, then) = (&now["slip_rate"], &then["slip_rate"]);
            for place in ["of", "unrecorded"] {
                prop_assert_eq!(
                    &now[place],
                    &then[place],
                    "{} of {} and {}",
                    place,
                    now,
                    then
                );
            }
            Ok(())
        },
    );
}
