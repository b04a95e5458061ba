//! How a stage history, or none, becomes the way of a deal.

use super::*;

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
