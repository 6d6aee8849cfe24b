//! Piecewise linear-quadratic functions of a score under the interior-point method: dual variables
//! inside their intervals, and multipliers that keep them there.
//!
//! A piece at score s is the maximum over all a from `low` to `high` of a*z - bend*a^2/2, where z =
//! target - s. At the maximum
//!
//! ```text
//! z - bend*a = up - down,   up*(high - a) = 0,   down*(a - low) = 0,   up, down >= 0
//! ```
//!
//! The method keeps both products, times the factor of the piece in the objective, at about mu,
//! which it lets fall to 0.

use crate::problem::Piece;

/// Pieces, each of one score, with their dual variables. An end at infinity has no multiplier.
pub(super) struct Pieces {
    /// Pieces of each score.
    per_score: usize,
    pieces: Vec<Piece>,
    /// Factor of each piece in the objective.
    shares: Vec<f64>,
    states: Vec<State>,
}

/// The dual variable of a piece. Its distances from both ends are kept as numbers of their own:
/// near an end, a difference would be rounding.
#[derive(Clone, Copy, Debug)]
struct State {
    dual: f64,
    above: End,
    below: End,
    /// Change of the dual variable per change of z.
    response: f64,
    /// What the condition on z lacks at the current multipliers.
    rest: f64,
    /// What z lacks: at unchanged scores, the variable changes by `response * pull`.
    pull: f64,
}

/// An end of the interval of a dual variable.
#[derive(Clone, Copy, Debug)]
struct End {
    /// Distance of the variable from it; infinite if there is no end.
    room: f64,
    /// Its multiplier; 0 if there is no end.
    force: f64,
    /// What the product of both lacks.
    lack: f64,
}

/// A change of all dual variables and multipliers.
pub(super) struct PiecesStep {
    /// Changes of the dual variable, and of the multipliers `up` and `down`.
    changes: Vec<[f64; 3]>,
}

/// The products of distances and multipliers: together, and how many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Products {
    pub sum: f64,
    pub count: f64,
}

impl Products {
    pub fn join(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// Returns the mean product; `None` if there are none.
    pub fn mean(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

impl Pieces {
    /// Creates `per_score` pieces for each of `scores`, with the factors `shares`, one a score, and
    /// products of about `mu`, above 0, over the share. Those without a share stay as they are.
    pub fn new(
        per_score: usize,
        pieces: Vec<Piece>,
        shares: &[f64],
        scores: &[f64],
        mu: f64,
    ) -> Self {
        let state = |(k, piece): (usize, &Piece)| {
            let share: f64 = shares[k / per_score];
            let mu = if share > 0.0 { mu / share } else { 1.0 };
            State::new(*piece, scores[k / per_score], mu)
        };
        let states = pieces.iter().enumerate().map(state).collect();
        let shares = (0..pieces.len()).map(|k| shares[k / per_score]).collect();
        Pieces { per_score, pieces, shares, states }
    }

    /// Returns the products of distances, multipliers and shares.
    pub fn products(&self) -> Products {
        let mut products = Products::default();
        for (state, share) in self.states.iter().zip(&self.shares) {
            if *share == 0.0 {
                continue;
            }
            for end in [state.above, state.below] {
                if end.room.is_finite() {
                    products.sum += share * end.room * end.force;
                    products.count += 1.0;
                }
            }
        }
        products
    }

    /// Returns the products after a step of length `t`.
    pub fn products_after(&self, step: &PiecesStep, t: f64) -> Products {
        let mut products = Products::default();
        for ((state, share), change) in self.states.iter().zip(&self.shares).zip(&step.changes) {
            if *share == 0.0 {
                continue;
            }
            let [dual, up, down] = change.map(|change| t * change);
            for (end, room, force) in [(state.above, -dual, up), (state.below, dual, down)] {
                if end.room.is_finite() {
                    products.sum += share * (end.room + room) * (end.force + force);
                    products.count += 1.0;
                }
            }
        }
        products
    }

    /// Linearizes the conditions at `scores`, with products of `mu` over the share. If a step is
    /// given, its products of changes are taken into account, times a factor.
    pub fn linearize(&mut self, scores: &[f64], mu: f64, predicted: Option<(&PiecesStep, f64)>) {
        for (k, (state, piece)) in self.states.iter_mut().zip(&self.pieces).enumerate() {
            if self.shares[k] == 0.0 {
                continue;
            }
            let mu = mu / self.shares[k];
            let [above, below] = predicted.map_or([0.0; 2], |(step, part)| {
                let [dual, up, down] = step.changes[k];
                [part * dual * up, part * dual * down]
            });
            state.above.aim(mu + above);
            state.below.aim(mu - below);
            let stiffness = piece.bend + state.above.stiffness() + state.below.stiffness();
            state.response = 1.0 / stiffness;
            let z = piece.target - scores[k / self.per_score];
            state.rest = z - piece.bend * state.dual - state.above.force + state.below.force;
            state.set_pull();
        }
    }

    /// Aims at other products where a step of length `t` would leave some far from `mu` over the
    /// share (Gondzio, Computational Optimization and Applications 1996).
    pub fn center(&mut self, step: &PiecesStep, t: f64, mu: f64) {
        for ((state, share), change) in self.states.iter_mut().zip(&self.shares).zip(&step.changes)
        {
            if *share == 0.0 {
                continue;
            }
            let mu = mu / share;
            let [dual, up, down] = change.map(|change| t * change);
            state.above.center(-dual, up, mu);
            state.below.center(dual, down, mu);
            state.set_pull();
        }
    }

    /// Adds the curvatures of the scores to `curvatures`, and to `duals` the dual variables times
    /// `part` plus what a step at unchanged scores would add to them, both weighted by the shares.
    pub fn add_to(&self, part: f64, curvatures: &mut [f64], duals: &mut [f64]) {
        for (k, (state, share)) in self.states.iter().zip(&self.shares).enumerate() {
            curvatures[k / self.per_score] += share * state.response;
            duals[k / self.per_score] += share * (part * state.dual + state.response * state.pull);
        }
    }

    /// Returns the step that belongs to changes of the scores.
    pub fn step(&self, moves: &[f64]) -> PiecesStep {
        let change = |(k, state): (usize, &State)| {
            if self.shares[k] == 0.0 {
                return [0.0; 3];
            }
            let dual = state.response * (state.pull - moves[k / self.per_score]);
            let up = (state.above.lack + state.above.force * dual) / state.above.room;
            let down = (state.below.lack - state.below.force * dual) / state.below.room;
            [dual, up, down]
        };
        PiecesStep { changes: self.states.iter().enumerate().map(change).collect() }
    }

    /// Returns the length of the longest step along which all distances and multipliers stay at 0
    /// or above; may be infinite.
    pub fn longest(&self, step: &PiecesStep) -> f64 {
        let mut longest = f64::INFINITY;
        for (state, &[dual, up, down]) in self.states.iter().zip(&step.changes) {
            for (number, change) in [
                (state.above.room, -dual),
                (state.below.room, dual),
                (state.above.force, up),
                (state.below.force, down),
            ] {
                if change < 0.0 {
                    longest = longest.min(number / -change);
                }
            }
        }
        longest
    }

    /// Takes a step of length `t`.
    pub fn advance(&mut self, step: &PiecesStep, t: f64) {
        for ((state, piece), change) in self.states.iter_mut().zip(&self.pieces).zip(&step.changes)
        {
            let [dual, up, down] = change.map(|change| t * change);
            state.above.room -= dual;
            state.below.room += dual;
            state.above.force += up;
            state.below.force += down;
            state.dual = match state.above.room < state.below.room {
                true => piece.high - state.above.room,
                false if state.below.room.is_finite() => piece.low + state.below.room,
                false => state.dual + dual,
            };
        }
    }

    /// Adds the dual variables of each score to `duals`, without the shares.
    pub fn add_duals(&self, duals: &mut [f64]) {
        for (k, state) in self.states.iter().enumerate() {
            duals[k / self.per_score] += state.dual;
        }
    }
}

impl State {
    fn new(piece: Piece, score: f64, mu: f64) -> Self {
        let z = piece.target - score;
        let Piece { low, high, bend, .. } = piece;
        let dual = match (low.is_finite(), high.is_finite()) {
            (true, true) => low + (high - low) / 2.0,
            (true, false) => low + (z / bend - low).max(0.0) + (mu / bend).sqrt(),
            (false, true) => high - (high - z / bend).max(0.0) - (mu / bend).sqrt(),
            (false, false) => z / bend,
        };
        let rest = z - bend * dual;
        let (above, below) = (End::new(high - dual), End::new(dual - low));
        let mut state = State { dual, above, below, response: 0.0, rest: 0.0, pull: 0.0 };
        match (low.is_finite(), high.is_finite()) {
            (true, true) => {
                // Both products are at least mu, and up - down is what the conditions want.
                let least = mu / (high - dual);
                state.above.force = rest.max(0.0) + least;
                state.below.force = (-rest).max(0.0) + least;
            }
            (true, false) => state.below.force = -rest,
            (false, true) => state.above.force = rest,
            (false, false) => {}
        }
        state
    }

    fn set_pull(&mut self) {
        self.pull = self.rest - self.above.offer() + self.below.offer();
    }
}

/// Products between the first and the second multiple of the aim are near enough.
const CENTRAL: (f64, f64) = (0.1, 10.0);

impl End {
    fn new(room: f64) -> Self {
        End { room, force: 0.0, lack: 0.0 }
    }

    /// Sets what the product lacks of `product`.
    fn aim(&mut self, product: f64) {
        self.lack = if self.room.is_finite() { product - self.force * self.room } else { 0.0 };
    }

    /// Corrects the aim by what these changes would leave outside of [`CENTRAL`].
    fn center(&mut self, room: f64, force: f64, mu: f64) {
        if self.room.is_finite() {
            let product = (self.room + room) * (self.force + force);
            let (least, most) = (CENTRAL.0 * mu, CENTRAL.1 * mu);
            self.lack += (product.clamp(least, most) - product).max(-most);
        }
    }

    fn stiffness(self) -> f64 {
        self.force / self.room
    }

    fn offer(self) -> f64 {
        self.lack / self.room
    }
}
