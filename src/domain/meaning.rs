//! What a log says as a whole: whether each row, sound by itself, can mean something beside the others.
//! Belongs here: ids that are given twice, voids that miss, keys, settings and rates that nothing can
//! read. Numbers that stand for nothing are `log`'s.

use rustc_hash::FxHashMap;

use super::change::{Change, EMPTY, Logged, Position, Subject, field, voided};
use super::days::date;
use super::origin::Origin;
use super::rates::{Rate, RateKey};
use super::reference::{ForecastKey, TargetKey};
use super::settings::{Measure, Settings};
use super::stage::ExpansionType;
use super::texts::{NONE, Text, Texts};

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    /// What each position is about, from the first on.
    subjects: Vec<Subject>,
    /// Who has an id first, by kind of subject, and where it was said.
    ids: FxHashMap<(u8, Text), (u32, Position)>,
    /// Ids that are given to another: where first, and where again.
    again: Vec<(Position, Position)>,
    voids: Vec<Change>,
    settings: Settings,
}

impl Meaning {
    /// What a deal that came on record makes impossible.
    pub(super) fn origin(&mut self, origin: &Origin) {
        let subject = Subject::Deal(origin.deal);
        self.subjects.push(subject);
        self.id(subject, origin.id, origin.seq);
    }

    /// What about a change is impossible, and the person its key names.
    pub(super) fn change(&mut self, logged: &Logged, texts: &Texts) -> Result<u32, String> {
        let Logged { subject, change } = logged;
        self.subjects.push(*subject);
        let position = change.seq;
        if change.field == field::VOID {
            return self.void(*subject, change).map(|()| NONE);
        }
        if change.field == field::ID {
            let id = Text::try_from(change.value).unwrap_or(NONE);
            self.id(*subject, id, position);
        }
        if change.field != field::VALUE {
            return Ok(NONE);
        }
        let unreadable = |what: &str, key: Text| {
            let key: String = texts.get(key).chars().take(60).collect();
            Err(format!(
                "position {position} is about {what} '{key}', which does not exist"
            ))
        };
        let value = texts.get(Text::try_from(change.value).unwrap_or(NONE));
        let is_empty = change.value == EMPTY;
        match *subject {
            Subject::Setting(name) if !is_empty => self
                .settings
                .set(texts.get(name), value)
                .map(|()| NONE)
                .map_err(|refusal| {
                    format!(
                        "position {position}: {}",
                        refusal.message.trim_end_matches('.')
                    )
                }),
            Subject::Target(key) => match TargetKey::parse(texts.get(key)) {
                Some(found)
                    if date(found.month).is_some()
                        && (found.kind == u8::MAX
                            || ExpansionType::from_code(found.kind).is_some()) =>
                {
                    Ok(found.csm)
                }
                _ => unreadable("a target", key),
            },
            Subject::Forecast(key) => match ForecastKey::parse(texts.get(key)) {
                Some(found)
                    if Measure::WORDS
                        .iter()
                        .any(|(word, _)| *word == found.measure)
                        && [found.start, found.end, found.as_of]
                            .iter()
                            .all(|day| date(*day).is_some()) =>
                {
                    Ok(found.csm)
                }
                _ => unreadable("a forecast", key),
            },
            Subject::Rate(key) => match RateKey::parse(texts.get(key)) {
                Some(found) if date(found.day).is_some() => match Rate::parse(value) {
                    None if !is_empty => {
                        Err(format!("position {position} holds a rate that is none"))
                    }
                    _ => Ok(NONE),
                },
                _ => unreadable("a rate", key),
            },
            _ => Ok(NONE),
        }
    }

    fn void(&mut self, subject: Subject, change: &Change) -> Result<(), String> {
        if change.value == EMPTY {
            return Ok(());
        }
        self.voids.push(*change);
        let target = usize::try_from(change.value)
            .ok()
            .and_then(|target| target.checked_sub(1));
        match target.and_then(|target| self.subjects.get(target)) {
            Some(voided) if *voided != subject => Err(format!(
                "position {} takes back position {}, which is about something else",
                change.seq, change.value
            )),
            _ => Ok(()),
        }
    }

    fn id(&mut self, subject: Subject, id: Text, position: Position) {
        let (kind, number) = subject.code();
        if id == NONE {
            return;
        }
        let (first, said) = *self.ids.entry((kind, id)).or_insert((number, position));
        if first != number {
            self.again.push((said, position));
        }
    }

    /// What is impossible about all of it, once all rows were seen. An id that was taken back is free.
    pub(super) fn finish(&self) -> Option<String> {
        if self.again.is_empty() {
            return None;
        }
        let void = voided(self.voids.iter());
        let twice = self
            .again
            .iter()
            .find(|(first, again)| !void.contains(first) && !void.contains(again));
        twice.map(|(first, again)| {
            format!("position {again} gives the id of position {first} to another")
        })
    }
}
