//! What goes with the close of a deal: its value, its day and the reason of a loss. Understood before
//! it is known whether anything moves, because words that cannot be right are refused either way.

use chrono::NaiveDate;

use super::Commanded;
use super::parts::dating;
use crate::domain::change::{Subject, field};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::draft::Draft;
use crate::domain::money::Currency;
use crate::domain::portfolio::{Found, Portfolio};
use crate::domain::settings::Settings;
use crate::domain::stage::Stage;
use crate::language::arguments::AmountWords;
use crate::language::clean;
use crate::language::opportunity::label;
use crate::language::vocabulary::pick_spoken;
use crate::refusal::{Code, Refusal, Result, Takes};

/// The longest reason of a loss that is offered, in characters.
const LONGEST: usize = 60;

/// The words for it.
pub struct Words<'a> {
    /// The value it closed at.
    pub closed_value: Option<&'a AmountWords>,
    /// The day it closed.
    pub actual_close: Option<&'a str>,
    /// Why it was lost.
    pub lost_reason: Option<&'a str>,
}

/// A close understood, as far as it was given.
pub struct Close {
    value: Option<i64>,
    day: Option<NaiveDate>,
    reason: Option<String>,
}

impl Close {
    /// Understands the words for a deal that is to stand in a stage.
    pub fn read(
        commanded: &Commanded<'_>,
        words: &Words<'_>,
        found: Found<'_>,
        to: Stage,
    ) -> Result<Close> {
        let currency = currency_of(found, commanded.portfolio);
        let amount = |amount: &AmountWords| amount.minor("closed_value", currency);
        let leaves = Some(found.deal).filter(|deal| deal.stage != to);
        let settings = commanded.portfolio.settings();
        let reason = |word: &str| lost_reason(word, settings).map(str::to_owned);
        Ok(Close {
            value: words.closed_value.map(amount).transpose()?,
            day: words
                .actual_close
                .map(|words| closing_day(commanded, words, leaves))
                .transpose()?,
            reason: words.lost_reason.map(reason).transpose()?,
        })
    }

    /// Notes on a draft what was given, were it only to be told that it is not applied.
    pub fn say(&self, subject: Subject, draft: &mut Draft) {
        if let Some(value) = self.value {
            draft.says(subject, field::CLOSED_VALUE, value);
        }
        if let Some(on) = self.day {
            draft.says(subject, field::ACTUAL_CLOSE, i64::from(day(on)));
        }
        if let Some(reason) = &self.reason {
            let reason = draft.text(reason);
            draft.says(subject, field::LOST_REASON, i64::from(reason));
        }
    }

    /// The day, which is today when none is given.
    pub fn day(&self, commanded: &Commanded<'_>) -> NaiveDate {
        self.day.unwrap_or(commanded.today)
    }

    /// The value of a win; refused when it is missing.
    pub fn value(&self, found: Found<'_>, to: Stage, portfolio: &Portfolio) -> Result<Option<i64>> {
        if to != Stage::ClosedWon || self.value.is_some() {
            return Ok(self.value);
        }
        let currency = currency_of(found, portfolio);
        let question = format!(
            "At what value did {} close? The estimate is {}.",
            label(found.deal.number, portfolio),
            currency.show(found.own_estimate())
        );
        Err(Refusal::new(
            Code::ClosedValueRequired,
            "Winning a deal needs the value it closed at.",
        )
        .hint(format!(
            "Ask for the signed value and give 'closed_value'; the estimate is {}.",
            currency.json(found.own_estimate())
        ))
        .wants("closed_value", question, Takes::Text))
    }

    /// The reason of a loss; refused when it is missing.
    pub fn reason(
        &self,
        found: Found<'_>,
        to: Stage,
        portfolio: &Portfolio,
    ) -> Result<Option<&str>> {
        if to != Stage::ClosedLost || self.reason.is_some() {
            return Ok(self.reason.as_deref());
        }
        let reasons = offered(portfolio.settings());
        let question = format!("Why was {} lost?", label(found.deal.number, portfolio));
        Err(
            Refusal::new(Code::LostReasonRequired, "Losing a deal needs a reason.")
                .hint(format!("Give 'lost_reason': {}.", reasons.join(", ")))
                .candidates(reasons.clone())
                .wants("lost_reason", question, Takes::Choice(reasons)),
        )
    }
}

/// The reasons of a loss that the settings list, as they are shown.
fn offered(settings: &Settings) -> Vec<String> {
    let reasons = settings.lost_reasons.iter();
    reasons.map(|reason| clean(reason, LONGEST)).collect()
}

/// The reason of a loss that a word means, as the settings have it: by how it is shown, or as it is.
pub(super) fn lost_reason<'a>(word: &str, settings: &'a Settings) -> Result<&'a str> {
    let (reasons, offered) = (&settings.lost_reasons, offered(settings));
    let as_shown = offered.iter().zip(reasons);
    let as_shown: Vec<(&str, &str)> = as_shown
        .map(|(it, of)| (it.as_str(), of.as_str()))
        .collect();
    let as_it_is: Vec<(&str, &str)> = reasons
        .iter()
        .map(|it| (it.as_str(), it.as_str()))
        .collect();
    pick_spoken("lost reason", word, &as_shown, &as_it_is)
}

/// The currency a deal is in.
fn currency_of(found: Found<'_>, portfolio: &Portfolio) -> Currency {
    let own = Currency::from_code(portfolio.text(found.detail.currency));
    own.unwrap_or(portfolio.settings().currency)
}

/// The day a deal closed: one that it could have closed on, whether it closes now or is closed already.
fn closing_day(commanded: &Commanded<'_>, words: &str, leaves: Option<&Deal>) -> Result<NaiveDate> {
    match leaves {
        Some(deal) => dating::closing_day(commanded, Some(words), deal),
        None => dating::past_day(commanded, words),
    }
}
