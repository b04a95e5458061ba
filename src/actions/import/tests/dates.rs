//! Since when a deal has stood in its stage, by one export after another.

use super::*;

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
