//! Settings, people, targets, forecasts and rates.

use super::*;

#[test]
fn targets_and_forecasts_are_read_with_their_periods() {
    let text = "month,amount,csm_id,type\n2026-01,1000,,\nJan-26,2000,S-1,\n2026-01-15,3000,,upsell\n\
                2026-01,4000,,\n2026-Q1,5,,\n2026-02,-5,,\n";
    let stated = from_text("targets.csv", text);
    assert!(
        stated
            .targets
            .iter()
            .all(|target| target.month == date("2026-01-01"))
    );
    assert_eq!(stated.targets.len(), 3);
    assert_eq!(
        rejections(&stated)
            .iter()
            .map(|row| row.0)
            .collect::<Vec<_>>(),
        [5, 6, 7]
    );

    let text = "period,measure,amount,as_of,csm_id\n2026-Q1,weighted,100,2025-12-31,\nQ1,Best Case,100,2025-12-31,\n\
                2026-02,weighted,100,2026-01-31,\nsometime,weighted,100,2026-01-31,\n2026-Q1,weighted,200,2025-12-31,\n";
    let stated = from_text("forecasts.csv", text);
    let spans: Vec<_> = stated
        .forecasts
        .iter()
        .map(|row| (row.period.start, row.period.end, row.measure))
        .collect();
    let (start, end) = (date("2026-01-01"), date("2026-03-31"));
    assert_eq!(
        spans,
        [
            (start, end, "weighted"),
            (start, end, "best_case"),
            (date("2026-02-01"), date("2026-02-28"), "weighted")
        ]
    );
    assert_eq!(
        rejections(&stated)
            .iter()
            .map(|row| (row.0, row.1))
            .collect::<Vec<_>>(),
        [(5, "period"), (6, "period")]
    );
}

#[test]
fn settings_travel_with_their_files_and_go_before_them() {
    let files = [
        source(
            "opportunities.csv",
            "id,type,stage,estimated_value\na,upsell,proposal,1500\n",
        ),
        source(
            "settings.csv",
            "name,value\ncurrency,JPY\nprobability.proposal,65 %\nmood,good\nweek_start,someday\n",
        ),
    ];
    let stated = read(&files, &Settings::default());
    assert_eq!(deal(&stated, "a").estimated_value, 1_500);
    assert_eq!(stated.currency.code(), "JPY");
    let set: Vec<(&str, &str)> = stated
        .settings
        .iter()
        .map(|row| (row.name, stated.text(row.value)))
        .collect();
    assert_eq!(set, [("currency", "JPY"), ("probability.proposal", "65%")]);
    assert_eq!(rejections(&stated).len(), 2);
}

#[test]
fn a_person_may_stand_in_two_files_that_agree() {
    let files = [
        source(
            "csms.csv",
            "id,name,manager,region\nS-1,Ava,Kim,West\nS-1,Ava,Kim,West\nS-2,Ben,,\n",
        ),
        source(
            "sales_reps.csv",
            "id,name,team\nS-1,Ava,Blue\nS-2,Bob,Red\n",
        ),
    ];
    let stated = read(&files, &Settings::default());
    assert_eq!(stated.people.len(), 2);
    let attributes: Vec<&str> = stated.people[0]
        .attributes
        .iter()
        .map(|(_, value)| stated.text(*value))
        .collect();
    assert_eq!(attributes, ["West", "Blue"]);
    assert_eq!(
        rejections(&stated)
            .iter()
            .map(|row| row.0)
            .collect::<Vec<_>>(),
        [3, 3]
    );
}

#[test]
fn a_rate_is_read_as_its_column_is_written() {
    let rates = |cells: &[&str]| {
        let rows = (1..).zip(cells);
        let rows = rows.map(|(day, cell)| format!("EUR,2026-01-{day:02},\"{cell}\"\n"));
        let text = format!("currency,date,rate\n{}", rows.collect::<String>());
        let stated = from_text("rates.csv", text.into_bytes());
        let read: Vec<String> = stated.rates.iter().map(|row| row.rate.text()).collect();
        (read.join(" "), rejections(&stated).len())
    };
    // A rate has decimals more often than thousands.
    assert_eq!(rates(&["1.085", "0.9", "2"]), ("1.085 0.9 2".to_owned(), 0));
    assert_eq!(rates(&["1,0850", "1,085"]), ("1.085 1.085".to_owned(), 0));
    assert_eq!(rates(&["25.400", "1,5"]), ("25400 1.5".to_owned(), 0));
    assert_eq!(rates(&["1,085"]), (String::new(), 1));
    assert_eq!(rates(&["0,085"]), ("0.085".to_owned(), 0));
    assert_eq!(
        rates(&["0.000034123456789012"]),
        ("0.000034123456789012".to_owned(), 0)
    );
}

#[test]
fn what_is_no_rate_is_rejected_with_its_line() {
    let stated = from_folder("dirt/bad_rates");
    assert_eq!(
        rejections(&stated),
        [
            (3, "rate", "\"0\" is not above zero"),
            (4, "rate", "\"-1.08\" is not above zero"),
            (
                5,
                "rate",
                "\"about one\" is not a rate; write what one unit is worth, in digits, such as 1.085"
            ),
            (
                7,
                "currency",
                "USD is the organisation's own currency, which has no rate"
            ),
            (
                8,
                "currency",
                "\"XYZ\" is not an ISO 4217 currency with no or two decimals"
            ),
            (
                9,
                "currency",
                "\"KWD\" is not an ISO 4217 currency with no or two decimals"
            ),
            (
                11,
                "currency",
                "\"EUR\" is already on line 2; rate: it is 1.08 there"
            ),
            (12, "date", "it is empty"),
            (13, "rate", "it is empty"),
            (
                14,
                "rate",
                "\"1.1234567890123456789\" has more than 18 digits"
            ),
            (
                15,
                "rate",
                "\"$1.08\" is not a rate; write what one unit is worth, in digits, such as 1.085"
            ),
        ]
    );
    // The same rate again, however it is written, is one.
    assert_eq!(stated.rates.len(), 2);
}
