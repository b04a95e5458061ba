//! Which deals a question is about, once all words are understood: tests on numbers only.

use super::change::Day;
use super::deal::Deal;
use super::portfolio::Portfolio;
use super::ratio::Ratio;
use super::settings::Settings;
use super::stage::{CLOSED_BITS, ExpansionType, OPEN_BITS, Stage};
use super::texts::{NONE, Text};

/// A sorted set of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids(Vec<u32>);

impl Ids {
    /// The set of these numbers.
    pub fn new(mut numbers: Vec<u32>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        Ids(numbers)
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u32) -> bool {
        self.0.binary_search(&number).is_ok()
    }

    /// The numbers, ascending.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// The number, when there is exactly one.
    pub fn only(&self) -> Option<u32> {
        match self.0.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// One condition on a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Its type is one of these (bits).
    Kind(u8),
    /// Its stage is one of these (bits).
    Stage(u8),
    /// Its CSM is one of these.
    Csm(Ids),
    /// Its sales rep is one of these.
    SalesRep(Ids),
    /// Its CSM or its sales rep is one of these.
    Owner(Ids),
    /// Its customer is one of these.
    Customer(Ids),
    /// It was found by one of these.
    Source(Ids),
    /// It is of one of these product lines.
    ProductLine(Ids),
    /// Its value is at least this (minor units).
    MinValue(i64),
    /// Its value is at most this (minor units).
    MaxValue(i64),
    /// An attribute has one of these values: looked up on the deal, then its customer, then its CSM.
    Attribute {
        /// The attribute's name.
        name: Text,
        /// The values (texts) that fit, on the deal itself.
        values: Ids,
        /// Each customer: whether it has the attribute, and whether that fits.
        customers: Vec<Option<bool>>,
        /// Each person, likewise.
        people: Vec<Option<bool>>,
    },
}

impl Test {
    fn holds(&self, deal: &Deal, portfolio: &Portfolio) -> bool {
        match self {
            Test::Kind(bits) => bits & (1 << deal.kind.code()) != 0,
            Test::Stage(bits) => bits & deal.stage.bit() != 0,
            Test::Csm(ids) => ids.contains(deal.csm),
            Test::SalesRep(ids) => ids.contains(deal.sales_rep),
            Test::Owner(ids) => ids.contains(deal.csm) || ids.contains(deal.sales_rep),
            Test::Customer(ids) => ids.contains(deal.customer),
            Test::Source(ids) => ids.contains(deal.source),
            Test::ProductLine(ids) => ids.contains(deal.product_line),
            // A value that cannot be converted is neither above nor below a bound.
            Test::MinValue(least) => !deal.foreign && deal.value >= *least,
            Test::MaxValue(most) => !deal.foreign && deal.value <= *most,
            Test::Attribute {
                name,
                values,
                customers,
                people,
            } => {
                let known =
                    |of: &[Option<bool>], number: u32| of.get(number as usize).copied().flatten();
                portfolio
                    .attribute(deal, *name)
                    .map(|value| values.contains(value))
                    .or_else(|| known(customers, deal.customer))
                    .or_else(|| known(people, deal.csm))
                    .unwrap_or(false)
            }
        }
    }
}

/// Which deals are asked about: those for which every test of `only` and no test of `exclude` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// What must hold.
    pub only: Vec<Test>,
    /// What must not.
    pub exclude: Vec<Test>,
}

/// Whose target a filter asks for (DEFINITIONS section 5: a target's scope equals the filter exactly).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The CSM, or [`NONE`].
    pub csm: u32,
    /// The code of the type, or [`u8::MAX`].
    pub kind: u8,
}

impl Filter {
    /// Whether a deal matches.
    pub fn matches(&self, deal: &Deal, portfolio: &Portfolio) -> bool {
        self.only.iter().all(|test| test.holds(deal, portfolio))
            && !self.exclude.iter().any(|test| test.holds(deal, portfolio))
    }

    /// Whether it lets every deal through.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty()
    }

    /// The stages it asks for (bits), if it names any.
    pub fn stages(&self) -> Option<u8> {
        self.only.iter().find_map(|test| {
            if let Test::Stage(bits) = test {
                Some(*bits)
            } else {
                None
            }
        })
    }

    /// The stages it lets through (bits), whether it asks for them or drops the others.
    pub fn stages_left(&self) -> u8 {
        let dropped = self.exclude.iter().filter_map(|test| match test {
            Test::Stage(bits) => Some(*bits),
            _ => None,
        });
        dropped.fold(
            self.stages().unwrap_or(OPEN_BITS | CLOSED_BITS),
            |left, bits| left & !bits,
        )
    }

    /// The same filter whatever the stage.
    #[must_use]
    pub fn without_stage(&self) -> Filter {
        let keep = |test: &&Test| !matches!(test, Test::Stage(_));
        Filter {
            only: self.only.iter().filter(keep).cloned().collect(),
            exclude: self.exclude.iter().filter(keep).cloned().collect(),
        }
    }

    /// The parts that are about customers: their names, and the attributes that some customer or CSM
    /// has. An attribute of deals only says nothing about customers.
    #[must_use]
    pub fn about_customers(&self) -> Filter {
        let keep = |test: &&Test| match test {
            Test::Customer(_) => true,
            Test::Attribute {
                customers, people, ..
            } => customers.iter().chain(people).any(Option::is_some),
            _ => false,
        };
        Filter {
            only: self.only.iter().filter(keep).cloned().collect(),
            exclude: self.exclude.iter().filter(keep).cloned().collect(),
        }
    }

    /// Whether it asks for nothing but customers, so that what has no deal yet can be asked for.
    pub fn is_about_customers_only(&self) -> bool {
        let of_customers = self.about_customers();
        of_customers.only.len() == self.only.len()
            && of_customers.exclude.len() == self.exclude.len()
    }

    /// Whether a customer answers to the parts that are about customers.
    pub fn takes_customer(&self, customer: u32, csm: u32) -> bool {
        let answers = |test: &Test| match test {
            Test::Customer(ids) => Some(ids.contains(customer)),
            Test::Attribute {
                customers, people, ..
            } => {
                let known =
                    |of: &[Option<bool>], number: u32| of.get(number as usize).copied().flatten();
                Some(
                    known(customers, customer)
                        .or_else(|| known(people, csm))
                        .unwrap_or(false),
                )
            }
            _ => None,
        };
        self.only.iter().all(|test| answers(test).unwrap_or(true))
            && !self
                .exclude
                .iter()
                .any(|test| answers(test).unwrap_or(false))
    }

    /// The customers it is limited to, if it names any: their deals are found without a scan.
    pub fn customers(&self) -> Option<&Ids> {
        self.only.iter().find_map(|test| {
            if let Test::Customer(ids) = test {
                Some(ids)
            } else {
                None
            }
        })
    }

    /// Whose target answers for it: the organisation's, a CSM's, a type's or both; `None` when it
    /// filters by anything else.
    pub fn scope(&self) -> Option<Scope> {
        if !self.exclude.is_empty() {
            return None;
        }
        let mut scope = Scope {
            csm: NONE,
            kind: u8::MAX,
        };
        for test in &self.only {
            match test {
                Test::Csm(ids) if scope.csm == NONE => scope.csm = ids.only()?,
                Test::Kind(bits) if bits.count_ones() == 1 && scope.kind == u8::MAX => {
                    scope.kind = u8::try_from(bits.trailing_zeros()).ok()?;
                }
                _ => return None,
            }
        }
        Some(scope)
    }

    /// The bits of some types.
    pub fn kinds(kinds: impl IntoIterator<Item = ExpansionType>) -> Test {
        Test::Kind(
            kinds
                .into_iter()
                .fold(0, |bits, kind| bits | (1 << kind.code())),
        )
    }
}

/// The stages a word of the `stage` filter stands for.
pub const STAGE_WORDS: [(&str, u8); 11] = [
    ("identified", Stage::Identified.bit()),
    ("qualified", Stage::Qualified.bit()),
    ("proposal", Stage::Proposal.bit()),
    ("negotiation", Stage::Negotiation.bit()),
    ("closed_won", Stage::ClosedWon.bit()),
    ("closed_lost", Stage::ClosedLost.bit()),
    ("won", Stage::ClosedWon.bit()),
    ("lost", Stage::ClosedLost.bit()),
    ("open", OPEN_BITS),
    ("closed", CLOSED_BITS),
    ("all", OPEN_BITS | CLOSED_BITS),
];

/// A count with the value and weighted value of the deals counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many deals, those without a rate included.
    pub count: u64,
    /// Their value, in minor units of the organisation's currency.
    pub value: i64,
    /// Their weighted value.
    pub weighted: i64,
}

impl Tally {
    /// Counts a deal; money of a deal without a rate is left out.
    pub fn add(&mut self, deal: &Deal, portfolio: &Portfolio) {
        self.merge(&Tally::of(deal, portfolio.settings()));
    }

    /// What one deal comes to.
    pub fn of(deal: &Deal, settings: &Settings) -> Tally {
        let value = if deal.foreign { 0 } else { deal.value };
        Tally {
            count: 1,
            value,
            weighted: super::money::weighted(value, deal.probability(settings)),
        }
    }

    /// Counts what another tally counted.
    pub fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.value += other.value;
        self.weighted += other.weighted;
    }

    /// Weighted ÷ value; `None` without value.
    pub fn probability(&self) -> Option<Ratio> {
        Ratio::of(self.weighted, self.value)
    }
}

/// Whether an open deal is overdue (DEFINITIONS section 5): due before today.
pub fn is_overdue(deal: &Deal, today: Day) -> bool {
    deal.is_open() && deal.close < today
}
