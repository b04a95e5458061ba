//! What files are read as: the dirt of `fixtures/dirt`, and small files made up here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Source, read, sources, write_rejected};
use crate::domain::change::field;
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, Stage};
use crate::domain::statement::{Moment, Said, StatedDeal, Statements, Value};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

fn from_folder(path: &str) -> Statements {
    read(&sources(&[fixture(path)]).unwrap(), &Settings::default())
}

fn source(name: &str, text: impl Into<Vec<u8>>) -> Source {
    Source {
        name: name.to_owned(),
        bytes: text.into(),
    }
}

fn from_text(name: &str, text: impl Into<Vec<u8>>) -> Statements {
    read(&[source(name, text)], &Settings::default())
}

/// A file of opportunities with one more column beside the required ones.
fn with_column(column: &str, cells: &[&str]) -> Statements {
    let mut text = format!("id,type,stage,estimated_value,{column}\n");
    for (nth, cell) in cells.iter().enumerate() {
        text.push_str(&format!("D-{nth},upsell,proposal,100,\"{cell}\"\n"));
    }
    from_text("opportunities.csv", text)
}

/// Estimates in cents, or the reason why there is none, as a file of them is read.
fn amounts(cells: &[&str]) -> Vec<Result<i64, String>> {
    let mut text = "id,type,stage,estimated_value\n".to_owned();
    for (nth, cell) in cells.iter().enumerate() {
        text.push_str(&format!("D-{nth},upsell,proposal,\"{cell}\"\n"));
    }
    let stated = from_text("opportunities.csv", text);
    (0..cells.len() as u64)
        .map(|nth| {
            let rejection = stated
                .rejections
                .iter()
                .find(|rejection| rejection.line == nth + 2);
            match stated.deals.iter().find(|deal| deal.place.line == nth + 2) {
                Some(deal) => Ok(deal.estimated_value),
                None => Err(rejection.unwrap().reason.clone()),
            }
        })
        .collect()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn deal<'a>(stated: &'a Statements, id: &str) -> &'a StatedDeal {
    stated
        .deals
        .iter()
        .find(|deal| stated.text(deal.id) == id)
        .unwrap()
}

fn rejections(stated: &Statements) -> Vec<(u64, &str, &str)> {
    let of = |rejection: &'_ crate::domain::statement::Rejection| rejection.line;
    let mut all: Vec<_> = stated
        .rejections
        .iter()
        .map(|row| (of(row), row.column.as_str(), row.reason.as_str()))
        .collect();
    all.sort();
    all
}

#[test]
fn excel_is_read_with_its_marks_quotes_and_line_ends() {
    let stated = from_folder("dirt/excel");
    assert_eq!(rejections(&stated), []);
    assert_eq!(stated.files[0].rows, 4);
    let first = deal(&stated, "X-1");
    assert_eq!(first.estimated_value, 123_450);
    assert_eq!(first.probability, Said::Is(1_500));
    assert_eq!(first.identified, Said::Is(date("2025-12-08")));
    assert_eq!(first.expected_close, Said::Is(date("2026-02-13")));
    assert_eq!(
        first.notes.as_ref().value().unwrap().as_ref(),
        "First line, with a comma\nsecond line with \"quotes\""
    );
    // The quoted line break makes the second row begin on line 4.
    assert_eq!(deal(&stated, "X-2").place.line, 4);
    assert_eq!(deal(&stated, "X-3").estimated_value, 1_200_000);
    assert_eq!(deal(&stated, "X-4").closed_value, Said::Is(875_025));
    assert!(
        stated
            .notes
            .iter()
            .any(|note| note.contains("percent throughout"))
    );
    assert!(
        stated
            .notes
            .iter()
            .any(|note| note.contains("empty rows skipped: 1"))
    );
}

#[test]
fn salesforce_is_read_with_its_instants() {
    let stated = from_folder("dirt/salesforce");
    assert_eq!(rejections(&stated), []);
    let first = deal(&stated, "006Hs00001AbCdEIAV");
    assert_eq!(first.estimated_value, 4_500_000);
    assert_eq!(first.probability, Said::Is(8_000));
    assert_eq!(first.identified, Said::Is(date("2025-12-01")));
    assert_eq!(first.actual_close, Said::Empty);
    let at = date("2026-01-05")
        .and_hms_opt(10, 30, 0)
        .unwrap()
        .and_utc()
        .timestamp_millis();
    assert_eq!(first.stage_entered, Said::Is(Moment::Instant(at)));
    assert_eq!(stated.moves.len(), 7);
    assert_eq!(
        (stated.moves[1].from, stated.moves[1].to),
        (Some(Stage::Identified), Stage::Proposal)
    );
}

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
fn european_files_are_read_by_their_columns() {
    let stated = from_folder("dirt/european");
    assert_eq!(rejections(&stated), []);
    let values: Vec<i64> = stated
        .deals
        .iter()
        .map(|deal| deal.estimated_value)
        .collect();
    assert_eq!(values, [123_450, 8_500_000, 1_200_000, 900_000]);
    assert_eq!(deal(&stated, "E-3").probability, Said::Is(3_750));
    assert_eq!(
        deal(&stated, "E-2").expected_close,
        Said::Is(date("2026-03-06"))
    );
    assert_eq!(
        stated.text(deal(&stated, "E-1").customer.name.value().unwrap()),
        "Müller & Söhne GmbH"
    );
}

#[test]
fn a_row_that_is_not_utf8_is_rejected_and_kept_byte_for_byte() {
    let found = sources(&[fixture("dirt/latin1")]).unwrap();
    let stated = read(&found, &Settings::default());
    assert_eq!(
        rejections(&stated),
        [(3, "customer_name", "it is not UTF-8")]
    );
    assert_eq!(stated.deals.len(), 2);
    let file = write_rejected(&found, &stated.rejections);
    assert!(file.windows(10).any(|bytes| bytes == b"M\xfcller Gmb"));
    assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn each_bad_row_is_rejected_with_its_column_and_reason() {
    let stated = from_folder("dirt/bad_rows");
    let found: Vec<(u64, &str)> = rejections(&stated)
        .iter()
        .map(|(line, column, _)| (*line, *column))
        .collect();
    let expected = [
        (3, "stage"),
        (4, "estimated_value"),
        (5, "probability"),
        (6, "expected_close"),
        (7, "closed_value"),
        (8, "actual_close"),
        (9, "id"),
        (10, "type"),
        (11, ""),
        (12, "type"),
        (13, "estimated_value"),
        (14, "estimated_value"),
        (15, "actual_close"),
        (16, "id"),
    ];
    assert_eq!(found, expected);
    assert_eq!(stated.deals.len(), 2);
}

#[test]
fn all_faults_of_a_row_stand_in_one_rejection() {
    let stated = from_text(
        "opportunities.csv",
        "id,type,stage,estimated_value\na,renewal,propsal,-5\n",
    );
    let [(line, column, reason)] = rejections(&stated)[..] else {
        panic!()
    };
    assert_eq!((line, column), (2, "type"));
    assert!(
        reason.contains("; stage: No stage \"propsal\". Did you mean \"proposal\"?"),
        "{reason}"
    );
    assert!(
        reason.contains("; estimated_value: \"-5\" is negative"),
        "{reason}"
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
fn an_impossible_probability_says_nothing_of_the_others() {
    let stated = with_column("probability", &["0.6", "140"]);
    assert_eq!(stated.deals[0].probability, Said::Is(6_000));
    assert_eq!(rejections(&stated).len(), 1);
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

#[test]
fn stages_go_with_their_values() {
    let row = |cells: &str| {
        let text = format!(
            "id,type,stage,estimated_value,actual_close,closed_value,forecast_category,lost_reason\n{cells}\n"
        );
        let stated = from_text("opportunities.csv", text);
        rejections(&stated).first().map(|row| row.1.to_owned())
    };
    assert_eq!(row("a,upsell,Closed Won,5,2026-01-05,5,closed,"), None);
    assert_eq!(
        row("a,Cross-Sell,closed_lost,5,2026-01-05,,omitted,price"),
        None
    );
    assert_eq!(row("a,upsell,closed_lost,5,2026-01-05,0,,"), None);
    assert_eq!(
        row("a,upsell,closed_lost,5,2026-01-05,5,,").unwrap(),
        "closed_value"
    );
    assert_eq!(row("a,upsell,closed_won,5,,5,,").unwrap(), "actual_close");
    assert_eq!(
        row("a,upsell,proposal,5,2026-01-05,,,").unwrap(),
        "actual_close"
    );
    assert_eq!(row("a,upsell,proposal,5,,5,,").unwrap(), "closed_value");
    assert_eq!(
        row("a,upsell,proposal,5,,,closed,").unwrap(),
        "forecast_category"
    );
    assert_eq!(row("a,upsell,proposal,5,,,Best Case,"), None);
}

#[test]
fn what_is_left_out_of_a_good_row_is_said() {
    let text = "id,type,stage,estimated_value,probability,weighted_value,actual_close,closed_value,lost_reason,forecast_category\n\
                a,upsell,proposal,100,0.5,50,,0,,\nb,upsell,proposal,100,0.5,70,,,price,\n\
                c,upsell,closed_won,100,0.5,80,2026-01-05,80,,commit\n";
    let stated = from_text("opportunities.csv", text);
    assert_eq!(rejections(&stated), []);
    let said = |what: &str| {
        stated
            .notes
            .iter()
            .find(|note| note.contains(what))
            .cloned()
            .unwrap_or_default()
    };
    assert!(
        said("weighted_value").ends_with("1 (b)."),
        "{:?}",
        stated.notes
    );
    assert!(said("closed_value of 0").ends_with("1 (a)."));
    assert!(said("lost_reason").ends_with("1 (b)."));
    assert!(said("A probability of closed").ends_with("1 (c)."));
    assert!(said("forecast_category of closed").ends_with("1 (c)."));
    assert_eq!(deal(&stated, "b").lost_reason, Said::Empty);
    assert_eq!(deal(&stated, "c").category, Said::Is(Category::Commit));
}

#[test]
fn columns_are_found_however_they_are_written() {
    let stated = from_text(
        "Opportunities (2).CSV",
        "\u{feff}ID;Type;Stage;Estimated Value;Expected-Close;Deal Owner;\n1;upsell;proposal;5;2026-01-05;Kim;\n",
    );
    assert_eq!(rejections(&stated), []);
    assert_eq!(stated.deals[0].expected_close, Said::Is(date("2026-01-05")));
    let (name, value) = stated.deals[0].attributes[0];
    assert_eq!(
        (stated.text(name), stated.text(value)),
        ("deal_owner", "Kim")
    );
    assert!(stated.notes.iter().any(|note| note.contains("deal_owner")));
    assert_eq!(stated.deals[0].source, Said::Nothing);
    let tabs = from_text(
        "opportunities.tsv",
        "id\ttype\tstage\testimated_value\na\tupsell\tproposal\t1,234.50\n",
    );
    assert_eq!(tabs.deals[0].estimated_value, 123_450);
}

#[test]
fn a_file_without_its_columns_is_rejected_as_a_whole() {
    let reason = |text: &[u8]| {
        let stated = from_text("opportunities.csv", text);
        let found = (stated.deals.len(), stated.rejections.len());
        assert_eq!((found, stated.unreadable[0].line), ((0, 0), 1));
        stated.unreadable[0].reason.clone()
    };
    assert_eq!(
        reason(b"id,type,stage\n"),
        "There is no column estimated_value."
    );
    assert_eq!(
        reason(b"id,type,stage,estimated_value,Estimated Value\n"),
        "Two columns are called \"Estimated Value\"."
    );
    assert!(reason(b"").contains("empty"));
    assert!(reason(b"\xff\xfei\0d\0").contains("UTF-16"));
    assert!(reason(b"PK\x03\x04").contains("workbook"));
    assert!(reason(b"id,\xff,stage\n").contains("UTF-8"));
    assert_eq!(
        reason(b"Opportunity ID,type,stage,Amount\n"),
        "There is no column id, nor estimated_value. Rename \"Opportunity ID\" (id), \"Amount\" (estimated_value) if that is it."
    );
}

#[test]
fn columns_that_look_like_ours_are_asked_about() {
    let text = b"id,type,stage,estimated_value,Close Date,Owner,csm_name,Region\n";
    let stated = from_text("opportunities.csv", text.to_vec());
    let note = "opportunities.csv: columns nobody knows are kept as attributes: close_date, owner, region. \
                Rename and import again what is meant: \"Close Date\" (expected_close or actual_close), \
                \"Owner\" (sales_rep_name).";
    assert!(
        stated.notes.iter().any(|known| known == note),
        "{:?}",
        stated.notes
    );
}

#[test]
fn what_was_left_out_can_be_mended_and_read_again() {
    let sources = [
        Source {
            name: "opportunities.csv".to_owned(),
            bytes: b"id,type,stage,estimated_value,probability,name\na,upsell,proposal,1,60,\nb,upsell,propsal,2,1,\"two\nlines\"\n".to_vec(),
        },
        Source {
            name: "stage_history.csv".to_owned(),
            bytes: b"opportunity_id,from_stage,to_stage,at\nb,,identified,soon\n".to_vec(),
        },
    ];
    let stated = read(&sources, &Settings::default());
    let rejected = write_rejected(&sources, &stated.rejections);
    let mended = String::from_utf8(rejected)
        .unwrap()
        .replace("propsal", "proposal")
        .replace("soon", "2026-01-05");
    let again = from_text("rejected-2.csv", mended.into_bytes());
    assert_eq!(rejections(&again), []);
    assert_eq!((again.deals.len(), again.moves.len()), (1, 1));
    // A hundredth, though the column that said so is gone.
    assert_eq!(again.deals[0].probability, Said::Is(100));
    assert_eq!(again.deals[0].attributes, []);
    // Reasons name the lines of the mended file.
    assert_eq!(
        (again.deals[0].place.line, again.moves[0].place.line),
        (2, 4)
    );
}

#[test]
fn damaged_rows_do_not_take_their_neighbours_with_them() {
    let text = b"id,type,stage,estimated_value,notes\n\n\
                 a,upsell,proposal,1,fine\n\
                 b,upsell,proposal,1\n\
                 c,upsell,proposal,1,x\0y\n\
                 d,upsell,proposal,1,a\x1bb\n\
                 e,upsell,proposal,1,\"two\nlines\"\n\
                 f,upsell,proposal,1,\"never closed\n\
                 g,upsell,proposal,1,unharmed\n";
    let stated = from_text("opportunities.csv", text.to_vec());
    let bad: Vec<(u64, &str)> = rejections(&stated)
        .iter()
        .map(|row| (row.0, row.1))
        .collect();
    assert_eq!(bad, [(4, ""), (5, "notes"), (6, "notes"), (9, "")]);
    let good: Vec<&str> = stated
        .deals
        .iter()
        .map(|deal| stated.text(deal.id))
        .collect();
    assert_eq!(good, ["a", "e", "g"]);
    assert!(rejections(&stated)[3].2.contains("never closed"));
    // Whose row is damaged is still known, so that its history can say so.
    assert_eq!(stated.rejected_deals.len(), 4);
}

#[test]
fn marks_that_do_not_pair_up_swallow_no_rows() {
    let outcome = |rows: &str| {
        let text = format!("id,type,stage,estimated_value,notes{rows}");
        let stated = from_text("opportunities.csv", text.into_bytes());
        let good: Vec<String> = stated
            .deals
            .iter()
            .map(|deal| stated.text(deal.id).to_owned())
            .collect();
        let bad: Vec<u64> = rejections(&stated).iter().map(|row| row.0).collect();
        (good.join(" "), bad)
    };
    let row = |id: &str, notes: &str| format!("\n{id},upsell,proposal,1,{notes}");
    let rows = |rows: &[(&str, &str)]| -> String {
        rows.iter().map(|(id, notes)| row(id, notes)).collect()
    };
    // An even number of marks is no proof that they pair up.
    let two_torn = rows(&[("a", "x"), ("b", "\"oops"), ("c", "y"), ("d", "\"z")]);
    assert_eq!(outcome(&two_torn), ("a c".to_owned(), vec![3, 5]));
    // A file that was cut off inside a cell.
    assert_eq!(
        outcome(&row("a", "\"Customer said th")),
        (String::new(), vec![2])
    );
    // A mark in a cell that begins without one is a letter.
    let inches = rows(&[("a", "27\" wide"), ("b", "\"two\nlines, \"\"quoted\"\"\"")]);
    assert_eq!(outcome(&inches), ("a b".to_owned(), vec![]));
    // A mark inside a quoted cell must be doubled.
    assert_eq!(
        outcome(&row("a", "\"27\" wide\"")),
        (String::new(), vec![2])
    );
    let old_mac = two_torn.replace('\n', "\r");
    assert_eq!(outcome(&old_mac), ("a c".to_owned(), vec![3, 5]));
}

#[test]
fn a_first_line_may_say_what_stands_between_cells() {
    let stated = from_text(
        "opportunities.csv",
        b"sep=;\r\nid;type;stage;estimated_value;name\r\na;upsell;proposal;1.234,50;one, two\r\nb;x;proposal;1;\r\n".to_vec(),
    );
    assert_eq!(stated.deals[0].estimated_value, 123_450);
    assert_eq!(rejections(&stated)[0].0, 4);
}

#[test]
fn texts_have_a_longest_length() {
    let row = |column: &str, length: usize| {
        rejections(&with_column(column, &[&"é".repeat(length)])).len()
    };
    for (column, longest) in [
        ("name", 200),
        ("customer_id", 200),
        ("use_case", 500),
        ("region", 500),
        ("notes", 10_000),
    ] {
        assert_eq!(
            (row(column, longest), row(column, longest + 1)),
            (0, 1),
            "{column}"
        );
    }
}

#[test]
fn unknown_files_are_named_and_skipped() {
    let stated = from_folder("dirt/unknown_files");
    assert_eq!(stated.files.len(), 1);
    for name in ["mystery.csv", "readme.txt", "partner, renewal_month"] {
        assert!(
            stated.notes.iter().any(|note| note.contains(name)),
            "{name}"
        );
    }
    let refused = sources(&[fixture("dirt/unknown_files/mystery.csv")]).unwrap_err();
    assert!(
        refused.to_string().contains("opportunities.csv"),
        "{refused}"
    );
    assert!(sources(&[fixture("dirt/nowhere")]).is_err());
    assert!(sources(&[fixture("small/newer")]).is_err());
}

#[test]
fn fixtures_have_no_bad_rows() {
    for folder in [
        "currencies",
        "fiscal",
        "forecast",
        "history",
        "names",
        "newer/1",
        "newer/2",
        "pipeline",
        "rates",
        "signals",
        "stage_move",
        "undated",
        "win_rate",
    ] {
        assert_eq!(
            rejections(&from_folder(&format!("small/{folder}"))),
            [],
            "{folder}"
        );
    }
    let demo = from_folder("demo");
    assert_eq!(rejections(&demo), []);
    assert_eq!((demo.customers.len(), demo.people.len()), (46, 10));
    assert_eq!(from_folder("dirt/empty").deals.len(), 0);
}

#[test]
fn field_history_is_read_field_by_field() {
    let text = "opportunity_id,field,from,to,at\n\
                a,Probability,40,60,2026-01-05\na,Estimated Value,,\"1,234\",2026-01-05\n\
                a,expected_close,2026-01-31,2026-02-28,2026-01-05T10:00:00Z\na,forecast_category,,commit,2026-01-05\n\
                a,csm_id,S-1,S-2,2026-01-05\na,stage,identified,qualified,2026-01-05\na,mood,bad,good,2026-01-05\n\
                a,type,,upsell,2026-01-05\na,name,Old,New,\n";
    let stated = from_text("field_history.csv", text);
    let bad: Vec<(u64, &str)> = rejections(&stated)
        .iter()
        .map(|row| (row.0, row.1))
        .collect();
    assert_eq!(bad, [(9, "field"), (10, "at")]);
    // What an export tells of fields nobody keeps the history of is said once, and skipped.
    let skipped = "field_history.csv: Rows about fields whose history is not kept are skipped \
                   (that of stages is stage_history.csv): 2 (stage, mood).";
    assert!(
        stated.notes.iter().any(|note| note == skipped),
        "{:?}",
        stated.notes
    );
    let edit = stated.edits[0];
    assert_eq!(
        (edit.field, edit.from, edit.to),
        (
            field::PROBABILITY,
            Some(Value::Share(4_000)),
            Some(Value::Share(6_000))
        )
    );
    assert_eq!(
        (stated.edits[1].from, stated.edits[1].to),
        (None, Some(Value::Hundredths(123_400)))
    );
}

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
fn rejected_rows_are_written_as_they_stood() {
    let files = [
        source("customers.csv", "id,name,arr\nC-1,Acme,-5\n"),
        source(
            "opportunities.csv",
            "id;type;stage;estimated_value\na;upsell;proposal;1;surplus\nb;upsell;proposal;1\n",
        ),
    ];
    let stated = read(&files, &Settings::default());
    let text = String::from_utf8(write_rejected(&files, &stated.rejections)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "rejected_file,rejected_line,rejected_column,rejected_reason,id,name,arr,type,stage,estimated_value"
    );
    assert_eq!(
        lines[1],
        "customers.csv,2,arr,\"\"\"-5\"\" is negative\",C-1,Acme,-5,,,"
    );
    assert_eq!(
        lines[2],
        "opportunities.csv,2,,too many columns: 5 where the header has 4,a,,,upsell,proposal,1,surplus"
    );
    assert_eq!(lines.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic_and_every_row_is_read_or_rejected(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        cells in proptest::collection::vec("[ -~é\u{a0}−]{0,12}", 0..40),
        name in prop_oneof![Just("opportunities"), Just("stage_history"), Just("field_history"), Just("customers"),
            Just("targets"), Just("forecasts"), Just("settings"), Just("people")],
    ) {
        let header = "id,type,stage,estimated_value,at,opportunity_id,to_stage,field,from,to,month,amount,period,measure,as_of,name,value\n";
        for body in [bytes.clone(), cells.join(",").into_bytes()] {
            let mut file = header.as_bytes().to_vec();
            file.extend_from_slice(&body);
            let files = [source(&format!("{name}.csv"), file), source("opportunities-2.csv", bytes.clone())];
            let stated = read(&files, &Settings::default());
            let kept = stated.deals.len() + stated.moves.len() + stated.edits.len() + stated.customers.len()
                + stated.people.len() + stated.targets.len() + stated.forecasts.len() + stated.settings.len();
            let rows: u64 = stated.files.iter().map(|file| file.rows).sum();
            let bad = stated.rejections.iter().filter(|rejection| rejection.line > 1).count();
            prop_assert_eq!(rows, (kept + bad) as u64);
            write_rejected(&files, &stated.rejections);
        }
    }

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
