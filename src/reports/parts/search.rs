//! Looking for words in the names of deals, their customers and product lines.

use crate::domain::deal::Deal;
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::Text;
use crate::language::names;
use crate::refusal::{Code, Refusal, Result};

/// Words as they are looked for.
pub struct Search(String);

impl Search {
    /// Reads words; refused when nothing of them is left to look for, rather than finding everything.
    pub fn read(words: &str) -> Result<Search> {
        let search = names::fold(words);
        if search.is_empty() {
            return Err(Refusal::new(
                Code::InvalidArgument,
                "'search' holds no letter and no digit, and nothing else is looked for.",
            )
            .hint("Give a part of a name, or leave 'search' out to list all."));
        }
        Ok(Search(search))
    }

    /// Whether they occur in a name of the deal.
    pub fn finds(&self, deal: &Deal, portfolio: &Portfolio) -> bool {
        let search = self.0.as_str();
        let holds = |text: Text| names::fold(portfolio.text(text)).contains(search);
        portfolio
            .customer(deal.customer)
            .is_some_and(|customer| customer.folded.contains(search))
            || holds(deal.product_line)
            || portfolio
                .detail(deal)
                .is_some_and(|detail| holds(detail.name))
    }
}
