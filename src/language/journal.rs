//! The log in words, position by position, for people and for programs that watch it: what changed,
//! from what to what, when it was true and when recorded, by whom, through which door and why.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::{clean, fields};
use crate::domain::change::{
    BEGINNING, Change, EMPTY, Logged, Millis, Position, Subject, field, voided,
};
use crate::domain::days::date;
use crate::domain::holds::{self, Holds, said_of};
use crate::domain::log::Row;
use crate::domain::money::Currency;
use crate::domain::origin::Origin;
use crate::domain::portfolio::Portfolio;
use crate::domain::rates::RateKey;
use crate::domain::reference::{ForecastKey, TargetKey};
use crate::domain::role::Role;
use crate::domain::stage::{ExpansionType, Stage};
use crate::domain::texts::{NONE, Text};

/// One position of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// The position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: String,
    /// Since when it is true; nothing when that is the beginning.
    pub at: Option<String>,
    /// Who wrote it.
    pub actor: String,
    /// Through which door.
    pub through: &'static str,
    /// What it is about: an opportunity, a customer, a setting.
    pub what: &'static str,
    /// Which one.
    pub id: String,
    /// The field.
    pub field: String,
    /// What it was.
    pub from: Option<String>,
    /// What it became.
    pub to: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// In which role.
    pub role: Option<&'static str>,
    /// With which program.
    pub client: Option<String>,
    /// The trace of the request.
    pub trace: Option<String>,
}

impl Line {
    /// Its cells, in the order of its fields; what there is not is empty.
    pub fn cells(&self) -> [&str; 13] {
        fn or_empty(text: &Option<String>) -> &str {
            text.as_deref().unwrap_or_default()
        }
        [
            &self.recorded_at,
            or_empty(&self.at),
            &self.actor,
            self.through,
            self.what,
            &self.id,
            &self.field,
            or_empty(&self.from),
            or_empty(&self.to),
            or_empty(&self.reason),
            self.role.unwrap_or_default(),
            or_empty(&self.client),
            or_empty(&self.trace),
        ]
    }
}

/// The log of a portfolio, to be put into words.
pub struct Journal<'a> {
    portfolio: &'a Portfolio,
    /// The changes of everything but deals by what they are about, once one of them is asked for.
    ledger: OnceCell<FxHashMap<Subject, Vec<Change>>>,
}

impl<'a> Journal<'a> {
    /// The log of a portfolio.
    pub fn of(portfolio: &'a Portfolio) -> Self {
        Journal {
            portfolio,
            ledger: OnceCell::new(),
        }
    }

    /// A row of it in words; an entry has none of its own, it is said with each of its changes.
    pub fn line(&self, row: &Row) -> Option<Line> {
        match row {
            Row::Entry(_) => None,
            Row::Origin(origin) => Some(self.created(origin)),
            Row::Change(logged) => Some(self.changed(logged)),
        }
    }

    fn created(&self, origin: &Origin) -> Line {
        let currency = self.currency(Subject::Deal(origin.deal));
        let stage = Stage::from_code(origin.stage).map_or("", Stage::word);
        let estimate = match origin.estimate {
            EMPTY => "no estimate".to_owned(),
            estimate => currency.show(estimate),
        };
        Line {
            to: Some(format!("{stage}, {estimate}")),
            ..self.blank(
                Subject::Deal(origin.deal),
                origin.seq,
                origin.at,
                "created".to_owned(),
            )
        }
    }

    fn changed(&self, logged: &Logged) -> Line {
        let Logged { subject, change } = *logged;
        let said = said_of(change.field);
        let name = self.name(said.unwrap_or(change.field));
        let is_void = change.field == field::VOID;
        let before = match said {
            None if !is_void => self.before(subject, &change),
            _ => EMPTY,
        };
        let name = match said {
            Some(_) => format!("import said {name}"),
            None => name,
        };
        Line {
            from: (before != EMPTY)
                .then(|| self.value(subject, change.field, before))
                .flatten(),
            to: self.value(subject, change.field, change.value),
            ..self.blank(subject, change.seq, change.at, name)
        }
    }

    fn blank(&self, subject: Subject, position: Position, at: Millis, field: String) -> Line {
        let portfolio = self.portfolio;
        let calendar = &portfolio.settings().calendar;
        let entry = portfolio.entry_of(position);
        let text = |text: Text| (text != NONE).then(|| clean(portfolio.text(text), 500));
        let (what, id) = self.subject(subject);
        Line {
            position,
            recorded_at: entry.map_or_else(String::new, |entry| calendar.show(entry.recorded_at)),
            at: (at != BEGINNING).then(|| calendar.show(at)),
            actor: entry
                .and_then(|entry| text(entry.actor))
                .unwrap_or_default(),
            through: entry.map_or("", |entry| entry.door.word()),
            what,
            id,
            field,
            from: None,
            to: None,
            reason: entry.and_then(|entry| text(entry.reason)),
            role: entry.and_then(|entry| entry.role).map(Role::word),
            client: entry.and_then(|entry| text(entry.client)),
            trace: entry.and_then(|entry| text(entry.trace)),
        }
    }

    /// What a change is about, and which one.
    fn subject(&self, subject: Subject) -> (&'static str, String) {
        let portfolio = self.portfolio;
        let text = |text: Text| clean(portfolio.text(text), 200);
        let (word, _) = holds::word(subject);
        let id = match subject {
            Subject::Deal(deal) => {
                let origin = portfolio.origin(deal);
                return ("opportunity", text(origin.map_or(NONE, |origin| origin.id)));
            }
            Subject::Customer(number) => text(portfolio.customer(number).map_or(NONE, |it| it.id)),
            Subject::Person(number) => text(portfolio.person(number).map_or(NONE, |it| it.id)),
            Subject::Signal(number) => {
                let signal = portfolio.reference().signals.get(number);
                let id = signal.map_or(NONE, |signal| signal.id);
                if id == NONE {
                    number.to_string()
                } else {
                    text(id)
                }
            }
            Subject::Setting(name) => text(name),
            Subject::Target(key) => self.target(portfolio.text(key)),
            Subject::Forecast(key) => self.forecast(portfolio.text(key)),
            Subject::Rate(key) => self.rate(portfolio.text(key)),
        };
        (word, id)
    }

    /// "2026-11", "2026-11 CSM-1 upsell".
    fn target(&self, key: &str) -> String {
        let Some(key) = TargetKey::parse(key) else {
            return clean(key, 60);
        };
        let month = date(key.month).map(|month| month.format("%Y-%m").to_string());
        let kind = ExpansionType::from_code(key.kind).map(|kind| kind.word().to_owned());
        let parts = [month, self.csm(key.csm), kind];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// "2026-01-01..2026-03-31 weighted 2025-12-31", and whose.
    fn forecast(&self, key: &str) -> String {
        let Some(key) = ForecastKey::parse(key) else {
            return clean(key, 60);
        };
        let day = |day| date(day).map(|date| date.to_string()).unwrap_or_default();
        let period = format!("{}..{}", day(key.start), day(key.end));
        let parts = [
            Some(period),
            Some(key.measure.clone()),
            Some(day(key.as_of)),
            self.csm(key.csm),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// "EUR 2026-01-31".
    fn rate(&self, key: &str) -> String {
        let Some(key) = RateKey::parse(key) else {
            return clean(key, 60);
        };
        let since = date(key.day).map(|date| date.to_string());
        let currency = clean(self.portfolio.text(key.currency), 10);
        [currency, since.unwrap_or_default()].join(" ")
    }

    fn csm(&self, number: u32) -> Option<String> {
        let person = self.portfolio.person(number)?;
        Some(clean(self.portfolio.text(person.id), 60))
    }

    fn name(&self, number: u32) -> String {
        let known = || holds::FIELDS.iter().find(|(known, ..)| *known == number);
        fields::name(number, self.portfolio)
            .or_else(|| known().map(|(_, name, _)| (*name).to_owned()))
            .unwrap_or_else(|| format!("field {number}"))
    }

    fn value(&self, subject: Subject, number: u32, value: i64) -> Option<String> {
        let number = said_of(number).unwrap_or(number);
        match holds::of(subject, number) {
            _ if value == EMPTY => {
                fields::value(number, value, self.portfolio, self.currency(subject))
            }
            Holds::Day => date(i32::try_from(value).ok()?).map(|date| date.to_string()),
            Holds::Position => Some(format!("position {value}")),
            Holds::Text => {
                let text = u32::try_from(value).unwrap_or(NONE);
                Some(clean(self.portfolio.text(text), 200))
            }
            _ if number == field::VALUE => Some(self.currency(subject).show(value)),
            _ => fields::value(number, value, self.portfolio, self.currency(subject)),
        }
    }

    fn currency(&self, subject: Subject) -> Currency {
        let code = match subject {
            Subject::Deal(deal) => self.portfolio.deal(deal).map(|found| found.detail.currency),
            _ => None,
        };
        code.and_then(|code| Currency::from_code(self.portfolio.text(code)))
            .unwrap_or(self.portfolio.settings().currency)
    }

    /// What a field was, as the log had it, when a change was written.
    fn before(&self, subject: Subject, change: &Change) -> i64 {
        let key = |number| {
            if field::is_stage(number) {
                field::STAGE
            } else {
                number
            }
        };
        let all = match subject {
            Subject::Deal(deal) => self.portfolio.logged(deal),
            _ => self.ledger(subject),
        };
        let earlier = || all.iter().filter(|other| other.seq < change.seq);
        let void = voided(earlier());
        let last = earlier()
            .filter(|other| key(other.field) == key(change.field) && other.at <= change.at)
            .filter(|other| !void.contains(&other.seq))
            .max_by_key(|other| (other.at, other.seq));
        let origin = || match subject {
            Subject::Deal(deal) => self.portfolio.origin(deal),
            _ => None,
        };
        last.map(|last| last.value)
            .or_else(|| origin().map(|origin| origin.value(key(change.field))))
            .unwrap_or(EMPTY)
    }

    fn ledger(&self, subject: Subject) -> &[Change] {
        let ledger = self.ledger.get_or_init(|| {
            let mut of_subject: FxHashMap<Subject, Vec<Change>> = FxHashMap::default();
            for row in self.portfolio.ledger().iter() {
                of_subject.entry(row.subject).or_default().push(row.change);
            }
            of_subject
        });
        ledger.get(&subject).map_or(&[], Vec::as_slice)
    }
}
