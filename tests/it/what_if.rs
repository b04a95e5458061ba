//! What if, on generated portfolios: supposing nothing is the present, supposing commands is doing
//! them, what is refused is what the tools would refuse, and nothing is ever written.

use std::fs;

use expansion_pipeline::files::Source;
use expansion_pipeline::refusal::Refusal;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use super::generate::{self, Export, FilterSeed, STAGES, TYPES, imported, prove};
use super::support::{self, Portfolio};

/// How many portfolios each law is tried on.
const CASES: u32 = 48;

/// Refusals that are the what-if's own: no tool would refuse the commands one after another.
const CONTRADICTORY: &str = "contradictory_commands";
const NO_MATCH: &str = "nothing_matches";

/// What a command is made of before it is known which portfolio it is about.
type Seed = (u8, Index, Index, u32);

fn commands() -> impl Strategy<Value = Vec<Seed>> {
    vec(
        (0..16_u8, any::<Index>(), any::<Index>(), 0..9_999_u32),
        1..5,
    )
}

fn asks() -> impl Strategy<Value = (Export, FilterSeed, Option<(i64, i64, u8)>, bool)> {
    (
        generate::export(20),
        generate::filters(),
        proptest::option::of(generate::span()),
        any::<bool>(),
    )
}

/// A question that may be asked what if, and its arguments.
fn question(
    export: &Export,
    seed: &FilterSeed,
    span: Option<(i64, i64, u8)>,
    is_forecast: bool,
) -> (&'static str, Map<String, Value>) {
    let mut arguments = export.filter(seed, true).arguments();
    if let Some(span) = span {
        let (from, to) = generate::span_of(export.today, span);
        arguments.insert("period".to_owned(), json!(format!("{from}..{to}")));
    }
    if is_forecast {
        return ("get_forecast", arguments);
    }
    let include = json!(["forecast", "metrics", "opportunities"]);
    arguments.insert("include".to_owned(), include);
    ("get_pipeline", arguments)
}

/// The command that a seed stands for: mostly one that its tool takes.
fn command(
    (kind, deal, choice, amount): &Seed,
    export: &Export,
    filter: &Map<String, Value>,
) -> Value {
    let on = |days: u64| (export.today + chrono::Days::new(days)).to_string();
    let create = json!({ "create_opportunity": {
        "customer": "CUS-1", "name": "Only supposed", "type": TYPES[choice.index(5)],
        "estimated_value": f64::from(*amount) + 0.5, "expected_close": on(u64::from(*amount) % 120),
    } });
    if export.deals.is_empty() {
        return create;
    }
    let id = &deal.get(&export.deals).id;
    let edit = |field: &str, value: Value| json!({ "update_opportunity": { "opportunity": id, field: value } });
    let mut of_filter = filter.clone();
    of_filter.insert(
        "sort".to_owned(),
        json!(["-value", "name", "probability"][choice.index(3)]),
    );
    of_filter.insert("limit".to_owned(), json!(1 + amount % 4));
    match kind {
        0..=3 => {
            let stage = choice.index(STAGES.len());
            let mut moved =
                json!({ "opportunity": id, "stage": STAGES[stage], "reason": "supposed" });
            match stage {
                4 => moved["closed_value"] = json!(amount),
                5 => moved["lost_reason"] = json!("timing"),
                _ => {}
            }
            json!({ "update_stage": moved })
        }
        4 => edit("estimated_value", json!(amount)),
        5 | 6 => edit("probability", json!(f64::from(amount % 101) / 100.0)),
        7 => edit("expected_close", json!(on(u64::from(*amount) % 200))),
        8 => edit(
            "forecast_category",
            json!(["pipeline", "best_case", "commit", "omitted"][choice.index(4)]),
        ),
        9 => edit("clear", json!(["expected_close"])),
        10 => create,
        11 => {
            let period = ["this quarter", "this month", "next month"][choice.index(3)];
            json!({ "set_target": { "amount": amount, "period": period } })
        }
        12 | 13 => {
            json!({ "update_opportunity": { "where": of_filter, "probability": f64::from(amount % 101) / 100.0 } })
        }
        14 => {
            json!({ "update_stage": { "where": of_filter, "stage": "closed_lost", "lost_reason": "timing" } })
        }
        _ => json!({ "update_stage": { "where": {}, "stage": "negotiation" } }),
    }
}

fn ask(
    portfolio: &Portfolio,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, TestCaseError> {
    let asked = portfolio.answer(tool, Value::Object(arguments.clone()));
    asked.map(|answer| answer.structured).map_err(|refusal| {
        TestCaseError::fail(format!("{tool} {arguments:?} is refused: {refusal}"))
    })
}

fn supposing(arguments: &Map<String, Value>, commands: &Value) -> Map<String, Value> {
    let mut arguments = arguments.clone();
    arguments.insert("what_if".to_owned(), commands.clone());
    arguments
}

/// An answer without how it was asked and what was supposed.
fn figures(mut answer: Value) -> Value {
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("basis");
        answer.remove("what_if");
    }
    answer
}

fn same(one: &Value, other: &Value, what: &str) -> Result<(), TestCaseError> {
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

/// Files with what they hold, and a log position.
type OnDisk = (Vec<(String, Vec<u8>)>, Value);

/// Everything that is on disk of a portfolio, and where its log stands.
fn on_disk(portfolio: &Portfolio) -> Result<OnDisk, TestCaseError> {
    let folder = portfolio.database().parent().unwrap().to_owned();
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        // What processes tell each other while they have the file open is no content.
        .filter(|file| !file.file_name().to_string_lossy().ends_with("-shm"))
        .map(|file| {
            (
                file.file_name().to_string_lossy().into_owned(),
                fs::read(file.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    let answer = ask(portfolio, "get_forecast", &Map::new())?;
    Ok((files, answer["basis"]["position"].clone()))
}

/// The figure of an answer at a path of `what_if`, where it can be followed.
fn at<'a>(answer: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(answer, |value, key| value.get(key))
}

/// In ten-thousandths, which is as exact as any figure is.
fn parts(value: &Value) -> Option<i64> {
    value
        .as_f64()
        .map(|value| (value * 10_000.0).round() as i64)
}

#[test]
fn supposing_nothing_is_the_present() {
    prove(
        "nothing supposed",
        CASES,
        asks(),
        |(export, seed, span, is_forecast)| {
            let portfolio = imported(&export);
            let (tool, arguments) = question(&export, &seed, span, is_forecast);
            let present = portfolio
                .answer(tool, Value::Object(arguments.clone()))
                .unwrap();
            for none in [json!([]), json!(null), json!("[]")] {
                let asked = supposing(&arguments, &none);
                let mut answer = portfolio.answer(tool, Value::Object(asked)).unwrap();
                // The reference holds the arguments as they were sent.
                answer.structured["basis"]["ref"] = present.structured["basis"]["ref"].clone();
                prop_assert_eq!(&answer, &present);
            }
            // Commands that say what is so already change nothing either.
            let stays: Vec<Value> = export
                .deals
                .iter()
                .map(|deal| {
                    let kept = if deal.stage < 4 {
                        json!({})
                    } else {
                        json!({ "reason": "none" })
                    };
                    let mut stay = json!({ "opportunity": deal.id, "stage": STAGES[deal.stage] });
                    stay.as_object_mut()
                        .unwrap()
                        .extend(kept.as_object().unwrap().clone());
                    json!({ "update_stage": stay })
                })
                .collect();
            if stays.is_empty() {
                return Ok(());
            }
            let answer = ask(&portfolio, tool, &supposing(&arguments, &json!(stays)))?;
            for (path, difference) in answer["what_if"]["difference"].as_object().unwrap() {
                prop_assert!(
                    difference.is_null() || difference == &json!(0),
                    "{} differs by {}",
                    path,
                    difference
                );
            }
            same(
                &figures(present.structured),
                &figures(answer),
                "nothing changes",
            )
        },
    );
}

#[test]
fn supposing_commands_is_doing_them() {
    let cases = (asks(), commands(), generate::filters());
    let (supposed, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    prove(
        "what if",
        CASES * 4,
        cases,
        |((export, seed, span, is_forecast), seeds, other)| {
            let portfolio = imported(&export);
            let (tool, arguments) = question(&export, &seed, span, is_forecast);
            let filter = export.filter(&other, false).arguments();
            let commands: Vec<Value> = seeds
                .iter()
                .map(|seed| command(seed, &export, &filter))
                .collect();
            let asked = supposing(&arguments, &json!(commands));
            let present = ask(&portfolio, tool, &arguments)?;
            let before = on_disk(&portfolio)?;
            let answered = portfolio.answer(tool, Value::Object(asked));
            prop_assert!(on_disk(&portfolio)? == before, "something was written");
            let answer = match answered {
                Ok(answer) => answer.structured,
                Err(refusal) => {
                    refused.set(refused.get() + 1);
                    return refused_for_real(&portfolio, &commands, &refusal);
                }
            };
            supposed.set(supposed.get() + 1);
            let what_if = &answer["what_if"];
            prop_assert_eq!(&answer["basis"]["position"], &present["basis"]["position"]);
            for (path, base) in what_if["base"].as_object().unwrap() {
                let difference = &what_if["difference"][path];
                if let Some(then) = at(&present, path) {
                    prop_assert_eq!(base, then, "the base: {}", path);
                }
                let Some(now) = at(&answer, path) else {
                    continue;
                };
                match (parts(base), parts(now)) {
                    // A difference of rounded figures may be one of its last digit off.
                    (Some(base), Some(now)) => {
                        let off = parts(difference).unwrap() - (now - base);
                        let digit = if path.contains("coverage") {
                            100
                        } else {
                            1_000
                        };
                        let is_ratio = path.contains("coverage") || path.contains("days");
                        prop_assert!(
                            off.abs() <= if is_ratio { digit } else { 1 },
                            "{}: {}",
                            path,
                            what_if
                        );
                    }
                    _ => prop_assert!(difference.is_null(), "{}: {}", path, what_if),
                }
                let reasons = &what_if["reasons"];
                prop_assert_eq!(
                    base.is_null(),
                    reasons.get(path).is_some(),
                    "{} needs a reason: {}",
                    path,
                    what_if
                );
            }
            for call in what_if["expanded"].as_array().unwrap() {
                let (tool, arguments) = call.as_object().unwrap().iter().next().unwrap();
                ask(&portfolio, tool, arguments.as_object().unwrap())?;
            }
            let done = ask(&portfolio, tool, &arguments)?;
            same(&figures(done), &figures(answer), "done, as supposed")
        },
    );
    let (supposed, refused) = (supposed.get(), refused.get());
    println!("{supposed} supposed and done, {refused} refused");
    assert!(supposed > refused, "most must be commands that can be done");
}

/// Commands that were refused are refused when they are given for real, too, at the same place and for
/// the same reason, as far as the reason is one of theirs.
fn refused_for_real(
    portfolio: &Portfolio,
    commands: &[Value],
    refusal: &Refusal,
) -> Result<(), TestCaseError> {
    let words: Vec<&str> = refusal.message.split(' ').collect();
    match refusal.code.name() {
        CONTRADICTORY => {
            let [one, other] = [words[1], words[3]].map(|place| place.parse::<usize>().unwrap());
            prop_assert!(
                1 <= one && one < other && other <= commands.len(),
                "{}",
                refusal
            );
            return Ok(());
        }
        NO_MATCH => {
            // What the first command looks for is looked for in the present.
            let wanted = commands[0]
                .as_object()
                .unwrap()
                .values()
                .next()
                .unwrap()
                .get("where");
            if let Some(Value::Object(wanted)) = wanted.filter(|_| words[1] == "1") {
                let list = ask(portfolio, "list_opportunities", wanted)?;
                prop_assert_eq!(&list["total"], &json!(0));
            }
            return Ok(());
        }
        _ => {}
    }
    for (place, command) in (1..).zip(commands) {
        let (tool, arguments) = command.as_object().unwrap().iter().next().unwrap();
        if arguments.get("where").is_some() {
            return Ok(());
        }
        if let Err(real) = portfolio.answer(tool, arguments.clone()) {
            prop_assert_eq!(real.code, refusal.code);
            let of = format!("Command {place} of what_if");
            prop_assert!(refusal.message.starts_with(&of), "{}", refusal);
            prop_assert!(
                refusal.message.ends_with(&real.message),
                "{}\n{}",
                refusal,
                real
            );
            return Ok(());
        }
    }
    Err(TestCaseError::fail(format!(
        "{commands:?} can be done, but: {refusal}"
    )))
}

#[test]
fn what_is_taken_by_filters_is_what_a_list_shows() {
    let sorts = select(vec![
        "-value",
        "value",
        "probability",
        "-expected_close",
        "name",
        "days_in_stage",
    ]);
    let cases = (
        generate::export(30),
        generate::filters(),
        sorts,
        proptest::option::of(1..8_u16),
    );
    prove("where", CASES, cases, |(export, seed, sort, limit)| {
        let portfolio = imported(&export);
        let mut words = export.filter(&seed, false).arguments();
        words.insert("sort".to_owned(), json!(sort));
        let mut list = words.clone();
        list.insert("limit".to_owned(), json!(limit.unwrap_or(200)));
        if let Some(limit) = limit {
            words.insert("limit".to_owned(), json!(limit));
        }
        let list = ask(&portfolio, "list_opportunities", &list)?;
        let listed: Vec<&Value> = list["opportunities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["id"])
            .collect();
        let commands = json!([{ "update_opportunity": { "where": words, "estimated_value": 1 } }]);
        let asked = supposing(&Map::new(), &commands);
        let answer = portfolio.answer("get_forecast", Value::Object(asked));
        if listed.is_empty() {
            prop_assert_eq!(answer.unwrap_err().code.name(), "nothing_matches");
            return Ok(());
        }
        let answer = answer.unwrap().structured;
        let taken: Vec<&Value> = answer["what_if"]["expanded"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| &call["update_opportunity"]["opportunity"])
            .collect();
        prop_assert_eq!(taken, listed);
        let note = answer["what_if"]["notes"][0].as_str().unwrap();
        let of = match list["total"].as_u64().unwrap() {
            1 => "takes the 1 deal that matches".to_owned(),
            total => format!("of the {total} deals that match"),
        };
        prop_assert!(note.contains(&of), "{}", note);
        Ok(())
    });
}

#[test]
fn no_more_is_supposed_than_can_be_read() {
    let portfolio = support::empty("2026-01-29");
    let header = "id,name,type,stage,estimated_value,expected_close".to_owned();
    let row = |number| format!("D-{number},Deal {number},upsell,proposal,100,2026-03-01");
    let lines: Vec<String> = std::iter::once(header).chain((1..=501).map(row)).collect();
    let source = Source {
        name: "opportunities.csv".to_owned(),
        bytes: lines.join("\n").into_bytes(),
    };
    let imported = portfolio
        .import(vec![source], None, &support::caller())
        .unwrap();
    assert!(imported.written, "{:?}", imported.rejections);
    let edit =
        |words: Value| json!({ "update_opportunity": { "where": words, "probability": 0.7 } });
    let supposed =
        |commands: Value| portfolio.answer("get_forecast", json!({ "what_if": commands }));
    let refused = |commands: Value| supposed(commands).unwrap_err().to_string();

    // 500 deals at 70 % instead of 60 %: 500 × 100 × 10 %.
    let answer = supposed(json!([edit(json!({ "limit": 500 }))])).unwrap();
    let what_if = &answer.structured["what_if"];
    assert_eq!(what_if["difference"]["weighted"], json!(5_000));
    assert_eq!(what_if["expanded"].as_array().unwrap().len(), 500);
    assert!(answer.text.contains("and 495 more"), "{}", answer.text);

    let all = refused(json!([edit(json!({}))]));
    assert!(
        all.starts_with(
            "invalid_argument: Command 1 of what_if, update_opportunity: It takes 501 deals"
        ),
        "{all}"
    );
    let in_two = refused(json!([
        edit(json!({ "limit": 300 })),
        edit(json!({ "limit": 300, "sort": "value" }))
    ]));
    assert!(in_two.contains("Command 2 of what_if"), "{in_two}");
    let target = json!({ "set_target": { "amount": 1 } });
    let one_more = refused(json!([edit(json!({ "limit": 500 })), target]));
    assert!(
        one_more.contains("Command 2 of what_if, set_target"),
        "{one_more}"
    );
    let many = refused(json!(vec![target; 501]));
    assert!(many.contains("'what_if' holds 501 commands"), "{many}");
}
