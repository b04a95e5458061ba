//! What stands behind the figures of an answer: how each comes about, and what each deal adds to it.

use crate::domain::ratio::Ratio;

/// The figures of an answer that can be explained.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Behind {
    /// In the order of the answer.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Where it stands in the answer: "summary.total_value", "by_stage.proposal.value".
    pub path: String,
    /// How it comes about.
    pub formula: &'static str,
    /// What each deal adds; `None` where it is made of other figures.
    pub parts: Option<Parts>,
}

/// What deals add to a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// What is added.
    pub unit: Unit,
    /// (number of the deal, what it adds: minor units, or so many).
    pub of_deals: Vec<(u32, i64)>,
    /// Whether the figure is their mean, rather than their sum.
    pub is_mean: bool,
}

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minor units of the organisation's currency.
    Money,
    /// A plain number.
    Number,
}

impl Behind {
    /// Adds a figure that is the sum of what deals add.
    pub fn sum(
        &mut self,
        path: impl Into<String>,
        formula: &'static str,
        unit: Unit,
        of_deals: impl IntoIterator<Item = (u32, i64)>,
    ) {
        self.add(path.into(), formula, unit, of_deals, false);
    }

    /// Adds a figure that is the mean of what deals say.
    pub fn mean(
        &mut self,
        path: impl Into<String>,
        formula: &'static str,
        unit: Unit,
        of_deals: impl IntoIterator<Item = (u32, i64)>,
    ) {
        self.add(path.into(), formula, unit, of_deals, true);
    }

    /// Adds a figure that is made of others.
    pub fn of_figures(&mut self, path: impl Into<String>, formula: &'static str) {
        self.figures.push(Figure {
            path: path.into(),
            formula,
            parts: None,
        });
    }

    fn add(
        &mut self,
        path: String,
        formula: &'static str,
        unit: Unit,
        of_deals: impl IntoIterator<Item = (u32, i64)>,
        is_mean: bool,
    ) {
        self.figures.push(Figure {
            path,
            formula,
            parts: Some(Parts {
                unit,
                of_deals: of_deals.into_iter().collect(),
                is_mean,
            }),
        });
    }
}

impl Parts {
    /// What the figure comes to; `None` for the mean of nothing.
    pub fn total(&self) -> Option<Ratio> {
        let sum: i64 = self.of_deals.iter().map(|(_, part)| part).sum();
        if self.is_mean {
            Ratio::of(sum, self.of_deals.len() as i64)
        } else {
            Some(Ratio::whole(sum))
        }
    }
}
