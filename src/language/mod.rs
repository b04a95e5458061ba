//! WORDS. People's and models' words → domain values, and domain values → the words of an answer:
//! periods, names, amounts, filters, arguments; figures and opportunities as they go out. Pure.

pub mod amounts;
pub mod arguments;
pub mod attributes;
pub mod basis;
pub mod behind;
pub mod completion;
pub mod fields;
pub mod figures;
pub mod filters;
pub mod journal;
pub mod names;
pub mod opportunity;
pub mod periods;
pub mod question;
pub mod records;
pub mod schema;
mod shapes;
mod shown;
pub mod units;
pub mod vocabulary;

pub use self::shown::{cell, clean, visible, watched};
