//! `customers.csv`, and `csms.csv`, `sales_reps.csv` and `people.csv`, which all list people.

use rustc_hash::FxHashMap;

use super::table::{Look, columns};
use super::{Source, close, open};
use crate::domain::settings::Settings;
use crate::domain::statement::{Place, Rejection, Said, StatedCustomer, StatedPerson, Statements};
use crate::domain::texts::Text;

columns! { PersonColumns { id required, name, manager } }

columns! { CustomerColumns { id required, name, arr, segment, health_score, csm_id, csm_name } }

/// Reads a file of people. A person may stand in several files, as a CSM and as a sales rep, when
/// these do not contradict each other.
pub(super) fn people(source: &Source, stated: &mut Statements) -> Result<(), Rejection> {
    let table = open(stated, source, PersonColumns::SPECS, &[], true)?;
    let columns = PersonColumns::of(&table);
    let others: FxHashMap<Text, usize> = stated
        .people
        .iter()
        .enumerate()
        .map(|(place, person)| (person.id, place))
        .collect();
    let mut places: FxHashMap<Text, Place> = FxHashMap::default();
    let (people, tally) = table.read(stated, |row| {
        let said = row.name(&columns.id);
        let id = row.required(&columns.id, said)?;
        let person = StatedPerson {
            place: row.place,
            id,
            name: row.name(&columns.name),
            manager: row.text(&columns.manager),
            attributes: row.attributes(),
        };
        if row.is_repeated(&columns.id, places.insert(id, row.place)) {
            return None;
        }
        let Some(place) = others.get(&id).copied() else {
            return Some(person);
        };
        let is_sound = row.is_sound();
        let Some(other) = row.statements.people.get_mut(place) else {
            return Some(person);
        };
        match merged(other, &person) {
            Ok(both) if is_sound => *other = both,
            Ok(_) => {}
            Err(column) => {
                let place = other.place;
                row.is_repeated(&columns.id, Some(place));
                row.fault(
                    if column == "name" {
                        &columns.name
                    } else {
                        &columns.manager
                    },
                    "it differs there",
                );
            }
        }
        None
    });
    stated.people.extend(people);
    close(stated, source, &tally);
    Ok(())
}

/// What two files say of one person; the column in which they differ, if they do.
fn merged(one: &StatedPerson, other: &StatedPerson) -> Result<StatedPerson, &'static str> {
    let both = |one: Said<Text>, other: Said<Text>, column| match (one, other) {
        (Said::Is(one), Said::Is(other)) if one != other => Err(column),
        (Said::Is(_), _) => Ok(one),
        (_, Said::Nothing) => Ok(one),
        _ => Ok(other),
    };
    let mut person = one.clone();
    person.name = both(one.name, other.name, "name")?;
    person.manager = both(one.manager, other.manager, "manager")?;
    for (name, value) in &other.attributes {
        if !person.attributes.iter().any(|(known, _)| known == name) {
            person.attributes.push((*name, *value));
        }
    }
    Ok(person)
}

/// Reads the customers.
pub(super) fn customers(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let looks = [("arr", Look::Number), ("health_score", Look::Number)];
    let table = open(stated, source, CustomerColumns::SPECS, &looks, true)?;
    let columns = CustomerColumns::of(&table);
    let mut places: FxHashMap<Text, Place> = stated
        .customers
        .iter()
        .map(|customer| (customer.id, customer.place))
        .collect();
    let (customers, tally) = table.read(stated, |row| {
        let said = row.name(&columns.id);
        let id = row.required(&columns.id, said)?;
        row.is_repeated(&columns.id, places.insert(id, row.place));
        Some(StatedCustomer {
            place: row.place,
            id,
            name: row.name(&columns.name),
            arr: row.amount(&columns.arr, settings.currency),
            segment: row.text(&columns.segment),
            health_score: row.score(&columns.health_score),
            csm: row.named(&columns.csm_id, &columns.csm_name),
            attributes: row.attributes(),
        })
    });
    stated.customers.extend(customers);
    close(stated, source, &tally);
    Ok(())
}
