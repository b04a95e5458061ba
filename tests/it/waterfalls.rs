//! `get_changes` and plain SQL read the same exports and must come to the same waterfall, deal by deal.
//!
//! The exports that others are asked about say only how deals stand. Here most also say what they were
//! worth, when they were due and whose they were before, so that deals are pulled, pushed, repriced and
//! change hands between the two ends.

use chrono::{Days, NaiveDate};
use expansion_pipeline::files::Source;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::{self, Export, prove};
use super::oracles::{PORTFOLIOS, ask, compare, ends, figures, maybe_span, put, tables, text};
use super::support::{Portfolio, caller, empty};

const CHANGES: &str = include_str!("../oracles/get_changes.sql");

/// How a deal was before: what each field was, and where between its first and last day that ended.
#[derive(Debug, Clone)]
struct Before {
    estimates: Vec<(i64, u64)>,
    closes: Vec<(Option<i64>, u64)>,
    csms: Vec<(Option<usize>, u64)>,
}

fn before() -> impl Strategy<Value = Before> {
    let estimates = vec((1..30_000_i64, 0..400_u64), 0..3);
    let closes = vec((weighted(0.9, -120..200_i64), 0..400_u64), 0..3);
    let csms = vec((weighted(0.8, 0..3_usize), 0..400_u64), 0..2);
    (estimates, closes, csms).prop_map(|(estimates, closes, csms)| Before {
        estimates,
        closes,
        csms,
    })
}

/// A row of `field_history.csv`: opportunity, field, from, to, at.
type Row = [String; 5];

/// The rows of one field, its earlier values in turn and then what the export says, each on a day of its own.
fn chain(
    id: &str,
    field: &str,
    earlier: &[(String, u64)],
    present: &str,
    first: NaiveDate,
    last: NaiveDate,
) -> Vec<Row> {
    let length = u64::try_from((last - first).num_days().max(0)).unwrap() + 1;
    let mut days: Vec<NaiveDate> = earlier
        .iter()
        .map(|(_, at)| first + Days::new(at % length))
        .collect();
    days.sort_unstable();
    days.dedup();
    let values = earlier
        .iter()
        .map(|(value, _)| value.as_str())
        .take(days.len());
    let values: Vec<&str> = values.chain([present]).collect();
    let rows = values
        .windows(2)
        .zip(days)
        .filter(|(pair, _)| pair[0] != pair[1]);
    rows.map(|(pair, at)| [id, field, pair[0], pair[1], &at.to_string()].map(str::to_owned))
        .collect()
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// What was before, of the deals that say since when they exist.
fn history(export: &Export, before: &[Before]) -> Vec<Row> {
    let csm = |place: Option<usize>| {
        shown(place.map(|place| ["CSM-1", "CSM-2", "CSM-3", "", "", "CSM-9"][place]))
    };
    let mut rows = Vec::new();
    for (deal, before) in export.deals.iter().zip(before) {
        let last = deal.closed.unwrap_or(export.today);
        let Some(first) = deal.identified.filter(|first| *first <= last) else {
            continue;
        };
        let estimates: Vec<_> = before
            .estimates
            .iter()
            .map(|(value, at)| (value.to_string(), *at))
            .collect();
        let closes = before.closes.iter().map(|(ahead, at)| {
            (
                shown(ahead.map(|ahead| export.today + chrono::Duration::days(ahead))),
                *at,
            )
        });
        let closes: Vec<_> = closes.collect();
        let csms: Vec<_> = before
            .csms
            .iter()
            .map(|(place, at)| (csm(*place), *at))
            .collect();
        let (id, close) = (&deal.id, shown(deal.expected));
        rows.extend(chain(
            id,
            "estimated_value",
            &estimates,
            &deal.shown_estimate(),
            first,
            last,
        ));
        rows.extend(chain(id, "expected_close", &closes, &close, first, last));
        rows.extend(chain(id, "csm_id", &csms, &csm(deal.csm), first, last));
    }
    rows
}

fn imported(export: &Export, rows: &[Row]) -> Portfolio {
    let mut sources = export.sources();
    if !rows.is_empty() {
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("opportunity_id,field,from,to,at\n{}\n", lines.join("\n"));
        sources.push(Source {
            name: "field_history.csv".to_owned(),
            bytes: text.into_bytes(),
        });
    }
    let portfolio = empty(&export.today.to_string());
    let done = portfolio.import(sources, None, &caller()).unwrap();
    assert!(done.written, "{:#?}\n{export:?}\n{rows:?}", done.rejections);
    portfolio
}

#[test]
fn get_changes_agrees_with_sql() {
    // The start lies up to some months back, the end after it, mostly today.
    let days = (0..150_i64, prop_oneof![2 => Just(0_i64), 3 => 0..150_i64]);
    let question = (generate::filters(), days, maybe_span());
    prove(
        "get_changes",
        PORTFOLIOS,
        (generate::export(24), vec(before(), 24), vec(question, 2)),
        |(export, before, questions)| {
            let rows = history(&export, &before);
            let portfolio = imported(&export, &rows);
            for (seed, (ago, end_ago), window) in questions {
                let filters = export.filter(&seed, true);
                if !filters.leaves(true) {
                    continue;
                }
                let from = export.today - chrono::Duration::days(ago.max(end_ago));
                let to = export.today - chrono::Duration::days(ago.min(end_ago));
                let window = ends(&export, window);
                let mut arguments = filters.arguments();
                arguments.insert("from".to_owned(), json!(from.to_string()));
                arguments.insert("to".to_owned(), json!(to.to_string()));
                arguments.insert("limit".to_owned(), json!(200));
                put(&mut arguments, "window", &window);
                let asked = [
                    ("today", text(export.today)),
                    ("eve", text(from.pred_opt().unwrap())),
                    ("last", text(to)),
                    ("window_from", window.0),
                    ("window_to", window.1),
                ];
                let connection = tables(&export, &filters, &asked);
                connection
                    .execute_batch("CREATE TABLE field_history (opportunity_id TEXT, field TEXT, \"from\" TEXT, \"to\" TEXT, at TEXT)")
                    .unwrap();
                for row in &rows {
                    connection
                        .execute(
                            "INSERT INTO field_history VALUES (?1, ?2, ?3, ?4, ?5)",
                            row.each_ref(),
                        )
                        .unwrap();
                }
                let answer = ask(&portfolio, "get_changes", &arguments)?;
                let arguments = Value::Object(arguments);
                compare(
                    "get_changes",
                    &arguments,
                    &answer,
                    &figures(&connection, CHANGES),
                )?;
            }
            Ok(())
        },
    );
}
