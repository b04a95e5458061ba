//! How a portfolio takes in what the log holds beyond its position: row by row while they are read
//! or planned, then all chunks they touch folded at once. Loading a database, refreshing after
//! another process wrote and applying a write of our own are this one way in.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::change::{BEGINNING, Batch, Change, EMPTY, Entry, Logged, Millis, Subject, field};
use super::chunk::{Chunk, SIZE, Terms};
use super::days::DayTable;
use super::deal::place_of;
use super::origin::Origin;
use super::parallel;
use super::portfolio::Portfolio;
use super::pricing::Pricing;
use super::reference::Reference;
use super::texts::{NONE, Text, Texts};

/// What is added to one chunk: origins, and changes by place.
type Added = (Vec<Origin>, Vec<(u16, Change)>);

/// A portfolio on its way to a later position. Nothing of it shows before [`Absorbing::finish`].
pub struct Absorbing<'a> {
    portfolio: &'a mut Portfolio,
    chunks: FxHashMap<u32, Added>,
    ledger: Vec<Logged>,
    /// Deals that were given another customer: (customer, deal).
    moved: Vec<(u32, u32)>,
}

impl Portfolio {
    /// Begins to take in what the log holds beyond this position.
    pub fn absorbing(&mut self) -> Absorbing<'_> {
        self.norms = OnceLock::new();
        Absorbing {
            portfolio: self,
            chunks: FxHashMap::default(),
            ledger: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Takes in what a write appended to the log: the portfolio at the position after it.
    pub fn absorb(&mut self, batch: Batch) {
        let known = self.texts.len().saturating_sub(batch.first_text) as usize;
        let mut absorbing = self.absorbing();
        batch
            .texts
            .iter()
            .skip(known)
            .for_each(|text| absorbing.text(text));
        if let Some((last, _)) = batch.notes.last() {
            absorbing.notes(last + 1);
        }
        batch
            .entries
            .into_iter()
            .for_each(|entry| absorbing.entry(entry));
        batch
            .deals
            .into_iter()
            .for_each(|origin| absorbing.origin(origin));
        batch
            .changes
            .into_iter()
            .for_each(|change| absorbing.change(change));
        absorbing.finish();
    }
}

impl Absorbing<'_> {
    /// A text, under the next number.
    pub fn text(&mut self, text: &str) {
        self.portfolio.texts.push(text);
    }

    /// All texts at once, for a portfolio that has none.
    pub fn texts(&mut self, texts: Texts) {
        self.portfolio.texts = texts;
    }

    /// How many notes there are now.
    pub fn notes(&mut self, count: u32) {
        self.portfolio.notes = count;
    }

    /// An entry.
    pub fn entry(&mut self, entry: Entry) {
        self.portfolio.entries.push(entry);
    }

    /// A deal that came on record.
    pub fn origin(&mut self, origin: Origin) {
        self.note_origin(&origin);
        let (origins, _) = self.chunks.entry(origin.deal / SIZE).or_default();
        origins.push(origin);
    }

    /// All deals of a chunk that came on record, for a portfolio that has none of them.
    pub fn origins(&mut self, of_chunk: Vec<Origin>) {
        of_chunk.iter().for_each(|origin| self.note_origin(origin));
        if let Some(first) = of_chunk.first() {
            let (origins, _) = self.chunks.entry(first.deal / SIZE).or_default();
            *origins = of_chunk;
        }
    }

    fn note_origin(&mut self, origin: &Origin) {
        let portfolio = &mut *self.portfolio;
        portfolio.position += 1;
        portfolio.deals = portfolio.deals.max(origin.deal + 1);
        portfolio.first_at = Some(
            portfolio
                .first_at
                .map_or(origin.at, |first| first.min(origin.at)),
        );
        portfolio.deal_ids.insert(origin.id, origin.deal);
        portfolio.list_with_customer(origin.customer, origin.deal);
        note_word(&mut portfolio.sources, origin.source);
        note_word(&mut portfolio.product_lines, origin.product_line);
        note_word(&mut portfolio.csms, origin.csm);
        note_word(&mut portfolio.sales_reps, origin.sales_rep);
    }

    /// Any other change. It may come before the deal that it is of.
    pub fn change(&mut self, logged: Logged) {
        self.portfolio.position += 1;
        match logged.subject {
            Subject::Deal(deal) => {
                let change = logged.change;
                if change.field == field::CUSTOMER {
                    let customer = u32::try_from(change.value).unwrap_or(NONE);
                    self.moved.push((customer, deal));
                }
                self.portfolio.note_change(&change);
                let (_, changes) = self.chunks.entry(deal / SIZE).or_default();
                changes.push((place_of(deal), change));
            }
            _ => self.ledger.push(logged),
        }
    }

    /// Folds everything that was touched.
    pub fn finish(self) {
        let Absorbing {
            portfolio,
            chunks,
            ledger,
            moved,
        } = self;
        for (customer, deal) in moved {
            if !portfolio.deals_of(customer).contains(&deal) {
                portfolio.list_with_customer(customer, deal);
            }
        }
        portfolio.absorb_ledger(&ledger);
        let is_repriced = ledger
            .iter()
            .any(|row| matches!(row.subject, Subject::Rate(_)));
        let calendar = portfolio.reference.settings.calendar;
        let recount = calendar.zone != portfolio.days.calendar().zone;
        if calendar != *portfolio.days.calendar() {
            portfolio.days = Arc::new(DayTable::new(calendar));
        }
        let last = chunks.keys().max().map_or(0, |last| *last as usize + 1);
        while portfolio.chunks.len() < last {
            portfolio.chunks.push(Arc::default());
        }
        let mut added: Vec<Option<Added>> = std::iter::repeat_with(|| None)
            .take(portfolio.chunks.len())
            .collect();
        for (number, of_chunk) in chunks {
            if let Some(place) = added.get_mut(number as usize) {
                *place = Some(of_chunk);
            }
        }
        let chunks = portfolio.chunks.iter_mut().zip(added);
        let mut touched: Vec<(&mut Arc<Chunk>, Added)> = chunks
            // Days are counted in the zone, so with a new one every chunk is folded again.
            .filter_map(|(chunk, added)| {
                let added = added.or_else(|| recount.then(Added::default))?;
                Some((chunk, added))
            })
            .collect();
        let terms = Terms {
            days: &portfolio.days,
            until: Millis::MAX,
            pricing: Pricing::of(&portfolio.reference, portfolio.by),
        };
        parallel::for_each(
            &mut touched,
            parallel::CHUNKS,
            |(chunk, (origins, changes))| {
                let chunk = Arc::make_mut(chunk);
                let (origins, changes) = (std::mem::take(origins), std::mem::take(changes));
                chunk.absorb(origins, changes, terms);
                if recount {
                    chunk.fold(terms);
                }
            },
        );
        if is_repriced {
            portfolio.reprice();
        }
    }
}

impl Portfolio {
    fn absorb_ledger(&mut self, rows: &[Logged]) {
        // What holds from the beginning is the first that is known of it, so it comes before nothing.
        let mut in_order = true;
        for row in rows.iter().filter(|row| row.change.at != BEGINNING) {
            in_order &= row.change.at >= self.ledger_at;
            self.ledger_at = self.ledger_at.max(row.change.at);
        }
        // What is voided counts for nothing any more, so what counts is found afresh.
        in_order &= !rows.iter().any(|row| row.change.field == field::VOID);
        for row in rows {
            self.ledger.push(*row);
            if matches!(row.subject, Subject::Setting(_)) {
                Arc::make_mut(&mut self.setting_changes).push(*row);
            }
            self.note_record(row);
            if in_order {
                self.reference.apply(row, &self.texts);
            }
        }
        if !in_order {
            self.reference = Reference::fold(&self.ledger, &self.texts, Millis::MAX);
        }
    }

    fn note_record(&mut self, row: &Logged) {
        let id = u32::try_from(row.change.value).unwrap_or(NONE);
        match (row.subject, row.change.field) {
            (Subject::Customer(customer), field::ID) => self.customer_ids.insert(id, customer),
            (Subject::Customer(_), field::CSM) => note_word(&mut self.csms, id),
            (Subject::Person(person), field::ID) => self.person_ids.insert(id, person),
            (Subject::Signal(signal), field::ID)
                if id != NONE && self.signal_ids.get(id).is_none() =>
            {
                self.signal_ids.insert(id, signal);
            }
            (_, attribute) if attribute >= field::ATTRIBUTES => self.note_attribute(attribute),
            _ => {}
        }
    }

    fn note_attribute(&mut self, attribute: u32) {
        let name = attribute - field::ATTRIBUTES;
        if !self.attributes.contains(&name) {
            Arc::make_mut(&mut self.attributes).insert(name);
        }
    }

    fn note_change(&mut self, change: &Change) {
        if change.value == EMPTY {
            return;
        }
        let number = u32::try_from(change.value).unwrap_or(NONE);
        match change.field {
            field::SOURCE => note_word(&mut self.sources, number),
            field::PRODUCT_LINE => note_word(&mut self.product_lines, number),
            field::CSM => note_word(&mut self.csms, number),
            field::SALES_REP => note_word(&mut self.sales_reps, number),
            attribute if attribute >= field::ATTRIBUTES => self.note_attribute(attribute),
            _ => {}
        }
    }

    fn list_with_customer(&mut self, customer: u32, deal: u32) {
        if customer == NONE {
            return;
        }
        while self.customer_deals.len() <= customer as usize {
            self.customer_deals.push(Arc::default());
        }
        if let Some(deals) = self.customer_deals.get_mut(customer) {
            Arc::make_mut(deals).push(deal);
        }
    }
}

/// Adds a text to those on record; people are numbers alike.
fn note_word(words: &mut Arc<BTreeSet<Text>>, word: Text) {
    if word != NONE && !words.contains(&word) {
        Arc::make_mut(words).insert(word);
    }
}
