//! NOUNS. What the trade is about, and the arithmetic that follows from its definitions: pure
//! values and pure functions. No IO, no SQL, no clock, no float for money.

pub mod absorb;
pub mod by_close;
pub mod calendar;
pub mod calibration;
pub mod change;
pub mod chunk;
pub mod chunked;
pub mod days;
pub mod deal;
pub mod draft;
pub mod filter;
pub mod fold;
pub mod holds;
pub mod landing;
pub mod log;
mod meaning;
pub mod measure;
pub mod money;
pub mod name;
pub mod norm;
pub mod origin;
pub mod past;
pub mod period;
pub mod portfolio;
pub mod pricing;
pub mod progress;
pub mod rates;
pub mod ratio;
pub mod reference;
pub mod role;
pub mod settings;
pub mod stage;
pub mod statement;
pub mod statistics;
pub mod texts;
pub mod waterfall;
