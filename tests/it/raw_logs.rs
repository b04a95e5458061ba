//! `set_target`, `undo_change` and `explain` against plain SQL: the two changes by the raw tables of
//! logs that grow step by step, the deals behind figures by the rows of generated exports. What counts
//! after undos, and what may not be undone any more, SQL finds out by itself.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use expansion_pipeline::files::Source;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use super::generate::{self, STAGES, TYPES, imported, prove};
use super::oracles::{PORTFOLIOS, ask, compare, ends, figures, maybe_span, put, raw, tables, text};
use super::round_trip::position;
use super::support::{Portfolio, caller, date, empty};

const COUNTING: &str = include_str!("../oracles/counting.sql");
const SET_TARGET: &str = include_str!("../oracles/set_target.sql");
const UNDO_CHANGE: &str = include_str!("../oracles/undo_change.sql");
const UNDO_REFUSED: &str = include_str!("../oracles/undo_refused.sql");

/// How many logs each of the two changes is tried on; each is compared after every step.
const LOGS: u32 = 40;

/// The raw log with what is asked of it: up to a position, and up to the end of a day.
fn log_up_to(
    portfolio: &Portfolio,
    position: u64,
    last: Option<NaiveDate>,
    asked: &[(&str, Option<String>)],
) -> Connection {
    let log = raw(portfolio);
    let before = last.map_or(i64::MAX, |last| (days_since(last) + 1) * 86_400_000);
    log.execute_batch("PRAGMA temp_store = MEMORY").unwrap();
    let columns: String = asked
        .iter()
        .map(|(name, _)| format!(", {name} NUMERIC"))
        .collect();
    log.execute_batch(&format!(
        "CREATE TEMP TABLE asked (position INTEGER, before INTEGER{columns})"
    ))
    .unwrap();
    log.execute(
        "INSERT INTO asked (position, before) VALUES (?1, ?2)",
        params![i64::try_from(position).unwrap(), before],
    )
    .unwrap();
    for (name, value) in asked {
        log.execute(&format!("UPDATE asked SET {name} = ?1"), [value])
            .unwrap();
    }
    log.execute_batch(COUNTING).unwrap();
    log
}

fn days_since(day: NaiveDate) -> i64 {
    (day - date("1970-01-01")).num_days()
}

/// A target of some months: (its first month from this one, how many, CSM, type).
type Scope = (i64, usize, Option<usize>, Option<usize>);

const CSMS: [&str; 3] = ["CSM-1", "CSM-2", "CSM-3"];

fn months(today: NaiveDate, (away, count, ..): Scope) -> Vec<NaiveDate> {
    let first = today.with_day(1).unwrap() - Months::new(12);
    let at = u32::try_from(away + 12).unwrap();
    (at..at + u32::try_from(count).unwrap())
        .map(|away| first + Months::new(away))
        .collect()
}

fn scoped((.., csm, kind): Scope, months: &[NaiveDate]) -> Map<String, Value> {
    let last = *months.last().unwrap() + Months::new(1);
    let period = format!("{}..{}", months[0], last.pred_opt().unwrap());
    let mut arguments = Map::from_iter([("period".to_owned(), json!(period))]);
    csm.map(|csm| arguments.insert("csm".to_owned(), json!(CSMS[csm])));
    kind.map(|kind| arguments.insert("type".to_owned(), json!(TYPES[kind])));
    arguments
}

/// What the log says of a target up to a cut, with what stood before the last command.
fn target_figures(
    portfolio: &Portfolio,
    (up_to, last): (u64, Option<NaiveDate>),
    scope: Scope,
    months: &[NaiveDate],
    earlier: Option<u64>,
) -> BTreeMap<String, Value> {
    let asked = [
        ("earlier", earlier.map(|earlier| earlier.to_string())),
        ("is_set", Some(u8::from(earlier.is_some()).to_string())),
    ];
    let log = log_up_to(portfolio, up_to, last, &asked);
    log.execute_batch(
        "CREATE TEMP TABLE month (place INTEGER, day INTEGER); CREATE TEMP TABLE scope (csm TEXT, type INTEGER)",
    )
    .unwrap();
    for (place, month) in months.iter().enumerate() {
        log.execute(
            "INSERT INTO month VALUES (?1, ?2)",
            params![place as i64, days_since(*month)],
        )
        .unwrap();
    }
    let (.., csm, kind) = scope;
    log.execute(
        "INSERT INTO scope VALUES (?1, ?2)",
        params![csm.map(|csm| CSMS[csm]), kind.map(|kind| kind as i64)],
    )
    .unwrap();
    figures(&log, SET_TARGET)
}

#[test]
fn set_target_is_what_the_raw_log_says() {
    let scope = (
        -4..4_i64,
        select(vec![1_usize, 1, 3, 12]),
        weighted(0.5, 0..3_usize),
        weighted(0.2, 0..2_usize),
    );
    let step = (0..30_u64, scope, 0..9_000_000_i64, 0..6_u8);
    prove(
        "set_target",
        LOGS,
        (generate::export(6), vec(step, 1..7)),
        |(export, steps)| {
            let mut portfolio = imported(&export);
            let mut today = export.today;
            // Where the log stood, and on which day, with the scope of the step.
            let mut versions = Vec::new();
            for (later, scope, amount, what) in steps {
                today = today + Days::new(later);
                portfolio = portfolio.on(&today.to_string());
                let months = months(today, scope);
                let arguments = scoped(scope, &months);
                let earlier = position(&portfolio);
                let mut done = Value::Null;
                if what == 0 {
                    let undo = json!({ "change": earlier, "reason": "a test" });
                    let _ = portfolio.answer("undo_change", undo);
                } else {
                    let mut set = arguments.clone();
                    set.insert("amount".to_owned(), json!(amount as f64 / 100.0));
                    let Ok(answer) = portfolio.answer("set_target", Value::Object(set)) else {
                        continue; // A CSM whom this export does not have.
                    };
                    done = answer.structured;
                }
                versions.push((position(&portfolio), today, scope, months.clone()));
                let Ok(forecast) =
                    portfolio.answer("get_forecast", Value::Object(arguments.clone()))
                else {
                    continue;
                };
                let earlier = (what != 0).then_some(earlier);
                let head = (position(&portfolio), None);
                compare(
                    "set_target",
                    &Value::Object(arguments),
                    &json!({ "forecast": forecast.structured, "set": done }),
                    &target_figures(&portfolio, head, scope, &months, earlier),
                )?;
            }
            // Each version of each target, by its position and by its day.
            for (at, day, ..) in &versions {
                for (.., scope, months) in &versions {
                    let cuts = [
                        ((*at, None), format!("@{at}")),
                        ((position(&portfolio), Some(*day)), day.to_string()),
                    ];
                    for (cut, as_of) in cuts {
                        let mut arguments = scoped(*scope, months);
                        arguments.insert("as_of".to_owned(), json!(as_of));
                        let Ok(forecast) =
                            portfolio.answer("get_forecast", Value::Object(arguments.clone()))
                        else {
                            continue;
                        };
                        compare(
                            "set_target",
                            &Value::Object(arguments),
                            &json!({ "forecast": forecast.structured }),
                            &target_figures(&portfolio, cut, *scope, months, None),
                        )?;
                    }
                }
            }
            Ok(())
        },
    );
}

/// A deal that no tool made, so that there are changes which are not to be undone.
fn begun() -> Portfolio {
    let portfolio = empty("2026-01-29");
    let text = "id,type,stage,estimated_value,customer_id,customer_name,source\n\
        OLD-1,upsell,proposal,1000,C-1,Acme,a file\n";
    let source = Source {
        name: "opportunities.csv".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    assert!(
        portfolio
            .import(vec![source], None, &caller())
            .unwrap()
            .written
    );
    portfolio
}

const MADE: &str = "made here";

/// Does a step; says the deal it made, if it made one.
fn take(
    portfolio: &Portfolio,
    today: NaiveDate,
    ids: &[String],
    (what, place, amount): (u8, Index, i64),
) -> Option<String> {
    let close = today + chrono::Duration::days(amount % 200 - 20);
    if what == 0 || ids.is_empty() {
        let is_new = amount % 3 == 0;
        let made = portfolio.answer(
            "create_opportunity",
            json!({ "customer": if is_new { format!("Found {amount}") } else { "Acme".to_owned() }, "new_customer": is_new, "name": "A new one",
                "type": TYPES[(amount % 5) as usize], "estimated_value": amount as f64 / 100.0, "stage": STAGES[(amount % 4) as usize],
                "expected_close": close.to_string(), "source": MADE, "confirm": true }),
        );
        return made
            .ok()
            .and_then(|made| Some(made.structured["opportunity"]["id"].as_str()?.to_owned()));
    }
    let id = place.get(ids);
    let arguments = match what {
        1..=4 => {
            let stage = STAGES[(amount % 6) as usize];
            let mut moved =
                json!({ "opportunity": id, "stage": stage, "reason": "a test", "confirm": true });
            match stage {
                "closed_won" => moved["closed_value"] = json!(amount as f64 / 100.0),
                "closed_lost" => moved["lost_reason"] = json!("price"),
                _ => moved["keep_probability"] = json!(amount % 2 == 0),
            }
            moved
        }
        5 => {
            json!({ "opportunity": id, "estimated_value": amount as f64 / 100.0, "confirm": true })
        }
        6 => json!({ "opportunity": id, "expected_close": close.to_string(), "confirm": true }),
        _ => {
            json!({ "opportunity": id, "probability": (amount % 101) as f64 / 100.0, "expected_close": close.to_string(), "confirm": true })
        }
    };
    let tool = if what <= 4 {
        "update_stage"
    } else {
        "update_opportunity"
    };
    let _ = portfolio.answer(tool, arguments);
    None
}

/// The pipeline of the deals made here and each of them, against the raw log.
fn stands(portfolio: &Portfolio, today: NaiveDate, ids: &[String]) -> Result<(), TestCaseError> {
    let filter = Map::from_iter([("source".to_owned(), json!(MADE))]);
    let pipeline = ask(portfolio, "get_pipeline", &filter)?;
    let mut deals = Map::new();
    for id in ids {
        let asked = json!({ "opportunity": id, "include": "history" });
        // One whose creation was undone is no more.
        let Ok(answer) = portfolio.answer("get_opportunity", asked) else {
            continue;
        };
        let mut deal = answer.structured;
        let history = deal["history"].as_array().unwrap();
        let undone = history.iter().filter(|edit| edit["undone"] == true).count();
        deal["undone"] = json!(undone);
        deals.insert(id.clone(), deal);
    }
    let asked = [
        ("today", Some(days_since(today).to_string())),
        ("source", Some(MADE.to_owned())),
    ];
    let log = log_up_to(portfolio, position(portfolio), None, &asked);
    compare(
        "undo_change",
        &json!(ids),
        &json!({ "pipeline": pipeline, "deals": deals }),
        &figures(&log, UNDO_CHANGE),
    )
}

#[test]
fn undo_change_leaves_what_the_raw_log_says() {
    let step = (0..9_u64, 0..8_u8, any::<Index>(), 1..3_000_000_i64);
    let steps = vec((step, weighted(0.5, 0..14_u64)), 2..12);
    prove("undo_change", LOGS, steps, |steps| {
        let mut portfolio = begun();
        let mut today = date("2026-01-29");
        let mut ids = Vec::new();
        for ((later, what, place, amount), back) in steps {
            today = today + Days::new(later);
            portfolio = portfolio.on(&today.to_string());
            ids.extend(take(&portfolio, today, &ids, (what, place, amount)));
            if let Some(back) = back {
                let head = position(&portfolio);
                let change = head - back.min(head - 1);
                let asked = [("change", Some(change.to_string()))];
                let log = log_up_to(&portfolio, head, None, &asked);
                let expected = figures(&log, UNDO_REFUSED);
                drop(log);
                let undo = json!({ "change": change, "reason": "a test" });
                let refused = portfolio.ask("undo_change", undo.clone()).err();
                compare(
                    "undo_change",
                    &undo,
                    &json!({ "refused": refused }),
                    &expected,
                )?;
            }
            if !ids.is_empty() {
                stands(&portfolio, today, &ids)?;
            }
        }
        Ok(())
    });
}

/// The deals behind every figure that SQL names, against those that `explain` names.
fn explained(
    portfolio: &Portfolio,
    tool: &str,
    arguments: &Map<String, Value>,
    connection: &Connection,
    (oracle, behind): (&str, &str),
) -> Result<(), TestCaseError> {
    let answer = ask(portfolio, tool, arguments)?;
    connection.execute_batch(oracle).unwrap();
    connection.execute_batch(behind).unwrap();
    // A part of nothing moves no sum, so it may be named or not; a count has no such parts.
    let mut expected: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut statement = connection
        .prepare("SELECT figure, id, CAST(round(adds * 100) AS INTEGER) FROM behind WHERE coalesce(adds, 0) <> 0")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    for row in rows.unwrap() {
        let (figure, id, adds): (String, String, i64) = row.unwrap();
        *expected.entry(figure).or_default().entry(id).or_default() += adds;
    }
    for (figure, deals) in expected {
        let asked = json!({ "basis": answer["basis"]["ref"], "figure": figure, "limit": 200 });
        let named = ask(portfolio, "explain", asked.as_object().unwrap())?;
        let rows = named["deals"].as_array().unwrap().iter().map(|row| {
            let adds = (row["adds"].as_f64().unwrap() * 100.0).round() as i64;
            (row["id"].as_str().unwrap().to_owned(), adds)
        });
        let named: BTreeMap<String, i64> = rows.filter(|(_, adds)| *adds != 0).collect();
        prop_assert_eq!(
            named,
            deals,
            "{} {}: {}",
            tool,
            Value::Object(arguments.clone()),
            figure
        );
    }
    Ok(())
}

/// Each report with its own oracle and what it says of the deals behind its figures.
const REPORTS: [(&str, &str, &str); 6] = [
    (
        "get_pipeline",
        include_str!("../oracles/get_pipeline.sql"),
        include_str!("../oracles/explain/get_pipeline.sql"),
    ),
    (
        "get_forecast",
        include_str!("../oracles/get_forecast.sql"),
        include_str!("../oracles/explain/get_forecast.sql"),
    ),
    (
        "list_opportunities",
        include_str!("../oracles/list_opportunities.sql"),
        include_str!("../oracles/explain/list_opportunities.sql"),
    ),
    (
        "win_rate",
        include_str!("../oracles/win_rate.sql"),
        include_str!("../oracles/explain/win_rate.sql"),
    ),
    (
        "get_analytics",
        include_str!("../oracles/get_analytics.sql"),
        include_str!("../oracles/explain/get_analytics.sql"),
    ),
    (
        "get_changes",
        include_str!("../oracles/get_changes.sql"),
        include_str!("../oracles/explain/get_changes.sql"),
    ),
];

#[test]
fn explain_names_the_deals_that_sql_finds() {
    let strategy = (generate::export(24), generate::filters(), maybe_span());
    prove(
        "explain",
        PORTFOLIOS / 2,
        strategy,
        |(export, seed, span)| {
            let portfolio = imported(&export);
            for (tool, oracle, behind) in REPORTS {
                let closed_only = matches!(tool, "win_rate" | "get_analytics");
                let mut filters = export.filter(&seed, !closed_only);
                let is_said = filters.only.iter().any(|(key, _)| key == "stage");
                if tool == "list_opportunities" && !is_said {
                    filters
                        .only
                        .push(("stage".to_owned(), vec!["all".to_owned()]));
                }
                let mut arguments = filters.arguments();
                let ends = ends(&export, span.or(Some((0, 0, 0))));
                let mut asked = vec![("today", text(export.today))];
                match tool {
                    "list_opportunities" => {
                        arguments.insert("limit".to_owned(), json!(200));
                        let nothing = [
                            "closing_from",
                            "closing_to",
                            "closed_from",
                            "closed_to",
                            "identified_from",
                            "identified_to",
                            "attention",
                            "search",
                            "min_days",
                            "min_age",
                        ];
                        asked.extend(nothing.map(|name| (name, None)));
                        let said = [("page", "200"), ("sort", "value"), ("descending", "1")];
                        asked.extend(said.map(|(name, value)| (name, Some(value.to_owned()))));
                    }
                    "get_changes" => {
                        let from = export.today - chrono::Duration::days(20);
                        arguments.insert("from".to_owned(), json!(from.to_string()));
                        arguments.insert("to".to_owned(), json!(export.today.to_string()));
                        if !filters.leaves(true) {
                            continue; // Refused, so there is nothing to explain.
                        }
                        asked.extend([
                            ("eve", text(from.pred_opt().unwrap())),
                            ("last", text(export.today)),
                        ]);
                        asked.extend([("window_from", None), ("window_to", None)]);
                    }
                    _ => {
                        put(&mut arguments, "period", &ends);
                        asked.extend([
                            ("period_from", ends.0),
                            ("period_to", ends.1),
                            ("measure", None),
                        ]);
                        asked.extend([
                            ("by", None),
                            ("created", Some("0".to_owned())),
                            ("dimension", None),
                        ]);
                    }
                }
                let connection = tables(&export, &filters, &asked);
                connection
                .execute_batch(
                    "CREATE TABLE field_history (opportunity_id TEXT, field TEXT, \"from\" TEXT, \"to\" TEXT, at TEXT); \
                     CREATE TABLE due_history (deal TEXT, at TEXT, due TEXT)",
                )
                .unwrap();
                explained(&portfolio, tool, &arguments, &connection, (oracle, behind))?;
            }
            Ok(())
        },
    );
}
