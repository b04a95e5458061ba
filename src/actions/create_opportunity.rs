//! Puts an opportunity on record, or lets its signal join the open one it belongs to
//! (DEFINITIONS section 8, "Automatic creation from signals").

mod asked;
mod evidence;
mod record;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::asked::Asked;
use self::record::put_on_record;
use super::parts::doubts;
use super::parts::effect::Effect;
use super::reading::{person, short};
use super::{Action, Commanded};
use crate::domain::change::{Subject, field};
use crate::domain::draft::{Draft, Planned};
use crate::domain::portfolio::Portfolio;
use crate::domain::role;
use crate::domain::texts::NONE;
use crate::language::arguments::AmountWords;
use crate::language::clean;
use crate::language::names::{How, Match};
use crate::language::opportunity::{Form, Opportunity, label, show};
use crate::language::records::{Role, ambiguous, find_customer, only};
use crate::refusal::{Code, Refusal, Result};

/// The action.
pub struct CreateOpportunity;

/// The command.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Command {
    /// Name or id
    customer: String,
    /// Create the customer when unknown
    #[serde(default)]
    #[schemars(with = "bool")]
    new_customer: Option<bool>,
    /// What is sold
    name: String,
    /// upsell, cross_sell, add_on, seat_expansion, tier_upgrade
    #[serde(rename = "type")]
    kind: String,
    /// Annual value
    estimated_value: AmountWords,
    /// Date, or a month or quarter (its end)
    expected_close: String,
    /// Default today
    #[serde(default)]
    #[schemars(with = "String")]
    identified_date: Option<String>,
    /// Open stage; default identified
    #[serde(default)]
    #[schemars(with = "String")]
    stage: Option<String>,
    /// Default the customer's
    #[serde(default)]
    #[schemars(with = "String")]
    csm: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Name or id")]
    sales_rep: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "At the customer")]
    champion: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Product line")]
    product_line: Option<String>,
    /// How it was found; default the signal's kind
    #[serde(default)]
    #[schemars(with = "String")]
    source: Option<String>,
    /// What led to it; joins an open deal of the same customer, type and product line
    #[serde(default)]
    #[schemars(with = "SignalWords")]
    signal: Option<SignalWords>,
    #[serde(default)]
    #[schemars(with = "String", description = "Use case")]
    use_case: Option<String>,
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = 600), description = "Contract term")]
    term_months: Option<u16>,
    /// 0 to 1; default the stage's
    #[serde(default)]
    #[schemars(with = "AmountWords", range(max = 1))]
    probability: Option<AmountWords>,
    /// pipeline, best_case, commit, omitted; default the stage's
    #[serde(default)]
    #[schemars(with = "String")]
    forecast_category: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Free text")]
    notes: Option<String>,
    /// Write it though it looks wrong
    #[serde(default)]
    #[schemars(with = "bool")]
    confirm: Option<bool>,
    /// The same key again returns the first answer
    #[serde(default)]
    #[schemars(with = "String")]
    #[expect(
        dead_code,
        reason = "the engine reads it from the arguments, for every tool alike"
    )]
    idempotency_key: Option<String>,
}

/// A signal in a caller's words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalWords {
    /// usage, seats, qbr, support, nps …; not needed with the id of one on record
    #[serde(default)]
    #[schemars(with = "String")]
    kind: Option<String>,
    /// Its id; the rest follows when it is on record
    #[serde(default)]
    #[schemars(with = "String")]
    id: Option<String>,
    /// Default today
    #[serde(default)]
    #[schemars(with = "String")]
    detected_at: Option<String>,
    /// What it rests on
    #[serde(default)]
    #[schemars(with = "String")]
    evidence: Option<String>,
}

/// What the command came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// False when the signal joined an open deal
    created: bool,
    dry_run: bool,
    opportunity: Opportunity,
    effect: Option<Effect>,
    /// Assumed or worth a look
    notes: Vec<String>,
    /// Log position of it; null when nothing was written
    position: Option<u32>,
}

impl Action for CreateOpportunity {
    const NAME: &'static str = "create_opportunity";
    const TITLE: &'static str = "Create an opportunity";
    const DESCRIPTION: &'static str = "Puts one expansion opportunity on record; with signal it joins an open one of \
        the same kind instead of doubling it. Use for \"Acme wants 50 more seats, 45k, closing end of March\". To move one \
        use update_stage.";
    const IDEMPOTENT: bool = false;
    const ROLES: &'static [role::Role] = &[role::Role::Expansion];
    type Command = Command;
    type Outcome = Outcome;

    fn plan(commanded: &Commanded<'_>, command: Command) -> Result<(Planned, Outcome)> {
        let portfolio = commanded.portfolio;
        let mut notes = Vec::new();
        let asked = Asked::read(commanded, &command, &mut notes)?;
        let mut draft = Draft::new(portfolio, commanded.author);
        let (customer, is_new) = customer_of(commanded, &command, &mut draft, &mut notes)?;
        let same = if is_new {
            None
        } else {
            same_open_deal(&asked, customer, portfolio)
        };
        let (number, created) = match (same, &asked.signal) {
            (Some(number), Some(signal)) => {
                notes.push(format!(
                    "The signal joins {}; nothing else of it changes.",
                    label(number, portfolio)
                ));
                signal.attach(number, customer, commanded, &mut draft, &mut notes)?;
                (number, false)
            }
            (same, signal) => {
                if let Some(same) = same {
                    notes.push(format!(
                        "An open deal of the same customer, type and product line exists: {}.",
                        label(same, portfolio)
                    ));
                }
                let csm = csm_of(commanded, &command, customer, is_new, &mut notes)?;
                let number = put_on_record(commanded, &command, &asked, customer, csm, &mut draft)?;
                if let Some(signal) = signal {
                    signal.attach(number, customer, commanded, &mut draft, &mut notes)?;
                }
                (number, true)
            }
        };
        let planned = draft.finish();
        let found = planned
            .after
            .deal(number)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "The opportunity is not on record."))?;
        let before = portfolio.deal(number).map(|found| found.deal);
        if created {
            let on = doubts::of_expected_close(asked.expected_close, commanded.today);
            let value = doubts::of_value(number, portfolio, &planned.after);
            let doubts = on.into_iter().chain(value).collect();
            doubts::settle(commanded, command.confirm, doubts, &mut notes)?;
        }
        let outcome = Outcome {
            created,
            dry_run: commanded.dry_run,
            opportunity: show(found, &planned.after, commanded.day(), Form::Full),
            effect: Effect::of(commanded, before, found.deal, &planned.after),
            notes,
            position: commanded.written(&planned),
        };
        Ok((planned, outcome))
    }

    fn notes(outcome: &Outcome) -> &[String] {
        &outcome.notes
    }

    fn text(outcome: &Outcome) -> String {
        let deal = &outcome.opportunity;
        let did = match (outcome.created, outcome.dry_run) {
            (true, false) => "Created",
            (true, true) => "Would create (nothing written)",
            (false, false) => "Joined",
            (false, true) => "Would join (nothing written)",
        };
        let mut text = format!(
            "{did} {}: {}, {} {} in {}, due {}, CSM {}.",
            deal.id,
            deal.customer(),
            crate::language::figures::or_dash(deal.estimated_value),
            deal.kind,
            deal.stage,
            deal.close(),
            deal.csm()
        );
        if let Some(effect) = outcome.effect.as_ref().filter(|_| outcome.created) {
            text.push_str(&format!("\n{}", effect.text()));
        }
        for note in &outcome.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}

/// The customer, and whether it is new with this command.
fn customer_of(
    commanded: &Commanded<'_>,
    command: &Command,
    draft: &mut Draft,
    notes: &mut Vec<String>,
) -> Result<(u32, bool)> {
    let words = short("customer", &command.customer)?;
    let may_create = command.new_customer == Some(true);
    let found = find_customer(&words, commanded.portfolio);
    match &found.matched {
        Match::One(number, How::Id | How::Exact) => return Ok((*number, false)),
        // Several that are called exactly this would only get another double.
        Match::Several(numbers, How::Id | How::Exact) => {
            return Err(ambiguous("customer", &words, found.names, numbers.len()));
        }
        matched if !may_create => {
            let is_unknown = matches!(matched, Match::None { .. });
            return match only("customer", &words, found, notes) {
                Err(refusal) if is_unknown => {
                    let hint = format!("{} To create it, add new_customer: true.", refusal.hint);
                    Err(refusal.hint(hint))
                }
                found => found.map(|number| (number, false)),
            };
        }
        _ => {}
    }
    let number = draft.new_customer();
    let now = commanded.author.now;
    let id = draft.text(&format!("CUST-{}", draft.next_position()));
    let name = draft.text(&words);
    draft.set_number(Subject::Customer(number), field::ID, now, id);
    draft.set_number(Subject::Customer(number), field::NAME, now, name);
    notes.push(format!("Created the customer '{}'.", clean(&words, 60)));
    Ok((number, true))
}

fn csm_of(
    commanded: &Commanded<'_>,
    command: &Command,
    customer: u32,
    is_new: bool,
    notes: &mut Vec<String>,
) -> Result<u32> {
    let portfolio = commanded.portfolio;
    match &command.csm {
        Some(words) => person("CSM", words, Some(Role::Csm), portfolio, notes),
        None if is_new => Ok(NONE),
        None => {
            let csm = portfolio.customer(customer).map_or(NONE, |known| known.csm);
            if csm != NONE {
                notes.push(format!(
                    "CSM {}, as the customer's.",
                    clean(portfolio.person_name(csm), 60)
                ));
            }
            Ok(csm)
        }
    }
}

fn same_open_deal(asked: &Asked, customer: u32, portfolio: &Portfolio) -> Option<u32> {
    let line = asked
        .product_line
        .as_deref()
        .map_or(Some(NONE), |line| portfolio.texts().find(line))?;
    portfolio.deals_of(customer).iter().copied().find(|number| {
        portfolio.deal(*number).is_some_and(|found| {
            let deal = found.deal;
            deal.is_open()
                && deal.customer == customer
                && deal.kind == asked.kind
                && deal.product_line == line
        })
    })
}
