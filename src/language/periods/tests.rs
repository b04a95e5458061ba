//! Examples a person can check against a wall calendar.
//! Today is Tuesday, 10 February 2026 unless a row says otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use chrono::{NaiveDate, Weekday};

use super::Direction::{Back, Forward};
use super::*;
use crate::domain::calendar::YearName;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn today() -> NaiveDate {
    day("2026-02-10")
}

/// A fiscal year from February, called by the year it ends in.
fn fiscal() -> Calendar {
    Calendar {
        fiscal_year_start: 2,
        ..Calendar::default()
    }
}

fn read(words: &str, calendar: &Calendar, direction: Direction) -> Period {
    period(words, calendar, today(), direction)
        .unwrap_or_else(|refusal| panic!("{words}: {refusal}"))
        .period
}

/// Checks lines of "words => first day, last day, label".
fn check(table: &str, calendar: &Calendar, direction: Direction) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (words, expected) = line.split_once(" => ").expect(line);
        let expected: Vec<&str> = expected.splitn(3, ' ').collect();
        let expected = Period::new(day(expected[0]), day(expected[1]), expected[2]);
        for words in [
            words.trim().to_owned(),
            words.to_uppercase(),
            format!("  in the {words} ?"),
        ] {
            assert_eq!(read(&words, calendar, direction), expected, "{words}");
        }
    }
}

#[test]
fn the_same_words_mean_the_same_days_in_either_direction() {
    let rows = "
        Q1 2026                       => 2026-01-01 2026-03-31 Q1 2026
        2026-Q1                       => 2026-01-01 2026-03-31 Q1 2026
        2026Q1                        => 2026-01-01 2026-03-31 Q1 2026
        Q1'26                         => 2026-01-01 2026-03-31 Q1 2026
        q1 ’26                        => 2026-01-01 2026-03-31 Q1 2026
        1Q26                          => 2026-01-01 2026-03-31 Q1 2026
        Q1-2026                       => 2026-01-01 2026-03-31 Q1 2026
        Q1 26                         => 2026-01-01 2026-03-31 Q1 2026
        Q1 FY27                       => 2027-01-01 2027-03-31 Q1 2027
        FY26 Q3                       => 2026-07-01 2026-09-30 Q3 2026
        first quarter of 2026         => 2026-01-01 2026-03-31 Q1 2026
        Q1 next year                  => 2027-01-01 2027-03-31 Q1 2027
        FY27                          => 2027-01-01 2027-12-31 2027
        FY2027                        => 2027-01-01 2027-12-31 2027
        fiscal year 2027              => 2027-01-01 2027-12-31 2027
        FY27 H1                       => 2027-01-01 2027-06-30 H1 2027
        H2 2026                       => 2026-07-01 2026-12-31 H2 2026
        second half of 2026           => 2026-07-01 2026-12-31 H2 2026
        first half of the year        => 2026-01-01 2026-06-30 H1 2026
        Mar 2026                      => 2026-03-01 2026-03-31 March 2026
        March '26                     => 2026-03-01 2026-03-31 March 2026
        Mar-2026                      => 2026-03-01 2026-03-31 March 2026
        2026-02                       => 2026-02-01 2026-02-28 February 2026
        2024-02                       => 2024-02-01 2024-02-29 February 2024
        Feb-26                        => 2026-02-01 2026-02-28 February 2026
        Feb/26                        => 2026-02-01 2026-02-28 February 2026
        02/2026                       => 2026-02-01 2026-02-28 February 2026
        2-2026                        => 2026-02-01 2026-02-28 February 2026
        month of February 2026        => 2026-02-01 2026-02-28 February 2026
        FY27Q1                        => 2027-01-01 2027-03-31 Q1 2027
        FY27H2                        => 2027-07-01 2027-12-31 H2 2027
        1H26                          => 2026-01-01 2026-06-30 H1 2026
        first half-year 2026          => 2026-01-01 2026-06-30 H1 2026
        2026                          => 2026-01-01 2026-12-31 2026
        calendar year 2026            => 2026-01-01 2026-12-31 2026
        CY26                          => 2026-01-01 2026-12-31 2026

        2026-02-15                    => 2026-02-15 2026-02-15 2026-02-15
        2026/2/15                     => 2026-02-15 2026-02-15 2026-02-15
        13/02/2026                    => 2026-02-13 2026-02-13 2026-02-13
        02/13/2026                    => 2026-02-13 2026-02-13 2026-02-13
        15.2.2026                     => 2026-02-15 2026-02-15 2026-02-15
        3/3/2026                      => 2026-03-03 2026-03-03 2026-03-03
        15th of February, 2026        => 2026-02-15 2026-02-15 2026-02-15
        Feb. 15, 2026                 => 2026-02-15 2026-02-15 2026-02-15
        15-Feb-2026                   => 2026-02-15 2026-02-15 2026-02-15
        2026-Feb-15                   => 2026-02-15 2026-02-15 2026-02-15
        Feb-15-2026                   => 2026-02-15 2026-02-15 2026-02-15
        5-Mar-26                      => 2026-03-05 2026-03-05 2026-03-05
        05/Mar/26                     => 2026-03-05 2026-03-05 2026-03-05
        1-Jan-26                      => 2026-01-01 2026-01-01 2026-01-01
        Tue Mar 31 2026               => 2026-03-31 2026-03-31 2026-03-31
        Tuesday, 31 March 2026        => 2026-03-31 2026-03-31 2026-03-31
        next week Friday              => 2026-02-20 2026-02-20 2026-02-20
        next week's Friday            => 2026-02-20 2026-02-20 2026-02-20
        Friday next week              => 2026-02-20 2026-02-20 2026-02-20
        Friday of this week           => 2026-02-13 2026-02-13 2026-02-13
        last week Monday              => 2026-02-02 2026-02-02 2026-02-02
        today                         => 2026-02-10 2026-02-10 2026-02-10
        yesterday                     => 2026-02-09 2026-02-09 2026-02-09
        tomorrow                      => 2026-02-11 2026-02-11 2026-02-11
        week of 12 Jan 2026           => 2026-01-12 2026-01-18 week of 2026-01-12
        week of 2026-01-15            => 2026-01-12 2026-01-18 week of 2026-01-12
        2026-W05                      => 2026-01-26 2026-02-01 week of 2026-01-26
        W05/2026                      => 2026-01-26 2026-02-01 week of 2026-01-26
        week 5 of 2026                => 2026-01-26 2026-02-01 week of 2026-01-26
        2026-W01                      => 2025-12-29 2026-01-04 week of 2025-12-29
        week 53 2026                  => 2026-12-28 2027-01-03 week of 2026-12-28

        this week                     => 2026-02-09 2026-02-15 week of 2026-02-09
        last week                     => 2026-02-02 2026-02-08 week of 2026-02-02
        next week                     => 2026-02-16 2026-02-22 week of 2026-02-16
        this month                    => 2026-02-01 2026-02-28 February 2026
        this_month                    => 2026-02-01 2026-02-28 February 2026
        last month's                  => 2026-01-01 2026-01-31 January 2026
        next month                    => 2026-03-01 2026-03-31 March 2026
        quarter                       => 2026-01-01 2026-03-31 Q1 2026
        current quarter               => 2026-01-01 2026-03-31 Q1 2026
        previous quarter              => 2025-10-01 2025-12-31 Q4 2025
        next quarter                  => 2026-04-01 2026-06-30 Q2 2026
        half-year                     => 2026-01-01 2026-06-30 H1 2026
        this half-year                => 2026-01-01 2026-06-30 H1 2026
        last half year                => 2025-07-01 2025-12-31 H2 2025
        next half-year                => 2026-07-01 2026-12-31 H2 2026
        prev quarter                  => 2025-10-01 2025-12-31 Q4 2025
        this Q1                       => 2026-01-01 2026-03-31 Q1 2026
        this Q4                       => 2026-10-01 2026-12-31 Q4 2026
        this January                  => 2026-01-01 2026-01-31 January 2026
        this March                    => 2026-03-01 2026-03-31 March 2026
        this Friday                   => 2026-02-13 2026-02-13 2026-02-13
        this Monday                   => 2026-02-09 2026-02-09 2026-02-09
        this half                     => 2026-01-01 2026-06-30 H1 2026
        last half                     => 2025-07-01 2025-12-31 H2 2025
        this year                     => 2026-01-01 2026-12-31 2026
        last fiscal year              => 2025-01-01 2025-12-31 2025
        next calendar year            => 2027-01-01 2027-12-31 2027

        last 90 days                  => 2025-11-13 2026-02-10 2025-11-13..2026-02-10
        past 90 days                  => 2025-11-13 2026-02-10 2025-11-13..2026-02-10
        previous 90 days              => 2025-11-13 2026-02-10 2025-11-13..2026-02-10
        last 1 day                    => 2026-02-10 2026-02-10 2026-02-10
        next 30 days                  => 2026-02-10 2026-03-11 2026-02-10..2026-03-11
        last fifteen days             => 2026-01-27 2026-02-10 2026-01-27..2026-02-10
        L90D                          => 2025-11-13 2026-02-10 2025-11-13..2026-02-10
        L12M                          => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        last 2 weeks                  => 2026-01-26 2026-02-08 2026-01-26..2026-02-08
        last 3 months                 => 2025-11-01 2026-01-31 2025-11-01..2026-01-31
        last twelve months            => 2025-02-01 2026-01-31 2025-02-01..2026-01-31
        next 2 quarters               => 2026-04-01 2026-09-30 2026-04-01..2026-09-30
        last 2 quarters               => 2025-07-01 2025-12-31 H2 2025
        next 12 months                => 2026-03-01 2027-02-28 2026-03-01..2027-02-28
        last 2 years                  => 2024-01-01 2025-12-31 2024-01-01..2025-12-31
        trailing 12 months            => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        trailing-12-months            => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        rolling 6 months              => 2025-08-11 2026-02-10 2025-08-11..2026-02-10
        past 12 months                => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        past year                     => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        TTM                           => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        LTM                           => 2025-02-11 2026-02-10 2025-02-11..2026-02-10

        YTD                           => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        year to date                  => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        year-to-date                  => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        this quarter to date          => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        QTD                           => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        MTD                           => 2026-02-01 2026-02-10 2026-02-01..2026-02-10
        WTD                           => 2026-02-09 2026-02-10 2026-02-09..2026-02-10
        this quarter so far           => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        so far this year              => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        start of the month to date    => 2026-02-01 2026-02-10 2026-02-01..2026-02-10
        beginning of quarter to date  => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        start of the year to date     => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        Q1 to date                    => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        2026 to date                  => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        since June                    => 2025-06-01 2026-02-10 2025-06-01..2026-02-10
        June to date                  => 2025-06-01 2026-02-10 2025-06-01..2026-02-10
        within the next 30 days       => 2026-02-10 2026-03-11 2026-02-10..2026-03-11
        within 30 days                => 2026-02-10 2026-03-11 2026-02-10..2026-03-11
        within 3 months               => 2026-02-10 2026-05-09 2026-02-10..2026-05-09
        within a year                 => 2026-02-10 2027-02-09 2026-02-10..2027-02-09
        within the last 30 days       => 2026-01-12 2026-02-10 2026-01-12..2026-02-10
        within this quarter           => 2026-01-01 2026-03-31 Q1 2026
        within next month             => 2026-03-01 2026-03-31 March 2026
        within the past month         => 2026-01-11 2026-02-10 2026-01-11..2026-02-10
        within the last month         => 2026-01-01 2026-01-31 January 2026
        within Q1 2026                => 2026-01-01 2026-03-31 Q1 2026
        T12M                          => 2025-02-11 2026-02-10 2025-02-11..2026-02-10
        T3M                           => 2025-11-11 2026-02-10 2025-11-11..2026-02-10
        all of 2026                   => 2026-01-01 2026-12-31 2026
        since 1 June 2025             => 2025-06-01 2026-02-10 2025-06-01..2026-02-10
        since last week               => 2026-02-02 2026-02-10 2026-02-02..2026-02-10

        2026-01-01..2026-03-31        => 2026-01-01 2026-03-31 Q1 2026
        2026-01-05..2026-02-20        => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        2026-01-05 to 2026-02-20      => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        2026-01-05/2026-02-20         => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        2026-01-05 – 2026-02-20       => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        2026-01-05-2026-02-20         => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        2026-01…2026-02               => 2026-01-01 2026-02-28 2026-01-01..2026-02-28
        from 5 Jan 2026 until 20 Feb  => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        5 Jan - 20 Feb 2026           => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        1-Jan-26 to 31-Mar-26         => 2026-01-01 2026-03-31 Q1 2026
        1-Jan-26 - 15-Jan-26          => 2026-01-01 2026-01-15 2026-01-01..2026-01-15
        Jan-26 to Mar-26              => 2026-01-01 2026-03-31 Q1 2026
        01/2026 - 03/2026             => 2026-01-01 2026-03-31 Q1 2026
        15 Feb-26 2026                => 2026-02-15 2026-02-26 2026-02-15..2026-02-26
        5-20 Feb 2026                 => 2026-02-05 2026-02-20 2026-02-05..2026-02-20
        Feb 5-20, 2026                => 2026-02-05 2026-02-20 2026-02-05..2026-02-20
        Jan--Mar 2026                 => 2026-01-01 2026-03-31 Q1 2026
        Jan to Mar 2026               => 2026-01-01 2026-03-31 Q1 2026
        Nov to Feb 2026               => 2025-11-01 2026-02-28 2025-11-01..2026-02-28
        Nov 2025 to Feb               => 2025-11-01 2026-02-28 2025-11-01..2026-02-28
        Q4 2025 to Q1 2026            => 2025-10-01 2026-03-31 2025-10-01..2026-03-31
        2025-2026                     => 2025-01-01 2026-12-31 2025-01-01..2026-12-31
        start of year to end of March => 2026-01-01 2026-03-31 Q1 2026
        last week to next week        => 2026-02-02 2026-02-22 2026-02-02..2026-02-22
    ";
    check(rows, &Calendar::default(), Forward);
    check(rows, &Calendar::default(), Back);
}

#[test]
fn words_that_begin_or_end_today_hold_in_one_direction() {
    let forward = "
        end of quarter                => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        EOQ                           => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        quarter-end                   => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        rest of the quarter           => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        by end of month               => 2026-02-10 2026-02-28 2026-02-10..2026-02-28
        end of year                   => 2026-02-10 2026-12-31 2026-02-10..2026-12-31
        until March                   => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        end of Q1                     => 2026-02-10 2026-03-31 2026-02-10..2026-03-31
        ..2026-06-30                  => 2026-02-10 2026-06-30 2026-02-10..2026-06-30
        until 2026-02-10              => 2026-02-10 2026-02-10 2026-02-10
    ";
    let back = "
        from January                  => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        from March                    => 2025-03-01 2026-02-10 2025-03-01..2026-02-10
        2026-01-15..                  => 2026-01-15 2026-02-10 2026-01-15..2026-02-10
        from 2026-01-15 onwards       => 2026-01-15 2026-02-10 2026-01-15..2026-02-10
        January onward                => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        from 2025-Q4 on               => 2025-10-01 2026-02-10 2025-10-01..2026-02-10
        from start of year            => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
    ";
    check(forward, &Calendar::default(), Forward);
    check(back, &Calendar::default(), Back);
    let refused = |words: &str, direction| {
        period(words, &Calendar::default(), today(), direction).unwrap_err()
    };
    for words in [
        "..2026-06-30",
        "until March",
        "end of Q1",
        "EOQ",
        "rest of the year",
    ] {
        let refusal = refused(words, Back);
        assert!(
            refusal
                .message
                .ends_with("runs from today on, and this looks back."),
            "{refusal}"
        );
        assert_eq!(
            refusal.hint,
            "Try \"Q1 2026\", \"this month\" or \"2026-01-01..2026-03-31\"."
        );
    }
    for words in ["2026-01-15..", "from January", "from 2026-01-15 onwards"] {
        let refusal = refused(words, Forward);
        assert!(
            refusal.message.contains("does not say where it ends"),
            "{refusal}"
        );
        assert!(refusal.hint.starts_with("Try \"Q1 2026\""), "{refusal}");
    }
}

#[test]
fn words_without_a_year_follow_the_direction() {
    let forward = "
        Q1                            => 2026-01-01 2026-03-31 Q1 2026
        Q4                            => 2026-10-01 2026-12-31 Q4 2026
        first half                    => 2026-01-01 2026-06-30 H1 2026
        January                       => 2027-01-01 2027-01-31 January 2027
        February                      => 2026-02-01 2026-02-28 February 2026
        March                         => 2026-03-01 2026-03-31 March 2026
        15 Feb                        => 2026-02-15 2026-02-15 2026-02-15
        9 Feb                         => 2027-02-09 2027-02-09 2027-02-09
        29 Feb                        => 2028-02-29 2028-02-29 2028-02-29
        Friday                        => 2026-02-13 2026-02-13 2026-02-13
        week 5                        => 2027-02-01 2027-02-07 week of 2027-02-01
        W07                           => 2026-02-09 2026-02-15 week of 2026-02-09
        month of February             => 2026-02-01 2026-02-28 February 2026
        Feb-5                         => 2027-02-05 2027-02-05 2027-02-05
        Jan-Mar                       => 2026-01-01 2026-03-31 Q1 2026
        Nov–Feb                       => 2025-11-01 2026-02-28 2025-11-01..2026-02-28
        Nov–Jan                       => 2026-11-01 2027-01-31 2026-11-01..2027-01-31
        Q1-Q2                         => 2026-01-01 2026-06-30 H1 2026
        between 5 Jan and 20 Feb      => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        from Jan 5 to Feb 20          => 2026-01-05 2026-02-20 2026-01-05..2026-02-20
        week of 12 Jan                => 2027-01-11 2027-01-17 week of 2027-01-11
        all time                      => 1970-01-01 2199-12-31 1970-01-01..2199-12-31
        ever                          => 1970-01-01 2199-12-31 1970-01-01..2199-12-31
    ";
    let back = "
        Q1                            => 2026-01-01 2026-03-31 Q1 2026
        Q4                            => 2025-10-01 2025-12-31 Q4 2025
        H2                            => 2025-07-01 2025-12-31 H2 2025
        January                       => 2026-01-01 2026-01-31 January 2026
        February                      => 2026-02-01 2026-02-28 February 2026
        March                         => 2025-03-01 2025-03-31 March 2025
        15 Feb                        => 2025-02-15 2025-02-15 2025-02-15
        29 Feb                        => 2024-02-29 2024-02-29 2024-02-29
        Friday                        => 2026-02-06 2026-02-06 2026-02-06
        week 5                        => 2026-01-26 2026-02-01 week of 2026-01-26
        Monday, January 5             => 2026-01-05 2026-01-05 2026-01-05
        Jan-Mar                       => 2026-01-01 2026-03-31 Q1 2026
        Mar-May                       => 2025-03-01 2025-05-31 2025-03-01..2025-05-31
        Nov-Jan                       => 2025-11-01 2026-01-31 2025-11-01..2026-01-31
        week of 12 Jan                => 2026-01-12 2026-01-18 week of 2026-01-12
        all time                      => 1970-01-01 2026-02-10 1970-01-01..2026-02-10
        all-time                      => 1970-01-01 2026-02-10 1970-01-01..2026-02-10
        ever                          => 1970-01-01 2026-02-10 1970-01-01..2026-02-10
    ";
    check(forward, &Calendar::default(), Forward);
    check(back, &Calendar::default(), Back);
}

#[test]
fn a_bare_count_follows_the_direction() {
    for (words, forward, back) in [
        (
            "12 months",
            "2026-03-01..2027-02-28",
            "2025-02-11..2026-02-10",
        ),
        (
            "over twelve months",
            "2026-03-01..2027-02-28",
            "2025-02-11..2026-02-10",
        ),
        (
            "30 days",
            "2026-02-10..2026-03-11",
            "2026-01-12..2026-02-10",
        ),
    ] {
        let calendar = Calendar::default();
        assert_eq!(read(words, &calendar, Forward).label, forward, "{words}");
        assert_eq!(read(words, &calendar, Back).label, back, "{words}");
    }
}

#[test]
fn last_and_next_of_something_that_recurs_ignore_the_direction() {
    let rows = "
        last March                    => 2025-03-01 2025-03-31 March 2025
        next March                    => 2026-03-01 2026-03-31 March 2026
        next February                 => 2027-02-01 2027-02-28 February 2027
        last Q1                       => 2025-01-01 2025-03-31 Q1 2025
        next Tuesday                  => 2026-02-17 2026-02-17 2026-02-17
        last Tuesday                  => 2026-02-03 2026-02-03 2026-02-03
    ";
    check(rows, &Calendar::default(), Forward);
    check(rows, &Calendar::default(), Back);
}

#[test]
fn a_fiscal_year_moves_years_halves_and_quarters_but_no_month() {
    let rows = "
        FY27                          => 2026-02-01 2027-01-31 FY27
        this year                     => 2026-02-01 2027-01-31 FY27
        this fiscal year              => 2026-02-01 2027-01-31 FY27
        last year                     => 2025-02-01 2026-01-31 FY26
        Q1 2026                       => 2025-02-01 2025-04-30 FY26 Q1
        Q1 FY27                       => 2026-02-01 2026-04-30 FY27 Q1
        FY27 H2                       => 2026-08-01 2027-01-31 FY27 H2
        this quarter                  => 2026-02-01 2026-04-30 FY27 Q1
        YTD                           => 2026-02-01 2026-02-10 2026-02-01..2026-02-10
        2026                          => 2026-01-01 2026-12-31 2026
        this calendar year            => 2026-01-01 2026-12-31 2026
        calendar year 2026            => 2026-01-01 2026-12-31 2026
        calendar year to date         => 2026-01-01 2026-02-10 2026-01-01..2026-02-10
        calendar Q1 2026              => 2026-01-01 2026-03-31 2026-01-01..2026-03-31
        January FY27                  => 2027-01-01 2027-01-31 January 2027
        March 2026                    => 2026-03-01 2026-03-31 March 2026
        2026-03                       => 2026-03-01 2026-03-31 March 2026
        FY2005                        => 2004-02-01 2005-01-31 FY2005
    ";
    check(rows, &fiscal(), Forward);
    check(rows, &fiscal(), Back);
    let by_start = Calendar {
        fiscal_year_named_by: YearName::Start,
        ..fiscal()
    };
    check("FY26 => 2026-02-01 2027-01-31 FY26", &by_start, Forward);
}

#[test]
fn years_said_once_in_a_span_are_the_years_of_both_ends() {
    let rows = "
        calendar Q1-Q3 2026           => 2026-01-01 2026-09-30 2026-01-01..2026-09-30
        Q1-Q2 CY26                    => 2026-01-01 2026-06-30 2026-01-01..2026-06-30
        CY26 Q1-Q2                    => 2026-01-01 2026-06-30 2026-01-01..2026-06-30
        calendar year Q1-Q4           => 2026-01-01 2026-12-31 2026
        calendar Q4 2025 - Q1 2026    => 2025-10-01 2026-03-31 2025-10-01..2026-03-31
        fiscal 2026-2027              => 2025-02-01 2027-01-31 2025-02-01..2027-01-31
        FY27 Q1-Q2                    => 2026-02-01 2026-07-31 FY27 H1
        Q1-Q2 FY27                    => 2026-02-01 2026-07-31 FY27 H1
        Q4 FY26 - Q1 FY27             => 2025-11-01 2026-04-30 2025-11-01..2026-04-30
        FY27 Mar-May                  => 2026-03-01 2026-05-31 2026-03-01..2026-05-31
        Mar-May FY27                  => 2026-03-01 2026-05-31 2026-03-01..2026-05-31
        Q4 FY26 to calendar Q4 2026   => 2025-11-01 2026-12-31 2025-11-01..2026-12-31
    ";
    check(rows, &fiscal(), Forward);
    check(rows, &fiscal(), Back);
    check(
        "calendar H1 - H2 => 2026-01-01 2026-12-31 2026",
        &fiscal(),
        Forward,
    );
    let august = period("CY26 Q1-Q2", &fiscal(), day("2026-08-15"), Forward).unwrap();
    assert_eq!(august.period.end, day("2026-06-30"));
    // The January of FY27 comes after its March, so neither order is a span of that year.
    for words in ["Jan-Mar FY27", "FY27 Jan-Mar"] {
        let refusal = period(words, &fiscal(), today(), Forward).unwrap_err();
        assert!(
            refusal.message.contains("ends before it starts"),
            "{refusal}"
        );
    }
}

#[test]
fn this_of_something_that_recurs_is_the_one_of_this_year_or_week() {
    let read = |words, today, direction| {
        let reading = period(words, &Calendar::default(), day(today), direction);
        reading.unwrap().period.start
    };
    for (words, today, start) in [
        ("this Q1", "2026-08-15", "2026-01-01"),
        ("this March", "2026-08-15", "2026-03-01"),
        ("this March", "2026-01-29", "2026-03-01"),
        ("this Friday", "2026-01-29", "2026-01-30"),
        ("this Friday", "2026-01-31", "2026-01-30"),
    ] {
        for direction in [Forward, Back] {
            assert_eq!(
                read(words, today, direction),
                day(start),
                "{words} on {today}"
            );
        }
    }
    let fiscal_q1 = period("this Q1", &fiscal(), day("2026-08-15"), Forward).unwrap();
    assert_eq!(fiscal_q1.period.label, "FY27 Q1");
    let civil_q1 = period("this calendar Q1", &fiscal(), day("2026-08-15"), Forward).unwrap();
    assert_eq!(civil_q1.period.start, day("2026-01-01"));
}

#[test]
fn a_week_may_begin_on_sunday() {
    let sunday = Calendar {
        week_start: Weekday::Sun,
        ..Calendar::default()
    };
    check(
        "this week => 2026-02-08 2026-02-14 week of 2026-02-08",
        &sunday,
        Forward,
    );
    let rows = "
        this Sunday                   => 2026-02-08 2026-02-08 2026-02-08
        next week Saturday            => 2026-02-21 2026-02-21 2026-02-21
        2026-W05                      => 2026-02-01 2026-02-07 week of 2026-02-01
    ";
    check(rows, &sunday, Forward);
}

#[test]
fn trailing_months_are_clamped_at_month_ends() {
    let read = |words, today| {
        period(words, &Calendar::default(), day(today), Back)
            .unwrap()
            .period
    };
    assert_eq!(
        read("trailing 1 month", "2026-03-31").start,
        day("2026-03-01")
    );
    assert_eq!(
        read("trailing 12 months", "2024-02-29").start,
        day("2023-03-01")
    );
    assert_eq!(read("trailing 12 months", "2025-12-31").label, "2025");
}

#[test]
fn to_date_knows_the_whole_it_belongs_to() {
    let whole = |words: &str, calendar: &Calendar| {
        period(words, calendar, today(), Back)
            .unwrap()
            .whole
            .map(|whole| whole.label)
    };
    let civil = Calendar::default();
    for (words, label) in [
        ("MTD", "February 2026"),
        ("QTD", "Q1 2026"),
        ("half to date", "H1 2026"),
        ("year to date", "2026"),
        ("Q1 to date", "Q1 2026"),
        ("February to date", "February 2026"),
        ("2026 to date", "2026"),
        ("start of the quarter to date", "Q1 2026"),
        ("this quarter so far", "Q1 2026"),
    ] {
        assert_eq!(whole(words, &civil).as_deref(), Some(label), "{words}");
    }
    assert_eq!(whole("YTD", &fiscal()).as_deref(), Some("FY27"));
    assert_eq!(
        whole("calendar year to date", &fiscal()).as_deref(),
        Some("2026")
    );
    // January is over, so what its whole could still bring is nothing.
    for words in ["WTD", "this month", "since 1 Feb", "January to date"] {
        assert_eq!(whole(words, &civil), None, "{words}");
    }
}

#[test]
fn dates_are_read_and_instants_fall_on_their_business_date() {
    let new_york = Calendar {
        zone: chrono_tz::America::New_York,
        ..Calendar::default()
    };
    for (words, expected) in [
        ("2026-02-15", "2026-02-15"),
        ("15 Feb", "2026-02-15"),
        ("by 15 Feb", "2026-02-15"),
        ("Feb 15, 2026", "2026-02-15"),
        ("on the 1st of March", "2026-03-01"),
        ("today", "2026-02-10"),
        ("yesterday", "2026-02-09"),
        ("tomorrow", "2026-02-11"),
        ("Friday", "2026-02-13"),
        ("next Friday", "2026-02-13"),
        ("next Tuesday", "2026-02-17"),
        ("this Tuesday", "2026-02-10"),
        ("in 3 days", "2026-02-13"),
        ("in a week", "2026-02-17"),
        ("3 weeks ago", "2026-01-20"),
        ("two months from now", "2026-04-10"),
        ("end of quarter", "2026-03-31"),
        ("end of next month", "2026-03-31"),
        ("start of next quarter", "2026-04-01"),
        ("year-end", "2026-12-31"),
        ("end of March", "2026-03-31"),
        ("2026-02-15T03:00:00Z", "2026-02-14"),
        ("2026-02-15T23:30:00-05:00", "2026-02-15"),
        ("2026-02-15T10:00", "2026-02-15"),
        ("5-Mar-26", "2026-03-05"),
        ("next week Friday", "2026-02-20"),
        ("this Friday", "2026-02-13"),
        ("end of February", "2026-02-28"),
        ("2026-02-15T23:59:59.5", "2026-02-15"),
        (" 2026-02-15 00:00:00 ", "2026-02-15"),
    ] {
        assert_eq!(
            date(words, &new_york, today(), Forward),
            Ok(day(expected)),
            "{words}"
        );
    }
    assert_eq!(
        date("15 Feb", &new_york, today(), Back),
        Ok(day("2025-02-15"))
    );
}

#[test]
fn what_cannot_be_understood_is_refused_with_examples_that_work() {
    let long = "Q1 ".repeat(67);
    for (words, says) in [
        ("", "is not understood"),
        ("?", "is not understood"),
        ("Q5", "is not understood"),
        ("banana", "is not understood"),
        ("Q1 and Q3", "is not understood"),
        ("2026-01-05 -", "is not understood"),
        ("- 5 Jan", "is not understood"),
        ("26 Q1", "is not understood"),
        ("last 0 days", "is not understood"),
        ("last -3 months", "is not understood"),
        ("in -3 days", "is not understood"),
        ("3 quarters", "is not understood"),
        ("Q1 - 3 days", "is not understood"),
        ("2026 years", "is not understood"),
        ("0 months", "is not understood"),
        ("within 0 days", "is not understood"),
        ("within -3 days", "is not understood"),
        ("T12", "is not understood"),
        ("time", "is not understood"),
        ("all timely", "is not understood"),
        ("day-month", "is not understood"),
        ("quarter-year", "is not understood"),
        ("Q1-half", "is not understood"),
        ("quarter-2026", "is not understood"),
        ("H-2026", "is not understood"),
        ("2026-month", "is not understood"),
        ("so Q1", "is not understood"),
        ("fiscal week 5", "is not understood"),
        ("last month January", "is not understood"),
        ("last week 5", "is not understood"),
        ("week 0", "does not exist"),
        ("week 53 of 2025", "does not exist"),
        ("13/2026", "does not exist"),
        ("this 29 February", "does not exist"),
        ("Monday, January 6 2026", "which is a Tuesday"),
        ("Monday, January 5", "2027-01-05, which is a Tuesday"),
        ("..2026-01-15", "ended on 2026-01-15, before today"),
        ("until last month", "ended on 2026-01-31, before today"),
        ("31 Feb", "does not exist"),
        ("31 Feb 2026", "does not exist"),
        ("29 Feb 2026", "does not exist"),
        ("2026-13", "does not exist"),
        ("2026-02-30..2026-03-01", "does not exist"),
        ("2026-03-31..2026-01-01", "ends before it starts"),
        ("Q2 2026 to Q1 2026", "ends before it starts"),
        ("since June 2027", "starts on 2027-06-01, after today"),
        ("by yesterday", "ended on 2026-02-09, before today"),
        ("1969", "leaves the years"),
        ("2200", "leaves the years"),
        ("last 9999 years", "leaves the years"),
        (long.as_str(), "is too long"),
    ] {
        let refusal = period(words, &Calendar::default(), today(), Forward).unwrap_err();
        assert_eq!(refusal.code, Code::PeriodNotUnderstood);
        assert!(refusal.message.contains(says), "{words}: {refusal}");
        assert_eq!(
            refusal.hint,
            "Try \"Q1 2026\", \"this month\" or \"2026-01-01..2026-03-31\"."
        );
    }
    let fiscal_hint = period("banana", &fiscal(), today(), Forward)
        .unwrap_err()
        .hint;
    assert_eq!(
        fiscal_hint,
        "Try \"FY27 Q1\", \"this month\" or \"2026-02-01..2026-04-30\"."
    );
}

#[test]
fn a_date_of_two_readings_is_refused_with_both() {
    let refusal = date("03/04/2026", &Calendar::default(), today(), Forward).unwrap_err();
    assert_eq!(
        refusal.message,
        "\"03/04/2026\" could be 2026-03-04 or 2026-04-03."
    );
    assert_eq!(refusal.candidates, ["2026-03-04", "2026-04-03"]);
    assert!(
        period(
            "03/04/2026 to 2026-12-31",
            &Calendar::default(),
            today(),
            Forward
        )
        .is_err()
    );
}

#[test]
fn a_period_is_no_date_and_the_refusal_names_one_in_it() {
    let refused = |words: &str, direction| {
        let refusal = date(words, &Calendar::default(), today(), direction).unwrap_err();
        assert_eq!(refusal.code, Code::DateNotUnderstood, "{words}");
        (refusal.message, refusal.hint)
    };
    for (words, direction, days) in [
        ("March", Forward, "\"2026-03-31\" or \"end of March\""),
        ("in March", Forward, "\"2026-03-31\" or \"end of March\""),
        ("Q1", Forward, "\"2026-03-31\" or \"end of Q1\""),
        (
            "next week",
            Forward,
            "\"2026-02-22\" or \"end of next week\"",
        ),
        ("5 Jan to 6 Jan", Back, "\"2026-01-06\""),
        ("2026-02", Back, "\"2026-02-10\""),
        ("January", Back, "\"2026-01-31\" or \"end of January\""),
        (
            "last 3 days",
            Back,
            "\"2026-02-10\" or \"end of last 3 days\"",
        ),
        ("within 30 days", Forward, "\"2026-03-11\""),
    ] {
        let (message, hint) = refused(words, direction);
        assert_eq!(message, format!("\"{words}\" is a period, not a day."));
        assert_eq!(
            hint,
            format!("Name a day of it, such as {days}."),
            "{words}"
        );
    }
    for words in ["all time", "2026-02-15T25:00", "2026-02-30T10:00", "soon"] {
        assert_eq!(
            refused(words, Forward).1,
            "Try \"2026-02-10\", \"10 Feb 2026\" or \"next Friday\"."
        );
        // What lies in the past only is shown examples of the past.
        assert_eq!(
            refused(words, Back).1,
            "Try \"2026-02-10\", \"10 Feb 2026\" or \"yesterday\"."
        );
    }
}

#[test]
fn an_instant_without_a_zone_is_the_organisations() {
    let new_york = Calendar {
        zone: chrono_tz::America::New_York,
        ..Calendar::default()
    };
    let read = |words| instant(words, &new_york).unwrap();
    let local = read("2026-01-29T09:00");
    assert_eq!(local.written, "2026-01-29T09:00:00-05:00");
    assert_eq!(
        local,
        Instant {
            ..read("2026-01-29T09:00:00-05:00")
        }
    );
    assert_eq!(read(" 2026-01-29 09:00:00 ").at, local.at);
    let utc = read("2026-01-29T02:00:00Z");
    assert_eq!(utc.date, day("2026-01-28"));
    assert_eq!(utc.written, "2026-01-29T02:00:00Z");
    for words in ["2026-01-29", "2026-01-29T25:00", "tomorrow", ""] {
        assert_eq!(instant(words, &new_york), None, "{words}");
    }
}

#[test]
fn outside_the_years_that_are_kept_it_is_today_that_is_refused() {
    for today in ["1969-12-31", "2200-01-01"] {
        let calendar = Calendar::default();
        let refusals = [
            (
                period("Q1", &calendar, day(today), Forward).unwrap_err(),
                Code::PeriodNotUnderstood,
            ),
            (
                date("tomorrow", &calendar, day(today), Forward).unwrap_err(),
                Code::DateNotUnderstood,
            ),
        ];
        for (refusal, code) in refusals {
            assert_eq!(refusal.code, code);
            assert!(
                refusal.message.starts_with(&format!("Today is {today}")),
                "{refusal}"
            );
        }
    }
}

#[test]
fn examples_work_on_the_first_and_the_last_day_too() {
    let february = fiscal();
    for (today, direction) in [("1970-01-01", Back), ("2199-12-31", Forward)] {
        let today = day(today);
        let examples = |hint: String| -> Vec<String> {
            hint.split('"')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        let refusal = period("banana", &february, today, direction).unwrap_err();
        for example in examples(refusal.hint) {
            let read = period(&example, &february, today, direction);
            assert!(read.is_ok(), "{example} on {today}");
        }
        let refusal = date("banana", &february, today, direction).unwrap_err();
        for example in examples(refusal.hint) {
            let read = date(&example, &february, today, direction);
            assert!(read.is_ok(), "{example} on {today}");
        }
    }
}

#[test]
fn what_nobody_said_is_cut_to_the_years_that_are_kept() {
    let first = day("1970-01-01");
    let year = unsaid("trailing 12 months", &Calendar::default(), first, Back).unwrap();
    assert_eq!((year.period.start, year.period.end), (first, first));
    let october = Calendar {
        fiscal_year_start: 11,
        ..Calendar::default()
    };
    let quarter = unsaid("this quarter", &october, first, Forward).unwrap();
    assert_eq!(quarter.period.label, "January 1970");
    let same = unsaid("this quarter", &Calendar::default(), today(), Forward).unwrap();
    assert_eq!(same.period.label, "Q1 2026");
}
