//! Which deals add something else to a figure than they did, and what was changed of them.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::{Desk, Reply};
use super::parts::{said, shown};
use crate::domain::change::Position;
use crate::language::behind::{Behind, Figure, Unit};
use crate::language::question::Question;
use crate::language::{cell, clean};

/// A deal that adds something else now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved {
    id: String,
    name: String,
    /// Null without figure, and where it added nothing
    #[schemars(with = "Option<f64>")]
    then: Value,
    #[schemars(with = "Option<f64>")]
    now: Value,
    #[serde(skip)]
    said: String,
    /// Since then, as history of get_opportunity
    changes: Vec<Map<String, Value>>,
    /// A creation undone
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    withdrawn: bool,
}

/// A deal whose part is another now.
pub struct Move {
    deal: u32,
    /// Of the figure asked about.
    parts: Option<(Option<i64>, Option<i64>, Unit)>,
}

/// The deals that add something else than then, to one figure or to any.
pub fn moves(figure: Option<&Figure>, then: &Behind, now: &Behind) -> Vec<Move> {
    let counterpart = |figure: &Figure| {
        let found = now.figures.iter().find(|now| now.path == figure.path);
        found.and_then(|figure| figure.parts.as_ref())
    };
    let mut moved: BTreeMap<u32, Move> = BTreeMap::new();
    let all = then.figures.iter().chain(
        now.figures
            .iter()
            .filter(|now| then.figures.iter().all(|then| then.path != now.path)),
    );
    for of in all.filter(|of| figure.is_none_or(|figure| figure.path == of.path)) {
        let was = then.figures.iter().find(|then| then.path == of.path);
        let was = was.and_then(|figure| figure.parts.as_ref());
        let Some(unit) = of.parts.as_ref().map(|parts| parts.unit) else {
            continue;
        };
        let mut sums: FxHashMap<u32, (Option<i64>, Option<i64>)> = FxHashMap::default();
        for (deal, part) in was.iter().flat_map(|parts| &parts.of_deals) {
            *sums.entry(*deal).or_default().0.get_or_insert(0) += part;
        }
        for (deal, part) in counterpart(of).iter().flat_map(|parts| &parts.of_deals) {
            *sums.entry(*deal).or_default().1.get_or_insert(0) += part;
        }
        for (deal, (then, now)) in sums.into_iter().filter(|(_, (then, now))| then != now) {
            moved.entry(deal).or_insert(Move {
                deal,
                parts: figure.map(|_| (then, now, unit)),
            });
        }
    }
    let mut moved: Vec<Move> = moved.into_values().collect();
    moved.sort_by_key(|change| {
        let by = change.parts.map_or(0, |(then, now, _)| {
            (now.unwrap_or(0) - then.unwrap_or(0)).unsigned_abs()
        });
        (std::cmp::Reverse(by), change.deal)
    });
    moved
}

/// After what a change counts: a position of the log and, where the past was asked about, its last day.
#[derive(Debug, Clone, Copy)]
pub struct Since<'a> {
    pub position: Position,
    pub day: Option<&'a str>,
}

impl Since<'_> {
    /// Whether a change was written, or holds, only since then. Days and instants sort as texts.
    pub fn is_after(self, position: u64, at: &str) -> bool {
        let later = |day: &str| at.get(..day.len()).is_some_and(|on| on > day);
        position > u64::from(self.position) || self.day.is_some_and(later)
    }
}

/// A moved deal with what was changed of it since.
pub fn moved(change: Move, desk: &Desk<'_>, then: &Reply, since: Since<'_>) -> Moved {
    let now = desk.portfolio;
    let (found, portfolio) = match now.deal(change.deal) {
        Some(found) => (Some(found), now),
        None => (then.portfolio.deal(change.deal), &*then.portfolio),
    };
    let text = |text| clean(portfolio.text(text), 200);
    let id = found.map_or_else(String::new, |found| {
        portfolio.text(found.detail.id).to_owned()
    });
    let mut arguments = Map::new();
    arguments.insert("opportunity".to_owned(), json!(id));
    arguments.insert("include".to_owned(), json!(["history"]));
    let history = desk.now(
        &Question {
            tool: "get_opportunity".to_owned(),
            arguments,
            position: 0,
            today: desk.today,
        },
        desk.today,
    );
    let reply = (desk.ask)(&history);
    let is_since = |row: &&Value| {
        let position = row.get("position").and_then(Value::as_u64);
        let at = row.get("at").and_then(Value::as_str);
        since.is_after(position.unwrap_or(0), at.unwrap_or_default())
    };
    let changes = reply.iter().flat_map(|reply| {
        let rows = reply.structured.get("history").and_then(Value::as_array);
        rows.into_iter()
            .flatten()
            .filter(is_since)
            .filter_map(|row| row.as_object().cloned())
            .collect::<Vec<_>>()
    });
    let part = |part: Option<i64>, unit| part.map_or(Value::Null, |part| shown(part, unit, now));
    Moved {
        name: found.map_or_else(String::new, |found| text(found.detail.name)),
        said: change.parts.map_or_else(String::new, |(then, now, unit)| {
            let of = |part: Option<i64>| {
                part.map_or_else(|| "-".to_owned(), |part| said(part, unit, portfolio))
            };
            format!(" {} → {}", of(then), of(now))
        }),
        then: change
            .parts
            .map_or(Value::Null, |(then, _, unit)| part(then, unit)),
        now: change
            .parts
            .map_or(Value::Null, |(_, now, unit)| part(now, unit)),
        changes: changes.collect(),
        withdrawn: now.deal(change.deal).is_none(),
        id: clean(&id, 200),
    }
}

impl Moved {
    /// In a line.
    pub fn text(&self) -> String {
        let changes: Vec<String> = self.changes.iter().map(change_text).collect();
        let changes = match changes.as_slice() {
            _ if self.withdrawn => "withdrawn".to_owned(),
            [] => "no change of its own".to_owned(),
            changes => changes.join("; "),
        };
        format!(
            "Moved by {} {}{}: {changes}.",
            cell(&self.id),
            cell(&self.name),
            self.said
        )
    }
}

/// A change of a deal in a few words.
fn change_text(change: &Map<String, Value>) -> String {
    let word = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or("-");
    let undone = match change.get("undone") {
        Some(Value::Bool(true)) => " (undone)",
        _ => "",
    };
    format!(
        "{} {} → {}{undone} on {} by {}",
        cell(word("field")),
        cell(word("from")),
        cell(word("to")),
        cell(word("at")),
        cell(word("actor"))
    )
}
