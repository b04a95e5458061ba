//! "Why is the forecast 134,200, and is it still?" What stands behind an earlier answer, and what has
//! moved it since.

mod compare;
mod moved;
mod parts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::compare::{Difference, at, differences};
use self::moved::{Moved, Since, moved, moves};
use self::parts::{Part, page};
use super::{Asking, Desk, Reply};
use crate::domain::change::{Position, field};
use crate::domain::log::Row;
use crate::domain::portfolio::Portfolio;
use crate::language::basis::Warning;
use crate::language::behind::{Behind, Figure};
use crate::language::journal::{Journal, Line};
use crate::language::question::{PAST, Question};
use crate::language::vocabulary::{did_you_mean, nearest, quoted};
use crate::language::{cell, clean, units};
use crate::refusal::{Code, Refusal, Result};

/// The tool.
pub struct Explain;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// basis.ref of an earlier answer, or {tool, arguments, position} of it as JSON
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
    #[schemars(with = "Option<f64>")]
    value: Value,
    #[serde(skip)]
    said: String,
    formula: &'static str,
    /// Null: made of other figures
    deals: Option<usize>,
}

/// The longest text of a question that is repeated, in characters.
const LONGEST_TEXT: usize = 10_000;

/// What was asked, as it may be shown to another than who asked it.
fn fit_to_show(value: Value) -> Value {
    match value {
        Value::String(text) => clean(&text, LONGEST_TEXT).into(),
        Value::Array(items) => items.into_iter().map(fit_to_show).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, fit_to_show(value)))
            .collect(),
        other => other,
    }
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
    /// Asked today, of the present, every figure is the same
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
    /// Changes since of settings, targets, rates, people and so on, the latest first
    others: Vec<Line>,
    others_total: usize,
    /// More of something than shown
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
    const DESCRIPTION: &'static str = "How each figure of an earlier answer (its basis.ref) came about, the deals behind \
        one, whether it would be the same today and which changes moved it. Use for \"Why is the forecast lower than \
        last week?\": get_forecast with as_of \"a week ago\", then this.";
    type Query = Query;
    type Answer = Answer;

    fn answer(desk: &Desk<'_>, query: Query) -> Result<Answer> {
        let end = desk.portfolio.position();
        let question = Question::read(&query.basis, desk.today, end)?;
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
        let then = with_shown_figures((desk.ask)(&question)?);
        let figure = query
            .figure
            .as_deref()
            .map(|words| named(words, &then.behind))
            .transpose()?;

        let mut warnings = Vec::new();
        let again = desk.now(&question, question.today);
        // What was asked about the past is compared with the present, too.
        let mut present = desk.now(&question, desk.today);
        for past in PAST {
            present.arguments.remove(past);
        }
        let is_past = present.arguments != question.arguments;
        let mut ask = |question: &Question| match (desk.ask)(question) {
            Ok(reply) => Some(with_shown_figures(reply)),
            Err(refusal) => {
                warnings.push(Warning::new("refused", format!("Asked again: {refusal}")));
                None
            }
        };
        let changed = ask(&again);
        let is_new = is_past || desk.today != question.today;
        let today = if is_new { ask(&present) } else { None };
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
        let now = if is_past { &today } else { &changed };
        let moves = now
            .as_ref()
            .map_or_else(Vec::new, |now| moves(figure, &then.behind, &now.behind));
        let day = then.structured.pointer("/basis/today");
        let since = Since {
            position: question.position,
            day: day.and_then(Value::as_str).filter(|_| is_past),
        };
        let moved_total = moves.len();
        let moved: Vec<Moved> = moves
            .into_iter()
            .take(SHOWN)
            .map(|change| moved(change, desk, &then, since))
            .collect();
        let mut others = others(desk.portfolio, since);
        if is_same {
            others.clear();
        }
        let others_total = others.len();
        others.truncate(SHOWN);
        if !is_same && moved_total == 0 && others_total == 0 && figure.is_none() {
            let message = "What moved these figures is the calendar, or deals behind figures that are not listed here.";
            warnings.push(Warning::new("unexplained", message));
        }
        let shown = |figure: &Figure| Explained {
            value: at(&then.structured, &figure.path).unwrap_or(Value::Null),
            said: match (&figure.parts, at(&then.structured, &figure.path)) {
                (Some(parts), _) if !parts.is_mean => {
                    let sum = parts.of_deals.iter().map(|(_, part)| part).sum();
                    parts::said(sum, parts.unit, &then.portfolio)
                }
                (_, value) => {
                    let currency = then.portfolio.settings().currency;
                    units::said(&figure.path, &value.unwrap_or(Value::Null), currency)
                }
            },
            figure: figure.path.clone(),
            formula: figure.formula,
            deals: figure.parts.as_ref().map(|parts| parts.of_deals.len()),
        };
        let figures = match figure {
            Some(figure) => vec![shown(figure)],
            None => then.behind.figures.iter().map(shown).collect(),
        };
        let is_whole = changed.is_some() && (today.is_some() || !is_new);
        Ok(Answer {
            same_today: is_whole && is_same,
            truncated: next_cursor.is_some()
                || differences_total > SHOWN
                || moved_total > moved.len()
                || others_total > others.len(),
            figures,
            deals,
            next_cursor,
            differences: differences.into_iter().take(SHOWN).collect(),
            differences_total,
            moved,
            moved_total,
            others,
            others_total,
            warnings,
            basis: match then.structured.get("basis") {
                Some(Value::Object(basis)) => basis.clone(),
                _ => Map::new(),
            },
            tool: question.tool,
            arguments: question
                .arguments
                .into_iter()
                .map(|(name, value)| (name, fit_to_show(value)))
                .collect(),
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
        if answer.same_today {
            text.push_str("\nAsked today it is the same.");
        }
        for figure in &answer.figures {
            let deals = figure.deals.map_or_else(String::new, |deals| match deals {
                1 => " (1 deal)".to_owned(),
                deals => format!(" ({deals} deals)"),
            });
            text.push_str(&format!(
                "\n{} = {}: {}{deals}.",
                cell(&figure.figure),
                figure.said,
                figure.formula
            ));
        }
        if let Some(deals) = answer.deals.as_ref().filter(|deals| !deals.is_empty()) {
            text.push_str(&parts::table(deals));
        }
        if let Some(cursor) = &answer.next_cursor {
            text.push_str(&format!("\nMore deals with cursor {cursor}."));
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
        for line in &answer.others {
            let cells = [&line.from, &line.to].map(|cell| cell.as_deref().unwrap_or("-"));
            let [from, to] = cells.map(cell);
            text.push_str(&format!(
                "\nChanged too: {} {} {from} → {to} on {} by {}.",
                line.what,
                cell(&line.id),
                line.recorded_at,
                cell(&line.actor)
            ));
        }
        if answer.others_total > answer.others.len() {
            text.push_str(&format!("\n{} such changes in all.", answer.others_total));
        }
        for warning in &answer.warnings {
            text.push_str(&format!("\n{}", warning.message));
        }
        text
    }
}

/// A reply with those of its figures that its answer shows.
fn with_shown_figures(mut reply: Reply) -> Reply {
    let answer = &reply.structured;
    let figures = &mut reply.behind.figures;
    figures.retain(|figure| at(answer, &figure.path).is_some());
    reply
}

/// What was changed since of anything but deals, the latest first.
fn others(portfolio: &Portfolio, since: Since<'_>) -> Vec<Line> {
    let journal = Journal::of(portfolio);
    let rows = portfolio.ledger().iter();
    let rows = rows.filter(|row| row.change.seq > since.position && row.change.field < field::SAID);
    let mut lines: Vec<Line> = rows
        .filter_map(|row| journal.line(&Row::Change(*row)))
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.position));
    lines
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
