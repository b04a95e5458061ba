//! The engine and plain SQL read the same generated exports and must give the same figures.
//!
//! The SQL in `tests/oracles` reads the CSV rows in ordinary SQLite tables (for the actions, here
//! and in `raw_logs`, the raw log tables), never anything the engine computed, and follows DEFINITIONS by itself. Each script
//! leaves a table `figures` of (place in the answer, figure): a JSON pointer, or one ending in `#` for the length
//! of an array. A figure that is NULL must be null or absent in the answer.
//!
//! How many portfolios each tool is asked about, and the seed they are made from, are `generate::prove`'s.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde_json::{Map, Value, json};

use super::generate::{self, Export, Filters, imported, prove};
use super::support::Portfolio;

const EXPORT: &str = include_str!("../oracles/export.sql");
const PIPELINE: &str = include_str!("../oracles/get_pipeline.sql");
const CALIBRATION: &str = include_str!("../oracles/calibration.sql");
const FORECAST: &str = include_str!("../oracles/get_forecast.sql");
const LIST: &str = include_str!("../oracles/list_opportunities.sql");
const WIN_RATE: &str = include_str!("../oracles/win_rate.sql");
const UPDATE_STAGE: &str = include_str!("../oracles/update_stage.sql");
const CREATE_OPPORTUNITY: &str = include_str!("../oracles/create_opportunity.sql");

/// The export and the question as ordinary tables.
pub fn tables(export: &Export, filters: &Filters, asked: &[(&str, Option<String>)]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for (name, text) in export.files() {
        let table = name.strip_suffix(".csv").unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let columns: Vec<String> = header
            .iter()
            .map(|column| format!("{column} TEXT"))
            .collect();
        connection
            .execute_batch(&format!("CREATE TABLE {table} ({})", columns.join(", ")))
            .unwrap();
        let marks = vec!["?"; header.len()].join(", ");
        let mut insert = connection
            .prepare(&format!("INSERT INTO {table} VALUES ({marks})"))
            .unwrap();
        for record in reader.records() {
            insert
                .execute(params_from_iter(record.unwrap().iter()))
                .unwrap();
        }
    }
    connection
        .execute_batch("CREATE TABLE filter (side TEXT, key TEXT, value TEXT)")
        .unwrap();
    let mut insert = connection
        .prepare("INSERT INTO filter VALUES (?1, ?2, ?3)")
        .unwrap();
    for (side, parts) in [("only", &filters.only), ("exclude", &filters.exclude)] {
        for (key, values) in parts {
            for value in values {
                insert.execute((side, key, value)).unwrap();
            }
        }
    }
    let columns: Vec<String> = asked
        .iter()
        .map(|(name, _)| format!("{name} NUMERIC"))
        .collect();
    connection
        .execute_batch(&format!("CREATE TABLE asked ({})", columns.join(", ")))
        .unwrap();
    let marks = vec!["?"; asked.len()].join(", ");
    let values = asked.iter().map(|(_, value)| value.clone());
    connection
        .execute(
            &format!("INSERT INTO asked VALUES ({marks})"),
            params_from_iter(values),
        )
        .unwrap();
    drop(insert);
    connection.execute_batch(EXPORT).unwrap();
    connection
}

/// The rows of an oracle.
pub fn figures(connection: &Connection, sql: &str) -> BTreeMap<String, Value> {
    connection.execute_batch(sql).unwrap();
    let mut statement = connection.prepare("SELECT * FROM figures").unwrap();
    let rows = statement.query_map([], |row| {
        let value = match row.get::<_, Sql>(1)? {
            Sql::Null => Value::Null,
            Sql::Integer(number) => json!(number),
            Sql::Real(number) => json!(number),
            Sql::Text(text) => json!(text),
            Sql::Blob(_) => panic!("a blob is no figure"),
        };
        Ok((row.get(0)?, value))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Compares an answer with the rows of an oracle.
pub fn compare(
    tool: &str,
    arguments: &Value,
    answer: &Value,
    oracle: &BTreeMap<String, Value>,
) -> Result<(), TestCaseError> {
    let mut different = Vec::new();
    for (place, expected) in oracle {
        let found = match place.strip_suffix('#') {
            Some(list) => json!(answer.pointer(list).and_then(Value::as_array).map(Vec::len)),
            None => answer.pointer(place).cloned().unwrap_or(Value::Null),
        };
        let agrees = match (expected, &found) {
            (Value::Number(expected), Value::Number(found)) => expected.as_f64() == found.as_f64(),
            (Value::String(expected), Value::Bool(found)) => *expected == found.to_string(),
            (expected, found) => expected == found,
        };
        if !agrees {
            different.push(format!("  {place}: SQL {expected}, engine {found}"));
        }
    }
    prop_assert!(
        different.is_empty(),
        "{tool} {arguments}\n{}",
        different.join("\n")
    );
    Ok(())
}

pub fn ask(
    portfolio: &Portfolio,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, TestCaseError> {
    let arguments = Value::Object(arguments.clone());
    match portfolio.answer(tool, arguments.clone()) {
        Ok(answer) => Ok(answer.structured),
        Err(refusal) => Err(TestCaseError::fail(format!(
            "{tool} {arguments} is refused: {refusal}"
        ))),
    }
}

pub fn text(date: NaiveDate) -> Option<String> {
    Some(date.to_string())
}

pub type Span = Option<(i64, i64, u8)>;

pub fn ends(export: &Export, span: Span) -> (Option<String>, Option<String>) {
    let span = span.map(|span| generate::span_of(export.today, span));
    (
        span.and_then(|(from, _)| text(from)),
        span.and_then(|(_, to)| text(to)),
    )
}

/// Puts a period given by its two ends among the arguments.
pub fn put(
    arguments: &mut Map<String, Value>,
    name: &str,
    ends: &(Option<String>, Option<String>),
) {
    if let (Some(from), Some(to)) = ends {
        arguments.insert(name.to_owned(), json!(format!("{from}..{to}")));
    }
}

/// Portfolios of each tool, with two questions or one to four writes each: 256 questions, and more writes.
pub const PORTFOLIOS: u32 = 128;

pub fn maybe_span() -> impl Strategy<Value = Span> {
    proptest::option::of(generate::span())
}

#[test]
fn get_pipeline_agrees_with_sql() {
    let question = (generate::filters(), maybe_span());
    prove(
        "get_pipeline",
        PORTFOLIOS,
        (generate::export(24), proptest::collection::vec(question, 2)),
        |(export, questions)| {
            let portfolio = imported(&export);
            for (seed, span) in questions {
                let filters = export.filter(&seed, true);
                let period = ends(&export, span);
                let mut arguments = filters.arguments();
                put(&mut arguments, "period", &period);
                let asked = [
                    ("today", text(export.today)),
                    ("period_from", period.0),
                    ("period_to", period.1),
                ];
                let oracle = figures(&tables(&export, &filters, &asked), PIPELINE);
                let answer = ask(&portfolio, "get_pipeline", &arguments)?;
                compare("get_pipeline", &Value::Object(arguments), &answer, &oracle)?;
            }
            Ok(())
        },
    );
}

#[test]
fn get_forecast_agrees_with_sql() {
    let measure = proptest::option::of(select(vec![
        "closed",
        "worst_case",
        "commit",
        "best_case",
        "upside",
        "weighted",
    ]));
    // Half of the questions are about a scope that may have a target.
    let scope = prop_oneof![
        2 => Just(None),
        2 => any::<Index>().prop_map(|place| Some((vec![(0, vec![place])], vec![]))),
        2 => any::<Index>().prop_map(|place| Some((vec![(2, vec![place])], vec![]))),
        1 => any::<Index>().prop_map(|place| Some((vec![(0, vec![place]), (2, vec![place])], vec![]))),
    ];
    let filters = prop_oneof![
        generate::filters(),
        scope.prop_map(Option::unwrap_or_default)
    ];
    let question = (filters, generate::span(), measure);
    prove(
        "get_forecast",
        PORTFOLIOS,
        (generate::export(24), proptest::collection::vec(question, 2)),
        |(export, questions)| {
            let portfolio = imported(&export);
            for (seed, span, measure) in questions {
                let filters = export.filter(&seed, true);
                let period = ends(&export, Some(span));
                let mut arguments = filters.arguments();
                put(&mut arguments, "period", &period);
                if let Some(measure) = measure {
                    arguments.insert("measure".to_owned(), json!(measure));
                }
                let asked = [
                    ("today", text(export.today)),
                    ("period_from", period.0),
                    ("period_to", period.1),
                    ("measure", measure.map(str::to_owned)),
                ];
                let oracle = figures(&tables(&export, &filters, &asked), FORECAST);
                let answer = ask(&portfolio, "get_forecast", &arguments)?;
                compare("get_forecast", &Value::Object(arguments), &answer, &oracle)?;
            }
            Ok(())
        },
    );
}

#[test]
fn calibration_agrees_with_sql() {
    // Below twenty closed deals of a stage nothing is calibrated, so these portfolios are larger.
    prove(
        "calibration",
        PORTFOLIOS / 2,
        (generate::export(160), generate::filters()),
        |(export, seed)| {
            let portfolio = imported(&export);
            for filters in [export.filter(&seed, false), generate::Filters::default()] {
                let mut arguments = filters.arguments();
                arguments.insert("include".to_owned(), json!("calibration"));
                let asked = [("today", text(export.today))];
                let oracle = figures(&tables(&export, &filters, &asked), CALIBRATION);
                let answer = ask(&portfolio, "get_forecast", &arguments)?;
                compare("get_forecast", &Value::Object(arguments), &answer, &oracle)?;
            }
            Ok(())
        },
    );
}

#[test]
fn list_opportunities_agrees_with_sql() {
    let spans = (
        prop_oneof![3 => Just(None), 1 => generate::span().prop_map(Some)],
        0..3_usize,
    );
    let narrow = (
        prop_oneof![2 => Just(None), 1 => select(vec!["overdue", "stale", "undated", "unassigned", "no_owner", "off_norm", "odd_probability", "no_history"]).prop_map(Some)],
        prop_oneof![4 => Just(None), 1 => select(vec!["seat", "api", "acme", "analytics", "premium tier"]).prop_map(Some)],
        proptest::option::weighted(0.2, 0..60_u16),
        proptest::option::weighted(0.2, 0..200_u16),
    );
    let sorts = [
        "value",
        "weighted_value",
        "probability",
        "expected_close",
        "identified_date",
        "stage",
        "days_in_stage",
    ];
    let order = (
        proptest::option::of((select(sorts.to_vec()), any::<bool>())),
        proptest::option::of(1..8_u16),
    );
    let question = (generate::filters(), spans, narrow, order);
    prove(
        "list_opportunities",
        PORTFOLIOS,
        (generate::export(24), proptest::collection::vec(question, 2)),
        |(export, questions)| {
            let portfolio = imported(&export);
            for (seed, (span, which), (attention, search, days, age), (sort, limit)) in questions {
                let filters = export.filter(&seed, true);
                let is_closing = which == 0;
                if which < 2 && !filters.leaves(is_closing) {
                    continue; // Refused, so there is nothing to compare.
                }
                let mut arguments = filters.arguments();
                let mut asked = vec![("today", text(export.today))];
                let names = [
                    ("closing", "closing_from", "closing_to"),
                    ("closed", "closed_from", "closed_to"),
                    ("identified", "identified_from", "identified_to"),
                ];
                for (place, (name, from, to)) in names.into_iter().enumerate() {
                    let period = if place == which {
                        ends(&export, span)
                    } else {
                        (None, None)
                    };
                    put(&mut arguments, name, &period);
                    asked.extend([(from, period.0), (to, period.1)]);
                }
                let number = |number: Option<u16>| number.map(|number| number.to_string());
                for (name, word) in [("attention", attention), ("search", search)] {
                    word.map(|word| arguments.insert(name.to_owned(), json!(word)));
                    asked.push((name, word.map(str::to_owned)));
                }
                for (name, column, value) in [
                    ("min_days_in_stage", "min_days", days),
                    ("min_age_days", "min_age", age),
                    ("limit", "page", limit),
                ] {
                    value.map(|value| arguments.insert(name.to_owned(), json!(value)));
                    asked.push((
                        column,
                        number(value.or(if name == "limit" { Some(20) } else { None })),
                    ));
                }
                if let Some((field, descending)) = sort {
                    arguments.insert(
                        "sort".to_owned(),
                        json!(format!("{}{field}", if descending { "-" } else { "" })),
                    );
                }
                let (field, descending) = sort.unwrap_or(("value", true));
                asked.extend([
                    ("sort", Some(field.to_owned())),
                    ("descending", Some(u8::from(descending).to_string())),
                ]);
                let oracle = figures(&tables(&export, &filters, &asked), LIST);
                let answer = ask(&portfolio, "list_opportunities", &arguments)?;
                compare(
                    "list_opportunities",
                    &Value::Object(arguments),
                    &answer,
                    &oracle,
                )?;
            }
            Ok(())
        },
    );
}

#[test]
fn win_rate_agrees_with_sql() {
    let dimensions = [
        "type",
        "csm",
        "sales_rep",
        "source",
        "product_line",
        "customer",
        "customer_segment",
        "region",
        "stage_reached",
        "size_band",
        "month",
    ];
    let question = (
        generate::filters(),
        maybe_span(),
        proptest::option::weighted(0.8, select(dimensions.to_vec())),
        proptest::bool::weighted(0.3),
    );
    prove(
        "win_rate",
        PORTFOLIOS,
        (generate::export(40), proptest::collection::vec(question, 2)),
        |(export, questions)| {
            let portfolio = imported(&export);
            for (seed, span, by, created) in questions {
                let filters = export.filter(&seed, false);
                let period = ends(&export, span);
                let mut arguments = filters.arguments();
                put(&mut arguments, "period", &period);
                // The month of an open deal is no month it closed in, so months are asked of closed ones.
                let by = by.filter(|by| !(created && *by == "month"));
                // An attribute that nothing on record has is no dimension.
                let by = by.filter(|by| {
                    *by != "region"
                        || !export
                            .filter(&(vec![(8, vec![])], vec![]), false)
                            .only
                            .is_empty()
                });
                by.map(|by| arguments.insert("by".to_owned(), json!(by)));
                if created {
                    arguments.insert("basis".to_owned(), json!("created"));
                }
                let asked = [
                    ("today", text(export.today)),
                    ("period_from", period.0),
                    ("period_to", period.1),
                    ("by", by.map(str::to_owned)),
                    ("created", Some(u8::from(created).to_string())),
                ];
                let oracle = figures(&tables(&export, &filters, &asked), WIN_RATE);
                let answer = ask(&portfolio, "win_rate", &arguments)?;
                compare("win_rate", &Value::Object(arguments), &answer, &oracle)?;
            }
            Ok(())
        },
    );
}

/// The log as it lies in the file, read only.
pub fn raw(portfolio: &Portfolio) -> Connection {
    Connection::open_with_flags(portfolio.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// What the measures of a quarter gain when something is written, as two forecasts say and as the
/// write itself said.
fn gained(before: &Value, after: &Value, effect: &Value) -> Result<(), TestCaseError> {
    let cents = |value: &Value| (value.as_f64().unwrap_or_default() * 100.0).round() as i64;
    for measure in ["closed", "commit", "best_case", "upside", "weighted"] {
        let forecast = cents(&after[measure]) - cents(&before[measure]);
        let said = cents(&effect["after"][measure]) - cents(&effect["before"][measure]);
        prop_assert_eq!(said, forecast, "{} of {}", measure, effect);
    }
    Ok(())
}

#[test]
fn update_stage_moves_what_the_raw_log_says() {
    let step = (
        any::<Index>(),
        0..6_usize,
        0..3_000_000_i64,
        any::<bool>(),
        0..40_i64,
    );
    prove(
        "update_stage",
        PORTFOLIOS,
        (generate::export(10), proptest::collection::vec(step, 1..5)),
        |(export, steps)| {
            let portfolio = imported(&export);
            for (place, stage, value, keep, ago) in steps {
                if export.deals.is_empty() {
                    continue;
                }
                let id = &place.get(&export.deals).id;
                let mut arguments = json!({ "opportunity": id, "stage": generate::STAGES[stage], "reason": "a test", "confirm": true });
                match stage {
                    4 => arguments["closed_value"] = json!(value as f64 / 100.0),
                    5 => arguments["lost_reason"] = json!("price"),
                    _ => arguments["keep_probability"] = json!(keep),
                }
                if export
                    .deals
                    .iter()
                    .any(|deal| deal.id == *id && deal.currency == "JPY")
                    && stage == 4
                {
                    arguments["closed_value"] = json!(value / 100);
                }
                let quarter = |answer: &Value, effect: &str| -> Result<Value, TestCaseError> {
                    let period = answer[effect]["period"].as_str().unwrap_or("this quarter");
                    ask(
                        &portfolio,
                        "get_forecast",
                        &Map::from_iter([("period".to_owned(), json!(period))]),
                    )
                };
                let mut dry = arguments.clone();
                dry["dry_run"] = json!(true);
                if stage >= 4 {
                    // A close is of some days ago, unless the deal was not there yet to be closed.
                    let on = json!((export.today - chrono::Duration::days(ago)).to_string());
                    dry["actual_close"] = on.clone();
                    if portfolio.answer("update_stage", dry.clone()).is_ok() {
                        arguments["actual_close"] = on;
                    } else {
                        dry.as_object_mut().unwrap().remove("actual_close");
                    }
                }
                let planned = ask(&portfolio, "update_stage", dry.as_object().unwrap())?;
                let effects = ["effect", "effect_left"];
                let before = [
                    quarter(&planned, "effect")?,
                    quarter(&planned, "effect_left")?,
                ];
                let done = ask(&portfolio, "update_stage", arguments.as_object().unwrap())?;
                for (effect, before) in effects.into_iter().zip(&before) {
                    if !done[effect].is_null() {
                        gained(before, &quarter(&done, effect)?, &done[effect])?;
                    }
                }
                agrees_with_the_log(&portfolio, "update_stage", UPDATE_STAGE, id)?;
            }
            Ok(())
        },
    );
}

#[test]
fn create_opportunity_adds_what_the_raw_log_says() {
    let made = (
        0..5_usize,
        0..30_000_000_i64,
        -40..200_i64,
        0..4_usize,
        proptest::option::of(0..=100_u8),
        proptest::option::of(0..4_usize),
    );
    prove(
        "create_opportunity",
        PORTFOLIOS,
        (generate::export(6), proptest::collection::vec(made, 1..4)),
        |(export, made)| {
            let portfolio = imported(&export);
            for (kind, value, ahead, stage, probability, category) in made {
                let close = export.today + chrono::Duration::days(ahead);
                let mut arguments = json!({
                    "customer": "CUS-2", "name": "A new one", "type": generate::TYPES[kind], "estimated_value": value as f64 / 100.0,
                    "expected_close": close.to_string(), "confirm": true, "stage": generate::STAGES[stage],
                });
                if let Some(percent) = probability {
                    arguments["probability"] = json!(f64::from(percent) / 100.0);
                }
                if let Some(category) = category {
                    arguments["forecast_category"] =
                        json!(["pipeline", "best_case", "commit", "omitted"][category]);
                }
                let mut dry = arguments.as_object().unwrap().clone();
                dry.insert("dry_run".to_owned(), json!(true));
                let planned = ask(&portfolio, "create_opportunity", &dry)?;
                let period =
                    Map::from_iter([("period".to_owned(), planned["effect"]["period"].clone())]);
                let before = ask(&portfolio, "get_forecast", &period)?;
                let done = ask(
                    &portfolio,
                    "create_opportunity",
                    arguments.as_object().unwrap(),
                )?;
                gained(
                    &before,
                    &ask(&portfolio, "get_forecast", &period)?,
                    &done["effect"],
                )?;
                let id = done["opportunity"]["id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                agrees_with_the_log(&portfolio, "create_opportunity", CREATE_OPPORTUNITY, &id)?;
            }
            Ok(())
        },
    );
}

/// The pipeline, and one deal in the list of all, against the raw log.
fn agrees_with_the_log(
    portfolio: &Portfolio,
    tool: &str,
    sql: &str,
    id: &str,
) -> Result<(), TestCaseError> {
    let pipeline = ask(portfolio, "get_pipeline", &Map::new())?;
    let search = json!({ "stage": "all", "include": "details", "limit": 200 });
    let all = ask(portfolio, "list_opportunities", search.as_object().unwrap())?;
    let rows = all["opportunities"].as_array().unwrap();
    let deal = rows
        .iter()
        .find(|row| row["id"] == id)
        .cloned()
        .unwrap_or(Value::Null);
    let log = raw(portfolio);
    log.execute_batch("PRAGMA temp_store = MEMORY; CREATE TEMP TABLE about (id TEXT)")
        .unwrap();
    log.execute("INSERT INTO about VALUES (?1)", [id]).unwrap();
    compare(
        tool,
        &json!({ "opportunity": id }),
        &json!({ "pipeline": pipeline, "deal": deal }),
        &figures(&log, sql),
    )
}
