//! The order of segments (DEFINITIONS section 4, "Ranking"): those with enough closed deals by a figure,
//! smaller ones after them, and what is unassigned last. Few deals make a high rate by chance, so a
//! small segment is never ranked by one.

use std::cmp::Ordering;

use super::segments::UNASSIGNED;
use crate::domain::ratio::Ratio;

/// A segment that may be ranked, and what is shown of it.
pub struct Candidate<T> {
    /// Its key.
    pub key: u64,
    /// Its name.
    pub name: String,
    /// What it is ranked by; `None` where that has no meaning.
    pub figure: Option<Ratio>,
    /// How many deals it is of: the larger one wins a tie, and orders those that are not ranked.
    pub size: u64,
    /// Whether that is enough to rank it.
    pub is_enough: bool,
    /// The rest.
    pub of: T,
}

/// Which figure comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The highest.
    Highest,
    /// The lowest.
    Lowest,
}

/// Ranks segments: those with enough deals by their figure, then by size, then by name; the others
/// follow by size and name, without a rank.
pub fn ranked<T>(
    mut candidates: Vec<Candidate<T>>,
    first: First,
) -> Vec<(Option<usize>, Candidate<T>)> {
    let is_ranked = |it: &Candidate<T>| it.is_enough && it.key != UNASSIGNED;
    candidates.sort_by(|a, b| {
        let by_figure = || match (a.figure, b.figure) {
            (Some(a), Some(b)) if first == First::Lowest => a.cmp(&b),
            (Some(a), Some(b)) => b.cmp(&a),
            // What has no figure stands last, whatever comes first.
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        (a.key == UNASSIGNED)
            .cmp(&(b.key == UNASSIGNED))
            .then_with(|| is_ranked(b).cmp(&is_ranked(a)))
            .then_with(|| {
                if is_ranked(a) {
                    by_figure()
                } else {
                    Ordering::Equal
                }
            })
            .then_with(|| b.size.cmp(&a.size))
            .then_with(|| a.name.cmp(&b.name))
    });
    let mut rank = 0;
    candidates
        .into_iter()
        .map(|candidate| {
            let is_ranked = is_ranked(&candidate);
            rank += usize::from(is_ranked);
            (is_ranked.then_some(rank), candidate)
        })
        .collect()
}

/// Why a segment stands without a rank: of how few deals, and which ones count.
pub fn unranked(minimum: u32, counted: &str) -> String {
    format!("-: fewer than {minimum} {counted} deals, not ranked.")
}

/// Puts segments in the order of their keys, without ranks: time goes on.
pub fn in_time<T>(mut candidates: Vec<Candidate<T>>) -> Vec<(Option<usize>, Candidate<T>)> {
    // What is unassigned has the greatest key.
    candidates.sort_by_key(|candidate| candidate.key);
    candidates.into_iter().map(|it| (None, it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, won: i64, closed: i64) -> Candidate<()> {
        Candidate {
            key: 0,
            name: name.to_owned(),
            figure: Ratio::of(won, closed),
            size: closed.unsigned_abs(),
            is_enough: closed >= 10,
            of: (),
        }
    }

    fn order(first: First) -> String {
        // 50 ÷ 101 = 0.49505 and 99 ÷ 200 = 0.495: shown alike, and B has more deals, but A is better.
        let candidates = vec![
            candidate("D", 0, 0),
            candidate("C", 3, 3),
            candidate("A", 50, 101),
            candidate("B", 99, 200),
        ];
        let ranked = ranked(candidates, first);
        ranked.into_iter().map(|(_, it)| it.name).collect()
    }

    #[test]
    fn segments_are_ranked_by_exact_rates_and_small_ones_follow() {
        assert_eq!(order(First::Highest), "ABCD");
        assert_eq!(order(First::Lowest), "BACD");
    }
}
