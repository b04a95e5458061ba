//! What may complete an argument that is being typed. Arguments of a name mean the same in every tool.

use std::sync::LazyLock;

use super::{Engine, Result};
use crate::domain::stage::{ExpansionType, Stage};
use crate::language::completion::{Said, complete};
use crate::reports;

/// What completes an argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completed {
    /// What fits, best first.
    pub values: Vec<String>,
    /// How much fits in all.
    pub total: usize,
}

impl Engine {
    /// What completes an argument of a tool, at most so many; nothing for one that is free text.
    pub fn complete(&self, argument: &str, typed: &str, most: usize) -> Result<Completed> {
        self.guarded(|| {
            let Some(said) = said(argument) else {
                return Ok(Completed::default());
            };
            let portfolio = self.portfolio()?;
            let today = portfolio.settings().calendar.date_of(self.now(&portfolio));
            let (values, total) = complete(said, typed, &portfolio, today, most);
            Ok(Completed { values, total })
        })
    }
}

fn said(argument: &str) -> Option<Said> {
    static STAGES: LazyLock<Vec<&str>> =
        LazyLock::new(|| Stage::ALL.iter().map(|stage| stage.word()).collect());
    static TYPES: LazyLock<Vec<&str>> =
        LazyLock::new(|| ExpansionType::ALL.iter().map(|it| it.word()).collect());
    Some(match argument {
        "opportunity" => Said::Opportunity,
        "customer" => Said::Customer,
        "csm" | "sales_rep" | "owner" => Said::Person,
        "period" | "closing" | "closed" => Said::Period,
        "stage" => Said::Word(&STAGES),
        "type" => Said::Word(&TYPES),
        "dimension" => Said::Word(reports::dimensions()),
        _ => return None,
    })
}
