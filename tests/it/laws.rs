//! What must hold of any portfolio, whatever it holds: figures that add up, rates that are rates,
//! the past that stays as it was, and ways of asking that must not matter. Checked on generated
//! exports (`generate`); figures themselves are the oracles' business.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{Datelike, Days, Months};
use expansion_pipeline::domain::change::{Batch, Logged, Subject};
use expansion_pipeline::domain::portfolio::Portfolio as Folded;
use expansion_pipeline::files::Source;
use expansion_pipeline::store::{Reading, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::generate::{self, Export, FilterSeed, imported, prove};
use super::support::{self, Portfolio, caller, empty, program};

/// How many portfolios each law is tried on.
const CASES: u32 = 48;

const MEASURES: [&str; 4] = ["closed", "commit", "best_case", "weighted"];

pub fn ask(portfolio: &Portfolio, tool: &str, arguments: Value) -> Result<Value, TestCaseError> {
    match portfolio.answer(tool, arguments.clone()) {
        Ok(answer) => Ok(answer.structured),
        Err(refusal) => Err(TestCaseError::fail(format!(
            "{tool} {arguments} is refused: {refusal}"
        ))),
    }
}

pub fn with(arguments: &Map<String, Value>, more: Value) -> Value {
    let mut arguments = arguments.clone();
    arguments.extend(more.as_object().unwrap().clone());
    Value::Object(arguments)
}

/// An amount in hundredths, so that sums are exact.
fn cents(value: &Value) -> i64 {
    (value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no amount"))
        * 100.0)
        .round() as i64
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Value>, field: &str) -> i64 {
    rows.into_iter().map(|row| cents(&row[field])).sum()
}

fn rows<'a>(answer: &'a Value, list: &str) -> &'a [Value] {
    answer[list]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The figures of an answer: everything but what says how it was asked and where the log stands.
fn figures(mut answer: Value) -> Value {
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("basis");
        answer.remove("next_cursor");
    }
    answer
}

/// Without the examples that a warning names, which are the first in the log.
fn unnamed(mut answers: Value) -> Value {
    for answer in answers
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        for warning in answer["warnings"].as_array_mut().into_iter().flatten() {
            let message = warning["message"].as_str().unwrap();
            warning["message"] = json!(message.split(':').next());
        }
    }
    answers
}

/// Rows in an order of their own, for lists whose equals may stand in any order.
fn sorted(mut answer: Value, list: &str) -> Value {
    if let Some(rows) = answer[list].as_array_mut() {
        for row in rows.iter_mut() {
            // The version of a deal is its place in the log, which is no figure.
            row.as_object_mut().map(|row| row.remove("version"));
        }
        rows.sort_by_key(Value::to_string);
    }
    answer
}

/// Every figure of a portfolio, as one value: what laws about ways of asking compare.
pub fn everything(
    portfolio: &Portfolio,
    filter: &Map<String, Value>,
    more: &Value,
) -> Result<Value, TestCaseError> {
    let mut without_stage = filter.clone();
    without_stage.remove("stage");
    if let Some(exclude) = without_stage
        .get_mut("exclude")
        .and_then(Value::as_object_mut)
    {
        exclude.remove("stage");
    }
    let get = |tool: &str, arguments: Value| {
        ask(
            portfolio,
            tool,
            with(arguments.as_object().unwrap(), more.clone()),
        )
        .map(figures)
    };
    let all = json!({ "stage": "all", "limit": 200, "include": "details" });
    Ok(json!({
        "pipeline": get("get_pipeline", with(filter, json!({ "include": ["metrics"] })))?,
        "forecast": get("get_forecast", with(filter, json!({ "include": ["accuracy", "calibration"] })))?,
        "list": sorted(get("list_opportunities", with(filter, json!({ "limit": 200 })))?, "opportunities"),
        "all": sorted(get("list_opportunities", all)?, "opportunities"),
        "customers": sorted(get("list_opportunities", with(filter, json!({ "by": "customer", "limit": 200 })))?, "by_customer"),
        "win_rate": get("win_rate", with(&without_stage, json!({ "by": "csm" })))?,
        "analytics": get("get_analytics", with(&without_stage, json!({ "metrics": "all", "dimension": "source" })))?,
        "created": get("win_rate", with(&without_stage, json!({ "by": "stage_reached", "basis": "created" })))?,
    }))
}

pub fn same(one: &Value, other: &Value, what: &str) -> Result<(), TestCaseError> {
    let (mut missing, mut more) = (Vec::new(), Vec::new());
    support::differences(one, other, "", &mut missing);
    support::differences(other, one, "", &mut more);
    prop_assert!(
        missing.is_empty() && more.is_empty(),
        "{what}\n{}\nand the other way round\n{}",
        missing.join("\n"),
        more.join("\n")
    );
    Ok(())
}

pub fn filtered() -> impl Strategy<Value = (Export, FilterSeed)> {
    (generate::export(20), generate::filters())
}

#[test]
fn stages_and_types_add_up_to_the_pipeline_and_the_list_to_both() {
    let period = proptest::option::of(generate::span());
    prove(
        "stages, types and lists",
        CASES,
        (filtered(), period),
        |((export, seed), span)| {
            let portfolio = imported(&export);
            let filters = export.filter(&seed, true);
            let filter = filters.arguments();
            let (from, to) = span.map_or((None, None), |span| {
                let (from, to) = generate::span_of(export.today, span);
                (Some(from), Some(to))
            });
            let within = from.zip(to).map(|(from, to)| format!("{from}..{to}"));
            let named = |name: &str| {
                within
                    .as_ref()
                    .map_or_else(|| json!({}), |within| json!({ name: within }))
            };
            let pipeline = ask(&portfolio, "get_pipeline", with(&filter, named("period")))?;
            let (summary, stages) = (&pipeline["summary"], rows(&pipeline, "by_stage"));
            let open = || stages.iter().take(4);
            let types = || rows(summary, "by_type").iter();
            for (total, part) in [
                ("total_value", "value"),
                ("weighted_value", "weighted_value"),
                ("total_opportunities", "count"),
            ] {
                prop_assert_eq!(
                    sum(open(), part),
                    cents(&summary[total]),
                    "stages: {}",
                    part
                );
                prop_assert_eq!(
                    sum(types(), part),
                    cents(&summary[total]),
                    "types: {}",
                    part
                );
            }
            if !filter.contains_key("stage") && (within.is_none() || filters.leaves(true)) {
                let open = ask(
                    &portfolio,
                    "list_opportunities",
                    with(&filter, named("closing")),
                )?;
                prop_assert_eq!(&open["total"], &summary["total_opportunities"]);
                prop_assert_eq!(&open["open"]["value"], &summary["total_value"]);
                prop_assert_eq!(&open["open"]["weighted"], &summary["weighted_value"]);
                if within.is_some() && filters.leaves(false) {
                    let closed = ask(
                        &portfolio,
                        "list_opportunities",
                        with(&filter, named("closed")),
                    )?;
                    prop_assert_eq!(&closed["won_count"], &stages[4]["count"]);
                    prop_assert_eq!(&closed["won_value"], &stages[4]["value"]);
                    prop_assert_eq!(&closed["lost_count"], &stages[5]["count"]);
                    prop_assert_eq!(&closed["lost_value"], &stages[5]["value"]);
                }
            }
            let list = ask(
                &portfolio,
                "list_opportunities",
                with(&filter, json!({ "limit": 200 })),
            )?;
            let shown = rows(&list, "opportunities").len();
            prop_assert_eq!(json!(shown), list["total"].clone());
            let by_customer = ask(
                &portfolio,
                "list_opportunities",
                with(&filter, json!({ "by": "customer", "limit": 200 })),
            )?;
            prop_assert_eq!(
                sum(rows(&by_customer, "by_customer"), "opportunities"),
                cents(&list["total"])
            );
            let open = rows(&by_customer, "by_customer")
                .iter()
                .map(|row| &row["open"]);
            prop_assert_eq!(sum(open, "value"), cents(&list["open"]["value"]));
            Ok(())
        },
    );
}

#[test]
fn months_and_the_overdue_row_add_up_to_the_period() {
    prove(
        "months",
        CASES * 2,
        (filtered(), generate::span()),
        |((export, seed), span)| {
            let portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let (from, to) = generate::span_of(export.today, span);
            let forecast = ask(
                &portfolio,
                "get_forecast",
                with(&filter, json!({ "period": format!("{from}..{to}") })),
            )?;
            for measure in MEASURES {
                prop_assert_eq!(
                    sum(rows(&forecast, "by_month"), measure),
                    cents(&forecast[measure]),
                    "{}",
                    measure
                );
            }
            prop_assert_eq!(
                sum(rows(&forecast, "by_month"), "forecast"),
                cents(&forecast["forecast"])
            );
            let in_order = ["closed", "commit", "best_case", "upside"]
                .map(|measure| cents(&forecast[measure]));
            prop_assert!(
                in_order.is_sorted(),
                "each measure holds the one before: {:?}",
                in_order
            );
            prop_assert!(
                (in_order[0]..=in_order[3]).contains(&cents(&forecast["weighted"])),
                "weighted lies between closed and upside"
            );
            prop_assert_eq!(&forecast["worst_case"], &forecast["closed"]);
            Ok(())
        },
    );
}

#[test]
fn rates_lie_between_nothing_and_everything_and_inside_their_interval() {
    let by = select(vec![
        "type",
        "csm",
        "sales_rep",
        "customer",
        "size_band",
        "stage_reached",
        "month",
        "quarter",
    ]);
    prove(
        "rates",
        CASES,
        (filtered(), by, any::<bool>()),
        |((export, seed), by, created)| {
            let portfolio = imported(&export);
            let filter = export.filter(&seed, false).arguments();
            let basis = if created { "created" } else { "closed" };
            let found = ask(
                &portfolio,
                "win_rate",
                with(
                    &filter,
                    json!({ "by": by, "basis": basis, "period": "trailing 24 months" }),
                ),
            )?;
            let segments = rows(&found, "segments");
            for figures in segments.iter().chain([&found["overall"]]) {
                let rate = &figures["win_rate"];
                let (part, of) = (rate["part"].as_u64().unwrap(), rate["of"].as_u64().unwrap());
                prop_assert!(part <= of);
                let Some(share) = rate["rate"].as_f64() else {
                    prop_assert!(
                        of == 0 && rate.get("interval").is_none(),
                        "only nothing has no rate: {}",
                        rate
                    );
                    continue;
                };
                let bounds: Vec<f64> = rate["interval"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|bound| bound.as_f64().unwrap())
                    .collect();
                let [low, high] = bounds[..] else {
                    panic!("{rate}")
                };
                prop_assert!(
                    0.0 <= low && low <= share && share <= high && high <= 1.0,
                    "{}",
                    rate
                );
                for bound in [low, high] {
                    prop_assert!(
                        is_wilson_bound(part as f64, of as f64, bound),
                        "{} is no Wilson bound: {}",
                        bound,
                        rate
                    );
                }
                if let Some(share) = figures["win_rate_by_value"].as_f64() {
                    prop_assert!((0.0..=1.0).contains(&share));
                }
            }
            for field in ["won", "lost", "won_value", "lost_value"] {
                prop_assert_eq!(
                    sum(segments, field),
                    cents(&found["overall"][field]),
                    "segments add up: {}",
                    field
                );
            }
            let reasons = sum(rows(&found["overall"], "lost_reasons"), "count");
            prop_assert_eq!(reasons, cents(&found["overall"]["lost"]), "reasons add up");
            let pipeline = ask(&portfolio, "get_pipeline", Value::Object(filter))?;
            for stage in rows(&pipeline, "by_stage") {
                if let Some(rate) = stage["conversion_rate"].as_f64() {
                    let (low, high) = (
                        stage["conversion_interval"][0].as_f64().unwrap(),
                        stage["conversion_interval"][1].as_f64().unwrap(),
                    );
                    prop_assert!(
                        0.0 <= low && low <= rate && rate <= high && high <= 1.0,
                        "{}",
                        stage
                    );
                }
            }
            Ok(())
        },
    );
}

/// The bounds of the Wilson interval are where the rate lies z standard errors away, the error taken
/// at the bound: (p − x)² = z² x (1 − x) ÷ n. A bound to four decimals has that change sign around it.
fn is_wilson_bound(part: f64, of: f64, bound: f64) -> bool {
    let z = 1.959_964;
    let away = |x: f64| (part / of - x).powi(2) - z * z * x * (1.0 - x) / of;
    let step = 0.000_050_1;
    (bound <= step && part == 0.0)
        || (bound >= 1.0 - step && part == of)
        || away(bound - step) * away(bound + step) <= 0.0
}

/// The same files with their rows in another order.
fn shuffled(export: &Export, keys: &[u32]) -> Vec<Source> {
    let shuffle = |source: Source| {
        let mut reader = csv::Reader::from_reader(source.bytes.as_slice());
        let header = reader.headers().unwrap().clone();
        let mut records: Vec<_> = reader.records().map(Result::unwrap).collect();
        let place = |number: usize| {
            keys[number % keys.len()].wrapping_mul(2_654_435_761 ^ (number / keys.len()) as u32)
        };
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|number| (place(*number), *number));
        records = order
            .into_iter()
            .map(|number| records[number].clone())
            .collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&header).unwrap();
        records
            .iter()
            .for_each(|record| writer.write_record(record).unwrap());
        Source {
            name: source.name,
            bytes: writer.into_inner().unwrap(),
        }
    };
    let mut sources: Vec<Source> = export.sources().into_iter().map(shuffle).collect();
    let files = sources.len();
    sources.rotate_left(keys[0] as usize % files);
    sources
}

#[test]
fn the_order_of_rows_and_files_never_matters() {
    prove(
        "row order",
        CASES,
        (filtered(), vec(any::<u32>(), 16)),
        |((export, seed), keys)| {
            let (one, other) = (imported(&export), empty(&export.today.to_string()));
            assert!(
                other
                    .import(shuffled(&export, &keys), None, &caller())
                    .unwrap()
                    .written
            );
            let filter = export.filter(&seed, true).arguments();
            same(
                &unnamed(everything(&one, &filter, &json!({}))?),
                &unnamed(everything(&other, &filter, &json!({}))?),
                "the order of rows changes a figure",
            )
        },
    );
}

/// Moves of one day that lead back to where the day began: dates alone give no order, but each row
/// says where it goes on from, and the next one where the day ended.
const ROUND: [&str; 3] = [
    "D-1,identified,qualified,2026-01-20",
    "D-1,qualified,identified,2026-01-20",
    "D-1,identified,proposal,2026-01-22",
];

/// An export of one deal with that history, its rows in some order, and a name.
fn round_trip(order: [usize; 3], name: &str) -> Vec<Source> {
    let deal = format!(
        "id,name,type,stage,estimated_value,identified_date\nD-1,{name},upsell,proposal,100,2026-01-10\n"
    );
    let history: String = order.map(|row| format!("{}\n", ROUND[row])).concat();
    let history = format!("opportunity_id,from_stage,to_stage,at\n{history}");
    let source = |name: &str, text: String| Source {
        name: name.to_owned(),
        bytes: text.into_bytes(),
    };
    vec![
        source("opportunities.csv", deal),
        source("stage_history.csv", history),
    ]
}

#[test]
fn a_newer_export_with_the_same_moves_adds_none() {
    let (fresh, renewed) = (empty("2026-01-29"), empty("2026-01-29"));
    for (portfolio, name) in [(&renewed, "One"), (&renewed, "Two"), (&fresh, "Two")] {
        let done = portfolio.import(round_trip([0, 1, 2], name), None, &caller());
        assert!(done.unwrap().written);
    }
    let all = |portfolio: &Portfolio| everything(portfolio, &Map::new(), &json!({})).unwrap();
    same(&all(&fresh), &all(&renewed), "the same moves again").unwrap();
}

#[test]
fn as_of_today_is_now() {
    prove("as of today", CASES, filtered(), |(export, seed)| {
        let portfolio = imported(&export);
        let filter = export.filter(&seed, true).arguments();
        let as_of = json!({ "as_of": export.today.to_string() });
        same(
            &everything(&portfolio, &filter, &json!({}))?,
            &everything(&portfolio, &filter, &as_of)?,
            "as of today differs from now",
        )
    });
}

/// A write on a later day: a move, or a new deal.
pub type Step = (u64, Index, Option<usize>);

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(
        (
            0..20_u64,
            any::<Index>(),
            proptest::option::weighted(0.8, 0..6_usize),
        ),
        1..6,
    )
}

pub fn write(
    portfolio: &Portfolio,
    export: &Export,
    place: Index,
    stage: Option<usize>,
    dry_run: bool,
) -> Result<Value, TestCaseError> {
    let Some(stage) = stage.filter(|_| !export.deals.is_empty()) else {
        let made = json!({
            "customer": "CUS-1", "name": "Later on", "type": "upsell", "estimated_value": 1234.5, "expected_close": "2027-01-15", "confirm": true,
            "dry_run": dry_run,
        });
        return ask(portfolio, "create_opportunity", made);
    };
    let deal = place.get(&export.deals);
    let mut moved = json!({ "opportunity": deal.id, "stage": generate::STAGES[stage], "reason": "a test", "confirm": true, "dry_run": dry_run });
    match stage {
        4 => moved["closed_value"] = json!(777),
        5 => moved["lost_reason"] = json!("timing"),
        _ => {}
    }
    ask(portfolio, "update_stage", moved)
}

#[test]
fn the_past_stays_as_it_was() {
    prove(
        "the past",
        CASES / 2,
        (filtered(), steps()),
        |((export, seed), steps)| {
            let mut portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let mut today = export.today;
            // What was said each day, last thing in the evening, when the log ended there.
            let mut said = vec![(today, everything(&portfolio, &filter, &json!({}))?)];
            for (days, place, stage) in steps {
                today = today + Days::new(days);
                portfolio = portfolio.on(&today.to_string());
                write(&portfolio, &export, place, stage, false)?;
                said.retain(|(day, _)| *day != today);
                said.push((today, everything(&portfolio, &filter, &json!({}))?));
            }
            portfolio = portfolio.on(&(today + Days::new(3)).to_string());
            for (day, then) in said {
                let now = everything(&portfolio, &filter, &json!({ "as_of": day.to_string() }))?;
                same(
                    &then,
                    &now,
                    &format!("as of {day} differs from what was said on that day"),
                )?;
            }
            Ok(())
        },
    );
}

#[test]
fn the_waterfall_closes_to_the_cent() {
    prove(
        "the waterfall",
        CASES * 2,
        (filtered(), steps(), generate::span(), generate::span()),
        |((export, seed), steps, when, window)| {
            let mut portfolio = imported(&export);
            let mut today = export.today;
            for (days, place, stage) in steps {
                today = today + Days::new(days);
                portfolio = portfolio.on(&today.to_string());
                write(&portfolio, &export, place, stage, false)?;
            }
            let filter = export.filter(&seed, true).arguments();
            let (from, to) = generate::span_of(export.today, when);
            let (from, to) = (from.min(today), to.clamp(from.min(today), today));
            let (first, last) = generate::span_of(export.today, window);
            let window = format!("{first}..{last}");
            let asked = json!({ "from": from.to_string(), "to": to.to_string(), "limit": 200, "window": window });
            for windowed in [true, false] {
                let mut asked = asked.clone();
                let mut standing = json!({});
                if windowed {
                    standing["period"] = json!(window);
                } else {
                    asked.as_object_mut().map(|asked| asked.remove("window"));
                }
                let answer = ask(&portfolio, "get_changes", with(&filter, asked))?;
                let (mut value, mut count) = (cents(&answer["start"]["value"]), 0);
                for bucket in rows(&answer, "buckets") {
                    let sign = if bucket["adds"] == true { 1 } else { -1 };
                    prop_assert_eq!(cents(&bucket["value"]), sum(rows(bucket, "deals"), "value"));
                    prop_assert_eq!(
                        bucket["count"].as_u64().unwrap() as usize,
                        rows(bucket, "deals").len()
                    );
                    value += sign * cents(&bucket["value"]);
                    if !bucket["bucket"].as_str().unwrap().starts_with("value_") {
                        count += sign * bucket["count"].as_i64().unwrap();
                    }
                }
                prop_assert_eq!(
                    value,
                    cents(&answer["end"]["value"]),
                    "{} does not close",
                    answer
                );
                prop_assert_eq!(
                    cents(&answer["net"]),
                    value - cents(&answer["start"]["value"])
                );
                let counted = |end: &str| answer[end]["count"].as_i64().unwrap();
                prop_assert_eq!(
                    counted("start") + count,
                    counted("end"),
                    "{} does not close",
                    answer
                );
                // Both ends are the pipelines of their days, but that rates are those of the end.
                for (end, day) in [("start", from - Days::new(1)), ("end", to)] {
                    if end == "start" && !export.rates.is_empty() {
                        continue;
                    }
                    standing["as_of"] = json!(day.to_string());
                    // A filter may name what was not on record then, or was another's.
                    let Ok(pipeline) =
                        ask(&portfolio, "get_pipeline", with(&filter, standing.clone()))
                    else {
                        continue;
                    };
                    if pipeline["basis"]["filters"] != answer["basis"]["filters"]
                        || name_warnings(&pipeline) != name_warnings(&answer)
                    {
                        continue;
                    }
                    let summary = &pipeline["summary"];
                    prop_assert_eq!(
                        &summary["total_opportunities"],
                        &answer[end]["count"],
                        "{} {}",
                        end,
                        day
                    );
                    prop_assert_eq!(cents(&summary["total_value"]), cents(&answer[end]["value"]));
                }
            }
            Ok(())
        },
    );
}

fn setting<'a>(export: &'a Export, name: &str, stage: usize) -> Option<&'a str> {
    let name = format!("{name}.{}", generate::STAGES[stage]);
    export
        .settings
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

/// The probability of a stage in basis points, as the organisation has set it.
fn probability_of(export: &Export, stage: usize) -> u16 {
    let set = setting(export, "probability", stage)
        .and_then(|value| value.trim_end_matches('%').parse::<f64>().ok());
    set.map_or([1_000, 4_000, 6_000, 8_000, 10_000, 0][stage], |percent| {
        (percent * 100.0).round() as u16
    })
}

/// The forecast category of a stage, as the organisation has set it.
fn category_of(export: &Export, stage: usize) -> &str {
    setting(export, "category", stage).unwrap_or(
        [
            "pipeline",
            "pipeline",
            "best_case",
            "commit",
            "closed",
            "omitted",
        ][stage],
    )
}

/// The deals as they stood at the end of an earlier day, written as an export of that day.
fn rewound(export: &Export, back: u64) -> Export {
    let day = export.today - Days::new(back);
    let mut then = Export {
        today: day,
        ..export.clone()
    };
    then.rates.retain(|rate| rate.date <= day);
    then.deals
        .retain(|deal| deal.identified.is_some_and(|identified| identified <= day));
    for deal in &mut then.deals {
        // What equals the stage's own follows the stage, in whichever it stood.
        if deal.probability == Some(probability_of(export, deal.stage)) {
            deal.probability = None;
        }
        if deal.category == category_of(export, deal.stage) {
            deal.category = "";
        }
        let first = deal.moves.first().and_then(|row| row.0).unwrap_or(0);
        if deal.moves.is_empty() {
            let entered = if deal.stage >= 4 {
                deal.closed
            } else {
                deal.entered
            };
            if entered.is_some_and(|entered| entered > day) {
                (deal.stage, deal.entered) = (0, deal.identified);
            }
        } else {
            let is_closing = |place: usize| place + 1 == deal.moves.len() && deal.stage >= 4;
            let at = |place: usize| {
                if is_closing(place) {
                    deal.closed.unwrap()
                } else {
                    deal.moves[place].2
                }
            };
            let kept = (0..deal.moves.len())
                .take_while(|place| at(*place) <= day)
                .count();
            let (stage, entered) = match kept.checked_sub(1) {
                Some(last) => (deal.moves[last].1, at(last)),
                None => (first, deal.identified.unwrap()),
            };
            if kept < deal.moves.len() {
                deal.moves.truncate(kept);
                (deal.stage, deal.entered) = (stage, Some(entered));
            }
        }
        if deal.stage < 4 {
            (deal.closed, deal.closed_value, deal.reason) = (None, None, None);
        }
    }
    then
}

/// What an answer says about how the names in it were read.
fn name_warnings(answer: &Value) -> Vec<&Value> {
    let all = answer["warnings"].as_array().into_iter().flatten();
    all.filter(|warning| warning["kind"] == "name").collect()
}

#[test]
fn as_of_a_day_is_what_an_export_of_that_day_would_have_said() {
    prove(
        "rewound exports",
        CASES * 2,
        (filtered(), 1..200_u64),
        |((export, seed), back)| {
            // A deal that was closed before carries values the file no longer has, one that closed before
            // it was identified is there before its identified date, and one without a stage date was in
            // its stage since nobody knows when: no export of the day would have said so.
            let mut export = export;
            export
                .deals
                .retain(|deal| deal.moves.iter().rev().skip(1).all(|row| row.1 < 4));
            export
                .deals
                .retain(|deal| deal.closed.is_none() || deal.closed >= deal.identified);
            export.deals.retain(|deal| {
                deal.stage == 0 || deal.closed.or(deal.entered).is_some() || !deal.moves.is_empty()
            });
            // Nor has a day's export a history of a deal whose first recorded move came later.
            let day = export.today - Days::new(back);
            export.deals.retain(|deal| {
                deal.identified > Some(day)
                    || deal
                        .moves
                        .first()
                        .is_none_or(|row| row.2.min(deal.closed.unwrap_or(row.2)) <= day)
            });
            let filter = export.filter(&seed, true).arguments();
            let then = rewound(&export, back);
            let (now, past) = (imported(&export), imported(&then));
            let mut as_of = json!({ "as_of": then.today.to_string() });
            let mut expected = everything(&past, &Map::new(), &json!({}))?;
            let mut found = everything(&now, &Map::new(), &as_of)?;
            // A filter may name what only a later deal has, so it is used only where both know the
            // words, and take them to mean the same: who is CSM of later deals only is one now.
            as_of["period"] = json!("this quarter");
            if let (Ok(one), Ok(other)) = (
                ask(
                    &past,
                    "get_forecast",
                    with(&filter, json!({ "period": "this quarter" })),
                ),
                ask(&now, "get_forecast", with(&filter, as_of)),
            ) && one["basis"]["filters"] == other["basis"]["filters"]
                && name_warnings(&one) == name_warnings(&other)
            {
                (expected["filtered"], found["filtered"]) = (figures(one), figures(other));
            }
            // What was forecast before a month began is judged by what is known of that day, which differs.
            for answer in [&mut expected, &mut found] {
                for forecast in ["forecast", "filtered"] {
                    forget(&mut answer[forecast]);
                }
                // A probability that was the default of the stage of that day reads as such in its export.
                for row in answer["all"]["opportunities"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                {
                    row.as_object_mut()
                        .map(|row| row.remove("probability_source"));
                }
            }
            same(
                &expected,
                &found,
                "the past differs from an export of that day",
            )
        },
    );
}

/// The first value of every field a forecast rests on, put on record since the day each deal was found.
fn field_history(export: &Export) -> Source {
    let mut text = "opportunity_id,field,from,to,at\n".to_owned();
    for deal in &export.deals {
        let (id, since) = (&deal.id, deal.identified.unwrap());
        let (expected, estimate) = (deal.expected.unwrap(), deal.shown_estimate());
        text.push_str(&format!("{id},expected_close,,{expected},{since}\n"));
        text.push_str(&format!("{id},estimated_value,,{estimate},{since}\n"));
    }
    Source {
        name: "field_history.csv".to_owned(),
        bytes: text.into_bytes(),
    }
}

#[test]
fn a_forecast_at_open_is_what_was_said_on_the_eve() {
    let measure = select(vec!["closed", "commit", "best_case", "upside", "weighted"]);
    let asked = (1..15_u32, select(vec![1_u32, 3]), measure);
    prove(
        "forecasts at open",
        CASES * 2,
        (filtered(), asked),
        |((mut export, seed), (back, months, measure))| {
            export.deals.retain(|deal| {
                deal.identified.is_some() && deal.expected.is_some() && !deal.moves.is_empty()
            });
            for deal in &mut export.deals {
                (deal.probability, deal.category) = (None, "");
                // On the eve nothing may have had the region yet, and then it is refused as a filter.
                deal.region = None;
            }
            let filter = export.filter(&seed, true).arguments();
            let first = export.today.with_day(1).unwrap() - Months::new(back + months - 1);
            let last = (first + Months::new(months)).pred_opt().unwrap();
            let asked = with(
                &filter,
                json!({ "period": format!("{first}..{last}"), "measure": measure }),
            );
            let eve = json!({ "as_of": first.pred_opt().unwrap().to_string() });

            let recorded = empty(&export.today.to_string());
            let mut sources = export.sources();
            sources.push(field_history(&export));
            let done = recorded.import(sources, None, &caller()).unwrap();
            prop_assert!(done.written, "{:#?}", done.rejections);
            let now = ask(&recorded, "get_forecast", asked.clone())?;
            let then = ask(
                &recorded,
                "get_forecast",
                with(asked.as_object().unwrap(), eve),
            )?;
            let nothing_yet = now["forecast_at_open"].is_null() && then["basis"]["deals_read"] == 0;
            prop_assert!(
                nothing_yet || now["forecast_at_open"] == then["forecast"],
                "{} is not {} of the eve",
                now["forecast_at_open"],
                then["forecast"]
            );

            // Without the history of the fields nobody can tell what was due, so nothing is told.
            let counted = if measure == "closed" {
                "upside"
            } else {
                measure
            };
            if cents(&then[counted]) > 0 {
                let bare = ask(&imported(&export), "get_forecast", asked)?;
                prop_assert!(
                    bare["forecast_at_open"].is_null(),
                    "{} with nothing on record",
                    bare["forecast_at_open"]
                );
            }
            Ok(())
        },
    );
}

#[test]
fn no_age_is_negative_on_any_day() {
    prove(
        "ages",
        CASES,
        (generate::export(20), 0..200_u64),
        |(export, back)| {
            let portfolio = imported(&export);
            let as_of = (export.today - Days::new(back)).to_string();
            let pipeline = ask(&portfolio, "get_pipeline", json!({ "as_of": as_of }))?;
            for stage in rows(&pipeline, "by_stage") {
                for figure in [
                    &stage["avg_days_in_stage"],
                    &stage["median_days_in_stage"],
                    &stage["avg_days_to_exit"]["mean"],
                ] {
                    prop_assert!(
                        figure.as_f64().is_none_or(|days| days >= 0.0),
                        "as of {}: {}",
                        as_of,
                        stage
                    );
                }
            }
            let list = ask(
                &portfolio,
                "list_opportunities",
                json!({ "stage": "all", "limit": 200, "include": "details", "as_of": as_of }),
            )?;
            for row in rows(&list, "opportunities") {
                for field in ["stage_entered_at", "actual_close"] {
                    prop_assert!(
                        row[field].as_str().is_none_or(|day| day <= as_of.as_str()),
                        "{} lies after {}: {}",
                        field,
                        as_of,
                        row
                    );
                }
            }
            Ok(())
        },
    );
}

fn forget(forecast: &mut Value) {
    if let Some(forecast) = forecast.as_object_mut() {
        forecast.remove("forecast_at_open");
        // Accuracy and calibration judge the past, too.
        forecast.remove("accuracy");
        forecast.remove("calibration");
        // Why it is missing is forgotten with it.
        if let Some(reasons) = forecast.get_mut("reasons").and_then(Value::as_object_mut) {
            reasons.retain(|figure, _| !figure.ends_with("forecast_at_open"));
            if reasons.is_empty() {
                forecast.remove("reasons");
            }
        }
        for row in forecast
            .get_mut("by_month")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            row.as_object_mut()
                .map(|row| row.remove("forecast_at_open"));
        }
    }
}

fn position(database: &Path) -> i64 {
    Connection::open(database)
        .unwrap()
        .query_row("SELECT position FROM head", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn importing_twice_changes_nothing() {
    prove(
        "twice",
        CASES,
        (filtered(), steps()),
        |((export, seed), steps)| {
            let mut portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let before = (
                position(&portfolio.database()),
                everything(&portfolio, &filter, &json!({}))?,
            );
            let again = portfolio.import(export.sources(), None, &caller()).unwrap();
            prop_assert!(again.written && again.rejections.is_empty());
            prop_assert_eq!(
                before.0,
                position(&portfolio.database()),
                "the log grew by the same files: {:?}",
                again.summary
            );
            same(
                &before.1,
                &everything(&portfolio, &filter, &json!({}))?,
                "the same files again change a figure",
            )?;
            // Not even when something was changed here meanwhile, on a later day.
            portfolio = portfolio.on(&(export.today + Days::new(30)).to_string());
            for (_, place, stage) in steps {
                write(&portfolio, &export, place, stage, false)?;
            }
            let before = (
                position(&portfolio.database()),
                everything(&portfolio, &filter, &json!({}))?,
            );
            let again = portfolio.import(export.sources(), None, &caller()).unwrap();
            prop_assert_eq!(
                before.0,
                position(&portfolio.database()),
                "the log grew by the same files, later: {:?}",
                again.summary
            );
            same(
                &before.1,
                &everything(&portfolio, &filter, &json!({}))?,
                "the same files again, later, change a figure",
            )
        },
    );
}

/// The whole log that a portfolio was folded from.
fn log_of(portfolio: &Folded) -> Batch {
    let of_deals = (0..portfolio.len()).flat_map(|deal| {
        portfolio.changes(deal).iter().map(move |change| Logged {
            subject: Subject::Deal(deal),
            change: *change,
        })
    });
    let mut changes: Vec<Logged> = of_deals.chain(portfolio.ledger().iter().copied()).collect();
    changes.sort_by_key(|logged| logged.change.seq);
    Batch {
        texts: (0..portfolio.texts().len())
            .map(|text| portfolio.text(text).to_owned())
            .collect(),
        first_text: 0,
        notes: portfolio
            .notes()
            .checked_sub(1)
            .map(|last| (last, String::new()))
            .into_iter()
            .collect(),
        entries: portfolio.entries().iter().cloned().collect(),
        deals: (0..portfolio.len())
            .filter_map(|deal| portfolio.origin(deal).cloned())
            .collect(),
        changes,
    }
}

/// An earlier export of the same deals: each then had the fields that the next one has now, but for
/// those that tell when it was where.
fn before(export: &Export) -> Export {
    let mut then = export.clone();
    let others = export.deals.iter().cycle().skip(1);
    for (deal, other) in then.deals.iter_mut().zip(others) {
        let now = std::mem::replace(deal, other.clone());
        let is_open = now.stage < 4;
        deal.id = now.id;
        deal.moves = now.moves;
        (deal.stage, deal.entered, deal.closed) = (now.stage, now.entered, now.closed);
        (deal.identified, deal.closed_value) = (now.identified, now.closed_value);
        deal.reason = deal.reason.filter(|_| now.stage == 5);
        deal.probability = deal.probability.filter(|_| is_open);
        deal.category = if is_open { deal.category } else { "" };
    }
    then.customers.rotate_left(1);
    then
}

#[test]
fn a_newer_export_leaves_what_it_says() {
    prove("newer exports", CASES, filtered(), |(mut export, seed)| {
        // What was once the default of a stage has a test of its own.
        export.settings.retain(|(name, _)| !name.contains('.'));
        let (fresh, renewed) = (imported(&export), imported(&before(&export)));
        assert!(
            renewed
                .import(export.sources(), None, &caller())
                .unwrap()
                .written
        );
        let filter = export.filter(&seed, true).arguments();
        let (mut expected, mut found) = (
            everything(&fresh, &filter, &json!({}))?,
            everything(&renewed, &filter, &json!({}))?,
        );
        // The past of the one is the past of the other export.
        forget(&mut expected["forecast"]);
        forget(&mut found["forecast"]);
        same(
            &expected,
            &found,
            "a newer export leaves something else than it says",
        )
    });
}

#[test]
fn what_a_newer_export_sets_by_hand_is_kept_though_other_organisations_have_it_by_default() {
    // Proposals are at 30 % here from the first day on; 60 % is what nobody set for them.
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let export = |probability: &str| {
        let deal = format!(
            "id,type,stage,estimated_value,probability\nD-1,upsell,proposal,100,{probability}\n"
        );
        vec![source("opportunities.csv", &deal)]
    };
    let portfolio = empty("2026-01-29");
    let settings = [("probability.proposal".to_owned(), "30%".to_owned())];
    portfolio
        .change_settings(settings.to_vec(), &caller())
        .unwrap();
    let weighted = |probability: &str| {
        assert!(
            portfolio
                .import(export(probability), None, &caller())
                .unwrap()
                .written
        );
        let pipeline = ask(&portfolio, "get_pipeline", json!({})).unwrap();
        pipeline["summary"]["weighted_value"].clone()
    };
    assert_eq!(weighted("0.3"), json!(30));
    assert_eq!(weighted("0.45"), json!(45));
    assert_eq!(weighted("0.3"), json!(30));
    assert_eq!(
        weighted("0.6"),
        json!(60),
        "DEFINITIONS 1: any value but the stage's is manual"
    );
}

/// The part of a log from a position on, up to another.
fn part(log: &Batch, from: u32, to: u32) -> Batch {
    let within = |position: u32| from < position && position <= to;
    Batch {
        texts: if from == 0 {
            log.texts.clone()
        } else {
            Vec::new()
        },
        first_text: if from == 0 { 0 } else { log.texts.len() as u32 },
        notes: log.notes.clone(),
        entries: log
            .entries
            .iter()
            .filter(|entry| within(entry.first))
            .cloned()
            .collect(),
        deals: log
            .deals
            .iter()
            .filter(|deal| within(deal.seq))
            .cloned()
            .collect(),
        changes: log
            .changes
            .iter()
            .filter(|logged| within(logged.change.seq))
            .copied()
            .collect(),
    }
}

/// All of a portfolio that an answer may rest on, written out.
fn written_out(portfolio: &Folded) -> Vec<String> {
    let mut lines = vec![format!(
        "{:?} {:?}",
        portfolio.position(),
        portfolio.settings()
    )];
    for number in 0..portfolio.len() {
        let found = portfolio
            .deal(number)
            .map(|found| (*found.deal, *found.detail));
        let attributes: Vec<_> = portfolio
            .attribute_names()
            .iter()
            .map(|name| found.map(|(deal, _)| portfolio.attribute(&deal, *name)))
            .collect();
        lines.push(format!(
            "{number} {found:?} {attributes:?} {:?}",
            portfolio.changes(number)
        ));
    }
    for chunk in portfolio.chunks() {
        let mut stays: Vec<_> = chunk.stays().collect();
        stays.sort_by_key(|stay| stay.place);
        lines.push(format!(
            "{:?} {:?} {stays:?}",
            chunk.open().all(),
            chunk.closed().all()
        ));
    }
    let reference = portfolio.reference();
    lines.extend(reference.customers.iter().map(|known| format!("{known:?}")));
    lines.extend(reference.people.iter().map(|known| format!("{known:?}")));
    lines.push(format!("{:?} {:?}", reference.targets, reference.forecasts));
    lines.push(format!("{:?}", reference.rates));
    lines
}

#[test]
fn folding_the_whole_log_is_absorbing_it_bit_by_bit() {
    prove(
        "folding",
        CASES,
        (generate::export(20), steps(), vec(any::<Index>(), 0..6)),
        |(export, steps, cuts)| {
            let mut portfolio = imported(&export);
            for (days, place, stage) in steps {
                portfolio = portfolio.on(&(export.today + Days::new(days)).to_string());
                write(&portfolio, &export, place, stage, false)?;
            }
            let store = Store::open(&portfolio.database(), "default")
                .unwrap()
                .unwrap();
            let mut whole = Folded::default();
            store
                .bring_to_head(&mut whole, &Reading::default())
                .unwrap();
            let log = log_of(&whole);
            let last = log.len() as u32;
            let whole = written_out(&whole);
            let entries: Vec<u32> = log
                .entries
                .iter()
                .map(|entry| entry.first - 1)
                .chain([last])
                .collect();
            let anywhere: BTreeSet<u32> = cuts
                .iter()
                .map(|cut| cut.index(last as usize + 1) as u32)
                .chain([0, last])
                .collect();
            for ends in [entries, anywhere.into_iter().collect()] {
                let mut piecemeal = Folded::default();
                for two in ends.windows(2) {
                    piecemeal.absorb(part(&log, two[0], two[1]));
                }
                let piecemeal = written_out(&piecemeal);
                for (one, other) in whole.iter().zip(&piecemeal) {
                    prop_assert_eq!(one, other, "cut at {:?}", ends);
                }
                prop_assert_eq!(whole.len(), piecemeal.len());
            }
            Ok(())
        },
    );
}

#[test]
fn a_dry_run_writes_nothing_and_tells_what_the_real_one_does() {
    prove(
        "dry runs",
        CASES,
        (filtered(), steps()),
        |((export, seed), steps)| {
            let portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            for (_, place, stage) in steps {
                let before = (
                    position(&portfolio.database()),
                    everything(&portfolio, &filter, &json!({}))?,
                );
                let mut planned = write(&portfolio, &export, place, stage, true)?;
                prop_assert_eq!(before.0, position(&portfolio.database()));
                same(
                    &before.1,
                    &everything(&portfolio, &filter, &json!({}))?,
                    "a dry run changes a figure",
                )?;
                let mut done = write(&portfolio, &export, place, stage, false)?;
                prop_assert_eq!(
                    (&planned["dry_run"], &done["dry_run"]),
                    (&json!(true), &json!(false))
                );
                // Only what was written has a position that can be undone.
                let head = position(&portfolio.database());
                let written = if head == before.0 {
                    Value::Null
                } else {
                    json!(head)
                };
                prop_assert_eq!(
                    (&planned["position"], &done["position"]),
                    (&Value::Null, &written)
                );
                done["position"] = Value::Null;
                (planned["dry_run"], done["dry_run"]) = (Value::Null, Value::Null);
                same(&planned, &done, "a dry run differs from the real one")?;
            }
            Ok(())
        },
    );
}

#[test]
fn paging_gives_every_row_once_and_in_order() {
    let sort = select(vec![
        "-value",
        "value",
        "expected_close",
        "-expected_close",
        "customer",
        "-name",
        "stage",
        "days_in_stage",
        "-probability",
    ]);
    prove(
        "paging",
        CASES,
        (filtered(), sort, 1..7_u16, any::<bool>()),
        |((export, seed), sort, limit, by_customer)| {
            let portfolio = imported(&export);
            let filter = export.filter(&seed, true).arguments();
            let (list, key) = if by_customer {
                ("by_customer", "customer_id")
            } else {
                ("opportunities", "id")
            };
            // Customers have fewer things to be sorted by.
            let sort = if by_customer && !sort.ends_with("value") {
                "customer"
            } else {
                sort
            };
            let asked = with(
                &filter,
                json!({ "sort": sort, "by": if by_customer { "customer" } else { "opportunity" } }),
            );
            let asked = asked.as_object().unwrap();
            let whole = ask(
                &portfolio,
                "list_opportunities",
                with(asked, json!({ "limit": 200 })),
            )?;
            let names = |answer: &Value| {
                rows(answer, list)
                    .iter()
                    .map(|row| row[key].clone())
                    .collect::<Vec<_>>()
            };
            let mut paged = Vec::new();
            let mut page = ask(
                &portfolio,
                "list_opportunities",
                with(asked, json!({ "limit": limit })),
            )?;
            loop {
                prop_assert_eq!(
                    (&page["total"], &page["open"]),
                    (&whole["total"], &whole["open"]),
                    "totals depend on the page"
                );
                paged.extend(names(&page));
                let cursor = page["next_cursor"].clone();
                prop_assert_eq!(&page["truncated"], &json!(!cursor.is_null()));
                if cursor.is_null() {
                    break;
                }
                prop_assert!(
                    rows(&page, list).len() == usize::from(limit) && paged.len() < 200,
                    "a page that is not the last is full"
                );
                page = ask(
                    &portfolio,
                    "list_opportunities",
                    with(asked, json!({ "limit": limit, "cursor": cursor })),
                )?;
            }
            prop_assert_eq!(paged, names(&whole));
            Ok(())
        },
    );
}

#[test]
fn the_zone_of_the_machine_never_matters() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("pipeline.db");
    let run = |zone: &str, arguments: &[&str]| {
        let output = program()
            .arg("--db")
            .arg(&database)
            .args(["--today", "2026-01-29"])
            .args(arguments)
            .env("TZ", zone)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    run(
        "Pacific/Kiritimati",
        &["import", support::fixture("demo").to_str().unwrap()],
    );
    for tool in [
        "get_pipeline",
        "get_forecast",
        "list_opportunities",
        "win_rate",
    ] {
        let answers: BTreeSet<Vec<u8>> = [
            "UTC",
            "Pacific/Kiritimati",
            "America/Los_Angeles",
            "Asia/Kolkata",
            ":nonsense",
        ]
        .into_iter()
        .map(|zone| run(zone, &["call", tool, "--format", "json"]))
        .collect();
        assert_eq!(
            answers.len(),
            1,
            "{tool} depends on the zone of the machine"
        );
    }
    let log = |database: &Path| -> String {
        let connection = Connection::open(database).unwrap();
        let sums = "SELECT (SELECT group_concat(at || ' ' || known_at) FROM origin) || (SELECT group_concat(at) FROM change)";
        connection.query_row(sums, [], |row| row.get(0)).unwrap()
    };
    let elsewhere = folder.path().join("elsewhere.db");
    let output = program()
        .arg("--db")
        .arg(&elsewhere)
        .args(["--today", "2026-01-29", "import"])
        .arg(support::fixture("demo"))
        .env("TZ", "America/Los_Angeles")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        log(&database),
        log(&elsewhere),
        "the zone of the machine is in the log"
    );
}
