//! "Show me the expansion pipeline." What is open, by stage and type, how it moves, what changed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::behind;
use super::parts::expansion::{self, Metrics};
use super::parts::forecast::{self, ForecastData, Reasons};
use super::parts::pipeline::{self, Changes, Lately, StageBreakdown, TypeTotal};
use super::parts::rows::{Sort, Totals, page, table};
use super::parts::tail::tail;
use super::parts::warnings;
use super::parts::what_if::{Figure, Measured, Supposable};
use super::{Asked, BY, CURRENCY, Report};
use crate::domain::deal::Deal;
use crate::domain::filter::Test;
use crate::domain::measure::Span;
use crate::domain::parallel::both;
use crate::domain::period::Period;
use crate::domain::stage::OPEN_BITS;
use crate::language::arguments::{Elsewhere, Words};
use crate::language::basis::{Basis, Warning};
use crate::language::behind::Behind;
use crate::language::figures::{Amount, Fraction, count_of, or_dash};
use crate::language::filters::FilterWords;
use crate::language::opportunity::{Form, Opportunity};
use crate::language::periods::{self, Direction, Reading};
use crate::language::vocabulary::pick;
use crate::refusal::Result;

/// The report.
pub struct GetPipeline;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Expected close in it; default all open deals
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// Any of opportunities, forecast, metrics
    #[serde(default)]
    #[schemars(with = "Words")]
    include: Option<Words>,
}

/// The whole pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    total_opportunities: u64,
    total_value: Amount,
    weighted_value: Amount,
    /// weighted ÷ total
    avg_probability: Option<Fraction>,
    by_type: Vec<TypeTotal>,
    /// Whatever the period
    changes: Changes,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    summary: Summary,
    /// All six; closed ones: closed in the period, or this quarter
    by_stage: Vec<StageBreakdown>,
    /// As list_opportunities, with details
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Object>")]
    opportunities: Option<Vec<Opportunity>>,
    /// Matching deals; list_opportunities pages
    #[serde(skip_serializing_if = "Option::is_none")]
    opportunities_total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    /// As get_forecast
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Object")]
    forecast: Option<ForecastData>,
    /// Of the period, or the trailing 12 months
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: Reasons,
    warnings: Vec<Warning>,
    basis: Basis,
    // Of when the closed rows are, for the text; the basis says it, too.
    #[serde(skip)]
    closed_in: String,
}

/// A part whose fields another tool's schema describes; naming them twice would cost context.
type Object = serde_json::Map<String, serde_json::Value>;

/// Rows of `opportunities`; list_opportunities brings the rest.
const ROWS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Opportunities,
    Forecast,
    Metrics,
}

const INCLUDE: [(&str, Include); 3] = [
    ("opportunities", Include::Opportunities),
    ("forecast", Include::Forecast),
    ("metrics", Include::Metrics),
];

impl Supposable for GetPipeline {
    /// The chance of the target is the forecast's.
    fn compare_with(query: &mut Query) {
        let include = query.include.get_or_insert_default();
        include.0.push("forecast".to_owned());
    }

    fn measures(answer: &Answer) -> Vec<Measured> {
        let summary = &answer.summary;
        let reason = answer.reasons.get("avg_probability").copied();
        let total = |name: &str, figure| Measured::new(name, Some(figure)).within("summary");
        let mut measures = vec![
            total(
                "total_opportunities",
                Figure::count(summary.total_opportunities),
            ),
            total("total_value", Figure::Amount(summary.total_value)),
            total("weighted_value", Figure::Amount(summary.weighted_value)),
            Measured::new(
                "summary.avg_probability",
                summary.avg_probability.map(Figure::Fraction),
            )
            .because(reason),
        ];
        let forecast = answer.forecast.iter().flat_map(ForecastData::measures);
        measures.extend(forecast.map(|of| of.within("forecast")));
        let metrics = answer.metrics.iter().flat_map(Metrics::measures);
        measures.extend(metrics.map(|of| of.within("metrics")));
        let by_stage = answer.by_stage.iter().flat_map(StageBreakdown::measures);
        measures.extend(by_stage.map(|of| of.within("by_stage")));
        let by_type = summary.by_type.iter().flat_map(TypeTotal::measures);
        measures.extend(by_type.map(|of| of.within("summary.by_type")));
        measures
    }
}

impl Report for GetPipeline {
    const NAME: &'static str = "get_pipeline";
    const TITLE: &'static str = "Pipeline report";
    const DESCRIPTION: &'static str = "What is open now: count, value, weighted value by stage and type, days in \
        stage, conversion, this week's changes. Use for \"Show me the expansion pipeline\". For what a period will \
        close at use get_forecast; for the deals list_opportunities.";
    const ELSEWHERE: Elsewhere = &[("by", BY), ("dimension", BY), ("group_by", BY), CURRENCY];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let settings = portfolio.settings();
        let currency = settings.currency;
        let understood = filters.resolve(portfolio)?;
        let filter = &understood.filter;
        let (period, closed) = spans(asked, &query)?;
        let include: Vec<Include> = query
            .include
            .iter()
            .flat_map(|words| &words.0)
            .map(|word| pick("part to include", word, &INCLUDE))
            .collect::<Result<_>>()?;
        let span = period.as_ref().map(|reading| &reading.period);
        let today = asked.today;
        let (lately, found) = both(
            portfolio.chunks().len(),
            || Lately::of(portfolio, filter, today),
            || pipeline::compute(portfolio, filter, span, &closed, asked.day()),
        );
        let due_in = span.map(Span::of);
        let is_due = |deal: &&Deal| due_in.is_none_or(|due_in| due_in.contains(deal.close));
        let shown = asked.due_or_closed(filter, due_in, Span::of(&closed));

        let mut basis = asked.basis(
            &understood,
            &[
                "pipeline = open deals; weighted = Σ value × probability, rounded per deal",
                "conversion = reached a later stage or won ÷ (that + lost), deals with stage history",
            ],
            found.read,
            shown,
        );
        basis.period = span.map(Into::into);
        let closed_in = format!("{} ({} to {})", closed.label, closed.start, closed.end);
        basis
            .definitions
            .push(format!("closed stages: closed in {closed_in}"));
        let mut all = warnings::of_filter(&understood);
        let about = |kind, tally, what: &str, closing| {
            let listed = warnings::listed(kind, closing);
            warnings::about(kind, tally, currency, &format!("{what}: {listed}."))
        };
        all.extend(about("overdue", &found.overdue, "overdue", span));
        let stale = "stale, longer in the stage than nine in ten that left it, or than 90 days where few have";
        all.extend(about("stale", &found.stale, stale, span));
        let undated = if span.is_some() {
            "without expected close, left out"
        } else {
            "without expected close"
        };
        all.extend(about("undated", &found.undated, undated, None));
        for (kind, tally, what) in [
            ("unassigned", &found.unassigned, "without customer"),
            ("no_owner", &found.no_owner, "without CSM and sales rep"),
            (
                "off_norm",
                &found.off_norm,
                "ten times or a tenth of what is usual for the customer",
            ),
            (
                "odd_probability",
                &found.odd_probability,
                "with a probability by hand that the stage contradicts",
            ),
        ] {
            all.extend(about(kind, tally, what, span));
        }
        all.extend(warnings::no_rate(&found.foreign, portfolio));
        all.extend(warnings::about(
            "undated_stage",
            &found.undated_stage,
            currency,
            "without stage date, in no days-in-stage figure.",
        ));
        all.extend(warnings::about_all(
            "no_history",
            &found.without_history,
            currency,
            "without stage history, left out of conversion and exit times: \
             list_opportunities {\"attention\": [\"no_history\"], \"stage\": \"all\"}.",
        ));

        let (mut opportunities, mut total, mut truncated) = (None, None, None);
        if include.contains(&Include::Opportunities) {
            let mut open = filter.clone();
            if open.stages().is_none() {
                open.only.push(Test::Stage(OPEN_BITS));
            }
            let deals: Vec<_> = asked.each(&open).filter(is_due).collect();
            let totals = Totals::of(&deals, portfolio);
            let rows = page(asked, &deals, Sort::read(None)?, Form::Full, ROWS, None)?;
            truncated = Some(rows.next_cursor.is_some());
            opportunities = Some(rows.rows);
            total = Some(totals.total);
        }
        let forecast = if include.contains(&Include::Forecast) {
            let of = period.as_ref().and_then(|reading| reading.whole.as_ref());
            let of = of.unwrap_or(&closed);
            let forecast = forecast::compute(asked, filter, of, None, None);
            basis.definitions.extend(forecast.definitions);
            basis.assumptions.extend(forecast.assumptions);
            Some(forecast.data)
        } else {
            None
        };
        let metrics = if include.contains(&Include::Metrics) {
            let back = Direction::Back;
            let calendar = &settings.calendar;
            let year = periods::unsaid("trailing 12 months", calendar, asked.today, back)?.period;
            let mut metrics = expansion::metrics(portfolio, &filter.without_stage(), span, &year);
            all.append(&mut metrics.warnings);
            Some(metrics)
        } else {
            None
        };
        let mut reasons = Reasons::new();
        if found.open.probability().is_none() {
            reasons.insert("avg_probability".to_owned(), "no_open_value");
        }
        for stage in found
            .by_stage
            .iter()
            .filter(|stage| stage.is_open() && stage.conversion_rate.is_none())
        {
            reasons.insert(
                format!("conversion_rate.{}", stage.stage),
                "no_decided_deals",
            );
        }
        Ok(Answer {
            reasons,
            summary: Summary {
                total_opportunities: found.open.count,
                total_value: Amount {
                    minor: found.open.value,
                    currency,
                },
                weighted_value: Amount {
                    minor: found.open.weighted,
                    currency,
                },
                avg_probability: found.open.probability().map(Fraction),
                by_type: found.by_type,
                changes: lately.shown(portfolio),
            },
            by_stage: found.by_stage,
            opportunities,
            opportunities_total: total,
            truncated,
            forecast,
            metrics,
            warnings: all,
            basis,
            closed_in,
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let understood = filters.resolve(asked.portfolio)?;
        let (period, closed) = spans(asked, &query)?;
        let due_in = period.map(|reading| Span::of(&reading.period));
        let deals = asked.due_or_closed(&understood.filter, due_in, Span::of(&closed));
        Ok(behind::pipeline(
            &deals.collect::<Vec<_>>(),
            asked.portfolio,
        ))
    }

    fn text(answer: &Answer) -> String {
        let summary = &answer.summary;
        let period = answer
            .basis
            .period
            .as_ref()
            .map_or(String::new(), |period| {
                format!(" due {} to {}", period.start, period.end)
            });
        let mut text = format!(
            "Pipeline{period}: {}, {}, weighted {} (average probability {}).",
            count_of(
                summary.total_opportunities,
                "open opportunity",
                "open opportunities"
            ),
            summary.total_value,
            summary.weighted_value,
            or_dash(summary.avg_probability)
        );
        text.push_str("\n\n| stage | deals | value | weighted | days in stage | conversion |\n|---|---|---|---|---|---|");
        for stage in &answer.by_stage {
            text.push_str(&format!(
                "\n| {} | {} | {} | {} | {} | {} |",
                stage.stage,
                stage.count,
                stage.value,
                stage.weighted_value,
                or_dash(stage.avg_days_in_stage),
                or_dash(stage.conversion_rate)
            ));
        }
        text.push_str(&format!("\n\nClosed rows: closed in {}.", answer.closed_in));
        let types: Vec<String> = summary
            .by_type
            .iter()
            .map(|kind| format!("{} {} ({})", kind.kind, kind.count, kind.value))
            .collect();
        text.push_str(&format!("\nBy type: {}.", types.join(", ")));
        text.push_str(&format!("\n{}", summary.changes.text()));
        if let Some(rows) = &answer.opportunities {
            text.push_str(&table(rows));
            if answer.truncated == Some(true) {
                let total = answer.opportunities_total.unwrap_or_default();
                text.push_str(&format!(
                    "\nShown: {} of {total}; list_opportunities pages through all.",
                    rows.len()
                ));
            }
        }
        if let Some(forecast) = &answer.forecast {
            text.push_str(&format!("\n\n{}", forecast.text()));
        }
        if let Some(metrics) = &answer.metrics {
            text.push_str(&format!("\n\n{}", metrics.text()));
        }
        text.push_str(&tail(&answer.basis, &answer.warnings));
        text
    }
}

/// The period asked for, if any, and the one in which closed deals are closed.
fn spans(asked: &Asked<'_>, query: &Query) -> Result<(Option<Reading>, Period)> {
    let (calendar, today) = (&asked.portfolio.settings().calendar, asked.today);
    let read = |words: &str| periods::period(words, calendar, today, Direction::Forward);
    let asked_for = query.period.as_deref().map(read).transpose()?;
    let quarter = periods::unsaid("this quarter", calendar, today, Direction::Forward)?;
    let closed = asked_for.as_ref().unwrap_or(&quarter).period.clone();
    Ok((asked_for, closed))
}
