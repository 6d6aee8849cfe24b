//! Every measure equals its definition, computed naively, on small random data.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::data::{Builder, Row};

type Example = (BTreeMap<u32, f32>, f32);

fn dataset(examples: &[Example]) -> Dataset {
    let mut builder = Builder::default();
    for (row, label) in examples {
        row.iter().for_each(|(&j, &x)| assert!(builder.entry(j, x)));
        builder.end_row(*label);
    }
    builder.finish(0)
}

fn examples(features: u32) -> impl Strategy<Value = Vec<Example>> {
    let value = prop_oneof![4 => Just(1.0f32), 1 => Just(0.0f32), 1 => Just(2.0f32)];
    let row = btree_map(0..features, value, 0..6);
    vec((row, prop_oneof![Just(1.0f32), Just(-1.0f32)]), 1..90)
}

fn meets(a: Row<'_>, b: Row<'_>) -> bool {
    a.indices().iter().any(|j| b.indices().contains(j))
}

fn vector(row: Row<'_>) -> Vec<(usize, u32)> {
    row.iter().filter(|&(_, x)| x != 0.0).map(|(j, x)| (j, x.to_bits())).collect()
}

fn counts(data: &Dataset) -> Vec<usize> {
    (0..data.width() as u32)
        .map(|j| data.iter().filter(|(row, _)| row.indices().contains(&j)).count())
        .collect()
}

fn rho(data: &Dataset) -> f64 {
    let neighbors = |(row, _)| data.iter().filter(|&(other, _)| meets(row, other)).count();
    data.iter().map(neighbors).max().unwrap() as f64 / data.len() as f64
}

fn duplicates(data: &Dataset) -> Duplicates {
    let mut groups: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    data.iter().for_each(|(row, label)| groups.entry(vector(row)).or_default().push(label));
    let mut expected = Duplicates::default();
    for labels in groups.values() {
        let positives = labels.iter().filter(|&&label| label > 0.0).count();
        let fewest = positives.min(labels.len() - positives);
        expected.copies += labels.len() - 1;
        expected.contradicting += if fewest > 0 { labels.len() } else { 0 };
        expected.least_errors += fewest;
    }
    expected
}

fn constant(data: &Dataset) -> usize {
    let values = |j: usize| data.iter().map(move |(row, _)| row.iter().find(|entry| entry.0 == j));
    let same = |&j: &usize| {
        let first = values(j).next().unwrap();
        first.is_some() && values(j).all(|entry| entry == first)
    };
    (0..data.width()).filter(same).count()
}

/// The fraction of updates that conflict with another thread's example, averaged over all pairs
/// that two threads can hold.
fn collisions_of_two(data: &Dataset) -> f64 {
    let common =
        |a: Row<'_>, b: Row<'_>| a.indices().iter().filter(|j| b.indices().contains(j)).count();
    let met: usize =
        data.iter().map(|(a, _)| data.iter().map(|(b, _)| common(a, b)).sum::<usize>()).sum();
    ratio(met as f64, (data.len() * data.nonzeros()) as f64)
}

fn check(data: &Dataset) -> Result<(), TestCaseError> {
    let stats = Stats::of("d", data, 1).unwrap();
    let counts = counts(data);
    let hottest = counts.iter().copied().max().unwrap_or(0);
    let conflicts = &stats.conflicts;
    prop_assert_eq!(conflicts.omega, data.iter().map(|(row, _)| row.len()).max().unwrap());
    prop_assert_eq!(conflicts.delta, hottest as f64 / data.len() as f64);
    prop_assert_eq!(conflicts.rho, Rho { lower: rho(data), upper: rho(data) });
    prop_assert_eq!(conflicts.collisions[0].threads, 2);
    prop_assert!((conflicts.collisions[0].share - collisions_of_two(data)).abs() < 1e-12);
    prop_assert!(conflicts.collisions.is_sorted_by(|a, b| a.share <= b.share && b.share <= 1.0));
    prop_assert_eq!(stats.duplicates, duplicates(data));
    prop_assert_eq!(stats.constant_features, constant(data));
    prop_assert_eq!(stats.features_seen, counts.iter().filter(|&&count| count > 0).count());
    let of_zeros =
        |(row, _): (Row<'_>, f64)| row.iter().filter(|entry| entry.1 == 0.0).count() as u64;
    prop_assert_eq!(stats.explicit_zeros, data.iter().map(of_zeros).sum::<u64>());
    prop_assert_eq!(
        stats.all_ones,
        data.iter().all(|(row, _)| row.iter().all(|entry| entry.1 == 1.0))
    );
    prop_assert_eq!(stats.empty_rows, data.iter().filter(|(row, _)| row.is_empty()).count());
    let named: Vec<_> =
        stats.hottest.iter().map(|hot| (hot.feature, hot.examples as usize)).collect();
    let mut expected: Vec<_> =
        counts.iter().enumerate().map(|(j, &count)| (j as u64 + 1, count)).collect();
    expected.retain(|&(_, count)| count > 0);
    expected.sort_by_key(|&(j, count)| (std::cmp::Reverse(count), j));
    expected.truncate(8);
    prop_assert_eq!(named, expected);
    Ok(())
}

proptest! {
    #[test]
    fn measures_equal_their_definitions(examples in examples(14)) {
        check(&dataset(&examples))?;
    }

    #[test]
    fn sparse_ones_too(examples in examples(300)) {
        check(&dataset(&examples))?;
    }

    #[test]
    fn bounds_on_rho_hold_where_work_is_short(examples in examples(60)) {
        let data = dataset(&examples);
        let bounds = Stats::with_work("d", &data, 1, 0).unwrap().conflicts.rho;
        let rho = rho(&data);
        prop_assert!(bounds.lower <= rho && rho <= bounds.upper, "{bounds:?} {rho}");
    }

    #[test]
    fn the_order_of_examples_does_not_matter(examples in examples(20)) {
        let reversed: Vec<_> = examples.iter().rev().cloned().collect();
        let [a, b] = [examples, reversed].map(|examples| Stats::of("d", &dataset(&examples), 1).unwrap());
        prop_assert_eq!(a, b);
    }

    #[test]
    fn huge_feature_numbers_change_numbers_alone(examples in examples(20)) {
        const FAR: u32 = 100_000_000;
        let far: Vec<_> = examples
            .iter()
            .map(|(row, label)| (row.iter().map(|(&j, &x)| (j * FAR, x)).collect(), *label))
            .collect();
        let near = Stats::of("d", &dataset(&examples), 0).unwrap();
        let mut far = Stats::of("d", &dataset(&far), 0).unwrap();
        far.hottest.iter_mut().for_each(|hot| hot.feature /= u64::from(FAR));
        far.density = near.density;
        prop_assert_eq!(near, far);
    }

    #[test]
    fn hot_features_hold_the_shares_of_the_largest_counts(mut frequencies in vec(1..50u32, 0..3000)) {
        frequencies.sort_unstable();
        let entries = frequencies.iter().sum::<u32>() as usize;
        let shares = features::hot_shares(&frequencies, entries);
        let sizes: BTreeSet<_> = [64, 1024, 4096].map(|size| frequencies.len().min(size)).into();
        prop_assert_eq!(shares.iter().map(|share| share.features).collect::<BTreeSet<_>>(), sizes);
        for share in shares {
            let held: u32 = frequencies.iter().rev().take(share.features).sum();
            prop_assert_eq!(share.share, ratio(held.into(), entries as f64));
        }
    }
}

#[test]
fn more_candidates_than_a_pass_takes() {
    // All 300 rows have different features, and sums of counts far above what they meet: few can be
    // skipped.
    let mut builder = Builder::default();
    for i in 0..300 {
        for j in [i % 17, 20 + i % 19, 40 + i % 23] {
            builder.entry(j, 1.0);
        }
        builder.end_row(1.0);
    }
    let data = builder.finish(0);
    assert_eq!(
        Stats::of("d", &data, 1).unwrap().conflicts.rho,
        Rho { lower: rho(&data), upper: rho(&data) }
    );
}

#[test]
fn labels_only() {
    let data = dataset(&[(BTreeMap::new(), 1.0), (BTreeMap::new(), -1.0)]);
    let stats = Stats::of("d", &data, 1).unwrap();
    assert_eq!((stats.density, stats.norms, &stats.frequencies), (0.0, None, &None));
    assert_eq!((stats.empty_rows, stats.row_lengths.max, stats.features_seen), (2, 0, 0));
    assert_eq!(stats.duplicates, Duplicates { copies: 1, contradicting: 2, least_errors: 1 });
    assert_eq!(stats.conflicts.rho, Rho { lower: 0.0, upper: 0.0 });
}

#[test]
fn norms_leave_empty_rows_out() {
    let rows = [vec![], vec![(0, 3.0), (1, 4.0)], vec![(2, 1.0)], vec![(0, 2.0)]];
    let examples: Vec<Example> = rows.map(|row| (row.into_iter().collect(), 1.0)).into();
    let stats = Stats::of("d", &dataset(&examples), 1).unwrap();
    assert_eq!(stats.norms, Some(Norms { min: 1.0, median: 2.0, max: 5.0 }));
    assert_eq!(stats.memory_bytes, 4 * 8 + 4 * 4 + 5 * 4);
}

#[test]
fn no_example_is_an_error() {
    let message = Stats::of("d", &dataset(&[]), 1).unwrap_err().to_string();
    assert_eq!(message, "d: holds no example (expected at least one); check the input");
}
