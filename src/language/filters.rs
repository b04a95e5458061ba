//! The one filter of every report: as callers write it, and resolved against a portfolio.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::OnceLock;

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::arguments::{self, AmountWords, Words};
use super::names::{self, How, Match};
use super::records::{Found, Role, find_customer, find_person, find_text, listed, not_found};
use super::vocabulary::{pick, pick_spoken, word_for};
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
    /// Names or ids of CSMs
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
        let bounds = understood
            .filter
            .only
            .iter()
            .fold((i64::MIN, i64::MAX), |bounds, test| match test {
                Test::MinValue(least) => (*least, bounds.1),
                Test::MaxValue(most) => (bounds.0, *most),
                _ => bounds,
            });
        if bounds.0 > bounds.1 {
            return Err(Refusal::new(
                Code::InvalidArgument,
                "'min_value' is above 'max_value', so no deal can match.",
            )
            .hint("Exchange the two, or leave one out."));
        }
        if let Some(exclude) = &self.exclude {
            if exclude.contains_key("exclude") {
                return Err(Refusal::new(
                    Code::InvalidArgument,
                    "'exclude' cannot hold another 'exclude'.",
                )
                .hint("Put all that is to be dropped into the one 'exclude'."));
            }
            arguments::check_names(exclude, names(), "exclude")?;
            let exclude: FilterWords = arguments::read(exclude.clone(), "exclude")?;
            understood.filter.exclude = exclude.tests(portfolio, "not ", &mut understood)?;
        }
        Ok(understood)
    }

    fn tests(&self, portfolio: &Portfolio, not: &str, said: &mut Understood) -> Result<Vec<Test>> {
        let mut tests = Vec::new();
        if let Some(words) = &self.kind {
            let mut kinds = words
                .0
                .iter()
                .map(|word| {
                    pick_spoken("type", word, &ExpansionType::WORDS, &ExpansionType::SPOKEN)
                })
                .collect::<Result<Vec<_>>>()?;
            each_once(&mut kinds);
            said.part(not, "type", kinds.iter().map(|kind| kind.word()));
            tests.push(Filter::kinds(kinds));
        }
        if let Some(words) = &self.stage {
            let mut stages = words
                .0
                .iter()
                .map(|word| pick("stage", word, &STAGE_WORDS))
                .collect::<Result<Vec<_>>>()?;
            each_once(&mut stages);
            said.part(
                not,
                "stage",
                stages.iter().map(|bits| word_for(bits, &STAGE_WORDS)),
            );
            tests.push(Test::Stage(stages.iter().fold(0, |all, bits| all | bits)));
        }
        let mut people = |name: &str, words: &Option<Words>, role| {
            let Some(words) = words else { return Ok(None) };
            let found = find_all(name, words, said, |word| find_person(word, role, portfolio))?;
            said.part(
                not,
                name,
                found.iter().map(|person| portfolio.person_name(*person)),
            );
            Ok(Some(Ids::new(found)))
        };
        tests.extend(people("csm", &self.csm, Some(Role::Csm))?.map(Test::Csm));
        tests.extend(
            people("sales_rep", &self.sales_rep, Some(Role::SalesRep))?.map(Test::SalesRep),
        );
        tests.extend(people("owner", &self.owner, None)?.map(Test::Owner));
        if let Some(words) = &self.customer {
            let customers = find_all("customer", words, said, |word| {
                find_customer(word, portfolio)
            })?;
            let names = customers
                .iter()
                .map(|customer| portfolio.customer_name(*customer));
            said.part(not, "customer", names);
            tests.push(Test::Customer(Ids::new(customers)));
        }
        let mut texts = |name: &str, words: &Option<Words>, known: &BTreeSet<Text>| {
            let Some(words) = words else { return Ok(None) };
            let found = find_all(name, words, said, |word| find_text(word, known, portfolio))?;
            said.part(not, name, found.iter().map(|text| portfolio.text(*text)));
            said.warnings
                .extend(spelt_otherwise(name, &found, known, portfolio));
            Ok(Some(Ids::new(found)))
        };
        tests.extend(texts("source", &self.source, portfolio.sources())?.map(Test::Source));
        let lines = texts(
            "product_line",
            &self.product_line,
            portfolio.product_lines(),
        )?;
        tests.extend(lines.map(Test::ProductLine));
        for pair in self.attributes.iter().flat_map(|words| &words.0) {
            tests.push(attributes::test(pair, portfolio, not, said)?);
        }
        let currency = portfolio.settings().currency;
        let within = if not.is_empty() { "" } else { "exclude." };
        if let Some(amount) = &self.min_value {
            let least = amount.minor(&format!("{within}min_value"), currency)?;
            said.part(not, "value at least", [currency.show(least).as_str()]);
            tests.push(Test::MinValue(least));
        }
        if let Some(amount) = &self.max_value {
            let most = amount.minor(&format!("{within}max_value"), currency)?;
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
fn find_all(
    what: &str,
    words: &Words,
    said: &mut Understood,
    find: impl Fn(&str) -> Found,
) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    for word in &words.0 {
        let shown = clean(word, 60);
        let Found {
            matched,
            names,
            outside,
        } = find(word);
        match matched {
            Match::One(number, how) => {
                if how == How::Misspelt {
                    said.warnings.push(format!(
                        "No {what} is called '{shown}'; read as '{}'.",
                        names.join("")
                    ));
                }
                all.push(number);
            }
            Match::Several(numbers, _) => {
                said.warnings.push(format!(
                    "Several answer to {what} '{shown}': {}. The figures cover them together; name one to narrow.",
                    listed(&names, numbers.len())
                ));
                all.extend(numbers);
            }
            Match::None { tied, .. } => return Err(not_found(what, word, names, tied)),
        }
        said.warnings.extend(outside);
    }
    each_once(&mut all);
    Ok(all)
}

/// Drops what is there already, and keeps the order.
fn each_once<T: Copy + Eq + Hash>(values: &mut Vec<T>) {
    let mut kept = FxHashSet::default();
    values.retain(|value| kept.insert(*value));
}

/// Says that a word is on record in another spelling too, which was not asked for: somebody who
/// asks for "usage signal" may not know that half of its deals say "usage_signal".
fn spelt_otherwise(
    what: &str,
    found: &[u32],
    known: &BTreeSet<Text>,
    portfolio: &Portfolio,
) -> Option<String> {
    let asked: Vec<String> = found
        .iter()
        .map(|text| names::plain(portfolio.text(*text)))
        .collect();
    let others: Vec<String> = known
        .iter()
        .filter(|text| !found.contains(text))
        .map(|text| portfolio.text(*text))
        .filter(|text| asked.contains(&names::plain(text)))
        .map(|text| format!("'{}'", clean(text, 60)))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "Also on record as {what}: {}, spelt otherwise and not covered; name it too to include it.",
            others.join(", ")
        )
    })
}
