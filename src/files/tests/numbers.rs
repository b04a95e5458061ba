//! Amounts, currencies and probabilities.

use super::*;

#[test]
fn an_impossible_probability_says_nothing_of_the_others() {
    let stated = with_column("probability", &["0.6", "140"]);
    assert_eq!(stated.deals[0].probability, Said::Is(6_000));
    assert_eq!(rejections(&stated).len(), 1);
}

#[test]
fn amounts_are_exact_and_read_by_column() {
    let ok =
        |cells: &[&str]| -> Vec<i64> { amounts(cells).into_iter().map(Result::unwrap).collect() };
    assert_eq!(
        ok(&[
            "$1,234.50",
            " 1234.5 ",
            "0",
            ".5",
            "1,234",
            "12,345,678.90",
            "1 234.50",
            "1'234.50",
            "USD 7"
        ]),
        [
            123_450,
            123_450,
            0,
            50,
            123_400,
            1_234_567_890,
            123_450,
            123_450,
            700
        ]
    );
    assert_eq!(
        ok(&["1.234,50", "1.234", "99,5", "1.234.567"]),
        [123_450, 123_400, 9_950, 123_456_700]
    );
    assert_eq!(ok(&["1,00,000.50"]), [10_000_050]);
    assert_eq!(
        ok(&["45000.0", "12500.000", "10000000000"]),
        [4_500_000, 1_250_000, 1_000_000_000_000]
    );
    assert_eq!(ok(&["$1,234"]), [123_400]);
}

#[test]
fn amounts_that_leave_a_doubt_are_rejected() {
    let reason = |cells: &[&str]| amounts(cells).remove(0).unwrap_err();
    assert!(reason(&["12.000"]).contains("thousands or decimals"));
    assert!(reason(&["1,234", "9.50", "9,50"]).contains("thousands or decimals"));
    // Taken for decimals, either would be an amount no currency has.
    assert!(reason(&["1.234", "9.50"]).contains("thousands or decimals"));
    assert!(reason(&["$45,000", "40.000,00"]).contains("thousands or decimals"));
    assert!(reason(&["-500"]).contains("negative"));
    assert!(reason(&["($500.00)"]).contains("negative"));
    assert!(reason(&["€5"]).contains("another currency than USD"));
    assert!(reason(&["85k"]).contains("not an amount"));
    assert!(reason(&["10000000000.01"]).contains("more than"));
    for cell in [
        "ten", "1e5", "NaN", "85k", "5 %", "1,2,3", "1.2.3", "12 34", "$", "5-", "--5", "1..5",
    ] {
        let read = amounts(&[cell]).remove(0);
        assert!(read.is_err() || cell == "5-", "{cell} {read:?}");
    }
    assert!(reason(&["5-"]).contains("negative"));
}

#[test]
fn a_row_has_the_currency_it_names() {
    let text = "id,type,stage,estimated_value,currency\n\
                a,upsell,proposal,\"€1.234,50\",EUR\nb,upsell,proposal,\"1.000.000\",jpy\nc,upsell,proposal,7,XYZ\n";
    let stated = from_text("opportunities.csv", text);
    assert_eq!(deal(&stated, "a").estimated_value, 123_450);
    assert_eq!(deal(&stated, "b").estimated_value, 1_000_000);
    assert_eq!(
        stated.text(deal(&stated, "b").currency.value().unwrap()),
        "JPY"
    );
    assert_eq!(
        rejections(&stated)
            .iter()
            .map(|row| (row.0, row.1))
            .collect::<Vec<_>>(),
        [(4, "currency")]
    );
}

#[test]
fn a_probability_above_one_makes_its_column_percent() {
    let read = |cells: &[&str]| -> Vec<Said<u16>> {
        with_column("probability", cells)
            .deals
            .iter()
            .map(|deal| deal.probability)
            .collect()
    };
    assert_eq!(
        read(&["0.4", "1", "0", "0,125", "0.33333"]),
        [4_000, 10_000, 0, 1_250, 3_333].map(Said::Is)
    );
    assert_eq!(read(&["40", "1", "0.5"]), [4_000, 100, 50].map(Said::Is));
    assert_eq!(
        read(&["40%", "37,5 %", "1"]),
        [4_000, 3_750, 100].map(Said::Is)
    );
    for cell in ["-0.1", "101", "-5%", "high"] {
        assert_eq!(
            rejections(&with_column("probability", &[cell])).len(),
            1,
            "{cell}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_amount_reads_back_however_it_is_marked(minor in 0_i64..1_000_000_000_000) {
        let (major, cents) = (minor / 100, minor % 100);
        let grouped = crate::domain::money::thousands(major as u64);
        let point = format!("${grouped}.{cents:02}");
        let comma = format!("{},{cents:02}", grouped.replace(',', "."));
        let spaced = format!("{}.{cents:02}", grouped.replace(',', "\u{a0}"));
        for cell in [point, comma, spaced, format!("{major}.{cents:02}")] {
            prop_assert_eq!(&amounts(&[&cell])[0], &Ok(minor), "{}", cell);
        }
    }
}
