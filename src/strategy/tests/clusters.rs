//! Tests of hogwild++: it loses no update, gives each the weight of the ring, and ends with an
//! error when a worker panics.

use super::{Count, control, crowd, first_pass, pool, train};
use crate::error::Error;
use crate::params::SharedParams;
use crate::strategy::{
    HogwildPlusPlus, Layout, Merging, Order, Shape, Strategy, Topology, Update, Visit,
};

fn ring(layout: Layout) -> HogwildPlusPlus<f32> {
    HogwildPlusPlus::new(layout, &Topology::detect()).unwrap()
}

/// Returns a layout under which no update is lost and all have the weights of the ring.
fn exact(workers: usize, clusters: usize) -> Layout {
    let layout = Layout::new(workers, clusters);
    Layout { update: Update::Atomic, rare: layout.mixing, ..layout }
}

/// Returns the least and the greatest weight of one addition to a replica at the consensus.
fn weights(layout: Layout) -> (f32, f32) {
    let weights = layout.mixing.consensus(layout.clusters);
    (weights.at_token as f32, weights.elsewhere as f32)
}

fn assert_between(found: f32, (low, high): (f32, f32), times: f32, what: &str) {
    // Sums of fractions are rounded; a lost update would count for more over 10,000 of them.
    let (low, high) = (low * times * 0.999, high * times * 1.001);
    assert!((low..=high).contains(&found), "{what}: {found} is not between {low} and {high}");
}

#[test]
fn each_atomic_update_has_the_weight_of_the_ring() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    for (workers, clusters) in [(2, 2), (4, 2), (4, 4), (5, 3)] {
        for update_delay in [1, 64, 10_000] {
            let layout = Layout { update_delay, pin: true, ..exact(workers, clusters) };
            let found = train(&visit, ring(layout), 5);
            let what = format!("{workers} workers, {clusters} clusters, delay {update_delay}");
            for (found, times) in found.iter().zip([100_000.0, 33_335.0, 33_335.0, 33_330.0]) {
                assert_between(*found, weights(layout), times, &what);
            }
        }
    }
}

#[test]
fn each_atomic_update_counts_one_to_the_number_of_clusters_where_changes_are_summed() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    for (workers, clusters) in [(2, 2), (4, 2), (4, 4), (5, 3)] {
        for update_delay in [1, 64, 10_000] {
            let layout =
                Layout { update_delay, merging: Merging::Summed, ..exact(workers, clusters) };
            let found = train(&visit, ring(layout), 5);
            for (found, times) in found.iter().zip([100_000.0, 33_335.0, 33_335.0, 33_330.0]) {
                let expected = times / clusters as f32;
                // Thirds are rounded.
                assert!(
                    (found / expected - 1.0).abs() < 1e-3,
                    "{workers} {clusters} {update_delay}: {found} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn after_a_restart_the_replicas_start_from_the_weights_that_were_set() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    let layout = exact(2, 2);
    let Shape { terms, width, .. } = visit.shape();
    let (mut strategy, mut params) = (ring(layout), SharedParams::anonymous(width).unwrap());
    let (order, control, pool) = (Order::new(terms), control(2), pool(&strategy));
    let pass = first_pass(&order, &control, &pool);
    let after = |params: &mut SharedParams<f32>, strategy: &mut HogwildPlusPlus<f32>| {
        strategy.epoch(&visit, params, pass).unwrap();
        let mut weights = vec![0.0; width];
        params.copy_to(&mut weights);
        weights[0]
    };
    params.fill(-5_000.0);
    assert_between(
        after(&mut params, &mut strategy) + 5_000.0,
        weights(layout),
        20_000.0,
        "the first epoch",
    );
    assert_between(
        after(&mut params, &mut strategy) + 5_000.0,
        weights(layout),
        40_000.0,
        "the replicas go on",
    );
    params.fill(7_000.0);
    strategy.restart();
    assert_between(
        after(&mut params, &mut strategy) - 7_000.0,
        weights(layout),
        20_000.0,
        "a restart",
    );
}

#[test]
fn a_panic_at_any_point_becomes_an_error_and_leaves_a_ring_that_works() {
    let data = crowd();
    for clusters in [1, 2, 4] {
        // The longest delay: the first to take the token holds it when the panic comes, in one
        // worker of `clusters`.
        for update_delay in [1, 64, usize::MAX] {
            for term in [0, 63, 64, 5_000, 9_999, 12_345, 15_000, 19_999] {
                let layout = Layout { update_delay, ..Layout::new(4, clusters) };
                let mut strategy = ring(layout);
                let visit = Count { data: &data, panics_at: Some(term) };
                let Shape { terms, width, .. } = visit.shape();
                let mut params = SharedParams::anonymous(width).unwrap();
                let (order, control, pool) = (Order::new(terms), control(4), pool(&strategy));
                let pass = first_pass(&order, &control, &pool);
                let error = strategy.epoch(&visit, &mut params, pass).unwrap_err();
                assert!(
                    matches!(&error, Error::Worker { message, .. } if message.contains("this term panics")),
                    "{error}"
                );
                let visit = Count { data: &data, panics_at: None };
                assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), 20_000);
            }
        }
    }
}

#[test]
fn a_layout_fits_its_workers() {
    assert_eq!(Layout::new(3, 8).clusters, 3);
    assert_eq!(Layout::new(0, 0), Layout::new(1, 1));
    assert_eq!([2, 8, 16].map(|k| Layout::new(16, k).update_delay), [64, 16, 4]);
    let delay = |layout: Layout, terms, width| layout.for_problem(terms, width).update_delay;
    assert_eq!(delay(Layout::new(2, 2), 32_561, 123), 64, "few weights");
    assert_eq!(delay(Layout::new(2, 2), 1 << 20, 1 << 20), 1 << 16, "a visit for each 16 weights");
    assert_eq!(delay(Layout::new(2, 2), 1 << 14, 1 << 20), 1 << 10, "4 rounds in an epoch");
    assert_eq!(delay(Layout::new(8, 8), 1 << 14, 1 << 20), 16, "at least the authors'");
}
