//! What somebody may be about to say: names on record, periods and words of closed lists that go on
//! as the typed letters do. Best first, always in the same order.

use chrono::NaiveDate;

use super::names::fold;
use super::periods::{self, Direction};
use super::{clean, opportunity};
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::Text;

/// Periods that are often asked for. Each is understood on any day.
pub const PERIODS: [&str; 17] = [
    "this quarter",
    "next quarter",
    "last quarter",
    "this month",
    "next month",
    "last month",
    "this week",
    "last week",
    "this year",
    "last year",
    "Q1",
    "Q2",
    "Q3",
    "Q4",
    "last 90 days",
    "trailing 12 months",
    "YTD",
];

/// What is being said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An opportunity.
    Opportunity,
    /// A customer.
    Customer,
    /// A CSM or sales rep.
    Person,
    /// A period.
    Period,
    /// A word of a closed list.
    Word(&'static [&'static str]),
}

/// What goes on like the typed letters, at most so many, and how many there are in all.
pub fn complete(
    said: Said,
    typed: &str,
    portfolio: &Portfolio,
    today: NaiveDate,
    most: usize,
) -> (Vec<String>, usize) {
    let mut found: Vec<String> = match said {
        Said::Opportunity => opportunities(typed, portfolio),
        Said::Customer => {
            let known = portfolio.reference().customers.iter();
            names(
                typed,
                known.map(|it| (it.name, it.id, &*it.folded)),
                portfolio,
            )
        }
        Said::Person => {
            let known = portfolio.reference().people.iter();
            names(
                typed,
                known.map(|it| (it.name, it.id, &*it.folded)),
                portfolio,
            )
        }
        Said::Period => period(typed, portfolio, today),
        Said::Word(list) => words(typed, list),
    };
    let total = found.len();
    found.truncate(most);
    (found, total)
}

/// How well a name goes on like what was typed: from its beginning, or from one of its words.
fn rank(folded: &str, id: &str, typed: &Typed) -> Option<u8> {
    let is_id = || id.to_lowercase().starts_with(&typed.lower);
    if folded.starts_with(&typed.folded) && (!typed.folded.is_empty() || typed.lower.is_empty()) {
        Some(0)
    } else if !typed.lower.is_empty() && is_id() {
        Some(1)
    } else if !typed.folded.is_empty() && folded.contains(&format!(" {}", typed.folded)) {
        Some(2)
    } else {
        None
    }
}

/// What was typed, as it is compared.
struct Typed {
    folded: String,
    lower: String,
}

impl Typed {
    fn of(typed: &str) -> Self {
        let typed = typed.trim();
        Typed {
            folded: fold(typed),
            lower: typed.to_lowercase(),
        }
    }
}

/// Records by name, each as it will be found again: with its id where the name is not its own.
fn names<'a>(
    typed: &str,
    known: impl Iterator<Item = (Text, Text, &'a str)>,
    portfolio: &Portfolio,
) -> Vec<String> {
    let typed = Typed::of(typed);
    let mut found: Vec<(u8, &str, Text, Text)> = known
        .filter_map(|(name, id, folded)| {
            let rank = rank(folded, portfolio.text(id), &typed)?;
            Some((rank, folded, name, id))
        })
        .collect();
    found.sort_by_key(|(rank, folded, _, id)| (*rank, *folded, portfolio.text(*id)));
    let mut shown = found
        .iter()
        .enumerate()
        .map(|(place, (_, folded, name, id))| {
            let is_same = |other: Option<&(u8, &str, Text, Text)>| {
                other.is_some_and(|(_, other, ..)| other == folded)
            };
            let is_shared = is_same(found.get(place + 1))
                || place
                    .checked_sub(1)
                    .is_some_and(|before| is_same(found.get(before)));
            let (name, id) = (clean(portfolio.text(*name), 60), portfolio.text(*id));
            match (name.is_empty() || name == id, is_shared) {
                (true, _) => id.to_owned(),
                (false, true) => format!("{name} ({})", clean(id, 60)),
                (false, false) => name,
            }
        });
    shown.by_ref().collect()
}

/// Opportunities as answers write them. Open ones come first.
fn opportunities(typed: &str, portfolio: &Portfolio) -> Vec<String> {
    let asked = Typed::of(typed);
    let mut found: Vec<(bool, u8, String, u32)> = Vec::new();
    for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
        let Some(detail) = portfolio.detail(deal) else {
            continue;
        };
        let name = fold(portfolio.text(detail.name));
        let customer = portfolio.customer(deal.customer);
        let customer = customer.map_or("", |customer| &customer.folded);
        let full = format!("{customer} {name}");
        if let Some(rank) = rank(full.trim(), portfolio.text(detail.id), &asked) {
            found.push((!deal.is_open(), rank, full, deal.number));
        }
    }
    found.sort();
    let labels = found.iter();
    labels
        .map(|(.., number)| opportunity::label(*number, portfolio))
        .collect()
}

/// The words that begin as typed, and what the typed words mean when they are a period already.
fn period(typed: &str, portfolio: &Portfolio, today: NaiveDate) -> Vec<String> {
    let mut found = words(typed, &PERIODS);
    let calendar = &portfolio.settings().calendar;
    if let Ok(read) = periods::period(typed, calendar, today, Direction::Forward)
        && !found.contains(&read.period.label)
    {
        found.push(read.period.label);
    }
    found
}

fn words(typed: &str, list: &[&str]) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let fits = list
        .iter()
        .filter(|word| word.to_lowercase().starts_with(&typed));
    fits.map(|word| (*word).to_owned()).collect()
}
