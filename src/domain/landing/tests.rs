//! Where a period lands, checked against full enumeration and against simulation.

use proptest::prelude::*;

use super::*;

/// Every outcome written down, in whole numbers of ten-thousandths to the power of the deals.
fn enumerated(closed: i64, deals: &[(i64, u16)], target: i64) -> ([i64; 3], f64) {
    let mut outcomes = vec![(closed, 1.0)];
    for (value, probability) in deals {
        let p = f64::from(*probability) / 10_000.0;
        outcomes = outcomes
            .iter()
            .flat_map(|(sum, q)| [(*sum, q * (1.0 - p)), (sum + value, q * p)])
            .collect();
    }
    outcomes.sort_unstable_by_key(|(sum, _)| *sum);
    let quantile = |share: f64| {
        let mut below = 0.0;
        for (place, (sum, probability)) in outcomes.iter().enumerate() {
            below += probability;
            let is_last = outcomes.get(place + 1).is_none_or(|(next, _)| next != sum);
            if is_last && below + 1e-9 >= share {
                return *sum;
            }
        }
        outcomes.last().unwrap().0
    };
    let reached = outcomes.iter().filter(|(sum, _)| *sum >= target);
    (
        [0.1, 0.5, 0.9].map(quantile),
        reached.map(|(_, probability)| probability).sum(),
    )
}

#[test]
fn two_deals_by_hand() {
    // 100 with 50 %, 50 with 20 %, on 30 closed: 30 (40 %), 80 (10 %), 130 (40 %), 180 (10 %).
    let found = landing(30, [(100, 5_000), (50, 2_000)].into_iter(), Some(130));
    assert_eq!((found.p10, found.p50, found.p90), (30, 80, 130));
    assert!((found.chance.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!((found.deals, found.method), (2, Method::Exact));
}

#[test]
fn what_is_certain_is_no_bet() {
    let deals = [(100, 10_000), (70, 0), (0, 5_000)];
    let found = landing(5, deals.into_iter(), Some(105));
    assert_eq!((found.p10, found.p90, found.deals), (105, 105, 0));
    assert_eq!(found.chance, Some(1.0));
    assert_eq!(landing(5, deals.into_iter(), Some(106)).chance, Some(0.0));
    assert_eq!(landing(5, deals.into_iter(), None).chance, None);
}

/// A repeatable spread of deals like those of a pipeline.
fn pipeline(count: usize) -> Vec<(i64, u16)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    (0..count)
        .map(|_| {
            let value = (next(190) + 10) as i64 * 100_000;
            (value, [1_000, 4_000, 6_000, 8_000][next(4) as usize])
        })
        .collect()
}

fn moments(deals: &[(i64, u16)]) -> (f64, f64) {
    let p = |probability: u16| f64::from(probability) / 10_000.0;
    let mean = deals.iter().map(|(value, q)| *value as f64 * p(*q)).sum();
    let variance: f64 = deals
        .iter()
        .map(|(value, q)| (*value as f64).powi(2) * p(*q) * (1.0 - p(*q)))
        .sum();
    (mean, variance.sqrt())
}

#[test]
fn many_deals_land_where_a_simulation_does() {
    for (count, runs) in [(100, 40_000), (1_000, 8_000), (10_000, 1_500)] {
        let deals = pipeline(count);
        let (mean, spread) = moments(&deals);
        let target = (mean + spread / 2.0) as i64;
        let found = landing(0, deals.iter().copied(), Some(target));
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut sums: Vec<i64> = (0..runs)
            .map(|_| {
                deals
                    .iter()
                    .filter(|(_, probability)| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        (state >> 32) % 10_000 < u64::from(*probability)
                    })
                    .map(|(value, _)| value)
                    .sum()
            })
            .collect();
        sums.sort_unstable();
        let reached = sums.iter().filter(|sum| **sum >= target).count() as f64 / runs as f64;
        // Five standard errors of the simulation, which is the less exact of the two.
        let slack = 5.0 * (0.25 / runs as f64).sqrt();
        assert!(
            (found.chance.unwrap() - reached).abs() < slack,
            "{count} {reached}"
        );
        for (share, amount) in [(0.1, found.p10), (0.5, found.p50), (0.9, found.p90)] {
            let below = sums.partition_point(|sum| *sum <= amount) as f64 / runs as f64;
            assert!((below - share).abs() < slack, "{count} {share} {below}");
        }
    }
}

#[test]
fn the_spread_is_the_true_one() {
    // A sum of many deals is normal but for a little; a tenth of its spread lies between quantiles.
    for count in [500, 2_000, 9_000] {
        let deals = pipeline(count);
        let (mean, spread) = moments(&deals);
        let found = landing(0, deals.iter().copied(), None);
        let width = (found.p90 - found.p10) as f64 / (2.0 * 1.281_551_6);
        assert!(
            (width / spread - 1.0).abs() < 0.004,
            "{count}: {}",
            width / spread
        );
        assert!(((found.p50 as f64 - mean) / spread).abs() < 0.02, "{count}");
    }
}

#[test]
fn matched_moments_state_their_error() {
    let found = landing(0, pipeline(10_000).into_iter(), None);
    let Method::Matched(error) = found.method else {
        panic!("{:?}", found.method)
    };
    assert!(error > 0.0 && error < 0.02, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn up_to_twenty_deals_it_is_the_enumeration(
        deals in proptest::collection::vec((0_i64..2_000, 0_u16..=10_000), 0..13),
        closed in 0_i64..5_000,
        target in 0_i64..20_000,
    ) {
        let found = landing(closed, deals.iter().copied(), Some(target));
        let (quantiles, chance) = enumerated(closed, &deals, target);
        prop_assert_eq!([found.p10, found.p50, found.p90], quantiles);
        prop_assert!((found.chance.unwrap() - chance).abs() < 1e-9);
    }

    #[test]
    fn on_a_grid_it_is_near_the_enumeration(
        deals in proptest::collection::vec((100_000_i64..20_000_000, 500_u16..9_500), 21..23),
    ) {
        let target: i64 = deals.iter().map(|(value, _)| value).sum::<i64>() / 2;
        let found = landing(0, deals.iter().copied(), Some(target));
        let halves = Halves::of(&deals.iter().map(|(value, p)| Bet { value: *value, chance: f64::from(*p) / 10_000.0 }).collect::<Vec<_>>());
        let (_, spread) = moments(&deals);
        for (share, amount) in [(0.1, found.p10), (0.5, found.p50), (0.9, found.p90)] {
            let exact = halves.quantile(share);
            let slack = (spread / 500.0) as i64 + 1;
            // The exact quantile may lie anywhere in a gap between outcomes: one step either way
            // must take in the share.
            prop_assert!(halves.at_most(amount + slack) + 0.002 >= share, "{share} {amount} {exact}");
            prop_assert!(halves.at_most(amount - slack - 1) <= share + 0.002, "{share} {amount} {exact}");
        }
        let below = |amount| 1.0 - halves.at_most(amount - 1);
        let slack = target / 1_000;
        prop_assert!(found.chance.unwrap() <= below(target - slack) + 0.002);
        prop_assert!(found.chance.unwrap() >= below(target + slack) - 0.002);
    }
}
