//! Lock-free parallel training of sparse models on one machine.
//!
//! A model is a vector of weights in shared memory; threads update the few weights that an example touches, without
//! locks (*Hogwild!*, Niu, Recht, Ré & Wright, NIPS 2011). The library trains linear models on sparse rows and any
//! other sum of terms that each touch few coordinates.
//!
//! ```
//! use wildsgd::data::{ParseOptions, libsvm};
//! use wildsgd::train::Trainer;
//!
//! let text = b"+1 1:1 3:0.5\n-1 2:1 3:0.5\n+1 1:0.8\n-1 2:0.9 4:0.1\n";
//! let data = libsvm::parse(text, &ParseOptions::default())?;
//! let trained = Trainer::default().fit(&data)?;
//!
//! assert_eq!(trained.model.predictions(&data), [1.0, -1.0, 1.0, -1.0]);
//! println!("objective {} after {} epochs", trained.fit.objective, trained.fit.epochs.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Three choices make a training run
//!
//! - The **problem** says what is minimized: [`problem::Linear`] over a [`Dataset`] with one of the losses or your own
//!   ([`problem::Loss`]), or any implementation of [`problem::Problem`].
//! - The **rule** says how a visit to one term changes weights: [`rule::Sgd`] with a [`rule::Penalty`] (l1, l2) and a
//!   [`rule::Schedule`] of step sizes, or [`rule::Saga`] for smooth losses.
//! - The **strategy** says how workers share the weights: [`strategy::Sequential`], [`strategy::Hogwild`],
//!   [`strategy::HogwildPlusPlus`], or what they are compared with: [`strategy::Synchronous`],
//!   [`strategy::BoundedStaleness`], [`strategy::AllReduce`], [`strategy::Averaging`], [`strategy::Locked`] and
//!   [`strategy::RoundRobin`].
//!
//! They are generic inside the loop and chosen once per fit. [`train::minimize`] runs any problem,
//! [`train::Trainer`] linear models from labeled rows to a [`Model`], [`train::Factorizer`] matrix completion from
//! [`data::Ratings`] to [`model::Factors`]. [`problem::Softmax`] tells many classes apart at once, and [`problem::Cut`] cuts
//! graphs.
//!
//! # A sum of one's own
//!
//! A [`problem::Problem`] is a few functions: how many terms there are, which coordinates one touches, what it costs, and a
//! visit in two halves. `plan` reads the coordinates and says what is to change; `apply` moves them by a share of that, and
//! shrinks them where there is a regularizer. Whoever writes them knows nothing of threads: a handle
//! ([`params::Weights`]) reads and writes wherever the strategy has the weights. Steps, their search, roll-back and the
//! end of training come with [`train::minimize`].
//!
//! ```
//! use std::ops::Range;
//! use wildsgd::params::{Real, Weights};
//! use wildsgd::problem::{Problem, Prox};
//! use wildsgd::train::{Settings, minimize};
//!
//! /// Pairs of places, and how far the second is from the first.
//! struct Distances(Vec<(usize, usize, f64)>, usize);
//!
//! impl Problem for Distances {
//!     type Step<R: Real> = R;
//!     fn terms(&self) -> usize { self.0.len() }
//!     fn width(&self) -> usize { self.1 }
//!     fn support(&self, term: usize) -> impl Iterator<Item = usize> {
//!         let (a, b, _) = self.0[term];
//!         [a.min(b), a.max(b)].into_iter()
//!     }
//!     fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
//!         self.0[terms].iter().map(|&(a, b, d)| (w[b].to_f64() - w[a].to_f64() - d).powi(2) / 2.0).sum()
//!     }
//!     fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<W::Real> {
//!         let (a, b, d) = self.0[term];
//!         let error = W::Real::of(d) - (w.get(b) - w.get(a));
//!         // An implicit step: no rate overshoots.
//!         Some(error / (W::Real::ONE / rate + W::Real::of(2.0)))
//!     }
//!     fn apply<W: Weights>(&self, term: usize, step: Option<W::Real>, share: W::Real, prox: &impl Prox<W::Real>, w: &W) {
//!         let (a, b, _) = self.0[term];
//!         let step = step.unwrap_or_default() * share;
//!         w.update(a, |x| prox.shrunk(x - step, a));
//!         w.update(b, |x| prox.shrunk(x + step, b));
//!     }
//! }
//!
//! let pairs = (0..1000).map(|k| (k % 10, (k + 3) % 10));
//! let distances = Distances(pairs.map(|(a, b)| (a, b, b as f64 - a as f64)).collect(), 10);
//! let fit = minimize::<_, f32>(&distances, &Settings::default(), None, &mut |_| ())?;
//! assert!((fit.weights[9] - fit.weights[0] - 9.0).abs() < 0.1);
//! # Ok::<(), wildsgd::Error>(())
//! ```
//!
//! Each problem says what it does not bear: one whose steps project, like [`problem::Cut`], has a reason in
//! [`averages_only`](problem::Problem::averages_only), and ways of sharing that sum the movements of copies are refused with
//! it. `examples/custom_problem.rs` trains a sum of its own in every way.
//!
//! # Map
//!
//! Data flows one way: bytes → [`data`] → [`problem`] → [`train`] ([`strategy`] × [`rule`], over [`params`]) →
//! [`model`] → predictions and [`report`]s. [`scaling`] measures how training gets faster with threads. [`kernel`]
//! holds the loops over one row, [`metrics`] judges scores, and [`save`] writes files at once or not at all. The
//! library prints nothing.
//!
//! # Determinism
//!
//! With one worker a fit is deterministic given the seed, and all strategies give the same bits. With more, synchronous rounds
//! without backup workers, all-reduce and averaging are deterministic too; the others are racy by design: weights differ from run to run, objectives by less than a percent where rows are sparse. Evaluation and
//! prediction are deterministic for any number of threads.
//!
//! # Soundness
//!
//! Threads that race on plain floats are undefined behavior; here they never do.
//!
//! - Weights that several threads reach are atomics ([`params::SharedParams`]). The hot loop uses relaxed loads and stores,
//!   which compile to plain moves. A `&[f32]` of them exists only while the vector is borrowed as a whole, `&mut`, so that no
//!   worker can run, and never of a named file.
//! - `unsafe` code is denied except in six places, each block with its proof: `params/shared.rs` views a memory map
//!   as atomics or, borrowed alone, as plain numbers; `data/map.rs` maps text and caches; [`kernel`] leaves out bounds
//!   checks, per entry, that it has made per row; `data/csr/records.rs` leaves out those of rows, made once for all of them;
//!   `real.rs` moves bits between registers with instructions that every x86-64 processor has; and `cpu.rs` calls loops that
//!   are compiled for newer ones where it has found such a processor.
//! - A [`Row`]'s indices ascend and are below its width: its constructors check, its private fields keep it, and
//!   each kernel compares the width with the vector's length before it starts.
//! - Rows of a [cache](data::cache) are used where they lie in the file, after all of it was checked. It must not be
//!   written to from then on; the module says why, and what is told.
//! - Mapped files can be changed or cut by other processes. Weights in a named file are atomics too, so a change is
//!   only a strange weight. Text is parsed from a map, too; rows are checked after they were copied out of
//!   it. A file that is made shorter ends the process with SIGBUS.

mod container;
mod cpu;
pub mod data;
pub mod error;
mod hessian;
pub mod kernel;
pub mod metrics;
pub mod model;
pub mod params;
pub mod problem;
pub mod real;
pub mod report;
pub mod rule;
pub mod save;
pub mod scaling;
pub mod strategy;
mod sync;
pub mod train;

pub use data::{Dataset, Row};
pub use error::{Error, Result};
pub use model::Model;
