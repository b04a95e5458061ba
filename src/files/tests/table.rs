//! Tables as programs write them: marks, quotes, line ends, bytes that are no text.

use super::*;

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
}
