//! "Why is the forecast 134,200, and is it still?" What stands behind an earlier answer, and what has
//! moved it since.

mod compare;
mod moved;
mod parts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::compare::{Difference, at, differences};
use self::moved::{Moved, moved, moves};
use self::parts::{Part, page};
use super::{Asking, Desk};
use crate::domain::change::Position;
use crate::language::basis::Warning;
use crate::language::behind::{Behind, Figure};
use crate::language::question::Question;
use crate::language::vocabulary::{did_you_mean, nearest, quoted};
use crate::language::{cell, clean};
use crate::refusal::{Code, Refusal, Result};

/// The tool.
pub struct Explain;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// basis.ref of an earlier answer
    basis: String,
    /// One figure of it ("weighted", "by_stage.proposal.value"), with its deals; default every figure
    #[serde(default)]
    #[schemars(with = "String")]
    figure: Option<String>,
    /// Deals, 1 to 200, default 20
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = 200))]
    limit: Option<u16>,
    /// next_cursor of the page before
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

/// A figure of the answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explained {
    figure: String,
    value: Value,
    formula: &'static str,
    /// Null: made of other figures
    deals: Option<usize>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// Of the answer explained
    tool: String,
    arguments: Map<String, Value>,
    /// Day it was asked
    asked_on: String,
    position: Position,
    /// Asked again today every figure is the same
    same_today: bool,
    figures: Vec<Explained>,
    /// With figure: the largest first
    #[serde(skip_serializing_if = "Option::is_none")]
    deals: Option<Vec<Part>>,
    next_cursor: Option<String>,
    /// Of that figure, or all
    differences: Vec<Difference>,
    differences_total: usize,
    moved: Vec<Moved>,
    moved_total: usize,
    /// More deals, differences or moved deals than shown
    truncated: bool,
    warnings: Vec<Warning>,
    /// Of the answer explained
    basis: Map<String, Value>,
}

/// Differences and moved deals shown.
const SHOWN: usize = 20;

impl Asking for Explain {
    const NAME: &'static str = "explain";
    const TITLE: &'static str = "Explain an answer";
    const DESCRIPTION: &'static str = "How each figure of an earlier answer came about, the deals behind one, whether \
        it would be the same today and which changes moved it. Use for \"Why is the forecast lower than last week?\".";
    type Query = Query;
    type Answer = Answer;

    fn answer(desk: &Desk<'_>, query: Query) -> Result<Answer> {
        let question = Question::read(&query.basis)?;
        let end = desk.portfolio.position();
        if question.position > end {
            let message = format!(
                "'basis' was given at position {} of a log, and this one ends at {end}.",
                question.position
            );
            return Err(Refusal::new(Code::InvalidArgument, message)
                .hint("Give basis.ref of an answer from this database."));
        }
        let limit = match query.limit {
            None => SHOWN,
            Some(limit @ 1..=200) => usize::from(limit),
            Some(limit) => {
                let message = format!("limit is {limit}.");
                return Err(Refusal::new(Code::InvalidArgument, message)
                    .hint("Give a limit from 1 to 200; the cursor brings the rest."));
            }
        };
        let then = (desk.ask)(&question)?;
        let figure = query
            .figure
            .as_deref()
            .map(|words| named(words, &then.behind))
            .transpose()?;

        let mut warnings = Vec::new();
        let again = desk.now(&question, question.today);
        let mut ask = |question: &Question| match (desk.ask)(question) {
            Ok(reply) => Some(reply),
            Err(refusal) => {
                warnings.push(Warning::new("refused", format!("Asked again: {refusal}")));
                None
            }
        };
        let changed = ask(&again);
        let today = if desk.today == question.today {
            None
        } else {
            ask(&desk.now(&question, desk.today))
        };
        let mut differences = differences(&then, changed.as_ref(), today.as_ref());
        let is_same = differences.is_empty();
        if let Some(figure) = figure {
            differences.retain(|row| row.figure == figure.path);
        }
        let differences_total = differences.len();

        let (mut deals, mut next_cursor) = (None, None);
        if let Some(parts) = figure.and_then(|figure| figure.parts.as_ref()) {
            let (page, next) = page(parts, &then.portfolio, limit, query.cursor.as_deref())?;
            (deals, next_cursor) = (Some(page), next);
        }
        let moves = changed.as_ref().map_or_else(Vec::new, |changed| {
            moves(figure, &then.behind, &changed.behind)
        });
        let moved_total = moves.len();
        let moved: Vec<Moved> = moves
            .into_iter()
            .take(SHOWN)
            .map(|change| moved(change, desk, &then, &question))
            .collect();
        let by_log = differences.iter().any(|row| row.then != row.after_changes);
        let others = (desk.portfolio.ledger().iter())
            .filter(|row| row.change.seq > question.position)
            .count();
        if by_log && others > 0 {
            let message = format!(
                "Since then settings, targets, forecasts, rates, customers or people changed too ({others})."
            );
            warnings.push(Warning::new("not_of_deals", message));
        }
        let shown = |figure: &Figure| Explained {
            value: at(&then.structured, &figure.path),
            figure: figure.path.clone(),
            formula: figure.formula,
            deals: figure.parts.as_ref().map(|parts| parts.of_deals.len()),
        };
        let figures = match figure {
            Some(figure) => vec![shown(figure)],
            None => then.behind.figures.iter().map(shown).collect(),
        };
        let is_whole = changed.is_some() && (today.is_some() || desk.today == question.today);
        Ok(Answer {
            same_today: is_whole && is_same,
            truncated: next_cursor.is_some()
                || differences_total > SHOWN
                || moved_total > moved.len(),
            figures,
            deals,
            next_cursor,
            differences: differences.into_iter().take(SHOWN).collect(),
            differences_total,
            moved,
            moved_total,
            warnings,
            basis: match then.structured.get("basis") {
                Some(Value::Object(basis)) => basis.clone(),
                _ => Map::new(),
            },
            tool: question.tool,
            arguments: question.arguments,
            asked_on: question.today.to_string(),
            position: question.position,
        })
    }

    fn text(answer: &Answer) -> String {
        let arguments = Value::Object(answer.arguments.clone()).to_string();
        let mut text = format!(
            "{} {} as asked on {} (position {}).",
            answer.tool,
            clean(&arguments, 200),
            answer.asked_on,
            answer.position
        );
        for figure in &answer.figures {
            let deals = figure.deals.map_or_else(String::new, |deals| match deals {
                1 => " (1 deal)".to_owned(),
                deals => format!(" ({deals} deals)"),
            });
            text.push_str(&format!(
                "\n{} = {}: {}{deals}.",
                cell(&figure.figure),
                figure.value,
                figure.formula
            ));
        }
        if let Some(deals) = answer.deals.as_ref().filter(|deals| !deals.is_empty()) {
            text.push_str(&parts::table(deals));
        }
        if let Some(cursor) = &answer.next_cursor {
            text.push_str(&format!("\nMore deals with cursor {cursor}."));
        }
        if answer.same_today {
            text.push_str("\nAsked today it is the same.");
        }
        for row in &answer.differences {
            text.push_str(&format!("\n{}", row.text()));
        }
        if answer.differences_total > answer.differences.len() {
            text.push_str(&format!(
                "\n{} figures differ in all.",
                answer.differences_total
            ));
        }
        for deal in &answer.moved {
            text.push_str(&format!("\n{}", deal.text()));
        }
        if answer.moved_total > answer.moved.len() {
            text.push_str(&format!("\n{} deals moved in all.", answer.moved_total));
        }
        for warning in &answer.warnings {
            text.push_str(&format!("\n{}", warning.message));
        }
        text
    }
}

/// The figure of a name, or of the end of one that no other ends with.
fn named<'a>(words: &str, behind: &'a Behind) -> Result<&'a Figure> {
    let words = words.trim();
    let end = format!(".{words}");
    let mut ending = behind
        .figures
        .iter()
        .filter(|figure| figure.path.ends_with(&end));
    let exact = behind.figures.iter().find(|figure| figure.path == words);
    match (exact, ending.next(), ending.next()) {
        (Some(figure), ..) | (None, Some(figure), None) => Ok(figure),
        _ => {
            let names: Vec<&str> = behind.figures.iter().map(|f| f.path.as_str()).collect();
            let refusal = Refusal::new(
                Code::UnknownValue,
                format!("{} is no figure of that answer.", quoted(words)),
            );
            Err(match nearest(words, &names) {
                _ if names.is_empty() => {
                    refusal.hint("Its figures are explained in themselves; leave figure out.")
                }
                near if near.is_empty() => refusal
                    .hint("Leave figure out to see them all.")
                    .candidates(names),
                near => refusal.hint(did_you_mean(&near)).candidates(near),
            })
        }
    }
}
