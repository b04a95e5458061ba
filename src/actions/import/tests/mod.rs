//! What an import changes: over `fixtures`, over small files made up here, and as laws over exports of
//! a system that goes on working between them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod again;
mod dates;
mod fields;
mod histories;
mod laws;
mod parties;
mod plans;
mod signals;

use std::path::Path;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Import, plan};
use crate::domain::change::{BEGINNING, Cut, Door, EMPTY, Millis, Subject, field};
use crate::domain::days::{date, day};
use crate::domain::deal::{Deal, HISTORY};
use crate::domain::draft::{Author, Draft};
use crate::domain::portfolio::{Found, Portfolio};
use crate::domain::role::Role;
use crate::domain::stage::Stage;
use crate::domain::texts::NONE;
use crate::files::{Source, read, sources};

const HOUR: Millis = 3_600_000;

/// An organisation whose clock goes on an hour with every import.
struct Office {
    portfolio: Portfolio,
    today: NaiveDate,
    now: Millis,
}

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

impl Office {
    fn new() -> Self {
        let today = on("2026-01-29");
        let portfolio = Portfolio::default();
        Office {
            now: portfolio.settings().calendar.noon_of(today),
            portfolio,
            today,
        }
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let mut office = Office::new();
        office.import(files);
        office
    }

    fn author(&self, door: Door) -> Author {
        Author {
            role: Role::Admin,
            client: String::new(),
            trace: String::new(),
            actor: "Kim".to_owned(),
            door,
            reason: String::new(),
            now: self.now,
        }
    }

    fn plan(&self, sources: &[Source]) -> Import {
        let stated = read(sources, self.portfolio.settings());
        plan(
            &self.portfolio,
            &stated,
            &self.author(Door::Import),
            day(self.today),
        )
    }

    fn take(&mut self, sources: &[Source]) -> Import {
        let import = self.plan(sources);
        self.portfolio = import.planned.after.clone();
        self.now += HOUR;
        import
    }

    fn import(&mut self, files: &[(&str, &str)]) -> Import {
        let import = self.take(&named(files));
        assert_eq!(import.rejections, []);
        import
    }

    fn import_folder(&mut self, folder: &str) -> Import {
        let import = self.take(&fixture(folder));
        assert_eq!(import.rejections, []);
        import
    }

    /// Changes a field here.
    fn change(&mut self, id: &str, field: u32, value: i64) {
        let deal = self.portfolio.deal_by_id(id).unwrap();
        let mut draft = Draft::new(&self.portfolio, &self.author(Door::Mcp));
        draft.set(Subject::Deal(deal), field, self.now, value);
        self.portfolio = draft.finish().after;
        self.now += HOUR;
    }

    fn found(&self, id: &str) -> Found<'_> {
        self.portfolio
            .deal(self.portfolio.deal_by_id(id).unwrap())
            .unwrap()
    }

    fn deal(&self, id: &str) -> Deal {
        *self.found(id).deal
    }

    fn at(&self, date: &str) -> Office {
        let end = self.portfolio.settings().calendar.end_of(on(date));
        Office {
            portfolio: self.portfolio.at(&Cut::at(end)),
            ..*self
        }
    }

    /// Finished stays of a deal: (stage, days).
    fn stays(&self, id: &str) -> Vec<(Stage, i32)> {
        let found = self.found(id);
        let place = crate::domain::deal::place_of(found.deal.number);
        let stays = found.chunk.stays().filter(|stay| stay.place == place);
        stays
            .map(|stay| (Stage::from_code(stay.stage).unwrap(), stay.days))
            .collect()
    }
}

fn named(files: &[(&str, &str)]) -> Vec<Source> {
    files
        .iter()
        .map(|(name, text)| Source {
            name: format!("{name}.csv"),
            bytes: text.as_bytes().to_vec(),
        })
        .collect()
}

fn fixture(folder: &str) -> Vec<Source> {
    sources(&[Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder)])
    .unwrap()
}

/// One row of opportunities with these columns.
fn row(columns: &str, cells: &str) -> String {
    format!("id,type,estimated_value,{columns}\nA,upsell,100,{cells}\n")
}

const COLUMNS: &str = "identified_date,expected_close,stage,stage_entered_at,actual_close,closed_value,lost_reason,probability,notes";

fn full(cells: &str) -> String {
    row(COLUMNS, cells)
}
