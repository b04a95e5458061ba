//! What an import changes: over `fixtures`, over small files made up here, and as laws over exports of
//! a system that goes on working between them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

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
        let stays = found
            .chunk
            .stays()
            .iter()
            .filter(|stay| stay.place == place);
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

#[test]
fn importing_the_same_files_twice_changes_nothing() {
    for folder in [
        "small/currencies",
        "small/fiscal",
        "small/forecast",
        "small/history",
        "small/names",
        "small/newer/1",
        "small/pipeline",
        "small/rates",
        "small/signals",
        "small/stage_move",
        "small/undated",
        "small/win_rate",
        "dirt/excel",
        "dirt/salesforce",
        "dirt/european",
        "dirt/unknown_files",
        "dirt/people_by_id",
        "dirt/empty",
        "demo",
    ] {
        for zone in ["UTC", "America/New_York", "Pacific/Auckland"] {
            let mut office =
                Office::of(&[("settings", &format!("name,value\ntime_zone,{zone}\n"))]);
            office.import_folder(folder);
            let again = office.import_folder(folder);
            let changes = &again.planned.batch.changes;
            assert!(
                again.planned.batch.is_empty(),
                "{folder} {zone}: {changes:?}"
            );
            assert!(again.summary.changes_nothing(), "{folder} {zone}");
            assert_eq!(again.summary.conflicts.count, 0);
        }
    }
}

#[test]
fn the_demo_portfolio_is_what_it_promises() {
    let mut office = Office::new();
    let import = office.import_folder("demo");
    assert_eq!(office.portfolio.open().count(), 34);
    assert_eq!(
        office.portfolio.open().map(|deal| deal.value).sum::<i64>(),
        120_000_000
    );
    for (stage, count, value) in [
        (Stage::Identified, 12, 32_000_000),
        (Stage::Qualified, 8, 28_000_000),
        (Stage::Proposal, 9, 42_000_000),
        (Stage::Negotiation, 5, 18_000_000),
    ] {
        let values: Vec<i64> = office
            .portfolio
            .open()
            .filter(|deal| deal.stage == stage)
            .map(|deal| deal.value)
            .collect();
        assert_eq!(
            (values.len(), values.iter().sum::<i64>()),
            (count, value),
            "{stage:?}"
        );
    }
    assert_eq!(import.summary.opportunities.new, 185);
    assert_eq!(
        import
            .summary
            .notes
            .iter()
            .filter(|note| note.contains("contradicts"))
            .count(),
        0,
        "{:?}",
        import.summary.notes
    );
}

#[test]
fn a_newer_export_changes_only_what_it_says_anew() {
    let mut office = Office::new();
    office.import_folder("small/newer/1");
    let second = office.import_folder("small/newer/2");
    let counts = second.summary.opportunities;
    assert_eq!((counts.new, counts.changed, counts.unchanged), (1, 2, 1));
    let moved = office.deal("N-1");
    assert_eq!(
        (moved.stage, date(moved.stage_entered)),
        (Stage::Proposal, Some(on("2026-01-26")))
    );
    // The move that the export tells of is one that happened, so the stay before it is known.
    assert_eq!(office.stays("N-1"), [(Stage::Qualified, 21)]);
    assert_eq!(office.deal("N-2").value, 2_400_000);
    assert_eq!(office.deal("N-3").stage, Stage::Identified);
    assert!(
        office
            .import_folder("small/newer/2")
            .planned
            .batch
            .is_empty()
    );
    // What was true before the second export is still so then.
    assert_eq!(office.at("2026-01-25").deal("N-1").stage, Stage::Qualified);
}

#[test]
fn what_was_changed_here_stays_and_counts_as_a_conflict() {
    let mut office = Office::new();
    office.import_folder("small/newer/1");
    office.change("N-2", field::ESTIMATED_VALUE, 2_200_000);
    office.change("N-1", field::STAGE, i64::from(Stage::Negotiation.code()));
    // The same export again says nothing new, so there is no conflict.
    let same = office.import_folder("small/newer/1");
    assert!(same.planned.batch.is_empty());
    assert_eq!(same.summary.conflicts.count, 0);
    let second = office.import_folder("small/newer/2");
    assert_eq!(second.summary.conflicts.count, 2);
    let named: Vec<_> = second
        .summary
        .conflicts
        .named
        .iter()
        .map(|c| {
            (
                c.id.as_str(),
                c.field.as_str(),
                c.file.as_str(),
                c.here.as_str(),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("N-1", "stage", "proposal", "negotiation"),
            ("N-2", "estimated_value", "$24,000", "$22,000")
        ]
    );
    assert_eq!(
        (office.deal("N-1").stage, office.deal("N-2").value),
        (Stage::Negotiation, 2_200_000)
    );
    assert!(
        office
            .import_folder("small/newer/2")
            .planned
            .batch
            .is_empty()
    );
    // Setting it back here to what an older export said does not make the newer one news again.
    office.change("N-2", field::ESTIMATED_VALUE, 2_000_000);
    assert!(
        office
            .import_folder("small/newer/2")
            .planned
            .batch
            .is_empty()
    );
    assert_eq!(office.deal("N-2").value, 2_000_000);
}

#[test]
fn a_file_that_says_what_was_set_here_is_no_conflict_and_is_remembered() {
    let export = |value: u32| {
        format!(
            "id,type,stage,estimated_value,stage_entered_at\nA,upsell,proposal,{value},2026-01-05\n"
        )
    };
    let mut office = Office::of(&[("opportunities", &export(100))]);
    office.change("A", field::ESTIMATED_VALUE, 15_000);
    let agreed = office.import(&[("opportunities", &export(150))]);
    assert_eq!(
        (
            agreed.summary.conflicts.count,
            agreed.summary.opportunities.changed
        ),
        (0, 0)
    );
    assert!(
        office
            .import(&[("opportunities", &export(150))])
            .planned
            .batch
            .is_empty()
    );
    let news = office.import(&[("opportunities", &export(170))]);
    assert_eq!(
        (news.summary.conflicts.count, office.deal("A").value),
        (0, 17_000)
    );
}

#[test]
fn without_history_a_deal_has_two_entries() {
    let office = Office::of(&[(
        "opportunities",
        &full("2025-12-01,2026-02-01,proposal,2026-01-12,,,,0.6,"),
    )]);
    let deal = office.deal("A");
    assert_eq!(
        (deal.stage, date(deal.stage_entered)),
        (Stage::Proposal, Some(on("2026-01-12")))
    );
    assert!(!deal.has_history());
    assert_eq!(office.stays("A"), []);
    assert_eq!(office.at("2026-01-11").deal("A").stage, Stage::Identified);
    assert!(office.at("2025-11-30").portfolio.deal(0).is_none());
    assert!(!deal.is_manual());
}

#[test]
fn undated_deals_exist_from_their_import() {
    let mut office = Office::new();
    office.import_folder("small/undated");
    let undated = |id: &str| office.deal(id).stage_entered == crate::domain::change::NO_DAY;
    assert!(undated("U-4") && undated("U-6") && !undated("U-3"));
    let before = office.at("2026-01-28");
    assert_eq!(before.portfolio.open().count(), 4);
    assert_eq!(before.deal("U-4").stage, Stage::Identified);
    assert_eq!(office.deal("U-2").customer, NONE);
}

#[test]
fn histories_lead_from_stage_to_stage() {
    let mut office = Office::new();
    office.import_folder("small/history");
    let stays = |id: &str| office.stays(id);
    assert_eq!(
        stays("H-1"),
        [
            (Stage::Identified, 14),
            (Stage::Proposal, 14),
            (Stage::Negotiation, 14)
        ]
    );
    assert_eq!(office.deal("H-1").entered, 0b1111 | HISTORY);
    assert_eq!(stays("H-8"), [(Stage::Proposal, 28)]);
    assert_eq!(office.deal("H-8").entered, 0b1100 | HISTORY);
    assert!(!office.deal("H-7").has_history());
    assert!(office.deal("H-6").has_history());
    let lost = office.at("2025-11-15").deal("H-3");
    assert_eq!(
        (lost.stage, date(lost.close)),
        (Stage::ClosedLost, Some(on("2025-11-03")))
    );
    let reopened = office.deal("H-3");
    assert_eq!(
        (reopened.stage, date(reopened.close)),
        (Stage::Proposal, Some(on("2026-02-27")))
    );
}

#[test]
fn a_history_with_a_gap_is_taken_and_said() {
    let columns = "identified_date,stage,stage_entered_at,actual_close,lost_reason";
    let row = row(
        columns,
        "2025-12-01,closed_lost,2026-01-12,2026-01-12,price",
    );
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nA,qualified,closed_lost,2026-01-12\n";
    let mut office = Office::new();
    let done = office.take(&named(&[
        ("opportunities", row.as_str()),
        ("stage_history", history),
    ]));
    let notes = &done.summary.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("leaves out moves") && note.contains('A')),
        "{notes:?} {:?}",
        done.rejections
    );
    // Nobody says that it ever entered qualified.
    assert_eq!(office.deal("A").entered, 0b0001 | HISTORY);
}

#[test]
fn a_history_that_begins_late_leaves_the_deal_identified_until_then() {
    let files = [
        ("opportunities", full("2025-12-01,,proposal,2026-01-12,,,,,")),
        ("stage_history", "opportunity_id,from_stage,to_stage,at\nA,,qualified,2025-12-20\nA,qualified,proposal,2026-01-12\n".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let mut office = Office::of(&files);
    assert_eq!(office.at("2025-12-10").deal("A").stage, Stage::Identified);
    assert_eq!(office.stays("A"), [(Stage::Qualified, 23)]);
    assert_eq!(office.deal("A").entered, 0b0110 | HISTORY);
    assert!(office.import(&files).planned.batch.is_empty());
}

#[test]
fn a_close_is_dated_by_actual_close() {
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nA,identified,proposal,2026-01-05\nA,proposal,closed_won,2026-01-20\n";
    let office = Office::of(&[
        (
            "opportunities",
            &full("2025-12-01,,closed_won,2026-01-20,2026-01-16,90,,1,"),
        ),
        ("stage_history", history),
    ]);
    let deal = office.deal("A");
    assert_eq!(
        (date(deal.close), date(deal.stage_entered), deal.value),
        (Some(on("2026-01-16")), Some(on("2026-01-16")), 9_000)
    );
    assert_eq!(
        office.stays("A"),
        [(Stage::Identified, 35), (Stage::Proposal, 11)]
    );
}

#[test]
fn an_undated_deal_keeps_the_close_its_history_ends_with() {
    let history = "opportunity_id,from_stage,to_stage,at\nA,,closed_lost,2025-12-01\nA,closed_lost,closed_won,2026-01-16\n";
    let office = Office::of(&[
        (
            "opportunities",
            &full(",,closed_won,2026-01-16,2026-01-16,90,,1,"),
        ),
        ("stage_history", history),
    ]);
    let deal = office.deal("A");
    assert_eq!(
        (date(deal.close), date(deal.stage_entered), deal.stage),
        (
            Some(on("2026-01-16")),
            Some(on("2026-01-16")),
            Stage::ClosedWon
        )
    );
}

/// Exports of one deal, one after the other, and what the last of them says again.
fn exports(cells: &[&str]) -> Office {
    let mut office = Office::new();
    for cells in cells {
        office.import(&[("opportunities", &full(cells))]);
    }
    if let Some(last) = cells.last() {
        let again = office.import(&[("opportunities", &full(last))]);
        assert!(
            again.planned.batch.is_empty(),
            "the last export once more changes something"
        );
    }
    office
}

fn since(office: &Office) -> (Stage, Option<NaiveDate>) {
    let deal = office.deal("A");
    (deal.stage, date(deal.stage_entered))
}

#[test]
fn a_newer_export_may_date_a_stage_anew() {
    let at = |day: &str| format!("2025-12-01,,proposal,{day},,,,,");
    let (none, early, late) = (at(""), at("2026-01-12"), at("2026-01-20"));
    // It comes to the same as importing the last export alone, on any day since its date.
    for path in [
        vec![&none, &early],
        vec![&early, &late],
        vec![&late, &early],
        vec![&none, &late, &early],
    ] {
        let cells: Vec<&str> = path.iter().map(|cells| cells.as_str()).collect();
        let (office, fresh) = (exports(&cells), exports(&cells[cells.len() - 1..]));
        assert_eq!(since(&office), since(&fresh), "{cells:?}");
        for day in ["2026-01-10", "2026-01-15", "2026-01-25"] {
            assert_eq!(
                since(&office.at(day)),
                since(&fresh.at(day)),
                "{cells:?} {day}"
            );
        }
    }
    // Where it came on record, too.
    let identified = |day: &str| format!("2025-12-01,,identified,{day},,,,,");
    let office = exports(&[&identified(""), &identified("2025-12-05")]);
    assert_eq!(since(&office), (Stage::Identified, Some(on("2025-12-05"))));
}

#[test]
fn a_stage_without_a_date_is_left_when_a_newer_export_says() {
    let office = exports(&[
        "2025-12-01,,proposal,,,,,,",
        "2025-12-01,,negotiation,2026-01-20,,,,,",
    ]);
    assert_eq!(since(&office), (Stage::Negotiation, Some(on("2026-01-20"))));
    assert_eq!(office.at("2026-01-22").deal("A").stage, Stage::Negotiation);
    assert_eq!(office.stays("A"), []);
    // Nor does a deal that came on record without a date hold it back.
    let office = exports(&[",,identified,,,,,,", ",,proposal,2026-01-20,,,,,"]);
    assert_eq!(since(&office), (Stage::Proposal, Some(on("2026-01-20"))));
}

#[test]
fn a_stage_is_not_dated_before_a_move_on_record() {
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nA,identified,proposal,2026-01-12\n";
    let mut office = Office::of(&[
        (
            "opportunities",
            &full("2025-12-01,,proposal,2026-01-12,,,,,"),
        ),
        ("stage_history", history),
    ]);
    let newer = full("2025-12-01,,negotiation,2026-01-05,,,,,");
    let import = office.import(&[("opportunities", &newer)]);
    assert_eq!(since(&office), (Stage::Negotiation, Some(on("2026-01-12"))));
    assert!(
        import
            .summary
            .notes
            .iter()
            .any(|note| note.contains("before an earlier move"))
    );
    assert!(
        office
            .import(&[("opportunities", &newer)])
            .planned
            .batch
            .is_empty()
    );
}

#[test]
fn a_history_dates_its_moves_whatever_the_column_says() {
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nA,identified,proposal,2026-01-12\n";
    let row = full("2025-12-01,,proposal,2026-01-14,,,,,");
    let mut office = Office::of(&[("opportunities", &row), ("stage_history", history)]);
    assert_eq!(since(&office), (Stage::Proposal, Some(on("2026-01-12"))));
    // The column alone says nothing new, until it says something else.
    assert!(
        office
            .import(&[("opportunities", &row)])
            .planned
            .batch
            .is_empty()
    );
    office.import(&[(
        "opportunities",
        &full("2025-12-01,,proposal,2026-01-13,,,,,"),
    )]);
    assert_eq!(since(&office), (Stage::Proposal, Some(on("2026-01-13"))));
}

#[test]
fn a_stage_moved_here_keeps_its_date() {
    let mut office = exports(&["2025-12-01,,qualified,2026-01-12,,,,,"]);
    office.change("A", field::STAGE, i64::from(Stage::Proposal.code()));
    let newer = full("2025-12-01,,proposal,2026-01-28,,,,,");
    let import = office.import(&[("opportunities", &newer)]);
    assert_eq!(import.summary.conflicts.count, 0);
    assert_eq!(since(&office), (Stage::Proposal, Some(on("2026-01-29"))));
    assert!(
        office
            .import(&[("opportunities", &newer)])
            .planned
            .batch
            .is_empty()
    );
}

#[test]
fn a_newer_export_may_date_a_close_anew() {
    let closed = |day: &str| format!("2025-12-01,,closed_won,,{day},90,,1,");
    let (early, late) = (closed("2026-01-12"), closed("2026-01-20"));
    for path in [[&early, &late], [&late, &early]] {
        let (office, fresh) = (exports(&path.map(String::as_str)), exports(&[path[1]]));
        for day in ["2026-01-10", "2026-01-15", "2026-01-25"] {
            let [one, other] = [&office, &fresh].map(|office| office.at(day).deal("A"));
            assert_eq!(one, other, "{path:?} {day}");
        }
    }
}

#[test]
fn a_deal_closed_before_it_was_identified_has_one_closed_entry() {
    let mut office = Office::of(&[(
        "opportunities",
        &full("2026-01-10,,closed_lost,2026-01-05,2026-01-05,,price,0,"),
    )]);
    let deal = office.deal("A");
    assert_eq!(
        (deal.stage, date(deal.close), deal.entered),
        (Stage::ClosedLost, Some(on("2026-01-05")), 0)
    );
    assert_eq!(office.portfolio.text(deal.lost_reason), "price");
    assert_eq!(
        office
            .at("2026-01-05")
            .portfolio
            .closed(0, i32::MAX - 1)
            .count(),
        1
    );
    let again = office.import(&[(
        "opportunities",
        &full("2026-01-10,,closed_lost,2026-01-05,2026-01-05,,price,0,"),
    )]);
    assert!(again.planned.batch.is_empty());
}

#[test]
fn the_stage_column_wins_over_the_history_with_a_warning() {
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nA,identified,qualified,2026-01-05\n";
    let files = [
        (
            "opportunities",
            full("2025-12-01,,negotiation,2026-01-20,,,,,"),
        ),
        ("stage_history", history.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let mut office = Office::new();
    let import = office.import(&files);
    let deal = office.deal("A");
    assert_eq!(
        (deal.stage, date(deal.stage_entered)),
        (Stage::Negotiation, Some(on("2026-01-20")))
    );
    assert!(
        import
            .summary
            .notes
            .iter()
            .any(|note| note.contains("contradicts the stage column"))
    );
    assert!(office.import(&files).planned.batch.is_empty());
}

#[test]
fn rows_of_one_day_follow_each_other_whatever_their_order() {
    let rows = [
        "A,,identified,2026-01-05",
        "A,identified,qualified,2026-01-05",
        "A,qualified,proposal,2026-01-05",
        "A,proposal,qualified,2026-01-05",
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let lines: Vec<&str> = order.iter().map(|nth| rows[*nth]).collect();
        let history = format!(
            "opportunity_id,from_stage,to_stage,at\n{}\n",
            lines.join("\n")
        );
        let office = Office::of(&[
            (
                "opportunities",
                &full("2026-01-05,,qualified,2026-01-05,,,,,"),
            ),
            ("stage_history", &history),
        ]);
        assert_eq!(office.deal("A").stage, Stage::Qualified, "{order:?}");
        assert_eq!(
            office.stays("A"),
            [
                (Stage::Identified, 0),
                (Stage::Qualified, 0),
                (Stage::Proposal, 0)
            ],
            "{order:?}"
        );
    }
}

#[test]
fn a_history_that_comes_later_is_as_good_as_one_that_came_at_once() {
    let mut late = Office::new();
    let files = fixture("small/history");
    let without: Vec<Source> = files
        .iter()
        .filter(|file| file.name == "opportunities.csv")
        .cloned()
        .collect();
    let only: Vec<Source> = files
        .iter()
        .filter(|file| file.name == "stage_history.csv")
        .cloned()
        .collect();
    late.take(&without);
    let added = late.take(&only);
    assert_eq!(added.rejections, []);
    assert!(added.summary.stage_moves > 0);
    let mut at_once = Office::new();
    at_once.take(&files);
    for id in ["H-1", "H-2", "H-3", "H-4", "H-5"] {
        assert_eq!(late.deal(id), at_once.deal(id), "{id}");
        assert_eq!(late.stays(id), at_once.stays(id), "{id}");
    }
    assert!(late.take(&files).planned.batch.is_empty());
    assert!(late.take(&only).planned.batch.is_empty());
}

#[test]
fn a_field_history_puts_earlier_values_on_record() {
    let history = "opportunity_id,field,from,to,at\nA,estimated_value,80,90,2025-12-10\nA,estimated_value,90,100,2026-01-10\nA,expected_close,,2026-02-01,2025-12-20\n";
    let files = [
        (
            "opportunities",
            full("2025-12-01,2026-02-01,proposal,2026-01-12,,,,,"),
        ),
        ("field_history", history.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let mut office = Office::new();
    assert_eq!(office.import(&files).summary.field_changes, 3);
    let value = |date: &str| office.at(date).deal("A").value;
    assert_eq!(
        [
            value("2025-12-05"),
            value("2025-12-10"),
            value("2026-01-20")
        ],
        [8_000, 9_000, 10_000]
    );
    assert_eq!(date(office.at("2025-12-19").deal("A").close), None);
    let start = office
        .portfolio
        .settings()
        .calendar
        .start_of(on("2025-12-02"));
    assert!(
        office
            .portfolio
            .is_on_record(0, field::ESTIMATED_VALUE, start)
    );
    assert!(!office.portfolio.is_on_record(0, field::SOURCE, start));
    assert!(office.import(&files).planned.batch.is_empty());
    // The same history after the row: the earlier values come on record all the same.
    let mut late = Office::of(&files[..1]);
    assert!(
        !late
            .portfolio
            .is_on_record(0, field::ESTIMATED_VALUE, start)
    );
    late.import(&files[1..]);
    let value = |date: &str| late.at(date).deal("A").value;
    assert_eq!(
        [
            value("2025-12-05"),
            value("2025-12-10"),
            value("2026-01-20")
        ],
        [8_000, 9_000, 10_000]
    );
    assert!(
        late.portfolio
            .is_on_record(0, field::ESTIMATED_VALUE, start)
    );
    assert!(late.import(&files).planned.batch.is_empty());
}

#[test]
fn the_row_wins_over_its_field_history() {
    let history = "opportunity_id,field,from,to,at\nA,estimated_value,80,90,2025-12-10\n";
    let mut office = Office::new();
    let import = office.import(&[
        (
            "opportunities",
            &full("2025-12-01,,proposal,2026-01-12,,,,,"),
        ),
        ("field_history", history),
    ]);
    assert_eq!(office.deal("A").value, 10_000);
    assert!(
        import
            .summary
            .notes
            .iter()
            .any(|note| note.contains("field_history contradicts"))
    );
    let again = office.import(&[
        (
            "opportunities",
            &full("2025-12-01,,proposal,2026-01-12,,,,,"),
        ),
        ("field_history", history),
    ]);
    assert!(again.planned.batch.is_empty());
}

#[test]
fn a_history_does_not_undo_what_was_decided_here() {
    let export = |stage: &str, entered: &str| full(&format!("2025-12-01,,{stage},{entered},,,,,"));
    let mut office = Office::of(&[("opportunities", &export("qualified", "2026-01-12"))]);
    office.now = office
        .portfolio
        .settings()
        .calendar
        .noon_of(on("2026-02-03"));
    office.change("A", field::STAGE, i64::from(Stage::Negotiation.code()));
    office.now += 10 * 24 * HOUR;
    let history = "opportunity_id,from_stage,to_stage,at\nA,identified,qualified,2026-01-12\nA,qualified,proposal,2026-02-05\n";
    let files = [
        ("opportunities", export("proposal", "2026-02-05")),
        ("stage_history", history.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let import = office.import(&files);
    assert_eq!(
        (import.summary.conflicts.count, office.deal("A").stage),
        (1, Stage::Negotiation)
    );
    assert!(office.import(&files).planned.batch.is_empty());
    // When the other system catches up, its own way there is not walked again.
    let history = format!("{history}A,proposal,negotiation,2026-02-09\n");
    let files = [
        ("opportunities", export("negotiation", "2026-02-09")),
        ("stage_history", history),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    assert_eq!(office.import(&files).summary.conflicts.count, 0);
    assert_eq!(date(office.deal("A").stage_entered), Some(on("2026-02-03")));
    assert!(office.import(&files).planned.batch.is_empty());
}

#[test]
fn a_reopening_by_a_file_clears_the_close() {
    let mut office = Office::of(&[(
        "opportunities",
        &full("2025-12-01,2026-02-01,closed_lost,2026-01-12,2026-01-12,,price,,"),
    )]);
    let open = full("2025-12-01,2026-03-01,proposal,2026-01-20,,,,,");
    office.import(&[("opportunities", &open)]);
    let deal = office.deal("A");
    assert_eq!(
        (deal.stage, date(deal.close)),
        (Stage::Proposal, Some(on("2026-03-01")))
    );
    assert!(
        office
            .import(&[("opportunities", &open)])
            .planned
            .batch
            .is_empty()
    );
    let won = full("2025-12-01,2026-03-01,closed_won,2026-01-25,2026-01-25,120,,,");
    office.import(&[("opportunities", &won)]);
    let deal = office.deal("A");
    assert_eq!(
        (deal.stage, date(deal.close), deal.value),
        (Stage::ClosedWon, Some(on("2026-01-25")), 12_000)
    );
    assert_eq!(
        date(office.at("2026-01-15").deal("A").close),
        Some(on("2026-01-12"))
    );
}

#[test]
fn probabilities_of_their_stage_follow_it_and_others_are_manual() {
    let mut office = Office::of(&[(
        "opportunities",
        &full("2025-12-01,,proposal,2026-01-12,,,,0.6,"),
    )]);
    assert!(!office.deal("A").is_manual());
    office.import(&[("settings", "name,value\nprobability.proposal,65%\n")]);
    assert_eq!(
        office.deal("A").probability(office.portfolio.settings()),
        6_500
    );
    // A file that still says what the setting used to be says nothing about the deal.
    let again = office.import(&[(
        "opportunities",
        &full("2025-12-01,,proposal,2026-01-12,,,,0.6,"),
    )]);
    assert!(again.planned.batch.is_empty());
    office.import(&[(
        "opportunities",
        &full("2025-12-01,,proposal,2026-01-12,,,,0.7,"),
    )]);
    assert_eq!(
        office.deal("A").probability(office.portfolio.settings()),
        7_000
    );
    office.import(&[(
        "opportunities",
        &full("2025-12-01,,negotiation,2026-01-12,,,,0.8,"),
    )]);
    assert!(!office.deal("A").is_manual());
}

#[test]
fn notes_are_compared_without_being_held() {
    let export = |note: &str| full(&format!("2025-12-01,,proposal,2026-01-12,,,,,{note}"));
    let mut office = Office::of(&[("opportunities", &export("First"))]);
    assert_eq!(office.found("A").detail.notes, 0);
    assert!(
        office
            .import(&[("opportunities", &export("First"))])
            .planned
            .batch
            .is_empty()
    );
    office.import(&[("opportunities", &export("Second"))]);
    assert_eq!(office.found("A").detail.notes, 1);
    assert!(
        office
            .import(&[("opportunities", &export("Second"))])
            .planned
            .batch
            .is_empty()
    );
    office.change("A", field::NOTES, 0);
    assert!(
        office
            .import(&[("opportunities", &export("Second"))])
            .planned
            .batch
            .is_empty()
    );
    assert_eq!(
        office
            .import(&[("opportunities", &export("Third"))])
            .summary
            .conflicts
            .count,
        1
    );
    assert_eq!(office.found("A").detail.notes, 0);
    assert!(
        office
            .import(&[("opportunities", &export("Third"))])
            .planned
            .batch
            .is_empty()
    );
}

#[test]
fn people_and_customers_are_found_by_id_and_else_by_name() {
    let csms = "id,name,manager,region\nS-1,Ava Stone,Kim,West\n";
    let columns = "stage,customer_name,csm_name,sales_rep_name";
    let opportunities = row(columns, "proposal,Globex,ava stone,Nina");
    let mut office = Office::of(&[("csms", csms), ("opportunities", &opportunities)]);
    let deal = office.deal("A");
    let portfolio = &office.portfolio;
    assert_eq!(
        (
            portfolio.person_name(deal.csm),
            portfolio.person_name(deal.sales_rep)
        ),
        ("Ava Stone", "Nina")
    );
    assert_eq!(portfolio.person_by_id("Nina"), Some(deal.sales_rep));
    assert_eq!(portfolio.customer_name(deal.customer), "Globex");
    assert_eq!(portfolio.reference().people.len(), 2);
    assert!(
        office
            .import(&[("opportunities", &opportunities)])
            .planned
            .batch
            .is_empty()
    );
    let moved = office.import(&[("csms", "id,name,manager,region\nS-1,Ava Stone,Lee,\n")]);
    assert_eq!(
        (
            moved.summary.people.changed,
            moved.planned.batch.changes.len()
        ),
        (1, 2)
    );
    let person = office
        .portfolio
        .person(office.portfolio.person_by_id("S-1").unwrap())
        .unwrap();
    assert_eq!(office.portfolio.text(person.manager), "Lee");
}

#[test]
fn a_name_that_several_answer_to_is_rejected() {
    let csms = "id,name\nS-1,Sam Hill\nS-2,Sam Hill\n";
    let office = Office::new();
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\n";
    let import = office.plan(&named(&[
        ("csms", csms),
        ("opportunities", &row("stage,csm_name", "proposal,Sam Hill")),
        ("stage_history", history),
    ]));
    let rejected: Vec<_> = import
        .rejections
        .iter()
        .map(|row| (row.file.as_str(), row.line, row.column.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            ("opportunities.csv", 2, "csm_name"),
            ("stage_history.csv", 2, "opportunity_id")
        ]
    );
    assert_eq!(
        (import.summary.rejected, import.planned.batch.deals.len()),
        (2, 0)
    );
}

#[test]
fn histories_of_nobody_are_rejected() {
    let office = Office::new();
    let import = office.plan(&named(&[
        ("opportunities", "id,type,stage,estimated_value,currency\nA,upsell,proposal,x,\nB,upsell,proposal,1,JPY\n"),
        ("stage_history", "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nC,,identified,2025-12-01\n"),
        ("field_history", "opportunity_id,field,from,to,at\nB,estimated_value,1.50,2,2025-12-01\nC,name,a,b,2025-12-01\n"),
    ]));
    let reasons: Vec<_> = import
        .rejections
        .iter()
        .map(|row| (row.line, row.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (
                2,
                "\"x\" is not an amount; write it in digits, such as 1234.50"
            ),
            (2, "the row of this opportunity was rejected"),
            (3, "no opportunity on record has this id"),
            (2, "JPY has no decimals"),
            (3, "no opportunity on record has this id"),
        ]
    );
}

#[test]
fn targets_settings_and_forecasts_hold_from_the_beginning() {
    let mut office = Office::new();
    office.import_folder("small/forecast");
    let ledger = office.portfolio.ledger();
    let targets = ledger
        .iter()
        .filter(|row| matches!(row.subject, Subject::Target(_)));
    assert!(targets.clone().all(|row| row.change.at == BEGINNING));
    assert_eq!(
        (targets.count(), office.portfolio.reference().targets.len()),
        (9, 9)
    );
    assert_eq!(office.portfolio.reference().forecasts.len(), 4);
    // A forecast is known from the day it was made.
    assert_eq!(
        office
            .at("2025-12-31")
            .portfolio
            .reference()
            .forecasts
            .len(),
        3
    );
    let changed = office.import(&[("targets", "month,amount\n2026-01,41000\n2026-02,60000\n")]);
    assert_eq!(
        (
            changed.summary.targets.changed,
            changed.summary.targets.unchanged
        ),
        (1, 1)
    );
    let january = |office: &Office| {
        let targets = &office.portfolio.reference().targets;
        let (_, amount) = targets
            .iter()
            .find(|(key, _)| (key.csm, key.kind) == (NONE, u8::MAX))
            .unwrap();
        *amount
    };
    assert_eq!(
        (january(&office.at("2026-01-28")), january(&office)),
        (4_000_000, 4_100_000)
    );
    office.import(&[("settings", "name,value\nweek_start,sunday\n")]);
    assert_eq!(
        office.portfolio.settings().get("week_start").unwrap(),
        "sunday"
    );
    assert!(
        office
            .import(&[("settings", "name,value\nweek_start,sunday\n")])
            .planned
            .batch
            .is_empty()
    );
}

#[test]
fn a_zone_that_travels_with_the_files_dates_them() {
    let office = Office::of(&[
        ("settings", "name,value\ntime_zone,America/New_York\n"),
        (
            "opportunities",
            &full("2025-12-01,,proposal,2026-01-12,,,,,"),
        ),
    ]);
    let deal = office.deal("A");
    assert_eq!(
        (date(deal.identified), date(deal.stage_entered)),
        (Some(on("2025-12-01")), Some(on("2026-01-12")))
    );
    let origin = office.portfolio.origin(0).unwrap();
    assert_eq!(
        origin.at,
        office
            .portfolio
            .settings()
            .calendar
            .start_of(on("2025-12-01"))
    );
}

#[test]
fn attributes_and_lost_reasons_are_kept_as_they_stand() {
    let columns = "stage,actual_close,lost_reason,Renewal Month";
    let mut office = Office::new();
    let import = office.import(&[(
        "opportunities",
        &row(columns, "closed_lost,2026-01-05,No Decision,2026-06"),
    )]);
    let portfolio = &office.portfolio;
    let name = portfolio.texts().find("renewal_month").unwrap();
    assert_eq!(
        portfolio
            .attribute(&office.deal("A"), name)
            .map(|value| portfolio.text(value)),
        Some("2026-06")
    );
    assert_eq!(portfolio.text(office.deal("A").lost_reason), "no_decision");
    assert_eq!(
        import
            .summary
            .notes
            .iter()
            .filter(|note| note.contains("Lost reasons"))
            .count(),
        0
    );
    let import = office.import(&[(
        "opportunities",
        &row(columns, "closed_lost,2026-01-05,Merger,"),
    )]);
    assert_eq!(
        office.portfolio.text(office.deal("A").lost_reason),
        "Merger"
    );
    assert!(
        import
            .summary
            .notes
            .iter()
            .any(|note| note.contains("Merger"))
    );
    assert!(
        office
            .import(&[(
                "opportunities",
                &row(columns, "closed_lost,2026-01-05,Merger,")
            )])
            .planned
            .batch
            .is_empty()
    );
}

#[test]
fn customers_carry_what_their_file_says() {
    let mut office = Office::new();
    office.import_folder("small/names");
    let portfolio = &office.portfolio;
    let acme = portfolio
        .customer(portfolio.customer_by_id("C-1").unwrap())
        .unwrap();
    assert_eq!(
        (acme.arr, acme.health_score, portfolio.text(acme.segment)),
        (Some(30_000_000), Some(8_000), "Enterprise")
    );
    assert_eq!(portfolio.person_name(acme.csm), "Sam Rivera");
    let region = portfolio.texts().find("region").unwrap();
    assert!(portfolio.attribute_names().contains(&region));
    let changed = office.import(&[(
        "customers",
        "id,name,arr\nC-1,Acme Corp,310000\nC-2,Acme Labs Inc.,\n",
    )]);
    assert_eq!(
        (
            changed.summary.customers.changed,
            changed.summary.customers.unchanged
        ),
        (2, 0)
    );
    let cleared = office
        .portfolio
        .customer(office.portfolio.customer_by_id("C-2").unwrap())
        .unwrap();
    assert_eq!(cleared.arr, None);
}

/// A system that exports what happens in it.
#[derive(Debug, Clone)]
struct Crm {
    deals: Vec<CrmDeal>,
    day: i32,
}

#[derive(Debug, Clone)]
struct CrmDeal {
    stage: usize,
    entered: i32,
    value: u32,
    due: i32,
    moves: Vec<String>,
    edits: Vec<String>,
}

fn shown(offset: i32) -> String {
    date(day(on("2025-10-01")) + offset).unwrap().to_string()
}

impl Crm {
    fn new(deals: usize) -> Self {
        let deal = |nth: usize| CrmDeal {
            stage: 0,
            entered: 0,
            value: 100,
            due: 90,
            moves: vec![format!("D-{nth},,identified,{}", shown(0))],
            edits: Vec::new(),
        };
        Crm {
            deals: (0..deals).map(deal).collect(),
            day: 0,
        }
    }

    /// Something happens to a deal: it moves, or a field of it changes.
    fn happen(&mut self, nth: usize, what: u8, to: usize, days: i32) {
        self.day += days;
        let (today, count) = (shown(self.day), self.deals.len());
        let deal = &mut self.deals[nth % count];
        let id = nth % count;
        match what {
            0..=3 if to != deal.stage => {
                deal.moves.push(format!(
                    "D-{id},{},{},{today}",
                    Stage::ALL[deal.stage].word(),
                    Stage::ALL[to].word()
                ));
                (deal.stage, deal.entered) = (to, self.day);
            }
            4 | 5 => {
                let value = deal.value + 10;
                deal.edits.push(format!(
                    "D-{id},estimated_value,{},{value},{today}",
                    deal.value
                ));
                deal.value = value;
            }
            _ => {
                let due = deal.due + to as i32;
                if due != deal.due {
                    deal.edits.push(format!(
                        "D-{id},expected_close,{},{},{today}",
                        shown(deal.due),
                        shown(due)
                    ));
                    deal.due = due;
                }
            }
        }
    }

    /// The files of an export; `reversed` turns the order of all rows around.
    fn export(&self, has_history: bool, reversed: bool) -> Vec<Source> {
        let rows = |mut rows: Vec<String>, header: &str| {
            if reversed {
                rows.reverse();
            }
            format!("{header}\n{}\n", rows.join("\n"))
        };
        let row = |(nth, deal): (usize, &CrmDeal)| {
            let stage = Stage::ALL[deal.stage];
            let close = if stage.is_open() {
                String::new()
            } else {
                shown(deal.entered)
            };
            let won = if stage == Stage::ClosedWon {
                deal.value.to_string()
            } else {
                String::new()
            };
            format!(
                "D-{nth},upsell,{},{},{},{},{},{close},{won}",
                deal.value,
                shown(0),
                shown(deal.due),
                stage.word(),
                shown(deal.entered)
            )
        };
        let header = "id,type,estimated_value,identified_date,expected_close,stage,stage_entered_at,actual_close,closed_value";
        let opportunities = rows(self.deals.iter().enumerate().map(row).collect(), header);
        let moves = self
            .deals
            .iter()
            .flat_map(|deal| deal.moves.clone())
            .collect();
        let edits = self
            .deals
            .iter()
            .flat_map(|deal| deal.edits.clone())
            .collect();
        let moves = rows(moves, "opportunity_id,from_stage,to_stage,at");
        let edits = rows(edits, "opportunity_id,field,from,to,at");
        let mut files = vec![("opportunities", opportunities.as_str())];
        if has_history {
            files.extend([
                ("stage_history", moves.as_str()),
                ("field_history", edits.as_str()),
            ]);
        }
        named(&files)
    }
}

fn events() -> impl Strategy<Value = Vec<(usize, u8, usize, i32)>> {
    proptest::collection::vec((0..3_usize, 0..8_u8, 0..6_usize, 0..6_i32), 0..25)
}

/// What is compared between two offices that should agree.
fn facts(office: &Office, id: &str) -> (Deal, Vec<(Stage, i32)>) {
    let deal = Deal {
        number: 0,
        ..office.deal(id)
    };
    let mut stays = office.stays(id);
    stays.sort();
    (deal, stays)
}

/// A day on which a deal went to and fro, put on record after the stage it came to in the end.
#[test]
fn a_day_of_to_and_fro_is_put_on_record_later() {
    let mut crm = Crm::new(1);
    for (to, days) in [(1, 0), (0, 0), (1, 0), (0, 1)] {
        crm.happen(0, 0, to, days);
    }
    let mut office = Office::new();
    office.take(&crm.export(false, false));
    let last = office.take(&crm.export(true, false));
    assert_eq!(last.rejections, &[]);
    assert_eq!(last.summary.conflicts.count, 0, "{:?}", last.summary);
    let again = office.take(&crm.export(true, false));
    assert!(
        again.planned.batch.is_empty(),
        "{:#?}",
        again.planned.batch.changes
    );
    let mut fresh = Office::new();
    fresh.take(&crm.export(true, false));
    assert_eq!(facts(&office, "D-0"), facts(&fresh, "D-0"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However many exports it takes, with the history or without, the present is that of the last
    /// one, and no export says anything twice.
    #[test]
    fn many_exports_come_to_the_same_as_the_last_one(parts in proptest::collection::vec((events(), any::<bool>()), 1..4)) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for (events, has_history) in &parts {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(*has_history, false));
            let again = office.take(&crm.export(*has_history, false));
            prop_assert!(again.planned.batch.is_empty(), "{:?}", again.planned.batch.changes);
        }
        let mut fresh = Office::new();
        fresh.take(&crm.export(true, false));
        // Whatever was missing, the whole history puts it on record.
        let last = office.take(&crm.export(true, false));
        prop_assert_eq!(&last.rejections, &[]);
        prop_assert_eq!(last.summary.conflicts.count, 0);
        prop_assert!(office.take(&crm.export(true, false)).planned.batch.is_empty());
        for nth in 0..3 {
            let id = format!("D-{nth}");
            let (ours, theirs) = (facts(&office, &id), facts(&fresh, &id));
            prop_assert_eq!((ours.0.stage, ours.0.value, ours.0.close, ours.0.estimate), (theirs.0.stage, theirs.0.value, theirs.0.close, theirs.0.estimate));
        }
    }

    /// With its history an export comes to the same whether it is the first or one of many.
    #[test]
    fn with_history_nothing_is_lost_between_exports(parts in proptest::collection::vec(events(), 1..4)) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for events in &parts {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(true, false));
        }
        let mut fresh = Office::new();
        fresh.take(&crm.export(true, false));
        for nth in 0..3 {
            let id = format!("D-{nth}");
            prop_assert_eq!(facts(&office, &id), facts(&fresh, &id));
        }
    }

    /// The order of the rows never matters.
    #[test]
    fn the_order_of_the_rows_never_matters(events in events()) {
        let mut crm = Crm::new(3);
        // One thing a day: rows of a day that lead in a circle have no order but the file's.
        for (nth, what, to, days) in &events {
            crm.happen(*nth, *what, *to, days + 1);
        }
        let (mut one, mut other) = (Office::new(), Office::new());
        one.take(&crm.export(true, false));
        other.take(&crm.export(true, true));
        for nth in 0..3 {
            let id = format!("D-{nth}");
            prop_assert_eq!(facts(&one, &id), facts(&other, &id));
        }
    }

    /// What is changed here stays, whatever the other system exports later, and exports say nothing twice.
    #[test]
    fn what_is_changed_here_stays(before in events(), after in proptest::collection::vec((events(), any::<bool>()), 1..4), stage in 0..4_u8) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for (nth, what, to, days) in &before {
            crm.happen(*nth, *what, *to, *days);
        }
        office.take(&crm.export(true, false));
        office.change("D-0", field::ESTIMATED_VALUE, 777);
        office.change("D-0", field::EXPECTED_CLOSE, EMPTY);
        office.change("D-0", field::STAGE, i64::from(stage));
        let stood = office.deal("D-0");
        let stage_stays = crm.deals[0].stage != usize::from(stage);
        for (events, has_history) in &after {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(*has_history, false));
            let again = office.take(&crm.export(*has_history, false));
            prop_assert!(again.planned.batch.is_empty(), "{:?}", again.planned.batch.changes);
            let stands = office.deal("D-0");
            prop_assert_eq!((stands.estimate, office.found("D-0").detail.expected_close), (777, crate::domain::change::NO_DAY));
            // Once the other system has come to the same stage, it may go on from there.
            if stage_stays && crm.deals[0].moves.iter().all(|row| !row.contains(&format!(",{},", Stage::ALL[usize::from(stage)].word()))) {
                prop_assert_eq!(stands.stage, stood.stage);
            }
        }
    }
}

#[test]
fn a_rate_of_a_day_to_come_is_rejected() {
    let import = Office::new().plan(&fixture("dirt/bad_rates"));
    let tomorrow = import.rejections.iter().find(|row| row.line == 6).unwrap();
    assert_eq!(
        (
            tomorrow.file.as_str(),
            tomorrow.column.as_str(),
            tomorrow.reason.as_str()
        ),
        ("rates.csv", "date", "2026-01-30 lies in the future")
    );
    assert_eq!(import.summary.rates.new, 1);
}

#[test]
fn a_corrected_rate_holds_from_its_own_day_but_was_not_known_before() {
    let deals = "id,type,stage,estimated_value,currency\nA,upsell,proposal,100,EUR\n";
    let rates = |rate: &str| format!("currency,date,rate\nEUR,2026-01-10,{rate}\n");
    let mut office = Office::of(&[("opportunities", deals), ("rates", &rates("1.10"))]);
    let first = office.portfolio.position();
    assert_eq!(office.deal("A").value, 11_000);
    let same = office.import(&[("rates", &rates("1.1"))]);
    assert_eq!(
        (same.summary.rates.unchanged, office.portfolio.position()),
        (1, first)
    );
    let corrected = office.import(&[("rates", &rates("1.2"))]);
    assert_eq!(
        (corrected.summary.rates.changed, office.deal("A").value),
        (1, 12_000)
    );
    let known = |position| {
        let cut = Cut {
            position,
            ..Cut::NOW
        };
        let then = office.portfolio.at(&cut);
        then.deal(0).unwrap().deal.value
    };
    assert_eq!((known(first), known(first + 1)), (11_000, 12_000));
    // Before the first rate the deal is worth nothing that could be added up.
    let before = office
        .portfolio
        .at(&Cut::at(office.now))
        .priced_on(day(on("2026-01-09")))
        .into_owned();
    let deal = *before.deal(0).unwrap().deal;
    assert_eq!((deal.value, deal.foreign), (10_000, true));
}

#[test]
fn a_signal_is_kept_once_and_contradicted_by_nobody() {
    let import = Office::new().plan(&fixture("dirt/bad_signals"));
    let rejected: Vec<_> = import
        .rejections
        .iter()
        .filter(|row| row.file == "signals.csv")
        .map(|row| (row.line, row.column.as_str(), row.reason.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            (
                4,
                "id",
                "\"S-1\" is already on line 2; kind: it differs there"
            ),
            (
                5,
                "detected_at",
                "a signal cannot be detected in the future"
            ),
            (6, "opportunity_id", "no opportunity on record has this id"),
            (
                7,
                "customer_id",
                "a signal is of a customer or of an opportunity; both are empty"
            ),
            (8, "opportunity_id", "the opportunity is another customer's"),
            (9, "kind", "it is empty"),
            (10, "id", "it is empty"),
            (
                11,
                "opportunity_id",
                "the row of this opportunity was rejected"
            ),
        ]
    );
    assert_eq!(import.summary.signals.new, 2);
}

#[test]
fn a_signal_that_waited_becomes_evidence_of_the_deal_it_led_to() {
    let mut office = Office::new();
    office.import_folder("small/signals");
    let signals = &office.portfolio.reference().signals;
    let of = |id: &str| {
        let number = office.portfolio.signal_by_id(id).unwrap();
        *signals.get(number).unwrap()
    };
    assert_eq!(
        (signals.len(), of("SIG-4").kind),
        (4, office.portfolio.texts().find("nps").unwrap())
    );
    assert_eq!(
        of("SIG-3").customer,
        office.portfolio.customer_by_id("C-2").unwrap()
    );
    assert_eq!(office.found("G-2").detail.signal, NONE);
    // A later export says what came of it; nothing else of it changes.
    let header = "id,customer_id,kind,detected_at,evidence,opportunity_id\n";
    let row = "SIG-3,C-2,Health score,2026-01-20,Health 82 after 61";
    let import = office.import(&[("signals", &format!("{header}{row},G-2\n"))]);
    assert_eq!(
        (import.summary.signals.changed, import.planned.batch.len()),
        (1, 1)
    );
    let number = office.portfolio.signal_by_id("SIG-3").unwrap();
    assert_eq!(office.found("G-2").detail.signal, number);
    // What is said differently afterwards contradicts what is on record.
    for (row, column, reason) in [
        (
            "SIG-3,C-2,nps,2026-01-20,,G-2",
            "kind",
            "this signal is on record with health_score",
        ),
        (
            "SIG-3,C-2,health score,2026-01-21,,G-2",
            "detected_at",
            "this signal is on record with 2026-01-20",
        ),
        (
            "SIG-3,C-1,health score,2026-01-20,,",
            "customer_id",
            "this signal is on record with Helios GmbH",
        ),
        (
            "SIG-3,,health score,2026-01-20,,G-1",
            "opportunity_id",
            "this signal led to G-2 already",
        ),
    ] {
        let import = office.plan(&named(&[("signals", &format!("{header}{row}\n"))]));
        let found = import.rejections.first().unwrap();
        assert_eq!(
            (found.column.as_str(), found.reason.as_str()),
            (column, reason),
            "{row}"
        );
        assert!(import.planned.batch.is_empty(), "{row}");
    }
    // Evidence may be written anew, and a file that leaves it out takes nothing away.
    let anew = format!("{header}SIG-3,C-2,health score,2026-01-20,Health 90,\n");
    let import = office.import(&[("signals", &anew)]);
    assert_eq!(import.summary.signals.changed, 1);
    let without = format!("{header}SIG-3,C-2,health score,2026-01-20,,\n");
    for text in [&anew, &without] {
        assert!(
            office.import(&[("signals", text)]).planned.batch.is_empty(),
            "{text}"
        );
    }
}
