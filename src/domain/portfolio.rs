//! The portfolio: every deal of an organisation with its history, and what deals refer to, at one
//! position of the log. Reports read it, actions plan on a copy of it, and a look back is another
//! portfolio folded to an earlier cut. Cloning is cheap: snapshots share all that did not change.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::change::{Change, Day, Entry, Logged, Millis, Position, Subject};
use super::chunk::{Chunk, SIZE};
use super::chunked::Chunked;
use super::days::DayTable;
use super::deal::{Deal, Detail, place_of};
use super::norm::Norms;
use super::origin::Origin;
use super::pricing::By;
use super::reference::{Customer, Directory, Person, Reference, counting};
use super::settings::Settings;
use super::texts::{NONE, Text, Texts};

/// An organisation's deals and everything they refer to, at one position of the log.
#[derive(Debug, Clone, Default)]
pub struct Portfolio {
    pub(super) texts: Texts,
    pub(super) reference: Reference,
    /// The instant it is a look back to; `None` of the present. The log goes on beyond it.
    pub(super) until: Option<Millis>,
    /// How the deals in other currencies are converted.
    pub(super) by: By,
    pub(super) days: Arc<DayTable>,
    pub(super) chunks: Vec<Arc<Chunk>>,
    pub(super) deals: u32,
    pub(super) notes: u32,
    pub(super) position: Position,
    pub(super) entries: Chunked<Entry>,
    pub(super) ledger: Chunked<Logged>,
    /// The latest `at` of the ledger: an earlier one that comes in means folding it afresh.
    pub(super) ledger_at: i64,
    /// The ledger's changes of settings: few, and asked for by every look back.
    pub(super) setting_changes: Arc<Vec<Logged>>,
    /// The earliest instant at which a deal existed.
    pub(super) first_at: Option<i64>,
    pub(super) deal_ids: Directory,
    pub(super) customer_ids: Directory,
    pub(super) person_ids: Directory,
    pub(super) signal_ids: Directory,
    /// Each customer's deals, by customer number; a deal that moved stays listed with its former one.
    pub(super) customer_deals: Chunked<Arc<Vec<u32>>>,
    pub(super) sources: Arc<BTreeSet<Text>>,
    pub(super) product_lines: Arc<BTreeSet<Text>>,
    pub(super) csms: Arc<BTreeSet<u32>>,
    pub(super) sales_reps: Arc<BTreeSet<u32>>,
    pub(super) attributes: Arc<BTreeSet<Text>>,
    /// What is usual for each customer, once somebody asked.
    pub(super) norms: OnceLock<Arc<Norms>>,
}

/// A deal with the chunk it lies in, for reading its details.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// The figures.
    pub deal: &'a Deal,
    /// The rest.
    pub detail: &'a Detail,
    /// The chunk, for history and attributes.
    pub chunk: &'a Chunk,
}

impl Portfolio {
    /// The text of a number.
    pub fn text(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// All texts.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(super) fn texts_mut(&mut self) -> &mut Texts {
        &mut self.texts
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.reference.settings
    }

    /// The settings that were in force at an instant.
    pub fn settings_at(&self, until: Millis) -> Settings {
        let mut changes: Vec<&Logged> = counting(self.setting_changes.iter()).collect();
        changes.sort_by_key(|row| (row.change.at, row.change.seq));
        let mut then = Reference::default();
        for row in changes.into_iter().filter(|row| row.change.at <= until) {
            then.apply(row, &self.texts);
        }
        Arc::unwrap_or_clone(then.settings)
    }

    /// When settings were changed, in no order.
    pub fn settings_changed(&self) -> impl Iterator<Item = Millis> + '_ {
        self.setting_changes.iter().map(|row| row.change.at)
    }

    /// The earliest instant at which a deal existed; `None` without deals.
    pub fn first_at(&self) -> Option<i64> {
        self.first_at
    }

    /// What is usual for each customer; sorted when first asked for.
    pub fn norms(&self) -> &Norms {
        self.norms.get_or_init(|| Arc::new(Norms::of(self)))
    }

    /// Customers, people, signals, targets and recorded forecasts.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The table that finds business days.
    pub fn days(&self) -> &DayTable {
        &self.days
    }

    /// The log position it stands at.
    pub fn position(&self) -> Position {
        self.position
    }

    /// How many deals are on record, open and closed, whatever the cut.
    pub fn len(&self) -> u32 {
        self.deals
    }

    /// Whether no deal is on record.
    pub fn is_empty(&self) -> bool {
        self.deals == 0
    }

    /// Whether no deal existed yet, which is so of a look back to before the first one.
    pub fn is_before_all(&self) -> bool {
        self.chunks().all(|chunk| chunk.deals().next().is_none())
    }

    /// How many notes the store holds; also the number of the next one.
    pub fn notes(&self) -> u32 {
        self.notes
    }

    /// The chunks, for scanning.
    pub fn chunks(&self) -> impl ExactSizeIterator<Item = &Chunk> {
        self.chunks.iter().map(Arc::as_ref)
    }

    /// All open deals.
    pub fn open(&self) -> impl Iterator<Item = &Deal> {
        self.chunks().flat_map(|chunk| chunk.open().all())
    }

    /// The open deals expected to close in these days.
    pub fn due(&self, from: Day, to: Day) -> impl Iterator<Item = &Deal> {
        self.chunks()
            .flat_map(move |chunk| chunk.open().between(from, to))
    }

    /// The deals closed in these days.
    pub fn closed(&self, from: Day, to: Day) -> impl Iterator<Item = &Deal> {
        self.chunks()
            .flat_map(move |chunk| chunk.closed().between(from, to))
    }

    /// A deal by number.
    pub fn deal(&self, number: u32) -> Option<Found<'_>> {
        let chunk = self.chunks.get((number / SIZE) as usize)?;
        let place = place_of(number);
        Some(Found {
            deal: chunk.deal(place)?,
            detail: chunk.detail(place)?,
            chunk,
        })
    }

    /// What only an answer about a deal shows.
    pub fn detail(&self, deal: &Deal) -> Option<&Detail> {
        self.chunks
            .get((deal.number / SIZE) as usize)?
            .detail(place_of(deal.number))
    }

    /// A deal's own value of a custom attribute.
    pub fn attribute(&self, deal: &Deal, name: Text) -> Option<Text> {
        let chunk = self.chunks.get((deal.number / SIZE) as usize)?;
        chunk
            .attributes(place_of(deal.number))
            .find(|known| known.name == name)
            .map(|known| known.value)
            .filter(|value| *value != NONE)
    }

    /// A deal's recorded changes that count, by (at, seq); those after the instant of a look back, too.
    pub fn changes(&self, number: u32) -> &[Change] {
        self.chunks
            .get((number / SIZE) as usize)
            .map_or(&[], |chunk| chunk.changes(place_of(number)))
    }

    /// Everything that was ever logged of a deal, by (at, seq): what is void and what voids it, too.
    pub fn logged(&self, number: u32) -> &[Change] {
        self.chunks
            .get((number / SIZE) as usize)
            .map_or(&[], |chunk| chunk.logged(place_of(number)))
    }

    /// How a deal came on record.
    pub fn origin(&self, number: u32) -> Option<&Origin> {
        self.chunks
            .get((number / SIZE) as usize)?
            .origins()
            .get(usize::from(place_of(number)))
    }

    /// Whether the origin of a deal was on record at an instant.
    pub fn is_origin_known(&self, number: u32, at: Millis) -> bool {
        self.chunks
            .get((number / SIZE) as usize)
            .is_some_and(|chunk| chunk.is_origin_known(place_of(number), at))
    }

    /// The number of the deal that has this id.
    pub fn deal_by_id(&self, id: &str) -> Option<u32> {
        self.deal_ids.get(self.texts.find(id)?)
    }

    /// The number of the customer that has this id.
    pub fn customer_by_id(&self, id: &str) -> Option<u32> {
        self.customer_ids.get(self.texts.find(id)?)
    }

    /// The number of the person that has this id.
    pub fn person_by_id(&self, id: &str) -> Option<u32> {
        self.person_ids.get(self.texts.find(id)?)
    }

    /// The number of the signal that has this id; the first, where a caller gave several the same.
    pub fn signal_by_id(&self, id: &str) -> Option<u32> {
        self.signal_ids.get(self.texts.find(id)?)
    }

    /// A customer by number.
    pub fn customer(&self, number: u32) -> Option<&Customer> {
        self.reference.customers.get(number)
    }

    /// A person by number.
    pub fn person(&self, number: u32) -> Option<&Person> {
        self.reference.people.get(number)
    }

    /// A customer's name, or its id when it has none.
    pub fn customer_name(&self, number: u32) -> &str {
        self.customer(number).map_or("", |known| {
            self.text(if known.name == NONE {
                known.id
            } else {
                known.name
            })
        })
    }

    /// A person's name, or their id when they have none.
    pub fn person_name(&self, number: u32) -> &str {
        self.person(number).map_or("", |known| {
            self.text(if known.name == NONE {
                known.id
            } else {
                known.name
            })
        })
    }

    /// The numbers of a customer's deals, in no order; some may have moved to another customer since.
    pub fn deals_of(&self, customer: u32) -> &[u32] {
        self.customer_deals
            .get(customer)
            .map_or(&[], |deals| deals.as_slice())
    }

    /// The deals that are some customers' now, each once.
    pub fn deals_of_all<'a>(&'a self, customers: &'a [u32]) -> impl Iterator<Item = &'a Deal> {
        customers.iter().flat_map(|customer| {
            let deals = self
                .deals_of(*customer)
                .iter()
                .filter_map(|number| self.deal(*number));
            deals
                .map(|found| found.deal)
                .filter(|deal| deal.customer == *customer)
        })
    }

    /// The sources deals were ever found by.
    pub fn sources(&self) -> &BTreeSet<Text> {
        &self.sources
    }

    /// The product lines deals were ever of.
    pub fn product_lines(&self) -> &BTreeSet<Text> {
        &self.product_lines
    }

    /// The people who were ever CSM of a deal or a customer.
    pub fn csms(&self) -> &BTreeSet<u32> {
        &self.csms
    }

    /// The people who were ever sales rep of a deal.
    pub fn sales_reps(&self) -> &BTreeSet<u32> {
        &self.sales_reps
    }

    /// The names of all custom attributes of deals, customers and people.
    pub fn attribute_names(&self) -> &BTreeSet<Text> {
        &self.attributes
    }

    /// The log's entries, in order.
    pub fn entries(&self) -> &Chunked<Entry> {
        &self.entries
    }

    /// The changes of everything but deals, in log order.
    pub fn ledger(&self) -> &Chunked<Logged> {
        &self.ledger
    }

    /// The entry a log position belongs to.
    pub fn entry_of(&self, position: Position) -> Option<&Entry> {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low.midpoint(high);
            let first = self
                .entries
                .get(middle as u32)
                .map_or(0, |entry| entry.first);
            if first <= position {
                low = middle + 1
            } else {
                high = middle
            }
        }
        self.entries.get(low.checked_sub(1)? as u32)
    }

    /// The positions that one entry owns: its first, and the next entry's first.
    pub fn entry_span(&self, position: Position) -> Option<(Position, Position)> {
        let first = self.entry_of(position)?.first;
        let next = (0..self.entries.len() as u32)
            .rev()
            .filter_map(|number| self.entries.get(number))
            .map(|entry| entry.first)
            .take_while(|other| *other > first)
            .last();
        Some((first, next.unwrap_or(self.position + 1)))
    }

    /// Everything that was logged from one position up to another: what came on record, and changes.
    pub fn logged_between(&self, from: Position, to: Position) -> (Vec<&Origin>, Vec<Logged>) {
        let within = |position: Position| from <= position && position < to;
        let mut origins = Vec::new();
        let mut changes: Vec<Logged> = Vec::new();
        for chunk in self.chunks() {
            for origin in chunk.origins() {
                if within(origin.seq) {
                    origins.push(origin);
                }
                let logged = chunk.logged(place_of(origin.deal)).iter();
                changes.extend(
                    logged
                        .filter(|change| within(change.seq))
                        .map(|change| Logged {
                            subject: Subject::Deal(origin.deal),
                            change: *change,
                        }),
                );
            }
        }
        let ledger = self.ledger.iter();
        changes.extend(ledger.filter(|row| within(row.change.seq)).copied());
        changes.sort_by_key(|row| row.change.seq);
        (origins, changes)
    }

    /// Whether a field of a deal is on record at an instant, rather than known only from later on.
    pub fn is_on_record(&self, deal: u32, field: u32, at: i64) -> bool {
        self.origin(deal)
            .is_some_and(|origin| origin.is_on_record(field, self.changes(deal), at))
    }
}
