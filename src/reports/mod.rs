//! QUESTIONS. Pure. One file is one question is one tool; [`ALL`] lists them in order. `parts` holds
//! what several answers show. A report never writes, never reads a clock and never asks another.

mod get_analytics;
mod get_changes;
mod get_forecast;
mod get_opportunity;
mod get_pipeline;
mod list_opportunities;
mod parts;
mod win_rate;

use std::sync::LazyLock;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::parts::what_if::{Supposable, ask_both, schema_of_addition};
use crate::domain::change::{Day, Millis};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::measure::Span;
use crate::domain::portfolio::Portfolio;
use crate::language::arguments::{self, Elsewhere};
use crate::language::basis::{Basis, DEFINITIONS_VERSION};
use crate::language::behind::Behind;
use crate::language::filters::{self, FilterWords, Understood};
use crate::language::question::{AS_OF, KNOWN_AT};
use crate::language::schema;
use crate::refusal::Result;

pub use self::parts::what_if::Supposed;

pub use self::parts::segments::dimensions;

/// Every report, in the order it is listed.
pub const ALL: &[Entry] = &[
    supposable::<get_pipeline::GetPipeline>(),
    supposable::<get_forecast::GetForecast>(),
    entry::<list_opportunities::ListOpportunities>(),
    entry::<win_rate::WinRate>(),
    entry::<get_opportunity::GetOpportunity>(),
    entry::<get_changes::GetChanges>(),
    entry::<get_analytics::GetAnalytics>(),
];

/// What a report is asked with beside its own arguments.
#[derive(Clone)]
pub struct Asked<'a> {
    /// The deals asked about, as of the instant asked about.
    pub portfolio: &'a Portfolio,
    /// Today, or the day of `as_of`.
    pub today: NaiveDate,
    /// Up to when changes count: the instant of `as_of`, else for ever.
    pub until: Millis,
    /// How `as_of` was understood, when given.
    pub as_of: Option<String>,
    /// How `known_at` was understood, when given.
    pub known_at: Option<String>,
    /// What asks the same again: goes into the basis as `ref`.
    pub reference: String,
    /// A number that stands for the question without its page: a cursor fits no other.
    pub question: u64,
    /// What is supposed of the portfolio, when it is asked what if.
    pub supposed: Option<&'a Supposed>,
    /// Reads a long text by its number: notes are not held with the portfolio.
    pub note: &'a dyn Fn(u32) -> String,
}

/// A question: a pure function from a portfolio and a typed query to a typed answer.
trait Report {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// For a language model: what it answers, when to use it rather than its neighbour, an example.
    const DESCRIPTION: &'static str;
    /// Whether it is about the deals that a filter lets through.
    const FILTERS: bool = true;
    /// Whether the `stage` filter makes sense here.
    const STAGE_FILTER: bool = true;
    /// Arguments that it is asked with and does not have, and what to do instead.
    const ELSEWHERE: Elsewhere = &[];
    type Query: DeserializeOwned + JsonSchema + 'static;
    type Answer: Serialize + JsonSchema;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Self::Query)
    -> Result<Self::Answer>;

    /// The answer in a few lines that carry every essential figure.
    fn text(answer: &Self::Answer) -> String;

    /// What stands behind the figures of its answer to the same question.
    fn behind(_: &Asked<'_>, _: &FilterWords, _: Self::Query) -> Result<Behind> {
        Ok(Behind::default())
    }
}

/// What is said of an argument `currency` wherever sums are asked for.
const CURRENCY: (&str, &str) = (
    "currency",
    "Sums are in the organisation's currency, which basis.currency names; leave it out.",
);
/// What is said where rows are asked for of a report that is of the whole.
const BY: &str =
    "For a row each ask get_analytics with \"dimension\"; for one of them filter this by it.";

/// Asks a report, given its arguments and their names: the structured answer and the text of it.
pub type Answer = fn(&Asked<'_>, Map<String, Value>, &[String]) -> Result<(Value, String)>;

/// Tells what stands behind the figures of an answer, given the same as for it.
pub type Explain = fn(&Asked<'_>, Map<String, Value>, &[String]) -> Result<Behind>;
/// Asks a report what if: of the portfolio as it is, and of the one supposed.
pub type AskBoth =
    fn(&Asked<'_>, &Asked<'_>, Map<String, Value>, &[String]) -> Result<(Value, String)>;

/// A report as a value: what a surface needs to list it and to ask it.
pub struct Entry {
    /// The tool's name.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Its description for models.
    pub description: &'static str,
    /// The JSON Schema of its arguments.
    pub input: fn() -> Map<String, Value>,
    /// The JSON Schema of its answer.
    pub output: fn() -> Map<String, Value>,
    /// Asks it.
    pub answer: Answer,
    /// Explains its figures.
    pub behind: Explain,
    /// Asks it what if; `None` when it cannot be.
    pub ask_both: Option<AskBoth>,
}

const fn entry<R: Report>() -> Entry {
    Entry {
        name: R::NAME,
        title: R::TITLE,
        description: R::DESCRIPTION,
        input: input::<R>,
        output: schema::output::<R::Answer>,
        answer: answer::<R>,
        behind: behind::<R>,
        ask_both: None,
    }
}

/// A report that may be asked what if.
const fn supposable<R: Supposable>() -> Entry {
    Entry {
        input: supposable_input::<R>,
        output: supposable_output::<R>,
        ask_both: Some(ask_both::<R>),
        ..entry::<R>()
    }
}

/// The one that some reports take: writes to suppose, and the part of the answer that compares.
pub const WHAT_IF: &str = "what_if";
/// In place of an opportunity of a supposed write: which ones.
pub const WHERE: &str = "where";

fn input<R: Report>() -> Map<String, Value> {
    let mut own = schema::input::<R::Query>();
    let mut filters = schema::input::<FilterWords>();
    if let Some(Value::Object(properties)) = own.get_mut("properties") {
        if let Some(Value::Object(filters)) = filters.remove("properties") {
            let wanted = |name: &String| R::FILTERS && (R::STAGE_FILTER || name != "stage");
            properties.extend(filters.into_iter().filter(|(name, _)| wanted(name)));
        }
        for (name, description) in [
            (
                AS_OF,
                "Past date (its end), instant or log position (@120): as it was then",
            ),
            (
                KNOWN_AT,
                "Past date or instant: from what was on record by then",
            ),
        ] {
            let schema = serde_json::json!({ "type": "string", "description": description });
            properties.insert(name.to_owned(), schema);
        }
    }
    own
}

fn supposable_input<R: Report>() -> Map<String, Value> {
    let mut own = input::<R>();
    if let Some(Value::Object(properties)) = own.get_mut("properties") {
        let schema = serde_json::json!({
            "type": "array",
            "items": { "type": "object" },
            "description": "\"What if we lose the top three?\": write calls to suppose, none written: [{\"update_stage\": {its arguments}}], also \
                update_opportunity, create_opportunity, set_target; \"where\": {list_opportunities filters, sort, limit} \
                in place of \"opportunity\" takes all deals that match",
        });
        properties.insert(WHAT_IF.to_owned(), schema);
    }
    own
}

fn supposable_output<R: Report>() -> Map<String, Value> {
    let mut own = schema::output::<R::Answer>();
    if let Some(Value::Object(properties)) = own.get_mut("properties") {
        properties.insert(WHAT_IF.to_owned(), schema_of_addition());
    }
    own
}

/// Deals that have something in common.
pub struct Matching {
    /// Their numbers, in the order asked for.
    pub deals: Vec<u32>,
    /// How many there are when no limit is set.
    pub total: usize,
    /// What the reader should know about how the words were read.
    pub warnings: Vec<String>,
}

/// The deals that a list with these arguments would hold, without any limit unless they set one.
pub fn matching(asked: &Asked<'_>, arguments: Map<String, Value>, most: usize) -> Result<Matching> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(list_opportunities::that_choose);
    let (filters, query) = read::<list_opportunities::ListOpportunities>(arguments, &KNOWN)?;
    list_opportunities::matching(asked, &filters, &query, most)
}

fn answer<R: Report>(
    asked: &Asked<'_>,
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<(Value, String)> {
    let (filters, query) = read::<R>(arguments, known)?;
    let answer = R::answer(asked, &filters, query)?;
    let text = R::text(&answer);
    // A report type serialises by construction: maps with text keys and finite numbers only.
    let structured = serde_json::to_value(&answer).unwrap_or(Value::Null);
    Ok((structured, text))
}

fn behind<R: Report>(
    asked: &Asked<'_>,
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<Behind> {
    let (filters, query) = read::<R>(arguments, known)?;
    R::behind(asked, &filters, query)
}

/// Reads a question, filters apart.
fn read<R: Report>(
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<(FilterWords, R::Query)> {
    arguments::check_own_names(&arguments, known, R::ELSEWHERE)?;
    let (filters, own): (Map<_, _>, Map<_, _>) = arguments
        .into_iter()
        .partition(|(name, _)| filters::names().contains(name));
    let filters: FilterWords = arguments::read(filters, "")?;
    if let Some(exclude) = &filters.exclude {
        let keys = filters::names().iter().filter(|name| known.contains(name));
        arguments::check_names(exclude, &keys.cloned().collect::<Vec<_>>(), "exclude")?;
    }
    Ok((filters, arguments::read(own, "")?))
}

/// Said of a look back to before the first opportunity, so that no nought is taken for a figure.
const NOTHING_ON_RECORD: &str = "No opportunity was on record by then: a 0 here says that nothing is known, not that there was nothing.";

impl Asked<'_> {
    /// Today as a number.
    pub fn day(&self) -> Day {
        day(self.today)
    }

    /// The basis of an answer that shows some deals, with what every report says alike.
    fn basis<'b>(
        &self,
        filters: &Understood,
        definitions: &[&str],
        deals_read: u64,
        shown: impl Iterator<Item = &'b Deal>,
    ) -> Basis {
        let mut assumptions = if self.portfolio.has_other_currencies() {
            let shown: Vec<&Deal> = shown.collect();
            let mut assumptions = parts::converted::assumptions(self.portfolio, &shown);
            assumptions.extend(self.of_the_past(shown.into_iter()));
            assumptions
        } else {
            self.of_the_past(shown)
        };
        if let Some(supposed) = self.supposed {
            let commands = supposed.commands();
            assumptions.push(format!(
                "{commands} of what_if supposed, none of them written."
            ));
        }
        let definitions = definitions
            .iter()
            .map(|definition| (*definition).to_owned());
        Basis {
            today: self.today.to_string(),
            as_of: self.as_of.clone(),
            known_at: self.known_at.clone(),
            period: None,
            filters: filters.parts.clone(),
            definitions: definitions
                .chain([format!("definitions version {DEFINITIONS_VERSION}")])
                .collect(),
            deals_read,
            position: self
                .supposed
                .map_or(self.portfolio.position(), |supposed| supposed.position),
            currency: self.portfolio.settings().currency.code().to_owned(),
            assumptions,
            reference: self.reference.clone(),
        }
    }

    /// What a look back takes for granted about some deals.
    fn of_the_past<'b>(&self, shown: impl Iterator<Item = &'b Deal>) -> Vec<String> {
        if self.as_of.is_none() && self.known_at.is_none() {
            return Vec::new();
        }
        let mut assumptions = match self.as_of {
            Some(_) => parts::unrecorded::assumptions(self.portfolio, self.until, shown),
            None => Vec::new(),
        };
        if self.portfolio.is_before_all() {
            assumptions.push(NOTHING_ON_RECORD.to_owned());
        }
        assumptions
    }

    /// The deals a filter lets through, without a scan when it names customers.
    fn each<'b>(&'b self, filter: &'b Filter) -> Box<dyn Iterator<Item = &'b Deal> + 'b> {
        let all = || self.portfolio.chunks().flat_map(|chunk| chunk.deals());
        self.of_customers(filter)
            .unwrap_or_else(|| self.let_through(filter, all()))
    }

    /// The same of those that are open, due in a span if there is one, or closed in another.
    fn due_or_closed<'b>(
        &'b self,
        filter: &'b Filter,
        due_in: Option<Span>,
        closed_in: Span,
    ) -> Box<dyn Iterator<Item = &'b Deal> + 'b> {
        if let Some(deals) = self.of_customers(filter) {
            return Box::new(deals.filter(move |deal| {
                if deal.is_open() {
                    due_in.is_none_or(|due_in| due_in.contains(deal.close))
                } else {
                    closed_in.contains(deal.close)
                }
            }));
        }
        let (from, to) = due_in.map_or((Day::MIN, Day::MAX), |due_in| (due_in.start, due_in.end));
        let due = self.portfolio.due(from, to);
        let closed = self.portfolio.closed(closed_in.start, closed_in.end);
        self.let_through(filter, due.chain(closed))
    }

    /// The deals of the customers that a filter names, as far as it lets them through.
    fn of_customers<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> Option<Box<dyn Iterator<Item = &'b Deal> + 'b>> {
        let customers = filter.customers()?.numbers();
        Some(self.let_through(filter, self.portfolio.deals_of_all(customers)))
    }

    fn let_through<'b>(
        &'b self,
        filter: &'b Filter,
        deals: impl Iterator<Item = &'b Deal> + 'b,
    ) -> Box<dyn Iterator<Item = &'b Deal> + 'b> {
        if filter.is_everything() {
            return Box::new(deals);
        }
        Box::new(deals.filter(move |deal| filter.matches(deal, self.portfolio)))
    }
}
