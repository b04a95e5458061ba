//! Two answers to one question side by side: of the portfolio as it is, and of the copy on which
//! commands were carried out. Which figures are compared, each report says; what was commanded, and
//! whether it can be, is the engine's business.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::language::figures::{Amount, Days, Fraction, Multiple};
use crate::language::schema;
use crate::refusal::Result;
use crate::reports::{Asked, Report, WHAT_IF, read};

/// A report that may be asked what if.
pub(in crate::reports) trait Supposable: Report {
    /// Adds to the question what a comparison shows in any case.
    fn compare_with(_: &mut Self::Query) {}

    /// The figures that are compared, the essential ones first.
    fn measures(answer: &Self::Answer) -> Vec<Measured>;
}

/// A figure of any kind that has a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// So many.
    Count(i64),
    /// Money.
    Amount(Amount),
    /// A rate, share or chance.
    Fraction(Fraction),
    /// A coverage.
    Multiple(Multiple),
    /// A mean of days.
    Days(Days),
}

impl JsonSchema for Figure {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Figure".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

impl Figure {
    /// So many of something.
    pub fn count(count: u64) -> Figure {
        Figure::Count(count.cast_signed())
    }

    /// How far it lies above another of its kind.
    fn minus(self, base: Figure) -> Option<Figure> {
        Some(match (self, base) {
            (Figure::Count(to), Figure::Count(from)) => Figure::Count(to - from),
            (Figure::Amount(to), Figure::Amount(from)) => Figure::Amount(Amount {
                minor: to.minor - from.minor,
                currency: to.currency,
            }),
            (Figure::Fraction(to), Figure::Fraction(from)) => {
                Figure::Fraction(Fraction(to.0.minus(from.0)))
            }
            (Figure::Multiple(to), Figure::Multiple(from)) => {
                Figure::Multiple(Multiple(to.0.minus(from.0)))
            }
            (Figure::Days(to), Figure::Days(from)) => Figure::Days(Days(to.0.minus(from.0))),
            _ => return None,
        })
    }

    fn text(self) -> String {
        match self {
            Figure::Count(count) => count.to_string(),
            Figure::Amount(amount) => amount.to_string(),
            Figure::Fraction(fraction) => fraction.to_string(),
            Figure::Multiple(multiple) => multiple.to_string(),
            Figure::Days(days) => days.to_string(),
        }
    }

    /// A difference in words: "+$1,200", "-2.1 points".
    fn text_of_difference(self) -> String {
        let text = match self {
            Figure::Fraction(_) => format!("{} points", self.text().trim_end_matches('%')),
            other => other.text(),
        };
        if text.starts_with('-') {
            text
        } else {
            format!("+{text}")
        }
    }
}

/// One figure of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Where it stands in the answer: "landing.p10".
    path: String,
    /// `None` where the answer says null.
    figure: Option<Figure>,
    /// Why it is null.
    reason: Option<&'static str>,
    rank: Rank,
}

/// Where a figure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// Everywhere.
    Essential,
    /// Not in the text.
    Detail,
    /// Not in the text, and only where it differs: of a month, a stage, a type.
    Part,
}

impl Measured {
    /// A figure that is told in any case.
    pub fn new(path: impl Into<String>, figure: Option<Figure>) -> Measured {
        Measured {
            path: path.into(),
            figure,
            reason: None,
            rank: Rank::Essential,
        }
    }

    /// A figure of a part, which is told only where it differs.
    pub fn part(path: impl Into<String>, figure: Figure) -> Measured {
        Measured {
            rank: Rank::Part,
            ..Measured::new(path, Some(figure))
        }
    }

    /// The same, for those who look at it closely.
    #[must_use]
    pub fn detail(mut self) -> Measured {
        self.rank = Rank::Detail;
        self
    }

    /// The same, with the reason why it is null when it is.
    #[must_use]
    pub fn because(mut self, reason: Option<&'static str>) -> Measured {
        self.reason = reason.filter(|_| self.figure.is_none());
        self
    }

    /// The same figure of an answer that stands within another.
    #[must_use]
    pub fn within(mut self, part: &str) -> Measured {
        self.path = format!("{part}.{}", self.path);
        self
    }

    /// What it is called in a sentence.
    fn name(&self) -> String {
        let mut path = self.path.rsplit('.');
        // "win_rate.rate", "avg_deal_size.mean": the figure of a rate, the mean of an average.
        let of_figure = |name: &&str| !matches!(*name, "rate" | "mean");
        path.find(of_figure).unwrap_or_default().replace('_', " ")
    }
}

/// What was supposed: the commands, one a deal, and what is to be known of them.
#[derive(Debug, Clone, Default)]
pub struct Supposed {
    /// The log position of the portfolio as it is.
    pub position: u32,
    /// The commands, as their tools take them.
    pub expanded: Vec<Map<String, Value>>,
    /// What was given, a line each.
    pub told: Vec<String>,
    /// What was assumed, or is worth a look.
    pub notes: Vec<String>,
}

impl Supposed {
    /// How many commands there are, in words.
    pub fn commands(&self) -> String {
        match self.expanded.len() {
            1 => "1 command".to_owned(),
            several => format!("{several} commands"),
        }
    }
}

type Figures = BTreeMap<String, Option<Figure>>;

/// How the answer differs from that of the portfolio as it is.
#[derive(Debug, Serialize, JsonSchema)]
struct WhatIf {
    /// Figures as it is, by their path in this answer; of months, stages and types those that differ
    base: Figures,
    /// This answer − base
    difference: Figures,
    /// Why a base figure is null
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<String, &'static str>,
    /// Write calls, one a deal, nothing of them written
    expanded: Vec<Map<String, Value>>,
    notes: Vec<String>,
}

/// The schema of what is added to an answer.
pub(in crate::reports) fn schema_of_addition() -> Value {
    Value::Object(schema::output::<WhatIf>())
}

/// Most lines of what was given, in the text.
const TOLD: usize = 10;

/// Asks a question of the portfolio as it is and of the one supposed, and puts the answers together.
pub(in crate::reports) fn ask_both<R: Supposable>(
    base: &Asked<'_>,
    supposed: &Asked<'_>,
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<(Value, String)> {
    let ask = |asked: &Asked<'_>| {
        let (filters, mut query) = read::<R>(arguments.clone(), known)?;
        R::compare_with(&mut query);
        R::answer(asked, &filters, query)
    };
    let (as_it_is, answer) = (ask(base)?, ask(supposed)?);
    let pairs = pairs(R::measures(&as_it_is), R::measures(&answer));
    let of = supposed.supposed.cloned().unwrap_or_default();
    let text = format!("{}\n\nWith that:\n{}", text(&pairs, &of), R::text(&answer));
    let what_if = WhatIf::new(&pairs, of);
    // A report type serialises by construction: maps with text keys and finite numbers only.
    let mut structured = serde_json::to_value(&answer).unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut structured {
        let what_if = serde_json::to_value(&what_if).unwrap_or(Value::Null);
        fields.insert(WHAT_IF.to_owned(), what_if);
    }
    Ok((structured, text))
}

/// A figure as it is and as supposed; a part that only one of the answers has is nought in the other.
struct Pair {
    base: Measured,
    supposed: Measured,
}

impl Pair {
    fn differs(&self) -> bool {
        self.base.figure != self.supposed.figure
    }

    fn difference(&self) -> Option<Figure> {
        self.supposed.figure?.minus(self.base.figure?)
    }
}

/// The figures of two answers, each with its like.
fn pairs(base: Vec<Measured>, supposed: Vec<Measured>) -> Vec<Pair> {
    let nought = |of: &Measured| Measured {
        figure: of.figure.and_then(|figure| figure.minus(figure)),
        ..of.clone()
    };
    let mut base: BTreeMap<String, Measured> =
        base.into_iter().map(|of| (of.path.clone(), of)).collect();
    let mut pairs: Vec<Pair> = supposed
        .into_iter()
        .map(|supposed| Pair {
            base: base
                .remove(&supposed.path)
                .unwrap_or_else(|| nought(&supposed)),
            supposed,
        })
        .collect();
    pairs.extend(base.into_values().map(|base| Pair {
        supposed: nought(&base),
        base,
    }));
    pairs.retain(|pair| pair.base.rank != Rank::Part || pair.differs());
    pairs
}

impl WhatIf {
    fn new(pairs: &[Pair], of: Supposed) -> WhatIf {
        let path = |pair: &Pair| pair.base.path.clone();
        let reasons = pairs
            .iter()
            .filter_map(|pair| Some((path(pair), pair.base.reason?)));
        WhatIf {
            base: pairs
                .iter()
                .map(|pair| (path(pair), pair.base.figure))
                .collect(),
            difference: pairs
                .iter()
                .map(|pair| (path(pair), pair.difference()))
                .collect(),
            reasons: reasons.collect(),
            expanded: of.expanded,
            notes: of.notes,
        }
    }
}

/// What changes by what, what stays, and what was supposed.
fn text(pairs: &[Pair], of: &Supposed) -> String {
    let shown = |figure: Option<Figure>| figure.map_or_else(|| "none".to_owned(), Figure::text);
    let (changed, same): (Vec<&Pair>, Vec<&Pair>) = pairs
        .iter()
        .filter(|pair| pair.base.rank == Rank::Essential)
        .partition(|pair| pair.differs());
    let changed: Vec<String> = changed
        .into_iter()
        .map(|pair| {
            let (from, to) = (shown(pair.base.figure), shown(pair.supposed.figure));
            let by = pair.difference().map(Figure::text_of_difference);
            let by = by.map_or_else(String::new, |by| format!(" ({by})"));
            format!("{} {from} → {to}{by}", pair.base.name())
        })
        .collect();
    // What there is in neither answer has nothing to stay.
    let same = same.into_iter().filter(|pair| pair.base.figure.is_some());
    let same: Vec<String> = same.map(|pair| pair.base.name()).collect();
    let mut lines = vec![format!("What if {}:", of.commands())];
    lines.push(if changed.is_empty() {
        "No figure changes.".to_owned()
    } else {
        format!("{}.", changed.join(", "))
    });
    if !same.is_empty() && !changed.is_empty() {
        lines.push(format!("Unchanged: {}.", same.join(", ")));
    }
    lines.extend(of.told.iter().take(TOLD).cloned());
    if let more @ 1.. = of.told.len().saturating_sub(TOLD) {
        lines.push(format!("{more} more of what_if."));
    }
    lines.extend(of.notes.iter().cloned());
    lines.join("\n")
}
