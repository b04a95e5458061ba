//! The dimensions figures are cut by (DEFINITIONS section 4, "Segments"): the key of a deal in each,
//! and the name of a key.

use std::sync::LazyLock;

use chrono::Datelike;
use rustc_hash::FxHashMap;

use crate::domain::calendar::month_of;
use crate::domain::change::Day;
use crate::domain::days::{date, day};
use crate::domain::deal::Deal;
use crate::domain::past;
use crate::domain::portfolio::Portfolio;
use crate::domain::stage::{ExpansionType, Stage};
use crate::domain::texts::{NONE, Text};
use crate::language::records::ambiguous;
use crate::language::vocabulary::{pick, word_for};
use crate::language::{clean, names};
use crate::refusal::Result;

/// The key of deals that have no value in a dimension; it stands last.
pub const UNASSIGNED: u64 = u64::MAX;

/// A way to cut a portfolio into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// The type of expansion.
    Type,
    /// The CSM.
    Csm,
    /// The sales rep.
    SalesRep,
    /// How the deal was found.
    Source,
    /// What kind of signal led to it: its earliest.
    Signal,
    /// The product line.
    ProductLine,
    /// The customer.
    Customer,
    /// The customer's segment.
    CustomerSegment,
    /// The furthest open stage ever entered.
    StageReached,
    /// The last estimate, in bands.
    SizeBand,
    /// The month it closed.
    Month,
    /// The fiscal quarter it closed.
    Quarter,
    /// A custom attribute of the deal, else its customer, else its CSM.
    Attribute(Text),
}

const WORDS: [(&str, Dimension); 12] = [
    ("type", Dimension::Type),
    ("csm", Dimension::Csm),
    ("sales_rep", Dimension::SalesRep),
    ("source", Dimension::Source),
    ("signal", Dimension::Signal),
    ("product_line", Dimension::ProductLine),
    ("customer", Dimension::Customer),
    ("customer_segment", Dimension::CustomerSegment),
    ("stage_reached", Dimension::StageReached),
    ("size_band", Dimension::SizeBand),
    ("month", Dimension::Month),
    ("quarter", Dimension::Quarter),
];

/// The words for dimensions, in the order they are offered.
pub fn dimensions() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> =
        LazyLock::new(|| WORDS.iter().map(|(word, _)| *word).collect());
    &NAMES
}

/// What is said to whom asks by owner: a deal counts for one of either kind, never for two.
const OWNERS: &str = "A deal has two owners: use \"csm\" or \"sales_rep\".";

/// Bands of size in major units: from this amount on.
const BANDS: [(i64, &str); 6] = [
    (0, "<10k"),
    (10_000, "10–25k"),
    (25_000, "25–50k"),
    (50_000, "50–100k"),
    (100_000, "100–250k"),
    (250_000, "≥250k"),
];

impl Dimension {
    /// The dimension a word names: one of the list, or a custom attribute.
    pub fn read(word: &str, portfolio: &Portfolio) -> Result<Dimension> {
        let named = word.trim().strip_prefix("attribute:");
        let called = named.unwrap_or(word).trim();
        let attributes = || {
            let known = portfolio.attribute_names().iter();
            names::written(called, known.map(|known| (*known, portfolio.text(*known))))
        };
        let in_list = |word: &str| pick("dimension", word, &WORDS);
        match (named.is_some(), in_list(word)) {
            (false, Ok(dimension)) => Ok(dimension),
            (_, listed) => match attributes().as_slice() {
                [attribute] => Ok(Dimension::Attribute(*attribute)),
                several @ [_, ..] => {
                    let names = several.iter().map(|name| clean(portfolio.text(*name), 60));
                    Err(
                        ambiguous("attribute", called, names.collect(), several.len())
                            .hint("Write its name with its accents."),
                    )
                }
                [] => {
                    let own: Vec<String> = portfolio
                        .attribute_names()
                        .iter()
                        .map(|name| clean(portfolio.text(*name), 60))
                        .collect();
                    let mut known: Vec<(&str, ())> =
                        WORDS.iter().map(|(word, _)| (*word, ())).collect();
                    known.extend(own.iter().map(|name| (name.as_str(), ())));
                    if names::plain(called) == "segment" {
                        return Ok(Dimension::CustomerSegment);
                    }
                    pick("dimension", called, &known).map_err(|refusal| {
                        if names::plain(called) == "owner" {
                            refusal.hint(OWNERS).candidates(["csm", "sales_rep"])
                        } else {
                            refusal
                        }
                    })?;
                    // Only a word of the fixed list, asked for as an attribute, comes this far.
                    listed
                }
            },
        }
    }

    /// The segment a deal belongs to.
    pub fn key(&self, deal: &Deal, portfolio: &Portfolio, by: Dating) -> u64 {
        let number = Dimension::key_of_number;
        match self {
            Dimension::Type => u64::from(deal.kind.code()),
            Dimension::Csm => number(deal.csm),
            Dimension::SalesRep => number(deal.sales_rep),
            Dimension::Source => number(deal.source),
            Dimension::Signal => {
                let signal = portfolio.detail(deal).map_or(NONE, |detail| detail.signal);
                number(
                    portfolio
                        .reference()
                        .signals
                        .get(signal)
                        .map_or(NONE, |signal| signal.kind),
                )
            }
            Dimension::ProductLine => number(deal.product_line),
            Dimension::Customer => number(deal.customer),
            Dimension::CustomerSegment => number(
                portfolio
                    .customer(deal.customer)
                    .map_or(NONE, |known| known.segment),
            ),
            Dimension::StageReached => {
                let entered = deal.entered & crate::domain::stage::OPEN_BITS;
                if deal.has_history() && entered != 0 {
                    u64::from(entered.ilog2())
                } else {
                    UNASSIGNED
                }
            }
            Dimension::SizeBand => {
                let major = past::last_estimate(portfolio, deal)
                    / portfolio.settings().currency.minor_per_major();
                let band = BANDS
                    .iter()
                    .rposition(|(from, _)| major >= *from)
                    .unwrap_or(0);
                if deal.foreign {
                    UNASSIGNED
                } else {
                    band as u64
                }
            }
            Dimension::Month | Dimension::Quarter => self.key_of_day(
                if by == Dating::Identified {
                    deal.identified
                } else {
                    deal.close
                },
                portfolio,
            ),
            Dimension::Attribute(name) => {
                let own = |attributes: &[(Text, Text)]| {
                    attributes
                        .iter()
                        .find(|(known, _)| known == name)
                        .map(|(_, value)| *value)
                        .filter(|value| *value != NONE)
                };
                let value = portfolio
                    .attribute(deal, *name)
                    .or_else(|| {
                        portfolio
                            .customer(deal.customer)
                            .and_then(|known| own(&known.attributes))
                    })
                    .or_else(|| {
                        portfolio
                            .person(deal.csm)
                            .and_then(|known| own(&known.attributes))
                    });
                number(value.unwrap_or(NONE))
            }
        }
    }

    /// The segment of a text, person or customer with this number.
    pub fn key_of_number(number: u32) -> u64 {
        if number == NONE {
            UNASSIGNED
        } else {
            u64::from(number)
        }
    }

    /// What a question calls it.
    pub fn word(&self, portfolio: &Portfolio) -> String {
        match self {
            Dimension::Attribute(name) => {
                format!("attribute:{}", clean(portfolio.text(*name), 60))
            }
            _ => word_for(self, &WORDS).to_owned(),
        }
    }

    /// The month or quarter that a day belongs to.
    pub fn key_of_day(&self, on: Day, portfolio: &Portfolio) -> u64 {
        let Some(on) = date(on) else {
            return UNASSIGNED;
        };
        let start = match self {
            Dimension::Month => month_of(on),
            _ => portfolio.settings().calendar.quarter_of(on),
        };
        // Days before 1970 do not occur; the day of the first keeps time order.
        u64::try_from(day(start)).unwrap_or(0)
    }

    /// The id of the person or customer that a segment stands for; empty where it is anything else.
    pub fn id(&self, key: u64, portfolio: &Portfolio) -> String {
        let number = u32::try_from(key).unwrap_or(NONE);
        let id = match self {
            Dimension::Csm | Dimension::SalesRep => portfolio.person(number).map(|known| known.id),
            Dimension::Customer => portfolio.customer(number).map(|known| known.id),
            _ => None,
        };
        id.map_or_else(String::new, |id| clean(portfolio.text(id), 80))
    }

    /// The name of a segment.
    pub fn name(&self, key: u64, portfolio: &Portfolio) -> String {
        let number = u32::try_from(key).unwrap_or(NONE);
        if key == UNASSIGNED {
            return match self {
                Dimension::StageReached => "not recorded".to_owned(),
                _ => "Unassigned".to_owned(),
            };
        }
        let small = u8::try_from(key).unwrap_or(0);
        match self {
            Dimension::Type => ExpansionType::from_code(small)
                .map_or("", ExpansionType::word)
                .to_owned(),
            Dimension::StageReached => Stage::from_code(small).map_or("", Stage::word).to_owned(),
            Dimension::Csm | Dimension::SalesRep => clean(portfolio.person_name(number), 80),
            Dimension::Customer => clean(portfolio.customer_name(number), 80),
            Dimension::SizeBand => BANDS
                .get(key as usize)
                .map_or("", |(_, name)| name)
                .to_owned(),
            Dimension::Month => date(number as i32)
                .map_or_else(String::new, |start| start.format("%Y-%m").to_string()),
            Dimension::Quarter => date(number as i32).map_or_else(String::new, |start| {
                let calendar = &portfolio.settings().calendar;
                let quarter = calendar.quarter_number(start);
                if calendar.fiscal_year_start == 1 {
                    format!("{}-Q{quarter}", start.year())
                } else {
                    let year = calendar.fiscal_year_number(calendar.fiscal_year_of(start));
                    format!("FY{:02} Q{quarter}", year.rem_euclid(100))
                }
            }),
            _ => clean(portfolio.text(number), 80),
        }
    }
}

/// Segments with their names, each of which a reader can tell from the others.
pub fn named<T>(
    segments: FxHashMap<u64, T>,
    dimension: &Dimension,
    portfolio: &Portfolio,
) -> Vec<(u64, String, T)> {
    let names = told_apart(segments.keys().map(|key| {
        let id = dimension.id(*key, portfolio);
        (dimension.name(*key, portfolio), id)
    }));
    let named = segments.into_iter().zip(names);
    named
        .map(|((key, segment), name)| (key, name, segment))
        .collect()
}

/// Names beside the ids of their records, as a reader can tell them apart: where several have the same
/// name, each with its id.
pub fn told_apart(named: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let named: Vec<(String, String)> = named.collect();
    let mut times: FxHashMap<&str, u32> = FxHashMap::default();
    for (name, _) in &named {
        *times.entry(name).or_default() += 1;
    }
    let is_shared = |name: &str| times.get(name).is_some_and(|times| *times > 1);
    named
        .iter()
        .map(|(name, id)| {
            if is_shared(name) && !id.is_empty() {
                format!("{name} ({id})")
            } else {
                name.clone()
            }
        })
        .collect()
}

/// Which date of a deal puts it into a month or quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dating {
    /// When it closed.
    Closed,
    /// When it was identified.
    Identified,
}

impl Dating {
    /// By when deals were created, or by when they closed.
    pub const fn of(created: bool) -> Dating {
        if created {
            Dating::Identified
        } else {
            Dating::Closed
        }
    }
}

/// Whether the segments of a dimension stand in their own order rather than by rate.
pub fn in_order(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::Month | Dimension::Quarter)
}
