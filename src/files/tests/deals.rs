//! Rows of opportunities and of their history: columns, words, what is wrong with them.

use super::*;

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
