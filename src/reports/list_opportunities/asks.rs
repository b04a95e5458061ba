//! What a list asks of a deal beside the filter: periods, ages, attention, words. A deal that lacks the
//! date that is asked about is neither listed nor forgotten: it is counted, and the answer says so.

use super::Query;
use crate::domain::change::{Day, NO_DAY};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::filter::{Filter, Tally, Test, is_overdue};
use crate::domain::period::Period;
use crate::domain::progress::Progress;
use crate::domain::stage::{CLOSED_BITS, OPEN_BITS};
use crate::domain::texts::NONE;
use crate::language::clean;
use crate::language::figures::count_of;
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};
use crate::reports::Asked;
use crate::reports::parts::search::Search;

/// What a deal must meet beside the filter.
pub struct Asks {
    closing: Option<(Day, Day)>,
    closed: Option<(Day, Day)>,
    identified: Option<(Day, Day)>,
    attention: Vec<Attention>,
    search: Option<Search>,
    min_days_in_stage: Option<i32>,
    min_age: Option<i32>,
    stages: u8,
    pub period: Option<Period>,
    pub said: Vec<String>,
    progress: Option<Progress>,
}

/// The deals a question is about.
#[derive(Default)]
pub struct Selected<'a> {
    pub deals: Vec<&'a Deal>,
    /// Those left out for want of each date of [`UNDATED`], by state.
    pub left_out: [[Tally; 3]; 3],
}

/// Whether a deal meets what is asked, from no over what cannot be said, for want of a date, to yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It does not.
    Fails,
    /// It has no expected close.
    NoClose,
    /// It has no identified date.
    NoIdentified,
    /// It has no stage date.
    NoStage,
    /// It does.
    Meets,
}

impl Fit {
    const fn of(meets: bool) -> Fit {
        if meets { Fit::Meets } else { Fit::Fails }
    }
}

/// The dates that a deal may lack, each with the kind of its warning and its name.
pub const UNDATED: [(Fit, &str, &str); 3] = [
    (Fit::NoClose, "undated", "expected close"),
    (Fit::NoIdentified, "unidentified", "identified date"),
    (Fit::NoStage, "undated_stage", "stage date"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attention {
    Overdue,
    Stale,
    Undated,
    Unassigned,
    NoOwner,
    OffNorm,
    OddProbability,
    NoHistory,
}

const ATTENTION: [(&str, Attention); 8] = [
    ("overdue", Attention::Overdue),
    ("stale", Attention::Stale),
    ("undated", Attention::Undated),
    ("unassigned", Attention::Unassigned),
    ("no_owner", Attention::NoOwner),
    ("off_norm", Attention::OffNorm),
    ("odd_probability", Attention::OddProbability),
    ("no_history", Attention::NoHistory),
];

/// The kinds that words name. Any of them is all that an open deal can need: what a closed one lacks
/// needs nobody's attention any more.
fn attention_of(words: &[String]) -> Result<Vec<Attention>> {
    let mut kinds = Vec::new();
    for word in words {
        if ["any", "all"].contains(&word.trim().to_lowercase().as_str()) {
            let all = ATTENTION.iter().map(|(_, kind)| *kind);
            return Ok(all.filter(|kind| *kind != Attention::NoHistory).collect());
        }
        kinds.push(pick("attention", word, &ATTENTION)?);
    }
    Ok(kinds)
}

impl Asks {
    /// Reads the arguments of a question.
    pub fn read(asked: &Asked<'_>, query: &Query) -> Result<Asks> {
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
        let attention = match &query.attention {
            Some(words) => attention_of(&words.0)?,
            None => Vec::new(),
        };
        if !attention.is_empty() {
            let names = ATTENTION.iter().filter(|(_, it)| attention.contains(it));
            let names: Vec<&str> = names.map(|(name, _)| *name).collect();
            said.push(format!("attention: {}", names.join(" or ")));
        }
        let search = query.search.as_deref().map(Search::read).transpose()?;
        if let Some(words) = &query.search {
            said.push(format!("search: {}", clean(words.trim(), 60)));
        }
        if let Some(days) = query.min_days_in_stage {
            said.push(format!(
                "at least {} in stage",
                count_of(days, "day", "days")
            ));
        }
        if let Some(days) = query.min_age_days {
            said.push(format!("at least {} old", count_of(days, "day", "days")));
        }
        let stale = attention.contains(&Attention::Stale);
        Ok(Asks {
            closing,
            closed,
            identified,
            progress: stale.then(|| Progress::of(asked.portfolio, &Filter::default())),
            search,
            min_days_in_stage: query.min_days_in_stage.map(i32::from),
            min_age: query.min_age_days.map(i32::from),
            stages: if closed.is_some() || attention == [Attention::NoHistory] {
                CLOSED_BITS
            } else {
                OPEN_BITS
            },
            attention,
            period: shown,
            said,
        })
    }

    /// A filter with the stages that are meant when it names none; refused when nothing can be left.
    pub fn narrow(&self, filter: &Filter) -> Result<Filter> {
        self.check_stages(filter.stages_left())?;
        let mut filter = filter.clone();
        if filter.stages().is_none() {
            filter.only.push(Test::Stage(self.stages));
        }
        Ok(filter)
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

    /// The deals that meet everything, and those of which that cannot be said for want of a date.
    pub fn select<'a>(&self, asked: &'a Asked<'_>, filter: &'a Filter) -> Selected<'a> {
        let mut selected = Selected::default();
        let portfolio = asked.portfolio;
        let stages = filter.stages().unwrap_or(OPEN_BITS | CLOSED_BITS);
        let mut take = |deal: &'a Deal| match self.fit(deal, asked) {
            Fit::Meets => selected.deals.push(deal),
            Fit::Fails => {}
            date => {
                let of_date = UNDATED.iter().position(|(undated, _, _)| *undated == date);
                let tallies = of_date.and_then(|place| selected.left_out.get_mut(place));
                let of_state = tallies.and_then(|of| of.get_mut(usize::from(deal.state())));
                if let Some(of_state) = of_state {
                    of_state.add(deal, portfolio);
                }
            }
        };
        let matches = |deal: &&Deal| filter.matches(deal, portfolio);
        if let Some(customers) = filter.customers() {
            let deals = portfolio.deals_of_all(customers.numbers());
            deals.filter(matches).for_each(&mut take);
            return selected;
        }
        let nothing = (1, 0);
        let (mut open, mut undated) = (nothing, nothing);
        if stages & OPEN_BITS != 0 {
            open = self.closing.unwrap_or((Day::MIN, Day::MAX));
            if self.closing.is_some() {
                undated = (NO_DAY, NO_DAY);
            }
        }
        let mut closed = nothing;
        if stages & CLOSED_BITS != 0 && self.closing.is_none() {
            closed = self.closed.unwrap_or((Day::MIN, Day::MAX));
        }
        portfolio
            .due(open.0, open.1)
            .chain(portfolio.due(undated.0, undated.1))
            .chain(portfolio.closed(closed.0, closed.1))
            .filter(matches)
            .for_each(&mut take);
        selected
    }

    /// Whether a deal meets everything. What asks for a date that it does not have is neither met nor
    /// failed, unless something else fails.
    fn fit(&self, deal: &Deal, asked: &Asked<'_>) -> Fit {
        let today = asked.day();
        let within = |span: Option<(Day, Day)>, day: Day, date: Fit| match span {
            Some(_) if day == NO_DAY => date,
            Some((from, to)) => Fit::of(from <= day && day <= to),
            None => Fit::Meets,
        };
        let is_open = deal.is_open();
        let days_in_stage = self.min_days_in_stage.map(|least| {
            let days = deal.days_in_stage(today);
            days.map_or(Fit::NoStage, |days| Fit::of(days >= least))
        });
        let age = self.min_age.map(|least| {
            if deal.identified == NO_DAY {
                Fit::NoIdentified
            } else {
                Fit::of(deal.age(today).is_some_and(|days| days >= least))
            }
        });
        let wanted = self.attention.iter();
        let wanted = wanted.map(|wanted| self.needs(deal, *wanted, asked));
        let fits = [
            Fit::of(self.closing.is_none() || is_open),
            Fit::of(self.closed.is_none() || !is_open),
            within(self.closing, deal.close, Fit::NoClose),
            within(self.closed, deal.close, Fit::NoClose),
            within(self.identified, deal.identified, Fit::NoIdentified),
            days_in_stage.unwrap_or(Fit::Meets),
            age.unwrap_or(Fit::Meets),
            wanted.max().unwrap_or(Fit::Meets),
        ];
        let fit = fits.into_iter().min().unwrap_or(Fit::Meets);
        // Names are read last, and only where that still decides.
        match self.search.as_ref().filter(|_| fit != Fit::Fails) {
            Some(search) if !search.finds(deal, asked.portfolio) => Fit::Fails,
            _ => fit,
        }
    }

    fn needs(&self, deal: &Deal, wanted: Attention, asked: &Asked<'_>) -> Fit {
        let (today, portfolio) = (asked.day(), asked.portfolio);
        let undated = |is_undated: bool, date: Fit, needs: bool| {
            if deal.is_open() && is_undated {
                date
            } else {
                Fit::of(needs)
            }
        };
        match wanted {
            Attention::Overdue => {
                let is_undated = deal.close == NO_DAY;
                undated(is_undated, Fit::NoClose, is_overdue(deal, today))
            }
            Attention::Stale => {
                let progress = self.progress.as_ref();
                let is_stale = progress.is_some_and(|progress| progress.is_stale(deal, today));
                let is_undated = deal.days_in_stage(today).is_none();
                undated(is_undated, Fit::NoStage, is_stale)
            }
            Attention::Undated => Fit::of(deal.is_open() && deal.close == NO_DAY),
            Attention::Unassigned => Fit::of(deal.customer == NONE),
            Attention::NoOwner => Fit::of(deal.csm == NONE && deal.sales_rep == NONE),
            Attention::OffNorm => Fit::of(portfolio.norms().is_far(deal)),
            Attention::OddProbability => Fit::of(deal.is_contradicted(portfolio.settings())),
            Attention::NoHistory => Fit::of(!deal.has_history()),
        }
    }
}
