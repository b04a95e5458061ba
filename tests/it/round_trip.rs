//! Out and in again: what is exported and imported into an empty database is the same log, so every
//! report is the same at every as_of; and the plain files alone say how things stand. Checked on
//! generated portfolios with later writes, undos and newer exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{Days, NaiveDate};
use expansion_pipeline::files;
use expansion_pipeline::registry;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::generate::{self, Export, FilterSeed, imported, prove};
use super::support::{self, Portfolio, caller, empty};

/// How many portfolios each law is tried on.
const CASES: u32 = 24;

/// What happens after the first import: days later, to which deal, what, and how much.
pub type Step = (u64, Index, u8, i64);

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((0..20_u64, any::<Index>(), 0..10_u8, 1..9_000_i64), 0..8)
}

/// A history of an organisation: an export, steps, and somewhere among them a newer export.
fn histories() -> impl Strategy<Value = (Export, Vec<Step>, FilterSeed)> {
    (generate::export(12), steps(), generate::filters())
}

/// Does what a step says; what is refused (a move that leads nowhere, an undo of what others build on)
/// is left out.
pub fn take(portfolio: &Portfolio, export: &Export, (_, place, what, amount): &Step) {
    let deal = (!export.deals.is_empty()).then(|| place.get(&export.deals));
    let id = deal.map_or("D-0", |deal| deal.id.as_str());
    let call = |tool: &str, arguments: Value| {
        let _ = portfolio.answer(tool, arguments);
    };
    match what {
        0..=2 => {
            let stage = generate::STAGES[(*amount % 6) as usize];
            let mut moved =
                json!({ "opportunity": id, "stage": stage, "reason": "said \"so\",\nand why" });
            match stage {
                "closed_won" => moved["closed_value"] = json!(amount),
                "closed_lost" => {
                    moved["lost_reason"] = json!("timing");
                    moved["lost_note"] = json!("a long\nnote");
                }
                _ => {}
            }
            call("update_stage", moved);
        }
        3 => call(
            "create_opportunity",
            json!({ "customer": "Newly Found, \"Inc.\"", "new_customer": true, "name": "Later on", "type": "upsell",
                "estimated_value": amount, "expected_close": "2027-01-15", "notes": "  one\n\ttwo",
                "signal": { "kind": "usage", "evidence": "seats at 96 %" } }),
        ),
        4 | 5 => call(
            "update_opportunity",
            json!({ "opportunity": id, "estimated_value": amount, "expected_close": "2026-12-24", "use_case": "café" }),
        ),
        6 => call(
            "set_target",
            json!({ "period": "2026-11", "amount": amount, "csm": "Ava Stone" }),
        ),
        7 => {
            let settings = vec![(
                "probability.proposal".to_owned(),
                format!("{}%", amount % 101),
            )];
            portfolio.change_settings(settings, &caller()).unwrap();
        }
        8 => {
            let mut newer = export.clone();
            for deal in &mut newer.deals {
                deal.estimate += amount * 100;
            }
            let sources = newer.sources();
            portfolio.import(sources, None, &caller()).unwrap();
        }
        _ => {
            let head = position(portfolio);
            let change = head - u64::try_from(*amount).unwrap() % head.min(12);
            call(
                "undo_change",
                json!({ "change": change, "reason": "a test" }),
            );
        }
    }
}

pub fn position(portfolio: &Portfolio) -> u64 {
    let position = portfolio.portfolio().unwrap().position();
    u64::from(position)
}

/// A portfolio with everything that happened to it, on its last day.
pub fn lived(export: &Export, steps: &[Step]) -> (Portfolio, NaiveDate) {
    let mut today = export.today;
    let mut portfolio = imported(export);
    for step in steps {
        today = today + Days::new(step.0);
        portfolio = portfolio.on(&today.to_string());
        take(&portfolio, export, step);
    }
    (portfolio, today)
}

/// Writes a portfolio out, and reads it, or some of the files, into an empty database.
fn out_and_in(
    portfolio: &Portfolio,
    today: NaiveDate,
    folder: &Path,
    keep: impl Fn(&str) -> bool,
) -> Portfolio {
    portfolio.export(folder.to_owned()).unwrap();
    let again = empty(&today.to_string());
    let mut sources = files::sources(&[folder.to_owned()]).unwrap();
    sources.retain(|source| keep(&source.name));
    let done = again.import(sources, None, &caller()).unwrap();
    assert!(done.written, "{:#?}", done.rejections);
    again
}

/// Every answer of every tool that reads, with what asks for the past added; refusals, too.
fn answers(portfolio: &Portfolio, filter: &Value, past: &Value) -> Vec<(String, String)> {
    let deals = portfolio.portfolio().unwrap();
    let some = ["D-1", "D-2", "D-3"]
        .map(|id| json!({ "opportunity": id, "include": ["history", "notes", "signals"] }));
    let made = (0..deals.len()).rev().filter_map(|deal| deals.origin(deal));
    let made = made.take(1).map(|origin| {
        let id = deals.text(origin.id);
        json!({ "opportunity": id, "include": ["history", "notes", "signals"] })
    });
    let ones: Vec<Value> = some.into_iter().chain(made).collect();
    let mut answers = Vec::new();
    for tool in registry::tools().iter().filter(|tool| tool.is_read_only()) {
        let questions = match tool.name {
            "get_opportunity" => ones.clone(),
            "list_opportunities" => vec![
                json!({ "stage": "all", "limit": 200, "include": "details" }),
                filter.clone(),
            ],
            _ => vec![json!({}), filter.clone()],
        };
        for mut question in questions {
            let question = {
                question
                    .as_object_mut()
                    .unwrap()
                    .extend(past.as_object().unwrap().clone());
                question
            };
            let answer = match portfolio.answer(tool.name, question.clone()) {
                Ok(answer) => format!("{:#}\n{}", answer.structured, answer.text),
                Err(refusal) => format!("{refusal:?}"),
            };
            answers.push((format!("{} {question}", tool.name), answer));
        }
    }
    answers
}

fn texts(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                fs::read(file.path()).unwrap(),
            )
        })
        .collect()
}

#[test]
fn export_and_import_is_the_identity_at_every_as_of() {
    let places = vec(any::<Index>(), 5);
    prove(
        "out and in again",
        CASES,
        (histories(), places),
        |((export, steps, seed), places)| {
            let (portfolio, today) = lived(&export, &steps);
            let folder = TempDir::new().unwrap();
            let (one, two) = (folder.path().join("one"), folder.path().join("two"));
            let again = out_and_in(&portfolio, today, &one, |_| true);
            let filter = Value::Object(export.filter(&seed, true).arguments());
            let head = position(&portfolio);
            prop_assert_eq!(head, position(&again));
            let entries = portfolio.portfolio().unwrap();
            let ends = entries
                .entries()
                .iter()
                .map(|entry| u64::from(entry.first) - 1);
            let anywhere = places
                .iter()
                .map(|place| place.index(head as usize + 1) as u64);
            let positions = ends
                .chain(anywhere)
                .chain([head])
                .filter(|position| *position > 0);
            let mut pasts: Vec<Value> = positions
                .map(|position| json!({ "as_of": format!("@{position}") }))
                .collect();
            pasts.push(json!({}));
            for days in [0, 3, 40] {
                let on = (today - Days::new(days)).to_string();
                pasts.push(json!({ "as_of": on }));
                pasts.push(json!({ "known_at": on }));
                pasts.push(json!({ "as_of": on, "known_at": (today - Days::new(2)).to_string() }));
            }
            for past in pasts {
                let (before, after) = (
                    answers(&portfolio, &filter, &past),
                    answers(&again, &filter, &past),
                );
                for (before, after) in before.into_iter().zip(after) {
                    prop_assert_eq!(before, after);
                }
            }
            for portfolio in [&portfolio, &again] {
                for finding in portfolio.check().unwrap() {
                    prop_assert!(finding.faults.is_empty(), "{:?}", finding);
                }
            }
            again.export(two.clone()).unwrap();
            for ((name, before), (_, after)) in texts(&one).into_iter().zip(texts(&two)) {
                prop_assert_eq!(
                    String::from_utf8(before).unwrap(),
                    String::from_utf8(after).unwrap(),
                    "{}",
                    name
                );
            }
            // What was made again goes on as the other does.
            let step = (0, places[0], 4, 4_321);
            take(&portfolio, &export, &step);
            take(&again, &export, &step);
            prop_assert_eq!(
                answers(&portfolio, &filter, &json!({})),
                answers(&again, &filter, &json!({}))
            );
            Ok(())
        },
    );
}

/// What an answer about the present says, without what only the log knows: positions, what is or is not
/// on record, and what was forecast on days gone by.
fn present(answer: &Value) -> Value {
    let mut answer = answer.clone();
    forget(&mut answer);
    answer
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in [
                "basis",
                "version",
                "ref",
                "next_cursor",
                "changes",
                "forecast_at_open",
                "probability_source",
                "forecast_category_source",
                "reasons",
                "warnings",
            ] {
                fields.remove(name);
            }
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

#[test]
fn the_plain_files_alone_say_how_things_stand() {
    prove(
        "plain files",
        CASES * 2,
        histories(),
        |(mut export, steps, seed)| {
            // A history cannot say that nobody knows since when a deal stood where it first stood.
            for deal in export.deals.iter_mut().filter(|deal| deal.moves.is_empty()) {
                deal.entered = deal.entered.or(Some(export.today)).max(deal.identified);
            }
            let (portfolio, today) = lived(&export, &steps);
            let folder = TempDir::new().unwrap();
            let again = out_and_in(&portfolio, today, &folder.path().join("out"), |name| {
                name != files::log::NAME
            });
            let filter = export.filter(&seed, true).arguments();
            let mut without_stage = filter.clone();
            without_stage.remove("stage");
            if let Some(exclude) = without_stage
                .get_mut("exclude")
                .and_then(Value::as_object_mut)
            {
                exclude.remove("stage");
            }
            let with = |filter: &serde_json::Map<String, Value>, more: Value| {
                let mut arguments = filter.clone();
                arguments.extend(more.as_object().unwrap().clone());
                Value::Object(arguments)
            };
            let questions = [
                (
                    "list_opportunities",
                    json!({ "stage": "all", "limit": 200, "include": "details" }),
                ),
                ("list_opportunities", with(&filter, json!({ "limit": 200 }))),
                (
                    "list_opportunities",
                    with(&filter, json!({ "by": "customer", "limit": 200 })),
                ),
                ("get_pipeline", json!({})),
                ("get_pipeline", Value::Object(filter.clone())),
                ("get_forecast", json!({})),
                (
                    "get_forecast",
                    with(&filter, json!({ "period": "next 3 months" })),
                ),
                ("win_rate", json!({})),
                ("win_rate", with(&without_stage, json!({ "by": "csm" }))),
                (
                    "win_rate",
                    with(
                        &without_stage,
                        json!({ "by": "stage_reached", "basis": "created" }),
                    ),
                ),
            ];
            for (tool, question) in questions {
                let ask = |portfolio: &Portfolio| match portfolio.answer(tool, question.clone()) {
                    Ok(answer) => Ok(present(&answer.structured)),
                    Err(refusal) => {
                        Err(TestCaseError::fail(format!("{tool} {question}: {refusal}")))
                    }
                };
                let (before, after) = (ask(&portfolio)?, ask(&again)?);
                let mut lines = Vec::new();
                support::differences(&before, &after, "", &mut lines);
                prop_assert!(
                    lines.is_empty(),
                    "{} {}\n{}",
                    tool,
                    question,
                    lines.join("\n")
                );
            }
            Ok(())
        },
    );
}

#[test]
fn an_estimate_that_was_empty_at_first_stays_so() {
    let deals =
        "id,type,stage,estimated_value,identified_date\nD-1,upsell,proposal,1000,2026-01-05\n";
    let history = "opportunity_id,field,from,to,at\nD-1,estimated_value,,1000,2026-01-15\n";
    let sources = [("opportunities.csv", deals), ("field_history.csv", history)];
    let sources = sources.map(|(name, text)| files::Source {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    });
    let today = support::date("2026-01-29");
    let portfolio = empty("2026-01-29");
    let import = || portfolio.import(sources.to_vec(), None, &caller()).unwrap();
    assert!(import().written);
    let end = position(&portfolio);
    import();
    assert_eq!(
        position(&portfolio),
        end,
        "the same files said something new"
    );
    let folder = TempDir::new().unwrap();
    let (whole, plain) = (folder.path().join("whole"), folder.path().join("plain"));
    let copies = [
        out_and_in(&portfolio, today, &whole, |_| true),
        out_and_in(&portfolio, today, &plain, |name| !name.ends_with("log.csv")),
    ];
    for portfolio in copies.iter().chain([&portfolio]) {
        let asked = json!({ "opportunity": "D-1", "include": "history" });
        let deal = portfolio.ask("get_opportunity", asked).unwrap();
        let edits = deal["history"].as_array().unwrap();
        let edit = edits.iter().find(|edit| edit["field"] == "estimated_value");
        let edit = edit.unwrap_or_else(|| panic!("{edits:#?}"));
        assert_eq!((edit.get("from"), &edit["to"]), (None, &json!("$1,000")));
        let then = json!({ "as_of": "2026-01-10" });
        let then = portfolio.ask("get_pipeline", then).unwrap();
        assert_eq!(then["summary"]["total_opportunities"], 1);
        assert_eq!(then["summary"]["total_value"], 0);
    }
}
