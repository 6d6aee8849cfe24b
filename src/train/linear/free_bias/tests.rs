use super::*;
use crate::data::{Builder, Dataset};
use crate::problem::LossKind;
use crate::solver::Solver;

/// Examples of two classes, or of amounts far from 0; few are of the first class.
fn data(rows: u32, amounts: bool) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..rows {
        let mixed = i.wrapping_mul(0x9e37_79b9);
        let x = f32::from((mixed >> 16) as u16) / 65536.0;
        let z = f32::from((mixed.rotate_left(9) >> 16) as u16) / 65536.0;
        builder.entry(0, x);
        builder.entry(1 + mixed % 20, 2.0 * z);
        let score = f64::from(x) - 0.5 * f64::from(z);
        let is_noisy = mixed % 11 == 0;
        builder.end_row(match amounts {
            true => 40.0 + 3.0 * score + f64::from(is_noisy as u8),
            false if (score > 0.55) != is_noisy => 1.0,
            false => -1.0,
        });
    }
    builder.finish(0)
}

fn trainer(loss: LossKind, solver: Solver, l2: f64) -> Trainer {
    let mut trainer = Trainer { loss, solver, l2: Some(l2), ..Trainer::default() };
    (trainer.free_bias, trainer.bias, trainer.settings.threads) = (true, Some(0.5), 2);
    trainer
}

const LOSSES: [LossKind; 6] = [
    LossKind::Logistic,
    LossKind::Hinge,
    LossKind::SquaredHinge,
    LossKind::Squared,
    LossKind::Huber,
    LossKind::EpsilonInsensitive { epsilon: 0.1 },
];

#[test]
fn the_optimum_and_its_proof_are_those_of_the_problem_itself() {
    for loss in LOSSES {
        let data = data(3000, loss.is_regression());
        for l2 in [1e-4, 0.1] {
            let mut exact = trainer(loss, Solver::Interior, l2);
            exact.settings.tolerance = 1e-7;
            let least = exact.fit(&data).unwrap().fit.objective;
            for precision in [crate::solver::Precision::F32, crate::solver::Precision::F64] {
                let found = Trainer { precision, ..trainer(loss, Solver::Dual, l2) }.fit(&data);
                let fit = found.unwrap().fit;
                let gap = fit.gap.unwrap();
                assert!(fit.objective >= least * (1.0 - 1e-6), "{loss} {l2}");
                assert!(least >= fit.objective * (1.0 - gap) * (1.0 - 1e-12), "{loss} {l2}: {gap}");
                if l2 < 0.01 || !loss.is_regression() {
                    assert!(gap <= 1e-3, "{loss} {l2}: {gap}, {:?}", fit.stop);
                    assert_eq!(fit.stop, StopReason::Tolerance);
                }
            }
        }
    }
}

#[test]
fn epochs_show_no_gap_of_another_problem() {
    let data = data(3000, false);
    let mut rows = Vec::new();
    let trained = trainer(LossKind::Hinge, Solver::Dual, 1e-4)
        .fit_watched(&data, None, &mut |event| {
            if let Event::Epoch(epoch) = event {
                rows.push((epoch.epoch, epoch.gap, epoch.objective));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let expected: Vec<_> = (1..=rows.len()).collect();
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), expected);
    assert!(rows.iter().all(|row| row.1.is_none() && row.2 >= trained.fit.objective * 0.999_999));
    assert_eq!(trained.fit.epochs.len(), rows.len());
}

#[test]
fn where_no_substitute_leads_to_the_optimum_the_fit_says_so_or_goes_on() {
    let mut builder = Builder::default();
    for i in 0..100 {
        builder.entry(i % 7, 1.0);
        builder.end_row(5.0);
    }
    let data = builder.finish(0);
    let loss = LossKind::EpsilonInsensitive { epsilon: 0.1 };
    // The bias alone fits all of them, but a substitute's weights do a part of it.
    let named = trainer(loss, Solver::Dual, 0.1).fit(&data).unwrap().fit;
    assert!(named.objective > 1e-6 && named.gap == Some(1.0), "{:?}", named.gap);
    assert_eq!(named.stop, StopReason::Stalled);
    let fit = trainer(loss, Solver::Auto, 0.1).fit(&data).unwrap().fit;
    assert!(fit.objective < 1e-6, "{}", fit.objective);
    assert_eq!(fit.continued, Some(Solver::Interior));
}
