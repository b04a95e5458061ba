//! What a newer export changes, and what it leaves.

use super::*;

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
