//! Dates and instants.

use super::*;

#[test]
fn an_instant_falls_on_the_business_date_of_its_zone() {
    let mut settings = Settings::default();
    settings.set("time_zone", "America/New_York").unwrap();
    let text = "id,type,stage,estimated_value,identified_date,stage_entered_at\n\
                a,upsell,proposal,1,2026-01-08T02:30:00Z,2026-01-08 09:00\n\
                b,upsell,proposal,1,2026-01-08T00:00:00.000+0000,2026-01-08\n";
    let stated = read(&[source("opportunities.csv", text)], &settings);
    // 02:30 UTC is the evening before in New York; an exact midnight is a date that was given a time.
    assert_eq!(deal(&stated, "a").identified, Said::Is(date("2026-01-07")));
    assert_eq!(deal(&stated, "b").identified, Said::Is(date("2026-01-08")));
    let nine = date("2026-01-08")
        .and_hms_opt(14, 0, 0)
        .unwrap()
        .and_utc()
        .timestamp_millis();
    assert_eq!(
        deal(&stated, "a").stage_entered,
        Said::Is(Moment::Instant(nine))
    );
    assert_eq!(
        deal(&stated, "b").stage_entered,
        Said::Is(Moment::Date(date("2026-01-08")))
    );
}

#[test]
fn dates_that_could_be_read_either_way_are_rejected() {
    let stated = from_folder("dirt/ambiguous_dates");
    assert_eq!(stated.deals.len(), 0);
    assert_eq!(rejections(&stated).len(), 3);
    assert!(
        rejections(&stated)
            .iter()
            .all(|(_, column, reason)| *column == "expected_close"
                && reason.contains("day or month first"))
    );
}

#[test]
fn one_clear_date_settles_its_column() {
    let closes = |cells: &[&str]| -> Vec<Said<NaiveDate>> {
        with_column("expected_close", cells)
            .deals
            .iter()
            .map(|deal| deal.expected_close)
            .collect()
    };
    let is = |text: &str| Said::Is(date(text));
    assert_eq!(
        closes(&["03/04/2026", "3/13/2026"]),
        [is("2026-03-04"), is("2026-03-13")]
    );
    assert_eq!(
        closes(&["03/04/2026", "13/3/2026"]),
        [is("2026-04-03"), is("2026-03-13")]
    );
    assert_eq!(closes(&["03.04.2026"]), [is("2026-04-03")]);
    assert_eq!(
        closes(&["05/05/2026", "2026-03-04", "2026/3/5"]),
        [is("2026-05-05"), is("2026-03-04"), is("2026-03-05")]
    );
    assert_eq!(closes(&["3/13/2026, 3:04 PM"]), [is("2026-03-13")]);
    // A column of both orders is trusted in nothing.
    assert_eq!(closes(&["03/04/2026", "3/13/2026", "13/3/2026"]), []);
}

#[test]
fn a_month_that_is_named_leaves_no_doubt() {
    let cells = [
        "27-Feb-2026",
        "1-Apr-26",
        "Mar 31, 2026",
        "31 March 2026",
        "5/Oct/2026",
    ];
    let stated = with_column("expected_close", &cells);
    assert_eq!(rejections(&stated), []);
    let read: Vec<String> = stated
        .deals
        .iter()
        .filter_map(|deal| deal.expected_close.value())
        .map(|date| date.to_string())
        .collect();
    assert_eq!(
        read,
        [
            "2026-02-27",
            "2026-04-01",
            "2026-03-31",
            "2026-03-31",
            "2026-10-05"
        ]
    );
}

#[test]
fn one_date_of_the_other_order_is_the_one_that_is_wrong() {
    let cells = ["03/27/2026", "03/28/2026", "13/02/2026"];
    let stated = with_column("expected_close", &cells);
    let bad = rejections(&stated);
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].0, 4);
    assert!(
        bad[0].2.contains("13/02/2026 and 03/27/2026"),
        "{}",
        bad[0].2
    );
}

#[test]
fn what_is_no_date_is_rejected() {
    for cell in [
        "2026-02-31",
        "1969-12-31",
        "2200-01-01",
        "1/13/26",
        "45992",
        "soon",
        "2026-13-01",
        "2026-01-01T25:00",
        "31.02.2026",
    ] {
        assert_eq!(
            rejections(&with_column("expected_close", &[cell])).len(),
            1,
            "{cell}"
        );
    }
}
