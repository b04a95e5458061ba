//! How questions are answered: of the present, of the past, of what is supposed, and of an answer given
//! before.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::remembered::Repeatable;
use super::request::{past, question};
use super::{Answer, Caller, Engine, Result, Role, author, what_if};
use crate::asking::{self, Desk, Reply};
use crate::domain::change::{Cut, Position};
use crate::domain::days::day;
use crate::domain::draft::Author;
use crate::domain::portfolio::Portfolio;
use crate::language::question::Question;
use crate::language::watched;
use crate::refusal::{self, Code, Refusal};
use crate::registry::{self, Does, Tool};
use crate::reports::{self, Asked};
use crate::store::Error::Damaged;

impl Engine {
    /// An answer to a question that was given before and still holds, if that can be told without waiting.
    pub(super) fn recall(
        &self,
        entry: &'static reports::Entry,
        arguments: &Map<String, Value>,
    ) -> Option<Answer> {
        let running = self.running.try_lock().ok()?.clone()?;
        let head = match &running.watch {
            Some(watch) => watch.current(&running.snapshot)?,
            None => running.snapshot.get(),
        };
        let today = head.settings().calendar.date_of(self.now(&head));
        let question = Repeatable::new(entry.name, arguments, (head.position(), today))?;
        self.remembered.recall(&question)
    }

    pub(super) fn ask(
        &self,
        tool: &Tool,
        entry: &'static reports::Entry,
        arguments: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Answer> {
        let head = self.portfolio()?;
        let now = self.now(&head);
        let today = head.settings().calendar.date_of(now);
        let repeatable = Repeatable::new(entry.name, &arguments, (head.position(), today));
        let repeatable = repeatable.filter(|_| !self.is_forgetful);
        if let Some(answer) = repeatable
            .as_ref()
            .and_then(|it| self.remembered.recall(it))
        {
            return Ok(answer);
        }
        let asked = Question {
            tool: tool.name.to_owned(),
            today,
            position: Position::MAX,
            arguments,
        };
        // What is only supposed needs no right.
        let author = author(caller.clone().in_role(Role::Admin), now);
        let notes = Notes::of(self);
        let (answered, is_untrusted) = watched(|| {
            self.reply(
                entry,
                &head,
                &asked,
                &author,
                &|number| notes.read(number),
                |asked, copy, arguments| {
                    let known = &tool.arguments;
                    match copy.zip(entry.ask_both) {
                        None => (entry.answer)(asked, arguments, known),
                        Some((copy, ask_both)) => ask_both(asked, copy, arguments, known),
                    }
                },
            )
        });
        let (structured, text) = answered?;
        let has_notes = notes.finish()?;
        let answer = Answer {
            structured,
            text,
            is_untrusted,
        };
        if let Some(question) = repeatable.filter(|_| !has_notes) {
            self.remembered.keep(question, &answer);
        }
        Ok(answer)
    }

    /// Has a report answer a question of the log as far as it had come then: of the portfolio asked
    /// about and, with `what_if`, of its copy. `as_of` must lie before the author's now.
    fn reply<T>(
        &self,
        entry: &reports::Entry,
        head: &Arc<Portfolio>,
        asked: &Question,
        author: &Author,
        note: &dyn Fn(u32) -> String,
        answer: impl FnOnce(&Asked<'_>, Option<&Asked<'_>>, Map<String, Value>) -> refusal::Result<T>,
    ) -> refusal::Result<T> {
        let mut arguments = asked.arguments.clone();
        let question = question(entry.name, &arguments);
        let commands = match entry.ask_both {
            Some(_) => what_if::commands(&mut arguments)?,
            None => None,
        };
        let past = past(&mut arguments, head, asked.today, author.now)?;
        if commands.is_some() && past.is_some() {
            return Err(what_if::not_of_the_past());
        }
        let mut cut = past.as_ref().map_or(Cut::NOW, |past| past.cut);
        if asked.position < head.position() {
            cut.position = cut.position.min(asked.position);
        }
        let portfolio = if cut == Cut::NOW {
            head.clone()
        } else {
            Arc::new(head.at(&cut))
        };
        let reference = Question {
            position: portfolio.position(),
            ..asked.clone()
        };
        let (today, as_of, known_at) = match past {
            Some(past) => (past.today, past.as_of, past.known_at),
            None => (asked.today, None, None),
        };
        let asked = Asked {
            portfolio: &portfolio.priced_on(day(today)),
            today,
            until: cut.at,
            as_of,
            known_at,
            reference: reference.written(),
            question,
            supposed: None,
            note,
        };
        let Some(commands) = commands else {
            return answer(&asked, None, arguments);
        };
        let (supposed_portfolio, supposed) = what_if::suppose(&asked, author, &commands)?;
        let copy = Asked {
            portfolio: &supposed_portfolio,
            supposed: Some(&supposed),
            ..asked.clone()
        };
        answer(&asked, Some(&copy), arguments)
    }

    pub(super) fn ask_about(
        &self,
        tool: &Tool,
        entry: &asking::Entry,
        arguments: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Answer> {
        let head = self.portfolio()?;
        let now = self.now(&head);
        let notes = Notes::of(self);
        let ask = |question: &Question| {
            let tool = registry::find(&question.tool)?;
            let Does::Report(report) = tool.does else {
                let message = format!("{} is no report.", tool.name);
                return Err(Refusal::new(Code::InvalidArgument, message)
                    .hint("Give basis.ref of a report's answer."));
            };
            // What was asked then is not in the future, however early the clock says it is now.
            let then = head.settings().calendar.end_of(question.today).max(now);
            let author = author(caller.clone().in_role(Role::Admin), then);
            self.reply(
                report,
                &head,
                question,
                &author,
                &|number| notes.read(number),
                |asked, copy, arguments| {
                    let known = &tool.arguments;
                    let (structured, _) = match copy.zip(report.ask_both) {
                        None => (report.answer)(asked, arguments.clone(), known)?,
                        Some((copy, ask_both)) => ask_both(asked, copy, arguments.clone(), known)?,
                    };
                    let of = copy.unwrap_or(asked);
                    Ok(Reply {
                        structured,
                        behind: (report.behind)(of, arguments, known)?,
                        portfolio: Arc::new(of.portfolio.clone()),
                    })
                },
            )
        };
        let desk = Desk {
            portfolio: &head,
            today: head.settings().calendar.date_of(now),
            ask: &ask,
        };
        let (answered, is_untrusted) =
            watched(|| (entry.answer)(&desk, arguments, &tool.arguments));
        let (structured, text) = answered?;
        notes.finish()?;
        Ok(Answer {
            structured,
            text,
            is_untrusted,
        })
    }
}

/// The long texts that a report shows, read from the store while it is at work.
struct Notes<'a> {
    engine: &'a Engine,
    /// Whether any was read; else why one could not be.
    read: RefCell<Result<bool>>,
}

impl Notes<'_> {
    fn of(engine: &Engine) -> Notes<'_> {
        Notes {
            engine,
            read: RefCell::new(Ok(false)),
        }
    }

    /// A note by its number. When it cannot be read, the report goes on in vain.
    fn read(&self, number: u32) -> String {
        let running = self.engine.running(false);
        let note = running.and_then(|running| {
            let missing = || Damaged(format!("note {number} is missing"));
            Ok(running.note(number)?.ok_or_else(missing)?)
        });
        let (note, read) = match note {
            Ok(note) => (note, Ok(true)),
            Err(error) => (String::new(), Err(error)),
        };
        let mut before = self.read.borrow_mut();
        if before.is_ok() {
            *before = read;
        }
        note
    }

    /// Whether any was read.
    fn finish(self) -> Result<bool> {
        self.read.into_inner()
    }
}
