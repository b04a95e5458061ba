//! The log can be gone back to and taken back: as of a position everything is as a database whose log
//! ends there says, and what is undone leaves nothing behind. Checked on generated portfolios with
//! writes of every kind.

use chrono::Days;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use super::generate::prove;
use super::laws::{everything, filtered, same};
use super::round_trip::{lived, position, steps, take};
use super::support::{Portfolio, empty};

/// How many portfolios each law is tried on.
const CASES: u32 = 32;

#[test]
fn as_of_a_position_is_a_log_that_ends_there() {
    prove(
        "as of a position",
        CASES,
        (filtered(), steps(), steps()),
        |((export, seed), steps, more)| {
            let (mut portfolio, mut today) = lived(&export, &steps);
            let filter = export.filter(&seed, true).arguments();
            let mut ends = Vec::new();
            for step in &more {
                // A copy of the database as it is before the step: its log ends here.
                let copy = empty(&today.to_string());
                portfolio.backup(&copy.database()).unwrap();
                ends.push((position(&portfolio), copy));
                today = today + Days::new(step.0);
                portfolio = portfolio.on(&today.to_string());
                take(&portfolio, &export, step);
            }
            for (end, copy) in ends {
                let then = copy.on(&today.to_string());
                let as_of = json!({ "as_of": format!("@{end}") });
                same(
                    &everything(&then, &filter, &json!({}))?,
                    &everything(&portfolio, &filter, &as_of)?,
                    &format!("as of position {end} differs from a log that ends there"),
                )?;
            }
            Ok(())
        },
    );
}

fn present(portfolio: &Portfolio) -> Result<Value, TestCaseError> {
    everything(portfolio, &Map::new(), &json!({}))
}

#[test]
fn what_is_undone_leaves_nothing_behind() {
    prove(
        "undone",
        CASES,
        (filtered(), steps(), steps()),
        |((export, _), steps, more)| {
            let (portfolio, _) = lived(&export, &steps);
            // Undoing takes back one command of a tool; steps that are no such command are left out.
            for step in more.iter().filter(|step| step.2 <= 6) {
                let (head, before) = (position(&portfolio), present(&portfolio)?);
                take(&portfolio, &export, step);
                if position(&portfolio) == head {
                    continue; // It was refused, or changed nothing.
                }
                let after = present(&portfolio)?;
                let undo = json!({ "change": head + 1, "reason": "a test" });
                let undone = portfolio.answer("undo_change", undo).unwrap();
                same(
                    &before,
                    &present(&portfolio)?,
                    "undone, something is left behind",
                )?;
                // Undoing the undo restores what was done.
                let redo = json!({ "change": undone.structured["position"], "reason": "a test" });
                portfolio.answer("undo_change", redo).unwrap();
                same(
                    &after,
                    &present(&portfolio)?,
                    "undone twice, something is missing",
                )?;
            }
            Ok(())
        },
    );
}
