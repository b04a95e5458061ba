//! What each deal adds to the figures of a report, and how those come about that are made of others.

use rustc_hash::FxHashMap;

use super::performance::Column;
use super::segments::{self, Dating, Dimension};
use super::slip::Slips;
use crate::domain::change::{Day, NO_DAY};
use crate::domain::deal::Deal;
use crate::domain::filter::{Tally, is_overdue};
use crate::domain::measure::{Measures, Span};
use crate::domain::portfolio::Portfolio;
use crate::domain::settings::Measure;
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::waterfall::{Bucket, Membership, Waterfall};
use crate::language::behind::{Behind, Unit};

/// How a count of deals names its figures.
const COUNTED: [&str; 3] = ["count", "value", "weighted"];

const COUNT: &str = "one for each deal";
const VALUE: &str =
    "Σ value of its deals: the estimate while open or lost, the closed value once won";
const WEIGHTED: &str = "Σ value × probability of its deals, rounded per deal";

/// Adds count, value and weighted value of some deals, under these names.
fn tally<'a>(
    behind: &mut Behind,
    names: [Option<String>; 3],
    deals: &[&'a Deal],
    portfolio: &'a Portfolio,
) {
    let settings = portfolio.settings();
    let [count, value, weighted] = names;
    let of = |part: fn(&Tally) -> i64| {
        deals
            .iter()
            .map(move |deal| (deal.number, part(&Tally::of(deal, settings))))
    };
    if let Some(path) = count {
        behind.sum(path, COUNT, Unit::Number, of(|_| 1));
    }
    if let Some(path) = value {
        behind.sum(path, VALUE, Unit::Money, of(|tally| tally.value));
    }
    if let Some(path) = weighted {
        behind.sum(path, WEIGHTED, Unit::Money, of(|tally| tally.weighted));
    }
}

fn named(path: &str, names: [&str; 3]) -> [Option<String>; 3] {
    names.map(|name| (!name.is_empty()).then(|| format!("{path}{name}")))
}

fn those<'a>(deals: &[&'a Deal], wanted: impl Fn(&Deal) -> bool) -> Vec<&'a Deal> {
    deals.iter().copied().filter(|deal| wanted(deal)).collect()
}

/// Of `get_pipeline`: the open deals and the closed ones it shows.
pub fn pipeline(deals: &[&Deal], portfolio: &Portfolio) -> Behind {
    let mut behind = Behind::default();
    let open = those(deals, Deal::is_open);
    let names = ["total_opportunities", "total_value", "weighted_value"];
    tally(&mut behind, named("summary.", names), &open, portfolio);
    behind.of_figures(
        "summary.avg_probability",
        "summary.weighted_value ÷ summary.total_value",
    );
    for kind in ExpansionType::ALL {
        let path = format!("summary.by_type.{}.", kind.word());
        let of_kind = those(&open, |deal| deal.kind == kind);
        let names = ["count", "value", "weighted_value"];
        tally(&mut behind, named(&path, names), &of_kind, portfolio);
    }
    for stage in Stage::ALL {
        let path = format!("by_stage.{}.", stage.word());
        let of_stage = those(deals, |deal| deal.stage == stage);
        let names = ["count", "value", "weighted_value"];
        tally(&mut behind, named(&path, names), &of_stage, portfolio);
        if stage.is_open() {
            behind.of_figures(
                format!("{path}share"),
                "value of the stage ÷ summary.total_value",
            );
            behind.of_figures(
                format!("{path}conversion_rate"),
                "converted ÷ (converted + lost), of deals with stage history that ever entered the stage",
            );
        }
    }
    behind
}

const LANDING: &str = "the amount that closing stays at or below in 10, 50, 90% of cases when every open deal closes by itself at its probability";

/// Of `get_forecast`: what is won in the period, and open and due in it.
pub fn forecast(
    deals: &[&Deal],
    portfolio: &Portfolio,
    span: Span,
    months: &[(String, Span)],
    today: Day,
    headline: Measure,
) -> Behind {
    let settings = portfolio.settings();
    let mut behind = Behind::default();
    let measure = |measure: Measure| {
        deals.iter().filter_map(move |deal| {
            let added = Measures::of(deal, settings, span, today).get(measure);
            (added != 0).then_some((deal.number, added))
        })
    };
    let formula = |measure: Measure| match measure {
        Measure::Closed => "Σ closed value of deals won in the period",
        Measure::WorstCase => "closed: no open deal counts",
        Measure::Commit => "closed + Σ value of open deals due in category commit",
        Measure::BestCase => "commit + Σ value of open deals due in category best_case",
        Measure::Upside => "closed + Σ value of open deals due, but those omitted",
        Measure::Weighted => {
            "closed + Σ value × probability of open deals due, but those omitted, rounded per deal"
        }
    };
    behind.sum(
        "forecast",
        formula(headline),
        Unit::Money,
        measure(headline),
    );
    for (word, each) in Measure::WORDS {
        behind.sum(word, formula(each), Unit::Money, measure(each));
    }
    for (month, part) in months {
        let of_month = |deal: &&&Deal| part.contains(deal.close) && !is_overdue(deal, today);
        for (word, each) in [
            ("closed", Measure::Closed),
            ("commit", Measure::Commit),
            ("best_case", Measure::BestCase),
            ("weighted", Measure::Weighted),
        ] {
            let added = deals.iter().filter(of_month).filter_map(|deal| {
                let added = Measures::of(deal, settings, span, today).get(each);
                (added != 0).then_some((deal.number, added))
            });
            let path = format!("by_month.{month}.{word}");
            behind.sum(path, formula(each), Unit::Money, added);
        }
    }
    let running = !span.has_ended(today);
    let due = those(deals, Deal::is_open);
    let (omitted, counted): (Vec<&Deal>, Vec<&Deal>) = due
        .into_iter()
        .partition(|deal| deal.category(settings) == Category::Omitted);
    let overdue = those(&counted, |deal| is_overdue(deal, today) || !running);
    let counted = if running { counted } else { Vec::new() };
    for (path, deals) in [
        ("open.", &counted),
        ("overdue.", &overdue),
        ("omitted.", &omitted),
    ] {
        tally(&mut behind, named(path, COUNTED), deals, portfolio);
    }
    for (path, formula) in [
        (
            "target",
            "the targets of the months of the period, or assume_target",
        ),
        ("gap_to_target", "target − forecast"),
        ("variance", "forecast − target"),
        ("attainment", "closed ÷ target"),
        ("pipeline_coverage", "open.value ÷ target"),
        ("coverage_of_remaining", "open.value ÷ (target − closed)"),
        (
            "coverage_needed",
            "1 ÷ win rate of the trailing twelve months",
        ),
        ("landing.p10", LANDING),
        ("landing.p50", LANDING),
        ("landing.p90", LANDING),
        (
            "landing.chance_of_target",
            "the share of cases in which closed comes to the target when every open deal closes by itself at its probability",
        ),
    ] {
        behind.of_figures(path, formula);
    }
    behind
}

/// Of `list_opportunities`: every deal that matches.
pub fn list(deals: &[&Deal], portfolio: &Portfolio) -> Behind {
    let mut behind = Behind::default();
    tally(&mut behind, named("", ["total", "", ""]), deals, portfolio);
    let open = those(deals, Deal::is_open);
    tally(&mut behind, named("open.", COUNTED), &open, portfolio);
    for (state, stage) in [("won", Stage::ClosedWon), ("lost", Stage::ClosedLost)] {
        let of_state = those(deals, |deal| deal.stage == stage);
        let names = ["_count", "_value", ""];
        tally(&mut behind, named(state, names), &of_state, portfolio);
    }
    behind
}

/// Of `win_rate` and `get_analytics`: the deals counted, in figures that stand below a path.
pub fn win_rate(path: &str, deals: &[&Deal], portfolio: &Portfolio) -> Behind {
    let below = |name: &str| format!("{path}{name}");
    let mut behind = Behind::default();
    let (won, lost) = (
        those(deals, Deal::is_won),
        those(deals, |deal| !deal.is_open() && !deal.is_won()),
    );
    for (path, deals) in [(below("won"), &won), (below("lost"), &lost)] {
        tally(
            &mut behind,
            named(&path, ["", "_value", ""]),
            deals,
            portfolio,
        );
        behind.sum(
            path,
            COUNT,
            Unit::Number,
            deals.iter().map(|deal| (deal.number, 1)),
        );
    }
    behind.mean(
        below("win_rate.rate"),
        "won ÷ (won + lost), or ÷ all identified with basis created",
        Unit::Number,
        deals
            .iter()
            .map(|deal| (deal.number, i64::from(deal.is_won()))),
    );
    behind.of_figures(
        below("win_rate_by_value"),
        "won_value ÷ (won_value + lost_value)",
    );
    behind.mean(
        below("avg_deal_size.mean"),
        "mean closed value of the deals won",
        Unit::Money,
        won.iter()
            .filter(|deal| !deal.foreign)
            .map(|deal| (deal.number, deal.value)),
    );
    for (path, deals) in [
        ("cycle_days.won.mean", &won),
        ("cycle_days.lost.mean", &lost),
    ] {
        let cycle = |deal: &&Deal| {
            let days = deal.close.checked_sub(deal.identified)?;
            (deal.identified != NO_DAY && days >= 0).then_some((deal.number, i64::from(days)))
        };
        behind.mean(
            below(path),
            "mean days from identified_date to actual_close",
            Unit::Number,
            deals.iter().filter_map(cycle),
        );
    }
    behind
}

/// Of `win_rate`: the same of every segment of the deals counted.
pub fn segments(
    behind: &mut Behind,
    deals: &[&Deal],
    dimension: &Dimension,
    dating: Dating,
    portfolio: &Portfolio,
) {
    let mut of_key: FxHashMap<u64, Vec<&Deal>> = FxHashMap::default();
    for deal in deals {
        let key = dimension.key(deal, portfolio, dating);
        of_key.entry(key).or_default().push(deal);
    }
    let mut of_name = segments::named(of_key, dimension, portfolio);
    of_name.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
    for (_, name, deals) in of_name {
        let path = format!("segments.{name}.");
        let found = win_rate(&path, &deals, portfolio);
        behind.figures.extend(found.figures);
    }
}

/// The deals that an analysis counts.
#[derive(Debug, Default)]
pub struct Gathered<'a> {
    /// Closed in the period.
    pub closed: Vec<&'a Deal>,
    /// Open now.
    pub open: Vec<&'a Deal>,
    /// Found, in the period where one is asked for.
    pub found: Vec<&'a Deal>,
    /// Due when the period opened, each with its part in the slip rate.
    pub due: Vec<(&'a Deal, Slips)>,
}

/// Of `get_analytics`: all deals counted, and those of each segment.
pub fn analytics(
    all: &Gathered<'_>,
    segments: FxHashMap<u64, Gathered<'_>>,
    dimension: Option<&Dimension>,
    shows: impl Fn(Column) -> bool,
    portfolio: &Portfolio,
) -> Behind {
    let mut behind = Behind::default();
    gathered(&mut behind, "", all, &shows, portfolio);
    if let Some(dimension) = dimension {
        let mut of_name = segments::named(segments, dimension, portfolio);
        of_name.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
        for (_, name, deals) in of_name {
            let path = format!("segments.{name}.");
            gathered(&mut behind, &path, &deals, &shows, portfolio);
        }
    }
    for (column, path, formula) in [
        (
            Column::Velocity,
            "velocity",
            "open deals at qualified or later × average won size × win rate ÷ average won cycle",
        ),
        (
            Column::ExpansionRate,
            "expansion_rate",
            "Σ closed value won from customers with ARR ÷ Σ ARR of the customers",
        ),
    ] {
        if shows(column) {
            behind.of_figures(path, formula);
        }
    }
    behind
}

/// The figures below a path that are of these deals.
fn gathered(
    behind: &mut Behind,
    path: &str,
    deals: &Gathered<'_>,
    shows: &impl Fn(Column) -> bool,
    portfolio: &Portfolio,
) {
    let found = win_rate(path, &deals.closed, portfolio);
    behind.figures.extend(found.figures);
    if shows(Column::Open) {
        let names = named(&format!("{path}open."), COUNTED);
        tally(behind, names, &deals.open, portfolio);
    }
    if shows(Column::SlipRate) {
        due(behind, path, &deals.due);
    }
    if shows(Column::Found) {
        for (state, counts) in [
            ("deals", (|_: &Deal| true) as fn(&Deal) -> bool),
            ("won", Deal::is_won),
            ("lost", |deal| !deal.is_open() && !deal.is_won()),
            ("open", Deal::is_open),
        ] {
            let those = deals.found.iter().filter(|deal| counts(deal));
            behind.sum(
                format!("{path}found.{state}"),
                COUNT,
                Unit::Number,
                those.map(|deal| (deal.number, 1)),
            );
        }
    }
}

/// The deals that were due, where it is on record which were.
fn due(behind: &mut Behind, path: &str, deals: &[(&Deal, Slips)]) {
    let mut all = Slips::default();
    deals.iter().for_each(|(_, slips)| all.merge(slips));
    let (rate, formula) = (
        format!("{path}slip_rate.rate"),
        "of the deals due in the period when it opened, those neither closed in it nor pending",
    );
    if !all.is_recorded() {
        behind.of_figures(rate, formula);
        return;
    }
    let slipped = |(deal, slips): &(&Deal, Slips)| (deal.number, slips.slipped() as i64);
    let due = deals.iter().filter(|(_, slips)| slips.due() > 0);
    behind.mean(rate, formula, Unit::Number, due.clone().map(slipped));
    behind.sum(
        format!("{path}slip_rate.part"),
        COUNT,
        Unit::Number,
        due.clone().map(slipped).filter(|(_, slipped)| *slipped > 0),
    );
    behind.sum(
        format!("{path}slip_rate.of"),
        COUNT,
        Unit::Number,
        due.map(|(deal, _)| (deal.number, 1)),
    );
}

/// Of `get_changes`: both ends, and every bucket between them.
pub fn changes(
    found: &Waterfall,
    start: &Portfolio,
    end: &Portfolio,
    membership: Membership<'_>,
) -> Behind {
    let mut behind = Behind::default();
    for (path, portfolio) in [("start.", start), ("end.", end)] {
        let open: Vec<&Deal> = portfolio
            .open()
            .filter(|deal| membership.takes(deal, portfolio))
            .collect();
        tally(
            &mut behind,
            named(path, ["count", "value", ""]),
            &open,
            portfolio,
        );
    }
    behind.of_figures("net", "end.value − start.value");
    for bucket in Bucket::ALL {
        let parts = found.parts(bucket);
        if parts.is_empty() {
            continue;
        }
        let path = format!("buckets.{}.", bucket.word());
        behind.sum(
            format!("{path}count"),
            COUNT,
            Unit::Number,
            parts.iter().map(|part| (part.deal, 1)),
        );
        behind.sum(
            format!("{path}value"),
            "Σ value of its deals: at the end what came in, at the start what went, and the difference where only the value changed",
            Unit::Money,
            parts.iter().map(|part| (part.deal, part.value)),
        );
    }
    behind
}
