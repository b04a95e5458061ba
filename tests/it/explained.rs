//! What `explain` says of an answer must be true of any portfolio: the parts of the deals come to the
//! figure, an answer of the past is given again to the letter, and what moved a figure accounts for all
//! of the difference.

use std::collections::BTreeMap;

use chrono::Days;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use expansion_pipeline::language::units;

use super::generate::{self, imported, prove};
use super::laws::{ask, filtered, steps, with, write};
use super::support::{Portfolio, TODAY, portfolio};

/// How many portfolios each law is tried on.
const CASES: u32 = 16;

const TOOLS: [&str; 6] = [
    "get_pipeline",
    "get_forecast",
    "list_opportunities",
    "win_rate",
    "get_analytics",
    "get_changes",
];

fn explain(
    portfolio: &Portfolio,
    answer: &Value,
    figure: Option<&str>,
) -> Result<Value, TestCaseError> {
    let basis = &answer["basis"]["ref"];
    let mut asked = json!({ "basis": basis, "limit": 200 });
    if let Some(figure) = figure {
        asked["figure"] = json!(figure);
    }
    ask(portfolio, "explain", asked)
}

/// The questions asked, with a period where the tool takes one.
fn questions(filter: &Map<String, Value>, period: &str) -> Vec<(&'static str, Value)> {
    let mut asked = Vec::new();
    for tool in TOOLS {
        let mut filter = filter.clone();
        if tool == "win_rate" || tool == "get_analytics" {
            filter.remove("stage");
            if let Some(Value::Object(exclude)) = filter.get_mut("exclude") {
                exclude.remove("stage");
            }
        }
        asked.push((tool, Value::Object(filter.clone())));
        match tool {
            "win_rate" => asked.push((tool, with(&filter, json!({ "by": "csm" })))),
            "get_analytics" => {
                for dimension in ["type", "signal", "quarter"] {
                    let all =
                        json!({ "dimension": dimension, "metrics": ["all"], "period": period });
                    asked.push((tool, with(&filter, all)));
                }
            }
            _ => {}
        }
        if tool != "list_opportunities" {
            asked.push((tool, with(&filter, json!({ "period": period }))));
        } else {
            asked.push((tool, with(&filter, json!({ "stage": "all" }))));
        }
    }
    asked
}

/// A number in ten-thousandths, so that it can be compared exactly.
fn fine(value: &Value) -> Option<i128> {
    value
        .as_f64()
        .map(|value| (value * 10_000.0).round() as i128)
}

/// Rounds half away from zero to what a figure is shown in: cents, tenths of days, four decimals.
fn rounded(part: i128, whole: i128, step: i128) -> i128 {
    let unit = whole * step;
    let (sign, part) = (part.signum(), part.abs());
    sign * ((2 * part + unit) / (2 * unit)) * step
}

#[test]
fn the_parts_of_the_deals_come_to_the_figure() {
    prove(
        "parts of figures",
        CASES,
        (filtered(), generate::span()),
        |((export, seed), span)| {
            let portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let (from, to) = generate::span_of(export.today, span);
            let period = if to < export.today {
                format!("{from}..{to}")
            } else {
                "this quarter".to_owned()
            };
            for (tool, arguments) in questions(&filter, &period) {
                let answer = ask(&portfolio, tool, arguments.clone())?;
                let all = explain(&portfolio, &answer, None)?;
                prop_assert_eq!(&all["same_today"], &json!(true), "{} {}", tool, arguments);
                prop_assert_eq!(&all["basis"], &answer["basis"]);
                prop_assert_eq!(&all["moved_total"], &json!(0));
                for figure in all["figures"].as_array().unwrap() {
                    let Some(deals) = figure["deals"].as_u64() else {
                        continue;
                    };
                    let path = figure["figure"].as_str().unwrap();
                    let one = explain(&portfolio, &answer, Some(path))?;
                    prop_assert_eq!(one["figures"][0]["value"].clone(), figure["value"].clone());
                    let parts = one["deals"].as_array().unwrap();
                    prop_assert_eq!(parts.len() as u64, deals);
                    let sum: i128 = parts.iter().filter_map(|part| fine(&part["adds"])).sum();
                    let expected = if path.ends_with(".mean") || path.ends_with(".rate") {
                        let step = match path {
                            _ if path.contains("days") => 1_000,
                            _ if path.ends_with(".mean") => 100,
                            _ => 1,
                        };
                        (deals > 0).then(|| rounded(sum, i128::from(deals), step))
                    } else {
                        Some(sum)
                    };
                    prop_assert_eq!(
                        fine(&figure["value"]),
                        expected,
                        "{} {}: {} of {:#?}",
                        tool,
                        arguments,
                        path,
                        parts
                    );
                }
            }
            Ok(())
        },
    );
}

#[test]
fn what_moved_accounts_for_the_difference() {
    prove(
        "what moved",
        CASES,
        (filtered(), steps()),
        |((export, seed), steps)| {
            let mut portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let answers: Vec<(&str, Value, Value)> = questions(&filter, "this quarter")
                .into_iter()
                .map(|(tool, arguments)| {
                    let answer = ask(&portfolio, tool, arguments.clone())?;
                    Ok::<_, TestCaseError>((tool, arguments, answer))
                })
                .collect::<Result<_, _>>()?;
            let mut today = export.today;
            for (days, place, stage) in steps {
                today = today + Days::new(days);
                portfolio = portfolio.on(&today.to_string());
                write(&portfolio, &export, place, stage, false)?;
            }
            for (tool, arguments, answer) in answers {
                let all = explain(&portfolio, &answer, None)?;
                // The answer of the past, given again to the letter.
                prop_assert_eq!(&all["basis"], &answer["basis"], "{} {}", tool, arguments);
                for figure in all["figures"].as_array().unwrap() {
                    let path = figure["figure"].as_str().unwrap();
                    if figure["deals"].is_null()
                        || path.ends_with(".mean")
                        || path.ends_with(".rate")
                    {
                        continue;
                    }
                    let one = explain(&portfolio, &answer, Some(path))?;
                    let difference = one["differences"].get(0);
                    let by_changes = difference.map_or(0, |row| {
                        fine(&row["after_changes"]).unwrap_or(0) - fine(&row["then"]).unwrap_or(0)
                    });
                    let moved = one["moved"].as_array().unwrap();
                    let of_deals: i128 = moved
                        .iter()
                        .map(|deal| {
                            fine(&deal["now"]).unwrap_or(0) - fine(&deal["then"]).unwrap_or(0)
                        })
                        .sum();
                    if one["moved_total"] == json!(moved.len()) {
                        prop_assert_eq!(
                            of_deals,
                            by_changes,
                            "{} {}: {} {:#?}",
                            tool,
                            arguments,
                            path,
                            one
                        );
                    }
                    let names: BTreeMap<&str, usize> = moved
                        .iter()
                        .map(|deal| {
                            (
                                deal["id"].as_str().unwrap(),
                                deal["changes"].as_array().unwrap().len(),
                            )
                        })
                        .collect();
                    prop_assert!(names.values().all(|changes| *changes > 0), "{:#?}", one);
                }
            }
            Ok(())
        },
    );
}

/// The names of all numbers in an answer that `explain` may compare.
fn figures(value: &Value, path: &str, into: &mut Vec<String>) {
    let below = |name: &str| format!("{path}.{name}");
    match value {
        Value::Number(_) => into.push(path.to_owned()),
        Value::Object(fields) => {
            for (name, field) in fields {
                if !["basis", "warnings", "reasons", "what_if", "interval"].contains(&name.as_str())
                {
                    figures(field, &below(name), into);
                }
            }
        }
        // Numbers that stand in a row are two ends of something.
        Value::Array(rows) => rows
            .iter()
            .filter(|row| !row.is_number())
            .for_each(|row| figures(row, &below("row"), into)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[test]
fn every_figure_of_every_report_is_measured_in_something() {
    let portfolio = portfolio("demo", TODAY);
    let mut found = Vec::new();
    for (tool, arguments) in [
        (
            "get_pipeline",
            json!({ "include": ["forecast", "metrics", "opportunities"] }),
        ),
        (
            "get_forecast",
            json!({ "period": "Q1", "include": ["accuracy", "calibration", "deals"] }),
        ),
        (
            "list_opportunities",
            json!({ "stage": "all", "include": ["details", "tcv"] }),
        ),
        (
            "list_opportunities",
            json!({ "by": "customer", "stage": "all" }),
        ),
        ("win_rate", json!({ "by": "csm" })),
        ("win_rate", json!({ "by": "type", "basis": "created" })),
        ("get_analytics", json!({ "metrics": "all" })),
        (
            "get_analytics",
            json!({ "metrics": "all", "dimension": "quarter" }),
        ),
        (
            "get_analytics",
            json!({ "metrics": "all", "dimension": "signal" }),
        ),
        ("get_changes", json!({ "period": "this month" })),
        ("get_opportunity", json!({ "opportunity": "OPP-1146" })),
    ] {
        let answer = portfolio.ask(tool, arguments).unwrap();
        figures(&answer, tool, &mut found);
    }
    assert!(found.len() > 1_000, "{} figures only", found.len());
    let unknown: Vec<&String> = found
        .iter()
        .filter(|path| units::unit(path).is_none())
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
