//! The frequency sample: touches of each coordinate, counted on some of the terms.

use crate::memory::filled;
use crate::params::Real;
use crate::strategy::Visit;

/// The number of terms of a sample, the first ones, that touch each coordinate.
///
/// A byte per coordinate, since most are touched a few times, and the first use of memory costs
/// more than the counting.
#[derive(Debug)]
pub(crate) struct FrequencySample {
    /// Number of terms in the sample.
    pub(crate) sample: usize,
    /// One count per coordinate, [`u8::MAX`] if it is that or more.
    few: Vec<u8>,
    /// Those of them with another count than [`u8::MAX`], ascending, with their counts.
    many: Vec<(usize, u32)>,
}

/// Number of terms whose coordinates are looked up at a time.
const TOGETHER: usize = 64;

impl FrequencySample {
    /// Counts touches on the first `sample` terms, or on all if there are fewer.
    pub(crate) fn count<R: Real>(visit: &dyn Visit<R>, sample: usize) -> Self {
        let shape = visit.shape();
        let sample = sample.min(shape.terms);
        let (mut few, mut full) = (filled(0_u8, shape.width), Vec::new());
        let terms: Vec<usize> = (0..sample).collect();
        let mut touched = Vec::new();
        for terms in terms.chunks(TOGETHER) {
            touched.clear();
            visit.support(terms, &mut touched);
            for &j in &touched {
                few[j] = few[j].wrapping_add(1);
                if few[j] == 0 {
                    full.push(j);
                }
            }
        }
        full.sort_unstable();
        let beyond = |equal: &[usize]| {
            (equal[0], (equal.len() << u8::BITS) as u32 + u32::from(few[equal[0]]))
        };
        let mut many: Vec<_> = full.chunk_by(|i, j| i == j).map(beyond).collect();
        many.extend((shape.own()..shape.width).map(|j| (j, sample as u32)));
        many.iter().for_each(|&(j, _)| few[j] = u8::MAX);
        FrequencySample { sample, few, many }
    }

    /// Returns the coordinates that at least `least` terms touch, ascending, with their counts.
    pub(crate) fn at_least(&self, least: u32) -> impl Iterator<Item = (usize, u32)> {
        let least_few = least.min(u8::MAX.into()) as u8;
        let looked_up =
            |j| self.many.binary_search_by_key(&j, |&(j, _)| j).ok().map(|at| self.many[at].1);
        (self.few.iter().enumerate().filter(move |&(_, &few)| few >= least_few))
            .map(move |(j, &few)| {
                (j, if few < u8::MAX { few.into() } else { looked_up(j).unwrap_or(few.into()) })
            })
            .filter(move |&(_, count)| count >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use crate::problem::{Hinge, Linear};
    use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};

    #[test]
    fn few_and_many_touches_are_counted_one_by_one() {
        let counts = [300, 255, 256, 0, 1, 600, 254, 512];
        let mut builder = Builder::default();
        for i in 0..600 {
            counts.iter().zip(0..).filter(|&(&count, _)| i < count).for_each(|(_, j)| {
                builder.entry(j, 1.0);
            });
            builder.end_row(1.0);
        }
        let (data, targets) = (builder.finish(0), vec![1.0; 600]);
        let problem = Linear::new(&data, &targets, Hinge, Some(1.0)).unwrap();
        let step = StepSize::new(1.0, Schedule::Constant);
        let visit: Sgd<_, f32> = Sgd::new(&problem, Penalty::default(), step, true);
        // The bias, which every term touches, comes last.
        for (sample, bias) in [(1_000, 600), (400, 400), (100, 100)] {
            let frequencies = FrequencySample::count(&visit, sample);
            assert_eq!(frequencies.sample, bias as usize);
            for least in [0, 1, 2, 100, 254, 255, 256, 257, 600] {
                let counts = counts.iter().map(|&count| bias.min(count)).chain([bias]);
                let wanted: Vec<_> =
                    counts.enumerate().filter(|&(_, count)| count >= least).collect();
                let found: Vec<_> = frequencies.at_least(least).collect();
                assert_eq!(found, wanted, "{sample} {least}");
            }
        }
    }
}
