//! One epoch of matrix completion per rating, beside a loop as one would write it in C:
//! `cargo bench --bench factorize`.
//!
//! For several ranks, in one interleaved run, medians of ns per rating, on one thread unless stated
//! otherwise, in an order that is shuffled again for each epoch:
//! - `in memory order`: the next loop, but in the memory order of the ratings in each epoch;
//! - `textbook`: explicit steps with decay of the touched rows over plain memory, the product
//!   summed in order (Koren, Bell & Volinsky, 2009; as in C libraries);
//! - `four sums`: the textbook loop with the product in four partial sums, which compilers
//!   vectorize;
//! - `same steps`: the textbook loop with the bounded steps of wildsgd, and four partial sums;
//! - the strategies, with the default regularizer and a constant step.

use std::time::Instant;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::data::{Rating, Ratings};
use wildsgd::internal::data::LowRank;
use wildsgd::internal::strategy::{Control, Hogwild, Sequential};
use wildsgd::internal::{Sgd, StepSize};
use wildsgd::params::SharedParams;
use wildsgd::problem::{Factorization, Problem};
use wildsgd::strategy::{Order, Pass, Strategy, Update, WorkerPool};
use wildsgd::train::{Factorizer, Penalty, Schedule};

const ROUNDS: usize = 9;
const RATE: f32 = 0.05;
const RANKS: [usize; 4] = [8, 10, 16, 64];

fn main() {
    let draw = LowRank { users: 6_000, items: 4_000, ratings: 1_000_000, ..LowRank::default() };
    let (ratings, _) = draw.draw(0);
    for rank in RANKS {
        measure(&ratings, rank);
    }
}

/// A named pass over the ratings.
type Timed<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn measure(ratings: &Ratings, rank: usize) {
    let problem = Factorization::new(ratings, rank, 1).expect("ratings");
    let mut passes: Vec<Timed<'_>> = vec![
        (
            "in memory order",
            Textbook::epoch(ratings, rank, |plain| plain.visit_in_order(Textbook::explicit)),
        ),
        ("textbook", Textbook::epoch(ratings, rank, |plain| plain.visit_all(Textbook::explicit))),
        ("four sums", Textbook::epoch(ratings, rank, |plain| plain.visit_all(Textbook::four_sums))),
        ("same steps", Textbook::epoch(ratings, rank, |plain| plain.visit_all(Textbook::bounded))),
        ("sequential", epoch(&problem, Sequential::default())),
        ("hogwild wild 1", epoch(&problem, Hogwild::new(1, Update::Wild))),
        ("hogwild wild 2", epoch(&problem, Hogwild::new(2, Update::Wild))),
        ("hogwild merged 2", epoch(&problem, Hogwild::new(2, Update::Merged))),
    ];
    let mut times = vec![Vec::new(); passes.len()];
    for round in 0..=ROUNDS {
        for ((_, pass), times) in passes.iter_mut().zip(&mut times) {
            let started = Instant::now();
            pass();
            if round > 0 {
                times.push(started.elapsed().as_secs_f64() * 1e9 / ratings.all().len() as f64);
            }
        }
    }
    println!("rank {rank}: {} ratings; median, min and max ns per rating", ratings.all().len());
    for ((name, _), mut times) in passes.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!("  {name:<20} {median:>7.1} {:>7.1} {:>7.1}", times[0], times[times.len() - 1]);
    }
}

/// Returns a pass that runs the next epoch of a strategy.
fn epoch<'a>(
    problem: &'a Factorization,
    mut strategy: impl Strategy<f32> + 'a,
) -> Box<dyn FnMut() + 'a> {
    let penalty = Penalty { l1: 0.0, l2: Factorizer::default().default_l2(problem.terms()) };
    let step = StepSize::new(RATE.into(), Schedule::Constant);
    let rule: Sgd<_, f32> = Sgd::new(problem, penalty, step, true);
    let mut params = SharedParams::anonymous(problem.width()).expect("memory");
    let mut start = vec![0.0; problem.width()];
    problem.start(&mut start);
    params.copy_from(&start);
    let profile = strategy.profile();
    let control = Control::new(profile.workers);
    let pool = WorkerPool::new(profile.workers, 1, profile.places);
    let (mut order, mut epoch) = (Order::new(problem.terms()), 0);
    Box::new(move || {
        order.shuffle(1, epoch);
        let visits_before = epoch * problem.terms() as u64;
        let pass =
            Pass { order: &order, epoch, visits_before, seed: 1, control: &control, pool: &pool };
        strategy.epoch(&rule, &mut params, pass).expect("no worker panics");
        epoch += 1;
    })
}

/// Loops over plain memory, with nothing generic and nothing shared.
struct Textbook {
    ratings: Vec<Rating>,
    rank: usize,
    p: Vec<f32>,
    q: Vec<f32>,
    user_bias: Vec<f32>,
    item_bias: Vec<f32>,
    l2: f32,
    epochs: u64,
}

impl Textbook {
    fn epoch<'a>(
        ratings: &Ratings,
        rank: usize,
        pass: impl Fn(&mut Self) + 'a,
    ) -> Box<dyn FnMut() + 'a> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut all: Vec<Rating> =
            ratings.all().iter().map(|r| Rating { value: (r.value - 3.5) / 1.2, ..*r }).collect();
        all.shuffle(&mut random);
        let mut factors =
            |rows: usize| (0..rows * rank).map(|_| 0.4 * random.random::<f32>() - 0.2).collect();
        let mut own = Textbook {
            ratings: all,
            rank,
            p: factors(ratings.users().len()),
            q: factors(ratings.items().len()),
            user_bias: vec![0.0; ratings.users().len()],
            item_bias: vec![0.0; ratings.items().len()],
            l2: 0.01,
            epochs: 0,
        };
        Box::new(move || pass(&mut own))
    }

    #[inline(always)]
    fn visit_in_order(
        &mut self,
        visit: impl Fn(Rating, &mut [f32], &mut [f32], [&mut f32; 2], f32),
    ) {
        (0..self.ratings.len()).for_each(|term| self.visit(term, &visit));
    }

    /// Visits all ratings in the order of wildsgd's strategies.
    #[inline(always)]
    fn visit_all(&mut self, visit: impl Fn(Rating, &mut [f32], &mut [f32], [&mut f32; 2], f32)) {
        let mut order = Order::new(self.ratings.len());
        order.shuffle(1, self.epochs);
        let mut terms = Vec::new();
        for k in 0..order.blocks() {
            terms.clear();
            order.block(k, &mut terms);
            terms.iter().for_each(|&term| self.visit(term, &visit));
        }
        self.epochs += 1;
    }

    #[inline(always)]
    fn visit(
        &mut self,
        term: usize,
        visit: &impl Fn(Rating, &mut [f32], &mut [f32], [&mut f32; 2], f32),
    ) {
        let (rank, rating) = (self.rank, self.ratings[term]);
        let (user, item) = (rating.user as usize, rating.item as usize);
        visit(
            rating,
            &mut self.p[user * rank..][..rank],
            &mut self.q[item * rank..][..rank],
            [&mut self.user_bias[user], &mut self.item_bias[item]],
            self.l2,
        );
    }

    #[inline(always)]
    fn explicit(rating: Rating, p: &mut [f32], q: &mut [f32], [b, c]: [&mut f32; 2], l2: f32) {
        let mut product = 0.0;
        for k in 0..p.len() {
            product += p[k] * q[k];
        }
        let error = rating.value - (*b + *c + product);
        *b += RATE * (error - l2 * *b);
        *c += RATE * (error - l2 * *c);
        for (p, q) in p.iter_mut().zip(q) {
            let old = *p;
            *p += RATE * (error * *q - l2 * *p);
            *q += RATE * (error * old - l2 * *q);
        }
    }

    #[inline(always)]
    fn four_sums(rating: Rating, p: &mut [f32], q: &mut [f32], [b, c]: [&mut f32; 2], l2: f32) {
        let error = rating.value - (*b + *c + product(p, q));
        *b += RATE * (error - l2 * *b);
        *c += RATE * (error - l2 * *c);
        for (p, q) in p.iter_mut().zip(q) {
            let old = *p;
            *p += RATE * (error * *q - l2 * *p);
            *q += RATE * (error * old - l2 * *q);
        }
    }

    #[inline(always)]
    fn bounded(rating: Rating, p: &mut [f32], q: &mut [f32], [b, c]: [&mut f32; 2], l2: f32) {
        let squares = product(p, p) + product(q, q);
        let error = rating.value - (*b + *c + product(p, q));
        let a = error / (1.0 / RATE + squares + 2.0);
        let shrink = 1.0 - RATE * l2;
        *b = shrink * (*b + a);
        *c = shrink * (*c + a);
        for (p, q) in p.iter_mut().zip(q) {
            let old = *p;
            *p = shrink * (*p + a * *q);
            *q = shrink * (*q + a * old);
        }
    }
}

#[inline(always)]
fn product(p: &[f32], q: &[f32]) -> f32 {
    let (p_groups, p_rest) = p.as_chunks::<4>();
    let (q_groups, q_rest) = q.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (p, q) in p_groups.iter().zip(q_groups) {
        for k in 0..4 {
            sums[k] += p[k] * q[k];
        }
    }
    let rest: f32 = p_rest.iter().zip(q_rest).map(|(p, q)| p * q).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
