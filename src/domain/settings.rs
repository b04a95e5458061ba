//! The organisation's settings: every name, its default, what it accepts. They are log entries
//! like everything else, so an earlier as-of sees the settings then in force.

use super::calendar::{Calendar, YearName};
use super::money::{BasisPoints, Currency};
use super::stage::{Category, LOST_REASONS, Stage};
use crate::refusal::{Code, Refusal, Result};

/// A measure of a forecast that may be the headline (DEFINITIONS section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Won in the period.
    Closed,
    /// The same.
    WorstCase,
    /// Plus open deals in category commit.
    Commit,
    /// Plus open deals in category best_case.
    BestCase,
    /// Plus all open deals that are not omitted.
    Upside,
    /// Closed plus the weighted value of the deals of upside.
    Weighted,
}

impl Measure {
    /// The measures by name.
    pub const WORDS: [(&'static str, Measure); 6] = [
        ("closed", Measure::Closed),
        ("worst_case", Measure::WorstCase),
        ("commit", Measure::Commit),
        ("best_case", Measure::BestCase),
        ("upside", Measure::Upside),
        ("weighted", Measure::Weighted),
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, measure)| *measure == self)
            .map_or("weighted", |(word, _)| word)
    }
}

/// The organisation's goals (PRD section 11): met or missed is said beside the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goals {
    /// Win rate, in basis points.
    pub win_rate: BasisPoints,
    /// Pipeline coverage, in hundredths.
    pub coverage: i64,
    /// Forecast accuracy, in basis points.
    pub accuracy: BasisPoints,
    /// Days from identified to closed.
    pub cycle_days: i64,
}

/// All settings in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Time zone, fiscal year and week.
    pub calendar: Calendar,
    /// The reporting currency.
    pub currency: Currency,
    probability: [BasisPoints; 6],
    category: [Category; 6],
    /// The reasons a loss may be given.
    pub lost_reasons: Vec<String>,
    /// Which measure is the headline forecast.
    pub headline_measure: Measure,
    /// The goals.
    pub goals: Goals,
    /// How many closed deals a segment needs to be ranked.
    pub ranking_minimum: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            calendar: Calendar::default(),
            currency: Currency::default(),
            probability: Stage::ALL.map(Stage::default_probability),
            category: Stage::ALL.map(Stage::default_category),
            lost_reasons: LOST_REASONS.map(str::to_owned).to_vec(),
            headline_measure: Measure::Weighted,
            goals: Goals {
                win_rate: 6_000,
                coverage: 300,
                accuracy: 8_500,
                cycle_days: 45,
            },
            ranking_minimum: 10,
        }
    }
}

/// Names of all settings, in the order they are shown.
pub const NAMES: [&str; 20] = [
    "time_zone",
    "fiscal_year_start",
    "fiscal_year_named_by",
    "week_start",
    "currency",
    "probability.identified",
    "probability.qualified",
    "probability.proposal",
    "probability.negotiation",
    "category.identified",
    "category.qualified",
    "category.proposal",
    "category.negotiation",
    "lost_reasons",
    "headline_measure",
    "goal.win_rate",
    "goal.coverage",
    "goal.accuracy",
    "goal.cycle_days",
    "ranking_minimum",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [(&str, chrono::Weekday); 7] = [
    ("monday", chrono::Weekday::Mon),
    ("tuesday", chrono::Weekday::Tue),
    ("wednesday", chrono::Weekday::Wed),
    ("thursday", chrono::Weekday::Thu),
    ("friday", chrono::Weekday::Fri),
    ("saturday", chrono::Weekday::Sat),
    ("sunday", chrono::Weekday::Sun),
];

impl Settings {
    /// The probability of a stage in basis points; closed stages are always certain or impossible.
    pub fn probability(&self, stage: Stage) -> BasisPoints {
        self.probability
            .get(usize::from(stage.code()))
            .copied()
            .unwrap_or(0)
    }

    /// The forecast category of a stage.
    pub fn category(&self, stage: Stage) -> Category {
        self.category
            .get(usize::from(stage.code()))
            .copied()
            .unwrap_or(Category::Pipeline)
    }

    /// The value of a setting as it is shown and as [`Settings::set`] reads it.
    pub fn get(&self, name: &str) -> Option<String> {
        if let Some(stage) = name.strip_prefix("probability.").and_then(open_stage) {
            return Some(percent(i64::from(self.probability(stage))));
        }
        if let Some(stage) = name.strip_prefix("category.").and_then(open_stage) {
            return Some(self.category(stage).word().to_owned());
        }
        Some(match name {
            "time_zone" => self.calendar.zone.name().to_owned(),
            "fiscal_year_start" => (*MONTHS
                .get(self.calendar.fiscal_year_start as usize - 1)
                .unwrap_or(&"january"))
            .to_owned(),
            "fiscal_year_named_by" => match self.calendar.fiscal_year_named_by {
                YearName::Start => "start".to_owned(),
                YearName::End => "end".to_owned(),
            },
            "week_start" => WEEKDAYS
                .iter()
                .find(|(_, day)| *day == self.calendar.week_start)
                .map_or("monday", |(word, _)| word)
                .to_owned(),
            "currency" => self.currency.code().to_owned(),
            "lost_reasons" => self.lost_reasons.join(", "),
            "headline_measure" => self.headline_measure.word().to_owned(),
            "goal.win_rate" => percent(i64::from(self.goals.win_rate)),
            "goal.coverage" => decimal(self.goals.coverage),
            "goal.accuracy" => percent(i64::from(self.goals.accuracy)),
            "goal.cycle_days" => self.goals.cycle_days.to_string(),
            "ranking_minimum" => self.ranking_minimum.to_string(),
            _ => return None,
        })
    }

    /// Sets one setting from the words for it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let value = value.trim();
        let lower = value.to_ascii_lowercase();
        let refuse = |expected: &str| {
            Err(Refusal::new(
                Code::InvalidArgument,
                format!("The setting {name} cannot be '{value}'."),
            )
            .hint(format!("Give {expected}.")))
        };
        if let Some(stage) = name.strip_prefix("probability.").and_then(open_stage) {
            return match (
                hundredths(value, true),
                self.probability.get_mut(usize::from(stage.code())),
            ) {
                (Some(given @ 0..=10_000), Some(place)) => {
                    *place = u16::try_from(given).unwrap_or(0);
                    Ok(())
                }
                _ => refuse("a percentage from 0% to 100%, such as 40%"),
            };
        }
        if let Some(stage) = name.strip_prefix("category.").and_then(open_stage) {
            let given = Category::WORDS
                .iter()
                .find(|(word, category)| *word == lower && *category != Category::Closed);
            return match (given, self.category.get_mut(usize::from(stage.code()))) {
                (Some((_, category)), Some(place)) => {
                    *place = *category;
                    Ok(())
                }
                _ => refuse("pipeline, best_case, commit or omitted"),
            };
        }
        match name {
            "time_zone" => match value.parse() {
                Ok(zone) => self.calendar.zone = zone,
                Err(_) => return refuse("an IANA time zone, such as Europe/Berlin"),
            },
            "fiscal_year_start" => {
                let by_name = MONTHS
                    .iter()
                    .position(|month| lower.len() >= 3 && month.starts_with(&lower));
                let month = by_name
                    .map(|place| place + 1)
                    .or_else(|| value.parse().ok());
                match month.and_then(|month| u32::try_from(month).ok()) {
                    Some(month @ 1..=12) => self.calendar.fiscal_year_start = month,
                    _ => return refuse("a month, such as february or 2"),
                }
            }
            "fiscal_year_named_by" => match lower.as_str() {
                "start" => self.calendar.fiscal_year_named_by = YearName::Start,
                "end" => self.calendar.fiscal_year_named_by = YearName::End,
                _ => return refuse("start or end"),
            },
            "week_start" => match WEEKDAYS
                .iter()
                .find(|(word, _)| lower.len() >= 3 && word.starts_with(&lower))
            {
                Some((_, day)) => self.calendar.week_start = *day,
                None => return refuse("a weekday, such as monday"),
            },
            "currency" => match Currency::from_code(value) {
                Some(currency) => self.currency = currency,
                None => return refuse("an ISO 4217 code with no or two decimals, such as EUR"),
            },
            "lost_reasons" => {
                let reasons: Vec<String> = lower
                    .split(',')
                    .map(|reason| reason.trim().replace([' ', '-'], "_"))
                    .filter(|r| !r.is_empty())
                    .collect();
                if reasons.is_empty() || value.len() > 1_000 {
                    return refuse("reasons separated by commas, such as budget, price, other");
                }
                self.lost_reasons = reasons;
            }
            "headline_measure" => match Measure::WORDS.iter().find(|(word, _)| *word == lower) {
                Some((_, measure)) => self.headline_measure = *measure,
                None => return refuse("closed, worst_case, commit, best_case, upside or weighted"),
            },
            "goal.win_rate" | "goal.accuracy" => match hundredths(value, true) {
                Some(given @ 0..=10_000) => {
                    let given = u16::try_from(given).unwrap_or(0);
                    if name == "goal.win_rate" {
                        self.goals.win_rate = given
                    } else {
                        self.goals.accuracy = given
                    }
                }
                _ => return refuse("a percentage from 0% to 100%, such as 60%"),
            },
            "goal.coverage" => match hundredths(value.trim_end_matches(['x', 'X']), false) {
                Some(given @ 0..=10_000) => self.goals.coverage = given,
                _ => return refuse("a multiple, such as 3"),
            },
            "goal.cycle_days" => match value.parse() {
                Ok(given @ 1..=3_650) => self.goals.cycle_days = given,
                _ => return refuse("a number of days from 1 to 3650"),
            },
            "ranking_minimum" => match value.parse() {
                Ok(given @ 1..=1_000_000) => self.ranking_minimum = given,
                _ => return refuse("a number of closed deals, such as 10"),
            },
            _ => {
                return Err(Refusal::new(
                    Code::UnknownValue,
                    format!("There is no setting '{name}'."),
                )
                .hint(format!("The settings are {}.", NAMES.join(", ")))
                .candidates(NAMES));
            }
        }
        Ok(())
    }
}

/// Refuses to change what every date and amount on record was read by, once there are deals.
pub fn may_change(name: &str, has_deals: bool) -> Result<()> {
    if has_deals && matches!(name, "time_zone" | "currency") {
        return Err(Refusal::new(
            Code::InvalidArgument,
            format!("{name} cannot change any more: dates and amounts on record were read by it."),
        )
        .hint(
            "Set it before the first import: start a new database with --db, or another --org.",
        ));
    }
    Ok(())
}

fn open_stage(word: &str) -> Option<Stage> {
    Stage::OPEN.into_iter().find(|stage| stage.word() == word)
}

/// Hundredths of a decimal: "40%" → 4,000, "0.4" as a share → 4,000, "3.5" as a multiple → 350.
fn hundredths(value: &str, share: bool) -> Option<i64> {
    let (digits, percent) = match value.strip_suffix('%') {
        Some(digits) => (digits.trim(), true),
        None => (value, false),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if decimals.len() > 4
        || whole.is_empty()
        || whole.len() > 6
        || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let ten_thousandths = format!("{decimals:0<4}").parse::<i64>().ok()? + whole * 10_000;
    if share && !percent {
        // A share without a sign: 0.4 is 40 %, but 40 would be 4,000 %, so only 0 to 1 is read.
        return (ten_thousandths <= 10_000).then_some(ten_thousandths);
    }
    (ten_thousandths % 100 == 0).then_some(ten_thousandths / 100)
}

fn percent(basis_points: i64) -> String {
    format!("{}%", decimal(basis_points))
}

fn decimal(hundredths: i64) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
