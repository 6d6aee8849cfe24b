use super::*;
use crate::data::Builder;
use crate::params::Handle;
use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};
use crate::strategy::{Block, Clock, Visit};

fn three() -> NonZeroUsize {
    NonZeroUsize::new(3).unwrap()
}

fn rows() -> (Dataset, Vec<u32>) {
    let mut builder = Builder::default();
    for i in 0..60_u8 {
        builder.entry(u32::from(i % 4), 1.0 + f32::from(i % 3));
        builder.entry(4 + u32::from(i % 5), -0.5);
        builder.end_row(f32::from(i % 3));
    }
    (builder.finish(0), (0..60).map(|i| i % 3).collect())
}

#[test]
fn a_step_goes_down_the_gradient_and_never_too_far() {
    let (data, classes) = rows();
    let problem = Softmax::new(&data, &classes, three(), Some(0.7)).unwrap();
    let start: Vec<f64> = (0..problem.width()).map(|j| ((j * 7) % 5) as f64 / 5.0 - 0.4).collect();
    for term in 0..10 {
        let numeric: Vec<f64> = (0..start.len())
            .map(|j| {
                let at = |h: f64| {
                    let mut w = start.clone();
                    w[j] += h;
                    problem.loss(term..term + 1, &w)
                };
                (at(1e-5) - at(-1e-5)) / 2e-5
            })
            .collect();
        for rate in [1e-6, 1.0, 1e12] {
            let rule = Sgd::new(
                &problem,
                Penalty::default(),
                StepSize::new(rate, Schedule::Constant),
                true,
            );
            let mut weights = start.clone();
            let w = Handle::plain(&mut weights, problem.common());
            let mut state = rule.step_state(Clock::default());
            rule.visit_block(Block::new(&[term], 1, 1), &mut state, &w);
            let (before, after) =
                (problem.loss(term..term + 1, &start), problem.loss(term..term + 1, &weights));
            assert!(after < before, "{before} to {after} at rate {rate}");
            if rate < 1e-3 {
                for j in 0..start.len() {
                    let relative = if j < start.len() - 3 { 1.0 } else { f64::from(BIAS_RATE) };
                    let found = (weights[j] - start[j]) / (-rate * relative);
                    assert!((found - numeric[j]).abs() < 1e-4, "{j}: {found} for {}", numeric[j]);
                }
            }
        }
    }
}

#[test]
fn coordinates_beyond_32_bits_stay_distinct() {
    let mut builder = Builder::default();
    builder.entry(5, 1.0);
    builder.entry(2_000_000_000, 1.0);
    builder.end_row(1.0);
    let data = builder.finish(0);
    let problem = Softmax::new(&data, &[2], three(), None).unwrap();
    assert_eq!(problem.width(), 6_000_000_003);
    assert_eq!(
        problem.support(0).collect::<Vec<_>>(),
        [15, 16, 17, 6_000_000_000, 6_000_000_001, 6_000_000_002]
    );
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (data, classes) = rows();
    let error =
        |class_of: &[u32]| Softmax::new(&data, class_of, three(), None).err().unwrap().to_string();
    assert!(error(&classes[1..]).contains("59 classes for 60 examples"));
    assert!(error(&[3; 60]).contains("an example is of class 3"));
    assert!(Softmax::new(&data, &classes, three(), Some(f32::NAN)).is_err());
    assert!(Softmax::new(&data, &classes, three(), None).unwrap().with_weights(&[1.0]).is_err());
}

#[test]
fn sums_of_exponentials_do_not_overflow() {
    assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2.0_f64.ln())).abs() < 1e-12);
    assert_eq!(log_sum_exp(&[-1e300, 0.0]), 0.0);
}
