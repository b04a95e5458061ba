//! The built-in demo portfolio: the files of `fixtures/demo`, and the day they are about.

use chrono::NaiveDate;

use crate::files::Source;

/// The day of the demo portfolio.
pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 29).unwrap_or_default()
}

macro_rules! demo_files {
    ($($name:literal),+) => {
        [$(($name, include_bytes!(concat!("../../fixtures/demo/", $name)).as_slice())),+]
    };
}

/// Its files.
pub fn sources() -> Vec<Source> {
    demo_files![
        "opportunities.csv",
        "customers.csv",
        "csms.csv",
        "stage_history.csv",
        "field_history.csv",
        "targets.csv",
        "forecasts.csv"
    ]
    .into_iter()
    .map(|(name, bytes)| Source {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    })
    .collect()
}
