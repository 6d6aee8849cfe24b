//! Minimizes a sum of your own with every strategy: `cargo run --release --example custom_problem`.
//!
//! Each player has a strength, 0.02 more than the player before. The term of a game is
//! -ln(probability of its outcome), which is 1/(1 + e^(loser - winner)).

use std::ops::{ControlFlow, Range};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use wildsgd::params::{Real, Weights};
use wildsgd::problem::Problem;
use wildsgd::strategy::StrategyKind;
use wildsgd::train::{Settings, minimize};

const PLAYERS: usize = 200;

/// Winner and loser of each game.
struct League(Vec<[usize; 2]>);

impl Problem for League {
    type Step<R: Real> = R;

    fn terms(&self) -> usize {
        self.0.len()
    }

    fn width(&self) -> usize {
        PLAYERS
    }

    fn support(&self, game: usize) -> impl Iterator<Item = usize> {
        let [a, b] = self.0[game];
        [a.min(b), a.max(b)].into_iter()
    }

    fn loss<R: Real>(&self, games: Range<usize>, w: &[R]) -> f64 {
        self.0[games].iter().map(|&[won, lost]| (w[lost] - w[won]).to_f64().exp().ln_1p()).sum()
    }

    fn plan<W: Weights>(&self, game: usize, rate: W::Real, w: &W) -> Option<W::Real> {
        let [won, lost] = self.0[game];
        Some(rate / (W::Real::ONE + (w.get(won) - w.get(lost)).exp()))
    }

    fn apply<W: Weights>(&self, game: usize, step: W::Real, w: &W) {
        let [won, lost] = self.0[game];
        w.update(won, |strength| strength + step);
        w.update(lost, |strength| strength - step);
    }
}

fn main() -> wildsgd::Result<()> {
    let mut random = StdRng::seed_from_u64(1);
    let mut game = || {
        let [a, b] = [0; 2].map(|_| random.random_range(0..PLAYERS));
        let wins = random.random::<f64>() < 1.0 / (1.0 + (0.02 * (b as f64 - a as f64)).exp());
        if wins { [a, b] } else { [b, a] }
    };
    let league = League((0..100_000).map(|_| game()).filter(|[a, b]| a != b).collect());
    for &strategy in StrategyKind::ALL {
        let settings = Settings { strategy, threads: 4, ..Settings::default() };
        let fit = minimize::<_, f32>(&league, &settings, None, &mut |_| ControlFlow::Continue(()))?;
        println!(
            "{}: loss {:.5} after {} epochs",
            strategy.label(),
            fit.objective,
            fit.epochs.len()
        );
        assert!((fit.weights[150] - fit.weights[50] - 2.0).abs() < 0.4, "players who are 2 apart");
    }
    Ok(())
}
