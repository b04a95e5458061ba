//! Sets the target of a period for the organisation, a CSM, a type, or a CSM's type; kept by month
//! (DEFINITIONS section 5, "target").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reading::person;
use super::{Action, Commanded};
use crate::domain::change::{Subject, field};
use crate::domain::days::day;
use crate::domain::draft::{Author, Draft, Planned};
use crate::domain::reference::TargetKey;
use crate::domain::role::Role;
use crate::domain::stage::ExpansionType;
use crate::domain::texts::NONE;
use crate::language::arguments::AmountWords;
use crate::language::clean;
use crate::language::figures::{Amount, or_dash};
use crate::language::periods::{self, Direction};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The action.
pub struct SetTarget;

/// The command.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Command {
    /// Whole months: "Q2", "2026-05", "FY27"; default this fiscal quarter
    #[serde(default)]
    #[schemars(with = "String")]
    period: Option<String>,
    /// Of the whole period
    amount: AmountWords,
    #[serde(default)]
    #[schemars(with = "String", description = "For this CSM only")]
    csm: Option<String>,
    #[serde(default, rename = "type")]
    #[schemars(with = "String", description = "For this type only")]
    kind: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Why")]
    reason: Option<String>,
}

/// The target of one month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MonthTarget {
    month: String,
    before: Option<Amount>,
    after: Amount,
}

/// What the command came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// False when it was so already
    changed: bool,
    dry_run: bool,
    period: String,
    /// Whose: organisation, a CSM, a type
    scope: String,
    months: Vec<MonthTarget>,
    /// Null unless every month had one
    before: Option<Amount>,
    after: Amount,
    notes: Vec<String>,
    /// Log position of it; null when nothing was written
    position: Option<u32>,
}

/// The longest period a target may be set for, in months.
const LONGEST: usize = 60;

impl Action for SetTarget {
    const NAME: &'static str = "set_target";
    const TITLE: &'static str = "Set a target";
    const DESCRIPTION: &'static str = "Sets the target of a period, for the organisation or one CSM or type; a quarter is \
        kept as its months. Use for \"Set the Q2 target to 900k\". To try a target on a forecast use its assume_target.";
    const IDEMPOTENT: bool = true;
    const ROLES: &'static [Role] = &[];
    type Command = Command;
    type Outcome = Outcome;

    fn plan(commanded: &Commanded<'_>, command: Command) -> Result<(Planned, Outcome)> {
        let portfolio = commanded.portfolio;
        let settings = portfolio.settings();
        let words = command.period.as_deref().unwrap_or("this quarter");
        let reading = periods::period(
            words,
            &settings.calendar,
            commanded.today,
            Direction::Forward,
        )?;
        let period = reading.whole.unwrap_or(reading.period);
        let months = period.months();
        if !period.is_whole_months() || months.len() > LONGEST {
            let (start, end) = (period.start, period.end);
            let message =
                format!("{start} to {end} is not a period of 1 to {LONGEST} whole months.");
            return Err(Refusal::new(Code::InvalidArgument, message)
                .hint("Targets are kept by month: give a month, a quarter or a year."));
        }
        let amount = command.amount.minor("amount", settings.currency)?;
        let mut notes = Vec::new();
        let csm = command.csm.as_deref().map_or(Ok(NONE), |words| {
            person("CSM", words, None, portfolio, &mut notes)
        })?;
        let kind = command
            .kind
            .as_deref()
            .map(|word| pick("type", word, &ExpansionType::WORDS))
            .transpose()?;
        let author = Author {
            reason: command.reason.clone().unwrap_or_default(),
            ..commanded.author.clone()
        };
        let mut draft = Draft::new(portfolio, &author);
        let shown = |minor| Amount {
            minor,
            currency: settings.currency,
        };
        let mut rows = Vec::new();
        let mut changed = false;
        for (month, share) in months.iter().zip(split(amount, months.len())) {
            let key = TargetKey {
                month: day(*month),
                csm,
                kind: kind.map_or(u8::MAX, ExpansionType::code),
            };
            let before = portfolio.reference().targets.get(&key).copied();
            let subject = Subject::Target(draft.text(&key.text()));
            draft.says(subject, field::VALUE, share);
            if before != Some(share) {
                draft.set(subject, field::VALUE, author.now, share);
                changed = true;
            }
            rows.push(MonthTarget {
                month: month.format("%Y-%m").to_string(),
                before: before.map(shown),
                after: shown(share),
            });
        }
        if !changed {
            notes.push("It is so already; nothing changes.".to_owned());
        }
        let before: Option<i64> = rows.iter().map(|row| Some(row.before?.minor)).sum();
        let name = (csm != NONE).then(|| clean(portfolio.person_name(csm), 60));
        let planned = draft.finish();
        let outcome = Outcome {
            changed,
            dry_run: commanded.dry_run,
            period: period.label.clone(),
            scope: scope(name, kind),
            months: rows,
            before: before.map(shown),
            after: shown(amount),
            notes,
            position: commanded.written(&planned),
        };
        Ok((planned, outcome))
    }

    fn notes(outcome: &Outcome) -> &[String] {
        &outcome.notes
    }

    fn text(outcome: &Outcome) -> String {
        let did = match (outcome.changed, outcome.dry_run) {
            (false, _) => "Unchanged",
            (true, false) => "Set",
            (true, true) => "Would set (nothing written)",
        };
        let mut text = format!(
            "{did}: target of {} for {}, {} → {}.",
            outcome.period,
            outcome.scope,
            or_dash(outcome.before),
            outcome.after
        );
        if outcome.months.len() > 1 {
            let months: Vec<String> = outcome
                .months
                .iter()
                .map(|row| format!("{} {}", row.month, row.after))
                .collect();
            text.push_str(&format!("\nBy month: {}.", months.join(", ")));
        }
        for note in &outcome.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}

fn scope(csm: Option<String>, kind: Option<ExpansionType>) -> String {
    match (csm, kind) {
        (None, None) => "the organisation".to_owned(),
        (Some(csm), None) => csm,
        (None, Some(kind)) => kind.word().to_owned(),
        (Some(csm), Some(kind)) => format!("{csm}, {}", kind.word()),
    }
}

/// An amount in equal shares; what is left over goes to the last.
fn split(amount: i64, shares: usize) -> Vec<i64> {
    let count = i64::try_from(shares).unwrap_or(1).max(1);
    let share = amount / count;
    let mut split = vec![share; shares];
    if let Some(last) = split.last_mut() {
        *last += amount - share * count;
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_goes_to_the_last_month() {
        assert_eq!(split(100_000, 3), [33_333, 33_333, 33_334]);
        assert_eq!(split(0, 2), [0, 0]);
    }
}
