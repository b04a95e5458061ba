//! "What changed in the pipeline this week?" The way from the pipeline of one day to that of another,
//! every deal's part in it, and this week against last.

use std::borrow::Cow;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::behind;
use super::parts::converted;
use super::parts::pipeline::{Changes, Lately};
use super::parts::tail::tail;
use super::parts::unrecorded;
use super::parts::warnings;
use super::{Asked, CURRENCY, Report};
use crate::domain::calendar::add_days;
use crate::domain::change::{Cut, Millis};
use crate::domain::filter::Filter;
use crate::domain::measure::Span;
use crate::domain::money::Currency;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::waterfall::{Bucket, End, Membership, Part, Waterfall};
use crate::language::arguments::Elsewhere;
use crate::language::basis::{Basis, PeriodShown, Warning};
use crate::language::behind::Behind;
use crate::language::figures::Amount;
use crate::language::filters::FilterWords;
use crate::language::periods::{self, Direction};
use crate::language::{cell, clean};
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct GetChanges;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Default this week
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// First day, in place of period
    #[serde(default)]
    #[schemars(with = "String")]
    from: Option<String>,
    /// Last day; default today
    #[serde(default)]
    #[schemars(with = "String")]
    to: Option<String>,
    /// Only deals expected to close in it: "Q1"
    #[serde(default)]
    #[schemars(with = "String")]
    window: Option<String>,
    /// Deals named in each bucket, 0 to 200, default 5
    #[serde(default)]
    #[schemars(with = "u16", range(min = 0, max = 200))]
    limit: Option<u16>,
}

/// The pipeline of one day.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Standing {
    date: String,
    count: u64,
    value: Amount,
}

/// A deal's part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deal {
    id: String,
    customer_name: String,
    name: String,
    value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_value: Option<Amount>,
}

/// Why some deals count at one end only, or with another value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BucketShown {
    /// new, reopened, pulled_in, pushed_in, moved_in, value_up; value_down, won, lost, pushed_out, pulled_out, moved_out
    bucket: &'static str,
    /// Added to the start, else taken off
    adds: bool,
    count: u64,
    value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_value: Option<Amount>,
    /// The largest first
    deals: Vec<Deal>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    start: Standing,
    end: Standing,
    /// end − start
    net: Amount,
    /// Those that are not empty; start + added − taken off = end
    buckets: Vec<BucketShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<PeriodShown>,
    /// Some bucket names fewer deals than it counts: raise limit
    truncated: bool,
    week_over_week: Changes,
    warnings: Vec<Warning>,
    basis: Basis,
}

/// The most deals named in each bucket unless the caller says otherwise.
const NAMED: u16 = 5;

impl Report for GetChanges {
    const NAME: &'static str = "get_changes";
    const TITLE: &'static str = "What changed";
    const DESCRIPTION: &'static str = "How the open pipeline of one day became that of another: new, reopened, pulled and \
        pushed, value up and down, won, lost, with the deals behind each, closing to the cent; and this week against \
        last. Use for \"What changed in the pipeline this month?\".";
    const ELSEWHERE: Elsewhere = &[CURRENCY];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let settings = portfolio.settings();
        let currency = settings.currency;
        let understood = filters.resolve(portfolio)?;
        let filter = &understood.filter;
        let ends = Ends::of(asked, &query)?;
        let (period, eve) = (&ends.period, ends.eve);
        let limit = match query.limit {
            None => NAMED,
            Some(limit @ 0..=200) => limit,
            Some(limit) => {
                let message = format!("limit is {limit}.");
                return Err(Refusal::new(Code::InvalidArgument, message)
                    .hint("Give a limit from 0 to 200."));
            }
        };

        let (start, end) = ends.priced(portfolio);
        let (start, end) = (&*start, &*end);
        let membership = ends.membership(filter);
        let found = Waterfall::between(start, ends.since, end, membership);

        let buckets: Vec<BucketShown> = Bucket::ALL
            .into_iter()
            .map(|bucket| (bucket, found.parts(bucket)))
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(bucket, parts)| show(bucket, parts, usize::from(limit), end))
            .collect();
        let mut basis = asked.basis(
            &understood,
            &["start + new, reopened, pulled in, pushed in, moved in, value up − value down, won, lost, pushed out, pulled out, moved out = end; open deals, won and lost at their value at the start"],
            found.start.count + found.end.count,
            portfolio
                .open()
                .filter(|deal| filter.matches(deal, portfolio)),
        );
        basis.period = Some(period.into());
        basis.assumptions.extend(ends.assumptions.iter().cloned());
        let at_start = start.open().filter(|deal| membership.takes(deal, start));
        let opened = portfolio.settings().calendar.end_of(eve);
        let of_start = unrecorded::assumptions(start, opened, at_start);
        basis.assumptions.extend(
            of_start
                .into_iter()
                .map(|said| format!("At the end of {eve}: {said}")),
        );
        basis
            .assumptions
            .extend(rates_of_end(end, &found, membership));
        if start.is_before_all() && !end.is_before_all() {
            basis.assumptions.push(format!(
                "No opportunity was on record at the end of {eve}: what follows starts from nothing known."
            ));
        }
        let mut all = warnings::of_filter(&understood);
        all.extend(warnings::no_rate(
            &without_rate(end, &found, membership),
            end,
        ));
        Ok(Answer {
            start: standing(eve.to_string(), found.start, currency),
            end: standing(period.end.to_string(), found.end, currency),
            net: Amount {
                minor: found.end.value - found.start.value,
                currency,
            },
            truncated: buckets
                .iter()
                .any(|bucket| bucket.count > bucket.deals.len() as u64),
            buckets,
            window: ends.window.as_ref().map(Into::into),
            week_over_week: Lately::of(portfolio, filter, asked.today).shown(portfolio),
            warnings: all,
            basis,
        })
    }

    fn behind(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Behind> {
        let filter = filters.resolve(asked.portfolio)?.filter;
        let ends = Ends::of(asked, &query)?;
        let (start, end) = ends.priced(asked.portfolio);
        let membership = ends.membership(&filter);
        let found = Waterfall::between(&start, ends.since, &end, membership);
        Ok(behind::changes(&found, &start, &end, membership))
    }

    fn text(answer: &Answer) -> String {
        let due = answer.window.as_ref().map_or(String::new(), |window| {
            format!(" due in {}", cell(&window.label))
        });
        let mut text = format!(
            "Open pipeline{due}: {}, {} at the end of {}; {}, {} at the end of {} (net {}).",
            warnings::deals(answer.start.count),
            answer.start.value,
            answer.start.date,
            warnings::deals(answer.end.count),
            answer.end.value,
            answer.end.date,
            answer.net
        );
        for bucket in &answer.buckets {
            let sign = if bucket.adds { "+" } else { "−" };
            let closed = bucket
                .closed_value
                .map(|value| format!(", closed at {value}"))
                .unwrap_or_default();
            let named: Vec<String> = bucket
                .deals
                .iter()
                .map(|deal| format!("{} {} {}", deal.id, cell(&deal.customer_name), deal.value))
                .collect();
            let more = if bucket.count > named.len() as u64 {
                " …"
            } else {
                ""
            };
            text.push_str(&format!(
                "\n{sign} {} {}: {}{closed} ({}{more})",
                bucket.count,
                bucket.bucket.replace('_', " "),
                bucket.value,
                named.join("; ")
            ));
        }
        text.push_str(&format!("\n{}", answer.week_over_week.text()));
        text.push_str(&tail(&answer.basis, &answer.warnings));
        text
    }
}

/// The days compared: a period that still runs ends today.
fn period_of(asked: &Asked<'_>, query: &Query, assumptions: &mut Vec<String>) -> Result<Period> {
    let calendar = &asked.portfolio.settings().calendar;
    let date = |words: &str| periods::date(words, calendar, asked.today, Direction::Back);
    if query.from.is_none() && query.to.is_some() {
        return Err(
            Refusal::new(Code::InvalidArgument, "'to' is given without 'from'.")
                .hint("Give the first day too, or a period."),
        );
    }
    let mut period = match (&query.from, &query.period) {
        (Some(_), Some(_)) => {
            let message = "'from' and 'period' both say when.";
            return Err(Refusal::new(Code::InvalidArgument, message).hint("Give one of them."));
        }
        (Some(from), None) => {
            let start = date(from)?;
            let end = query.to.as_deref().map_or(Ok(asked.today), date)?;
            Period::new(start, end, format!("{start}..{end}"))
        }
        (None, words) => {
            let words = words.as_deref().unwrap_or("this week");
            let reading = periods::period(words, calendar, asked.today, Direction::Back)?;
            reading.whole.unwrap_or(reading.period)
        }
    };
    if period.start > asked.today || period.start > period.end {
        let (start, end) = (period.start, period.end);
        let message = format!("{start} to {end} has not begun, or ends before it begins.");
        return Err(
            Refusal::new(Code::ImpossibleDate, message).hint(format!("Today is {}.", asked.today))
        );
    }
    if period.end > asked.today {
        assumptions.push(format!(
            "{} runs until {}; the end compared is today's.",
            period.label, period.end
        ));
        period.end = asked.today;
    }
    Ok(period)
}

/// The deals that are counted and in no sum: those that moved, and those that stayed.
fn without_rate(end: &Portfolio, found: &Waterfall, membership: Membership<'_>) -> Vec<u32> {
    if !end.has_other_currencies() {
        return Vec::new();
    }
    let parts = Bucket::ALL.iter().flat_map(|bucket| found.parts(*bucket));
    let moved = parts.filter(|part| part.foreign).map(|part| part.deal);
    let open = end
        .open()
        .filter(|deal| deal.foreign && membership.takes(deal, end));
    let mut deals: Vec<u32> = open.map(|deal| deal.number).chain(moved).collect();
    deals.sort_unstable();
    deals.dedup();
    deals
}

/// The rates of the end, by which both ends are converted, as far as they were used.
fn rates_of_end(end: &Portfolio, found: &Waterfall, membership: Membership<'_>) -> Vec<String> {
    if !end.has_other_currencies() {
        return Vec::new();
    }
    let moved = Bucket::ALL
        .iter()
        .flat_map(|bucket| found.parts(*bucket))
        .filter_map(|part| end.deal(part.deal))
        .map(|found| found.deal);
    let open = end.open().filter(|deal| membership.takes(deal, end));
    let took_part: Vec<_> = moved.chain(open).collect();
    let sentences = converted::assumptions(end, &took_part).into_iter();
    sentences
        .map(|said| format!("At both ends {said}"))
        .collect()
}

fn standing(date: String, end: End, currency: Currency) -> Standing {
    Standing {
        date,
        count: end.count,
        value: Amount {
            minor: end.value,
            currency,
        },
    }
}

fn show(bucket: Bucket, parts: &[Part], limit: usize, end: &Portfolio) -> BucketShown {
    let currency = end.settings().currency;
    let amount = |minor| Amount { minor, currency };
    let closed = (bucket == Bucket::Won).then(|| {
        let closed = parts.iter().filter_map(|part| part.closed_value);
        amount(closed.sum())
    });
    let deals = parts.iter().take(limit).filter_map(|part| {
        let found = end.deal(part.deal)?;
        Some(Deal {
            id: clean(end.text(found.detail.id), 200),
            customer_name: clean(end.customer_name(found.deal.customer), 200),
            name: clean(end.text(found.detail.name), 200),
            value: amount(part.value),
            closed_value: part.closed_value.map(amount),
        })
    });
    BucketShown {
        bucket: bucket.word(),
        adds: bucket.adds(),
        count: parts.len() as u64,
        value: amount(parts.iter().map(|part| part.value).sum()),
        closed_value: closed,
        deals: deals.collect(),
    }
}

/// The two days compared.
struct Ends {
    period: Period,
    window: Option<Period>,
    /// The day before the period, whose end is the start.
    eve: NaiveDate,
    since: Millis,
    start: Portfolio,
    /// The end, when it lies in the past.
    ended: Option<Portfolio>,
    assumptions: Vec<String>,
}

impl Ends {
    fn of(asked: &Asked<'_>, query: &Query) -> Result<Ends> {
        let (portfolio, calendar) = (asked.portfolio, &asked.portfolio.settings().calendar);
        let mut assumptions = Vec::new();
        let period = period_of(asked, query, &mut assumptions)?;
        let read = |words: &str| periods::period(words, calendar, asked.today, Direction::Forward);
        let window = query.window.as_deref().map(read).transpose()?;
        let eve = add_days(period.start, -1);
        let since = calendar.end_of(eve);
        let at = |instant| portfolio.at(&Cut::at(instant));
        Ok(Ends {
            window: window.map(|reading| reading.whole.unwrap_or(reading.period)),
            eve,
            since,
            start: at(since),
            ended: (period.end < asked.today).then(|| at(calendar.end_of(period.end))),
            period,
            assumptions,
        })
    }

    /// The start and the end, both converted by the rates of the end.
    fn priced<'a>(&'a self, now: &'a Portfolio) -> (Cow<'a, Portfolio>, Cow<'a, Portfolio>) {
        let end = self.ended.as_ref().unwrap_or(now);
        let priced = |one| Waterfall::priced(one, end);
        (priced(&self.start), priced(end))
    }

    fn membership<'a>(&self, filter: &'a Filter) -> Membership<'a> {
        Membership {
            filter,
            window: self.window.as_ref().map(Span::of),
        }
    }
}
