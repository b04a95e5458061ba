//! Parts of answers that several reports show. Each is a pure function of the portfolio.

pub mod at_open;
pub mod behind;
pub mod by_period;
pub mod contract;
pub mod converted;
pub mod customers;
pub mod expansion;
pub mod forecast;
pub mod metrics;
pub mod performance;
pub mod pipeline;
pub mod ranking;
pub mod reasons;
pub mod rows;
pub mod search;
pub mod segments;
pub mod slip;
pub mod sources;
pub mod tail;
pub mod target;
pub mod unrecorded;
pub mod warnings;
pub mod what_if;
