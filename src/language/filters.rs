//! The one filter of every report: as callers write it, and resolved against a portfolio.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::arguments::{self, AmountWords, Words};
use super::names::{self, How, Match};
use super::vocabulary::pick;
use super::{attributes, clean, schema};
use crate::domain::filter::{Filter, Ids, STAGE_WORDS, Test};
use crate::domain::portfolio::Portfolio;
use crate::domain::stage::ExpansionType;
use crate::domain::texts::Text;
use crate::refusal::{Code, Refusal, Result};

/// Which deals a question is about, in people's words. Every part narrows; values of one part add up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FilterWords {
    /// upsell, cross_sell, add_on, seat_expansion, tier_upgrade
    #[serde(rename = "type")]
    pub kind: Option<Words>,
    /// identified, qualified, proposal, negotiation, closed_won, closed_lost; open, closed, all
    pub stage: Option<Words>,
    /// Names or ids, as in every part below
    pub csm: Option<Words>,
    /// Sales reps
    pub sales_rep: Option<Words>,
    /// CSM or sales rep
    pub owner: Option<Words>,
    /// Customers
    pub customer: Option<Words>,
    /// e.g. usage_signal
    pub source: Option<Words>,
    /// Product lines
    pub product_line: Option<Words>,
    /// "attribute=value" of deal, customer or CSM: "region=West"
    #[serde(rename = "where")]
    pub attributes: Option<Words>,
    /// Least value
    pub min_value: Option<AmountWords>,
    /// Greatest value
    pub max_value: Option<AmountWords>,
    /// Drop deals matching any of these same keys
    pub exclude: Option<Map<String, Value>>,
}

/// A filter understood.
#[derive(Debug, Clone, Default)]
pub struct Understood {
    /// The filter.
    pub filter: Filter,
    /// What each part was taken to mean, for the basis of the answer.
    pub parts: Vec<String>,
    /// What the reader should know about it: a misspelling corrected, a name several answer to.
    pub warnings: Vec<String>,
}

/// The names of a filter's parts.
pub fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| schema::properties(&schema::input::<FilterWords>()))
}

impl FilterWords {
    /// Finds what every word means in a portfolio.
    pub fn resolve(&self, portfolio: &Portfolio) -> Result<Understood> {
        let mut understood = Understood::default();
        understood.filter.only = self.tests(portfolio, "", &mut understood)?;
        if let Some(exclude) = &self.exclude {
            if exclude.contains_key("exclude") {
                return Err(Refusal::new(
                    Code::InvalidArgument,
                    "'exclude' cannot hold another 'exclude'.",
                ));
            }
            arguments::check_names(exclude, names())?;
            let exclude: FilterWords = arguments::read(exclude.clone())?;
            understood.filter.exclude = exclude.tests(portfolio, "not ", &mut understood)?;
        }
        Ok(understood)
    }

    fn tests(&self, portfolio: &Portfolio, not: &str, said: &mut Understood) -> Result<Vec<Test>> {
        let mut tests = Vec::new();
        if let Some(words) = &self.kind {
            let kinds = words
                .0
                .iter()
                .map(|word| pick("type", word, &ExpansionType::WORDS))
                .collect::<Result<Vec<_>>>()?;
            said.part(not, "type", kinds.iter().map(|kind| kind.word()));
            tests.push(Filter::kinds(kinds));
        }
        if let Some(words) = &self.stage {
            let mut bits = 0;
            for word in &words.0 {
                bits |= pick("stage", word, &STAGE_WORDS)?;
            }
            said.part(not, "stage", words.0.iter().map(String::as_str));
            tests.push(Test::Stage(bits));
        }
        if let Some(words) = &self.csm {
            tests.push(Test::Csm(people("csm", words, portfolio, not, said)?));
        }
        if let Some(words) = &self.sales_rep {
            tests.push(Test::SalesRep(people(
                "sales_rep",
                words,
                portfolio,
                not,
                said,
            )?));
        }
        if let Some(words) = &self.owner {
            tests.push(Test::Owner(people("owner", words, portfolio, not, said)?));
        }
        if let Some(words) = &self.customer {
            let customers = find_all("customer", words, said, |word| {
                find_customer(word, portfolio)
            })?;
            said.part(
                not,
                "customer",
                customers
                    .iter()
                    .map(|customer| portfolio.customer_name(*customer)),
            );
            tests.push(Test::Customer(Ids::new(customers)));
        }
        if let Some(words) = &self.source {
            let known: Vec<Text> = portfolio.sources().iter().copied().collect();
            let sources = find_all("source", words, said, |word| {
                find_text(word, &known, portfolio)
            })?;
            said.part(
                not,
                "source",
                sources.iter().map(|source| portfolio.text(*source)),
            );
            tests.push(Test::Source(Ids::new(sources)));
        }
        if let Some(words) = &self.product_line {
            let known: Vec<Text> = portfolio.product_lines().iter().copied().collect();
            let lines = find_all("product_line", words, said, |word| {
                find_text(word, &known, portfolio)
            })?;
            said.part(
                not,
                "product_line",
                lines.iter().map(|line| portfolio.text(*line)),
            );
            tests.push(Test::ProductLine(Ids::new(lines)));
        }
        for pair in self.attributes.iter().flat_map(|words| &words.0) {
            tests.push(attributes::test(pair, portfolio, not, said)?);
        }
        let currency = portfolio.settings().currency;
        if let Some(amount) = &self.min_value {
            let least = amount.minor("min_value", currency)?;
            said.part(not, "value at least", [currency.show(least).as_str()]);
            tests.push(Test::MinValue(least));
        }
        if let Some(amount) = &self.max_value {
            let most = amount.minor("max_value", currency)?;
            said.part(not, "value at most", [currency.show(most).as_str()]);
            tests.push(Test::MaxValue(most));
        }
        Ok(tests)
    }
}

impl Understood {
    pub(super) fn part<'a>(
        &mut self,
        not: &str,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) {
        let values: Vec<String> = values.into_iter().map(|value| clean(value, 60)).collect();
        self.parts
            .push(format!("{not}{name}: {}", values.join(", ")));
    }
}

/// Finds all words of a part. Several candidates on a read mean all of them, and the answer says so.
fn find_all<'a>(
    what: &str,
    words: &'a Words,
    said: &mut Understood,
    find: impl Fn(&'a str) -> (Match<u32>, Vec<String>),
) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for word in &words.0 {
        let shown = clean(word, 60);
        match find(word) {
            (Match::One(number, how), names) => {
                if how == How::Misspelt {
                    said.warnings.push(format!(
                        "No {what} is called '{shown}'; read as '{}'.",
                        names.join("")
                    ));
                }
                found.push(number);
            }
            (Match::Several(numbers), names) => {
                said.warnings.push(format!(
                    "Several answer to {what} '{shown}': {}. The figures cover them together; name one to narrow.",
                    names.join(", ")
                ));
                found.extend(numbers);
            }
            (Match::None { .. }, names) => return Err(not_found(what, word, names)),
        }
    }
    Ok(found)
}

/// The refusal of a name that nothing answers to, with the nearest names there are.
pub fn not_found(what: &str, word: &str, near: Vec<String>) -> Refusal {
    let refusal = Refusal::new(
        Code::UnknownName,
        format!("No {what} answers to '{}'.", clean(word, 60)),
    );
    let refusal = match near.first() {
        Some(near) => refusal.hint(format!("Did you mean '{near}'?")),
        None => refusal.hint(format!("Use the name or id of a {what} on record.")),
    };
    refusal.candidates(near)
}

/// The refusal of a name that several records answer to.
pub fn ambiguous(what: &str, word: &str, candidates: Vec<String>) -> Refusal {
    Refusal::new(
        Code::AmbiguousName,
        format!(
            "More than one {what} answers to '{}': {}.",
            clean(word, 60),
            candidates.join(", ")
        ),
    )
    .hint("Use one of their ids.")
    .candidates(candidates)
}

/// Finds a customer, and names those found (or the nearest) with their ids.
pub fn find_customer(word: &str, portfolio: &Portfolio) -> (Match<u32>, Vec<String>) {
    if let Some(number) = portfolio.customer_by_id(word) {
        return (
            Match::One(number, How::Id),
            vec![portfolio.customer_name(number).to_owned()],
        );
    }
    let records = (0_u32..)
        .zip(portfolio.reference().customers.iter())
        .map(|(number, known)| (number, portfolio.text(known.id), &*known.folded));
    with_names(names::find(word, records), |number| {
        labelled(
            portfolio.customer_name(number),
            portfolio
                .customer(number)
                .map_or("", |known| portfolio.text(known.id)),
        )
    })
}

/// Finds a person, and names those found (or the nearest) with their ids.
pub fn find_person(word: &str, portfolio: &Portfolio) -> (Match<u32>, Vec<String>) {
    if let Some(number) = portfolio.person_by_id(word) {
        return (
            Match::One(number, How::Id),
            vec![portfolio.person_name(number).to_owned()],
        );
    }
    let records = (0_u32..)
        .zip(portfolio.reference().people.iter())
        .map(|(number, known)| (number, portfolio.text(known.id), &*known.folded));
    with_names(names::find(word, records), |number| {
        labelled(
            portfolio.person_name(number),
            portfolio
                .person(number)
                .map_or("", |known| portfolio.text(known.id)),
        )
    })
}

fn find_text(word: &str, known: &[Text], portfolio: &Portfolio) -> (Match<u32>, Vec<String>) {
    let folded: Vec<String> = known
        .iter()
        .map(|text| names::plain(portfolio.text(*text)))
        .collect();
    let records = known
        .iter()
        .zip(&folded)
        .map(|(text, folded)| (*text, portfolio.text(*text), folded.as_str()));
    with_names(names::find(word, records), |text| {
        portfolio.text(text).to_owned()
    })
}

fn with_names(found: Match<u32>, name: impl Fn(u32) -> String) -> (Match<u32>, Vec<String>) {
    let numbers: Vec<u32> = match &found {
        Match::One(number, _) => vec![*number],
        Match::Several(numbers) => numbers.iter().take(10).copied().collect(),
        Match::None { near } => near.clone(),
    };
    let names = numbers
        .into_iter()
        .map(|number| clean(&name(number), 80))
        .collect();
    (found, names)
}

fn labelled(name: &str, id: &str) -> String {
    if name == id {
        name.to_owned()
    } else {
        format!("{name} ({id})")
    }
}

fn people(
    what: &str,
    words: &Words,
    portfolio: &Portfolio,
    not: &str,
    said: &mut Understood,
) -> Result<Ids> {
    let found = find_all(what, words, said, |word| find_person(word, portfolio))?;
    said.part(
        not,
        what,
        found.iter().map(|person| portfolio.person_name(*person)),
    );
    Ok(Ids::new(found))
}
