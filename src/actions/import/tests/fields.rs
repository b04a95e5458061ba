//! Fields of a deal: their histories, probabilities and attributes.

use super::*;

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
