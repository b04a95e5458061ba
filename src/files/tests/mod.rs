//! What files are read as: the dirt of `fixtures/dirt`, and small files made up here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod dates;
mod deals;
mod numbers;
mod plans;
mod rejected;
mod table;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Source, read, sources, write_rejected};
use crate::domain::change::field;
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, Stage};
use crate::domain::statement::{Moment, Said, StatedDeal, Statements, Value};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

fn from_folder(path: &str) -> Statements {
    read(&sources(&[fixture(path)]).unwrap(), &Settings::default())
}

fn source(name: &str, text: impl Into<Vec<u8>>) -> Source {
    Source {
        name: name.to_owned(),
        bytes: text.into(),
    }
}

fn from_text(name: &str, text: impl Into<Vec<u8>>) -> Statements {
    read(&[source(name, text)], &Settings::default())
}

/// A file of opportunities with one more column beside the required ones.
fn with_column(column: &str, cells: &[&str]) -> Statements {
    let mut text = format!("id,type,stage,estimated_value,{column}\n");
    for (nth, cell) in cells.iter().enumerate() {
        text.push_str(&format!("D-{nth},upsell,proposal,100,\"{cell}\"\n"));
    }
    from_text("opportunities.csv", text)
}

/// Estimates in cents, or the reason why there is none, as a file of them is read.
fn amounts(cells: &[&str]) -> Vec<Result<i64, String>> {
    let mut text = "id,type,stage,estimated_value\n".to_owned();
    for (nth, cell) in cells.iter().enumerate() {
        text.push_str(&format!("D-{nth},upsell,proposal,\"{cell}\"\n"));
    }
    let stated = from_text("opportunities.csv", text);
    (0..cells.len() as u64)
        .map(|nth| {
            let rejection = stated
                .rejections
                .iter()
                .find(|rejection| rejection.line == nth + 2);
            match stated.deals.iter().find(|deal| deal.place.line == nth + 2) {
                Some(deal) => Ok(deal.estimated_value),
                None => Err(rejection.unwrap().reason.clone()),
            }
        })
        .collect()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn deal<'a>(stated: &'a Statements, id: &str) -> &'a StatedDeal {
    stated
        .deals
        .iter()
        .find(|deal| stated.text(deal.id) == id)
        .unwrap()
}

fn rejections(stated: &Statements) -> Vec<(u64, &str, &str)> {
    let of = |rejection: &'_ crate::domain::statement::Rejection| rejection.line;
    let mut all: Vec<_> = stated
        .rejections
        .iter()
        .map(|row| (of(row), row.column.as_str(), row.reason.as_str()))
        .collect();
    all.sort();
    all
}

#[test]
fn unknown_files_are_named_and_skipped() {
    let stated = from_folder("dirt/unknown_files");
    assert_eq!(stated.files.len(), 1);
    for name in ["mystery.csv", "readme.txt", "partner, renewal_month"] {
        assert!(
            stated.notes.iter().any(|note| note.contains(name)),
            "{name}"
        );
    }
    let refused = sources(&[fixture("dirt/unknown_files/mystery.csv")]).unwrap_err();
    assert!(
        refused.to_string().contains("opportunities.csv"),
        "{refused}"
    );
    assert!(sources(&[fixture("dirt/nowhere")]).is_err());
    assert!(sources(&[fixture("small/newer")]).is_err());
}

#[test]
fn fixtures_have_no_bad_rows() {
    for folder in [
        "currencies",
        "fiscal",
        "forecast",
        "history",
        "names",
        "newer/1",
        "newer/2",
        "pipeline",
        "rates",
        "signals",
        "stage_move",
        "undated",
        "win_rate",
    ] {
        assert_eq!(
            rejections(&from_folder(&format!("small/{folder}"))),
            [],
            "{folder}"
        );
    }
    let demo = from_folder("demo");
    assert_eq!(rejections(&demo), []);
    assert_eq!((demo.customers.len(), demo.people.len()), (46, 10));
    assert_eq!(from_folder("dirt/empty").deals.len(), 0);
}
