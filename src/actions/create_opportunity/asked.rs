//! The command understood: a caller's words as domain values, before anything is written.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Command;
use super::evidence::Signal;
use crate::actions::Commanded;
use crate::actions::reading::{self, person, short, spelled_as_known};
use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY};
use crate::domain::stage::{ExpansionType, Stage};
use crate::domain::texts::{NONE, Text};
use crate::language::periods::{self, Direction};
use crate::language::records::Role;
use crate::language::vocabulary::{pick, pick_spoken};
use crate::refusal::{Code, Refusal, Result};

/// The command understood, before anything is written.
pub(super) struct Asked {
    /// What is sold.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: ExpansionType,
    /// The open stage it begins in.
    pub(super) stage: Stage,
    /// Its value, in minor units.
    pub(super) estimate: i64,
    /// When it should close.
    pub(super) expected_close: NaiveDate,
    /// Since when it is known.
    pub(super) identified: NaiveDate,
    /// Who sells it.
    pub(super) sales_rep: u32,
    /// Its product line.
    pub(super) product_line: Option<String>,
    /// How it was found.
    pub(super) source: Option<String>,
    /// What led to it.
    pub(super) signal: Option<Signal>,
    /// Its own probability, or that it follows its stage.
    pub(super) probability: u16,
    /// Its own forecast category, or that it follows its stage.
    pub(super) category: u8,
}

impl Asked {
    /// Understands a caller's words; what was assumed is noted.
    pub(super) fn read(
        commanded: &Commanded<'_>,
        command: &Command,
        notes: &mut Vec<String>,
    ) -> Result<Asked> {
        let portfolio = commanded.portfolio;
        let settings = portfolio.settings();
        let kind = pick_spoken(
            "type",
            &command.kind,
            &ExpansionType::WORDS,
            &ExpansionType::SPOKEN,
        )?;
        let stage = command
            .stage
            .as_deref()
            .map_or(Ok(Stage::Identified), |word| {
                // A closed stage is told below what to do; of the others only the open ones fit.
                let open = Stage::OPEN.map(|stage| (stage.word(), stage));
                pick("stage", word, &Stage::SPOKEN).or_else(|_| pick("stage", word, &open))
            })?;
        if !stage.is_open() {
            return Err(Refusal::new(
                Code::ForbiddenByStage,
                format!("An opportunity cannot be created in {}.", stage.word()),
            )
            .hint("Create it in an open stage, then close it with update_stage."));
        }
        let date = |words: &str, direction| {
            periods::date(words, &settings.calendar, commanded.today, direction)
        };
        let (expected_close, note) =
            periods::last_day(&command.expected_close, &settings.calendar, commanded.today)?;
        notes.extend(note);
        let estimate = command
            .estimated_value
            .minor("estimated_value", settings.currency)?;
        if estimate == 0 {
            notes.push("Its estimated value is 0.".to_owned());
        }
        let past = |name: &str, words: &Option<String>| -> Result<NaiveDate> {
            let Some(words) = words else {
                return Ok(commanded.today);
            };
            let on = date(words, Direction::Back)?;
            if on > commanded.today {
                return Err(Refusal::new(
                    Code::ImpossibleDate,
                    format!("{name} {on} lies in the future."),
                )
                .hint(format!("Today is {}.", commanded.today)));
            }
            Ok(on)
        };
        let identified = past("identified_date", &command.identified_date)?;
        let signal = match &command.signal {
            None => None,
            Some(words) => {
                let detected = past("signal.detected_at", &words.detected_at)?;
                Some(Signal::read(words, detected, portfolio)?)
            }
        };
        let probability = command.probability.as_ref().map_or(Ok(FOLLOWS), |words| {
            reading::probability(words, stage, settings)
        })?;
        let category = command
            .forecast_category
            .as_deref()
            .map_or(Ok(FOLLOWS_CATEGORY), |word| {
                reading::category(word, stage, settings)
            })?;
        command.term_months.map(reading::term).transpose()?;
        let mut known = |words: &Option<String>, name: &str, list: &BTreeSet<Text>| {
            let Some(words) = words else { return Ok(None) };
            let word = spelled_as_known(name, &short(name, words)?, list, portfolio, notes);
            Ok(Some(word))
        };
        let source = known(&command.source, "source", portfolio.sources())?;
        let lines = portfolio.product_lines();
        let product_line = known(&command.product_line, "product_line", lines)?;
        let sales_rep = match &command.sales_rep {
            Some(words) => person("sales rep", words, Some(Role::SalesRep), portfolio, notes)?,
            None => NONE,
        };
        Ok(Asked {
            name: short("name", &command.name)?,
            kind,
            stage,
            estimate,
            expected_close,
            identified,
            sales_rep,
            product_line,
            source: source.or_else(|| signal.as_ref().map(|signal| signal.kind().to_owned())),
            signal,
            probability,
            category,
        })
    }
}
