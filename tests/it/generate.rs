//! Small export folders and questions about them, made at random for `oracles` and `laws`: deals of
//! every stage, type and owner, dated and undated, in odd currencies and half cents, with and
//! without a stage history. Everything made here is accepted by the importer; nothing here knows
//! what a figure is.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};
use expansion_pipeline::files::Source;
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::support::{Portfolio, caller, empty};

/// The six stages, in order.
pub const STAGES: [&str; 6] = [
    "identified",
    "qualified",
    "proposal",
    "negotiation",
    "closed_won",
    "closed_lost",
];
/// The five types.
pub const TYPES: [&str; 5] = [
    "upsell",
    "cross_sell",
    "add_on",
    "seat_expansion",
    "tier_upgrade",
];

/// CSMs and sales reps share one list: the third person is both.
const PEOPLE: [(&str, &str); 6] = [
    ("CSM-1", "Ava Stone"),
    ("CSM-2", "Ben Moor"),
    ("CSM-3", "Cleo Diaz"),
    ("REP-1", "Dan Fox"),
    ("REP-2", "Eva Lund"),
    ("CSM-9", ""),
];
const CUSTOMERS: [(&str, &str); 6] = [
    ("CUS-1", "Acme Corp"),
    ("CUS-2", "Globex"),
    ("CUS-3", "Initech GmbH"),
    ("CUS-4", "Umbrella, Inc."),
    ("CUS-5", "Hooli"),
    ("CUS-6", ""),
];
const SOURCES: [&str; 4] = ["usage_signal", "qbr", "csm_identified", "support"];
const LINES: [&str; 3] = ["Analytics", "Analytics Pro", "Security"];
const REGIONS: [&str; 3] = ["West", "East", "North"];
const SEGMENTS: [&str; 2] = ["SMB", "Enterprise"];
const NAMES: [&str; 5] = [
    "Fifty more seats",
    "API volume",
    "Premium tier",
    "Audit log, \"plus\"",
    "",
];
const REASONS: [&str; 4] = ["budget", "competitor", "price", "vendor risk"];

/// Days that questions are asked on: ends and starts of quarters and years, a leap day, every weekday.
const TODAYS: [&str; 8] = [
    "2026-01-29",
    "2026-03-31",
    "2026-04-01",
    "2025-12-31",
    "2024-02-29",
    "2026-05-17",
    "2026-11-02",
    "2026-08-15",
];

/// An opportunity as a row of `opportunities.csv` states it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deal {
    pub id: String,
    pub customer: Option<usize>,
    pub name: &'static str,
    pub kind: usize,
    pub line: Option<usize>,
    pub source: Option<usize>,
    /// In hundredths of its currency.
    pub estimate: i64,
    /// In basis points.
    pub probability: Option<u16>,
    pub identified: Option<NaiveDate>,
    pub expected: Option<NaiveDate>,
    pub closed: Option<NaiveDate>,
    pub stage: usize,
    pub entered: Option<NaiveDate>,
    pub csm: Option<usize>,
    pub rep: Option<usize>,
    pub closed_value: Option<i64>,
    pub reason: Option<&'static str>,
    pub currency: &'static str,
    pub category: &'static str,
    pub region: Option<usize>,
    /// (from, to, at), in the order in which they happened.
    pub moves: Vec<(Option<usize>, usize, NaiveDate)>,
}

impl Deal {
    /// An amount as the decimals of its currency allow.
    fn shown(&self, hundredths: i64) -> String {
        if self.currency == "JPY" {
            (hundredths / 100).to_string()
        } else {
            money(hundredths)
        }
    }

    /// Its estimate as its row states it.
    pub fn shown_estimate(&self) -> String {
        self.shown(self.estimate)
    }
}

/// A row of `customers.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    pub arr: Option<i64>,
    pub segment: Option<usize>,
    pub region: Option<usize>,
}

/// A row of `targets.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub month: NaiveDate,
    pub amount: i64,
    pub csm: Option<usize>,
    pub kind: Option<usize>,
}

/// A row of `rates.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pub currency: &'static str,
    pub date: NaiveDate,
    /// In ten-thousandths.
    pub rate: u32,
}

/// A folder of export files, and the day it is imported and asked about.
#[derive(Clone, PartialEq)]
pub struct Export {
    pub today: NaiveDate,
    pub deals: Vec<Deal>,
    pub customers: Vec<Customer>,
    /// The regions of the people; without any there is no `csms.csv`.
    pub people: Option<Vec<Option<usize>>>,
    pub targets: Vec<Target>,
    pub rates: Vec<Rate>,
    pub settings: Vec<(&'static str, String)>,
    /// Whether probabilities are written as percents.
    pub percent: bool,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "on {}", self.today)?;
        self.files()
            .iter()
            .try_for_each(|(name, text)| writeln!(f, "--- {name}\n{text}"))
    }
}

fn money(hundredths: i64) -> String {
    match hundredths % 100 {
        0 => (hundredths / 100).to_string(),
        cents => format!("{}.{cents:02}", hundredths / 100),
    }
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn csv<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).unwrap();
    rows.into_iter()
        .for_each(|row| writer.write_record(row).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

impl Export {
    /// The files as (name, text). Every file has all its columns, so that the oracles can rely on them.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let deals = csv(
            [
                "id",
                "customer_id",
                "customer_name",
                "name",
                "type",
                "product_line",
                "estimated_value",
                "probability",
                "identified_date",
                "expected_close",
                "actual_close",
                "stage",
                "stage_entered_at",
                "csm_id",
                "csm_name",
                "sales_rep_id",
                "sales_rep_name",
                "source",
                "closed_value",
                "lost_reason",
                "currency",
                "forecast_category",
                "region",
            ],
            self.deals.iter().map(|deal| self.row(deal)),
        );
        let customers = csv(
            ["id", "name", "arr", "segment", "region"],
            CUSTOMERS
                .iter()
                .zip(&self.customers)
                .map(|((id, name), customer)| {
                    [
                        (*id).to_owned(),
                        (*name).to_owned(),
                        shown(customer.arr.map(money)),
                        shown(customer.segment.map(|place| SEGMENTS[place])),
                        shown(customer.region.map(|place| REGIONS[place])),
                    ]
                }),
        );
        let moves = self.deals.iter().flat_map(|deal| {
            deal.moves.iter().map(|(from, to, at)| {
                [
                    deal.id.clone(),
                    shown(from.map(|stage| STAGES[stage])),
                    STAGES[*to].to_owned(),
                    at.to_string(),
                ]
            })
        });
        let history = csv(["opportunity_id", "from_stage", "to_stage", "at"], moves);
        let targets = csv(
            ["month", "amount", "csm_id", "type"],
            self.targets.iter().map(|target| {
                [
                    target.month.format("%Y-%m").to_string(),
                    money(target.amount),
                    shown(target.csm.map(|csm| PEOPLE[csm].0)),
                    shown(target.kind.map(|kind| TYPES[kind])),
                ]
            }),
        );
        let rates = csv(
            ["currency", "date", "rate"],
            self.rates.iter().map(|rate| {
                let (whole, decimals) = (rate.rate / 10_000, rate.rate % 10_000);
                let rate_shown = format!("{whole}.{decimals:04}");
                [rate.currency.to_owned(), rate.date.to_string(), rate_shown]
            }),
        );
        let settings = csv(
            ["name", "value"],
            self.settings
                .iter()
                .map(|(name, value)| [(*name).to_owned(), value.clone()]),
        );
        let mut files = vec![
            ("opportunities.csv", deals),
            ("customers.csv", customers),
            ("stage_history.csv", history),
            ("targets.csv", targets),
            ("rates.csv", rates),
            ("settings.csv", settings),
        ];
        let people = self.people.iter().flatten();
        let people = csv(
            ["id", "name", "region"],
            PEOPLE.iter().zip(people).map(|((id, name), region)| {
                [
                    (*id).to_owned(),
                    (*name).to_owned(),
                    shown(region.map(|place| REGIONS[place])),
                ]
            }),
        );
        files.push(("csms.csv", people));
        files
    }

    fn row(&self, deal: &Deal) -> [String; 23] {
        let person = |place: Option<usize>| place.map(|place| PEOPLE[place]).unwrap_or_default();
        let customer = deal
            .customer
            .map(|place| CUSTOMERS[place])
            .unwrap_or_default();
        let probability = deal.probability.map(|points| {
            let points = u32::from(points);
            if self.percent {
                format!("{}.{:02}%", points / 100, points % 100)
            } else {
                format!("{}.{:04}", points / 10_000, points % 10_000)
            }
        });
        let amount = |hundredths: i64| deal.shown(hundredths);
        [
            deal.id.clone(),
            customer.0.to_owned(),
            customer.1.to_owned(),
            deal.name.to_owned(),
            TYPES[deal.kind].to_owned(),
            shown(deal.line.map(|place| LINES[place])),
            amount(deal.estimate),
            shown(probability),
            shown(deal.identified),
            shown(deal.expected),
            shown(deal.closed),
            STAGES[deal.stage].to_owned(),
            shown(deal.entered),
            person(deal.csm).0.to_owned(),
            person(deal.csm).1.to_owned(),
            person(deal.rep).0.to_owned(),
            person(deal.rep).1.to_owned(),
            shown(deal.source.map(|place| SOURCES[place])),
            shown(deal.closed_value.map(amount)),
            deal.reason.unwrap_or_default().to_owned(),
            deal.currency.to_owned(),
            deal.category.to_owned(),
            shown(deal.region.map(|place| REGIONS[place])),
        ]
    }

    /// The files as the importer takes them; a file without rows is left out, as exports do.
    pub fn sources(&self) -> Vec<Source> {
        let files = self
            .files()
            .into_iter()
            .filter(|(name, text)| *name == "opportunities.csv" || text.lines().count() > 1);
        files
            .map(|(name, text)| Source {
                name: name.to_owned(),
                bytes: text.into_bytes(),
            })
            .collect()
    }
}

// How far a day lies from today, near ones oftener than far ones.
fn ago(most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![2 => 0..10_i64, 1 => select(vec![0_i64, 1, 6, 7, 8, 13, 14]), 3 => 0..=most]
}

fn ahead() -> impl Strategy<Value = i64> {
    prop_oneof![2 => -3..=3_i64, 3 => -120..=200_i64, 1 => -420..=420_i64]
}

/// Amounts in hundredths: nothing, half-cent makers, the edges of size bands, round and crooked ones.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        1 => Just(0),
        2 => 1..400_i64,
        2 => select(vec![999_999_i64, 1_000_000, 2_499_999, 2_500_000, 5_000_000, 10_000_000, 25_000_000]),
        3 => (1..400_i64).prop_map(|thousands| thousands * 100_000),
        3 => 1..40_000_000_i64,
    ]
}

fn probability() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![
        4 => Just(None),
        2 => select(vec![0_u16, 1_000, 4_000, 6_000, 8_000, 10_000]).prop_map(Some),
        2 => (0..=10_000_u16).prop_map(Some),
        2 => (0..=200_u16).prop_map(|half| Some(half * 50)),
    ]
}

/// How a deal came to its stage: its first stage, whether the first row names it or states it by
/// itself, the stages it then went through with the days between, and the days it took to the last.
type Path = (usize, bool, Vec<(usize, i64)>, i64);

fn path() -> impl Strategy<Value = Option<Path>> {
    let first = prop_oneof![4 => Just(0_usize), 1 => 0..4_usize];
    weighted(
        0.6,
        (
            first,
            any::<bool>(),
            vec((0..6_usize, 0..30_i64), 0..4),
            0..30_i64,
        ),
    )
}

type Shape = (
    usize,
    usize,
    Option<i64>,
    Option<i64>,
    i64,
    i64,
    Option<Path>,
    Option<i64>,
);
type Parties = (
    Option<usize>,
    Option<usize>,
    Option<usize>,
    Option<usize>,
    Option<usize>,
    Option<usize>,
    usize,
);
type Worth = (
    i64,
    Option<i64>,
    Option<u16>,
    &'static str,
    &'static str,
    Option<&'static str>,
);

fn deal() -> impl Strategy<Value = (Shape, Parties, Worth)> {
    let shape = (
        0..6_usize,
        0..5_usize,
        weighted(0.9, ago(400)),
        weighted(0.9, ahead()),
        ago(400),
        prop_oneof![6 => Just(0_i64), 1 => -5..=5_i64],
        path(),
        weighted(0.85, ago(200)),
    );
    let parties = (
        weighted(0.9, 0..CUSTOMERS.len()),
        weighted(0.85, select(vec![0_usize, 1, 2, 5])),
        weighted(0.6, select(vec![2_usize, 3, 4])),
        weighted(0.8, 0..SOURCES.len()),
        weighted(0.8, 0..LINES.len()),
        weighted(0.4, 0..REGIONS.len()),
        0..NAMES.len(),
    );
    let currency = prop_oneof![8 => Just(""), 1 => Just("USD"), 2 => Just("EUR"), 1 => Just("JPY")];
    let category = prop_oneof![6 => Just(""), 1 => Just("pipeline"), 1 => Just("best_case"), 1 => Just("commit"), 1 => Just("omitted")];
    let worth = (
        amount(),
        of(amount()),
        probability(),
        currency,
        category,
        of(select(REASONS.to_vec())),
    );
    (shape, parties, worth)
}

fn day(today: NaiveDate, ahead: i64) -> NaiveDate {
    let days = Days::new(ahead.unsigned_abs());
    if ahead < 0 {
        today - days
    } else {
        today + days
    }
}

fn build(
    number: usize,
    today: NaiveDate,
    (shape, parties, worth): (Shape, Parties, Worth),
) -> Deal {
    let (stage, kind, identified, expected, closed_ago, shift, path, entered) = shape;
    let (customer, csm, rep, source, line, region, name) = parties;
    let (estimate, closed_value, probability, currency, category, reason) = worth;
    let identified = identified.map(|ago| day(today, -ago));
    let is_closed = stage >= 4;
    let mut deal = Deal {
        id: format!("D-{}", number + 1),
        customer,
        name: NAMES[name],
        kind,
        line,
        source,
        estimate,
        probability: probability.filter(|_| !is_closed),
        identified,
        expected: expected.map(|ahead| day(today, ahead)),
        closed: None,
        stage,
        entered: entered.map(|ago| day(today, -ago).max(identified.unwrap_or(NaiveDate::MIN))),
        csm,
        rep,
        closed_value: (stage == 4).then(|| closed_value.unwrap_or(estimate)),
        reason: reason.filter(|_| stage == 5),
        currency,
        category: if is_closed { "" } else { category },
        region,
        moves: Vec::new(),
    };
    if is_closed {
        // Some are closed before they were identified: only without a history, which would deny it.
        let on = day(today, -closed_ago);
        deal.closed = Some(if shift < 0 {
            on
        } else {
            on.max(identified.unwrap_or(on))
        });
        deal.entered = entered.and(deal.closed);
    } else if stage == 0 {
        deal.entered = deal.entered.and(identified.or(deal.entered));
    }
    if let Some(path) = path {
        walk(&mut deal, today, path, shift);
    }
    deal
}

/// Whether a deal comes back on one day to a stage that it was in on that day.
fn goes_round_in_a_day(moves: &[(Option<usize>, usize, NaiveDate)]) -> bool {
    moves.chunk_by(|one, other| one.2 == other.2).any(|of_day| {
        let mut seen: BTreeSet<usize> = of_day.first().and_then(|row| row.0).into_iter().collect();
        !of_day.iter().all(|row| seen.insert(row.1))
    })
}

/// Gives a deal the history that a path tells, ending where the deal stands.
fn walk(deal: &mut Deal, today: NaiveDate, (first, named, steps, last): Path, shift: i64) {
    let start = deal.identified.unwrap_or_else(|| day(today, -90));
    let (mut at, mut stage) = (start, first);
    let mut moves = Vec::new();
    if !named {
        // The export states the first stage as a row of its own, without where it came from.
        at = (at + Days::new(last.unsigned_abs() % 3)).min(today);
        moves.push((None, first, at));
    }
    for (to, days) in steps.into_iter().chain([(deal.stage, last)]) {
        if to != stage {
            at = day(at, days).min(today);
            moves.push((Some(stage), to, at));
            stage = to;
        }
    }
    if goes_round_in_a_day(&moves) {
        // Dates without times do not say in which order; `laws` has such days by themselves.
        return walk(deal, today, (first, named, Vec::new(), last), shift);
    }
    if moves.is_empty() {
        // It never moved, so there is nothing to tell and the deal stands in its only stage.
        return;
    }
    deal.moves = moves;
    deal.entered = deal.entered.and(Some(at));
    if deal.stage >= 4 {
        let before = deal.moves.iter().rev().nth(1).map_or(start, |row| row.2);
        deal.closed = Some(day(at, shift).clamp(before.max(start).min(at), today));
        deal.entered = deal.entered.and(Some(at));
    }
}

fn target(today: NaiveDate) -> impl Strategy<Value = Vec<Target>> {
    let first = today.with_day(1).unwrap() - Months::new(13);
    let of_scope = (
        amount(),
        prop_oneof![3 => Just(None), 1 => select(vec![0_usize, 1, 2]).prop_map(Some)],
        prop_oneof![3 => Just(None), 1 => (0..5_usize).prop_map(Some)],
        0..14_u32,
        0..24_u32,
    );
    vec(of_scope, 0..4).prop_map(move |scopes| {
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for (amount, csm, kind, from, months) in scopes {
            for month in 0..months {
                let month = first + Months::new(from + month);
                if seen.insert((month, csm, kind)) {
                    let amount = amount + i64::from(month.month());
                    targets.push(Target {
                        month,
                        amount,
                        csm,
                        kind,
                    });
                }
            }
        }
        targets
    })
}

/// Rates of two currencies, in half of the exports; each day of a currency once.
fn rates(today: NaiveDate) -> impl Strategy<Value = Vec<Rate>> {
    let euro = (Just("EUR"), ago(400), 1..30_000_u32);
    let yen = (Just("JPY"), ago(400), 1..200_u32);
    let some = vec(prop_oneof![2 => euro, 1 => yen], 1..7);
    prop_oneof![1 => Just(Vec::new()), 1 => some].prop_map(move |rows| {
        let mut seen = BTreeSet::new();
        let rows = rows.into_iter().map(|(currency, ago, rate)| Rate {
            currency,
            date: day(today, -ago),
            rate,
        });
        rows.filter(|row| seen.insert((row.currency, row.date)))
            .collect()
    })
}

fn settings() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let stage = select(vec![
        "probability.identified",
        "probability.qualified",
        "probability.proposal",
        "probability.negotiation",
    ]);
    let probability = (stage, 0..=200_u32)
        .prop_map(|(name, half)| (name, format!("{}.{}%", half / 2, half % 2 * 5)));
    let category = (
        select(vec![
            "category.identified",
            "category.qualified",
            "category.proposal",
            "category.negotiation",
        ]),
        select(vec!["pipeline", "best_case", "commit", "omitted"]),
    )
        .prop_map(|(name, value)| (name, value.to_owned()));
    let other = prop_oneof![
        select(vec!["sunday", "thursday"]).prop_map(|value| ("week_start", value.to_owned())),
        (1..=12_u32).prop_map(|month| ("fiscal_year_start", month.to_string())),
        select(vec!["commit", "best_case", "upside", "closed"])
            .prop_map(|value| ("headline_measure", value.to_owned())),
        (1..=4_u32).prop_map(|least| ("ranking_minimum", least.to_string())),
    ];
    let one = prop_oneof![2 => probability, 1 => category, 3 => other];
    prop_oneof![1 => Just(Vec::new()), 2 => vec(one, 1..4)].prop_map(|mut settings| {
        let mut seen = BTreeSet::new();
        settings.retain(|(name, _)| seen.insert(*name));
        settings
    })
}

/// Export folders of up to this many deals.
pub fn export(most: usize) -> impl Strategy<Value = Export> {
    let customer = || {
        (
            weighted(0.7, amount()),
            of(0..SEGMENTS.len()),
            of(0..REGIONS.len()),
        )
            .prop_map(|(arr, segment, region)| Customer {
                arr,
                segment,
                region,
            })
    };
    let people = || of(vec(of(0..REGIONS.len()), PEOPLE.len()));
    select(TODAYS.to_vec()).prop_flat_map(move |today| {
        let today: NaiveDate = today.parse().unwrap();
        let parts = (
            vec(deal(), 0..=most),
            vec(customer(), CUSTOMERS.len()),
            people(),
            target(today),
            rates(today),
            settings(),
            any::<bool>(),
        );
        parts.prop_map(
            move |(deals, customers, people, targets, rates, settings, percent)| Export {
                today,
                deals: deals
                    .into_iter()
                    .enumerate()
                    .map(|(number, raw)| build(number, today, raw))
                    .collect(),
                customers,
                people,
                targets,
                rates,
                settings,
                percent,
            },
        )
    })
}

/// The parts of a filter: (key, values), each key once; `where` is written "where:region".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    pub only: Vec<(String, Vec<String>)>,
    pub exclude: Vec<(String, Vec<String>)>,
}

impl Filters {
    /// The arguments of a tool that stand for it.
    pub fn arguments(&self) -> Map<String, Value> {
        let mut arguments = object(&self.only);
        if !self.exclude.is_empty() {
            arguments.insert("exclude".to_owned(), Value::Object(object(&self.exclude)));
        }
        arguments
    }

    /// Whether its stages leave any of the open, or of the closed ones. A period of deals of which
    /// none are left is refused.
    pub fn leaves(&self, open: bool) -> bool {
        let named = |parts: &[(String, Vec<String>)], stage: &str| {
            let words = parts.iter().find(|(key, _)| key == "stage");
            words.map(|(_, words)| {
                let group = if open { "open" } else { "closed" };
                words
                    .iter()
                    .any(|word| [stage, group, "all"].contains(&word.as_str()))
            })
        };
        let stages = if open { &STAGES[..4] } else { &STAGES[4..] };
        stages.iter().any(|stage| {
            named(&self.only, stage).unwrap_or(true)
                && !named(&self.exclude, stage).unwrap_or(false)
        })
    }
}

/// Exchanges a least value and a greatest one below it: together they are refused.
fn in_order(only: &mut [(String, Vec<String>)]) {
    let place = |wanted: &str| only.iter().position(|(key, _)| key == wanted);
    if let (Some(least), Some(most)) = (place("min_value"), place("max_value")) {
        let value = |place: usize| only[place].1[0].parse::<f64>().unwrap();
        if value(least) > value(most) {
            only[least].0 = "max_value".to_owned();
            only[most].0 = "min_value".to_owned();
        }
    }
}

fn object(parts: &[(String, Vec<String>)]) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, values) in parts {
        let value = match (key.as_str(), values.as_slice()) {
            ("min_value" | "max_value", [value]) => json!(value.parse::<f64>().unwrap()),
            // One bare value is accepted, too.
            (_, [value]) if !key.starts_with("where") => json!(value),
            _ => json!(values),
        };
        if let Some(attribute) = key.strip_prefix("where:") {
            let pairs = object.entry("where").or_insert_with(|| json!([]));
            let pair = format!("{attribute}={}", values[0]);
            pairs.as_array_mut().unwrap().push(json!(pair));
        } else {
            object.insert(key.clone(), value);
        }
    }
    object
}

/// What a filter is made of before it is known which export it is asked of.
pub type FilterSeed = (Vec<(usize, Vec<Index>)>, Vec<(usize, Vec<Index>)>);

/// Filters with several parts, few of them mostly.
pub fn filters() -> impl Strategy<Value = FilterSeed> {
    let part = || (0..11_usize, vec(any::<Index>(), 1..3));
    let only = prop_oneof![2 => Just(0..=0_usize), 3 => Just(1..=1_usize), 2 => Just(2..=4_usize)]
        .prop_flat_map(move |size| vec(part(), size));
    (
        only,
        prop_oneof![2 => Just(0..=0_usize), 1 => Just(1..=2_usize)]
            .prop_flat_map(move |size| vec(part(), size)),
    )
}

impl Export {
    /// The filter that a seed stands for here: only words that something on record answers to.
    pub fn filter(&self, seed: &FilterSeed, with_stage: bool) -> Filters {
        let parts = |seed: &[(usize, Vec<Index>)]| {
            let mut parts: Vec<(String, Vec<String>)> = Vec::new();
            for (key, places) in seed {
                let (key, known) = self.words(*key);
                let one = matches!(
                    key,
                    "min_value" | "max_value" | "where:region" | "where:segment"
                );
                if known.is_empty()
                    || (key == "stage" && !with_stage)
                    || parts.iter().any(|(other, _)| other == key)
                {
                    continue;
                }
                let mut values: Vec<String> = Vec::new();
                for place in places.iter().take(if one { 1 } else { 3 }) {
                    let value = place.get(&known).clone();
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                parts.push((key.to_owned(), values));
            }
            parts
        };
        let mut only = parts(&seed.0);
        in_order(&mut only);
        Filters {
            only,
            exclude: parts(&seed.1),
        }
    }

    /// A key of the filter and the words on record for it.
    fn words(&self, key: usize) -> (&'static str, Vec<String>) {
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let listed = |places: BTreeSet<usize>, list: &[&str]| {
            places
                .into_iter()
                .map(|place| list[place].to_owned())
                .collect()
        };
        // By name, or by id where there is no name.
        let people = |of: &[fn(&Deal) -> Option<usize>]| -> Vec<String> {
            let places: BTreeSet<usize> = self
                .deals
                .iter()
                .flat_map(|deal| of.iter().filter_map(|get| get(deal)))
                .collect();
            places
                .into_iter()
                .flat_map(|place| [PEOPLE[place].0, PEOPLE[place].1])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        match key {
            0 => ("type", owned(&TYPES)),
            1 => (
                "stage",
                owned(&[&STAGES[..], &["open", "closed", "all"]].concat()),
            ),
            2 => ("csm", people(&[|deal| deal.csm])),
            3 => ("sales_rep", people(&[|deal| deal.rep])),
            4 => ("owner", people(&[|deal| deal.csm, |deal| deal.rep])),
            5 => {
                let on_record = CUSTOMERS
                    .iter()
                    .flat_map(|(id, name)| [*id, *name])
                    .filter(|word| !word.is_empty());
                ("customer", on_record.map(str::to_owned).collect())
            }
            6 => (
                "source",
                listed(
                    self.deals.iter().filter_map(|deal| deal.source).collect(),
                    &SOURCES,
                ),
            ),
            7 => (
                "product_line",
                listed(
                    self.deals.iter().filter_map(|deal| deal.line).collect(),
                    &LINES,
                ),
            ),
            8 => {
                let deals = self.deals.iter().filter_map(|deal| deal.region);
                let customers = self.customers.iter().filter_map(|customer| customer.region);
                let people = self.people.iter().flatten().filter_map(|region| *region);
                (
                    "where:region",
                    listed(deals.chain(customers).chain(people).collect(), &REGIONS),
                )
            }
            9 => (
                "min_value",
                owned(&["0", "1", "9999.99", "10000", "25000.5", "150000"]),
            ),
            _ => (
                "max_value",
                owned(&["0", "10000", "24999.99", "99999", "250000"]),
            ),
        }
    }
}

/// Runs a property over generated inputs. `ORACLE_CASES` sets how many, `ORACLE_SEED` the number they
/// are made from; both are printed. A failure is shrunk and shown with its files.
pub fn prove<S: Strategy>(
    name: &str,
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let number = |variable: &str| {
        std::env::var(variable)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("ORACLE_SEED").unwrap_or(1);
    let cases = number("ORACLE_CASES")
        .and_then(|cases| u32::try_from(cases).ok())
        .unwrap_or(cases);
    println!("{name}: {cases} cases, ORACLE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    match runner.run(&strategy, test) {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => {
            panic!("{name}, ORACLE_SEED={seed}: {reason}\n{input:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("{name}, ORACLE_SEED={seed}: {reason}"),
    }
}

/// Imports an export into a database of its own.
pub fn imported(export: &Export) -> Portfolio {
    let portfolio = empty(&export.today.to_string());
    let done = portfolio
        .import(export.sources(), None, &caller())
        .unwrap_or_else(|error| panic!("{error:?}\n{export:?}"));
    assert!(
        done.written,
        "the importer rejects what it should take: {:#?}\n{export:?}",
        done.rejections
    );
    portfolio
}

/// A span of days near today: a month, a quarter, a year to be, or any two days.
pub fn span() -> impl Strategy<Value = (i64, i64, u8)> {
    (-14..=14_i64, 0..130_i64, 0..8_u8)
}

/// The days of a span, both included.
pub fn span_of(today: NaiveDate, (place, length, sort): (i64, i64, u8)) -> (NaiveDate, NaiveDate) {
    let month = |away: i64| {
        let first = today.with_day(1).unwrap();
        let months = Months::new(u32::try_from(away.unsigned_abs()).unwrap());
        if away < 0 {
            first - months
        } else {
            first + months
        }
    };
    match sort {
        0..=2 => (month(place / 5), month(place / 5 + 3).pred_opt().unwrap()),
        3 | 4 => (month(place / 4), month(place / 4 + 1).pred_opt().unwrap()),
        5 => (month(place), month(place + 12).pred_opt().unwrap()),
        _ => (day(today, place * 10), day(today, place * 10 + length)),
    }
}
