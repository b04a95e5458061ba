//! Edits the fields of an opportunity that are named, and no other: neither its stage nor what follows
//! from it is touched on the side. What each field takes is `editing`'s.

mod editing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::editing::Editing;
use super::parts::doubts;
use super::parts::effect::Effect;
use super::parts::version;
use super::{Action, Commanded};
use crate::domain::change::field;
use crate::domain::draft::{Author, Planned, Said};
use crate::domain::role::Role;
use crate::language::arguments::{AmountWords, Elsewhere, Words};
use crate::language::opportunity::{Form, Opportunity, find, show};
use crate::refusal::{Code, Refusal, Result};

/// The action.
pub struct UpdateOpportunity;

/// The command.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Command {
    /// Id, or a name only one opportunity has
    opportunity: String,
    /// Refuse unless this is its version
    #[serde(default)]
    #[schemars(with = "u32")]
    expected_version: Option<u32>,
    #[serde(default)]
    #[schemars(with = "String", description = "New name")]
    name: Option<String>,
    /// Another type
    #[serde(default, rename = "type")]
    #[schemars(with = "String")]
    kind: Option<String>,
    #[serde(default)]
    #[schemars(with = "AmountWords", description = "Annual, in its own currency")]
    estimated_value: Option<AmountWords>,
    /// Date, or a month or quarter (its end)
    #[serde(default)]
    #[schemars(with = "String")]
    expected_close: Option<String>,
    /// Date
    #[serde(default)]
    #[schemars(with = "String")]
    identified_date: Option<String>,
    /// 0 to 1
    #[serde(default)]
    #[schemars(with = "AmountWords", range(max = 1))]
    probability: Option<AmountWords>,
    /// pipeline, best_case, commit, omitted
    #[serde(default)]
    #[schemars(with = "String")]
    forecast_category: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Name or id")]
    csm: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Name or id")]
    sales_rep: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Name or id")]
    customer: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "At the customer")]
    champion: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Product line")]
    product_line: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "How it was found")]
    source: Option<String>,
    #[serde(default)]
    #[schemars(with = "String", description = "Use case")]
    use_case: Option<String>,
    #[serde(default)]
    #[schemars(with = "u16", description = "Contract term")]
    term_months: Option<u16>,
    #[serde(default)]
    #[schemars(with = "String", description = "Free text, in place of the former")]
    notes: Option<String>,
    /// Of a won deal, corrected
    #[serde(default)]
    #[schemars(with = "AmountWords")]
    closed_value: Option<AmountWords>,
    /// Of a lost deal, corrected
    #[serde(default)]
    #[schemars(with = "String")]
    lost_reason: Option<String>,
    /// Fields to empty; probability and forecast_category then follow the stage
    #[serde(default)]
    #[schemars(with = "Words")]
    clear: Option<Words>,
    #[serde(default)]
    #[schemars(with = "String", description = "Why")]
    reason: Option<String>,
    /// Write it though it looks wrong
    #[serde(default)]
    #[schemars(with = "bool")]
    confirm: Option<bool>,
}

/// One field that changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Edited {
    field: String,
    /// Null when it was empty
    from: Option<String>,
    to: Option<String>,
}

/// What the command came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// False when every field was so already
    changed: bool,
    dry_run: bool,
    edits: Vec<Edited>,
    opportunity: Opportunity,
    effect: Option<Effect>,
    /// In the quarter it leaves
    #[serde(skip_serializing_if = "Option::is_none")]
    effect_left: Option<Effect>,
    notes: Vec<String>,
    /// Log position of it; null when nothing was written
    position: Option<u32>,
}

/// The fields that a researcher finds out about.
const FOUND_OUT: [u32; 4] = [
    field::USE_CASE,
    field::CHAMPION,
    field::NOTES,
    field::EXPECTED_CLOSE,
];

impl Action for UpdateOpportunity {
    const NAME: &'static str = "update_opportunity";
    const TITLE: &'static str = "Edit an opportunity";
    const DESCRIPTION: &'static str = "Edits the named fields of one opportunity, and no other: value, dates, people, \
        probability, category, texts. Use for \"Push Acme's premium tier to April and make it 90k\". To move its stage \
        use update_stage.";
    const IDEMPOTENT: bool = true;
    const ROLES: &'static [Role] = &[Role::Researcher, Role::Expansion];
    const ELSEWHERE: Elsewhere = &[("stage", "To move its stage use update_stage.")];
    type Command = Command;
    type Outcome = Outcome;

    fn plan(commanded: &Commanded<'_>, command: Command) -> Result<(Planned, Outcome)> {
        let portfolio = commanded.portfolio;
        let (number, note) = find(&command.opportunity, portfolio)?;
        let found = portfolio
            .deal(number)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "The opportunity is not on record."))?;
        version::check(command.expected_version, found, portfolio)?;
        let mut notes: Vec<String> = note.into_iter().collect();
        let author = Author {
            reason: command.reason.clone().unwrap_or_default(),
            ..commanded.author.clone()
        };
        let mut editing = Editing::new(commanded, found, &author);
        editing.edit(&command, &mut notes)?;
        let Editing {
            draft,
            edits,
            asked,
            mut doubts,
            ..
        } = editing;
        if asked == 0 {
            return Err(
                Refusal::new(Code::InvalidArgument, "No field to change is named.")
                    .hint("Name the fields and their new values, such as expected_close."),
            );
        }
        if edits.is_empty() {
            notes.push("It reads so already; nothing changes.".to_owned());
        }
        let planned = draft.finish();
        let finds_out = |said: &Said| FOUND_OUT.contains(&said.field);
        commanded.check_researcher(planned.said.iter().all(finds_out), || {
            "The role researcher edits use_case, champion, notes and expected_close only."
                .to_owned()
        })?;
        let after = planned
            .after
            .deal(number)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "The opportunity is not on record."))?;
        if found.deal.value != after.deal.value {
            doubts.extend(doubts::of_value(number, portfolio, &planned.after));
        }
        doubts::settle(commanded, command.confirm, doubts, &mut notes)?;
        let outcome = Outcome {
            changed: !edits.is_empty(),
            dry_run: commanded.dry_run,
            opportunity: show(after, &planned.after, commanded.day(), Form::Full),
            effect: Effect::of(commanded, Some(found.deal), after.deal, &planned.after),
            effect_left: Effect::of_leaving(commanded, found.deal, after.deal, &planned.after),
            edits,
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
            (true, false) => "Changed",
            (true, true) => "Would change (nothing written)",
        };
        let mut text = format!(
            "{did} {} ({}).",
            outcome.opportunity.id,
            outcome.opportunity.customer()
        );
        let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        for edit in &outcome.edits {
            text.push_str(&format!(
                "\n{}: {} → {}",
                edit.field,
                dash(&edit.from),
                dash(&edit.to)
            ));
        }
        let effects = [&outcome.effect_left, &outcome.effect];
        for effect in effects.into_iter().flatten().filter(|_| outcome.changed) {
            text.push_str(&format!("\n{}", effect.text()));
        }
        for note in &outcome.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}
