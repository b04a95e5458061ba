//! Targets, settings, forecasts and rates.

use super::*;

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
