//! "attribute=value" as a filter says it: looked up on the deal, then its customer, then its CSM.

use std::collections::BTreeSet;

use super::filters::Understood;
use super::records::ambiguous;
use super::vocabulary::{did_you_mean, nearest};
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
    let name = name.trim();
    // "region==West" is how a program would write it.
    let value = value.trim_start_matches('=').trim();
    let known = portfolio.attribute_names().iter();
    let custom = names::written(name, known.map(|known| (*known, portfolio.text(*known))));
    let wanted = names::plain(name).replace(' ', "_");
    let built_in = BUILT_IN.iter().copied().find(|known| *known == wanted);
    let custom = match (custom.as_slice(), built_in) {
        ([one], _) => *one,
        ([], Some(_)) => NONE,
        ([], None) => return Err(unknown(name, portfolio)),
        (several, _) => {
            let names = several
                .iter()
                .map(|known| clean(portfolio.text(*known), 60));
            let hint = "Write its name with its accents.";
            return Err(ambiguous("attribute", name, names.collect(), several.len()).hint(hint));
        }
    };
    let wanted_value = names::plain(value);
    let is_wanted = |text: &str| {
        if wanted_value.is_empty() {
            // Signs only have nothing to compare but themselves.
            text.trim() == value
        } else {
            names::plain(text) == wanted_value
        }
    };
    let (mut values_seen, mut values_meant) = (BTreeSet::new(), BTreeSet::new());
    let mut fits = |text: Text| {
        (text != NONE).then(|| {
            let is_wanted = is_wanted(portfolio.text(text));
            values_seen.insert(text);
            if is_wanted {
                values_meant.insert(text);
            }
            is_wanted
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
    if values_meant.is_empty() {
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
        let near = nearest(value, &known);
        if near.is_empty() {
            let shown: Vec<String> = known.iter().take(10).map(|it| clean(it, 60)).collect();
            let hint = match values_seen.len().saturating_sub(shown.len()) {
                0 => format!("On record: {}.", shown.join(", ")),
                more => format!("On record: {} and {more} more.", shown.join(", ")),
            };
            return Err(refusal.hint(hint).candidates(shown));
        }
        let near: Vec<String> = near.iter().map(|value| clean(value, 60)).collect();
        let quoted: Vec<&str> = near.iter().map(String::as_str).collect();
        return Err(refusal.hint(did_you_mean(&quoted)).candidates(near));
    }
    let shown = built_in
        .filter(|_| custom == NONE)
        .unwrap_or_else(|| portfolio.text(custom));
    said.part(
        not,
        &clean(shown, 60),
        values_meant.iter().map(|value| portfolio.text(*value)),
    );
    Ok(Test::Attribute {
        name: custom,
        values,
        customers,
        people,
    })
}

/// The refusal of an attribute that nothing on record has.
fn unknown(name: &str, portfolio: &Portfolio) -> Refusal {
    let own: Vec<String> = portfolio
        .attribute_names()
        .iter()
        .map(|known| clean(portfolio.text(*known), 60))
        .collect();
    let known: Vec<&str> = own.iter().map(String::as_str).chain(BUILT_IN).collect();
    let refusal = Refusal::new(
        Code::UnknownValue,
        format!("There is no attribute '{}'.", clean(name, 60)),
    );
    match nearest(name, &known) {
        near if near.is_empty() => refusal
            .hint(format!("The attributes are {}.", known.join(", ")))
            .candidates(known),
        near => refusal.hint(did_you_mean(&near)).candidates(near),
    }
}
