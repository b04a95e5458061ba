//! What if: carries out commands one after another on a copy of the portfolio, as their tools would,
//! so that a report can be asked of the copy. Nothing is written, and the copy is dropped with the
//! answer. What does not fit together is refused, with the place of the command it concerns.

mod commands;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

pub(super) use self::commands::{Command, commands, not_of_the_past};
use self::commands::{MOST, spelt_out, too_many};
use crate::actions::{Commanded, Outcome};
use crate::domain::change::Subject;
use crate::domain::days::date;
use crate::domain::draft::{Author, Planned, Said};
use crate::domain::portfolio::Portfolio;
use crate::domain::reference::TargetKey;
use crate::language::figures::{count_of, or_dash};
use crate::language::opportunity::{find, label};
use crate::language::{clean, fields};
use crate::refusal::{Code, Refusal, Result};
use crate::registry::Does;
use crate::reports::{self, Asked, Supposed, WHAT_IF, WHERE};

/// The most notes that are passed on, besides those equal to one of them.
const NOTES: usize = 20;
/// At most this many deals of a command are named in the text; all are in `expanded`.
const NAMED: usize = 5;
/// How much of an argument the text says.
const LONGEST_TOLD: usize = 40;
/// The argument that names a deal, in whose place deals may be asked for by what they have in common.
const OPPORTUNITY: &str = "opportunity";

/// The portfolio with the commands carried out, and what they came to.
pub(super) fn suppose(
    asked: &Asked<'_>,
    author: &Author,
    commands: &[Command],
) -> Result<(Portfolio, Supposed)> {
    let mut supposing = Supposing {
        asked,
        author,
        after: asked.portfolio.clone(),
        said: FxHashMap::default(),
        notes: Vec::new(),
        supposed: Supposed {
            position: asked.portfolio.position(),
            ..Supposed::default()
        },
    };
    for command in commands {
        supposing.carry_out(command)?;
    }
    let Supposing {
        after,
        notes,
        mut supposed,
        ..
    } = supposing;
    supposed.notes = notes.iter().take(NOTES).map(Note::text).collect();
    if let more @ 1.. = notes.len().saturating_sub(NOTES) {
        supposed
            .notes
            .push(format!("{more} more notes of this kind."));
    }
    Ok((after, supposed))
}

/// A copy of the portfolio while commands are carried out on it.
struct Supposing<'a> {
    asked: &'a Asked<'a>,
    author: &'a Author,
    after: Portfolio,
    /// What was named so far: the value, and the place of the command that named it.
    said: FxHashMap<(Subject, u32), (i64, usize)>,
    notes: Vec<Note>,
    supposed: Supposed,
}

/// A note of a command, and the deals it is about.
struct Note {
    place: usize,
    text: String,
    deals: Vec<String>,
}

impl Note {
    fn text(&self) -> String {
        let (place, text) = (self.place, &self.text);
        match self.deals.as_slice() {
            [] => format!("Command {place}: {text}"),
            [deal] => format!("Command {place}, {deal}: {text}"),
            deals => format!("Command {place}, {} deals: {text}", deals.len()),
        }
    }
}

impl Supposing<'_> {
    fn carry_out(&mut self, command: &Command) -> Result<()> {
        let mut arguments = command.arguments.clone();
        let takes_deal = command.tool.arguments.iter().any(|it| it == OPPORTUNITY);
        let words = takes_deal.then(|| arguments.remove(WHERE)).flatten();
        if let Some(words) = words {
            let deals = self.matching(command, words)?;
            self.tell(command, &arguments, &deals);
            for number in deals {
                let mut arguments = arguments.clone();
                arguments.insert(OPPORTUNITY.to_owned(), self.words_for(number).into());
                self.carry_out_one(command, arguments, Some(number))?;
            }
            return Ok(());
        }
        let mut deal = None;
        if let Some(Value::String(words)) = arguments.get(OPPORTUNITY) {
            let found = find(words, &self.after);
            let (number, note) = found.map_err(|refusal| command.refused(refusal, None))?;
            deal = Some(number);
            let id = self.id(number);
            note.into_iter()
                .for_each(|note| self.note(command.place, note, Some(&id)));
            // A deal that is only supposed has no id to rely on.
            if number < self.asked.portfolio.len() {
                arguments.insert(OPPORTUNITY.to_owned(), self.words_for(number).into());
            }
        } else if takes_deal && !arguments.contains_key(OPPORTUNITY) {
            let refusal = Refusal::new(
                Code::InvalidArgument,
                format!("It names no deal: '{OPPORTUNITY}' and '{WHERE}' are missing."),
            );
            let hint = format!("Name one deal by '{OPPORTUNITY}', or several by '{WHERE}'.");
            return Err(command.refused(refusal.hint(hint), None));
        }
        let mut given = arguments.clone();
        if deal.is_some() {
            given.remove(OPPORTUNITY);
        }
        self.tell(command, &given, deal.as_slice());
        self.carry_out_one(command, arguments, deal)
    }

    /// Says in a line what a command is and whom it concerns.
    fn tell(&mut self, command: &Command, arguments: &Map<String, Value>, deals: &[u32]) {
        let given = arguments.iter().map(|(name, value)| {
            let value = match value {
                Value::String(words) => words.clone(),
                other => other.to_string(),
            };
            format!(", {name} {}", clean(&value, LONGEST_TOLD))
        });
        let mut line = format!("{}. {}", command.place, command.tool.name);
        line.extend(given);
        let named = deals.iter().take(NAMED);
        let named: Vec<String> = named.map(|number| label(*number, &self.after)).collect();
        if !named.is_empty() {
            line.push_str(&format!(": {}", named.join("; ")));
        }
        if let more @ 1.. = deals.len().saturating_sub(NAMED) {
            line.push_str(&format!(" and {more} more"));
        }
        self.supposed.told.push(line);
    }

    /// The deals that a command asks for by what they have in common.
    fn matching(&mut self, command: &Command, words: Value) -> Result<Vec<u32>> {
        let refused = |refusal| command.refused(refusal, None);
        let Value::Object(words) = spelt_out(words) else {
            let refusal = Refusal::new(
                Code::InvalidArgument,
                format!("'{WHERE}' is no object of filters."),
            );
            let hint =
                "Give such as {\"stage\": \"proposal\", \"sort\": \"-value\", \"limit\": 3}.";
            return Err(refused(refusal.hint(hint)));
        };
        let asked = Asked {
            portfolio: &self.after,
            ..self.asked.clone()
        };
        let found = reports::matching(&asked, words, MOST).map_err(refused)?;
        if found.deals.is_empty() {
            let refusal = Refusal::new(
                Code::NothingMatches,
                format!("No opportunity matches its '{WHERE}'."),
            );
            let hint = "Only open ones are looked at unless stage or closed says otherwise; \
                list_opportunities shows what the same filters find.";
            return Err(refused(refusal.hint(hint)));
        }
        let (taken, total) = (found.deals.len(), found.total);
        if self.supposed.expanded.len() + taken > MOST {
            return Err(refused(too_many(&format!(
                "It takes {}",
                count_of(taken as u64, "deal", "deals")
            ))));
        }
        let place = command.place;
        self.note(
            place,
            match total {
                1 => format!("'{WHERE}' takes the 1 deal that matches."),
                total => format!("'{WHERE}' takes {taken} of the {total} deals that match."),
            },
            None,
        );
        for warning in found.warnings {
            self.note(place, warning, None);
        }
        Ok(found.deals)
    }

    fn carry_out_one(
        &mut self,
        command: &Command,
        arguments: Map<String, Value>,
        deal: Option<u32>,
    ) -> Result<()> {
        let Does::Action(entry) = command.tool.does else {
            return Ok(());
        };
        if self.supposed.expanded.len() >= MOST {
            return Err(command.refused(too_many("It is one too many"), None));
        }
        let commanded = Commanded {
            portfolio: &self.after,
            today: self.asked.today,
            author: self.author,
            dry_run: true,
        };
        let planned = (entry.plan)(&commanded, arguments.clone(), &command.tool.arguments);
        let Outcome { planned, notes, .. } = planned.map_err(|refusal| {
            let of = deal.map(|number| label(number, &self.after));
            command.refused(refusal, of.as_deref())
        })?;
        self.check(command, &planned)?;
        let place = command.place;
        for Said {
            subject,
            field,
            value,
        } in &planned.said
        {
            self.said.insert((*subject, *field), (*value, place));
        }
        self.after = planned.after;
        let id = deal.map(|number| self.id(number));
        for note in notes {
            self.note(place, note, id.as_deref());
        }
        let call = (command.tool.name.to_owned(), Value::Object(arguments));
        self.supposed.expanded.push(Map::from_iter([call]));
        Ok(())
    }

    /// Refuses a command that says otherwise of a field than one before it, or takes back what that said.
    fn check(&self, command: &Command, planned: &Planned) -> Result<()> {
        let named = planned
            .said
            .iter()
            .map(|said| (said.subject, said.field, said.value));
        let changed = planned
            .batch
            .changes
            .iter()
            .map(|row| (row.subject, row.change.field, row.change.value));
        let otherwise = named.chain(changed).find_map(|(subject, field, value)| {
            let (said, place) = self.said.get(&(subject, field))?;
            (*said != value && *place != command.place).then_some((subject, field, *place))
        });
        let Some((subject, field, place)) = otherwise else {
            return Ok(());
        };
        let what = match subject {
            Subject::Deal(number) => {
                let field = fields::name(field, &self.after).unwrap_or_default();
                format!("{field} of {}", label(number, &self.after))
            }
            Subject::Target(key) => {
                let month = TargetKey::parse(self.after.text(key)).map(|key| key.month);
                let month = month.and_then(date).map(|month| month.format("%Y-%m"));
                format!("target of {}", or_dash(month))
            }
            _ => "same field".to_owned(),
        };
        let message = format!(
            "Commands {place} and {} of {WHAT_IF} contradict each other: they make different things of the {what}.",
            command.place
        );
        let refusal = Refusal::new(Code::ContradictoryCommands, message).hint(
            "Leave one of them out, or ask twice; what goes with a stage is set after the move into it.",
        );
        Err(refusal)
    }

    fn note(&mut self, place: usize, text: String, deal: Option<&str>) {
        let deal = deal.map(str::to_owned);
        let same = |note: &&mut Note| note.place == place && note.text == text;
        match self.notes.iter_mut().find(same) {
            Some(note) => note.deals.extend(deal),
            None => self.notes.push(Note {
                place,
                text,
                deals: deal.into_iter().collect(),
            }),
        }
    }

    /// A deal's id, for a sentence.
    fn id(&self, number: u32) -> String {
        let found = self.after.deal(number);
        clean(
            found.map_or("", |found| self.after.text(found.detail.id)),
            60,
        )
    }

    /// What finds a deal again: its id, unless it is only supposed; its id derives from the log, which
    /// may have moved on by the time it is created.
    fn words_for(&self, number: u32) -> String {
        let Some(found) = self.after.deal(number) else {
            return String::new();
        };
        let id = clean(self.after.text(found.detail.id), 200);
        if number < self.asked.portfolio.len() {
            return id;
        }
        let customer = clean(self.after.customer_name(found.deal.customer), 200);
        let name = clean(self.after.text(found.detail.name), 200);
        let words = format!("{customer} {name}");
        match find(&words, &self.after) {
            Ok((same, None)) if same == number => words,
            _ => id,
        }
    }
}
