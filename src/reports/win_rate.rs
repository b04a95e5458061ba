//! "What's our win rate on upsells?" Won against lost, overall and by segment, with what it rests on.

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::behind;
use super::parts::metrics::{Goals, Outcomes, WinLoss, counted};
use super::parts::ranking::{Candidate, First, in_time, ranked, unranked};
use super::parts::segments::{Dating, Dimension, in_order, named};
use super::parts::tail::tail;
use super::parts::warnings;
use super::{Asked, CURRENCY, Report};
use crate::domain::change::NO_DAY;
use crate::domain::deal::Deal;
use crate::domain::filter::Tally;
use crate::domain::measure::Span;
use crate::domain::period::Period;
use crate::language::arguments::Elsewhere;
use crate::language::basis::{Basis, Warning};
use crate::language::behind::Behind;
use crate::language::cell;
use crate::language::figures::or_dash;
use crate::language::filters::FilterWords;
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct WinRate;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Default trailing 12 months
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// Segment by type, csm, sales_rep, source, signal, product_line, customer, customer_segment, stage_reached, size_band, month, quarter or an attribute
    #[serde(default)]
    #[schemars(with = "String")]
    by: Option<String>,
    /// closed in the period (default), or created in it
    #[serde(default)]
    #[schemars(with = "String")]
    basis: Option<String>,
    /// -rate (default), rate (worst first), -lower_bound
    #[serde(default)]
    #[schemars(with = "String")]
    sort: Option<String>,
    /// Segments, 1 to 1000, default 50
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
    #[serde(flatten)]
    figures: WinLoss,
    // Of too few deals to be ranked.
    #[serde(skip)]
    is_small: bool,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    overall: WinLoss,
    #[serde(flatten)]
    goals: Goals,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<Segment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_total: Option<usize>,
    /// Raise limit
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    warnings: Vec<Warning>,
    basis: Basis,
    // Why some segments have no rank.
    #[serde(skip)]
    unranked: Option<String>,
}

/// How segments are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Best,
    Worst,
    LowerBound,
}

/// The words of get_analytics for the same orders.
const SPOKEN: [(&str, Sort); 2] = [("-win_rate", Sort::Best), ("win_rate", Sort::Worst)];

const SORTS: [(&str, Sort); 6] = [
    ("-rate", Sort::Best),
    ("rate", Sort::Worst),
    ("-lower_bound", Sort::LowerBound),
    ("lower_bound", Sort::LowerBound),
    ("best", Sort::Best),
    ("worst", Sort::Worst),
];

impl Report for WinRate {
    const NAME: &'static str = "win_rate";
    const TITLE: &'static str = "Win rate";
    const DESCRIPTION: &'static str = "Won ÷ (won + lost) with interval, by count and value, deal size, sales cycle \
        and lost reasons; overall or by segment. Use for \"What's our win rate on upsells?\" or \"Which CSM closes \
        best?\".";
    const STAGE_FILTER: bool = false;
    const ELSEWHERE: Elsewhere = &[
        (
            "stage",
            "Give \"by\": \"stage_reached\" for a row each: a rate is of closed deals.",
        ),
        ("dimension", "Here it is called by."),
        CURRENCY,
    ];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let settings = portfolio.settings();
        let understood = filters.resolve(portfolio)?;
        let (period, created) = (query.period(asked)?, query.created()?);
        let dimension = query
            .by
            .as_deref()
            .map(|word| Dimension::read(word, portfolio))
            .transpose()?;
        let sort = query.sort.as_deref().map_or(Ok(Sort::Best), sort_of)?;

        let dating = Dating::of(created);
        let span = Span::of(&period);
        let mut overall = Outcomes::default();
        let mut segments: FxHashMap<u64, Outcomes> = FxHashMap::default();
        let mut count = |deal: &Deal| {
            overall.add(deal);
            if let Some(dimension) = &dimension {
                segments
                    .entry(dimension.key(deal, portfolio, dating))
                    .or_default()
                    .add(deal);
            }
        };
        let filter = &understood.filter;
        let everything = filter.is_everything();
        let mut unidentified = [Tally::default(); 3];
        if created {
            asked
                .each(filter)
                .filter(|deal| span.contains(deal.identified))
                .for_each(&mut count);
            for deal in asked.each(filter).filter(|deal| deal.identified == NO_DAY) {
                if let Some(of_state) = unidentified.get_mut(usize::from(deal.state())) {
                    of_state.add(deal, portfolio);
                }
            }
        } else {
            portfolio
                .closed(span.start, span.end)
                .filter(|deal| everything || filter.matches(deal, portfolio))
                .for_each(&mut count);
        }

        let share = overall.share(created);
        let segments = dimension.map(|dimension| {
            let named = named(segments, &dimension, portfolio).into_iter();
            let candidates = named.map(|(key, name, outcomes)| {
                let share = outcomes.share(created);
                Candidate {
                    key,
                    name,
                    figure: match sort {
                        Sort::LowerBound => share.interval().map(|(low, _)| low),
                        Sort::Best | Sort::Worst => share.rate(),
                    },
                    size: outcomes.closed(),
                    is_enough: outcomes.closed() >= u64::from(settings.ranking_minimum),
                    of: outcomes,
                }
            });
            let ordered = match sort {
                _ if in_order(&dimension) => in_time(candidates.collect()),
                Sort::Worst => ranked(candidates.collect(), First::Lowest),
                Sort::Best | Sort::LowerBound => ranked(candidates.collect(), First::Highest),
            };
            let rows = ordered.into_iter().map(|(rank, segment)| Segment {
                segment: segment.name,
                rank,
                is_small: !segment.is_enough && !in_order(&dimension),
                figures: segment.of.show(portfolio, created),
            });
            rows.collect()
        });
        let definitions: &[&str] = if created {
            &["win_rate = won so far ÷ all identified in the period"]
        } else {
            &[
                "win_rate = won ÷ (won + lost), actual close in the period",
                "avg_deal_size = mean closed value of won",
            ]
        };
        let limit = match query.limit {
            None => 50,
            Some(limit @ 1..=1_000) => usize::from(limit),
            Some(limit) => {
                return Err(
                    Refusal::new(Code::InvalidArgument, format!("limit is {limit}."))
                        .hint("Give a limit from 1 to 1000."),
                );
            }
        };
        let segments_total = segments.as_ref().map(Vec::len);
        let segments = segments.map(|mut segments: Vec<Segment>| {
            segments.truncate(limit);
            segments
        });
        let has_small = segments.iter().flatten().any(|row| row.is_small);
        let shown = overall.show(portfolio, created);
        let mut basis = asked.basis(
            &understood,
            definitions,
            overall.closed() + overall.open,
            counted(asked, filter, span, created),
        );
        basis.period = Some((&period).into());
        let mut all = warnings::of_filter(&understood);
        all.extend(warnings::no_rate(&overall.foreign, portfolio));
        all.extend(overall.warnings(settings.currency));
        let what = "without identified date, not counted.";
        let unidentified =
            warnings::about_all("unidentified", &unidentified, settings.currency, what);
        all.extend(unidentified);
        Ok(Answer {
            goals: Goals::of(share, &shown.cycle_days, settings),
            overall: shown,
            segments,
            truncated: segments_total.map(|total| total > limit),
            segments_total,
            warnings: all,
            basis,
            unranked: has_small.then(|| unranked(settings.ranking_minimum, "closed")),
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let filter = filters.resolve(asked.portfolio)?.filter;
        let span = Span::of(&query.period(asked)?);
        let deals: Vec<&Deal> = counted(asked, &filter, span, query.created()?).collect();
        let mut behind = behind::win_rate("overall.", &deals, asked.portfolio);
        if let Some(word) = &query.by {
            let dimension = Dimension::read(word, asked.portfolio)?;
            let dating = Dating::of(query.created()?);
            behind::segments(&mut behind, &deals, &dimension, dating, asked.portfolio);
        }
        Ok(behind)
    }

    fn text(answer: &Answer) -> String {
        let mut text = answer.overall.text();
        if let Some(period) = &answer.basis.period {
            text.push_str(&format!(
                "\nPeriod {} ({} to {}).",
                period.label, period.start, period.end
            ));
        }
        if let Some(goal) = answer.goals.of_win_rate() {
            text.push_str(&format!(" {goal}"));
        }
        if !answer.overall.lost_reasons.is_empty() {
            let reasons: Vec<String> = answer
                .overall
                .lost_reasons
                .iter()
                .map(|reason| reason.text())
                .collect();
            text.push_str(&format!("\nLost: {}.", reasons.join(", ")));
        }
        if let Some(segments) = &answer.segments {
            text.push_str(&table(segments));
        }
        if let Some(unranked) = &answer.unranked {
            text.push_str(&format!("\n{unranked}"));
        }
        if let (Some(segments), Some(total), Some(true)) =
            (&answer.segments, answer.segments_total, answer.truncated)
        {
            text.push_str(&format!(
                "\nShown: {} of {total} segments; raise limit for more.",
                segments.len()
            ));
        }
        text.push_str(&tail(&answer.basis, &answer.warnings));
        text
    }
}

impl Query {
    fn period(&self, asked: &Asked<'_>) -> Result<Period> {
        let (calendar, today) = (&asked.portfolio.settings().calendar, asked.today);
        let reading = match &self.period {
            Some(words) => periods::period(words, calendar, today, Direction::Back),
            None => periods::unsaid("trailing 12 months", calendar, today, Direction::Back),
        };
        Ok(reading?.period)
    }

    /// Whether deals count by when they were identified.
    fn created(&self) -> Result<bool> {
        let word = self.basis.as_deref().unwrap_or("closed");
        pick("basis", word, &[("closed", false), ("created", true)])
    }
}

/// The segments as a Markdown table; of deals counted by when they were identified some are still open.
fn table(segments: &[Segment]) -> String {
    let created = segments.iter().any(|row| row.figures.open().is_some());
    let (open, line) = if created {
        ("open | ", "---|")
    } else {
        ("", "")
    };
    let header = format!(
        "\n\n| # | segment | won | lost | {open}rate | won value | avg deal |\n|---|---|---|---|{line}---|---|---|"
    );
    let lines = segments.iter().map(|row| {
        let figures = &row.figures;
        format!(
            "\n| {} | {} | {} | {} | {}{} | {} | {} |",
            or_dash(row.rank),
            cell(&row.segment),
            figures.won,
            figures.lost,
            figures
                .open()
                .map_or_else(String::new, |open| format!("{open} | ")),
            or_dash(figures.win_rate.rate),
            figures.won_value,
            or_dash(figures.avg_deal_size.mean),
        )
    });
    std::iter::once(header).chain(lines).collect()
}

fn sort_of(word: &str) -> Result<Sort> {
    // The hyphen in front means descending, so it is compared as it stands.
    SORTS
        .iter()
        .chain(&SPOKEN)
        .find(|(known, _)| *known == word.trim())
        .map_or_else(|| pick("sort", word, &SORTS), |(_, sort)| Ok(*sort))
}
