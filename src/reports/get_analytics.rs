//! "Which sources win?" How well expansion does over a period: PRD-155's ExpansionMetrics, or a row for
//! each CSM, type, source, month and so on.

mod columns;
mod counting;
mod gathering;
mod sorting;
mod words;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::columns::columns;
use self::counting::{Analysis, Counted, grain_of};
use self::sorting::Sort;
use super::parts::behind;
use super::parts::by_period::{GRAINS, Grain, Part, PeriodTotal, by_period, readable_parts_of};
use super::parts::expansion::{closed_in, expansion};
use super::parts::metrics::Goals;
use super::parts::performance::{Account, Column, Figures};
use super::parts::ranking::unranked;
use super::parts::segments::{Dimension, in_order, named};
use super::parts::sources::{SourceTotal, top_sources};
use super::parts::warnings;
use super::{Asked, CURRENCY, Report};
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::language::arguments::{Elsewhere, Words};
use crate::language::basis::{Basis, Warning};
use crate::language::behind::Behind;
use crate::language::figures::{Amount, Chosen, Fraction};
use crate::language::filters::FilterWords;
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct GetAnalytics;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Default trailing 12 months
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// A row for each type, csm, sales_rep, source, signal, product_line, customer, customer_segment, stage_reached, size_band, month, quarter or attribute:NAME
    #[serde(default)]
    #[schemars(with = "String")]
    dimension: Option<String>,
    /// Only these: win_rate, avg_deal_size, cycle_days, velocity, open, slip_rate, found, lost_reasons, expansion_rate, by_period, top_sources, or all
    #[serde(default)]
    #[schemars(with = "Words")]
    metrics: Option<Words>,
    /// by_period in week, month, quarter, half, year
    #[serde(default)]
    #[schemars(with = "String")]
    grain: Option<String>,
    /// Rows by a metric, won_value or lower_bound; default -win_rate
    #[serde(default)]
    #[schemars(with = "String")]
    sort: Option<String>,
    /// Rows, 1 to 1000, default 20
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One segment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Segment {
    segment: String,
    /// Null below the ranking minimum
    rank: Option<usize>,
    /// A month or quarter that lies in the period in part
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(flatten)]
    figures: Figures,
    // Of too few deals to be ranked.
    #[serde(skip)]
    is_small: bool,
}

/// The answer: the figures of everything asked about, and those of each segment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    #[serde(flatten)]
    overall: Figures,
    /// Won value ÷ ARR, of customers with ARR
    #[serde(skip_serializing_if = "Chosen::is_left_out")]
    expansion_rate: Chosen<Fraction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    won_without_arr: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_period: Option<Vec<PeriodTotal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_sources: Option<Vec<SourceTotal>>,
    #[serde(flatten)]
    goals: Goals,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<Segment>>,
    /// The segments not shown, together
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Object")]
    others: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_total: Option<usize>,
    /// Raise limit
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    warnings: Vec<Warning>,
    basis: Basis,
    #[serde(skip)]
    columns: Vec<Column>,
    // Why some rows have no rank.
    #[serde(skip)]
    unranked: Option<String>,
}

/// What has the same fields as a part that the schema describes already.
type Object = serde_json::Map<String, serde_json::Value>;

/// PRD-155's ExpansionMetrics.
const OF_ALL: [Column; 7] = [
    Column::WinRate,
    Column::DealSize,
    Column::Cycle,
    Column::ExpansionRate,
    Column::ByPeriod,
    Column::TopSources,
    Column::LostReasons,
];

/// What a row shows.
const OF_SEGMENTS: [Column; 6] = [
    Column::WinRate,
    Column::DealSize,
    Column::Cycle,
    Column::Velocity,
    Column::Open,
    Column::SlipRate,
];

impl Report for GetAnalytics {
    const NAME: &'static str = "get_analytics";
    const TITLE: &'static str = "Analytics";
    const DESCRIPTION: &'static str = "How expansion performs over a period: win rate, deal size, cycle, expansion \
        rate, by period, sources, lost reasons; with a dimension a row for each segment, with velocity, open pipeline \
        and slip rate. Use for \"Compare our CSMs\" or \"Which sources win?\". For the win rate alone use win_rate.";
    const STAGE_FILTER: bool = false;
    const ELSEWHERE: Elsewhere = &[
        (
            "stage",
            "Give \"dimension\": \"stage_reached\" for a row each; what is open by stage is in get_pipeline.",
        ),
        ("by", "Here it is called dimension."),
        CURRENCY,
    ];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let settings = portfolio.settings();
        let currency = settings.currency;
        let understood = filters.resolve(portfolio)?;
        let filter = &understood.filter;
        let said = query.period_said(asked)?;
        let period = &query.period(asked)?;
        let choice = Choice::read(&query, portfolio)?;
        let dimension = choice.dimension;
        let parts = readable_parts_of(period, choice.grain, portfolio)?;
        let time = dimension.as_ref().and_then(grain_of);
        let segments_of_time = match time {
            Some(grain) => readable_parts_of(period, Some(grain), portfolio)?,
            None => Vec::new(),
        };

        let closed = closed_in(portfolio, filter, Span::of(period));
        let analysis = Analysis {
            asked,
            filter,
            period,
            found_in: (said.is_some() || time.is_some()).then(|| Span::of(period)),
            columns: &choice.columns,
            dimension: dimension.as_ref(),
            parts: &segments_of_time,
        };
        let Counted {
            overall,
            segments,
            unidentified,
            read,
        } = analysis.count(&closed);

        let mut all = warnings::of_filter(&understood);
        all.extend(warnings::no_rate(&overall.outcomes.foreign, portfolio));
        if choice.shows(Column::Cycle) {
            all.extend(overall.outcomes.warnings(currency));
        }
        if choice.shows(Column::Found) {
            let what = "without identified date, not among those found.";
            all.extend(warnings::about_all(
                "unidentified",
                &unidentified,
                currency,
                what,
            ));
            all.extend(words::without_days(overall.found.backwards));
        }
        let mut figures = overall.show(portfolio, &choice.columns, false);
        let mut expanded = None;
        if choice.shows(Column::ExpansionRate) {
            let found = expansion(portfolio, filter, &closed);
            figures.reasons.extend(found.reason());
            all.extend(found.warning(portfolio));
            expanded = Some(found);
        }
        all.extend(words::of_the_whole_only(
            &choice.columns,
            dimension.is_some(),
        ));
        let sources = choice.shows(Column::TopSources).then(|| {
            let (sources, unidentified) = top_sources(portfolio, filter, &closed, said.as_ref());
            all.extend(unidentified);
            sources
        });

        let definitions = words::definitions(&choice.columns, dimension, said.is_some());
        let shows_open = choice.shows(Column::Open) || choice.shows(Column::Velocity);
        let open = portfolio.open().filter(|_| shows_open);
        let open = open.filter(|deal| filter.matches(deal, portfolio));
        let shown = closed.iter().copied().chain(open);
        let mut basis = asked.basis(&understood, &definitions, read, shown);
        basis.period = Some(period.into());
        if choice.shows(Column::SlipRate) {
            basis.assumptions.extend(words::unrecorded(&overall.slips));
        }

        let total = dimension.map(|_| segments.len());
        let goals = Goals::of(
            overall.outcomes.share(false),
            &overall.outcomes.cycle(),
            settings,
        );
        let (rows, others) = match &dimension {
            Some(dimension) => {
                let (rows, others) = choice.rows(segments, dimension, &segments_of_time, portfolio);
                (Some(rows), others)
            }
            None => (None, None),
        };
        let has_small = rows.iter().flatten().any(|row| row.is_small);
        let unranked = has_small.then(|| {
            let of = choice.sort.map_or("closed", Sort::rests_on);
            unranked(settings.ranking_minimum, of)
        });
        Ok(Answer {
            overall: figures,
            expansion_rate: Chosen::when(
                expanded.is_some(),
                expanded.and_then(|expanded| expanded.rate()),
            ),
            won_without_arr: expanded.map(|expanded| Amount {
                minor: expanded.without_arr,
                currency,
            }),
            by_period: choice
                .shows(Column::ByPeriod)
                .then(|| by_period(&parts, &closed, portfolio)),
            top_sources: sources,
            goals,
            dimension: dimension.map(|dimension| dimension.word(portfolio)),
            segments: rows,
            others,
            truncated: total.map(|total| total > choice.limit),
            segments_total: total,
            warnings: all,
            basis,
            unranked,
            columns: choice.columns,
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let portfolio = asked.portfolio;
        let filter = filters.resolve(portfolio)?.filter;
        let choice = Choice::read(&query, portfolio)?;
        let said = query.period_said(asked)?;
        let period = &query.period(asked)?;
        let time = choice.dimension.as_ref().and_then(grain_of);
        let parts = match time {
            Some(grain) => readable_parts_of(period, Some(grain), portfolio)?,
            None => Vec::new(),
        };
        let analysis = Analysis {
            asked,
            filter: &filter,
            period,
            found_in: (said.is_some() || time.is_some()).then(|| Span::of(period)),
            columns: &choice.columns,
            dimension: choice.dimension.as_ref(),
            parts: &parts,
        };
        let closed = closed_in(portfolio, &filter, Span::of(period));
        let (all, segments) = analysis.gather(&closed);
        let shows = |column| choice.shows(column);
        let dimension = choice.dimension.as_ref();
        Ok(behind::analytics(
            &all, segments, dimension, shows, portfolio,
        ))
    }

    fn text(answer: &Answer) -> String {
        words::text(answer)
    }
}

/// What was asked to be shown, and how.
struct Choice {
    columns: Vec<Column>,
    dimension: Option<Dimension>,
    grain: Option<Grain>,
    sort: Option<Sort>,
    limit: usize,
}

impl Choice {
    fn read(query: &Query, portfolio: &Portfolio) -> Result<Choice> {
        let dimension = query
            .dimension
            .as_deref()
            .map(|word| Dimension::read(word, portfolio))
            .transpose()?;
        let grain = query
            .grain
            .as_deref()
            .map(|word| pick("grain", word, &GRAINS))
            .transpose()?;
        let sort = query.sort.as_deref().map(Sort::read).transpose()?;
        let limit = match query.limit {
            None => 20,
            Some(limit @ 1..=1_000) => usize::from(limit),
            Some(limit) => {
                return Err(
                    Refusal::new(Code::InvalidArgument, format!("limit is {limit}."))
                        .hint("Give a limit from 1 to 1000."),
                );
            }
        };
        if dimension.is_none() && (sort.is_some() || query.limit.is_some()) {
            let message = "There are no rows to sort or limit without a dimension.";
            return Err(Refusal::new(Code::InvalidArgument, message).hint(
                "Give a dimension, such as csm, type or source, or leave sort and limit out.",
            ));
        }
        let mut columns = match &query.metrics {
            Some(words) => columns(words)?,
            None if dimension.is_none() => OF_ALL.to_vec(),
            None => OF_SEGMENTS.to_vec(),
        };
        let is_of_finds = matches!(dimension, Some(Dimension::Source | Dimension::Signal));
        let also = [
            // What is sorted by is shown, and so is what a grain is of.
            sort.map(|sort| sort.column()),
            grain.map(|_| Column::ByPeriod),
            (is_of_finds && query.metrics.is_none()).then_some(Column::Found),
        ];
        for column in also.into_iter().flatten() {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        Ok(Choice {
            columns,
            dimension,
            grain,
            sort,
            limit,
        })
    }

    fn shows(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }

    /// The rows to show, in order, and what the others come to together.
    fn rows(
        &self,
        segments: FxHashMap<u64, Account>,
        dimension: &Dimension,
        parts: &[Part],
        portfolio: &Portfolio,
    ) -> (Vec<Segment>, Option<Figures>) {
        let minimum = u64::from(portfolio.settings().ranking_minimum);
        let named = named(segments, dimension, portfolio);
        let ordered = sorting::ordered(named, self.sort, in_order(dimension), minimum);
        let is_of_time = in_order(dimension);
        let is_ranked = !is_of_time || self.sort.is_some();
        let mut others: Option<Account> = None;
        let mut rows = Vec::new();
        for (place, (rank, segment)) in ordered.into_iter().enumerate() {
            if place >= self.limit {
                others.get_or_insert_default().merge(&segment.of);
                continue;
            }
            let is_of =
                |part: &&Part| dimension.key_of_day(part.span.start, portfolio) == segment.key;
            let part = parts.iter().find(is_of);
            rows.push(Segment {
                segment: segment.name,
                rank,
                partial: part.is_some_and(|part| part.is_partial),
                figures: segment.of.show(portfolio, &self.columns, is_of_time),
                is_small: is_ranked && !segment.is_enough,
            });
        }
        let others = others.map(|others| others.show(portfolio, &self.columns, is_of_time));
        (rows, others)
    }
}

impl Query {
    /// The period the question names.
    fn period_said(&self, asked: &Asked<'_>) -> Result<Option<Period>> {
        let calendar = &asked.portfolio.settings().calendar;
        let read = |words| periods::period(words, calendar, asked.today, Direction::Back);
        let said = self.period.as_deref().map(read).transpose()?;
        Ok(said.map(|reading| reading.period))
    }

    /// The period it is about: the one it names, else the trailing twelve months.
    fn period(&self, asked: &Asked<'_>) -> Result<Period> {
        let calendar = &asked.portfolio.settings().calendar;
        let year = periods::unsaid("trailing 12 months", calendar, asked.today, Direction::Back)?;
        Ok(self.period_said(asked)?.unwrap_or(year.period))
    }
}
