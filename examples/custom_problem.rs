//! A sum of one's own under every way of sharing the weights: `cargo run --release --example custom_problem`.
//!
//! Players have a strength each, which here is that of the one before and 0.02; a game's term is -ln(probability of its
//! outcome), 1/(1 + e^(loser - winner)).

use std::ops::Range;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use wildsgd::params::{Real, Weights};
use wildsgd::problem::{Problem, Prox};
use wildsgd::train::{Settings, Sharing, minimize};

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
    fn apply<W: Weights>(&self, i: usize, a: Option<W::Real>, share: W::Real, p: &impl Prox<W::Real>, w: &W) {
        for (player, sign) in self.0[i].into_iter().zip([W::Real::ONE, -W::Real::ONE]) {
            w.update(player, |x| p.shrunk(x + sign * share * a.unwrap_or_default(), player));
        }
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
    for sharing in Sharing::ALL {
        let settings = Settings { sharing, threads: 4, ..Settings::default() };
        let fit = minimize::<_, f32>(&league, &settings, None, &mut |_| ())?;
        println!("{sharing:?}: loss {:.5} after {} epochs", fit.objective, fit.epochs.len());
        assert!((fit.weights[150] - fit.weights[50] - 2.0).abs() < 0.4, "players who are 2 apart");
    }
    Ok(())
}
