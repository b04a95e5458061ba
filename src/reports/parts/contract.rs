//! Contract values over the whole term (DEFINITIONS section 8, "Multi-year deals"): shown when asked
//! for, and never added to annual values.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::deal::Deal;
use crate::domain::money::contract_value;
use crate::domain::portfolio::Portfolio;
use crate::language::figures::Amount;

/// What contracts come to, by state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContractValues {
    open: Amount,
    won: Amount,
    lost: Amount,
    /// Deals left out: no term on record
    without_term: u64,
}

impl ContractValues {
    /// Adds deals up.
    pub fn of(deals: &[&Deal], portfolio: &Portfolio) -> ContractValues {
        let (mut sums, mut without_term) = ([0_i64; 3], 0_u64);
        for deal in deals {
            let detail = portfolio.detail(deal);
            let months = detail.map_or(0, |detail| detail.term_months);
            match contract_value(deal.value, months) {
                None => without_term += 1,
                Some(_) if deal.foreign => {}
                Some(value) => {
                    if let Some(sum) = sums.get_mut(usize::from(deal.state())) {
                        *sum += value;
                    }
                }
            }
        }
        let currency = portfolio.settings().currency;
        let [open, won, lost] = sums.map(|minor| Amount { minor, currency });
        ContractValues {
            open,
            won,
            lost,
            without_term,
        }
    }

    /// The figures in a line.
    pub fn text(&self) -> String {
        format!(
            "Contract value over the terms: open {}, won {}, lost {}; {} without a term.",
            self.open, self.won, self.lost, self.without_term
        )
    }
}
