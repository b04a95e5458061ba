//! "What's our forecast for Q1?" The measures of a period against its target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::forecast::{self, DEFINITIONS, ForecastData};
use super::parts::tail::tail;
use super::parts::warnings;
use super::{Asked, Report};
use crate::domain::deal::Deal;
use crate::domain::measure::Span;
use crate::domain::settings::Measure;
use crate::language::arguments::AmountWords;
use crate::language::basis::{Basis, Warning};
use crate::language::filters::FilterWords;
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
    warnings: Vec<Warning>,
    basis: Basis,
}

impl Report for GetForecast {
    const NAME: &'static str = "get_forecast";
    const TITLE: &'static str = "Forecast of a period";
    const DESCRIPTION: &'static str = "What a period will close at, against its target: closed, commit, best case, \
        upside, weighted, gap, attainment, coverage, by month. Use for \"What's our forecast for Q1?\". For what is \
        open by stage use get_pipeline.";
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let understood = filters.resolve(asked.portfolio)?;
        let calendar = &asked.portfolio.settings().calendar;
        let reading = match &query.period {
            Some(words) => periods::period(words, calendar, asked.today, Direction::Forward),
            None => periods::unsaid("this quarter", calendar, asked.today, Direction::Forward),
        }?;
        // To-date words mean the whole span here: what has closed, and what still may.
        let period = reading.whole.unwrap_or(reading.period);
        if period.months().len() > LONGEST {
            return Err(Refusal::new(
                Code::InvalidArgument,
                format!("{} is longer than ten years.", period.label),
            )
            .hint("Ask for a quarter, a year, or at most ten."));
        }
        let measure = query
            .measure
            .map(|word| pick("measure", &word, &Measure::WORDS))
            .transpose()?;
        let currency = asked.portfolio.settings().currency;
        let assumed = query
            .assume_target
            .map(|amount| amount.minor("assume_target", currency))
            .transpose()?;
        let forecast = forecast::compute(asked, &understood.filter, &period, measure, assumed);
        let span = Span::of(&period);
        let counts = |deal: &&Deal| span.contains(deal.close) && (deal.is_open() || deal.is_won());
        let counted = asked.each(&understood.filter).filter(counts);
        let mut basis = asked.basis(&understood, DEFINITIONS, forecast.read, counted);
        basis.definitions.extend(forecast.definitions);
        basis.period = Some((&period).into());
        basis.assumptions.extend(forecast.assumptions);
        let mut all = warnings::of_filter(&understood);
        all.extend(forecast.warnings);
        Ok(Answer {
            data: forecast.data,
            warnings: all,
            basis,
        })
    }

    fn text(answer: &Answer) -> String {
        let mut text = answer.data.text();
        if let Some(period) = &answer.basis.period {
            text.push_str(&format!(
                "\nPeriod {} to {}, today {}.",
                period.start, period.end, answer.basis.today
            ));
        }
        // The overdue deals of the period have their own line above.
        let told = |warning: &&Warning| warning.kind != "overdue";
        let warnings: Vec<Warning> = answer.warnings.iter().filter(told).cloned().collect();
        text.push_str(&tail(&answer.basis, &warnings));
        text
    }
}
