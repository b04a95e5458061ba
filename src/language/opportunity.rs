//! An opportunity as it goes out: PRD-155's ExpansionOpportunity, and the words to find one by.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::clean;
use super::figures::{Amount, Fraction, or_dash};
use super::names::{self, How, Match, Record};
use super::records::{ambiguous, not_found};
use crate::domain::change::{Day, NO_DAY};
use crate::domain::days;
use crate::domain::deal::Deal;
use crate::domain::money::{Currency, contract_value, weighted};
use crate::domain::portfolio::{Found, Portfolio};
use crate::domain::ratio::Ratio;
use crate::domain::texts::NONE;
use crate::refusal::Result;

/// How long a name may be in an answer.
const SHORT: usize = 200;

/// An opportunity. Fields without a value are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Opportunity {
    /// Id.
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Stage.
    pub stage: &'static str,
    /// In `currency` when given, like all money beside it.
    pub estimated_value: Option<Amount>,
    /// Fraction.
    pub probability: Option<Fraction>,
    /// value × probability.
    pub weighted_value: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_close: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_close: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_value: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csm_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sales_rep_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_in_stage: Option<i32>,
    /// In the reporting currency, as in every total; missing without a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    converted: Option<Converted>,
    /// Contract value (value × term ÷ 12), in the reporting currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    tcv: Option<Amount>,
    #[serde(flatten)]
    details: Option<Details>,
}

/// What the value of a deal in another currency comes to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Converted {
    value: Amount,
    weighted_value: Amount,
    rate: String,
    rate_date: String,
}

/// The fields that only the full form carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    product_line: Option<String>,
    /// stage or manual.
    probability_source: &'static str,
    forecast_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identified_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage_entered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csm_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sales_rep_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    champion_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    term_months: Option<u16>,
    /// Log position of the last change.
    version: u32,
}

/// How much of an opportunity an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What a list needs.
    Short,
    /// Everything but long free text.
    Full,
}

/// An opportunity in a form.
pub fn show(found: Found<'_>, portfolio: &Portfolio, today: Day, form: Form) -> Opportunity {
    let (deal, detail, settings) = (found.deal, found.detail, portfolio.settings());
    let text = |text: u32| (text != NONE).then(|| clean(portfolio.text(text), SHORT));
    let currency = text(detail.currency)
        .and_then(|code| Currency::from_code(&code))
        .unwrap_or(settings.currency);
    let amount = |minor| Amount { minor, currency };
    let probability = deal.probability(settings);
    let is_other = detail.currency != NONE;
    let person =
        |number: u32| (number != NONE).then(|| clean(portfolio.person_name(number), SHORT));
    let person_id = |number: u32| portfolio.person(number).and_then(|person| text(person.id));
    let date = |day: Day| days::date(day).map(|date| date.to_string());
    let details = (form == Form::Full).then(|| Details {
        product_line: text(deal.product_line),
        probability_source: if deal.is_manual() { "manual" } else { "stage" },
        forecast_category: deal.category(settings).word(),
        identified_date: date(deal.identified),
        // At an earlier as-of a deal may stand in a stage before the first date on record.
        stage_entered_at: date(deal.stage_entered).filter(|_| deal.stage_entered <= today),
        csm_id: person_id(deal.csm),
        sales_rep_id: person_id(deal.sales_rep),
        champion_id: text(detail.champion),
        source: text(deal.source),
        use_case: text(detail.use_case),
        term_months: (detail.term_months != 0).then_some(detail.term_months),
        version: detail.version,
    });
    Opportunity {
        id: text(detail.id).unwrap_or_default(),
        customer_id: portfolio
            .customer(deal.customer)
            .and_then(|customer| text(customer.id)),
        customer_name: (deal.customer != NONE)
            .then(|| clean(portfolio.customer_name(deal.customer), SHORT)),
        name: text(detail.name).unwrap_or_default(),
        kind: deal.kind.word(),
        stage: deal.stage.word(),
        estimated_value: Some(amount(found.own_estimate())),
        probability: Some(Fraction(Ratio::basis_points(i64::from(probability)))),
        weighted_value: Some(amount(weighted(found.own_value(), probability))),
        currency: is_other.then(|| currency.code().to_owned()),
        expected_close: date(detail.expected_close),
        actual_close: if deal.is_open() {
            None
        } else {
            date(deal.close)
        },
        closed_value: deal.is_won().then(|| amount(found.own_value())),
        lost_reason: (deal.stage == crate::domain::stage::Stage::ClosedLost)
            .then(|| text(deal.lost_reason).unwrap_or_else(|| "not recorded".to_owned())),
        csm_name: person(deal.csm),
        sales_rep_name: person(deal.sales_rep),
        days_in_stage: if deal.is_open() {
            deal.days_in_stage(today)
                .filter(|_| deal.stage_entered != NO_DAY)
        } else {
            None
        },
        converted: converted(found, portfolio),
        tcv: None,
        details,
    }
}

fn converted(found: Found<'_>, portfolio: &Portfolio) -> Option<Converted> {
    let (deal, settings) = (found.deal, portfolio.settings());
    if found.detail.currency == NONE || deal.foreign {
        return None;
    }
    let (since, rate) = portfolio.rate_of(deal)?;
    let amount = |minor| Amount {
        minor,
        currency: settings.currency,
    };
    Some(Converted {
        value: amount(deal.value),
        weighted_value: amount(weighted(deal.value, deal.probability(settings))),
        rate: rate.text(),
        rate_date: days::date(since)?.to_string(),
    })
}

impl Opportunity {
    /// Adds what its contract comes to over its term, where a term and, if it needs one, a rate is known.
    pub fn add_contract_value(&mut self, found: Found<'_>, portfolio: &Portfolio) {
        let months = found.detail.term_months;
        let whole = contract_value(found.deal.value, months).filter(|_| !found.deal.foreign);
        let currency = portfolio.settings().currency;
        self.tcv = whole.map(|minor| Amount { minor, currency });
    }

    /// Its value in the deal's own currency and, in another than the reporting one, what it comes to.
    pub fn value_text(&self) -> String {
        let own = or_dash(self.closed_value.or(self.estimated_value));
        match &self.converted {
            Some(converted) => format!("{own} = {}", converted.value),
            None => own,
        }
    }

    /// What its contract comes to, when that was asked for.
    pub fn tcv(&self) -> Option<Amount> {
        self.tcv
    }

    /// The customer's name, or a dash.
    pub fn customer(&self) -> &str {
        self.customer_name.as_deref().unwrap_or("-")
    }

    /// The date it closed or is expected to, or a dash.
    pub fn close(&self) -> &str {
        self.actual_close
            .as_deref()
            .or(self.expected_close.as_deref())
            .unwrap_or("-")
    }

    /// The value it closed at, once won.
    pub fn closed_value(&self) -> Option<Amount> {
        self.closed_value
    }

    /// The log position of the last change; 0 in the short form.
    pub fn version(&self) -> u32 {
        self.details.as_ref().map_or(0, |details| details.version)
    }

    /// The CSM's name, or a dash.
    pub fn csm(&self) -> &str {
        self.csm_name.as_deref().unwrap_or("-")
    }
}

/// "Acme Corp: Premium Tier (OPP-1001)": how candidates and sentences name a deal.
pub fn label(number: u32, portfolio: &Portfolio) -> String {
    let Some(found) = portfolio.deal(number) else {
        return String::new();
    };
    let customer = clean(portfolio.customer_name(found.deal.customer), 60);
    let name = clean(portfolio.text(found.detail.name), 60);
    let id = clean(portfolio.text(found.detail.id), 60);
    match (customer.is_empty(), name.is_empty()) {
        (false, false) => format!("{customer}: {name} ({id})"),
        (true, false) => format!("{name} ({id})"),
        (false, true) => format!("{customer} ({id})"),
        (true, true) => id,
    }
}

/// Finds one opportunity by id, by name, or by customer and name ("Acme Premium Tier"), also as answers
/// write it ("Acme Corp: Premium Tier (OPP-1001)"). Anything but a single one is refused. A misspelling
/// is looked for among open deals only, and is said.
pub fn find(words: &str, portfolio: &Portfolio) -> Result<(u32, Option<String>)> {
    let words = words.trim();
    if let Some(number) = portfolio.deal_by_id(words) {
        return Ok((number, None));
    }
    let asked = Asked::of(words);
    let all = portfolio.chunks().flat_map(|chunk| chunk.deals());
    let called: Vec<Called<'_>> = all
        .filter_map(|deal| Called::of(deal, &asked, portfolio))
        .filter(|deal| deal.may_be(&asked))
        .collect();
    let by_name = called.iter().map(Called::by_name);
    let by_customer = called.iter().flat_map(Called::by_customer);
    let several = |numbers: Vec<u32>| {
        let named = numbers.iter().take(10);
        let candidates = named.map(|number| label(*number, portfolio)).collect();
        Err(ambiguous("opportunity", words, candidates, numbers.len()))
    };
    match names::find(words, by_name) {
        Match::One(number, How::Id | How::Exact | How::Prefix) => return Ok((number, None)),
        Match::Several(numbers, _) => return several(numbers),
        _ => {}
    }
    match names::find(words, by_customer) {
        Match::One(number, How::Id | How::Exact | How::Prefix) => return Ok((number, None)),
        Match::Several(numbers, _) => return several(numbers),
        _ => {}
    }
    let open: Vec<Called<'_>> = portfolio
        .open()
        .filter_map(|deal| Called::of(deal, &asked, portfolio))
        .collect();
    match names::find(words, open.iter().flat_map(Called::by_any)) {
        Match::One(number, _) => {
            let read_as = label(number, portfolio);
            let note = format!("Read '{}' as {read_as}.", clean(words, 60));
            Ok((number, Some(note)))
        }
        Match::Several(numbers, _) => several(numbers),
        Match::None { near, tied } => {
            let near = near.into_iter().map(|number| label(number, portfolio));
            Err(not_found("opportunity", words, near.collect(), tied))
        }
    }
}

/// What a deal is looked for by.
struct Asked<'a> {
    words: &'a str,
    folded: String,
    plain: String,
}

impl<'a> Asked<'a> {
    fn of(words: &'a str) -> Asked<'a> {
        Asked {
            words,
            folded: names::fold(words),
            plain: names::plain(words),
        }
    }
}

/// What a deal may be called by.
struct Called<'a> {
    number: u32,
    id: Cow<'a, str>,
    spelt: &'a str,
    name: String,
    /// Customer and name.
    full: String,
    /// The same with the customer's legal ending, when that may be what was said.
    legal: Option<String>,
}

impl<'a> Called<'a> {
    fn of(deal: &Deal, asked: &Asked<'_>, portfolio: &'a Portfolio) -> Option<Called<'a>> {
        let detail = portfolio.detail(deal)?;
        let spelt = portfolio.text(detail.name);
        let name = names::fold(spelt);
        let customer = portfolio.customer(deal.customer);
        let folded = customer.map_or("", |customer| &customer.folded);
        let with_name = |customer: &str| format!("{customer} {name}").trim().to_owned();
        let is_said = !folded.is_empty() && asked.plain.starts_with(folded);
        let legal = customer
            .filter(|_| is_said)
            .map(|customer| names::plain(portfolio.text(customer.name)))
            .filter(|legal| legal != folded);
        Some(Called {
            number: deal.number,
            id: names::as_shown(portfolio.text(detail.id)),
            spelt,
            full: with_name(folded),
            legal: legal.as_deref().map(with_name),
            name,
        })
    }

    /// Whether it can be what is asked for, misspellings aside; this spares all but a few deals the
    /// search by name.
    fn may_be(&self, asked: &Asked<'_>) -> bool {
        let begins =
            |name: &str| name.starts_with(asked.folded.as_str()) && !asked.folded.is_empty();
        begins(&self.name)
            || begins(&self.full)
            || self.legal.as_deref().is_some_and(begins)
            || self.id.eq_ignore_ascii_case(asked.words)
            || names::without_id(asked.words, &self.id).is_some()
            || self.spelt.eq_ignore_ascii_case(asked.words)
    }

    fn by_name(&self) -> Record<'_, u32> {
        Record {
            value: self.number,
            id: &self.id,
            name: self.spelt,
            folded: &self.name,
        }
    }

    fn by_any(&self) -> impl Iterator<Item = Record<'_, u32>> + Clone {
        std::iter::once(self.by_name()).chain(self.by_customer())
    }

    fn by_customer(&self) -> impl Iterator<Item = Record<'_, u32>> + Clone {
        let names = [Some(self.full.as_str()), self.legal.as_deref()];
        names.into_iter().flatten().map(|name| Record {
            value: self.number,
            id: &self.id,
            name,
            folded: name,
        })
    }
}
