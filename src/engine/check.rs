//! Looking everything over: the file, the log of every organisation in it, and whether the portfolio
//! that reports read is the one that the log says, by three ways of getting there. It writes nothing.

use std::path::Path;

use super::{Engine, Error, Result};
use crate::domain::change::Batch;
use crate::domain::log::Soundness;
use crate::domain::portfolio::Portfolio;
use crate::language::figures::count_of;
use crate::refusal::{Code, Refusal};
use crate::store::{self, Reading, StageSum, Store};

/// Rows of a log that are folded at once.
const PART: usize = 50_000;

/// At most this many faults of one sort are told.
const TOLD: usize = 20;

/// One thing that was looked at, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub about: String,
    /// What is wrong; nothing when it is sound.
    pub faults: Vec<String>,
}

impl Engine {
    /// Looks the database over. What is wrong with it is an answer, not a refusal.
    pub fn check(&self) -> Result<Vec<Finding>> {
        self.guarded(|| {
            let Some(path) = &self.config.database else {
                let refusal = Refusal::new(Code::NoDatabase, "The demo has no database to check.");
                return Err(refusal.hint("Leave out --demo.").into());
            };
            if !path.exists() {
                return Err(store::Error::Missing(path.clone()).into());
            }
            look_over(path)
        })
    }
}

/// Looks over a database file with all its organisations.
pub(super) fn look_over(path: &Path) -> Result<Vec<Finding>> {
    let mut findings = vec![found("file", store::file(path))?];
    let names = match store::organisations(path) {
        Err(error) => {
            findings.push(found("organisations", Err(error))?);
            return Ok(findings);
        }
        Ok((names, faults)) => {
            findings.push(found("organisations", Ok(faults))?);
            names
        }
    };
    for name in names {
        // What is damaged may stop any part of it, and the parts after it.
        if let Err(error) = organisation(path, &name, &mut findings) {
            findings.push(found(&name, Err(error))?);
        }
    }
    Ok(findings)
}

/// Damage is something found; any other error is one.
fn found(about: &str, faults: store::Result<Vec<String>>) -> Result<Finding> {
    let faults = match faults {
        Ok(faults) => faults,
        Err(store::Error::Damaged(fault)) => vec![fault],
        Err(store::Error::Other(error)) => vec![format!("it cannot be read: {error:#}")],
        Err(error) => return Err(Error::from(error)),
    };
    Ok(Finding {
        about: about.to_owned(),
        faults,
    })
}

fn organisation(path: &Path, name: &str, findings: &mut Vec<Finding>) -> store::Result<()> {
    let Some(store) = Store::open_even_empty(path, name)? else {
        return Ok(());
    };
    let head = store.hold()?;
    let mut add = |about: &str, faults: Vec<String>| {
        findings.push(Finding {
            about: format!("{name}: {about}"),
            faults,
        });
    };
    let miscounted = store.miscounted(&head)?;
    let is_told = !miscounted.is_empty();
    add("texts, notes and entries", miscounted);

    let texts = match store.texts(&head) {
        // The log cannot be read without all of them.
        Err(store::Error::Damaged(_)) if is_told => return Ok(()),
        texts => texts?,
    };
    let mut soundness = Soundness::new(head.texts, head.notes);
    let mut faults = Vec::new();
    store.log(0, u32::MAX, |row| {
        if let Some(fault) = soundness
            .fault(&row, &texts)
            .filter(|_| faults.len() < TOLD)
        {
            faults.push(fault);
        }
        Ok::<_, store::Error>(())
    })?;
    faults.extend(soundness.finish());
    let (last, deals) = (soundness.last(), soundness.deals());
    if last != head.position {
        faults.push(format!(
            "the log should end at position {}, but ends at {last}",
            head.position
        ));
    }
    let is_whole = faults.is_empty();
    add(
        &format!(
            "log, {}, {}",
            count_of(last, "position", "positions"),
            count_of(deals, "deal", "deals")
        ),
        faults,
    );
    if !is_whole {
        // Nothing can be folded from a log that is not whole.
        return Ok(());
    }

    let mut loaded = Portfolio::default();
    store.bring_to_head(&mut loaded, &Reading::default())?;
    let folded = folded(&store, &loaded)?;
    add(
        "present, folded again from the first position",
        differences(&loaded, &folded),
    );
    add(
        "sums by stage, in the log and in the present",
        sums(&store.sums()?, &loaded),
    );
    Ok(())
}

/// The portfolio folded from the log in its order, part by part, as a process that saw each of them
/// come would have it.
fn folded(store: &Store, loaded: &Portfolio) -> store::Result<Portfolio> {
    let texts = loaded.texts();
    let mut folded = Portfolio::default();
    let mut part = Batch {
        texts: (0..texts.len())
            .map(|text| texts.get(text).to_owned())
            .collect(),
        ..Batch::default()
    };
    store.log(0, loaded.position(), |row| {
        row.add_to(&mut part);
        if part.len() >= PART {
            let next = Batch {
                first_text: texts.len(),
                ..Batch::default()
            };
            folded.absorb(std::mem::replace(&mut part, next));
        }
        Ok::<_, store::Error>(())
    })?;
    folded.absorb(part);
    Ok(folded)
}

/// Where two portfolios that should be the same differ.
fn differences(one: &Portfolio, other: &Portfolio) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |is_same: bool, what: &str| {
        if !is_same {
            faults.push(format!("{what} differ"));
        }
    };
    compare(one.position() == other.position(), "positions");
    compare(
        one.chunks().count() == other.chunks().count(),
        "numbers of deals",
    );
    for (number, (one, other)) in one.chunks().zip(other.chunks()).enumerate() {
        let is_same = one.open().all() == other.open().all()
            && one.closed().all() == other.closed().all()
            && one.stays().eq(other.stays())
            && one.all_attributes().eq(other.all_attributes())
            && one.facts() == other.facts()
            && (0..one.len().max(other.len())).all(|place| {
                u16::try_from(place).is_ok_and(|place| one.detail(place) == other.detail(place))
            });
        compare(is_same, &format!("the deals of part {number}"));
    }
    let (one, other) = (one.reference(), other.reference());
    compare(one.settings == other.settings, "settings");
    compare(one.targets == other.targets, "targets");
    compare(one.forecasts == other.forecasts, "forecasts");
    compare(one.rates == other.rates, "rates");
    compare(one.customers.iter().eq(other.customers.iter()), "customers");
    compare(one.people.iter().eq(other.people.iter()), "people");
    compare(one.signals.iter().eq(other.signals.iter()), "signals");
    faults
}

/// Where the sums of plain SQL, of the deals and of what chunks keep added up differ.
fn sums(plain: &[StageSum], portfolio: &Portfolio) -> Vec<String> {
    let mut faults = Vec::new();
    for stage in crate::domain::stage::Stage::ALL {
        let code = stage.code();
        let plain = plain
            .iter()
            .find(|sum| sum.stage == code)
            .map_or((0, 0), |sum| (sum.count, sum.value));
        let deals = portfolio.chunks().flat_map(|chunk| chunk.deals());
        let ours = deals
            .filter(|deal| deal.stage == stage)
            .filter_map(|deal| portfolio.deal(deal.number))
            // Each in its own currency, as the log has it.
            .fold((0, 0), |(count, value), found| {
                (count + 1, value + found.own_value())
            });
        if plain != ours {
            faults.push(format!(
                "{}: {} deals worth {} in the log, {} worth {} in the present (minor units)",
                stage.word(),
                plain.0,
                plain.1,
                ours.0,
                ours.1
            ));
        }
    }
    let kept: u32 = portfolio
        .chunks()
        .flat_map(|chunk| &chunk.facts().fates)
        .map(|(.., count)| count)
        .sum();
    let there = portfolio.chunks().flat_map(|chunk| chunk.deals()).count();
    if kept as usize != there {
        faults.push(format!("{there} deals, but {kept} fates are counted"));
    }
    faults
}
