//! What must hold of money in other currencies, whatever the portfolio: a rate of one changes nothing,
//! it does not matter when the rates came in, and without rates nothing is made up. Figures by rates
//! are the oracles' business.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::Days;
use expansion_pipeline::files::Source;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use super::generate::{self, Export, Rate, imported, prove};
use super::support::{Portfolio, caller, empty};

/// How many portfolios each law is tried on.
const CASES: u32 = 48;

fn ask(portfolio: &Portfolio, tool: &str, arguments: Value) -> Result<Value, TestCaseError> {
    let answer = portfolio.answer(tool, arguments.clone());
    answer
        .map(|answer| answer.structured)
        .map_err(|refusal| TestCaseError::fail(format!("{tool} {arguments}: {refusal}")))
}

/// What the reports say under a filter, without where they stand in the log and what they assumed.
fn figures(
    portfolio: &Portfolio,
    filter: &Map<String, Value>,
) -> Result<Vec<Value>, TestCaseError> {
    let year = json!({ "period": "last 4 quarters" });
    let asked = [
        ("get_pipeline", json!({ "include": ["metrics"] })),
        ("get_forecast", json!({ "period": "this year" })),
        ("get_forecast", json!({ "period": "last quarter" })),
        ("win_rate", json!({ "by": "size_band" })),
        ("win_rate", year.clone()),
        (
            "get_changes",
            json!({ "period": "last month", "limit": 200 }),
        ),
        ("list_opportunities", json!({ "by": "customer" })),
        (
            "list_opportunities",
            json!({ "sort": "-weighted_value", "limit": 200 }),
        ),
    ];
    let mut answers = Vec::new();
    for (tool, more) in asked {
        let mut arguments = filter.clone();
        arguments.extend(more.as_object().unwrap().clone());
        let mut answer = ask(portfolio, tool, Value::Object(arguments))?;
        answer.as_object_mut().unwrap().remove("basis");
        for row in answer["opportunities"].as_array_mut().into_iter().flatten() {
            let row = row.as_object_mut().unwrap();
            row.retain(|key, _| !["currency", "converted"].contains(&key.as_str()));
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn same(one: &[Value], other: &[Value]) -> Result<(), TestCaseError> {
    for (one, other) in one.iter().zip(other) {
        if one != other {
            return Err(TestCaseError::fail(format!("{one:#}\nis not\n{other:#}")));
        }
    }
    Ok(())
}

/// The export with every other-currency deal in euros, which have been worth one unit for ever.
fn at_par(export: &Export) -> Export {
    let mut export = export.clone();
    for deal in &mut export.deals {
        deal.currency = if deal.currency.is_empty() { "" } else { "EUR" };
    }
    export.rates = vec![Rate {
        currency: "EUR",
        date: "2001-01-01".parse().unwrap(),
        rate: 10_000,
    }];
    export
}

#[test]
fn a_rate_of_one_is_as_good_as_the_own_currency() {
    let made = (generate::export(24), generate::filters());
    prove("at par", CASES, made, |(export, seed)| {
        let export = at_par(&export);
        let mut own = export.clone();
        own.rates.clear();
        own.deals.iter_mut().for_each(|deal| deal.currency = "");
        let filter = export.filter(&seed, false).arguments();
        same(
            &figures(&imported(&own), &filter)?,
            &figures(&imported(&export), &filter)?,
        )
    });
}

#[test]
fn it_does_not_matter_when_the_rates_came_in() {
    let made = (generate::export(24), generate::filters());
    prove("rates in any order", CASES, made, |(export, seed)| {
        let filter = export.filter(&seed, false).arguments();
        let together = figures(&imported(&export), &filter)?;
        let is_rates = |source: &Source| source.name == "rates.csv";
        let (rates, deals): (Vec<_>, Vec<_>) = export.sources().into_iter().partition(is_rates);
        if rates.is_empty() {
            return Ok(());
        }
        for parts in [[&rates, &deals], [&deals, &rates]] {
            let portfolio = empty(&export.today.to_string());
            for part in parts {
                let done = portfolio.import(part.clone(), None, &caller()).unwrap();
                assert!(done.written, "{:#?}", done.rejections);
            }
            same(&together, &figures(&portfolio, &filter)?)?;
            // As a process that opens the file anew reads it, too.
            let today = export.today.to_string();
            same(&together, &figures(&portfolio.on(&today), &filter)?)?;
        }
        Ok(())
    });
}

#[test]
fn without_rates_only_the_own_currency_is_added_up() {
    prove("no rates", CASES, generate::export(24), |mut export| {
        export.rates.clear();
        let is_other = |currency: &str| !["", "USD"].contains(&currency);
        let others = export.deals.iter().filter(|deal| is_other(deal.currency));
        let others = others.count();
        let mut own = export.clone();
        own.deals.retain(|deal| !is_other(deal.currency));
        let asked = json!({ "stage": "all" });
        let (all, only) = (imported(&export), imported(&own));
        let (all, only) = (
            ask(&all, "list_opportunities", asked.clone())?,
            ask(&only, "list_opportunities", asked)?,
        );
        for place in ["/open/value", "/open/weighted", "/won_value", "/lost_value"] {
            assert_eq!(all.pointer(place), only.pointer(place), "{place}");
        }
        let count = |answer: &Value| answer["total"].as_u64().unwrap() as usize;
        assert_eq!(count(&all), count(&only) + others);
        let warned = all["warnings"].as_array().unwrap().iter();
        let warned = warned
            .filter(|warning| warning["kind"] == "no_rate")
            .count();
        assert_eq!(warned, usize::from(others > 0), "they are named");
        Ok(())
    });
}

#[test]
fn a_waterfall_knows_the_rates_of_its_end_only() {
    let made = (
        generate::export(24),
        generate::filters(),
        (0..120_u64, 0..200_u64),
    );
    prove("rates of the end", CASES, made, |(export, seed, span)| {
        let to = export.today - Days::new(span.0);
        let from = to - Days::new(span.1);
        // The same deals, had every currency always been worth what it was worth at the end.
        let mut constant = export.clone();
        constant.rates.retain(|rate| rate.date <= to);
        constant.rates.sort_by_key(|rate| Reverse(rate.date));
        let mut seen = BTreeSet::new();
        constant.rates.retain(|rate| seen.insert(rate.currency));
        for rate in &mut constant.rates {
            rate.date = "2001-01-01".parse().unwrap();
        }
        let mut asked = export.filter(&seed, true).arguments();
        let more = json!({ "from": from.to_string(), "to": to.to_string(), "limit": 200 });
        asked.extend(more.as_object().unwrap().clone());
        let mut answers = Vec::new();
        for export in [&export, &constant] {
            let mut answer = ask(
                &imported(export),
                "get_changes",
                Value::Object(asked.clone()),
            )?;
            // The weeks beside it are told by the rates of today.
            for part in ["basis", "week_over_week"] {
                answer.as_object_mut().unwrap().remove(part);
            }
            answers.push(answer);
        }
        same(&answers[..1], &answers[1..])
    });
}
