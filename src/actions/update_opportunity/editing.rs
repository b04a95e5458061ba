//! What each field of an opportunity takes, and what it was: read from a command, written on a draft.

use super::{Command, Edited};
use crate::actions::Commanded;
use crate::actions::closing::lost_reason;
use crate::actions::parts::doubts;
use crate::actions::reading::{self, person, short, spelled_as_known};
use crate::domain::change::{EMPTY, Millis, Subject, field};
use crate::domain::days::day;
use crate::domain::draft::{Author, Draft};
use crate::domain::money::Currency;
use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY};
use crate::domain::portfolio::Found;
use crate::domain::stage::{ExpansionType, Stage};
use crate::domain::texts::NONE;
use crate::language::fields;
use crate::language::periods::{self, Direction};
use crate::language::records::{Role, find_customer, only};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The fields that may be emptied.
const CLEARABLE: [(&str, u32); 12] = [
    ("expected_close", field::EXPECTED_CLOSE),
    ("probability", field::PROBABILITY),
    ("forecast_category", field::CATEGORY),
    ("csm", field::CSM),
    ("sales_rep", field::SALES_REP),
    ("champion", field::CHAMPION),
    ("product_line", field::PRODUCT_LINE),
    ("source", field::SOURCE),
    ("use_case", field::USE_CASE),
    ("term_months", field::TERM_MONTHS),
    ("notes", field::NOTES),
    ("lost_reason", field::LOST_REASON),
];

/// A deal while its fields are gone over.
pub(super) struct Editing<'a> {
    commanded: &'a Commanded<'a>,
    found: Found<'a>,
    currency: Currency,
    pub(super) draft: Draft,
    pub(super) edits: Vec<Edited>,
    /// How many fields were named.
    pub(super) asked: usize,
    /// What looks wrong.
    pub(super) doubts: Vec<String>,
}

impl<'a> Editing<'a> {
    pub(super) fn new(commanded: &'a Commanded<'a>, found: Found<'a>, author: &Author) -> Self {
        let portfolio = commanded.portfolio;
        Editing {
            commanded,
            found,
            currency: Currency::from_code(portfolio.text(found.detail.currency))
                .unwrap_or(portfolio.settings().currency),
            draft: Draft::new(portfolio, author),
            edits: Vec::new(),
            asked: 0,
            doubts: Vec::new(),
        }
    }

    /// Goes over every field the command names.
    pub(super) fn edit(&mut self, command: &Command, notes: &mut Vec<String>) -> Result<()> {
        let (deal, detail) = (self.found.deal, self.found.detail);
        let portfolio = self.commanded.portfolio;
        let settings = portfolio.settings();
        let number = |number: u32| {
            if number == NONE {
                EMPTY
            } else {
                i64::from(number)
            }
        };
        let clear = cleared(command)?;
        if let Some(name) = &command.name {
            let name = self.draft.text(&short("name", name)?);
            self.set(field::NAME, number(detail.name), number(name));
        }
        if let Some(word) = &command.kind {
            let kind = pick("type", word, &ExpansionType::WORDS)?;
            let (from, to) = (deal.kind.code(), kind.code());
            self.set(field::KIND, i64::from(from), i64::from(to));
        }
        if let Some(amount) = &command.estimated_value {
            let amount = amount.minor("estimated_value", self.currency)?;
            if amount == 0 {
                notes.push("Its estimated value is 0.".to_owned());
            }
            self.set(field::ESTIMATED_VALUE, self.found.own_estimate(), amount);
        }
        self.dates(command, notes)?;
        if command.probability.is_some() || command.forecast_category.is_some() {
            self.must_be(deal.is_open(), "probability and forecast_category", "open")?;
        }
        let of_stage = |value: u16| {
            if value == FOLLOWS {
                EMPTY
            } else {
                i64::from(value)
            }
        };
        if let Some(words) = &command.probability {
            let to = reading::probability(words, deal.stage, settings)?;
            self.set(field::PROBABILITY, of_stage(deal.probability), of_stage(to));
        }
        let of_category = |code: u8| {
            if code == FOLLOWS_CATEGORY {
                EMPTY
            } else {
                i64::from(code)
            }
        };
        if let Some(word) = &command.forecast_category {
            let to = reading::category(word, deal.stage, settings)?;
            self.set(field::CATEGORY, of_category(deal.category), of_category(to));
        }
        for (given, field, from, role) in [
            (&command.csm, field::CSM, deal.csm, Role::Csm),
            (
                &command.sales_rep,
                field::SALES_REP,
                deal.sales_rep,
                Role::SalesRep,
            ),
        ] {
            if let Some(words) = given {
                let what = fields::name(field, portfolio).unwrap_or_default();
                let to = person(&what, words, Some(role), portfolio, notes)?;
                self.set(field, number(from), number(to));
            }
        }
        if let Some(words) = &command.customer {
            let to = only("customer", words, find_customer(words, portfolio), notes)?;
            self.set(field::CUSTOMER, number(deal.customer), number(to));
        }
        for (given, field, from, list) in [
            (
                &command.product_line,
                field::PRODUCT_LINE,
                deal.product_line,
                portfolio.product_lines(),
            ),
            (
                &command.source,
                field::SOURCE,
                deal.source,
                portfolio.sources(),
            ),
        ] {
            if let Some(words) = given {
                let name = fields::name(field, portfolio).unwrap_or_default();
                let word = spelled_as_known(&name, &short(&name, words)?, list, portfolio, notes);
                let to = self.draft.text(&word);
                self.set(field, number(from), number(to));
            }
        }
        for (given, field, from) in [
            (&command.champion, field::CHAMPION, detail.champion),
            (&command.use_case, field::USE_CASE, detail.use_case),
        ] {
            if let Some(words) = given {
                let name = fields::name(field, portfolio).unwrap_or_default();
                let to = self.draft.text(&short(&name, words)?);
                self.set(field, number(from), number(to));
            }
        }
        if let Some(months) = command.term_months {
            let from = match detail.term_months {
                0 => EMPTY,
                months => i64::from(months),
            };
            self.set(field::TERM_MONTHS, from, i64::from(reading::term(months)?));
        }
        if let Some(text) = command.notes.as_deref().map(str::trim) {
            let to = self.draft.note(text);
            self.set(field::NOTES, number(detail.notes), number(to));
        }
        if let Some(amount) = &command.closed_value {
            self.must_be(deal.is_won(), "closed_value", "won")?;
            let amount = amount.minor("closed_value", self.currency)?;
            self.set(field::CLOSED_VALUE, self.found.own_value(), amount);
        }
        if let Some(word) = &command.lost_reason {
            self.must_be(deal.stage == Stage::ClosedLost, "lost_reason", "lost")?;
            let to = self.draft.text(lost_reason(word, settings)?);
            self.set(field::LOST_REASON, number(deal.lost_reason), number(to));
        }
        for field in clear {
            let from = match field {
                field::EXPECTED_CLOSE => day_value(detail.expected_close),
                field::PROBABILITY => of_stage(deal.probability),
                field::CATEGORY => of_category(deal.category),
                field::CSM => number(deal.csm),
                field::SALES_REP => number(deal.sales_rep),
                field::CHAMPION => number(detail.champion),
                field::PRODUCT_LINE => number(deal.product_line),
                field::SOURCE => number(deal.source),
                field::USE_CASE => number(detail.use_case),
                field::NOTES => number(detail.notes),
                field::LOST_REASON => number(deal.lost_reason),
                _ if detail.term_months == 0 => EMPTY,
                _ => i64::from(detail.term_months),
            };
            self.set(field, from, EMPTY);
        }
        Ok(())
    }

    fn dates(&mut self, command: &Command, notes: &mut Vec<String>) -> Result<()> {
        let (today, found) = (self.commanded.today, self.found);
        let calendar = &self.commanded.portfolio.settings().calendar;
        if let Some(words) = &command.expected_close {
            let (on, note) = periods::last_day(words, calendar, today)?;
            notes.extend(note);
            self.must_be(found.deal.is_open(), "expected_close", "open")?;
            let from = day_value(found.detail.expected_close);
            let to = i64::from(day(on));
            let doubt = doubts::of_expected_close(on, today);
            if from == to {
                notes.extend(doubt);
            } else {
                self.doubts.extend(doubt);
            }
            self.set(field::EXPECTED_CLOSE, from, to);
        }
        if let Some(words) = &command.identified_date {
            let on = periods::date(words, calendar, today, Direction::Back)?;
            if on > today {
                let message = format!("identified_date {on} lies in the future.");
                return Err(
                    Refusal::new(Code::ImpossibleDate, message).hint(format!("Today is {today}."))
                );
            }
            let from = day_value(found.deal.identified);
            self.set(field::IDENTIFIED, from, i64::from(day(on)));
        }
        Ok(())
    }

    fn must_be(&self, holds: bool, what: &str, state: &str) -> Result<()> {
        if holds {
            return Ok(());
        }
        let stage = self.found.deal.stage.word();
        Err(Refusal::new(
            Code::ForbiddenByStage,
            format!("A deal in {stage} has no {what} to change."),
        )
        .hint(format!(
            "Only of {state} deals; to move it use update_stage."
        )))
    }

    /// Sets a field, unless it reads so already; the change holds from now on.
    fn set(&mut self, field: u32, from: i64, to: i64) {
        self.asked += 1;
        let subject = Subject::Deal(self.found.deal.number);
        // No figure rests on a note, and its number says nothing about its text.
        if field != field::NOTES {
            self.draft.says(subject, field, to);
        }
        if from == to {
            return;
        }
        // What a file said of a later day than today must not win over what is decided now.
        let changes = self.commanded.portfolio.changes(self.found.deal.number);
        let last = changes
            .iter()
            .filter(|change| change.field == field)
            .map(|change| change.at)
            .max();
        let at = self.commanded.author.now.max(last.unwrap_or(Millis::MIN));
        self.draft.set(subject, field, at, to);
        let portfolio = self.draft.portfolio();
        let shown = |value| fields::value(field, value, portfolio, self.currency);
        self.edits.push(Edited {
            field: fields::name(field, portfolio).unwrap_or_default(),
            from: shown(from),
            to: shown(to),
        });
    }
}

fn day_value(day: i32) -> i64 {
    if day == crate::domain::change::NO_DAY {
        EMPTY
    } else {
        i64::from(day)
    }
}

/// The fields to be emptied, none of which is given a value too.
fn cleared(command: &Command) -> Result<Vec<u32>> {
    let given = [
        ("expected_close", command.expected_close.is_some()),
        ("probability", command.probability.is_some()),
        ("forecast_category", command.forecast_category.is_some()),
        ("csm", command.csm.is_some()),
        ("sales_rep", command.sales_rep.is_some()),
        ("champion", command.champion.is_some()),
        ("product_line", command.product_line.is_some()),
        ("source", command.source.is_some()),
        ("use_case", command.use_case.is_some()),
        ("term_months", command.term_months.is_some()),
        ("notes", command.notes.is_some()),
        ("lost_reason", command.lost_reason.is_some()),
    ];
    let mut fields = Vec::new();
    for word in command.clear.iter().flat_map(|words| &words.0) {
        let field = pick("field to clear", word, &CLEARABLE)?;
        let name = CLEARABLE.iter().find(|(_, known)| *known == field);
        let is_given = given
            .iter()
            .any(|(given, is)| *is && name.is_some_and(|(name, _)| name == given));
        if is_given {
            let message = format!("'{word}' is given a value and cleared at once.");
            return Err(
                Refusal::new(Code::InvalidArgument, message).hint("Leave one of the two out.")
            );
        }
        fields.push(field);
    }
    Ok(fields)
}
