//! Signals, and the deals they led to.

use super::*;

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
