//! The last lines of a text answer: what some hosts would never show the model otherwise, because they
//! pass on the text alone. Only what changes how a figure is to be read.

use crate::language::basis::{Basis, Warning};

/// As of when, only what, assuming what, beware of what; a line each. The last says how far the log was
/// read, from which `explain` can ask again: a tenth of the tokens of the `ref` itself.
pub fn tail(basis: &Basis, warnings: &[Warning]) -> String {
    let as_of = basis.as_of.iter().map(|as_of| format!("As of {as_of}."));
    let known = basis.known_at.iter();
    let known = known.map(|known_at| format!("From what was on record by {known_at}."));
    let filters = basis.filters.iter().map(|part| format!("Only {part}."));
    let assumptions = basis.assumptions.iter().cloned();
    let warnings = warnings.iter().map(|warning| warning.message.clone());
    let position = std::iter::once(format!("Position {}.", basis.position));
    as_of
        .chain(known)
        .chain(filters)
        .chain(assumptions)
        .chain(warnings)
        .chain(position)
        .map(|line| format!("\n{line}"))
        .collect()
}
