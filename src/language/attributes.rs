//! "attribute=value" as a filter says it: looked up on the deal, then its customer, then its CSM.

use std::collections::BTreeSet;

use super::filters::Understood;
use super::vocabulary::nearest;
use super::{clean, names};
use crate::domain::filter::{Ids, Test};
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::{NONE, Text};
use crate::refusal::{Code, Refusal, Result};

/// What customers and people have beside their custom attributes.
const BUILT_IN: [&str; 3] = ["segment", "customer_segment", "manager"];

/// The test a pair stands for; refused when nothing on record has the attribute, or the value.
pub(super) fn test(
    pair: &str,
    portfolio: &Portfolio,
    not: &str,
    said: &mut Understood,
) -> Result<Test> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err(Refusal::new(
            Code::InvalidArgument,
            format!("'where' holds '{}'.", clean(pair, 60)),
        )
        .hint("Write \"attribute=value\", such as \"region=West\"."));
    };
    if name.trim_end().ends_with(['!', '<', '>', '~']) {
        let shown = clean(pair, 60);
        return Err(Refusal::new(
            Code::InvalidArgument,
            format!("'where' knows only '=', not '{shown}'."),
        )
        .hint("To leave deals out, use exclude: {\"where\": [\"attribute=value\"]}."));
    }
    let key = |text: &str| names::plain(text).replace(' ', "_");
    let wanted = key(name);
    let custom = portfolio
        .attribute_names()
        .iter()
        .copied()
        .find(|known| key(portfolio.text(*known)) == wanted);
    let built_in = BUILT_IN.iter().copied().find(|known| *known == wanted);
    if custom.is_none() && built_in.is_none() {
        let known: Vec<&str> = portfolio
            .attribute_names()
            .iter()
            .map(|known| portfolio.text(*known))
            .chain(BUILT_IN)
            .collect();
        let refusal = Refusal::new(
            Code::UnknownValue,
            format!("There is no attribute '{}'.", clean(name, 60)),
        );
        return Err(match nearest(name, &known) {
            Some(near) => refusal
                .hint(format!("Did you mean '{near}'?"))
                .candidates([near]),
            None => refusal
                .hint(format!("The attributes are {}.", known.join(", ")))
                .candidates(known),
        });
    }
    let (custom, wanted_value) = (custom.unwrap_or(NONE), names::plain(value));
    let mut values_seen = BTreeSet::new();
    let mut fits = |text: Text| {
        (text != NONE).then(|| {
            values_seen.insert(text);
            names::plain(portfolio.text(text)) == wanted_value
        })
    };
    let own = |attributes: &[(Text, Text)]| {
        attributes
            .iter()
            .find(|(known, _)| *known == custom)
            .map_or(NONE, |(_, value)| *value)
    };
    let customers: Vec<Option<bool>> = portfolio
        .reference()
        .customers
        .iter()
        .map(|customer| match built_in {
            Some("segment" | "customer_segment") => fits(customer.segment),
            _ => fits(own(&customer.attributes)),
        })
        .collect();
    let people: Vec<Option<bool>> = portfolio
        .reference()
        .people
        .iter()
        .map(|person| {
            if built_in == Some("manager") {
                fits(person.manager)
            } else {
                fits(own(&person.attributes))
            }
        })
        .collect();
    let mut on_deals = BTreeSet::new();
    for chunk in portfolio.chunks() {
        on_deals.extend(
            chunk
                .all_attributes()
                .iter()
                .filter(|known| known.name == custom)
                .map(|known| known.value),
        );
    }
    let values = Ids::new(
        on_deals
            .iter()
            .copied()
            .filter(|value| fits(*value) == Some(true))
            .collect(),
    );
    let any = !values.numbers().is_empty()
        || customers.contains(&Some(true))
        || people.contains(&Some(true));
    if !any {
        let known: Vec<&str> = values_seen
            .iter()
            .map(|value| portfolio.text(*value))
            .take(50)
            .collect();
        let refusal = Refusal::new(
            Code::UnknownName,
            format!(
                "Nothing on record has {} '{}'.",
                clean(name, 60),
                clean(value, 60)
            ),
        );
        return Err(match nearest(value, &known) {
            Some(near) => refusal
                .hint(format!("Did you mean '{}'?", clean(near, 60)))
                .candidates([clean(near, 60)]),
            None => refusal
                .hint("Use one of the values on record.")
                .candidates(known.iter().take(10).map(|value| clean(value, 60))),
        });
    }
    said.part(not, &clean(name.trim(), 60), [value.trim()]);
    Ok(Test::Attribute {
        name: custom,
        values,
        customers,
        people,
    })
}
