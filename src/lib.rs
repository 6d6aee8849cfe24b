//! Lock-free parallel training of sparse models on one machine.
//!
//! A model is a vector of weights in shared memory; threads update the few weights that an example
//! touches, without locks (*Hogwild!*, Niu, Recht, Ré & Wright, NIPS 2011). The library trains
//! linear models on sparse rows and any other sum of terms that each touch few coordinates.
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
//! - The **problem** says what is minimized: [`problem::Linear`] over a [`Dataset`] with one of the
//!   losses or your own, or any implementation of [`problem::Problem`]. [`problem::Softmax`] trains
//!   many classes at once, [`problem::Factorization`] completes matrices, and [`problem::Cut`] cuts
//!   graphs.
//! - The **solver** says how it is minimized: stochastic gradient descent ([`train::minimize`]),
//!   dual coordinate ascent ([`train::fit_dual`]) or variance reduction ([`train::fit_saga`]).
//! - The **strategy** says how workers share the weights: [`strategy::Sequential`],
//!   [`strategy::Hogwild`], [`strategy::HogwildPlusPlus`], the baselines, or your own
//!   [`strategy::Strategy`].
//!
//! [`train::Trainer`] turns labeled rows into a [`Model`], [`train::Factorizer`] turns
//! [`data::Ratings`] into [`model::Factors`].
//!
//! # Your own loss
//!
//! A [`problem::CustomLoss`] is trained, saved, predicted and evaluated like those of the crate.
//!
//! ```
//! use wildsgd::Model;
//! use wildsgd::data::{ParseOptions, libsvm};
//! use wildsgd::model::ModelFormat;
//! use wildsgd::problem::{CustomLoss, LossKind};
//! use wildsgd::train::Trainer;
//!
//! /// Half of the squared distance, four times as much where the prediction is too low.
//! struct Cautious;
//!
//! impl CustomLoss for Cautious {
//!     fn name(&self) -> &'static str { "cautious" }
//!     fn is_regression(&self) -> bool { true }
//!     fn value(&self, y: f64, s: f64) -> f64 {
//!         (y - s).powi(2) / 2.0 * if s < y { 4.0 } else { 1.0 }
//!     }
//!     fn slope(&self, y: f64, s: f64) -> f64 { (s - y) * if s < y { 4.0 } else { 1.0 } }
//! }
//! static CAUTIOUS: Cautious = Cautious;
//!
//! let data = libsvm::parse(b"1 1:1\n3 1:1\n2 1:1\n", &ParseOptions::default())?;
//! let loss = LossKind::Custom(&CAUTIOUS);
//! let trained = Trainer { loss, bias: None, l2: Some(0.0), ..Trainer::default() }.fit(&data)?;
//! let path = std::env::temp_dir().join(format!("wildsgd-doc-{}.model", std::process::id()));
//! trained.model.save_as(&path, ModelFormat::Native)?;
//! let model = Model::load_with(&path, &[&CAUTIOUS])?;
//! std::fs::remove_file(&path)?;
//! assert!(model.predictions(&data)[0] > 2.2, "it would rather predict too much than too little");
//! assert!(model.evaluate(&data).loss.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Your own problem
//!
//! A [`problem::Problem`] is six functions: how many terms and coordinates there are, which
//! coordinates a term touches, its loss, and a visit in two halves. `plan` reads the weights and
//! returns the change; `apply` makes it. They know nothing of threads or of regularizers: a handle
//! ([`params::Weights`]) reads and writes the weights wherever the strategy keeps them, and shrinks
//! those that are moved. Step sizes, their search, roll-back and the stopping tests come with
//! [`train::minimize`]. A callback may end the fit.
//!
//! ```
//! use std::ops::{ControlFlow, Range};
//! use wildsgd::params::{Real, Weights};
//! use wildsgd::problem::Problem;
//! use wildsgd::train::{Event, Settings, minimize};
//!
//! /// Pairs of points on a line, and the distance from the first to the second.
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
//!     fn apply<W: Weights>(&self, term: usize, step: W::Real, w: &W) {
//!         let (a, b, _) = self.0[term];
//!         w.update(a, |x| x - step);
//!         w.update(b, |x| x + step);
//!     }
//! }
//!
//! let pairs = (0..1000).map(|k| (k % 10, (k + 3) % 10));
//! let distances = Distances(pairs.map(|(a, b)| (a, b, b as f64 - a as f64)).collect(), 10);
//! let fit = minimize::<_, f32>(&distances, &Settings::default(), None, &mut |event| match event {
//!     Event::Epoch(epoch) if epoch.objective < 1e-6 => ControlFlow::Break(()),
//!     _ => ControlFlow::Continue(()),
//! })?;
//! assert!((fit.weights[9] - fit.weights[0] - 9.0).abs() < 0.1);
//! # Ok::<(), wildsgd::Error>(())
//! ```
//!
//! A problem declares which strategies it rules out. One whose steps project, like
//! [`problem::Cut`], gives a reason in [`averages_only`](problem::Problem::averages_only), and
//! strategies that sum the movements of copies are refused with it.
//!
//! # Your own strategy
//!
//! A [`strategy::Strategy`] lets workers draw blocks of terms and visit them on handles of its
//! choice. It sees a solver's rule as a trait object, so it compiles once, whatever is trained.
//!
//! ```
//! use wildsgd::data::Synthetic;
//! use wildsgd::params::{Handle, Real, SharedParams};
//! use wildsgd::strategy::{OwnStrategy, Pass, Profile, Strategy, StrategyKind, Tickets, Visit};
//! use wildsgd::train::Trainer;
//!
//! /// One vector that all workers update by compare-and-swap.
//! struct Careful(usize);
//!
//! impl<R: Real> Strategy<R> for Careful {
//!     fn profile(&self) -> Profile { Profile::new(self.0) }
//!     fn epoch(
//!         &mut self,
//!         visit: &dyn Visit<R>,
//!         params: &mut SharedParams<R>,
//!         pass: Pass<'_>,
//!     ) -> wildsgd::Result<u64> {
//!         let tickets = Tickets::new(pass.order.blocks());
//!         pass.pool.run(&tickets, |worker| {
//!             let weights = Handle::atomic(params, visit.shape().common, self.0);
//!             pass.visit_blocks(worker, visit, &tickets, |block, state| {
//!                 visit.visit_block(block, state, &weights);
//!                 weights.merge();
//!             })
//!         })
//!     }
//! }
//!
//! struct MakeCareful;
//! impl OwnStrategy for MakeCareful {
//!     fn name(&self) -> &'static str { "careful" }
//!     fn in_f32(&self, workers: usize) -> Box<dyn Strategy<f32>> { Box::new(Careful(workers)) }
//!     fn in_f64(&self, workers: usize) -> Box<dyn Strategy<f64>> { Box::new(Careful(workers)) }
//! }
//!
//! let data = Synthetic { examples: 500, features: 60, entries: 5, ..Synthetic::default() }.generate();
//! let mut trainer = Trainer::default();
//! trainer.settings.strategy = StrategyKind::Own(&MakeCareful);
//! let trained = trainer.fit(&data)?;
//! assert_eq!(trained.fit.began.strategy.name(), "careful");
//! # Ok::<(), wildsgd::Error>(())
//! ```
//!
//! # Map
//!
//! Data flows one way: bytes → [`data`] → [`problem`] → [`train`] (a solver × a [`strategy`], over
//! [`params`]) → [`model`] → predictions. [`metrics`] measures predictions. The library prints
//! nothing.
//!
//! # Features
//!
//! - `compression` (default): reads gzip, bzip2 and zstd. Without it, a compressed file is an error
//!   that names its format.
//! - `cli` (default): the command `wildsgd`, of no use to a library.
//!
//! With `default-features = false`, all that is compiled is Rust.
//!
//! # Determinism
//!
//! With one worker a fit is deterministic given the seed, and all strategies give the same bits.
//! With more, synchronous rounds without backup workers, all-reduce and averaging are deterministic
//! too; the others are racy by design: weights differ from run to run, objectives by less than a
//! percent where rows are sparse. Evaluation and prediction are deterministic for any number of
//! threads.
//!
//! # Soundness
//!
//! A data race on plain floats is undefined behavior. Here no thread ever races on one.
//!
//! - Weights that several threads reach are atomics ([`params::SharedParams`]). The hot loop uses
//!   relaxed loads and stores, which compile to plain moves. A `&[f32]` of them exists only while
//!   the vector is borrowed as a whole, `&mut`, so that no worker can run, and never of a named
//!   file.
//! - `unsafe` code is denied except in eight files, where each block has its proof:
//!   `params/shared.rs` views a memory map as atomics or, borrowed alone, as plain numbers;
//!   `data/map.rs` maps large caches; `row/kernel.rs` leaves out bounds checks, per entry, that it
//!   has made per row, and `row/prefetch.rs` gives the processor hints; `data/csr/records.rs`
//!   leaves out the checks of rows, made once for all of them; `row/real.rs` moves bits between
//!   registers with instructions that every x86-64 processor has; `memory.rs` advises the system
//!   about pages; and `save/target.rs` writes to descriptors that the process inherits.
//! - A [`Row`]'s indices ascend and are below its width: its constructors check, its private fields
//!   keep it, and each kernel compares the width with the vector's length before it starts.
//! - A [cache](data::cache) is copied into memory and checked there. One that takes more than half
//!   of the memory that is free is used where it lies in the file, after all of it was checked. It
//!   must not be written to from then on; the module says why, and which changes are detected.
//! - Mapped files can be changed or cut by other processes. Weights in a named file are atomics
//!   too, so a change is only a strange weight. If a mapped file is cut, the process ends with
//!   SIGBUS. Text is read, not mapped.

#[cfg(not(unix))]
compile_error!("wildsgd builds on Unix only: it maps files, and reads and writes them at offsets");

mod container;
pub mod data;
mod error;
mod human;
#[doc(hidden)]
pub mod internal;
mod memory;
pub mod metrics;
pub mod model;
mod parallel;
pub mod params;
pub mod problem;
mod report;
mod row;
mod save;
mod scaling;
mod solver;
pub mod strategy;
mod sync;
pub mod train;

pub use data::{Dataset, Row};
pub use error::{Error, Result};
pub use model::Model;
