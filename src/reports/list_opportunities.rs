//! "Show me opportunities closing this month." Which deals, a page at a time, with exact totals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::customers::{self, CustomerRow};
use super::parts::rows::{Sort, Totals, page, table};
use super::parts::search::Search;
use super::parts::tail::tail;
use super::parts::warnings;
use super::{Asked, Report};
use crate::domain::change::{Day, NO_DAY};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::filter::{Filter, Tally, Test, is_overdue};
use crate::domain::period::Period;
use crate::domain::progress::Progress;
use crate::domain::stage::{CLOSED_BITS, OPEN_BITS};
use crate::domain::texts::NONE;
use crate::language::arguments::Words;
use crate::language::basis::{Basis, Warning};
use crate::language::clean;
use crate::language::filters::FilterWords;
use crate::language::opportunity::{Form, Opportunity};
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct ListOpportunities;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Period of expected close (open deals): "this month"
    #[serde(default)]
    #[schemars(with = "String")]
    closing: Option<String>,
    /// Period of actual close (closed deals)
    #[serde(default)]
    #[schemars(with = "String")]
    closed: Option<String>,
    /// Period of identified date
    #[serde(default)]
    #[schemars(with = "String")]
    identified: Option<String>,
    /// Any of overdue, stale, undated, unassigned, no_owner
    #[serde(default)]
    #[schemars(with = "Words")]
    attention: Option<Words>,
    /// In deal, customer or product names
    #[serde(default)]
    #[schemars(with = "String")]
    search: Option<String>,
    /// At least
    #[serde(default)]
    #[schemars(with = "u16")]
    min_days_in_stage: Option<u16>,
    /// At least
    #[serde(default)]
    #[schemars(with = "u16")]
    min_age_days: Option<u16>,
    /// opportunity (default) or customer: one row each
    #[serde(default)]
    #[schemars(with = "String")]
    by: Option<String>,
    /// value, weighted_value, probability, expected_close, actual_close, identified_date, stage, days_in_stage, customer, name; "-" in front: descending; default -value
    #[serde(default)]
    #[schemars(with = "String")]
    sort: Option<String>,
    /// 1 to 200, default 20
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = 200))]
    limit: Option<u16>,
    /// next_cursor of the page before
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
    /// details: every field
    #[serde(default)]
    #[schemars(with = "Words")]
    include: Option<Words>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    #[serde(flatten)]
    totals: Totals,
    /// This page
    opportunities: Vec<Opportunity>,
    /// With by: customer
    #[serde(skip_serializing_if = "Option::is_none")]
    by_customer: Option<Vec<CustomerRow>>,
    /// More rows than shown
    truncated: bool,
    next_cursor: Option<String>,
    warnings: Vec<Warning>,
    basis: Basis,
}

impl Report for ListOpportunities {
    const NAME: &'static str = "list_opportunities";
    const TITLE: &'static str = "List of opportunities";
    const DESCRIPTION: &'static str = "Which opportunities (or customers, with by: customer), with exact totals over \
        all matches. Open ones unless stage or closed says otherwise. Use for \"Show me opportunities closing this \
        month\", \"Which accounts have expansion opportunities?\".";
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, filters: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let understood = filters.resolve(portfolio)?;
        let asks = Asks::read(asked, &query)?;
        let by_customer = match &query.by {
            Some(word) => pick(
                "kind of row",
                word,
                &[("opportunity", false), ("customer", true)],
            )?,
            None => false,
        };
        let form = match &query.include {
            Some(words) => {
                for word in &words.0 {
                    pick("part to include", word, &[("details", ())])?;
                }
                if words.0.is_empty() {
                    Form::Short
                } else {
                    Form::Full
                }
            }
            None => Form::Short,
        };
        let limit = match query.limit {
            None => 20,
            Some(limit @ 1..=200) => usize::from(limit),
            Some(limit) => {
                return Err(
                    Refusal::new(Code::InvalidArgument, format!("limit is {limit}."))
                        .hint("Give a limit from 1 to 200; the cursor brings the rest."),
                );
            }
        };
        let sort = Sort::read(query.sort.as_deref())?;
        let mut filter = understood.filter.clone();
        asks.check_stages(filter.stages_left())?;
        if filter.stages().is_none() {
            filter.only.push(Test::Stage(asks.stages));
        }
        let deals = asks.select(asked, &filter);
        let totals = Totals::of(&deals, portfolio);
        let cursor = query.cursor.as_deref();
        let (rows, customers, next_cursor) = if by_customer {
            if query.include.is_some() {
                return Err(Refusal::new(
                    Code::InvalidArgument,
                    "'include' does not go with by: customer.",
                )
                .hint("Leave one of them out."));
            }
            let all = customers::rows(asked, &deals, sort)?;
            let (page, next) = customers::page(all, limit, cursor, asked)?;
            (Vec::new(), Some(page), next)
        } else {
            let page = page(asked, &deals, sort, form, limit, cursor)?;
            (page.rows, None, page.next_cursor)
        };
        let mut basis = asked.basis(
            &understood,
            &["value: estimate while open or lost, closed value once won"],
            totals.total,
        );
        basis.filters.extend(asks.said);
        basis.period = asks.period.as_ref().map(Into::into);
        let mut all = warnings::of_filter(&understood);
        all.extend(warnings::no_rate(&totals.foreign, portfolio));
        if asks.closing.is_some() {
            let mut undated = Tally::default();
            let open = portfolio
                .due(NO_DAY, NO_DAY)
                .filter(|deal| filter.matches(deal, portfolio));
            open.for_each(|deal| undated.add(deal, portfolio));
            let what = "have no expected close and are not listed.";
            all.extend(warnings::about(
                "undated",
                &undated,
                portfolio.settings().currency,
                what,
            ));
        }
        Ok(Answer {
            truncated: next_cursor.is_some(),
            totals,
            opportunities: rows,
            by_customer: customers,
            next_cursor,
            warnings: all,
            basis,
        })
    }

    fn text(answer: &Answer) -> String {
        let totals = &answer.totals;
        let mut text = format!(
            "{} opportunities of {} customers.",
            totals.total, totals.customers
        );
        if totals.open.count > 0 {
            text.push_str(&format!(
                " Open: {}, {} (weighted {}).",
                totals.open.count, totals.open.value, totals.open.weighted
            ));
        }
        if totals.won_count > 0 {
            text.push_str(&format!(
                " Won: {}, {}.",
                totals.won_count, totals.won_value
            ));
        }
        if totals.lost_count > 0 {
            text.push_str(&format!(
                " Lost: {}, {}.",
                totals.lost_count, totals.lost_value
            ));
        }
        if let Some(period) = &answer.basis.period {
            text.push_str(&format!(" Period {} to {}.", period.start, period.end));
        }
        if let Some(rows) = &answer.by_customer {
            text.push_str(&customers::table(rows));
        } else if !answer.opportunities.is_empty() {
            text.push_str(&table(&answer.opportunities));
        }
        if answer.truncated {
            let shown = answer
                .by_customer
                .as_ref()
                .map_or(answer.opportunities.len(), Vec::len);
            text.push_str(&format!(
                "\nShown: {shown}; the rest with cursor {}.",
                answer.next_cursor.as_deref().unwrap_or("")
            ));
        }
        text.push_str(&tail(&answer.basis, &answer.warnings));
        text
    }
}

/// What a deal must meet beside the filter.
struct Asks {
    closing: Option<(Day, Day)>,
    closed: Option<(Day, Day)>,
    identified: Option<(Day, Day)>,
    attention: Vec<Attention>,
    search: Option<Search>,
    min_days_in_stage: Option<i32>,
    min_age: Option<i32>,
    stages: u8,
    period: Option<Period>,
    said: Vec<String>,
    progress: Option<Progress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attention {
    Overdue,
    Stale,
    Undated,
    Unassigned,
    NoOwner,
}

const ATTENTION: [(&str, Attention); 5] = [
    ("overdue", Attention::Overdue),
    ("stale", Attention::Stale),
    ("undated", Attention::Undated),
    ("unassigned", Attention::Unassigned),
    ("no_owner", Attention::NoOwner),
];

impl Asks {
    fn read(asked: &Asked<'_>, query: &Query) -> Result<Asks> {
        let calendar = &asked.portfolio.settings().calendar;
        let mut said = Vec::new();
        let mut shown = None;
        let mut period =
            |name: &str, words: &Option<String>, direction| -> Result<Option<(Day, Day)>> {
                let Some(words) = words else { return Ok(None) };
                let period = periods::period(words, calendar, asked.today, direction)?.period;
                said.push(format!(
                    "{name} {} ({} to {})",
                    period.label, period.start, period.end
                ));
                let days = (day(period.start), day(period.end));
                shown = Some(period);
                Ok(Some(days))
            };
        let identified = period("identified", &query.identified, Direction::Back)?;
        let closed = period("closed", &query.closed, Direction::Back)?;
        let closing = period("closing", &query.closing, Direction::Forward)?;
        if closing.is_some() && closed.is_some() {
            return Err(Refusal::new(
                Code::InvalidArgument,
                "'closing' asks for open deals and 'closed' for closed ones.",
            )
            .hint("Give one of them."));
        }
        let attention: Vec<Attention> = query
            .attention
            .iter()
            .flat_map(|words| &words.0)
            .map(|word| pick("attention", word, &ATTENTION))
            .collect::<Result<_>>()?;
        for wanted in &attention {
            let name = ATTENTION
                .iter()
                .find(|(_, known)| known == wanted)
                .map_or("", |(name, _)| name);
            said.push(format!("attention: {name}"));
        }
        let search = query.search.as_deref().map(Search::read).transpose()?;
        if let Some(words) = &query.search {
            said.push(format!("search: {}", clean(words.trim(), 60)));
        }
        if let Some(days) = query.min_days_in_stage {
            said.push(format!("at least {days} days in stage"));
        }
        if let Some(days) = query.min_age_days {
            said.push(format!("at least {days} days old"));
        }
        let stale = attention.contains(&Attention::Stale);
        Ok(Asks {
            closing,
            closed,
            identified,
            progress: stale.then(|| Progress::of(asked.portfolio, &Filter::default())),
            attention,
            search,
            min_days_in_stage: query.min_days_in_stage.map(i32::from),
            min_age: query.min_age_days.map(i32::from),
            stages: if closed.is_some() {
                CLOSED_BITS
            } else {
                OPEN_BITS
            },
            period: shown,
            said,
        })
    }

    /// Refuses a period of the one kind of deals together with stages of the other kind only.
    fn check_stages(&self, left: u8) -> Result<()> {
        let (given, of, wanted, instead) = match (self.closing, self.closed) {
            (Some(_), _) => ("closing", "open", OPEN_BITS, "closed"),
            (_, Some(_)) => ("closed", "closed", CLOSED_BITS, "closing"),
            _ => return Ok(()),
        };
        if left & wanted != 0 {
            return Ok(());
        }
        Err(Refusal::new(
            Code::InvalidArgument,
            format!("'{given}' asks for {of} deals, and the stages leave none of those."),
        )
        .hint(format!(
            "For these stages give '{instead}' instead of '{given}'."
        )))
    }

    /// The deals that meet everything.
    fn select<'a>(&self, asked: &'a Asked<'_>, filter: &'a Filter) -> Vec<&'a Deal> {
        let portfolio = asked.portfolio;
        let stages = filter.stages().unwrap_or(OPEN_BITS | CLOSED_BITS);
        let meets = |deal: &&Deal| filter.matches(deal, portfolio) && self.meets(deal, asked);
        if let Some(customers) = filter.customers() {
            return portfolio
                .deals_of_all(customers.numbers())
                .filter(meets)
                .collect();
        }
        let open = if stages & OPEN_BITS != 0 {
            self.closing.unwrap_or((Day::MIN, Day::MAX))
        } else {
            (1, 0)
        };
        let closed = if stages & CLOSED_BITS != 0 && self.closing.is_none() {
            self.closed.unwrap_or((Day::MIN, Day::MAX))
        } else {
            (1, 0)
        };
        portfolio
            .due(open.0, open.1)
            .chain(portfolio.closed(closed.0, closed.1))
            .filter(meets)
            .collect()
    }

    fn meets(&self, deal: &Deal, asked: &Asked<'_>) -> bool {
        let today = asked.day();
        let within = |span: (Day, Day), day: Day| day != NO_DAY && span.0 <= day && day <= span.1;
        self.closing
            .is_none_or(|span| deal.is_open() && within(span, deal.close))
            && self
                .closed
                .is_none_or(|span| !deal.is_open() && within(span, deal.close))
            && self
                .identified
                .is_none_or(|span| within(span, deal.identified))
            && self
                .min_days_in_stage
                .is_none_or(|least| deal.days_in_stage(today).is_some_and(|days| days >= least))
            && self
                .min_age
                .is_none_or(|least| deal.age(today).is_some_and(|days| days >= least))
            && (self.attention.is_empty()
                || self
                    .attention
                    .iter()
                    .any(|wanted| self.needs(deal, *wanted, today)))
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.finds(deal, asked.portfolio))
    }

    fn needs(&self, deal: &Deal, wanted: Attention, today: Day) -> bool {
        match wanted {
            Attention::Overdue => is_overdue(deal, today),
            Attention::Stale => self
                .progress
                .as_ref()
                .is_some_and(|progress| progress.is_stale(deal, today)),
            Attention::Undated => deal.is_open() && deal.close == NO_DAY,
            Attention::Unassigned => deal.customer == NONE,
            Attention::NoOwner => deal.csm == NONE && deal.sales_rep == NONE,
        }
    }
}
