//! What the log has come to say since somebody last looked: which opportunities, which customers, or
//! something that stands behind every figure. Whoever listens to changes asks this.

use std::sync::{Arc, TryLockError};

use rustc_hash::FxHashSet;

use super::{Engine, Result};
use crate::domain::change::{Position, Subject};
use crate::domain::portfolio::Portfolio;
use crate::language::names::Match;
use crate::language::{opportunity, records};

/// What somebody listens to, in the words it was named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// One opportunity.
    Opportunity(String),
    /// The opportunities of one customer.
    Customer(String),
    /// The pipeline as a whole: any change is one of it.
    Pipeline,
}

/// A state of the portfolio that was looked at.
#[derive(Debug, Clone)]
pub struct Seen(Arc<Portfolio>);

impl Seen {
    /// Where the log ended.
    pub fn position(&self) -> Position {
        self.0.position()
    }
}

/// What changed between two looks.
#[derive(Debug)]
pub struct Touched {
    portfolio: Arc<Portfolio>,
    deals: FxHashSet<u32>,
    customers: FxHashSet<u32>,
    /// Something that any figure may rest on: a setting, a rate, a person's name, a signal.
    everything: bool,
}

impl Engine {
    /// The portfolio as it was last looked at, without any waiting; `None` while it is not open yet.
    pub fn last_seen(&self) -> Option<Seen> {
        let running = match self.running.try_lock() {
            Ok(running) => running.clone()?,
            Err(TryLockError::Poisoned(running)) => running.into_inner().clone()?,
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Seen(running.snapshot.get()))
    }

    /// What the log says now that it did not say then, also when another process wrote it; without a
    /// then, anything may have changed.
    pub fn touched(&self, since: Option<&Seen>) -> Result<(Seen, Option<Touched>)> {
        self.guarded(|| {
            let now = self.portfolio()?;
            let touched = match since {
                Some(then) if then.position() >= now.position() => None,
                then => Some(touched(then, Arc::clone(&now))),
            };
            Ok((Seen(now), touched))
        })
    }
}

impl Touched {
    /// Whether what somebody listens to may have changed.
    pub fn touches(&self, about: &About) -> bool {
        if self.everything {
            return true;
        }
        match about {
            About::Pipeline => true,
            About::Opportunity(words) => opportunity::find(words, &self.portfolio)
                .is_ok_and(|(number, _)| self.deals.contains(&number)),
            About::Customer(words) => {
                match records::find_customer(words, &self.portfolio).matched {
                    Match::One(number, _) => self.customers.contains(&number),
                    Match::Several(numbers, _) => {
                        numbers.iter().any(|number| self.customers.contains(number))
                    }
                    Match::None { .. } => false,
                }
            }
        }
    }
}

fn touched(then: Option<&Seen>, now: Arc<Portfolio>) -> Touched {
    let mut touched = Touched {
        portfolio: Arc::clone(&now),
        deals: FxHashSet::default(),
        customers: FxHashSet::default(),
        everything: then.is_none(),
    };
    let Some(Seen(then)) = then else {
        return touched;
    };
    let (origins, changes) = now.logged_between(then.position() + 1, now.position() + 1);
    touched
        .deals
        .extend(origins.iter().map(|origin| origin.deal));
    for logged in changes {
        match logged.subject {
            Subject::Deal(number) => {
                touched.deals.insert(number);
            }
            Subject::Customer(number) => {
                touched.customers.insert(number);
                touched.deals.extend(now.deals_of(number));
            }
            // A target or a recorded forecast stands in no answer about a deal or a customer.
            Subject::Target(_) | Subject::Forecast(_) => {}
            Subject::Person(_) | Subject::Setting(_) | Subject::Signal(_) | Subject::Rate(_) => {
                touched.everything = true;
            }
        }
    }
    // A deal that went to another customer concerns both.
    for number in &touched.deals {
        let owners = [then, &now].map(|portfolio| portfolio.deal(*number));
        let customers = owners
            .into_iter()
            .flatten()
            .map(|found| found.deal.customer);
        touched.customers.extend(customers);
    }
    touched
}
