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

/// Two large deals and many small ones, all values this much more than round.
fn two_heaps(odd: [i64; 3]) -> Vec<(i64, u16)> {
    let [first, second, small] = odd;
    let small = (0..1_000).map(|place| (10_000 + small * (place % 7), 5_000));
    [(30_000_000 + first, 4_000), (20_000_000 + second, 8_000)]
        .into_iter()
        .chain(small)
        .collect()
}

#[test]
fn few_large_and_many_small_deals_keep_narrow_heaps_narrow() {
    // 300,000 at 40 %, 200,000 at 80 % and a thousand of 100 at 50 %: heaps around 50,000, 250,000,
    // 350,000 and 550,000, each only 1,581 wide. All are hundreds, so it is exact: neither large one is
    // won with 12 %, so P10 is the smallest x with P(small ≤ x) ≥ 0.8333, mean + 0.97 × 1,581 = 51,500.
    let found = landing(0, two_heaps([0; 3]).into_iter(), Some(50_000_000));
    let whole = (found.p10, found.p50, found.p90);
    assert_eq!(whole, (5_150_000, 25_130_000, 55_080_000));
    assert!((found.chance.unwrap() - 0.32).abs() < 1e-9);
    // Between two outcomes the upper one has to be reached.
    let at = |target| landing(0, two_heaps([0; 3]).into_iter(), Some(target)).chance;
    assert_eq!(at(55_000_001), at(55_010_000));
    assert!(at(55_000_000) > at(55_010_000));
}

#[test]
fn odd_values_move_narrow_heaps_no_further_than_themselves() {
    // A cent here and there moves every quantile by less than a thousandth of the spread, 167,000.
    let round = landing(0, two_heaps([0; 3]).into_iter(), None);
    for odd in [[37, 11, 0], [1, 0, 1], [13, 29, 3], [0, 7, 2]] {
        let deals = two_heaps(odd);
        let found = landing(0, deals.iter().copied(), None);
        // Half of the small ones are won, three more than round each on average.
        let more = odd[2] * 3 * 500;
        for (odd_one, round) in [
            (found.p10, round.p10),
            (found.p50, round.p50),
            (found.p90, round.p90),
        ] {
            assert!((odd_one - round - more).abs() < 16_700, "{odd:?} {odd_one}");
        }
    }
}

#[test]
fn equal_deals_land_where_the_binomial_does() {
    // 101 deals of 1,000.01 at 50 %: at most 50 are won with exactly 50 %, which is P50.
    let deals = std::iter::repeat_n((100_001, 5_000), 101);
    let found = landing(0, deals, Some(51 * 100_001));
    assert_eq!(found.p50, 50 * 100_001);
    assert!((found.chance.unwrap() - 0.5).abs() < 1e-9);
    // 31 large ones, which share no step with thirty small ones: at most 15 are won with 50 %, so P50 is
    // those 15 and all the small ones, to a thousandth of the spread.
    let large = std::iter::repeat_n((100_000_001, 5_000), 31);
    let small = std::iter::repeat_n((3_333, 5_000), 30);
    let found = landing(0, large.chain(small), None);
    let exact = 15 * 100_000_001 + 30 * 3_333;
    assert!((found.p50 - exact).abs() < 278_000, "{}", found.p50);
}

#[test]
fn what_cannot_occur_does_not_come_out() {
    // All are whole hundreds, far finer than the grid: what comes out is, too.
    let deals = pipeline(1_900)
        .into_iter()
        .chain([(10_000, 5_000), (20_000, 5_000)]);
    let found = landing(7, deals, None);
    for amount in [found.p10, found.p50, found.p90] {
        assert_eq!(amount % 10_000, 7);
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
