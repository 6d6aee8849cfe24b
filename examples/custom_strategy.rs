//! Trains with a strategy of your own: `cargo run --release --example custom_strategy`.
//!
//! All workers visit their blocks of terms on one vector by relaxed loads and stores, as with
//! hogwild, but each worker gets a fixed deal of the blocks, whatever its speed.

use wildsgd::data::Synthetic;
use wildsgd::params::{Handle, Real, SharedParams};
use wildsgd::strategy::{OwnStrategy, Pass, Profile, Strategy, StrategyKind, Tickets, Visit};
use wildsgd::train::{Solver, Trainer};

struct Dealt {
    workers: usize,
}

impl<R: Real> Strategy<R> for Dealt {
    fn profile(&self) -> Profile {
        Profile::new(self.workers)
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> wildsgd::Result<u64> {
        let tickets = Tickets::dealt(self.workers, pass.order.blocks());
        let task = |worker: usize| {
            let weights = Handle::wild(params, visit.shape().common, self.workers);
            pass.visit_blocks(worker, visit, &tickets[worker], |block, state| {
                visit.visit_block(block, state, &weights);
                weights.merge();
            })
        };
        pass.pool.run_or(task, |_| tickets.iter().for_each(Tickets::stop))
    }
}

/// Makes the strategy for a fit.
struct MakeDealt;

impl OwnStrategy for MakeDealt {
    fn name(&self) -> &'static str {
        "dealt"
    }

    fn in_f32(&self, workers: usize) -> Box<dyn Strategy<f32>> {
        Box::new(Dealt { workers })
    }

    fn in_f64(&self, workers: usize) -> Box<dyn Strategy<f64>> {
        Box::new(Dealt { workers })
    }
}

fn main() -> wildsgd::Result<()> {
    let data = Synthetic { examples: 20_000, features: 2_000, entries: 20, ..Synthetic::default() }
        .generate();
    let mut trainer = Trainer { solver: Solver::Sgd, ..Trainer::default() };
    trainer.settings.threads = 2;
    let hogwild = trainer.fit(&data)?.fit.objective;
    trainer.settings.strategy = StrategyKind::Own(&MakeDealt);
    let own = trainer.fit(&data)?.fit.objective;
    println!(
        "objective {own:.5} with {}, {hogwild:.5} with hogwild",
        trainer.settings.strategy.name()
    );
    assert!((own / hogwild - 1.0).abs() < 0.02);
    Ok(())
}
