//! "What's our forecast for Q1?" The measures of a period against its target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::behind;
use super::parts::forecast::accuracy::{self, Accuracy};
use super::parts::forecast::calibration::{self, Calibration};
use super::parts::forecast::{self, DEFINITIONS, ForecastData};
use super::parts::rows::{Sort, page, table};
use super::parts::tail::tail;
use super::parts::warnings;
use super::parts::what_if::{Measured, Supposable};
use super::{Asked, BY, CURRENCY, Report};
use crate::domain::calendar::{add_days, add_months};
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::settings::Measure;
use crate::language::arguments::{AmountWords, Elsewhere, Words};
use crate::language::basis::{Basis, Warning};
use crate::language::behind::Behind;
use crate::language::filters::FilterWords;
use crate::language::opportunity::{Form, Opportunity};
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct GetForecast;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// "Q1", "this month", "2026-01-01..2026-03-31"; default this fiscal quarter
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// Headline: closed, worst_case, commit, best_case, upside, weighted (default)
    #[serde(default)]
    #[schemars(with = "String")]
    measure: Option<String>,
    /// Any of accuracy (last four quarters), calibration (of stage probabilities), deals (behind the figures)
    #[serde(default)]
    #[schemars(with = "Words")]
    include: Option<Words>,
    /// A target for this question only
    #[serde(default)]
    #[schemars(with = "AmountWords")]
    assume_target: Option<AmountWords>,
}

/// The longest period forecast, in months: each is a row of by_month.
const LONGEST: usize = 120;

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    #[serde(flatten)]
    data: ForecastData,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
    /// Won in it, and open due in it
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Object>")]
    deals: Option<Vec<Opportunity>>,
    /// Of all deals; list_opportunities pages
    #[serde(skip_serializing_if = "Option::is_none")]
    deals_total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    warnings: Vec<Warning>,
    basis: Basis,
}

/// A part whose fields another tool's schema describes; naming them twice would cost context.
type Object = serde_json::Map<String, serde_json::Value>;

/// Rows of `deals`; list_opportunities brings the rest.
const ROWS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Accuracy,
    Calibration,
    Deals,
}

const INCLUDE: [(&str, Include); 3] = [
    ("accuracy", Include::Accuracy),
    ("calibration", Include::Calibration),
    ("deals", Include::Deals),
];

impl Supposable for GetForecast {
    fn measures(answer: &Answer) -> Vec<Measured> {
        answer.data.measures()
    }
}

impl Report for GetForecast {
    const NAME: &'static str = "get_forecast";
    const TITLE: &'static str = "Forecast of a period";
    const DESCRIPTION: &'static str = "What a period will close at, against its target: closed, commit, best case, \
        upside, weighted, gap, attainment, coverage, by month. Use for \"What's our forecast for Q1?\". For what is \
        open by stage use get_pipeline.";
    const ELSEWHERE: Elsewhere = &[("by", BY), ("dimension", BY), ("group_by", BY), CURRENCY];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let understood = filters.resolve(asked.portfolio)?;
        let (period, measure) = (period_of(asked, &query)?, measure_of(&query)?);
        let include: Vec<Include> = query
            .include
            .iter()
            .flat_map(|words| &words.0)
            .map(|word| pick("part to include", word, &INCLUDE))
            .collect::<Result<_>>()?;
        let currency = asked.portfolio.settings().currency;
        let assumed = query
            .assume_target
            .map(|amount| amount.minor("assume_target", currency))
            .transpose()?;
        let forecast = forecast::compute(asked, &understood.filter, &period, measure, assumed);
        let span = Span::of(&period);
        let counted = counted(asked, &understood.filter, span);
        let shown = counted.iter().copied();
        let mut basis = asked.basis(&understood, DEFINITIONS, forecast.read, shown);
        basis.definitions.extend(forecast.definitions);
        basis.period = Some((&period).into());
        basis.assumptions.extend(forecast.assumptions);
        let mut all = warnings::of_filter(&understood);
        all.extend(forecast.warnings);

        let filter = &understood.filter;
        let accuracy = include.contains(&Include::Accuracy).then(|| {
            basis.definitions.push(accuracy::DEFINITION.to_owned());
            let headline = asked.portfolio.settings().headline_measure;
            Accuracy::of(asked, filter, measure.unwrap_or(headline))
        });
        let calibration = include.contains(&Include::Calibration).then(|| {
            basis.definitions.push(calibration::DEFINITION.to_owned());
            Calibration::of(asked, &filter.without_stage())
        });
        let (mut deals, mut deals_total, mut truncated) = (None, None, None);
        if include.contains(&Include::Deals) {
            let rows = page(asked, &counted, Sort::read(None)?, Form::Short, ROWS, None)?;
            truncated = Some(rows.next_cursor.is_some());
            deals_total = Some(counted.len());
            deals = Some(rows.rows);
        }
        Ok(Answer {
            data: forecast.data,
            accuracy,
            calibration,
            deals,
            deals_total,
            truncated,
            warnings: all,
            basis,
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let understood = filters.resolve(asked.portfolio)?;
        let period = period_of(asked, &query)?;
        let months = period.months().into_iter().map(|first| {
            let label = first.format("%Y-%m").to_string();
            let last = add_days(add_months(first, 1), -1);
            let month = Period::new(first.max(period.start), last.min(period.end), label);
            (month.label.clone(), Span::of(&month))
        });
        let months: Vec<(String, Span)> = months.collect();
        let span = Span::of(&period);
        let deals = counted(asked, &understood.filter, span);
        let headline = asked.portfolio.settings().headline_measure;
        let measure = measure_of(&query)?.unwrap_or(headline);
        Ok(behind::forecast(
            &deals,
            asked.portfolio,
            span,
            &months,
            asked.day(),
            measure,
        ))
    }

    fn text(answer: &Answer) -> String {
        let mut text = answer.data.text();
        if let Some(period) = &answer.basis.period {
            text.push_str(&format!(
                "\nPeriod {} to {}, today {}.",
                period.start, period.end, answer.basis.today
            ));
        }
        text.extend(
            answer
                .accuracy
                .iter()
                .map(|part| format!("\n{}", part.text())),
        );
        text.extend(
            answer
                .calibration
                .iter()
                .map(|part| format!("\n{}", part.text())),
        );
        if let Some(deals) = &answer.deals {
            text.push_str(&table(deals));
        }
        // The overdue deals of the period have their own line above.
        let told = |warning: &&Warning| warning.kind != "overdue";
        let warnings: Vec<Warning> = answer.warnings.iter().filter(told).cloned().collect();
        text.push_str(&tail(&answer.basis, &warnings));
        text
    }
}

/// The period asked for. To-date words mean the whole span: what has closed, and what still may.
fn period_of(asked: &Asked<'_>, query: &Query) -> Result<Period> {
    let calendar = &asked.portfolio.settings().calendar;
    let reading = match &query.period {
        Some(words) => periods::period(words, calendar, asked.today, Direction::Forward),
        None => periods::unsaid("this quarter", calendar, asked.today, Direction::Forward),
    }?;
    let period = reading.whole.unwrap_or(reading.period);
    if period.months().len() > LONGEST {
        return Err(Refusal::new(
            Code::InvalidArgument,
            format!("{} is longer than ten years.", period.label),
        )
        .hint("Ask for a quarter, a year, or at most ten."));
    }
    Ok(period)
}

fn measure_of(query: &Query) -> Result<Option<Measure>> {
    let word = query.measure.as_deref();
    word.map(|word| pick("measure", word, &Measure::WORDS))
        .transpose()
}

/// What is won in a span, and open and due in it.
fn counted<'a>(asked: &'a Asked<'_>, filter: &'a Filter, span: Span) -> Vec<&'a Deal> {
    let deals = asked.due_or_closed(filter, Some(span), span);
    deals
        .filter(|deal| deal.is_open() || deal.is_won())
        .collect()
}
