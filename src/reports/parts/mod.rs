//! Parts of answers that several reports show. Each is a pure function of the portfolio.

pub mod at_open;
pub mod contract;
pub mod converted;
pub mod customers;
pub mod expansion;
pub mod forecast;
pub mod metrics;
pub mod pipeline;
pub mod rows;
pub mod search;
pub mod segments;
pub mod tail;
pub mod target;
pub mod unrecorded;
pub mod warnings;
