//! Which customer, person, source or product line a name means, and what is said when it means none
//! or several. What a name is compared by is `names`; deals are found in `opportunity`.

use std::collections::BTreeSet;

use super::clean;
use super::names::{self, How, Match, Record};
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::Text;
use crate::refusal::{Code, Refusal, Result, Takes};

/// At most this many of several records are named.
const NAMED: usize = 10;

/// What a name was found to mean.
pub struct Found {
    /// The numbers of the records.
    pub matched: Match<u32>,
    /// What they are called, at most ten of them; without any, what those nearest are called.
    pub names: Vec<String>,
    /// Why none of them is in the role that was asked for; `None` when they are.
    pub outside: Option<String>,
}

/// What somebody does for a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Customer success manager of deals or customers.
    Csm,
    /// Sales rep of deals.
    SalesRep,
}

impl Role {
    fn people(self, portfolio: &Portfolio) -> &BTreeSet<u32> {
        match self {
            Role::Csm => portfolio.csms(),
            Role::SalesRep => portfolio.sales_reps(),
        }
    }

    /// What is to be said of people who do not have it.
    fn is_not_of(
        self,
        names: &[String],
        total: usize,
        portfolio: &Portfolio,
        of: &[u32],
    ) -> String {
        let (what, other, argument) = match self {
            Role::Csm => ("CSM of no deal or customer", Role::SalesRep, "sales_rep"),
            Role::SalesRep => ("sales rep of no deal", Role::Csm, "csm"),
        };
        let is = if total == 1 { "is" } else { "are" };
        let others = other.people(portfolio);
        let ask = if of.iter().all(|person| others.contains(person)) {
            format!("; was {argument} meant?")
        } else {
            ".".to_owned()
        };
        format!("{} {is} {what}{ask}", listed(names, total))
    }
}

/// Finds a customer.
pub fn find_customer(word: &str, portfolio: &Portfolio) -> Found {
    let called = |number| {
        let id = portfolio.customer(number).map(|known| known.id);
        labelled(portfolio.customer_name(number), id, portfolio)
    };
    if let Some(number) = portfolio.customer_by_id(word) {
        return found(Match::One(number, How::Id), called);
    }
    let records = (0_u32..)
        .zip(portfolio.reference().customers.iter())
        .map(|(value, known)| Record {
            value,
            id: portfolio.text(known.id),
            name: portfolio.text(known.name),
            folded: &known.folded,
        });
    found(names::find(word, records), called)
}

/// Finds a person. Whoever has the role comes first; others are found too when nobody in it answers
/// to the name, and it is said that they are outside it.
pub fn find_person(word: &str, role: Option<Role>, portfolio: &Portfolio) -> Found {
    let called = |number| {
        let id = portfolio.person(number).map(|known| known.id);
        labelled(portfolio.person_name(number), id, portfolio)
    };
    let people = role.map(|role| role.people(portfolio));
    let matched = match portfolio.person_by_id(word) {
        Some(number) => Match::One(number, How::Id),
        None => {
            let all = (0_u32..)
                .zip(portfolio.reference().people.iter())
                .map(|(value, known)| Record {
                    value,
                    id: portfolio.text(known.id),
                    name: portfolio.text(known.name),
                    folded: &known.folded,
                });
            match people {
                Some(people) => {
                    let inside = all.clone().filter(|it| people.contains(&it.value));
                    inside_first(names::find(word, inside), || names::find(word, all))
                }
                None => names::find(word, all),
            }
        }
    };
    let mut found = found(matched, called);
    let those: &[u32] = match &found.matched {
        Match::One(number, _) => std::slice::from_ref(number),
        Match::Several(numbers, _) => numbers,
        Match::None { .. } => &[],
    };
    if let (Some(role), Some(people)) = (role, people)
        && !those.is_empty()
        && those.iter().all(|person| !people.contains(person))
    {
        found.outside = Some(role.is_not_of(&found.names, those.len(), portfolio, those));
    }
    found
}

/// What is meant when some records come before the others: what answers there, unless the name is
/// misspelt for them and right for another.
fn inside_first(inside: Match<u32>, all: impl FnOnce() -> Match<u32>) -> Match<u32> {
    match inside {
        Match::One(_, How::Misspelt) => match all() {
            Match::One(number, how) if how != How::Misspelt => Match::One(number, how),
            Match::Several(numbers, how) => Match::Several(numbers, how),
            _ => inside,
        },
        Match::None { .. } => all(),
        _ => inside,
    }
}

/// Finds a word of a list that grows with the deals: a source, a product line.
pub fn find_text(word: &str, known: &BTreeSet<Text>, portfolio: &Portfolio) -> Found {
    let folded: Vec<String> = known
        .iter()
        .map(|text| names::fold(portfolio.text(*text)))
        .collect();
    let records = known.iter().zip(&folded).map(|(text, folded)| Record {
        value: *text,
        id: "",
        name: portfolio.text(*text),
        folded,
    });
    found(names::find(word, records), |text| {
        clean(portfolio.text(text), 80)
    })
}

fn found(matched: Match<u32>, name: impl Fn(u32) -> String) -> Found {
    let names = match &matched {
        Match::One(number, _) => vec![name(*number)],
        Match::Several(numbers, _) => numbers.iter().take(NAMED).map(|it| name(*it)).collect(),
        Match::None { near, .. } => near.iter().map(|it| name(*it)).collect(),
    };
    Found {
        matched,
        names,
        outside: None,
    }
}

/// "Acme Corp (C-1)"; the id stays whole however long the name is.
fn labelled(name: &str, id: Option<Text>, portfolio: &Portfolio) -> String {
    let id = id.map_or("", |id| portfolio.text(id));
    if name == id || id.is_empty() {
        clean(name, 80)
    } else {
        format!("{} ({})", clean(name, 60), clean(id, 200))
    }
}

/// "A, B and 2 more": some names of so many in all.
pub fn listed(names: &[String], total: usize) -> String {
    match total.saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The refusal of a name that nothing answers to, with the nearest names there are, of which the
/// first so many are equally near.
pub fn not_found(what: &str, word: &str, near: Vec<String>, tied: usize) -> Refusal {
    let refusal = Refusal::new(
        Code::UnknownName,
        format!("No {what} answers to '{}'.", clean(word, 60)),
    );
    let best: Vec<&str> = near.iter().take(tied).map(String::as_str).collect();
    let hint = if best.is_empty() {
        let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!(
            "Use the name or id of {article} {what} on record{}.",
            listed_by(what)
        )
    } else {
        super::vocabulary::did_you_mean(&best)
    };
    refusal.hint(hint).candidates(near)
}

/// Where those are listed that an answer can list.
fn listed_by(what: &str) -> String {
    let dimension = what.to_lowercase().replace(' ', "_");
    match dimension.as_str() {
        "csm" | "sales_rep" | "customer" => {
            format!("; get_analytics {{\"dimension\": \"{dimension}\"}} lists them")
        }
        _ => String::new(),
    }
}

/// The refusal of a name that several records answer to, so many in all.
pub fn ambiguous(what: &str, word: &str, candidates: Vec<String>, total: usize) -> Refusal {
    let argument = what.to_lowercase().replace(' ', "_");
    let question = format!("Which {what} is meant by '{}'?", clean(word, 60));
    let (question, takes) = if candidates.len() == total {
        (question, Takes::Choice(candidates.clone()))
    } else {
        let named = listed(&candidates, total);
        (format!("{question} Give its id: {named}."), Takes::Text)
    };
    Refusal::new(
        Code::AmbiguousName,
        format!(
            "More than one {what} answers to '{}': {}.",
            clean(word, 60),
            listed(&candidates, total)
        ),
    )
    .hint("Use one of their ids.")
    .candidates(candidates)
    .wants(&argument, question, takes)
}

/// The one record that a change is about, noting how its name was read.
pub fn only(what: &str, word: &str, found: Found, notes: &mut Vec<String>) -> Result<u32> {
    let Found {
        matched,
        names,
        outside,
    } = found;
    match (matched, outside) {
        (Match::One(number, How::Id), outside) => {
            notes.extend(outside);
            Ok(number)
        }
        (Match::One(..), Some(outside)) => {
            let hint = format!("{outside} To choose them all the same, give the id.");
            Err(not_found(what, word, names, 0).hint(hint))
        }
        (Match::One(number, how), None) => {
            if how == How::Misspelt {
                notes.push(format!("Read '{}' as {}.", clean(word, 60), names.join("")));
            }
            Ok(number)
        }
        (Match::Several(numbers, _), _) => Err(ambiguous(what, word, names, numbers.len())),
        (Match::None { tied, .. }, _) => Err(not_found(what, word, names, tied)),
    }
}
