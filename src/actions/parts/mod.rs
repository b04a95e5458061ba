//! What several actions share. Each is a pure function of the portfolio.

pub mod dating;
pub mod doubts;
pub mod effect;
pub mod version;
