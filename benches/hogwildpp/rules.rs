//! Sync rules side by side, on clusters of one worker that take turns block by block on one thread:
//! the result is the same on any machine, and that of K cores of equal speed.

use wildsgd::Dataset;
use wildsgd::internal::strategy::Mixing;
use wildsgd::internal::{Sgd, SgdRule, StepSize};
use wildsgd::params::Handle;
use wildsgd::problem::{Linear, Logistic};
use wildsgd::strategy::{Block, Clock, Order, Visit};
use wildsgd::train::{Penalty, Schedule};

/// Action of the token's holder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The ring with the authors' weights.
    Ring,
    /// The ring with the weights for a token that rarely comes around.
    Rare,
    /// Like `Ring`, and all replicas are set to the consensus after each epoch.
    Reset,
    /// The authors' code: changes are multiplied by the step size. The model is the mean of the
    /// replicas.
    Released,
    /// Both replicas become their mean. The model is the mean of all.
    Averaging,
}

pub struct Simulation<'a> {
    pub data: &'a Dataset,
    pub targets: &'a [f64],
    pub eta0: f64,
    pub epochs: usize,
    pub seed: u64,
    pub clusters: usize,
    pub delay: usize,
}

impl Simulation<'_> {
    /// Returns the lowest objective of all epochs, and the number of syncs in the last.
    pub fn run(&self, rule: Rule) -> (f64, usize) {
        let problem =
            Linear::new(self.data, self.targets, Logistic, None).expect("labels were checked");
        let l2 = 1.0 / self.data.len() as f64;
        let step = StepSize::new(self.eta0, Schedule::default());
        let mut sgd: Sgd<_, f32> = Sgd::new(&problem, Penalty { l1: 0.0, l2 }, step, false);
        let (mut order, mut terms) = (Order::new(self.data.len()), Vec::new());
        let mut ring = Ring::new(self, self.data.width());
        if rule == Rule::Rare {
            ring.mixing = Mixing::RARE;
        }
        let mut best = f64::INFINITY;
        let (mut last, mut syncs) =
            (sgd.objective(self.data.len(), &vec![0.0; self.data.width()]), 0);
        for epoch in 0..self.epochs {
            order.shuffle(self.seed, epoch as u64);
            syncs = 0;
            for k in 0..order.blocks() {
                let clock = Clock {
                    before: (epoch * self.data.len()) as u64,
                    within: (k * order.block_len()) as u64,
                };
                let cluster = k % self.clusters;
                let weights = Handle::plain(&mut ring.w[cluster], 0);
                terms.clear();
                order.block(k, &mut terms);
                let block = Block::new(&terms, terms.len(), Order::AHEAD);
                sgd.visit_block(block, &mut sgd.step_state(clock), &weights);
                syncs += ring.after_block(cluster, terms.len(), rule, sgd.rate(clock));
            }
            let model = ring.model(rule);
            let objective = sgd.objective(self.data.len(), &model);
            best = best.min(objective);
            sgd.step().after_epoch(last, objective);
            last = objective;
            if rule == Rule::Reset {
                ring.w.iter_mut().chain(&mut ring.s).for_each(|w| w.clone_from(&model));
            }
        }
        (best, syncs)
    }
}

struct Ring {
    w: Vec<Vec<f32>>,
    s: Vec<Vec<f32>>,
    turn: usize,
    held: Option<usize>,
    delay: usize,
    mixing: Mixing,
}

impl Ring {
    fn new(of: &Simulation<'_>, width: usize) -> Self {
        let zeros = vec![vec![0.0; width]; of.clusters];
        Ring {
            w: zeros.clone(),
            s: zeros,
            turn: 0,
            held: None,
            delay: of.delay,
            mixing: Mixing::of(of.clusters),
        }
    }

    /// Counts a block of `visits` visits by `cluster` and syncs if it is due; returns the number of
    /// syncs.
    fn after_block(&mut self, cluster: usize, visits: usize, rule: Rule, eta: f64) -> usize {
        if cluster != self.turn {
            return 0;
        }
        let held = self.held.map_or(0, |held| held + visits);
        self.held = Some(held);
        if held + visits / 2 < self.delay {
            return 0;
        }
        let next = (cluster + 1) % self.w.len();
        self.sync(cluster, next, rule, eta);
        (self.turn, self.held) = (next, None);
        1
    }

    fn sync(&mut self, k: usize, next: usize, rule: Rule, eta: f64) {
        let (beta, lambda) = (self.mixing.beta as f32, self.mixing.lambda as f32);
        let scale = if rule == Rule::Released { eta as f32 } else { 1.0 };
        for j in 0..self.w[k].len() {
            let (x, s, y) = (self.w[k][j], self.s[k][j], self.w[next][j]);
            if rule == Rule::Averaging {
                self.w[k][j] = (x + y) / 2.0;
                self.w[next][j] = self.w[k][j];
                continue;
            }
            let d = scale * (x - s);
            self.w[k][j] = lambda * y + (1.0 - lambda) * s + beta * d;
            self.w[next][j] = y + beta * d;
            self.s[k][j] = self.w[k][j];
        }
    }

    fn model(&self, rule: Rule) -> Vec<f32> {
        let clusters = self.w.len() as f64;
        let c = 1.0 / (clusters - self.mixing.lambda);
        let at_token = c * self.mixing.beta / (1.0 - self.mixing.beta);
        let weights = |k| match rule {
            Rule::Released | Rule::Averaging => (1.0 / clusters, 0.0),
            Rule::Ring | Rule::Rare | Rule::Reset => {
                let further = if k == self.turn { 0.0 } else { c * self.mixing.lambda };
                (at_token + further, c * (1.0 - self.mixing.lambda) - at_token)
            }
        };
        (0..self.w[0].len())
            .map(|j| {
                (0..self.w.len())
                    .map(|k| {
                        let (v, u) = weights(k);
                        v * f64::from(self.w[k][j]) + u * f64::from(self.s[k][j])
                    })
                    .sum::<f64>() as f32
            })
            .collect()
    }
}
