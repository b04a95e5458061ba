//! Customers and people: whom a row means, who is new, and what the files say about them.

use rustc_hash::FxHashMap;

use super::summary::Fate;
use super::values::of_number;
use super::writing::Writing;
use crate::domain::change::{BEGINNING, EMPTY, Subject, field};
use crate::domain::name::fold;
use crate::domain::statement::{Attributes, Named, Place, Said, Value};
use crate::domain::texts::{NONE, Text};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Customers,
    People,
}

/// The customers, or the people, that the files name.
#[derive(Debug)]
pub(super) struct Parties {
    side: Side,
    members: FxHashMap<Text, Member>,
    /// Their ids in the order in which they were first named.
    order: Vec<Text>,
    /// What names without an id stand for; `None` when several answer to one.
    by_name: FxHashMap<Text, Option<u32>>,
    /// Names that stand beside an id in files of something else.
    names: FxHashMap<Text, Text>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Member {
    number: u32,
    is_new: bool,
}

/// What a file says of one, beside the id.
type Fields = Vec<(u32, i64)>;

/// Finds everybody the files name and writes down what they say of them: customers, then people.
pub(super) fn parties(writing: &mut Writing<'_>) -> (Parties, Parties) {
    let stated = writing.stated;
    let mut customers = Parties::new(Side::Customers);
    let mut people = Parties::new(Side::People);
    for person in &stated.people {
        people.declare(writing, person.id);
    }
    for customer in &stated.customers {
        customers.declare(writing, customer.id);
        people.mention(writing, customer.csm);
    }
    for deal in &stated.deals {
        customers.mention(writing, deal.customer);
        people.mention(writing, deal.csm);
        people.mention(writing, deal.sales_rep);
    }
    for signal in &stated.signals {
        customers.mention(writing, signal.customer);
    }
    let of_targets = stated.targets.iter().map(|target| target.csm);
    let of_forecasts = stated.forecasts.iter().map(|forecast| forecast.csm);
    let planned: Vec<Named> = of_targets.chain(of_forecasts).collect();
    for csm in &planned {
        people.mention(writing, *csm);
    }
    for value in stated.edits.iter().flat_map(|edit| [edit.from, edit.to]) {
        match value {
            Some(Value::Person(id)) => people.declare(writing, id),
            Some(Value::Customer(id)) => customers.declare(writing, id),
            _ => {}
        }
    }
    // Names without ids come last, when everybody who has an id is known.
    let of_people = stated.people.iter().map(|person| (person.id, person.name));
    people.known_names(of_people);
    let named = stated
        .deals
        .iter()
        .flat_map(|deal| [deal.csm, deal.sales_rep]);
    people.resolve(
        writing,
        named
            .chain(stated.customers.iter().map(|customer| customer.csm))
            .chain(planned),
    );
    let of_customers = stated
        .customers
        .iter()
        .map(|customer| (customer.id, customer.name));
    customers.known_names(of_customers);
    let of_deals = stated.deals.iter().map(|deal| deal.customer);
    let of_signals = stated.signals.iter().map(|signal| signal.customer);
    customers.resolve(writing, of_deals.chain(of_signals));

    let fields = people_fields(writing);
    people.write(writing, &fields);
    let fields = customer_fields(writing, &people);
    customers.write(writing, &fields);
    (customers, people)
}

fn people_fields(writing: &mut Writing<'_>) -> FxHashMap<Text, Fields> {
    let stated = writing.stated;
    let mut of_id = FxHashMap::default();
    for person in &stated.people {
        let mut fields = Fields::new();
        add_text(writing, &mut fields, field::MANAGER, person.manager);
        add_attributes(writing, &mut fields, &person.attributes);
        of_id.insert(person.id, fields);
    }
    of_id
}

fn customer_fields(writing: &mut Writing<'_>, people: &Parties) -> FxHashMap<Text, Fields> {
    let stated = writing.stated;
    let mut of_id = FxHashMap::default();
    for customer in &stated.customers {
        let mut fields = Fields::new();
        add_text(writing, &mut fields, field::SEGMENT, customer.segment);
        for (field, said) in [
            (field::ARR, customer.arr),
            (field::HEALTH_SCORE, customer.health_score),
        ] {
            fields.extend(value_of(said).map(|value| (field, value)));
        }
        if let Some(csm) = people.value(writing, customer.csm, customer.place, "csm_name") {
            fields.extend(csm.map(|csm| (field::CSM, csm)));
        }
        add_attributes(writing, &mut fields, &customer.attributes);
        of_id.insert(customer.id, fields);
    }
    of_id
}

fn add_text(writing: &mut Writing<'_>, fields: &mut Fields, field: u32, said: Said<Text>) {
    let value = value_of(said.map(|text| writing.text_value(text)));
    fields.extend(value.map(|value| (field, value)));
}

/// Attributes as fields.
pub(super) fn add_attributes(
    writing: &mut Writing<'_>,
    fields: &mut Fields,
    attributes: &Attributes,
) {
    for (name, value) in attributes {
        let name = writing.text(*name);
        fields.push((field::ATTRIBUTES + name, writing.text_value(*value)));
    }
}

/// What a file says of a field, as the value of the field; `None` when it has no such column.
pub(super) fn value_of(said: Said<i64>) -> Option<i64> {
    match said {
        Said::Nothing => None,
        Said::Empty => Some(EMPTY),
        Said::Is(value) => Some(value),
    }
}

impl Parties {
    fn new(side: Side) -> Self {
        Parties {
            side,
            members: FxHashMap::default(),
            order: Vec::new(),
            by_name: FxHashMap::default(),
            names: FxHashMap::default(),
        }
    }

    /// Gives a number to the one that has an id.
    fn declare(&mut self, writing: &mut Writing<'_>, id: Text) {
        if self.members.contains_key(&id) {
            return;
        }
        let text = writing.stated.text(id);
        let known = match self.side {
            Side::Customers => writing.before.customer_by_id(text),
            Side::People => writing.before.person_by_id(text),
        };
        let number = known.unwrap_or_else(|| match self.side {
            Side::Customers => writing.draft.new_customer(),
            Side::People => writing.draft.new_person(),
        });
        self.members.insert(
            id,
            Member {
                number,
                is_new: known.is_none(),
            },
        );
        self.order.push(id);
    }

    fn mention(&mut self, writing: &mut Writing<'_>, named: Named) {
        if let Said::Is(id) = named.id {
            self.declare(writing, id);
            if let Said::Is(name) = named.name
                && *self.names.entry(id).or_insert(name) != name
            {
                let id = writing.stated.text(id);
                writing
                    .remarks
                    .add("One id goes by several names; the first is taken", id);
            }
        }
    }

    /// The names that the files of these parties give themselves go before those beside an id elsewhere.
    fn known_names(&mut self, rows: impl Iterator<Item = (Text, Said<Text>)>) {
        for (id, name) in rows {
            if let Said::Is(name) = name {
                self.names.insert(id, name);
            }
        }
    }

    /// Finds out whom names without an id mean: the one who goes by that name, else somebody new whose
    /// id is the name.
    fn resolve(&mut self, writing: &mut Writing<'_>, all: impl Iterator<Item = Named>) {
        let mut bare: Vec<Text> = Vec::new();
        for named in all {
            if let (Said::Nothing | Said::Empty, Said::Is(name)) = (named.id, named.name)
                && self.by_name.insert(name, None).is_none()
            {
                bare.push(name);
            }
        }
        if bare.is_empty() {
            return;
        }
        let mut answering = self.answering(writing);
        for name in bare {
            let answers = answering
                .entry(fold(writing.stated.text(name)))
                .or_default();
            if answers.is_empty() {
                self.declare(writing, name);
                self.names.entry(name).or_insert(name);
                answers.extend(self.members.get(&name).map(|member| member.number));
            }
            let only = if let [only] = answers.as_slice() {
                Some(*only)
            } else {
                None
            };
            self.by_name.insert(name, only);
        }
    }

    /// Who answers to each name, as names are compared.
    fn answering(&self, writing: &Writing<'_>) -> FxHashMap<String, Vec<u32>> {
        let before = writing.before;
        let mut answering: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        let mut answers = |name: &str, number: u32| {
            let numbers = answering.entry(fold(name)).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        };
        let known: Vec<Text> = match self.side {
            Side::Customers => before
                .reference()
                .customers
                .iter()
                .map(|customer| customer.name)
                .collect(),
            Side::People => before
                .reference()
                .people
                .iter()
                .map(|person| person.name)
                .collect(),
        };
        for (number, name) in (0..).zip(known) {
            if name != NONE {
                answers(before.text(name), number);
            }
        }
        for (id, name) in &self.names {
            if let Some(member) = self.members.get(id) {
                answers(writing.stated.text(*name), member.number);
            }
        }
        answering
    }

    /// The number of the one that has an id.
    pub fn number(&self, id: Text) -> u32 {
        self.members.get(&id).map_or(NONE, |member| member.number)
    }

    /// Whom a row means, as the value of a field: `None` inside when the row does not say, `None`
    /// outside when it cannot be told, for which the row is rejected.
    pub fn value(
        &self,
        writing: &mut Writing<'_>,
        named: Named,
        place: Place,
        column: &str,
    ) -> Option<Option<i64>> {
        match (named.id, named.name) {
            (Said::Is(id), _) => Some(Some(of_number(self.number(id)))),
            (_, Said::Is(name)) => match self.by_name.get(&name).copied().flatten() {
                Some(number) => Some(Some(of_number(number))),
                None => {
                    let reason = format!(
                        "several records are called {}; give an id",
                        writing.stated.text(name)
                    );
                    writing.reject(place, column, reason);
                    None
                }
            },
            (Said::Nothing, Said::Nothing) => Some(None),
            _ => Some(Some(EMPTY)),
        }
    }

    /// Writes down everybody: who they are, and what the files say of them.
    fn write(&self, writing: &mut Writing<'_>, fields: &FxHashMap<Text, Fields>) {
        for id in &self.order {
            let Some(member) = self.members.get(id) else {
                continue;
            };
            let subject = match self.side {
                Side::Customers => Subject::Customer(member.number),
                Side::People => Subject::Person(member.number),
            };
            let name = self
                .names
                .get(id)
                .map(|name| (field::NAME, writing.text_value(*name)));
            let rest = fields.get(id).map_or(&[][..], Vec::as_slice);
            let all = name.into_iter().chain(rest.iter().copied());
            let fate = if member.is_new {
                let known = writing.text_value(*id);
                writing.draft.set(subject, field::ID, BEGINNING, known);
                for (field, value) in all.filter(|(_, value)| *value != EMPTY) {
                    writing.draft.set(subject, field, BEGINNING, value);
                }
                Fate::New
            } else {
                let mut changed = false;
                for (field, value) in all {
                    changed |= writing.settle(subject, field, value, *id);
                }
                if changed {
                    Fate::Changed
                } else {
                    Fate::Unchanged
                }
            };
            match self.side {
                Side::Customers => writing.summary.customers.add(fate),
                Side::People => writing.summary.people.add(fate),
            }
        }
    }
}
