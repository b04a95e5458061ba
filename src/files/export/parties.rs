//! `customers.csv` and `people.csv`: everybody on record, by number.

use std::io;

use super::{Exported, Rows, attribute_columns, decimal};
use crate::domain::texts::{NONE, Text};

const CUSTOMERS: [&str; 7] = [
    "id",
    "name",
    "arr",
    "segment",
    "health_score",
    "csm_id",
    "csm_name",
];

const PEOPLE: [&str; 3] = ["id", "name", "manager"];

/// Writes the customers.
pub(super) fn customers(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    let all = || exported.portfolio.reference().customers.iter();
    let (names, columns) = attributes(exported, &CUSTOMERS, all().map(|one| &one.attributes));
    rows.header(
        CUSTOMERS
            .iter()
            .copied()
            .chain(columns.iter().map(String::as_str)),
    )?;
    for customer in all().filter(|customer| customer.id != NONE) {
        let amount = |minor| exported.amount(minor, exported.currency());
        let cells = [
            exported.text(customer.id),
            exported.text(customer.name),
            &customer.arr.map(amount).unwrap_or_default(),
            exported.text(customer.segment),
            &customer.health_score.map(decimal).unwrap_or_default(),
            exported.person_id(customer.csm),
            exported.person_name(customer.csm),
        ];
        let own = of(exported, &customer.attributes, &names);
        rows.row(cells.into_iter().chain(own))?;
    }
    Ok(())
}

/// Writes the CSMs and sales reps.
pub(super) fn people(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    let all = || exported.portfolio.reference().people.iter();
    let (names, columns) = attributes(exported, &PEOPLE, all().map(|one| &one.attributes));
    rows.header(
        PEOPLE
            .iter()
            .copied()
            .chain(columns.iter().map(String::as_str)),
    )?;
    for person in all().filter(|person| person.id != NONE) {
        let cells = [person.id, person.name, person.manager].map(|text| exported.text(text));
        let own = of(exported, &person.attributes, &names);
        rows.row(cells.into_iter().chain(own))?;
    }
    Ok(())
}

/// The attributes that any of some records has, in alphabetical order, and their columns.
fn attributes<'a>(
    exported: &Exported<'_>,
    known: &[&str],
    all: impl Iterator<Item = &'a Vec<(Text, Text)>>,
) -> (Vec<Text>, Vec<String>) {
    let mut names: Vec<Text> = all
        .flatten()
        .filter(|(_, value)| *value != NONE)
        .map(|(name, _)| *name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| exported.text(*name));
    let words: Vec<&str> = names.iter().map(|name| exported.text(*name)).collect();
    let columns = attribute_columns(known, &words);
    (names, columns)
}

fn of<'a>(
    exported: &'a Exported<'_>,
    attributes: &'a [(Text, Text)],
    names: &'a [Text],
) -> impl Iterator<Item = &'a str> {
    names.iter().map(|name| {
        let value = attributes.iter().find(|(known, _)| known == name);
        exported.text(value.map_or(NONE, |(_, value)| *value))
    })
}
