//! Laws that hold for any words, calendar and day.

#![allow(clippy::unwrap_used)]

use chrono::{NaiveDate, Weekday};
use proptest::prelude::*;

use super::Direction::{Back, Forward};
use super::label::dates;
use super::*;
use crate::domain::calendar::{YearName, add_days, add_months};

fn any_calendar() -> impl Strategy<Value = Calendar> {
    (1..=12u32, any::<bool>(), 0..7u8).prop_map(|(start, by_start, week)| Calendar {
        fiscal_year_start: start,
        fiscal_year_named_by: if by_start {
            YearName::Start
        } else {
            YearName::End
        },
        week_start: Weekday::try_from(week).unwrap(),
        ..Calendar::default()
    })
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    // 1970-01-01 to 2199-12-31
    (0..84_006i32).prop_map(|day| NaiveDate::from_epoch_days(day).unwrap())
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Forward), Just(Back)]
}

/// Words this module knows, in any order, with numbers and signs among them.
fn any_known_words() -> impl Strategy<Value = String> {
    let known: Vec<&str> = words::known().collect();
    let word = prop_oneof![
        6 => proptest::sample::select(known),
        2 => proptest::sample::select(vec!["q1", "h2", "fy27", "'26", "2026", "2026-02", "2026-02-15", "15", "3", "1st"]),
        2 => proptest::sample::select(vec!["-", "..", "/", "to", "of"]),
    ];
    proptest::collection::vec(word, 1..7).prop_map(|words| words.join(" "))
}

/// One month, quarter, half, year, week or any days.
fn any_stretch() -> impl Strategy<Value = (NaiveDate, NaiveDate)> {
    let months =
        (any_day(), proptest::sample::select(vec![1, 2, 3, 6, 12])).prop_map(|(day, months)| {
            let start = day.with_day(1).unwrap();
            (start, add_days(add_months(start, months), -1))
        });
    let days = (any_day(), prop_oneof![Just(6), 0..800i64])
        .prop_map(|(start, days)| (start, add_days(start, days)));
    prop_oneof![months, days].prop_filter("in range", |(_, end)| in_range(*end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(words in any::<String>(), calendar in any_calendar(), today in any_day()) {
        let _ = period(&words, &calendar, today, Forward);
        let _ = date(&words, &calendar, today, Back);
    }

    #[test]
    fn no_today_makes_it_panic(words in any_known_words(), days in any::<i32>(), calendar in any_calendar()) {
        let today = NaiveDate::from_epoch_days(days % 90_000_000).unwrap_or(NaiveDate::MAX);
        let _ = period(&words, &calendar, today, Forward);
        let _ = date(&words, &calendar, today, Back);
    }

    #[test]
    fn what_is_understood_is_in_order_and_its_label_reads_back(
        words in any_known_words(), calendar in any_calendar(), today in any_day(), direction in any_direction(),
        another_day in any_day(), another_direction in any_direction(),
    ) {
        if let Ok(reading) = period(&words, &calendar, today, direction) {
            for read in std::iter::once(reading.period).chain(reading.whole) {
                prop_assert!(read.start <= read.end && in_range(read.start) && in_range(read.end), "{words}: {read:?}");
                let again = period(&read.label, &calendar, another_day, another_direction);
                prop_assert_eq!(again.map(|again| again.period), Ok(read));
            }
        }
    }

    #[test]
    fn every_stretch_has_a_label_that_reads_back(
        (start, end) in any_stretch(), calendar in any_calendar(), today in any_day(), direction in any_direction(),
    ) {
        let read = period(&dates(start, end), &calendar, today, direction).unwrap().period;
        prop_assert_eq!((read.start, read.end), (start, end));
        let again = period(&read.label, &calendar, today, direction).unwrap().period;
        prop_assert_eq!(again, read);
    }

    #[test]
    fn forward_is_the_first_not_over_and_back_the_last_begun(
        words in proptest::sample::select(vec!["Q2", "H1", "May", "7 July", "Q4-Q1", "Oct to Feb"]),
        calendar in any_calendar(), today in (3_653..73_000i32),
    ) {
        let today = NaiveDate::from_epoch_days(today).unwrap();
        let forward = period(words, &calendar, today, Forward).unwrap().period;
        let back = period(words, &calendar, today, Back).unwrap().period;
        prop_assert!(forward.end >= today && add_months(forward.end, -12) < today);
        prop_assert!(back.start <= today && add_months(back.start, 12) > today);
        prop_assert!(forward == back || back.end < today && today < forward.start);
    }
}
