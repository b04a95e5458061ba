//! How single cells and columns of exported files are spelt; whole exports are tested from outside.

use super::{attribute_columns, deals, decimal, percent};

#[test]
fn every_column_an_import_knows_of_an_opportunity_is_written() {
    let source = include_str!("../deals.rs");
    let list = source
        .split_once("columns! { Columns {")
        .and_then(|(_, rest)| rest.split_once("} }"))
        .map_or("", |(list, _)| list);
    let known = list.split(',').filter_map(|column| {
        let column = column.trim();
        let word = column
            .split_once('"')
            .and_then(|(_, rest)| rest.split_once('"'));
        word.map(|(word, _)| word)
            .or_else(|| column.split_whitespace().next())
    });
    let known: Vec<&str> = known.collect();
    assert!(known.len() > 20, "the columns were not found");
    for column in known {
        // What is computed from others is not exported.
        let is_written = deals::COLUMNS.contains(&column);
        assert!(
            is_written || column == "weighted_value",
            "{column} is not written"
        );
    }
}

#[test]
fn numbers_are_spelt_so_that_no_neighbour_changes_them() {
    assert_eq!(
        [0, 5, 4_000, 1_250, 3_333, 10_000].map(percent),
        ["0%", "0.05%", "40%", "12.5%", "33.33%", "100%"]
    );
    assert_eq!(
        [0, 7, -250, 12_345].map(decimal),
        ["0.00", "0.07", "-2.50", "123.45"]
    );
}

#[test]
fn no_two_columns_are_called_the_same() {
    let columns = attribute_columns(
        &["id", "use_case"],
        &["Use Case", "region", "re_gion", "RE GION"],
    );
    assert_eq!(
        columns,
        ["Use Case (2)", "region", "re_gion (2)", "RE GION (3)"]
    );
}
